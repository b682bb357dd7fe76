//! How connections end, and what becomes of the messages.

use super::name;
use super::rt::{self, *};

async fn pair(name: &str) -> (PushSocket, PullSocket) {
    let pull = PullSocket::bind(name).await.unwrap();
    let push = PushSocket::connect(name).await.unwrap();
    (push, pull)
}

#[test]
fn close_delivers_what_was_sent() {
    rt::run(async {
        let (push, pull) = pair(name!("close")).await;
        for n in 0..100_u8 {
            push.send([n]).await.unwrap();
        }
        assert_eq!(push.close().await, 0);
        let stats = push.stats();
        assert_eq!((stats.accepted, stats.sent, stats.in_doubt), (100, 100, 0));
        for n in 0..100_u8 {
            assert_eq!(pull.recv().await.unwrap()[0], [n]);
        }
        assert!(pull.try_recv().is_err() && pull.peers().is_empty());
        let stats = pull.stats();
        assert_eq!((stats.received, stats.delivered, stats.recv_queued), (100, 100, 0));
    });
}

/// A socket that connects, sends and is dropped before the other side has looked; and one whose name is
/// bound only after that.
#[test]
fn a_sender_need_not_stay() {
    rt::run(async {
        let router = RouterSocket::bind(name!("brief")).await.unwrap();
        for n in 0..10_u8 {
            let options = SocketOptions::default().with_identity(vec![b'a' + n]);
            let dealer = DealerSocket::connect_with_options(name!("brief"), options).await.unwrap();
            dealer.send([n]).await.unwrap();
            dealer.send([n]).await.unwrap();
            drop(dealer);
        }
        let mut counts = [0; 10];
        for _ in 0..20 {
            let (identity, message) = router.recv_from().await.unwrap();
            assert_eq!(identity[0], b'a' + message[0][0], "still known");
            counts[usize::from(message[0][0])] += 1;
        }
        assert_eq!(counts, [2; 10]);

        let dealer = DealerSocket::connect_with_reconnect(name!("afterwards")).await.unwrap();
        dealer.send("x").await.unwrap();
        drop(dealer);
        let router = RouterSocket::bind(name!("afterwards")).await.unwrap();
        assert_eq!(router.recv_from().await.unwrap().1[0], "x");
    });
}

/// What senders that are gone have left counts against the mark of those that are gone, and what is over it
/// stays where it is until the application has taken some.
#[test]
fn what_many_senders_leave_is_all_delivered() {
    rt::run(async {
        let options = SocketOptions::default().with_recv_hwm(3);
        let pull = PullSocket::bind_with_options(name!("leavings"), options).await.unwrap();
        for n in 0..10_u8 {
            let push = PushSocket::connect(name!("leavings")).await.unwrap();
            for _ in 0..5 {
                push.send([n]).await.unwrap();
            }
            assert_eq!(push.close().await, 0);
        }
        while pull.stats().recv_queued < 3 {
            rt::yield_now().await;
        }
        let mut counts = [0; 10];
        for _ in 0..50 {
            counts[usize::from(pull.recv().await.unwrap()[0][0])] += 1;
        }
        assert_eq!(counts, [5; 10]);
        while !pull.peers().is_empty() {
            rt::yield_now().await;
        }
        assert!(pull.try_recv().is_err());
    });
}

#[test]
fn what_a_lost_peer_did_not_take_goes_to_the_next() {
    rt::run(async {
        let (push, pull) = pair(name!("lost")).await;
        for n in 0..10_u8 {
            push.send([n]).await.unwrap();
        }
        assert_eq!(pull.recv().await.unwrap()[0], [0]);
        let mut monitor = push.monitor();
        pull.close().await;
        assert!(matches!(super::disconnection(&mut monitor).await, DisconnectReason::EndOfStream));
        let stats = push.stats();
        assert_eq!((stats.accepted, stats.sent, stats.queued, stats.in_doubt), (10, 1, 9, 0));
        let pull = PullSocket::bind(name!("lost")).await.unwrap();
        for n in 1..10_u8 {
            assert_eq!(pull.recv().await.unwrap()[0], [n]);
        }
        assert_eq!(pull.stats().received, 9);
    });
}

