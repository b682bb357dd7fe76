//! The socket types among themselves, with their identities, and beside TCP.

use super::name;
use super::rt::{self, *};
use monocoque::options::RouterNotify;
use monocoque::{ProtocolError, SocketType};

#[test]
fn messages_of_any_size_arrive_in_order() {
    rt::run(async {
        let pull = PullSocket::bind(name!("order")).await.unwrap();
        let push = PushSocket::connect(name!("order")).await.unwrap();
        for n in 0..5_000_u32 {
            push.send(n.to_be_bytes()).await.unwrap();
            if n % 7 == 6 {
                for m in n - 6..=n {
                    assert_eq!(pull.recv().await.unwrap()[0], m.to_be_bytes());
                }
            }
        }
        for _ in 0..5_000 % 7 {
            pull.recv().await.unwrap();
        }
        for size in [0, 1, 62, 63, 4096, 5_000_000] {
            for frames in [1, 2, 10] {
                let message: Message = (0..frames).map(|n| vec![n as u8; size]).collect();
                push.send(message.clone()).await.unwrap();
                assert!(pull.recv().await.unwrap() == message, "{frames} frames of {size}");
            }
        }
        let (sent, received) = (push.stats(), pull.stats());
        assert_eq!((sent.accepted, sent.sent, sent.queued), (5_018, 5_018, 0));
        assert_eq!((received.received, received.delivered, received.recv_queued), (5_018, 5_018, 0));
    });
}

#[test]
fn dealer_router_round_trips() {
    rt::run(async {
        let router = RouterSocket::bind(name!("trips")).await.unwrap();
        let options = SocketOptions::default().with_identity("a");
        let a = DealerSocket::connect_with_options(name!("trips"), options).await.unwrap();
        let b = DealerSocket::connect(name!("trips")).await.unwrap();
        for dealer in [&a, &b] {
            for n in 0..100_u8 {
                dealer.send([n]).await.unwrap();
                let (identity, message) = router.recv_from().await.unwrap();
                assert_eq!(message[0], [n]);
                assert!(identity == "a" || identity[0] == 0);
                router.send_to(identity, message).await.unwrap();
                assert_eq!(dealer.recv().await.unwrap()[0], [n]);
            }
        }
        let refused = router.try_send(["nobody", "x"]).unwrap_err();
        assert!(matches!(refused.error(), Error::Unroutable));
    });
}

#[test]
fn routers_talk_by_name_and_dealers_to_each_other() {
    rt::run(async {
        let named = |identity| SocketOptions::default().with_identity(identity);
        let one = RouterSocket::bind_with_options(name!("routers"), named("one")).await.unwrap();
        let two = RouterSocket::connect_with_options(name!("routers"), named("two")).await.unwrap();
        two.send_to("one", "hello").await.unwrap();
        let (identity, message) = one.recv_from().await.unwrap();
        assert!(identity == "two" && message[0] == "hello");
        one.send_to("two", "hello").await.unwrap();
        assert_eq!(two.recv_from().await.unwrap().0, "one");

        let left = DealerSocket::bind(name!("dealers")).await.unwrap();
        let right = DealerSocket::connect(name!("dealers")).await.unwrap();
        right.send("to the left").await.unwrap();
        assert_eq!(left.recv().await.unwrap()[0], "to the left");
        left.send("to the right").await.unwrap();
        assert_eq!(right.recv().await.unwrap()[0], "to the right");
    });
}

#[test]
fn a_socket_may_talk_to_itself() {
    rt::run(async {
        let dealer = DealerSocket::bind(name!("self")).await.unwrap();
        dealer.connect_to(name!("self")).unwrap();
        dealer.wait_for_peers(2).await.unwrap();
        for n in 0..100_u8 {
            dealer.send([n]).await.unwrap();
            assert_eq!(dealer.recv().await.unwrap()[0], [n]);
        }
    });
}

