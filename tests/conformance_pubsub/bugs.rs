//! Bugs of other libraries, found after their release: each test names where.

use std::sync::mpsc;
use std::thread;

use futures_util::future::join_all;
use monocoque::resilience::OnFull;

use super::rt::{self, *};
use super::support::*;

/// CVE-2021-20236: a recursive trie ran out of stack for a long topic.
#[test]
fn cve_2021_20236_a_long_topic_on_a_small_stack() {
    let small = thread::Builder::new().stack_size(1024 * 1024);
    let test = || {
        rt::run(async {
            let (publisher, sub) = pub_sub(TCP, SocketOptions::default(), SocketOptions::default()).await;
            sub.unsubscribe("").unwrap();
            let topic = vec![b't'; 1 << 20];
            // Another one that parts from it at every depth.
            for len in [1 << 20, 1 << 10, 1 << 19, 1] {
                sub.subscribe(&topic[..len]).unwrap();
                sub.subscribe([&topic[..len - 1], b"other"].concat()).unwrap();
            }
            publisher.wait_for_subscribers(&topic, 1).await.unwrap();
            publisher.wait_for_subscribers("other", 1).await.unwrap();
            publisher.send(topic.clone()).await.unwrap();
            assert_eq!(sub.recv().await.unwrap()[0], topic);
            for len in [1 << 19, 1, 1 << 20, 1 << 10] {
                assert!(sub.unsubscribe(&topic[..len]).unwrap());
                assert!(sub.unsubscribe([&topic[..len - 1], b"other"].concat()).unwrap());
            }
            while publisher.topic_count() > 0 {
                rt::yield_now().await;
            }
        });
    };
    small.spawn(test).unwrap().join().unwrap();
}

/// libzmq#1224 and #3705: an empty unsubscription, a message without a byte.
#[test]
fn libzmq_1224_and_3705_nothing_at_all() {
    rt::run(async {
        let (xpub, endpoint) = xpub(TCP, SocketOptions::default()).await;
        let mut raw = Raw::connect(&endpoint, "XSUB", 1);
        raw.write_now(&[cancel(b""), frame(0, b"\0"), frame(4, b""), frame(4, b"\0")].concat());
        raw.write_now(&[frame(0, b""), frame(0, b"\x01"), frame(1, b""), frame(0, b"")].concat());
        assert_eq!(xpub.recv().await.unwrap(), Message::from(""));
        expect(&xpub, 1, "").await;
        assert_eq!(xpub.recv().await.unwrap(), Message::from(["", ""]));
        xpub.send("").await.unwrap();
        assert_eq!(xpub.peers().len(), 1);
        assert_eq!(xpub.stats().dropped_total(), 0);
    });
}

/// libzmq#2601: what a manual XPUB gave a peer outlived the peer.
#[test]
fn libzmq_2601_manual_subscriptions_go_with_their_peer() {
    for endpoint in endpoints() {
        rt::run(async move {
            let (xpub, endpoint) = xpub(&endpoint, SocketOptions::default().with_xpub_manual(true)).await;
            for round in 0..20 {
                let sub = SubSocket::connect(&endpoint).await.unwrap();
                sub.subscribe("asked").unwrap();
                expect(&xpub, 1, "asked").await;
                xpub.subscribe("given").unwrap();
                xpub.wait_for_subscribers("given", 1).await.unwrap();
                assert_eq!(xpub.topic_count(), 1, "round {round}");
                drop(sub);
                expect(&xpub, 0, "asked").await;
                xpub.subscribe("too late").unwrap();
                assert_eq!(xpub.topic_count(), 0, "round {round}");
            }
        });
    }
}

/// libzmq#1598: a message that found no room left its matches behind, for the next one to go to.
#[test]
fn libzmq_1598_a_refused_message_leaves_nothing_behind() {
    rt::run(async {
        let options = SocketOptions::default().with_on_full(OnFull::Fail).with_send_hwm(1);
        let (xpub, endpoint) = xpub(TCP, options).await;
        let mut stuck = Raw::connect(&endpoint, "SUB", 1);
        stuck.write_now(&subscribe(b"A"));
        expect(&xpub, 1, "A").await;
        let sub = SubSocket::connect(&endpoint).await.unwrap();
        sub.subscribe("B").unwrap();
        expect(&xpub, 1, "B").await;
        for n in 0..100_u8 {
            // The kernel may have taken some more meanwhile.
            let refused = loop {
                if let Err(refused) = xpub.send(["A".into(), Frame::from(vec![0; 100_000])]).await {
                    break refused;
                }
            };
            assert!(matches!(refused.error(), Error::Full));
            xpub.send([b'B', n]).await.unwrap();
            assert_eq!(sub.recv().await.unwrap()[0], [b'B', n]);
        }
    });
}

