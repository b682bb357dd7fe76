//! A connection that is cut at every single byte of a session, in both directions, in three ways.

use std::cell::RefCell;
use std::rc::Rc;

use monocoque::runtime::sim::SimRuntime;
use monocoque::runtime::{AsyncStream, LayeredStream};
use monocoque::socket::{DealerSocket, Host, PullSocket, PushSocket, RouterSocket};

use super::support::*;
use crate::veil::Veil;

/// With a layer upon it, which has a handshake and records of its own.
type Veiled = LayeredStream<SimRuntime, Veil>;

const BATCH: u32 = 5;

/// In one frame, in several with an empty one, and in a long frame.
fn message(n: u32) -> Message {
    let number = n.to_be_bytes();
    match n % 3 {
        0 => Message::from(number),
        1 => [&number[..], b"", b"three"].into_iter().map(Bytes::copy_from_slice).collect(),
        _ => Message::from([&number[..], &[7; 260]].concat()),
    }
}

/// Takes what has come, and checks that it is whole, in order and new.
fn take(received: &mut Vec<u32>, got: &Message) {
    let n = number(got);
    assert!(*got == message(n), "message {n} is whole: {got:?}");
    assert!(received.last().is_none_or(|last| *last < n), "{n} after {received:?}");
    received.push(n);
}

fn take_all(received: &mut Vec<u32>, next: impl Fn() -> Result<Message>) {
    while let Ok(got) = next() {
        take(received, &got);
    }
}

/// How many bytes went each way on the first connection before the last messages were sent.
type Traffic = [u64; 2];

fn traffic(sim: &Sim) -> Traffic {
    let link = sim.network().links().first().cloned().unwrap();
    DIRECTIONS.map(|direction| link.direction(direction).delivered)
}

fn push_pull<S: AsyncStream<Runtime: Host<S>>>(plan: Plan) -> Traffic {
    push_pull_between::<S>([quick(), quick()], plan)
}

/// With the options of the side that binds, and of the one that connects.
fn push_pull_between<S: AsyncStream<Runtime: Host<S>>>(
    [server, client]: [SocketOptions; 2],
    plan: Plan,
) -> Traffic {
    let sim = quick_network(1);
    sim.network().on_next_connect(plan);
    sim.block_on(async {
        let pull = PullSocket::<S>::bind_with_options(SERVER, server).await.unwrap();
        let push = PushSocket::<S>::connect_with_reconnect_and_options(SERVER, client).await.unwrap();
        let mut received = Vec::new();
        for n in 0..BATCH {
            push.send(message(n)).await.unwrap();
            sim::sleep(ms(1)).await;
            take_all(&mut received, || pull.try_recv());
        }
        // Idle, with heartbeats.
        sim::sleep(ms(400)).await;
        let traffic = sim.network().links().first().map(|_| traffic(&sim));
        sim::sleep(ms(600)).await;
        push.send(message(BATCH)).await.unwrap();
        push.flush().await.unwrap();
        sim::sleep(ms(10)).await;
        take_all(&mut received, || pull.try_recv());

        assert_eq!(received.last(), Some(&BATCH), "traffic goes on");
        let (sender, receiver) = (push.stats(), pull.stats());
        assert_balanced(&sender);
        assert_balanced(&receiver);
        assert_eq!((sender.accepted, sender.queued), (u64::from(BATCH) + 1, 0));
        assert_eq!(sender.dropped_total(), 0, "what was not sent survived");
        assert!(receiver.delivered >= sender.sent - sender.in_doubt, "{sender:?}\n{receiver:?}");
        assert_eq!(receiver.delivered, received.len() as u64);
        assert_eq!((push.peers().len(), pull.peers().len()), (1, 1));
        traffic.unwrap_or_default()
    })
}

fn dealer_router<S: AsyncStream<Runtime: Host<S>>>(plan: Plan) -> Traffic {
    let sim = quick_network(2);
    sim.network().on_next_connect(plan);
    sim.block_on(async {
        let router = RouterSocket::<S>::bind_with_options(SERVER, quick()).await.unwrap();
        let options = quick().with_identity("dealer");
        let dealer = DealerSocket::<S>::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
        let requests = Rc::new(RefCell::new(Vec::new()));
        let (echo, seen) = (router.clone(), Rc::clone(&requests));
        sim::spawn(async move {
            while let Ok((identity, message)) = echo.recv_from().await {
                take(&mut seen.borrow_mut(), &message);
                // A reply to a connection that was cut is dropped.
                echo.send_to(identity, message).await.unwrap();
            }
        });
        let mut replies = Vec::new();
        for n in 0..BATCH {
            dealer.send(message(n)).await.unwrap();
            sim::sleep(ms(1)).await;
            take_all(&mut replies, || dealer.try_recv());
        }
        sim::sleep(ms(400)).await;
        let traffic = sim.network().links().first().map(|_| traffic(&sim));
        sim::sleep(ms(600)).await;
        dealer.send(message(BATCH)).await.unwrap();
        sim::sleep(ms(10)).await;
        take_all(&mut replies, || dealer.try_recv());

        assert_eq!(replies.last(), Some(&BATCH), "traffic goes on");
        assert_eq!(requests.borrow().last(), Some(&BATCH));
        let (client, server) = (dealer.stats(), router.stats());
        assert_balanced(&client);
        assert_balanced(&server);
        assert_eq!((client.queued, client.dropped_total()), (0, 0));
        assert!(server.delivered >= client.sent - client.in_doubt, "{client:?}\n{server:?}");
        assert!(client.delivered >= server.sent - server.in_doubt, "{client:?}\n{server:?}");
        assert_eq!(client.delivered, replies.len() as u64);
        assert_eq!((dealer.peers().len(), router.peers().len()), (1, 1));
        traffic.unwrap_or_default()
    })
}

