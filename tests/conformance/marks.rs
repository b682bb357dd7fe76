//! Traps 18 to 21 and 25: high-water marks, CONFLATE, and sends that time out.

use std::time::Duration;

use super::common::*;
use super::rt::{self, *};

/// How many messages a socket takes before it would have to wait.
macro_rules! room {
    ($socket:expr, $message:expr) => {
        (0..20_000).take_while(|_| $socket.try_send($message).is_ok()).count()
    };
}

fn marks(send: usize, recv: usize) -> SocketOptions {
    SocketOptions::default().with_send_hwm(send).with_recv_hwm(recv)
}

#[test]
fn trap_18_a_mark_counts_messages_of_each_peer_and_not_frames() {
    rt::run(async {
        let options = marks(3, 3).with_flush_policy(FlushPolicy::Manual);
        let router = RouterSocket::bind_with_options(ANY, options.clone()).await.unwrap();
        let local = router.local_endpoint().unwrap();
        let one = DealerSocket::connect_with_options(&local, named("one")).await.unwrap();
        let _other = DealerSocket::connect_with_options(&local, named("other")).await.unwrap();
        router.wait_for_peers(2).await.unwrap();
        for peer in ["one", "other"] {
            let frames = Message::from_iter([peer, "a", "b", "", "c", "d"]);
            assert_eq!(room!(router, frames.clone()), 3);
        }
        assert_eq!(router.buffered_messages(), 6);
        router.flush().await.unwrap();
        for _ in 0..3 {
            assert_eq!(one.recv().await.unwrap(), Message::from(["a", "b", "", "c", "d"]));
        }
        // Zero is spelled: no limit.
        assert!(DealerSocket::new(SocketOptions::default().with_send_hwm(0)).is_err());
        let options = options.with_unlimited_send_hwm();
        let push = PushSocket::bind_with_options(ANY, options).await.unwrap();
        let _pull = PullSocket::connect(push.local_endpoint().unwrap()).await.unwrap();
        push.wait_for_peers(1).await.unwrap();
        assert_eq!(room!(push, ""), 20_000);
    });
}

/// libzmq waits until half of a full queue is drained; here one out is one in.
#[test]
fn trap_19_one_message_out_makes_room_for_one() {
    rt::run(async {
        let endpoint = inproc();
        let pull = PullSocket::bind_with_options(&endpoint, marks(10, 10)).await.unwrap();
        let push = PushSocket::connect_with_options(&endpoint, marks(10, 10)).await.unwrap();
        pull.wait_for_peers(1).await.unwrap();
        assert_eq!(room!(push, "x"), 20);
        for _ in 0..100 {
            pull.recv().await.unwrap();
            push.try_send("x").unwrap();
            assert!(matches!(refused(push.try_send("y")), Error::WouldBlock));
        }
        let stats = push.stats();
        assert_eq!((stats.accepted, stats.sent, stats.queued), (120, 100, 20));
    });
}

#[test]
fn trap_20_within_the_process_both_marks_add_up() {
    rt::run(async {
        let unlimited = SocketOptions::default().with_unlimited_send_hwm().with_unlimited_recv_hwm();
        for (sender, receiver, expected) in [
            (marks(2, 1000), marks(1000, 3), 5),
            (marks(1, 1), marks(1, 1), 2),
            (unlimited.clone(), marks(1, 1), 20_000),
            (marks(1, 1), unlimited.clone(), 20_000),
        ] {
            for push_binds in [true, false] {
                let endpoint = inproc();
                let (push, _pull) = if push_binds {
                    let push = PushSocket::bind_with_options(&endpoint, sender.clone()).await.unwrap();
                    (push, PullSocket::connect_with_options(&endpoint, receiver.clone()).await.unwrap())
                } else {
                    let pull = PullSocket::bind_with_options(&endpoint, receiver.clone()).await.unwrap();
                    (PushSocket::connect_with_options(&endpoint, sender.clone()).await.unwrap(), pull)
                };
                push.wait_for_peers(1).await.unwrap();
                assert_eq!(room!(push, "x"), expected);
            }
        }
    });
}

/// Options are given when a socket is opened: a mark that is set too late does not compile.
#[test]
fn trap_21_marks_hold_for_connections_of_any_time() {
    rt::run(async {
        let options = marks(2, 1000).with_flush_policy(FlushPolicy::Manual);
        let push = PushSocket::bind_with_options(ANY, options).await.unwrap();
        let local = push.local_endpoint().unwrap();
        let mut pulls = Vec::new();
        for peers in 1..=3 {
            pulls.push(PullSocket::connect(&local).await.unwrap());
            push.wait_for_peers(peers).await.unwrap();
            assert_eq!(room!(push, "x"), 2);
            assert_eq!(push.buffered_messages(), 2 * peers);
        }
    });
}

/// See the test `conflate` for what it does to each type.
#[test]
fn trap_25_conflate_knows_no_mark_and_keeps_messages_whole() {
    rt::run(async {
        let endpoint = inproc();
        let options = marks(1, 1).with_conflate(true);
        let pull = PullSocket::bind_with_options(&endpoint, options.clone()).await.unwrap();
        let push = PushSocket::connect_with_options(&endpoint, options).await.unwrap();
        push.wait_for_peers(1).await.unwrap();
        for n in 0..50_u8 {
            push.send([vec![n], Vec::new(), vec![n; 100]].into_iter().collect::<Message>()).await.unwrap();
        }
        let last = pull.recv().await.unwrap();
        assert_eq!((last.len(), &last[0][..], last[2].len()), (3, &[49][..], 100));
        assert!(matches!(pull.try_recv(), Err(Error::WouldBlock)));
    });
}

/// SNDTIMEO and RCVTIMEO are the runtime's timeouts: a message is either sent or still ours.
#[test]
fn trap_25_timeouts_lose_nothing() {
    rt::run(async {
        let endpoint = inproc();
        let pull = PullSocket::bind_with_options(&endpoint, marks(1, 1)).await.unwrap();
        let push = PushSocket::connect_with_options(&endpoint, marks(1, 1)).await.unwrap();
        pull.wait_for_peers(1).await.unwrap();
        let brief = Duration::from_millis(1);
        let mut sent = 0_u32;
        for round in 0..20 {
            while rt::timeout(brief, push.send(sent.to_be_bytes())).await.is_some() {
                sent += 1;
            }
            let back = push.try_send("refused").unwrap_err().into_message();
            assert_eq!(back, Message::from("refused"));
            let expected = sent - 2;
            assert_eq!(pull.recv().await.unwrap()[0], expected.to_be_bytes(), "round {round}");
        }
        assert_eq!(push.stats().accepted, u64::from(sent));
        while rt::timeout(brief, pull.recv()).await.is_some() {}
        assert_eq!(pull.stats().delivered, u64::from(sent));
    });
}
