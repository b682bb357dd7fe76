//! What a dropped future leaves behind.

use std::future::Future;
use std::task::{Context, Waker};

use super::rt::{self, *};
use crate::dropping::poll_times;

/// In `Poison` mode a dropped future may close the connection, and abandons what was half-written: what
/// arrives is whole and never comes twice, and what does not is counted.
#[test]
fn dropped_futures_poison_and_come_back() {
    rt::run(async {
        const LEN: usize = 500_000;
        // No system takes a message whole that nobody reads, and nothing is read past the mark.
        let options =
            || SocketOptions::default().with_recv_hwm(1).with_send_buffer(4096).with_recv_buffer(4096);
        let poisons = options()
            .with_send_hwm(4)
            .with_on_cancel(OnCancel::Poison)
            .with_backoff(Backoff::new().with_max(std::time::Duration::from_millis(1)));
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options()).await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let push = PushSocket::connect_with_options(endpoint, poisons).await.unwrap();
        let mut random = fastrand::Rng::with_seed(1);
        let mut poisonings = 0;
        let mut seen = std::collections::HashSet::new();
        let mut n = 0_u32;
        while n < 300 || poisonings < 20 {
            n += 1;
            let mut payload = n.to_be_bytes().to_vec();
            payload.resize(LEN, 1);
            let written = async {
                push.send(payload).await.map_err(|refused| refused.into_parts().0)?;
                push.flush().await
            };
            if let Some(Err(error)) = poll_times(written, random.usize(1..4), rt::yield_now).await {
                assert!(matches!(error, Error::Poisoned));
                assert!(!push.is_poisoned(), "reported once");
                poisonings += 1;
                push.wait_for_peers(1).await.unwrap();
            }
            while let Ok(message) = pull.try_recv() {
                assert_eq!(message[0].len(), LEN, "whole");
                let number = u32::from_be_bytes(message[0][..4].try_into().unwrap());
                assert!(seen.insert(number), "never twice");
            }
        }
        let stats = push.stats();
        let unreported = u64::from(push.is_poisoned());
        assert_eq!(stats.disconnects_by(DisconnectKind::Poisoned), poisonings + unreported);
        assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total());
        assert_eq!(stats.dropped(DropCause::Cancelled), stats.dropped_total());
        assert!(stats.reconnects >= poisonings);
    });
}

/// A router whose peers "a" and "b" are both in the middle of a message, and at their marks.
async fn two_stalled(options: SocketOptions) -> (RouterSocket, [std::net::TcpStream; 2]) {
    let options = options.with_on_cancel(OnCancel::Poison).with_router_mandatory(true).with_send_hwm(2);
    let router = RouterSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
    let endpoint = router.local_endpoint().unwrap();
    let streams = ["a", "b"].map(|name| rt::dealer_that_never_reads(&endpoint, name.as_bytes()));
    router.wait_for_peers(2).await.unwrap();
    for name in ["a", "b"] {
        fill(&router, name).await;
    }
    (router, streams)
}

fn large(name: &str) -> Message {
    [Frame::from(name), Frame::from(vec![0; 1_000_000])].into()
}

/// Until the kernel has taken all that it takes, too.
async fn fill(router: &RouterSocket, name: &str) {
    let mut full = 0;
    while full < 50 {
        match router.try_send(large(name)) {
            Ok(()) => full = 0,
            Err(refused) => {
                assert!(matches!(refused.error(), Error::WouldBlock));
                full += 1;
            }
        }
        rt::yield_now().await;
    }
}

/// A message that waits for room is on no connection, and takes none along when its call is dropped.
#[test]
fn a_dropped_send_poisons_nobody() {
    rt::run(async {
        let (router, _streams) = two_stalled(SocketOptions::default()).await;
        let before = router.stats();
        for _ in 0..3 {
            assert!(poll_times(router.send(large("a")), 2, rt::yield_now).await.is_none());
            assert!(poll_times(router.feed(large("b")), 2, rt::yield_now).await.is_none());
        }
        let stats = router.stats();
        assert!(!router.is_poisoned() && router.peers().len() == 2);
        assert_eq!((stats.accepted, stats.dropped_total()), (before.accepted, 0));

        let peer = rt::stalled_peer();
        let options = SocketOptions::default().with_on_cancel(OnCancel::Poison).with_send_hwm(1);
        let dealer = DealerSocket::connect_with_options(peer.endpoint(), options).await.unwrap();
        while poll_times(dealer.send(vec![0; 1_000_000]), 5, rt::yield_now).await.is_some() {}
        assert!(poll_times(dealer.reserve(1_000_000), 2, rt::yield_now).await.is_none());
        assert!(!dealer.is_poisoned() && dealer.is_connected());
    });
}

/// A flush waits for what was queued when it began, and for nothing else.
#[test]
fn a_dropped_flush_poisons_only_what_it_waits_for() {
    rt::run(async {
        let options = SocketOptions::default().with_on_cancel(OnCancel::Poison).with_router_mandatory(true);
        let options = options.with_flush_policy(FlushPolicy::Manual);
        let router = RouterSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let _streams = ["a", "b"].map(|name| rt::dealer_that_never_reads(&endpoint, name.as_bytes()));
        router.wait_for_peers(2).await.unwrap();
        let huge = |name: &str| Message::from([Frame::from(name), Frame::from(vec![0; 64 << 20])]);
        router.send_buffered(huge("a")).unwrap();
        let mut first = Box::pin(router.flush());
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        router.send_buffered(huge("b")).unwrap();
        let mut second = Box::pin(router.flush());
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        drop(first);
        let left = router.peers();
        assert_eq!(left.len(), 1);
        assert_eq!(router.peer(left[0]).unwrap().identity, "b");
        assert_eq!(router.stats().dropped(DropCause::Cancelled), 1);
        drop(second);
        assert!(router.peers().is_empty() && router.is_poisoned());
        assert_eq!(router.stats().dropped(DropCause::Cancelled), 2);
    });
}

/// A `recv` that took a wake with it when it was dropped hands it on.
#[test]
fn a_dropped_recv_does_not_swallow_the_wake_of_another() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        for n in 0..200_u32 {
            let mut first = Box::pin(pull.recv());
            assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            let second = async {
                // Parks behind the first, whose waker wakes nobody.
                let message = pull.recv().await.unwrap();
                assert_eq!(message[0], n.to_be_bytes());
            };
            let rest = async {
                push.send(n.to_be_bytes()).await.unwrap();
                for _ in 0..3 {
                    rt::yield_now().await;
                }
                drop(first);
            };
            futures_util::future::join(second, rest).await;
        }
    });
}

#[test]
fn a_dropped_connect_leaves_nothing_behind() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        for polls in 0..50 {
            drop(poll_times(PushSocket::connect(&endpoint), polls % 7, rt::yield_now).await);
        }
        let push = PushSocket::connect(&endpoint).await.unwrap();
        push.send("x").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
        drop(push);
        let mut monitor = pull.monitor();
        while !pull.peers().is_empty() {
            monitor.next().await;
        }
    });
}
