//! The rules of the socket types, among themselves.

use std::time::Duration;

use super::rt::{self, *};

const ANY: &str = "tcp://127.0.0.1:0";

#[test]
fn a_request_and_its_reply() {
    rt::run(async {
        let rep = RepSocket::bind(ANY).await.unwrap();
        let req = ReqSocket::connect(rep.local_endpoint().unwrap()).await.unwrap();
        for n in 0..1000_u32 {
            req.send(n.to_be_bytes()).await.unwrap();
            assert!(matches!(req.send("too soon").await.unwrap_err().error(), Error::InvalidState));
            let request = rep.recv().await.unwrap();
            assert_eq!(request, Message::from(n.to_be_bytes()));
            assert!(matches!(rep.recv().await.unwrap_err(), Error::InvalidState));
            rep.send(request).await.unwrap();
            assert!(matches!(rep.send("twice").await.unwrap_err().error(), Error::InvalidState));
            assert_eq!(req.recv().await.unwrap()[0], n.to_be_bytes());
            assert!(matches!(req.recv().await.unwrap_err(), Error::InvalidState));
        }
    });
}

#[test]
fn a_request_that_timed_out_is_followed_by_another() {
    for correlate in [false, true] {
        rt::run(async move {
            let options = SocketOptions::default().with_req_correlate(correlate);
            let rep = RepSocket::bind(ANY).await.unwrap();
            let req = ReqSocket::connect_with_options(rep.local_endpoint().unwrap(), options).await.unwrap();
            assert!(rt::timeout(Duration::from_millis(1), req.request("one")).await.is_none());
            assert_eq!(rep.recv().await.unwrap()[0], "one");
            let answers = async {
                rep.send("late").await.unwrap();
                assert_eq!(rep.recv().await.unwrap()[0], "two");
                rep.send("right").await.unwrap();
            };
            let (reply, ()) = futures_util::future::join(req.request("two"), answers).await;
            assert_eq!(reply.unwrap()[0], "right");
        });
    }
}

#[test]
fn a_lost_peer_ends_the_request() {
    rt::run(async {
        let rep = RepSocket::bind(ANY).await.unwrap();
        let endpoint = rep.local_endpoint().unwrap();
        let req = ReqSocket::connect(&endpoint).await.unwrap();
        req.send("one").await.unwrap();
        rep.recv().await.unwrap();
        rep.close().await;
        assert!(matches!(req.recv().await.unwrap_err(), Error::PeerLost));
        let rep = RepSocket::bind(&endpoint).await.unwrap();
        req.send("two").await.unwrap();
        let request = rep.recv().await.unwrap();
        rep.send(request).await.unwrap();
        assert_eq!(req.recv().await.unwrap()[0], "two");
    });
}

#[test]
fn a_request_is_resent_by_option() {
    rt::run(async {
        let rep = RepSocket::bind(ANY).await.unwrap();
        let endpoint = rep.local_endpoint().unwrap();
        let options = SocketOptions::default().with_req_resend(true);
        let req = ReqSocket::connect_with_options(&endpoint, options).await.unwrap();
        req.send("one").await.unwrap();
        rep.recv().await.unwrap();
        rep.close().await;
        let rep = RepSocket::bind(&endpoint).await.unwrap();
        assert_eq!(rep.recv().await.unwrap()[0], "one");
        rep.send("reply").await.unwrap();
        assert_eq!(req.recv().await.unwrap()[0], "reply");
    });
}

#[test]
fn subscribers_get_what_they_subscribed_to() {
    rt::run(async {
        let publisher = PubSocket::bind(ANY).await.unwrap();
        let endpoint = publisher.local_endpoint().unwrap();
        let all = SubSocket::connect(&endpoint).await.unwrap();
        let some = SubSocket::connect(&endpoint).await.unwrap();
        all.subscribe("").unwrap();
        some.subscribe("a").unwrap();
        publisher.wait_for_subscribers("a", 2).await.unwrap();
        publisher.wait_for_subscribers("b", 1).await.unwrap();
        for topic in ["b", "a1", "", "a"] {
            publisher.send(topic).await.unwrap();
        }
        for topic in ["b", "a1", "", "a"] {
            assert_eq!(all.recv().await.unwrap()[0], topic);
        }
        for topic in ["a1", "a"] {
            assert_eq!(some.recv().await.unwrap()[0], topic);
        }
        assert!(some.unsubscribe("a").unwrap());
        assert!(!some.unsubscribe("a").unwrap());
    });
}

#[test]
fn subscriptions_survive_the_publisher() {
    rt::run(async {
        let publisher = PubSocket::bind(ANY).await.unwrap();
        let endpoint = publisher.local_endpoint().unwrap();
        let sub = SubSocket::connect(&endpoint).await.unwrap();
        for n in 0..1000_u32 {
            sub.subscribe(n.to_be_bytes()).unwrap();
        }
        publisher.close().await;
        let publisher = PubSocket::bind(&endpoint).await.unwrap();
        for n in 0..1000_u32 {
            publisher.wait_for_subscribers(n.to_be_bytes(), 1).await.unwrap();
        }
        assert_eq!(publisher.topic_count(), 1000);
        publisher.send(7_u32.to_be_bytes()).await.unwrap();
        assert_eq!(sub.recv().await.unwrap()[0], 7_u32.to_be_bytes());
    });
}