#[test]
fn what_a_router_had_for_a_lost_peer_is_counted() {
    rt::run(async {
        let router = RouterSocket::bind(name!("counted")).await.unwrap();
        let options = SocketOptions::default().with_identity("lost");
        let dealer = DealerSocket::connect_with_options(name!("counted"), options).await.unwrap();
        router.wait_for_peers(1).await.unwrap();
        for _ in 0..5 {
            router.send_to("lost", "x").await.unwrap();
        }
        dealer.recv().await.unwrap();
        let mut monitor = router.monitor();
        drop(dealer);
        super::disconnection(&mut monitor).await;
        let stats = router.stats();
        assert_eq!((stats.sent, stats.dropped(DropCause::PeerLost)), (1, 4));
        assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total());
        assert!(matches!(router.try_send(["lost", "x"]).unwrap_err().error(), Error::Unroutable));
    });
}

/// As above, with a send that waits for room.
#[test]
fn a_send_that_waits_ends_with_its_peer() {
    rt::run(async {
        let one = SocketOptions::default().with_send_hwm(1).with_recv_hwm(1).with_identity("full");
        let waits = one.clone().with_router_mandatory(true);
        let router = RouterSocket::bind_with_options(name!("ends"), waits).await.unwrap();
        let dealer = DealerSocket::connect_with_options(name!("ends"), one).await.unwrap();
        router.wait_for_peers(1).await.unwrap();
        router.send_to("full", "1").await.unwrap();
        router.send_to("full", "2").await.unwrap();
        let (refused, ()) = futures_util::future::join(router.send_to("full", "3"), async {
            rt::yield_now().await;
            drop(dealer);
        })
        .await;
        assert!(matches!(refused.unwrap_err().error(), Error::Unroutable));
    });
}

/// The socket goes on; only the connections of that endpoint end, and what was sent on them is taken.
#[test]
fn unbind_and_disconnect_end_connections_in_order() {
    rt::run(async {
        let left = DealerSocket::bind(name!("left")).await.unwrap();
        let right = DealerSocket::connect(name!("left")).await.unwrap();
        left.wait_for_peers(1).await.unwrap();
        left.send("last").await.unwrap();
        left.unbind(name!("left")).unwrap();
        assert_eq!(right.recv().await.unwrap()[0], "last");
        while right.is_connected() || left.is_connected() {
            rt::yield_now().await;
        }
        left.bind_to(name!("left")).await.unwrap();
        right.wait_for_peers(1).await.unwrap();
        right.send("last again").await.unwrap();
        right.disconnect(name!("left")).unwrap();
        assert_eq!(left.recv().await.unwrap()[0], "last again");
        while left.is_connected() {
            rt::yield_now().await;
        }
        assert!(matches!(right.try_send("x").unwrap_err().error(), Error::NotConnected));
    });
}

/// A runtime that ends takes its companions along, whatever became of the sockets.
#[test]
fn the_end_of_a_runtime_is_the_end_of_its_connections() {
    if rt::EVERYWHERE {
        return;
    }
    rt::run(async {
        let (send, bound) = std::sync::mpsc::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let (keep, kept) = std::sync::mpsc::channel();
            rt::run(async move {
                let pull = PullSocket::bind(name!("runtime")).await.unwrap();
                send.send(()).unwrap();
                assert_eq!(pull.recv().await.unwrap()[0], "1");
                keep.send(pull).unwrap();
            });
            // The socket lives, its companion does not.
            assert!(released.recv().is_err());
            drop(kept.recv().unwrap());
        });
        bound.recv().unwrap();
        let push = PushSocket::connect(name!("runtime")).await.unwrap();
        let mut monitor = push.monitor();
        push.send("1").await.unwrap();
        push.send("2").await.unwrap();
        assert!(matches!(super::disconnection(&mut monitor).await, DisconnectReason::EndOfStream));
        let pull = PullSocket::bind(name!("runtime")).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "2");
        drop(release);
        thread.join().unwrap();
    });
}
