//! Messages that peers do not take: they cost so many connections, and then what is behind them goes on.

use super::support::*;
use monocoque::options::ReconnectStop;

type Pair = monocoque::socket::PairSocket<SimStream>;
type Rep = monocoque::socket::RepSocket<SimStream>;

const MIB: usize = 1024 * 1024;

/// No message of these fits into what is under way.
fn narrow() -> Sim {
    let links = Plan::new().with_give_up(ms(200)).with_capacity(Direction::ToServer, 100_000);
    Sim::with_config(1, SimConfig::new().with_links(links))
}

fn modest() -> SocketOptions {
    without_heartbeats().with_max_message_size(MIB)
}

fn too_large() -> Message {
    vec![0; 4 * MIB].into()
}

/// `$sender` sends something, something that `$receiver` refuses, and something again.
macro_rules! refuse {
    ($sender:ident, $receiver:ident, $payload:expr) => {
        narrow().block_on(async {
            let receiver = $receiver::bind_with_options(SERVER, modest()).await.unwrap();
            let sender = $sender::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
            let mut monitor = sender.monitor();
            sender.send("first").await.unwrap();
            sender.send(too_large()).await.unwrap();
            sender.send("last").await.unwrap();
            for expected in ["first", "last"] {
                assert_eq!(receiver.recv().await.unwrap()[$payload], expected);
            }
            let count = event(&mut monitor, |event| match event {
                SocketEvent::MessagesDropped { cause: DropCause::Refused, count, .. } => Some(*count),
                _ => None,
            })
            .await;
            let stats = sender.stats();
            assert_eq!((count, stats.dropped(DropCause::Refused), stats.dropped_total()), (1, 1, 1));
            assert_balanced(&stats);
            // Not the first message on the first of them, and on three more it was.
            assert_eq!(receiver.stats().connects, 5);
        })
    };
}

#[test]
fn what_is_behind_a_refused_message_goes_on() {
    refuse!(Push, Pull, 0);
    refuse!(Dealer, Router, 1);
    refuse!(Pair, Pair, 0);
}

#[test]
fn a_refused_request_fails_its_recv() {
    for resend in [false, true] {
        narrow().block_on(async {
            let rep = Rep::bind_with_options(SERVER, modest()).await.unwrap();
            let options = without_heartbeats().with_req_resend(resend);
            let req = Req::connect_with_options(SERVER, options).await.unwrap();
            req.send(too_large()).await.unwrap();
            assert!(matches!(req.recv().await.unwrap_err(), Error::PeerLost));
            assert_eq!(req.stats().dropped(DropCause::Refused), 1);
            assert_eq!(rep.stats().connects, 3);
            req.send("small").await.unwrap();
            assert_eq!(rep.recv().await.unwrap()[0], "small");
            rep.send("reply").await.unwrap();
            assert_eq!(req.recv().await.unwrap()[0], "reply");
        });
    }
}

/// A request that is sent again because its peer was lost has been written whole each time.
#[test]
fn a_request_that_ends_its_servers_is_given_up() {
    Sim::new(1).block_on(async {
        let mut listener = sim::raw_listen(SERVER).await.unwrap();
        let options = without_heartbeats().with_req_resend(true).with_max_resends(5);
        let req = Req::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
        req.send("poison").await.unwrap();
        let servers = sim::spawn(async move {
            let mut served = 0;
            while let Ok(accepted) = sim::timeout(secs(60), listener.accept()).await {
                let mut peer = accepted.unwrap();
                shake(&mut peer, "REP").await;
                frame(&mut peer).await;
                assert_eq!(frame(&mut peer).await.1, b"poison");
                served += 1;
                if served == 5 {
                    break;
                }
            }
            served
        });
        assert!(matches!(req.recv().await.unwrap_err(), Error::PeerLost));
        assert_eq!(servers.await.unwrap(), 5);
    });
}