/// libzmq#3323 and #4399: with CONFLATE other subscribers got empty messages, and frames were cut off.
#[test]
fn libzmq_3323_and_4399_conflated_messages_are_whole_for_all() {
    for endpoint in endpoints() {
        rt::run(async move {
            let options = || SocketOptions::default().with_conflate(true);
            let publisher = PubSocket::bind_with_options(endpoint, options()).await.unwrap();
            let endpoint = publisher.local_endpoint().unwrap();
            let mut subs = Vec::new();
            for _ in 0..3 {
                let sub = SubSocket::connect_with_options(&endpoint, options()).await.unwrap();
                sub.subscribe("topic").unwrap();
                subs.push(sub);
            }
            publisher.wait_for_subscribers("topic", 3).await.unwrap();
            let message = |n: u32| {
                let frames = [&b"topic"[..], &n.to_be_bytes(), &[7; 1000]];
                frames.into_iter().collect::<Message>()
            };
            for n in 0..1000 {
                publisher.send(message(n)).await.unwrap();
            }
            for sub in &subs {
                loop {
                    let received = sub.recv().await.unwrap();
                    let n = u32::from_be_bytes(received[1][..].try_into().unwrap());
                    assert_eq!(received, message(n));
                    if n == 999 {
                        break;
                    }
                }
                assert!(matches!(sub.try_recv(), Err(Error::WouldBlock)));
            }
        });
    }
}

/// zmq.rs#237: a PUB dropped whatever was larger than one write.
#[test]
fn zmq_rs_237_messages_of_any_size_arrive() {
    for endpoint in endpoints() {
        rt::run(async move {
            let (publisher, sub) =
                pub_sub(&endpoint, SocketOptions::default(), SocketOptions::default()).await;
            let largest = if endpoint.starts_with("tcp") { 64 << 20 } else { 5 << 20 };
            for size in [1, 100, 4_096, 32_769, 300 << 10, 1 << 20, largest] {
                let message = Frame::from(vec![size as u8; size]);
                publisher.send(message.clone()).await.unwrap();
                assert!(sub.recv().await.unwrap()[0] == message, "{size} bytes");
            }
            assert_eq!(publisher.stats().dropped_total(), 0);
        });
    }
}

/// zmq.rs#159: a SUB was stuck after a burst.
#[test]
fn zmq_rs_159_a_burst_arrives_and_what_comes_after_it() {
    for endpoint in endpoints() {
        rt::run(async move {
            let publisher = SocketOptions::default().with_unlimited_send_hwm();
            let (publisher, sub) = pub_sub(&endpoint, publisher, SocketOptions::default()).await;
            for burst in [1_000, 1, 20_000_u32] {
                for n in 0..burst {
                    publisher.send(n.to_be_bytes()).await.unwrap();
                }
                for n in 0..burst {
                    assert_eq!(sub.recv().await.unwrap()[0], n.to_be_bytes());
                }
            }
            assert_eq!(publisher.stats().dropped_total(), 0);
        });
    }
}

/// goczmq#33: a PUB waited for subscribers that there were none of, and failed after one had left.
#[test]
fn go_33_subscribers_come_and_go() {
    for endpoint in endpoints() {
        rt::run(async move {
            let publisher = PubSocket::bind(endpoint).await.unwrap();
            publisher.send("nobody").await.unwrap();
            let endpoint = publisher.local_endpoint().unwrap();
            let mut subs = Vec::new();
            for _ in 0..3 {
                let sub = SubSocket::connect(&endpoint).await.unwrap();
                sub.subscribe("").unwrap();
                subs.push(sub);
            }
            publisher.wait_for_subscribers("", 3).await.unwrap();
            drop(subs.remove(1));
            for n in 0..1000_u32 {
                publisher.send(n.to_be_bytes()).await.unwrap();
                for sub in &subs {
                    assert_eq!(sub.recv().await.unwrap()[0], n.to_be_bytes());
                }
            }
            while publisher.peers().len() > 2 {
                rt::yield_now().await;
            }
            drop(subs);
            while !publisher.peers().is_empty() {
                rt::yield_now().await;
            }
            publisher.send("nobody again").await.unwrap();
        });
    }
}

/// goczmq PR#106: removing a peer while sending ended in a deadlock when many left at once.
#[test]
fn go_106_a_hundred_subscribers_leave_while_sending() {
    for endpoint in endpoints() {
        rt::run(async move {
            let publisher = PubSocket::bind(endpoint).await.unwrap();
            let endpoint = publisher.local_endpoint().unwrap();
            let stays = SubSocket::connect(&endpoint).await.unwrap();
            stays.subscribe("").unwrap();
            let leaves = async |n: u32| {
                let sub = SubSocket::connect(&endpoint).await.unwrap();
                sub.subscribe("").unwrap();
                sub.subscribe(n.to_be_bytes()).unwrap();
                sub
            };
            let subs = join_all((0..100).map(leaves)).await;
            publisher.wait_for_subscribers("", 101).await.unwrap();
            let mut subs = Some(subs);
            for n in 0..500_u32 {
                publisher.send(n.to_be_bytes()).await.unwrap();
                assert_eq!(stays.recv().await.unwrap()[0], n.to_be_bytes());
                if n == 100 {
                    drop(subs.take());
                }
            }
            while publisher.peers().len() > 1 {
                rt::yield_now().await;
            }
            assert_eq!(publisher.topic_count(), 1);
        });
    }
}

