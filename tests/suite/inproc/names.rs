//! Binding, connecting, waiting, and doing it again.

use std::collections::BTreeMap;
use std::time::Duration;

use super::name;
use super::rt::{self, *};
use monocoque::error::TimeoutKind;

#[test]
fn connect_waits_for_bind() {
    rt::run(async {
        let push = PushSocket::connect_with_reconnect(name!("early")).await.unwrap();
        push.send("early").await.unwrap();
        let (connected, pull) = futures_util::future::join(PushSocket::connect(name!("early")), async {
            rt::yield_now().await;
            PullSocket::bind(name!("early")).await.unwrap()
        })
        .await;
        assert_eq!(pull.recv().await.unwrap()[0], "early");
        connected.unwrap().send("later").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "later");
    });
}

#[test]
fn many_connects_wait_for_one_bind() {
    rt::run(async {
        let mut dealers = Vec::new();
        for n in 0..100_u8 {
            let dealer = DealerSocket::connect_with_reconnect(name!("many")).await.unwrap();
            dealer.send([n]).await.unwrap();
            dealers.push(dealer);
        }
        let router = RouterSocket::bind(name!("many")).await.unwrap();
        for _ in &dealers {
            let (identity, message) = router.recv_from().await.unwrap();
            router.send_to(identity, message).await.unwrap();
        }
        for (n, dealer) in dealers.iter().enumerate() {
            assert_eq!(dealer.recv().await.unwrap()[0], [n as u8]);
        }
    });
}

#[test]
fn nobody_binds_in_time() {
    rt::run(async {
        let options = SocketOptions::default().with_connect_timeout(Duration::from_millis(20));
        let error = PushSocket::connect_with_options(name!("late"), options).await.unwrap_err();
        assert!(matches!(error, Error::Timeout(TimeoutKind::Connect)), "{error}");
    });
}

/// Attempts that were dropped, timed out or taken back leave nothing behind.
#[test]
fn an_attempt_that_was_dropped_does_not_connect() {
    rt::run(async {
        let options = SocketOptions::default().with_connect_timeout(Duration::from_millis(20));
        drop(PushSocket::connect_with_options(name!("dropped"), options).await);
        for turns in 0..10 {
            let mut connecting = std::pin::pin!(PushSocket::connect(name!("dropped")));
            for _ in 0..turns {
                assert!(futures_util::future::poll_immediate(connecting.as_mut()).await.is_none());
                rt::yield_now().await;
            }
        }
        let taken_back = PushSocket::connect_with_reconnect(name!("dropped")).await.unwrap();
        rt::yield_now().await;
        taken_back.disconnect(name!("dropped")).unwrap();

        let pull = PullSocket::new(SocketOptions::default()).unwrap();
        let mut monitor = pull.monitor();
        pull.bind_to(name!("dropped")).await.unwrap();
        let push = PushSocket::connect(name!("dropped")).await.unwrap();
        push.send("x").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
        pull.close().await;
        let mut accepted = 0;
        while let Some(event) = monitor.next().await {
            accepted += u32::from(matches!(event, SocketEvent::Accepted { .. }));
        }
        assert_eq!(accepted, 1);
    });
}

#[test]
fn a_name_is_free_once_its_socket_lets_go() {
    rt::run(async {
        let in_use = |error: &Error| error.kind() == ErrorKind::AddrInUse;
        let first = PullSocket::bind(name!("owner")).await.unwrap();
        assert_eq!(first.local_endpoint().unwrap().to_string(), name!("owner"));
        assert!(in_use(&PullSocket::bind(name!("owner")).await.unwrap_err()));
        assert!(in_use(&first.bind_to(name!("owner")).await.unwrap_err()));
        let other = PullSocket::bind(name!("OWNER")).await.unwrap();

        first.unbind(name!("owner")).unwrap();
        assert!(matches!(first.unbind(name!("owner")), Err(Error::UnknownEndpoint(_))));
        let second = PullSocket::bind(name!("owner")).await.unwrap();
        second.close().await;
        let third = PullSocket::bind(name!("owner")).await.unwrap();
        drop(third);
        let fourth = PullSocket::bind(name!("owner")).await.unwrap();
        let push = PushSocket::connect(name!("owner")).await.unwrap();
        push.send("x").await.unwrap();
        assert_eq!(fourth.recv().await.unwrap()[0], "x");
        assert!(first.try_recv().is_err() && other.try_recv().is_err());
    });
}

/// Without a delay: the name says when it is bound. Each time what was not taken goes on to the next.
#[test]
fn sockets_reconnect_when_the_name_is_bound_again() {
    rt::run(async {
        let never = Duration::from_secs(3600);
        let backoff = Backoff::new().with_initial(never).with_max(never);
        let options = SocketOptions::default().with_backoff(backoff);
        let connecting = PushSocket::connect_with_reconnect_and_options(name!("again"), options);
        let push = connecting.await.unwrap();
        for n in 0..20_u8 {
            let pull = PullSocket::bind(name!("again")).await.unwrap();
            push.send([n]).await.unwrap();
            push.send([n + 1]).await.unwrap();
            push.wait_for_peers(1).await.unwrap();
            if n > 0 {
                assert_eq!(pull.recv().await.unwrap()[0], [n], "left by the one before");
            }
            assert_eq!(pull.recv().await.unwrap()[0], [n]);
            match n % 3 {
                0 => pull.unbind(name!("again")).unwrap(),
                1 => drop(pull.close().await),
                _ => drop(pull),
            }
            while push.is_connected() {
                rt::yield_now().await;
            }
        }
        let stats = push.stats();
        assert_eq!((stats.connects, stats.reconnects), (20, 19));
        assert_eq!((stats.accepted, stats.sent, stats.queued), (40, 39, 1));
    });
}

#[test]
fn a_socket_binds_and_connects_to_many_names() {
    rt::run(async {
        let pull = PullSocket::new(SocketOptions::default()).unwrap();
        let push = PushSocket::new(SocketOptions::default()).unwrap();
        for n in 0..50 {
            let name = format!("{}{n}", name!("names"));
            push.connect_to(&name).unwrap();
            assert_eq!(pull.bind_to(&name).await.unwrap().to_string(), name);
        }
        push.wait_for_peers(50).await.unwrap();
        pull.wait_for_peers(50).await.unwrap();
        for n in 0..200_u8 {
            push.send([n]).await.unwrap();
        }
        let mut received = BTreeMap::<PeerId, Vec<u8>>::new();
        for _ in 0..200 {
            let (peer, message) = pull.recv_with_peer().await.unwrap();
            received.entry(peer).or_default().push(message[0][0]);
        }
        // They were served in turn. Across connections there is no order, on each there is.
        let mut firsts: Vec<u8> = received.values().map(|numbers| numbers[0]).collect();
        firsts.sort_unstable();
        assert!(firsts.into_iter().eq(0..50), "{received:?}");
        let in_turn = |numbers: &Vec<u8>| numbers.iter().copied().eq((numbers[0]..200).step_by(50));
        assert!(received.values().all(in_turn), "{received:?}");
        push.disconnect(format!("{}7", name!("names"))).unwrap();
        while pull.peers().len() > 49 {
            rt::yield_now().await;
        }
        assert_eq!(push.peers().len(), 49);
    });
}