#[test]
fn xpub_sees_subscriptions_and_xsub_sends_them() {
    rt::run(async {
        let publisher = XPubSocket::bind(ANY).await.unwrap();
        let xsub = XSubSocket::connect(publisher.local_endpoint().unwrap()).await.unwrap();
        xsub.send("\u{1}topic").await.unwrap();
        assert_eq!(publisher.recv().await.unwrap()[0], "\u{1}topic");
        publisher.send(["topic", "body"]).await.unwrap();
        assert_eq!(xsub.recv().await.unwrap(), Message::from(["topic", "body"]));
        xsub.send("upstream").await.unwrap();
        assert_eq!(publisher.recv().await.unwrap()[0], "upstream");
        xsub.send("\u{0}topic").await.unwrap();
        assert_eq!(publisher.recv().await.unwrap()[0], "\u{0}topic");
        xsub.subscribe("again").unwrap();
        assert_eq!(publisher.recv().await.unwrap()[0], "\u{1}again");
        drop(xsub);
        assert_eq!(publisher.recv().await.unwrap()[0], "\u{0}again");
    });
}

#[test]
fn pair_is_exclusive() {
    rt::run(async {
        let bound = PairSocket::bind(ANY).await.unwrap();
        let endpoint = bound.local_endpoint().unwrap();
        let first = PairSocket::connect(&endpoint).await.unwrap();
        bound.send("to first").await.unwrap();
        assert_eq!(first.recv().await.unwrap()[0], "to first");
        let mut monitor = bound.monitor();
        let second = PairSocket::connect_with_reconnect(&endpoint).await.unwrap();
        loop {
            if let SocketEvent::HandshakeFailed { .. } = monitor.next().await.unwrap() {
                break;
            }
        }
        first.send("still here").await.unwrap();
        assert_eq!(bound.recv().await.unwrap()[0], "still here");
        drop(first);
        while !matches!(monitor.next().await.unwrap(), SocketEvent::Disconnected { .. }) {}
        bound.send("to second").await.unwrap();
        assert_eq!(second.recv().await.unwrap()[0], "to second");
    });
}

#[test]
fn all_patterns_work_within_the_process() {
    rt::run(async {
        let name = |what: &str| format!("inproc://{}/{what}", module_path!());
        let rep = RepSocket::bind(name("rep")).await.unwrap();
        let req = ReqSocket::connect(name("rep")).await.unwrap();
        let answer = async {
            let request = rep.recv().await.unwrap();
            rep.send(request).await.unwrap();
        };
        let (reply, ()) = futures_util::future::join(req.request("question"), answer).await;
        assert_eq!(reply.unwrap()[0], "question");

        let publisher = XPubSocket::bind(name("pub")).await.unwrap();
        let sub = SubSocket::connect(name("pub")).await.unwrap();
        sub.subscribe("a").unwrap();
        assert_eq!(publisher.recv().await.unwrap()[0], "\u{1}a");
        for topic in ["b", "a", "ab"] {
            publisher.send(topic).await.unwrap();
        }
        assert_eq!(sub.recv().await.unwrap()[0], "a");
        assert_eq!(sub.recv().await.unwrap()[0], "ab");
        let stats = publisher.stats();
        assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total());
        assert_eq!((stats.accepted, stats.dropped(DropCause::NoSubscriber)), (3, 1));
    });
}

#[test]
fn only_the_last_message_is_kept() {
    for endpoint in [ANY, concat!("inproc://", module_path!(), "/conflate")] {
        rt::run(async move {
            let options = SocketOptions::default().with_conflate(true);
            let pull = PullSocket::bind_with_options(endpoint, options.clone()).await.unwrap();
            let push =
                PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options).await.unwrap();
            for n in 0..10_000_u32 {
                push.send(n.to_be_bytes()).await.unwrap();
            }
            push.flush().await.unwrap();
            let mut last = pull.recv().await.unwrap();
            while last[0] != 9_999_u32.to_be_bytes() {
                last = pull.recv().await.unwrap();
            }
            assert!(pull.try_recv().is_err());
            let (sender, receiver) = (push.stats(), pull.stats());
            assert_eq!(sender.accepted, 10_000);
            assert_eq!(sender.accepted, sender.sent + sender.queued + sender.dropped_total());
            assert_eq!(sender.dropped(DropCause::Conflated), sender.dropped_total());
            assert_eq!(receiver.received, receiver.delivered + receiver.recv_queued + receiver.recv_dropped);
            assert!(receiver.delivered < 5_000, "{receiver:?}");
        });
    }
}

