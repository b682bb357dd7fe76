//! The guarantees, each by its name. They hold together; other files look at each more closely.

use std::cell::RefCell;
use std::rc::Rc;

use super::support::*;

const MESSAGES: u32 = 200;

fn message(n: u32) -> Message {
    let mut message = Message::from(n.to_be_bytes());
    message.push_back(vec![n as u8; (n as usize * 97) % 3_000]);
    message
}

/// Cuts the connection again and again while `work` goes on.
fn cut_meanwhile(sim: &Sim, seed: u64) -> sim::JoinHandle<()> {
    let network = sim.network();
    let mut random = fastrand::Rng::with_seed(seed);
    sim::spawn(async move {
        for _ in 0..20 {
            sim::sleep(ms(random.u64(1..40))).await;
            if let Some(link) = network.links().first() {
                let direction = DIRECTIONS[random.usize(..2)];
                let after = link.direction(direction).delivered + random.u64(..5_000);
                network.cut_after(link.id, direction, after, CUTS[random.usize(..3)]);
            }
        }
    })
}

/// Numbered messages through cuts: what arrived, and the accounts of both ends at every step.
fn through_cuts(seed: u64, mut at_every_step: impl FnMut(&SocketStats, &SocketStats)) -> Vec<u32> {
    let sim = quick_network(seed);
    sim.block_on(async {
        let pull = Pull::bind_with_options(SERVER, quick()).await.unwrap();
        let push = Push::connect_with_reconnect_and_options(SERVER, quick()).await.unwrap();
        let cutting = cut_meanwhile(&sim, seed);
        let received = Rc::new(RefCell::new(Vec::new()));
        let (receiver, got) = (pull.clone(), Rc::clone(&received));
        sim::spawn(async move {
            while let Ok(arrived) = receiver.recv().await {
                let n = number(&arrived);
                assert!(arrived == message(n), "message {n} is whole");
                got.borrow_mut().push(n);
            }
        });
        for n in 0..MESSAGES {
            push.send(message(n)).await.unwrap();
            at_every_step(&push.stats(), &pull.stats());
            sim::sleep(ms(2)).await;
        }
        cutting.await.unwrap();
        push.flush().await.unwrap();
        sim::sleep(secs(2)).await;
        at_every_step(&push.stats(), &pull.stats());
        received.take()
    })
}

#[test]
fn messages_arrive_whole_or_not_at_all_in_order_and_never_twice() {
    for seed in 0..20 {
        let mut received = through_cuts(seed, |_, _| {});
        let out_of_order = received.windows(2).filter(|pair| pair[0] > pair[1]).count();
        assert!(out_of_order <= 20, "in order but where a connection ends: {received:?}");
        received.sort_unstable();
        assert!(received.windows(2).all(|pair| pair[0] < pair[1]), "twice: {received:?}");
        assert!(
            received.len() > MESSAGES as usize / 10,
            "what was cut in silence is in doubt, the rest is there"
        );
    }
}

#[test]
fn accepted_is_sent_and_queued_and_dropped_and_doubt_is_counted() {
    for seed in 0..20 {
        let mut last = (0, 0, 0);
        let received = through_cuts(seed, |push, pull| {
            assert_balanced(push);
            assert_balanced(pull);
            last = (push.sent, push.in_doubt, push.dropped_total());
        });
        let (sent, in_doubt, dropped) = last;
        assert_eq!((sent, dropped), (u64::from(MESSAGES), 0));
        assert!(
            received.len() as u64 >= sent - in_doubt,
            "{} of {sent}, {in_doubt} in doubt",
            received.len()
        );
    }
}

/// Bytes queued at either end, whatever the other does; the heap itself is measured in `tests/heap.rs`.
#[test]
fn memory_is_bounded_whatever_the_peers_do() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let budget = SemaphorePermits::new(50_000);
        let mut listener = sim::raw_listen(SERVER).await.unwrap();
        let options = without_heartbeats().with_send_hwm_bytes(20_000).with_recv_hwm_bytes(20_000);
        let mut sockets = Vec::new();
        let mut peers = Vec::new();
        for _ in 0..4 {
            let connecting = Dealer::connect_with_reconnect_and_options(SERVER, options.clone());
            sockets.push(connecting.await.unwrap().with_permits(budget.clone()));
            let mut peer = listener.accept().await.unwrap();
            shake(&mut peer, "DEALER").await;
            peers.push(peer);
        }
        sim::sleep(ms(10)).await;
        for peer in &peers {
            sim.network().set_capacity(peer.link(), Direction::ToServer, 0);
        }
        for socket in &sockets {
            while socket.try_send(vec![0; 999]).is_ok() {}
            assert!(socket.buffered_bytes() <= 20_000);
        }
        let queued: usize = sockets.iter().map(|socket| socket.buffered_bytes()).sum();
        assert!(queued <= 50_000 && queued > 45_000, "{queued}");
        // They send without end, and nobody receives.
        for (peer, socket) in peers.iter_mut().zip(&sockets) {
            let flood = async {
                loop {
                    peer.write_all(&[&b"\x00\xFF"[..], &[7; 255]].concat()).await.unwrap();
                }
            };
            assert!(sim::timeout(secs(1), flood).await.is_err(), "pushed back");
            let held: usize = socket.stats().peers.iter().map(|peer| peer.recv_queued_bytes).sum();
            assert!(held <= 20_000 + 255 + Frame::COST, "{held}");
        }
    });
}