/// For those who would rather wait than lose anything: until the receiver takes it.
#[test]
fn without_a_limit_a_message_waits_for_a_peer_that_takes_it() {
    let sim = narrow();
    sim.block_on(async {
        let modest_pull = Pull::bind_with_options(SERVER, modest()).await.unwrap();
        let options = without_heartbeats().with_max_resends(None);
        let push = Push::connect_with_options(SERVER, options).await.unwrap();
        push.send(too_large()).await.unwrap();
        push.send("last").await.unwrap();
        sim::sleep(secs(600)).await;
        let stats = push.stats();
        assert_eq!((stats.queued, stats.dropped_total()), (2, 0));
        modest_pull.close().await;
        sim::sleep(ms(1)).await;
        let pull = Pull::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0].len(), 4 * MIB);
        assert_eq!(pull.recv().await.unwrap()[0], "last");
    });
}

/// A dead link says nothing about the message that was on it.
#[test]
fn links_that_go_silent_are_no_refusals() {
    let sim = narrow();
    sim.block_on(async {
        let pull = Pull::bind_with_options(SERVER, quick()).await.unwrap();
        let plan = Plan::new().with_give_up(ms(200)).with_capacity(Direction::ToServer, 100_000);
        sim.network().on_every_connect(plan.cut_after(Direction::ToServer, 200_000, Cut::Silence));
        let push = Push::connect_with_options(SERVER, quick()).await.unwrap();
        push.send(vec![1; MIB]).await.unwrap();
        sim::sleep(secs(10)).await;
        assert!(pull.stats().connects > 5, "{} connections", pull.stats().connects);
        sim.network().on_every_connect(Plan::new());
        assert_eq!(pull.recv().await.unwrap()[0].len(), MIB);
        assert_eq!(push.stats().dropped_total(), 0);
    });
}

/// A receiver that restarts in the middle of one message after the other: each has others before it.
#[test]
fn restarts_are_no_refusals() {
    for cut in [Cut::Fin, Cut::Reset] {
        let sim = narrow();
        sim.block_on(async {
            let pull = Pull::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
            sim.network().on_every_connect(Plan::new().cut_after(Direction::ToServer, 250_000, cut));
            let options = without_heartbeats().with_backoff(Backoff::new().with_max(ms(100)));
            let push = Push::connect_with_options(SERVER, options).await.unwrap();
            let sending = push.clone();
            sim::spawn(async move {
                for n in 0..20_u8 {
                    sending.send(vec![n; 100_000]).await.unwrap();
                }
            });
            let mut last = None;
            while last != Some(19) {
                last = pull.recv().await.unwrap()[0].first().copied();
            }
            assert!(pull.stats().connects > 5, "{} connections", pull.stats().connects);
            assert_eq!(push.stats().dropped_total(), 0);
        });
    }
}

/// The socket's own greeting is the first message of every connection, and not what is refused.
#[test]
fn greetings_are_neither_to_blame_nor_kept() {
    narrow().block_on(async {
        let router = Router::bind_with_options(SERVER, modest()).await.unwrap();
        let options = without_heartbeats().with_probe_router(true).with_hello_message("hello");
        let dealer = Dealer::connect_with_options(SERVER, options).await.unwrap();
        dealer.send(too_large()).await.unwrap();
        dealer.send("last").await.unwrap();
        let mut greetings = 0;
        loop {
            let message = router.recv().await.unwrap();
            if message[1] == "last" {
                break;
            }
            assert!(message[1].is_empty() || message[1] == "hello");
            greetings += 1;
        }
        assert_eq!(greetings, 2 * router.stats().connects, "each time both, in front of all else");
        assert_eq!((dealer.stats().dropped(DropCause::Refused), router.stats().connects), (1, 4));
    });
}

/// Refusals of a message are no failed handshakes, which some give up after.
#[test]
fn a_refused_message_does_not_end_the_reconnection() {
    narrow().block_on(async {
        let pull = Pull::bind_with_options(SERVER, modest()).await.unwrap();
        let stop = ReconnectStop::new().on_handshake_failure();
        let options = without_heartbeats().with_reconnect_stop(stop);
        let push = Push::connect_with_options(SERVER, options).await.unwrap();
        push.send(too_large()).await.unwrap();
        push.send("last").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "last");
    });
}