#[test]
fn sockets_know_whom_they_talk_to() {
    rt::run(async {
        let options = SocketOptions::default().with_identity("id").with_probe_router(true);
        let router = RouterSocket::bind(name!("known")).await.unwrap();
        let dealer = DealerSocket::connect_with_options(name!("known"), options).await.unwrap();
        let (identity, probe) = router.recv_from().await.unwrap();
        assert!(identity == "id" && probe.len() == 1 && probe[0].is_empty());

        let [seen] = &router.stats().peers[..] else { panic!("one peer") };
        assert_eq!(router.peers(), [seen.peer]);
        assert_eq!(seen.address, Some(name!("known").parse().unwrap()));
        assert_eq!((seen.socket_type.as_str(), &seen.identity[..]), ("DEALER", &b"id"[..]));
        assert!(seen.metadata.contains(&("Socket-Type".to_owned(), Bytes::from_static(b"DEALER"))));
        let [seen] = &dealer.stats().peers[..] else { panic!("one peer") };
        assert_eq!((seen.socket_type.as_str(), &seen.identity[..]), ("ROUTER", &b""[..]));
        assert_eq!((seen.sent, seen.queued_messages), (1, 0));
    });
}

#[test]
fn identities_are_taken_over_or_not() {
    rt::run(async {
        let named = SocketOptions::default().with_identity("same");
        let router = RouterSocket::bind(name!("handover")).await.unwrap();
        let old = DealerSocket::connect_with_options(name!("handover"), named.clone()).await.unwrap();
        let mut monitor = router.monitor();
        let new = DealerSocket::connect_with_options(name!("handover"), named.clone()).await.unwrap();
        assert!(matches!(super::disconnection(&mut monitor).await, DisconnectReason::Replaced));
        drop(old);
        router.send_to("same", "x").await.unwrap();
        assert_eq!(new.recv().await.unwrap()[0], "x");

        let options = SocketOptions::default().with_router_handover(false);
        let router = RouterSocket::bind_with_options(name!("no handover"), options).await.unwrap();
        let old = DealerSocket::connect_with_options(name!("no handover"), named.clone()).await.unwrap();
        router.wait_for_peers(1).await.unwrap();
        let new = DealerSocket::new(named).unwrap();
        let mut monitor = new.monitor();
        new.connect_to(name!("no handover")).unwrap();
        // A socket that lets go of us and is still there is not asked again at once.
        let delay = super::event(&mut monitor, |event| match event {
            SocketEvent::RetryIn { delay, .. } => Some(*delay),
            _ => None,
        });
        assert!(delay.await >= std::time::Duration::from_millis(75));
        router.send_to("same", "y").await.unwrap();
        assert_eq!(old.recv().await.unwrap()[0], "y");
    });
}

/// An error at the same time and for good, as over TCP.
#[test]
fn types_that_do_not_talk_to_each_other() {
    rt::run(async {
        for endpoint in ["tcp://127.0.0.1:0", name!("wrong")] {
            let bound = PushSocket::bind(endpoint).await.unwrap();
            let endpoint = bound.local_endpoint().unwrap();
            let mut monitor = bound.monitor();
            let error = PushSocket::connect(&endpoint).await.unwrap_err();
            let Error::Protocol(error) = error else { panic!("{error}") };
            match &*error {
                ProtocolError::IncompatibleSocketType { ours, theirs } => {
                    assert_eq!((*ours, *theirs), (SocketType::Push, SocketType::Push));
                }
                // Over TCP the side that accepted has seen it first, and says so.
                ProtocolError::PeerRefused { reason } => assert_eq!(reason, "incompatible Socket-Type"),
                error => panic!("{error}"),
            }
            let failed = |event: &SocketEvent| matches!(event, SocketEvent::HandshakeFailed { .. });
            super::event(&mut monitor, |event| failed(event).then_some(())).await;
            assert!(bound.peers().is_empty());
            let push = PushSocket::connect_with_reconnect(&endpoint).await.unwrap();
            // It may know by now, or learn of it.
            let ended = match push.send("x").await {
                Ok(()) => push.flush().await.unwrap_err(),
                Err(refused) => refused.into(),
            };
            assert!(matches!(ended, Error::GaveUp { .. }), "{endpoint}: {ended}");
        }
    });
}