/// omq.rb 0.16.1: a PUB did as it liked with a full queue, whatever it was told to do.
#[test]
fn omq_0_16_1_a_full_subscriber_is_treated_as_asked() {
    for on_full in [None, Some(OnFull::Drop), Some(OnFull::Fail), Some(OnFull::Wait)] {
        rt::run(async move {
            let options = SocketOptions::default().with_on_full(on_full).with_send_hwm(1);
            let publisher = PubSocket::bind_with_options(TCP, options).await.unwrap();
            let mut slow = Raw::connect(&publisher.local_endpoint().unwrap(), "SUB", 1);
            slow.shake().await;
            slow.write_now(&subscribe(b""));
            publisher.wait_for_subscribers("", 1).await.unwrap();
            let message = || Message::from(vec![0; 1_000_000]);
            let mut sent = 0;
            let refused = loop {
                match publisher.try_send(message()) {
                    Err(refused) => break Some(refused.error().kind()),
                    Ok(()) if publisher.stats().dropped_total() > 0 => break None,
                    Ok(()) => sent += 1,
                }
            };
            match on_full {
                None | Some(OnFull::Drop) => assert_eq!(refused, None),
                _ => assert_eq!(refused, Some(ErrorKind::WouldBlock)),
            }
            if on_full == Some(OnFull::Fail) {
                assert!(matches!(publisher.send(message()).await.unwrap_err().error(), Error::Full));
            }
            if on_full == Some(OnFull::Wait) {
                let reading = async {
                    for _ in 0..sent {
                        slow.frame().await;
                    }
                };
                let (sent, ()) = futures_util::future::join(publisher.send(message()), reading).await;
                sent.unwrap();
                slow.frame().await;
            }
        });
    }
}

/// monocoque-rs 0.4: a subscription that could not be decoded was decoded again for ever.
#[test]
fn monocoque_0_4_a_bad_subscription_is_met_once() {
    rt::run(async {
        let publisher = PubSocket::bind(TCP).await.unwrap();
        let endpoint = publisher.local_endpoint().unwrap();
        let good = SubSocket::connect(&endpoint).await.unwrap();
        good.subscribe("").unwrap();
        publisher.wait_for_subscribers("", 1).await.unwrap();
        let mut monitor = publisher.monitor();
        // A command with no name to its length is skipped; a frame that cannot be ends its connection.
        let mut bad = Raw::connect(&endpoint, "SUB", 1);
        bad.shake().await;
        bad.write_now(&[frame(4, b"\x20SUBSCRIBE"), vec![6, 0xFF, 0, 0, 0, 0, 0, 0, 0]].concat());
        bad.closed().await;
        let mut ends = 0;
        for n in 0..100_u8 {
            publisher.send([n]).await.unwrap();
            assert_eq!(good.recv().await.unwrap()[0], [n]);
        }
        drop(publisher);
        while let Some(event) = monitor.next().await {
            ends += usize::from(matches!(
                event,
                SocketEvent::Disconnected { reason: DisconnectReason::Protocol(_), .. }
            ));
        }
        assert_eq!(ends, 1);
    });
}

/// monocoque-rs 0.1.6: a PUB lost its tail when the runtime that accepted its peers ended.
#[test]
fn monocoque_0_1_6_a_burst_survives_the_end_of_the_runtime() {
    const MESSAGES: u32 = 20_000;
    let (tell, told) = mpsc::channel();
    let publishing = thread::spawn(move || {
        rt::run(async move {
            let options = SocketOptions::default().with_unlimited_send_hwm();
            let publisher = PubSocket::bind_with_options(TCP, options).await.unwrap();
            tell.send(publisher.local_endpoint().unwrap()).unwrap();
            publisher.wait_for_subscribers("", 1).await.unwrap();
            for n in 0..MESSAGES {
                publisher.send(n.to_be_bytes()).await.unwrap();
            }
            assert_eq!(publisher.close().await, 0);
        });
    });
    let endpoint = told.recv().unwrap();
    rt::run(async move {
        let options = SocketOptions::default().with_reconnect(false);
        let sub = SubSocket::connect_with_options(endpoint, options).await.unwrap();
        sub.subscribe("").unwrap();
        for n in 0..MESSAGES {
            assert_eq!(sub.recv().await.unwrap()[0], n.to_be_bytes());
        }
        assert!(sub.recv().await.is_err(), "it is gone");
    });
    publishing.join().unwrap();
}