#[test]
fn a_full_queue_is_a_matter_of_choice() {
    rt::run(async {
        // It takes next to nothing, and nobody receives that.
        let peer = RouterSocket::bind_with_options(ANY, SocketOptions::default().with_recv_hwm(1));
        let peer = peer.await.unwrap();
        let endpoint = peer.local_endpoint().unwrap();
        let stalled = |on_full: OnFull| {
            let options = SocketOptions::default().with_send_hwm(1).with_on_full(on_full);
            DealerSocket::connect_with_options(&endpoint, options)
        };
        let push = stalled(OnFull::Drop).await.unwrap();
        while push.stats().dropped(DropCause::PeerFull) == 0 {
            push.send(vec![0; 100_000]).await.unwrap();
        }
        let push = stalled(OnFull::Fail).await.unwrap();
        let refused = loop {
            if let Err(refused) = push.send(vec![0; 100_000]).await {
                break refused;
            }
        };
        assert!(matches!(refused.error(), Error::Full));
        assert_eq!(refused.error().kind(), ErrorKind::WouldBlock);
        assert_eq!(refused.into_message().size(), 100_000);
    });
}

/// What a subscriber asked for is received after it has gone as well: confirming it then subscribes nobody.
#[test]
fn nobody_is_subscribed_for_a_subscriber_that_is_gone() {
    rt::run(async {
        let options = SocketOptions::default().with_xpub_manual(true);
        let publisher = XPubSocket::bind_with_options(ANY, options).await.unwrap();
        let sub = SubSocket::connect(publisher.local_endpoint().unwrap()).await.unwrap();
        sub.subscribe("topic").unwrap();
        publisher.wait_for_peers(1).await.unwrap();
        while publisher.stats().recv_queued == 0 {
            rt::yield_now().await;
        }
        drop(sub);
        while publisher.is_connected() {
            rt::yield_now().await;
        }
        assert_eq!(publisher.recv().await.unwrap()[0], "\x01topic");
        publisher.subscribe("topic").unwrap();
        assert_eq!(publisher.topic_count(), 0);
        assert_eq!(publisher.recv().await.unwrap()[0], "\x00topic");
        assert!(!publisher.unsubscribe("topic").unwrap());
    });
}

#[test]
fn a_message_tells_who_sent_it() {
    rt::run(async {
        let pull = PullSocket::bind(ANY).await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let push = |name: &'static str| {
            let options = SocketOptions::default().with_metadata("X-Name", name);
            PushSocket::connect_with_options(&endpoint, options)
        };
        let (one, two) = (push("one").await.unwrap(), push("two").await.unwrap());
        for name in ["one", "two", "two", "one"] {
            let push = if name == "one" { &one } else { &two };
            push.send(name).await.unwrap();
            let (peer, message) = pull.recv_with_peer().await.unwrap();
            assert_eq!(message[0], name);
            let peer = pull.peer(peer).unwrap();
            let property = peer.metadata.iter().find(|(key, _)| key == "X-Name").unwrap();
            assert_eq!((&property.1[..], peer.socket_type.as_str()), (name.as_bytes(), "PUSH"));
            assert!(peer.address.unwrap().to_string().starts_with("tcp://127.0.0.1:"));
        }
        let gone = pull.peers()[0];
        drop((one, two));
        let mut monitor = pull.monitor();
        while !pull.peers().is_empty() {
            monitor.next().await;
        }
        assert!(pull.peer(gone).is_none());
    });
}

/// As in libzmq, what a subscriber gets is decided when it receives: what had arrived before it unsubscribed is
/// counted and not seen, and what it has subscribed to again is.
#[test]
fn what_has_arrived_is_filtered_when_it_is_received() {
    rt::run(async {
        let publisher = PubSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let sub = SubSocket::connect(publisher.local_endpoint().unwrap()).await.unwrap();
        for topic in ["a", "b"] {
            sub.subscribe(topic).unwrap();
            publisher.wait_for_subscribers(topic, 1).await.unwrap();
        }
        let mut monitor = sub.monitor();
        for round in 0..2_u64 {
            for message in ["a1", "b1", "a2", "b2"] {
                publisher.send(message).await.unwrap();
            }
            // Read ahead, by the companion.
            while sub.stats().recv_queued < 4 {
                rt::yield_now().await;
            }
            assert!(sub.unsubscribe("a").unwrap());
            if round == 1 {
                sub.subscribe("a").unwrap();
            }
            let wanted: &[&str] = if round == 0 { &["b1", "b2"] } else { &["a1", "b1", "a2", "b2"] };
            for expected in wanted {
                assert_eq!(sub.recv().await.unwrap()[0], *expected);
            }
            assert!(matches!(sub.try_recv(), Err(Error::WouldBlock)));
            let stats = sub.stats();
            assert_eq!(stats.recv_dropped_by(DropCause::NotSubscribed), 2);
            assert_eq!(stats.received, stats.delivered + stats.recv_queued + stats.recv_dropped);
            if round == 0 {
                // Otherwise the publisher may still know the subscription that has just ended.
                while publisher.topic_count() > 1 {
                    rt::yield_now().await;
                }
                sub.subscribe("a").unwrap();
                publisher.wait_for_subscribers("a", 1).await.unwrap();
            }
        }
        let mut told = 0;
        while let Some(event) = monitor.try_next() {
            if let SocketEvent::ReceivedDropped { cause: DropCause::NotSubscribed, count, .. } = event {
                told += count;
            }
        }
        assert_eq!(told, 2);
    });
}
