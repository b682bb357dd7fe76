//! Futures dropped at every await point: nothing lost, torn or doubled.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::rt::{self, *};

/// Polls a future at most `polls` times, giving other tasks a turn in between, then drops it.
async fn poll_times<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for turn in 0..polls {
        if turn > 0 {
            rt::yield_now().await;
        }
        let polled = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
    }
    None
}

/// How often each loop runs; the longer run is for machines with time.
fn rounds() -> usize {
    std::env::var("MONOCOQUE_CANCEL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000)
}

/// A small mark and large messages now and then make `send` wait; every send that was dropped is tried
/// again, and only those that returned `Ok` may arrive.
async fn cancel_everything(endpoint: &str, on_cancel: OnCancel) {
    let options = SocketOptions::default().with_send_hwm(4).with_recv_hwm(4).with_on_cancel(on_cancel);
    let pull = PullSocket::bind_with_options(endpoint, options.clone()).await.unwrap();
    let endpoint = pull.local_endpoint().unwrap();
    let connecting = PushSocket::connect_with_reconnect_and_options(endpoint, options);
    let push = connecting.await.unwrap();
    let mut random = fastrand::Rng::with_seed(42);
    let (mut accepted, mut received) = (0_u32, 0_u32);
    let mut next_must_be_ok = |message: Message| {
        assert_eq!(message[0][..4], received.to_be_bytes(), "in order, nothing lost or doubled");
        received += 1;
    };
    for _ in 0..rounds() {
        match random.u8(..8) {
            0..3 => {
                let mut payload = accepted.to_be_bytes().to_vec();
                payload.resize(if random.u8(..) == 0 { 100_000 } else { 20 }, 0);
                if let Some(sent) = poll_times(push.send(payload), random.usize(..3)).await {
                    sent.unwrap();
                    accepted += 1;
                }
            }
            3 => {
                if let Some(permit) = poll_times(push.reserve(4), random.usize(..3)).await {
                    if random.bool() {
                        permit.unwrap().send(accepted.to_be_bytes()).unwrap();
                        accepted += 1;
                    }
                }
            }
            4 => drop(poll_times(push.flush(), random.usize(..3)).await),
            5 => {
                if let Some(fed) = poll_times(push.feed(accepted.to_be_bytes()), random.usize(..2)).await {
                    fed.unwrap();
                    accepted += 1;
                }
            }
            6 => {
                let mut many = Vec::new();
                drop(poll_times(pull.recv_many(&mut many, 3), random.usize(..3)).await);
                many.into_iter().for_each(&mut next_must_be_ok);
            }
            _ => {
                if let Some(message) = poll_times(pull.recv(), random.usize(..4)).await {
                    next_must_be_ok(message.unwrap());
                }
            }
        }
    }
    while received < accepted {
        let message = pull.recv().await.unwrap();
        assert_eq!(message[0][..4], received.to_be_bytes());
        received += 1;
    }
    assert!(accepted > 100, "{accepted}: the test did something");
    assert!(pull.try_recv().is_err());
    let stats = push.stats();
    assert_eq!(stats.accepted, u64::from(accepted));
    assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total());
}

#[test]
fn dropped_futures_lose_nothing() {
    rt::run(cancel_everything("tcp://127.0.0.1:0", OnCancel::Resume));
}

#[test]
fn dropped_futures_lose_nothing_inside_of_the_process() {
    rt::run(cancel_everything(concat!("inproc://", module_path!(), "/resume"), OnCancel::Resume));
    // There is no middle of a message to be cancelled in.
    rt::run(cancel_everything(concat!("inproc://", module_path!(), "/poison"), OnCancel::Poison));
}

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
            if let Some(Err(error)) = poll_times(push.send(payload), random.usize(1..4)).await {
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
            drop(poll_times(PushSocket::connect(&endpoint), polls % 7).await);
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
