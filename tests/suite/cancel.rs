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
        let options = SocketOptions::default()
            .with_send_hwm(4)
            .with_on_cancel(OnCancel::Poison)
            .with_backoff(Backoff::new().with_initial(std::time::Duration::from_millis(1)));
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let push = PushSocket::connect_with_options(endpoint, options).await.unwrap();
        let mut random = fastrand::Rng::with_seed(1);
        let mut poisonings = 0;
        let mut seen = std::collections::HashSet::new();
        for n in 0..300_u32 {
            let mut payload = n.to_be_bytes().to_vec();
            payload.resize(2_000_000, 1);
            if let Some(Err(error)) = poll_times(push.send(payload), random.usize(1..4), rt::yield_now).await
            {
                assert!(matches!(error.error(), Error::Poisoned));
                assert!(!push.is_poisoned(), "reported once");
                poisonings += 1;
                push.wait_for_peers(1).await.unwrap();
            }
            while let Ok(message) = pull.try_recv() {
                assert_eq!(message[0].len(), 2_000_000, "whole");
                let number = u32::from_be_bytes(message[0][..4].try_into().unwrap());
                assert!(seen.insert(number), "never twice");
            }
        }
        assert!(poisonings > 0, "the test did something");
        let stats = push.stats();
        assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total());
        assert_eq!(stats.dropped(DropCause::Cancelled), stats.dropped_total());
        assert!(stats.reconnects > 0);
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