/// Every call, in both modes, on every runtime: `tests/suite/dropped.rs`. Here `send`, at every poll.
#[test]
fn any_future_may_be_dropped_at_any_await_point() {
    for polls in 0..20 {
        let sim = Sim::new(polls);
        sim.block_on(async {
            let (push, pull) = pipeline(without_heartbeats().with_send_hwm(1), without_heartbeats()).await;
            let link = sim.network().links()[0].id;
            sim.network().set_capacity(link, Direction::ToServer, 0);
            push.send(message(0)).await.unwrap();
            let turn = || sim::sleep(ms(1));
            let sent = crate::dropping::poll_times(push.send(message(1)), polls as usize, turn).await;
            sim.network().set_capacity(link, Direction::ToServer, 100_000);
            push.send(message(2)).await.unwrap();
            assert!(sent.is_none(), "there was no room");
            for n in [0, 2] {
                assert!(pull.recv().await.unwrap() == message(n));
            }
            assert_eq!(push.stats().accepted, 2);
        });
    }
}

/// Random and damaged sessions: `tests/sim/hostile.rs`. Here the same byte, all of them, for ever.
#[test]
fn bytes_from_a_peer_cannot_panic_wedge_or_grow_the_process() {
    for byte in 0..=255 {
        let sim = Sim::new(1);
        sim.block_on(async {
            let pull = Pull::bind_with_options(SERVER, quick()).await.unwrap();
            for handshake in [false, true] {
                let mut peer = sim::raw_connect(SERVER).await.unwrap();
                if handshake {
                    shake(&mut peer, "PUSH").await;
                }
                for _ in 0..100 {
                    if peer.write_all(&[byte; 1_000]).await.is_err() {
                        break;
                    }
                    while pull.try_recv().is_ok() {}
                }
            }
            sim::sleep(secs(5)).await;
            while pull.try_recv().is_ok() {}
            sim::sleep(secs(5)).await;
            assert_eq!((pull.stats().peers.len(), sim.tasks(), sim.network().links().len()), (0, 1, 0));
            let push = Push::connect_with_options(SERVER, quick()).await.unwrap();
            push.send("still there").await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0], "still there");
        });
    }
}

#[test]
fn a_slow_dead_or_hostile_peer_costs_the_others_nothing() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let waits = quick().with_send_hwm(10).with_router_mandatory(true);
        let router = Router::bind_with_options(SERVER, waits).await.unwrap();
        let good = Dealer::connect_with_options(SERVER, quick().with_identity("good")).await.unwrap();
        let slow = Dealer::connect_with_options(SERVER, quick().with_identity("slow")).await.unwrap();
        let dead = Dealer::connect_with_options(SERVER, quick().with_identity("dead")).await.unwrap();
        router.wait_for_peers(3).await.unwrap();
        let links = sim.network().links();
        sim.network().set_capacity(links[1].id, Direction::ToClient, 0);
        sim.network().cut(links[2].id, Cut::Silence);
        let mut hostile = sim::raw_connect(SERVER).await.unwrap();
        shake(&mut hostile, "DEALER").await;
        let mut waiting = Vec::new();
        for name in ["slow", "dead"] {
            let router = router.clone();
            waiting.push(sim::spawn(async move { while router.send_to(name, [0; 500]).await.is_ok() {} }));
        }
        let begun = sim.elapsed();
        for n in 0..1_000_u32 {
            let _ = hostile.write_all(b"\x01\x00").await;
            router.send_to("good", n.to_be_bytes()).await.unwrap();
            good.send(good.recv().await.unwrap()).await.unwrap();
            assert_eq!(number(&router.recv_from().await.unwrap().1), n);
        }
        assert!(sim.elapsed() - begun < secs(5), "{:?}", sim.elapsed() - begun);
        drop((slow, dead));
    });
}

/// That no lock is held across an await, `tests/auto_traits.rs` shows: a guard is not `Send`.
#[test]
fn nobody_wakes_up_when_idle_but_for_heartbeats() {
    let sim = Sim::new(1);
    let kept = sim.block_on(async {
        let (push, pull) = pipeline(without_heartbeats(), without_heartbeats()).await;
        let router = Router::bind("tcp://other:1").await.unwrap();
        let dealer = Dealer::connect("tcp://other:1").await.unwrap();
        sim::sleep(secs(60)).await;
        (push, pull, router, dealer)
    });
    let before = sim.polls();
    sim.advance(secs(3_600));
    // Two ends, a PING and a PONG each every 15 s, and a look at whether they came.
    let polls = sim.polls() - before;
    assert!(polls <= 2 * 3_600 / 15 * 8, "{polls}");
    drop(kept);
}
