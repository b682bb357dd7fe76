//! What becomes of messages while no peer is connected, and of calls that wait for too long.

use futures_util::future::join;
use futures_util::{SinkExt, StreamExt};

use super::support::*;

async fn alone(policy: WhileDisconnected) -> Push {
    let options = without_heartbeats()
        .with_while_disconnected(policy)
        .with_send_hwm(5)
        .with_backoff(Backoff::new().with_initial(ms(10)).with_max(ms(10)));
    Push::connect_with_reconnect_and_options(SERVER, options).await.unwrap()
}

#[test]
fn messages_wait_up_to_marks_of_their_own() {
    Sim::new(1).block_on(async {
        let bytes = 7 * (5 + Frame::COST);
        let push = alone(WhileDisconnected::QueueUpTo { messages: 10, bytes, max_age: None }).await;
        let accepted = (0..20).take_while(|_| push.try_send([0; 5]).is_ok()).count();
        assert_eq!(accepted, 7);
        let refused = push.try_send([1; 5]).unwrap_err();
        assert!(matches!(refused.error(), Error::WouldBlock));
        let pull = Pull::bind(SERVER).await.unwrap();
        for _ in 0..7 {
            assert_eq!(pull.recv().await.unwrap()[0], [0; 5]);
        }
        assert_balanced(&push.stats());
    });
}

#[test]
fn what_happens_at_the_marks_of_peers_says_nothing_of_their_absence() {
    for on_full in [OnFull::Wait, OnFull::Fail, OnFull::Drop] {
        Sim::new(1).block_on(async {
            let options = without_heartbeats().with_send_hwm(2).with_on_full(on_full);
            let push = Push::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
            push.send_many(["first", "second"]).await.unwrap();
            let pull = async {
                sim::sleep(ms(500)).await;
                Pull::bind(SERVER).await.unwrap()
            };
            let send = async {
                push.send("third").await.unwrap();
                sim::elapsed()
            };
            let (sent, pull) = join(send, pull).await;
            assert!(sent >= ms(500), "{on_full:?}: it waits until somebody is there, and not {sent:?}");
            for expected in ["first", "second", "third"] {
                assert_eq!(pull.recv().await.unwrap()[0], expected);
            }
        });
    }
}

#[test]
fn messages_expire() {
    Sim::new(1).block_on(async {
        let max_age = Some(ms(500));
        let push = alone(WhileDisconnected::QueueUpTo { messages: 10, bytes: 1000, max_age }).await;
        let mut monitor = push.monitor();
        push.send("old").await.unwrap();
        sim::sleep(ms(300)).await;
        push.send("new").await.unwrap();
        sim::sleep(ms(300)).await;
        let dropped = event(&mut monitor, |event| match event {
            SocketEvent::MessagesDropped { cause, count, .. } => Some((*cause, *count)),
            _ => None,
        });
        assert_eq!(dropped.await, (DropCause::Expired, 1));
        assert_eq!((push.buffered_messages(), push.stats().dropped(DropCause::Expired)), (1, 1));
        let pull = Pull::bind(SERVER).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "new");
        assert_balanced(&push.stats());
    });
}

#[test]
fn sending_can_fail_or_wait_instead() {
    Sim::new(1).block_on(async {
        let push = alone(WhileDisconnected::Fail).await;
        let refused = push.send("x").await.unwrap_err();
        assert!(matches!(refused.error(), Error::NotConnected));
        assert_eq!(refused.into_message(), Message::from("x"));

        let waiting = alone(WhileDisconnected::Wait).await;
        assert!(matches!(waiting.try_send("x").unwrap_err().error(), Error::WouldBlock));
        let send = sim::spawn({
            let waiting = waiting.clone();
            async move { waiting.send("y").await.unwrap() }
        });
        sim::sleep(ms(50)).await;
        assert!(!send.is_finished());
        assert_eq!(waiting.buffered_messages(), 0);
        drop(push);
        let pull = Pull::bind(SERVER).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "y");
    });
}

#[test]
fn calls_that_wait_too_long_fail_and_lose_nothing() {
    Sim::new(1).block_on(async {
        let options = without_heartbeats()
            .with_send_hwm(1)
            .with_recv_timeout(Some(ms(70)))
            .with_send_timeout(Some(ms(50)));
        let dealer = Dealer::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
        let begin = sim::now();
        dealer.send("queued").await.unwrap();
        let refused = dealer.send("refused").await.unwrap_err();
        assert!(matches!(refused.error(), Error::Timeout(TimeoutKind::Send)));
        assert_eq!(refused.into_message(), Message::from("refused"));
        assert_eq!(sim::now() - begin, ms(50));
        assert!(matches!(dealer.recv().await.unwrap_err(), Error::Timeout(TimeoutKind::Recv)));
        assert_eq!(sim::now() - begin, ms(120));
        let router = Router::bind(SERVER).await.unwrap();
        let (identity, message) = router.recv_from().await.unwrap();
        assert_eq!(message[0], "queued");
        router.send_to(identity, "reply").await.unwrap();
        assert_eq!(dealer.recv().await.unwrap()[0], "reply");
    });
}