/// Subscriptions act although the application of the publisher does not receive, and wait for it.
#[test]
fn publishers_read_subscriptions_at_once() {
    rt::run(async {
        let publisher = XPubSocket::bind(name!("subscriptions")).await.unwrap();
        let sub = SubSocket::connect(name!("subscriptions")).await.unwrap();
        for n in 0..2_000_u32 {
            sub.subscribe(format!("{n:04}")).unwrap();
        }
        // As many as wait for the application; the rest waits behind them.
        publisher.wait_for_subscribers("0999", 1).await.unwrap();
        for n in 0..2_000_u32 {
            assert_eq!(publisher.recv().await.unwrap()[0], format!("\u{1}{n:04}"));
        }
        publisher.send("1999").await.unwrap();
        assert_eq!(sub.recv().await.unwrap()[0], "1999");
        sub.unsubscribe("1999").unwrap();
        assert_eq!(publisher.recv().await.unwrap()[0], "\0".to_owned() + "1999");

        let publisher = PubSocket::bind(name!("pub")).await.unwrap();
        sub.connect_to(name!("pub")).unwrap();
        publisher.wait_for_subscribers("1998", 1).await.unwrap();
        publisher.send("1998").await.unwrap();
        assert_eq!(sub.recv().await.unwrap()[0], "1998");
    });
}

/// What a ROUTER says about its peers comes before what they say.
#[test]
fn notifications_come_in_order() {
    rt::run(async {
        let options = SocketOptions::default().with_router_notify(RouterNotify::Both);
        let router = RouterSocket::bind_with_options(name!("notify"), options).await.unwrap();
        for n in 0..20_u8 {
            let options = SocketOptions::default().with_identity(vec![1, n]);
            let dealer = DealerSocket::connect_with_options(name!("notify"), options).await.unwrap();
            dealer.send("1").await.unwrap();
            dealer.send("2").await.unwrap();
            drop(dealer);
        }
        let mut heard = vec![Vec::new(); 20];
        while heard.iter().any(|heard| heard.len() < 4) {
            let (identity, message) = router.recv_from().await.unwrap();
            heard[usize::from(identity[1])].push(message[0].to_vec());
        }
        assert!(heard.iter().all(|heard| *heard == [&b""[..], b"1", b"2", b""]), "{heard:?}");
    });
}

#[test]
fn tcp_and_inproc_in_one_socket() {
    rt::run(async {
        let pull = PullSocket::bind(name!("mixed")).await.unwrap();
        let tcp = pull.bind_to("tcp://127.0.0.1:0").await.unwrap();
        let push = PushSocket::connect(name!("mixed")).await.unwrap();
        push.connect_to(&tcp).unwrap();
        push.wait_for_peers(2).await.unwrap();
        let mut received = Vec::new();
        for n in 0..1_000_u32 {
            push.send(n.to_be_bytes()).await.unwrap();
            received.push(pull.recv().await.unwrap()[0].to_vec());
        }
        received.sort_unstable();
        assert!((0..1_000_u32).all(|n| received[n as usize] == n.to_be_bytes()));
        let sent: Vec<u64> = push.stats().peers.iter().map(|peer| peer.sent).collect();
        assert_eq!(sent, [500, 500]);
    });
}

/// A pipe that is never empty does not keep a stream from its turn, nor the other way round.
#[test]
fn neither_transport_starves_the_other() {
    rt::run(async {
        for flooding in [0, 1] {
            let pull = PullSocket::bind(name!("flood")).await.unwrap();
            let tcp = pull.bind_to("tcp://127.0.0.1:0").await.unwrap().to_string();
            let endpoints = [name!("flood"), tcp.as_str()];
            let options = SocketOptions::default().with_send_hwm(10);
            let flood = PushSocket::connect_with_options(endpoints[flooding], options).await.unwrap();
            let quiet = PushSocket::connect(endpoints[1 - flooding]).await.unwrap();
            pull.wait_for_peers(2).await.unwrap();
            for _ in 0..20 {
                quiet.send("quiet").await.unwrap();
                for floods in 0.. {
                    while flood.try_send("flood").is_ok() {}
                    if pull.recv().await.unwrap()[0] == "quiet" {
                        break;
                    }
                    assert!(floods < 20_000, "the flood comes from {}", endpoints[flooding]);
                }
            }
            pull.close().await;
        }
    });
}

#[test]
fn every_receiver_that_waits_is_woken() {
    rt::run(async {
        let pull = PullSocket::bind(name!("receivers")).await.unwrap();
        let push = PushSocket::connect(name!("receivers")).await.unwrap();
        for _ in 0..100 {
            let receivers = futures_util::future::join_all((0..5).map(|_| pull.recv()));
            let sender = async {
                rt::yield_now().await;
                for n in 0..5_u8 {
                    push.send([n]).await.unwrap();
                }
            };
            let (received, ()) = futures_util::future::join(receivers, sender).await;
            assert!(received.iter().all(|message| message.is_ok()));
        }
    });
}