fn at_every_byte(session: fn(Plan) -> Traffic) {
    at_each(1, session);
}

/// At one byte of so many.
fn at_each(step: usize, session: fn(Plan) -> Traffic) {
    let whole = session(Plan::new());
    assert!(whole.iter().all(|bytes| *bytes > 100), "greeting, READY, heartbeats: {whole:?}");
    for (direction, bytes) in DIRECTIONS.into_iter().zip(whole) {
        for cut in CUTS {
            for at in (0..=bytes).step_by(step) {
                let cut_here =
                    std::panic::catch_unwind(|| session(Plan::new().cut_after(direction, at, cut)));
                assert!(cut_here.is_ok(), "cut by {cut:?} after {at} of {bytes} bytes {direction:?}");
            }
        }
    }
}

/// libzmq#3343, #180, #199, #1588, #1338: the tail of a message went to the next connection, or asserted.
#[test]
fn push_pull_survives_a_cut_at_every_byte() {
    at_every_byte(push_pull::<SimStream>);
}

#[test]
fn dealer_router_survives_a_cut_at_every_byte() {
    at_every_byte(dealer_router::<SimStream>);
}

#[test]
fn a_layer_survives_a_cut_at_every_byte() {
    at_every_byte(push_pull::<Veiled>);
}

/// A connection that says no more at some byte is given up, by the time limits of the handshake and of silence.
#[test]
fn a_layer_survives_a_stall_at_every_byte() {
    let whole = dealer_router::<Veiled>(Plan::new());
    for (direction, bytes) in DIRECTIONS.into_iter().zip(whole) {
        for at in 0..=bytes {
            let session = || dealer_router::<Veiled>(Plan::new().stall_after(direction, at));
            let stalled_here = std::panic::catch_unwind(session);
            assert!(stalled_here.is_ok(), "stalled after {at} of {bytes} bytes {direction:?}");
        }
    }
}

/// What of a sealed message was not sent goes to the next connection sealed for that.
#[cfg(feature = "curve")]
#[test]
fn sealed_messages_survive_cuts() {
    use monocoque::security::{CurveKeypair, CurveSecretKey, allow_keys};

    fn session(plan: Plan) -> Traffic {
        let [server, client] = [1, 2].map(|seed| CurveKeypair::from(CurveSecretKey::from_bytes([seed; 32])));
        let client_options = quick().with_curve_client(server.public_key(), client.clone());
        let server_options = quick().with_curve_server(server, allow_keys([client.public_key()]));
        push_pull_between::<SimStream>([server_options, client_options], plan)
    }
    at_each(7, session);
    session(Plan::new().with_read_chunk(1..=1).with_write_chunk(1..=1));
}

/// The bytes of one message in pieces of one byte each: a frame is never taken for whole before it is.
#[test]
fn one_byte_at_a_time_is_as_good_as_any() {
    let sessions: [fn(Plan) -> Traffic; 4] =
        [push_pull::<SimStream>, dealer_router::<SimStream>, push_pull::<Veiled>, dealer_router::<Veiled>];
    for session in sessions {
        session(Plan::new().with_read_chunk(1..=1).with_write_chunk(1..=1));
    }
}

/// However much stands before it, and whoever else sends meanwhile: the reply counts as soon as it has arrived.
#[test]
fn a_server_that_replies_and_leaves_at_once_has_replied() {
    for (junk, flood) in [(0, 0), (1000, 0), (0, 3000), (1000, 3000)] {
        for recv_hwm in [1, 2, 1000] {
            Sim::new(1).block_on(async {
                let mut listener = sim::raw_listen(SERVER).await.unwrap();
                let options = without_heartbeats().with_recv_hwm(recv_hwm);
                let req = Req::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
                let mut leaving = listener.accept().await.unwrap();
                shake(&mut leaving, "REP").await;
                let mut others = sim::raw_listen("tcp://other:5555").await.unwrap();
                req.connect_to("tcp://other:5555").unwrap();
                let mut other = others.accept().await.unwrap();
                shake(&mut other, "REP").await;
                req.wait_for_peers(2).await.unwrap();
                req.send("question").await.unwrap();
                frame(&mut leaving).await;
                assert_eq!(frame(&mut leaving).await.1, b"question");
                // Nobody asked for these.
                other.write_all(&b"\x01\0\0\x01x".repeat(flood)).await.unwrap();
                let mut reply = b"\0\x01x".repeat(junk);
                reply.extend_from_slice(b"\x01\0\0\x06answer");
                leaving.write_all(&reply).await.unwrap();
                drop(leaving);
                sim::sleep(ms(10)).await;
                assert_eq!(req.recv().await.unwrap()[0], "answer");
                assert_eq!(req.stats().recv_dropped, (junk + flood) as u64);
            });
        }
    }
}
