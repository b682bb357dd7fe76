//! Subscribing and publishing.

use super::rt::{self, *};
use super::support::*;

#[test]
fn pubsub() {
    for endpoint in endpoints() {
        rt::run(async move {
            let (publisher, sub) =
                pub_sub(&endpoint, SocketOptions::default(), SocketOptions::default()).await;
            publisher.send("").await.unwrap();
            assert_eq!(sub.recv().await.unwrap(), Message::from(""));
        });
    }
}

/// A device that passes subscriptions one way and messages the other.
#[test]
fn sub_forward() {
    for endpoint in endpoints() {
        let other = if endpoint.starts_with("inproc") { inproc() } else { endpoint.clone() };
        rt::run(async move {
            let xpub = XPubSocket::bind(endpoint).await.unwrap();
            let xsub = XSubSocket::bind(other).await.unwrap();
            let publisher = PubSocket::connect(xsub.local_endpoint().unwrap()).await.unwrap();
            let sub = SubSocket::connect(xpub.local_endpoint().unwrap()).await.unwrap();
            sub.subscribe("").unwrap();
            xsub.send(xpub.recv().await.unwrap()).await.unwrap();
            publisher.wait_for_subscribers("", 1).await.unwrap();
            publisher.send("").await.unwrap();
            xpub.send(xsub.recv().await.unwrap()).await.unwrap();
            assert_eq!(sub.recv().await.unwrap(), Message::from(""));
            sub.unsubscribe("").unwrap();
            xsub.send(xpub.recv().await.unwrap()).await.unwrap();
            while publisher.topic_count() > 0 {
                rt::yield_now().await;
            }
        });
    }
}

#[test]
fn pub_invert_matching() {
    for endpoint in endpoints() {
        for invert in [false, true] {
            let endpoint = endpoint.clone();
            rt::run(async move {
                let options = || SocketOptions::default().with_invert_matching(invert);
                let publisher = PubSocket::bind_with_options(endpoint, options()).await.unwrap();
                let endpoint = publisher.local_endpoint().unwrap();
                let subs = [
                    SubSocket::connect_with_options(&endpoint, options()).await.unwrap(),
                    SubSocket::connect_with_options(&endpoint, options()).await.unwrap(),
                ];
                subs[0].subscribe("prefix1").unwrap();
                subs[1].subscribe("p2").unwrap();
                while publisher.topic_count() < 2 {
                    rt::yield_now().await;
                }
                let getters = usize::from(invert);
                for round in ["a", "b"] {
                    publisher.send(["prefix1", round]).await.unwrap();
                    publisher.send(["p2", round]).await.unwrap();
                    let expect = async |sub: usize, topic| {
                        assert_eq!(subs[sub].recv().await.unwrap(), Message::from([topic, round]));
                    };
                    // In the second round, what a filter let through by mistake in the first would come first.
                    expect(getters, "prefix1").await;
                    expect(1 - getters, "p2").await;
                }
            });
        }
    }
}

/// TOPICS_COUNT on either side, of topics of which none or each is a prefix of the next.
#[test]
fn pubsub_topics_count() {
    for endpoint in endpoints() {
        rt::run(async move {
            let publisher = PubSocket::bind(endpoint).await.unwrap();
            let sub = SubSocket::connect(publisher.local_endpoint().unwrap()).await.unwrap();
            let settled = async |count| {
                assert_eq!(sub.topic_count(), count);
                while publisher.topic_count() != count {
                    rt::yield_now().await;
                }
            };
            for (topic, count) in [("topicprefix1", 1), ("topicprefix2", 2), ("topicprefix3", 3)] {
                sub.subscribe(topic).unwrap();
                settled(count).await;
            }
            sub.subscribe("topicprefix1").unwrap();
            assert!(sub.unsubscribe("topicprefix1").unwrap(), "asked for twice");
            settled(3).await;
            for (topic, count) in [("topicprefix3", 2), ("topicprefix1", 1), ("topicprefix2", 0)] {
                assert!(sub.unsubscribe(topic).unwrap());
                settled(count).await;
            }
            for (topic, count) in [("a", 1), ("ab", 2), ("abc", 3), ("xyz", 4), ("xy", 5), ("x", 6)] {
                sub.subscribe(topic).unwrap();
                settled(count).await;
            }
        });
    }
}

/// With its name a SUBSCRIBE command of 245 bytes is the last that fits into a short frame.
#[test]
fn xpub_topic() {
    for endpoint in endpoints() {
        rt::run(async move {
            let (xpub, endpoint) = xpub(&endpoint, SocketOptions::default()).await;
            let sub = SubSocket::connect(endpoint).await.unwrap();
            for len in [245, 246] {
                let topic = b"ABCDEFGHIJKLMNOP".repeat(16)[..len].to_vec();
                sub.subscribe(&topic).unwrap();
                expect(&xpub, 1, &topic).await;
                sub.unsubscribe(&topic).unwrap();
                expect(&xpub, 0, &topic).await;
            }
        });
    }
}

#[test]
fn xpub_welcome_msg() {
    for endpoint in endpoints() {
        rt::run(async move {
            let options = SocketOptions::default().with_xpub_welcome_message("W");
            let (xpub, endpoint) = xpub(&endpoint, options).await;
            let sub = SubSocket::new(SocketOptions::default()).unwrap();
            sub.subscribe("W").unwrap();
            sub.connect_to(&endpoint).unwrap();
            expect(&xpub, 1, "W").await;
            xpub.send("Wafter").await.unwrap();
            assert_eq!(sub.recv().await.unwrap()[0], "W");
            assert_eq!(sub.recv().await.unwrap()[0], "Wafter");
            // Who did not subscribe to it does not see it.
            let other = SubSocket::connect(&endpoint).await.unwrap();
            other.subscribe("x").unwrap();
            expect(&xpub, 1, "x").await;
            xpub.send("x").await.unwrap();
            assert_eq!(other.recv().await.unwrap()[0], "x");
        });
    }
}

/// PUB takes the options of XPUB that do not need an application.
#[test]
fn xpub_nodrop() {
    for endpoint in endpoints() {
        rt::run(async move {
            let options = SocketOptions::default().with_xpub_nodrop(true).with_send_hwm(2000);
            let (xpub, endpoint) = xpub(&endpoint, options).await;
            let sub = SubSocket::connect(&endpoint).await.unwrap();
            sub.subscribe("").unwrap();
            expect(&xpub, 1, "").await;
            for _ in 0..1999 {
                xpub.try_send("").unwrap();
            }
            for _ in 0..1999 {
                assert_eq!(sub.recv().await.unwrap(), Message::from(""));
            }
            // Until there is no room: what was accepted arrives, all of it, and nothing else.
            let mut sent = 0_u32;
            let refused = loop {
                match xpub.try_send([&sent.to_be_bytes()[..], &[0; 2000]].concat()) {
                    Ok(()) => sent += 1,
                    Err(refused) => break refused,
                }
            };
            assert!(matches!(refused.error(), Error::WouldBlock));
            assert!(sent >= 2000);
            for n in 0..sent {
                assert_eq!(sub.recv().await.unwrap()[0][..4], n.to_be_bytes());
            }
            xpub.send(refused.into_message()).await.unwrap();
            assert_eq!(sub.recv().await.unwrap()[0][..4], sent.to_be_bytes());
            assert_eq!(xpub.stats().dropped_total(), 0);
        });
    }
}