/// Streams and sinks outlive the calls that they stand for: each message has its own limit, and the end of
/// one is not the end of all.
#[test]
fn each_item_of_a_stream_and_a_sink_has_a_limit_of_its_own() {
    Sim::new(1).block_on(async {
        let limited = without_heartbeats().with_recv_timeout(Some(ms(70))).with_send_timeout(Some(ms(50)));
        let mut pull = Pull::bind_with_options(SERVER, limited.clone()).await.unwrap();
        let push = Push::connect(SERVER).await.unwrap();
        for _ in 0..3 {
            let late = async {
                sim::sleep(ms(60)).await;
                push.send("in time").await.unwrap();
            };
            let (item, ()) = futures_util::future::join(pull.next(), late).await;
            assert_eq!(item.unwrap().unwrap()[0], "in time");
        }
        for _ in 0..2 {
            let begin = sim::now();
            let item = pull.next().await.unwrap();
            assert!(matches!(item, Err(Error::Timeout(TimeoutKind::Recv))));
            assert_eq!(sim::now() - begin, ms(70));
        }
        push.send("still there").await.unwrap();
        assert_eq!(pull.next().await.unwrap().unwrap()[0], "still there");

        let mut alone = Push::new(limited).unwrap();
        for _ in 0..2 {
            let begin = sim::now();
            let refused = SinkExt::send(&mut alone, "x".into()).await.unwrap_err();
            assert!(matches!(refused.error(), Error::Timeout(TimeoutKind::Send)));
            assert_eq!(refused.into_message(), Some(Message::from("x")));
            assert_eq!(sim::now() - begin, ms(50));
        }
    });
}

/// What a lost peer was not sent goes to another, where it is conflated with what waits there: it never comes beside it.
#[test]
fn what_a_lost_peer_leaves_is_conflated_with_what_another_has() {
    for endpoint in [SERVER, "ipc:///tmp/conflated.sock", "inproc://conflated"] {
        Sim::new(1).block_on(async {
            let options = without_heartbeats().with_conflate(true).with_flush_policy(FlushPolicy::Manual);
            let push = Push::bind_with_options(endpoint, options).await.unwrap();
            let mut pulls = Vec::new();
            for peers in 1..=2 {
                let one = without_heartbeats().with_recv_hwm(1);
                pulls.push(Pull::connect_with_options(endpoint, one).await.unwrap());
                push.wait_for_peers(peers).await.unwrap();
            }
            // Each has what its mark lets in, or what it has looked at in the process.
            for _ in 0..2 {
                push.send(0_u32.to_be_bytes()).await.unwrap();
            }
            push.flush().await.unwrap();
            sim::sleep(ms(1)).await;
            // One that is encoded or looked at, and one that waits.
            for n in 1..=6_u32 {
                push.send(n.to_be_bytes()).await.unwrap();
            }
            let of_each = push.buffered_messages() / 2;
            assert_eq!(of_each, 2);
            let mut monitor = push.monitor();
            drop(pulls.remove(0));
            disconnection(&mut monitor).await;
            assert_eq!((push.peers().len(), push.buffered_messages()), (1, of_each), "{endpoint}");
            let there = push.buffered_messages() + pulls[0].stats().recv_queued as usize;
            let receive = async {
                let mut left = Vec::new();
                while left.len() < there {
                    left.push(number(&pulls[0].recv().await.unwrap()));
                }
                left
            };
            let (flushed, left) = join(push.flush(), receive).await;
            flushed.unwrap();
            assert_eq!(left.last(), Some(&6), "{endpoint}: {left:?}");
            let stats = push.stats();
            assert_eq!(stats.dropped(DropCause::Conflated), stats.dropped_total(), "{endpoint}: {stats:?}");
            assert_eq!((stats.accepted, stats.queued), (8, 0), "{endpoint}");
            assert_balanced(&stats);
        });
    }
}

/// Nothing else has come meanwhile: the last of what was left is kept for the next peer, and only that.
#[test]
fn the_last_of_what_a_lost_peer_leaves_is_kept() {
    Sim::new(1).block_on(async {
        let options = without_heartbeats().with_conflate(true).with_flush_policy(FlushPolicy::Manual);
        let push = Push::bind_with_options(SERVER, options).await.unwrap();
        let first = Pull::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        push.wait_for_peers(1).await.unwrap();
        for n in 0..3_u32 {
            push.send(n.to_be_bytes()).await.unwrap();
        }
        assert_eq!(push.buffered_messages(), 2);
        let mut monitor = push.monitor();
        drop(first);
        disconnection(&mut monitor).await;
        assert_eq!(push.buffered_messages(), 1);
        let second = Pull::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        push.wait_for_peers(1).await.unwrap();
        push.flush().await.unwrap();
        assert_eq!(number(&second.recv().await.unwrap()), 2);
        assert_eq!((push.stats().sent, push.stats().dropped(DropCause::Conflated)), (1, 2));
        assert_balanced(&push.stats());
    });
}
