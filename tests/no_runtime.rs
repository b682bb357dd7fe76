//! Sockets without the runtime that they need: opened outside of it, or outliving it.
#![cfg(any(feature = "tokio", feature = "compio"))]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "support/mod.rs"]
mod support;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The result of a future that has no reason to wait.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

macro_rules! test_runtime {
    ($name:ident, $feature:literal) => {
        #[cfg(feature = $feature)]
        mod $name {
            use super::at_once;
            use crate::support::$name as rt;
            use crate::support::$name::*;

            #[test]
            fn opening_outside_of_a_runtime_is_an_error() {
                let outcomes = [
                    at_once(PushSocket::connect("tcp://127.0.0.1:1")).err(),
                    at_once(PushSocket::connect_with_reconnect("tcp://127.0.0.1:1")).err(),
                    at_once(PullSocket::bind("tcp://127.0.0.1:0")).err(),
                    DealerSocket::new(SocketOptions::default()).err(),
                ];
                for error in outcomes {
                    assert!(matches!(error, Some(Error::NoRuntime { runtime: $feature })), "{error:?}");
                    assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Unsupported));
                }
            }

            #[test]
            fn a_socket_that_outlives_its_runtime_says_so() {
                let kept = std::sync::Mutex::new(None);
                rt::run(async {
                    let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
                    let options = SocketOptions::default().with_flush_policy(FlushPolicy::Manual);
                    let endpoint = pull.local_endpoint().unwrap();
                    let push = PushSocket::connect_with_options(endpoint, options).await.unwrap();
                    push.send_buffered("never").unwrap();
                    *kept.lock().unwrap() = Some((push, pull));
                });
                let (push, pull) = kept.into_inner().unwrap().unwrap();
                assert!(matches!(at_once(pull.recv()), Err(Error::CompanionGone)));
                assert!(matches!(at_once(push.send("x")).unwrap_err().error(), Error::CompanionGone));
                assert!(matches!(at_once(push.flush()), Err(Error::CompanionGone)));
                assert!(matches!(at_once(push.wait_for_peers(1)), Err(Error::CompanionGone)));
                assert_eq!(push.stats().dropped_total(), 1);
                assert_eq!(at_once(push.close()), 1);
                drop((push, pull));
            }

            #[test]
            fn a_reservation_that_outlives_its_runtime_says_so() {
                let kept = std::sync::OnceLock::new();
                let permit = std::sync::Mutex::new(None);
                rt::run(async {
                    let endpoint = "tcp://127.0.0.1:1";
                    let push = PushSocket::connect_with_reconnect(endpoint).await.unwrap();
                    let push = kept.get_or_init(|| push);
                    *permit.lock().unwrap() = Some(push.reserve(10).await.unwrap());
                });
                let refused = permit.into_inner().unwrap().unwrap().send("late").unwrap_err();
                assert!(matches!(refused.error(), Error::CompanionGone));
                assert_eq!(refused.into_message(), "late".into());
                let push = kept.get().unwrap();
                let stats = push.stats();
                assert_eq!((stats.accepted, stats.queued, stats.dropped_total()), (0, 0, 0));
                assert_eq!(at_once(push.close()), 0);
            }
        }
    };
}

test_runtime!(tokio, "tokio");
test_runtime!(compio, "compio");

/// A call that was waiting when the runtime ended is woken, and told.
#[cfg(feature = "tokio")]
#[test]
fn waiters_are_woken_when_the_runtime_ends() {
    use monocoque::tokio::prelude::*;

    let first = ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let dealer = first.block_on(DealerSocket::bind("tcp://127.0.0.1:0")).unwrap();
    let second = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    second.block_on(async {
        let (send, recv) = (dealer.send("x"), dealer.recv());
        let mut waiting = pin!(futures_util::future::join(send, recv));
        let polled = std::future::poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx)));
        assert!(polled.await.is_pending());
        let shutting_down = std::thread::spawn(move || drop(first));
        let (sent, received) = waiting.await;
        assert!(matches!(sent.unwrap_err().error(), Error::CompanionGone));
        assert!(matches!(received, Err(Error::CompanionGone)));
        shutting_down.join().unwrap();
    });
}

/// A runtime without drivers for I/O and time is none for a socket, and says so.
#[cfg(feature = "tokio")]
#[test]
fn a_runtime_without_drivers_is_an_error() {
    use monocoque::tokio::prelude::*;

    let runtime = ::tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let error = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap_err();
        assert!(matches!(error, Error::CompanionGone), "{error:?}");
        let error = PushSocket::connect("tcp://127.0.0.1:1").await.unwrap_err();
        assert!(matches!(error, Error::CompanionGone), "{error:?}");
    });
}
