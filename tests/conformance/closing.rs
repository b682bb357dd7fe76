//! Traps 48 to 50: reconnecting, lingering, and letting go of an endpoint.

use std::time::{Duration, Instant};

use super::common::*;
use super::rt::{self, *};

#[test]
fn trap_48_delays_grow_up_to_the_cap_and_are_spread() {
    rt::run(async {
        let options = SocketOptions::default()
            .with_reconnect_interval(Duration::from_millis(4))
            .with_reconnect_interval_max(Duration::from_millis(20));
        let push = PushSocket::new(options).unwrap();
        let mut monitor = push.monitor();
        push.connect_to(vacant()).unwrap();
        for base in [4.0_f64, 8.0, 16.0, 20.0, 20.0] {
            let delay = event(&mut monitor, |event| match event {
                SocketEvent::RetryIn { delay, .. } => Some(delay.as_secs_f64() * 1000.0),
                _ => None,
            })
            .await;
            assert!((base * 0.75..=(base * 1.25).min(20.0)).contains(&delay), "{delay} ms, not about {base}");
        }
    });
}

/// A syntax error does not: see `connect_resolve`.
#[test]
fn trap_48_connecting_to_nobody_succeeds() {
    rt::run(async {
        let folder = Folder::new();
        for fixed in fixed_endpoints(&folder) {
            let push = PushSocket::connect_with_reconnect_and_options(&fixed, quick()).await.unwrap();
            push.send("queued").await.unwrap();
            assert!(!push.is_connected());
            let pull = PullSocket::bind(&fixed).await.unwrap();
            assert_eq!(pull.recv().await.unwrap(), Message::from("queued"));
        }
        // `connect` itself is for those who want to know at once.
        let refused = PushSocket::connect(vacant()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    });
}

/// libzmq's default is to wait for ever, for a peer that was never there, too.
#[test]
fn trap_49_linger_has_an_end_and_says_what_is_left() {
    rt::run(async {
        assert_eq!(SocketOptions::default().linger(), Some(Duration::from_secs(30)));
        for linger in [Duration::ZERO, Duration::from_millis(20)] {
            let options = quick().with_linger(linger);
            let push = PushSocket::connect_with_reconnect_and_options(vacant(), options).await.unwrap();
            for _ in 0..3 {
                push.send("never").await.unwrap();
            }
            let begin = Instant::now();
            assert_eq!(push.close().await, 3);
            assert!(begin.elapsed() >= linger);
            assert_eq!(push.stats().dropped(DropCause::Closed), 3);
        }
        // Long enough for a peer that comes after the close.
        let fixed = vacant();
        let push = PushSocket::connect_with_reconnect_and_options(&fixed, quick()).await.unwrap();
        push.send("late").await.unwrap();
        let receiving = async {
            let pull = PullSocket::bind(&fixed).await.unwrap();
            assert_eq!(pull.recv().await.unwrap(), Message::from("late"));
        };
        let (unsent, ()) = futures_util::future::join(push.close(), receiving).await;
        assert_eq!(unsent, 0);
    });
}

#[test]
fn trap_49_a_dropped_socket_lingers_in_the_background() {
    rt::run(async {
        for endpoint in endpoints() {
            let pull = PullSocket::bind(&endpoint).await.unwrap();
            let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
            for n in 0..100_u8 {
                push.send(vec![n; 10_000]).await.unwrap();
            }
            drop(push);
            for n in 0..100_u8 {
                assert_eq!(pull.recv().await.unwrap()[0], vec![n; 10_000]);
            }
        }
    });
}

/// And what is queued for them is still sent.
#[test]
fn trap_50_unbind_ends_the_connections_accepted_there_and_no_others() {
    rt::run(async {
        for (one, other) in endpoints().iter().zip(endpoints().iter().rev()) {
            let push = PushSocket::new(SocketOptions::default()).unwrap();
            let (one, other) = (push.bind_to(one).await.unwrap(), push.bind_to(other).await.unwrap());
            let options = || SocketOptions::default().with_reconnect(false);
            let goes = PullSocket::connect_with_options(&one, options()).await.unwrap();
            push.wait_for_peers(1).await.unwrap();
            push.send(vec![7; 1_000_000]).await.unwrap();
            push.unbind(&one).unwrap();
            assert_eq!(goes.recv().await.unwrap()[0].len(), 1_000_000);
            assert!(goes.recv().await.is_err(), "the end");
            assert!(
                PullSocket::connect_with_options(
                    &one,
                    options().with_connect_timeout(Duration::from_millis(50))
                )
                .await
                .is_err()
            );
            let stays = PullSocket::connect(&other).await.unwrap();
            push.send("still bound").await.unwrap();
            assert_eq!(stays.recv().await.unwrap(), Message::from("still bound"));
            push.disconnect(&other).unwrap_err();
        }
    });
}

#[test]
fn trap_50_disconnect_sends_what_is_queued_first() {
    rt::run(async {
        for endpoint in endpoints() {
            let pull = PullSocket::bind(&endpoint).await.unwrap();
            let local = pull.local_endpoint().unwrap();
            let push = PushSocket::connect(&local).await.unwrap();
            for n in 0..50_u8 {
                push.send(vec![n; 50_000]).await.unwrap();
            }
            push.disconnect(&local).unwrap();
            for n in 0..50_u8 {
                assert_eq!(pull.recv().await.unwrap()[0], vec![n; 50_000]);
            }
            until(|| !pull.is_connected()).await;
            assert_eq!(push.close().await, 0);
        }
    });
}
