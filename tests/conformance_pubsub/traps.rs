//! Semantics that are easy to get wrong: publish/subscribe.

use super::rt::{self, *};
use super::support::*;

#[test]
fn trap_26_no_subscriber_no_message() {
    for endpoint in endpoints() {
        rt::run(async move {
            let publisher = PubSocket::bind(endpoint).await.unwrap();
            // Sending to nobody never waits.
            for _ in 0..5_000 {
                publisher.send("to nobody").await.unwrap();
            }
            assert_eq!(publisher.stats().dropped(DropCause::NoSubscriber), 5_000);
            let endpoint = publisher.local_endpoint().unwrap();
            let none = SubSocket::connect(&endpoint).await.unwrap();
            let all = SubSocket::connect(&endpoint).await.unwrap();
            all.subscribe("").unwrap();
            publisher.wait_for_subscribers("any", 1).await.unwrap();
            publisher.send("a message").await.unwrap();
            publisher.send("").await.unwrap();
            assert_eq!(all.recv().await.unwrap()[0], "a message");
            assert_eq!(all.recv().await.unwrap(), Message::from(""));
            none.subscribe("later").unwrap();
            publisher.wait_for_subscribers("later", 2).await.unwrap();
            publisher.send("later").await.unwrap();
            assert_eq!(none.recv().await.unwrap()[0], "later", "and nothing before it");
            assert_eq!(none.stats().received, 1);
        });
    }
}

/// A subscriber that never reads, and one that does.
async fn slow_and_quick(options: SocketOptions) -> (XPubSocket, Raw, SubSocket) {
    let (xpub, endpoint) = xpub(TCP, options).await;
    let mut slow = Raw::connect(&endpoint, "SUB", 1);
    slow.shake().await;
    slow.write_now(&[subscribe(b"both"), subscribe(b"slow")].concat());
    expect(&xpub, 1, "both").await;
    expect(&xpub, 1, "slow").await;
    let quick = SubSocket::connect(&endpoint).await.unwrap();
    quick.subscribe("both").unwrap();
    quick.subscribe("quick").unwrap();
    xpub.wait_for_subscribers("both", 2).await.unwrap();
    expect(&xpub, 1, "quick").await;
    (xpub, slow, quick)
}

/// Whole or not at all: a message of three frames never arrives in part.
#[test]
fn trap_27_a_full_subscriber_goes_without_whole_messages() {
    rt::run(async {
        let (xpub, mut slow, quick) = slow_and_quick(SocketOptions::default().with_send_hwm(2)).await;
        let (mut dropped, mut n) = (0, 0_u32);
        while dropped < 10 {
            let frames = [&b"both"[..], &[0; 100_000], &n.to_be_bytes()];
            xpub.send(frames.into_iter().collect::<Message>()).await.unwrap();
            let message = quick.recv().await.unwrap();
            assert_eq!((message.len(), &message[2][..]), (3, &n.to_be_bytes()[..]), "delayed by nobody");
            dropped = xpub.stats().dropped(DropCause::PeerFull);
            n += 1;
        }
        let mut next = 0;
        for _ in 0..n - 10 {
            assert_eq!(slow.frame().await, (1, b"both".to_vec()));
            assert_eq!(slow.frame().await, (3, vec![0; 100_000]));
            let (flags, number) = slow.frame().await;
            let number = u32::from_be_bytes(number.try_into().unwrap());
            assert!(flags == 0 && number >= next, "{number} after {next}");
            next = number + 1;
        }
        xpub.send("both again").await.unwrap();
        assert_eq!(slow.frame().await, (0, b"both again".to_vec()), "there is room, it is back");
    });
}

#[test]
fn trap_28_nodrop_is_for_all_or_nobody() {
    rt::run(async {
        let options = SocketOptions::default().with_xpub_nodrop(true).with_send_hwm(2);
        let (xpub, mut slow, quick) = slow_and_quick(options).await;
        let mut sent = 0_u32;
        while xpub.try_send(["slow".into(), Frame::from(vec![0; 100_000])]).is_ok() {
            rt::yield_now().await;
            sent += 1;
        }
        // The kernel may take more at any time, and then there is room again: what is accepted goes to both.
        let mut both = 0_u32;
        let refused = loop {
            match xpub.try_send(["both".into(), Frame::from(both.to_be_bytes().to_vec())]) {
                Ok(()) => both += 1,
                Err(refused) => break refused,
            }
        };
        assert!(matches!(refused.error(), Error::WouldBlock));
        for n in 0..both {
            assert_eq!(quick.recv().await.unwrap()[1], n.to_be_bytes());
        }
        xpub.send("quick").await.unwrap();
        assert_eq!(quick.recv().await.unwrap()[0], "quick", "nothing came of the refused one");
        let (sending, ()) = futures_util::future::join(xpub.send("both"), async {
            for _ in 0..sent + both {
                slow.frame().await;
                slow.frame().await;
            }
        })
        .await;
        sending.unwrap();
        assert_eq!(slow.frame().await, (0, b"both".to_vec()));
        assert_eq!(quick.recv().await.unwrap(), Message::from("both"));
        assert_eq!(xpub.stats().dropped_total(), 0);
    });
}

#[test]
fn trap_29_the_first_frame_is_what_is_matched() {
    for endpoint in endpoints() {
        rt::run(async move {
            let publisher = PubSocket::bind(endpoint).await.unwrap();
            let sub = SubSocket::connect(publisher.local_endpoint().unwrap()).await.unwrap();
            sub.subscribe("ab").unwrap();
            publisher.wait_for_subscribers("ab", 1).await.unwrap();
            for message in [["a", "ab"], ["abc", "x"], ["x", "ab"], ["", "ab"], ["ab", ""]] {
                publisher.send(message).await.unwrap();
            }
            assert_eq!(sub.recv().await.unwrap(), Message::from(["abc", "x"]));
            assert_eq!(sub.recv().await.unwrap(), Message::from(["ab", ""]));
        });
    }
}

/// A publisher that does not filter, or that has not heard of the unsubscription yet.
#[test]
fn trap_29_sub_filters_again_and_xsub_does_not() {
    rt::run(async {
        let (listener, endpoint) = RawListener::bind();
        let messages = [frame(0, b"b"), frame(1, b"x"), frame(0, b"a"), frame(0, b"ab")].concat();
        let sub = SubSocket::connect_with_reconnect(&endpoint).await.unwrap();
        sub.subscribe("a").unwrap();
        let mut raw = listener.accept("PUB", 1).await;
        raw.write_now(&messages);
        assert_eq!(sub.recv().await.unwrap()[0], "ab");
        assert_eq!(sub.stats().recv_dropped, 2);
        raw.write_now(&frame(0, b"a late"));
        sub.unsubscribe("a").unwrap();
        sub.subscribe("b").unwrap();
        raw.write_now(&frame(0, b"b"));
        assert_eq!(sub.recv().await.unwrap()[0], "b");

        let xsub = XSubSocket::connect_with_reconnect(&endpoint).await.unwrap();
        xsub.subscribe("a").unwrap();
        let mut raw = listener.accept("PUB", 1).await;
        raw.write_now(&messages);
        assert_eq!(xsub.recv().await.unwrap()[0], "b");
        assert_eq!(xsub.recv().await.unwrap(), Message::from(["x", "a"]));
        assert_eq!(xsub.recv().await.unwrap()[0], "ab");
    });
}

/// Each subscription goes to the publisher, of the unsubscriptions only the last of a topic.
#[test]
fn trap_30_subscribers_count() {
    rt::run(async {
        let (listener, endpoint) = RawListener::bind();
        let sub = SubSocket::connect_with_reconnect(&endpoint).await.unwrap();
        let mut raw = listener.accept("PUB", 0).await;
        for (mark, topic) in [(1, "a"), (1, "a"), (0, "a"), (0, "b"), (1, "c"), (0, "a"), (0, "a"), (0, "c")]
        {
            match mark {
                1 => sub.subscribe(topic).unwrap(),
                _ => _ = sub.unsubscribe(topic).unwrap(),
            }
        }
        for expected in ["\u{1}a", "\u{1}a", "\u{1}c", "\u{0}a", "\u{0}c"] {
            assert_eq!(raw.frame().await.1, expected.as_bytes());
        }
    });
}

/// The application of an XPUB sees the first subscription and the end of the last, over all peers; a peer
/// that is lost ends its own.
#[test]
fn trap_30_xpub_tells_the_first_and_the_last() {
    rt::run(async {
        let (xpub, endpoint) = xpub(TCP, SocketOptions::default()).await;
        let mut raws = [Raw::connect(&endpoint, "SUB", 1), Raw::connect(&endpoint, "SUB", 0)];
        // Twice is once for a peer, and what was never there cannot end.
        raws[0].write_now(&[subscribe(b"a"), subscribe(b"a"), cancel(b"b"), subscribe(b"own")].concat());
        expect(&xpub, 1, "a").await;
        expect(&xpub, 1, "own").await;
        raws[1].write_now(&[subscribe(b"a"), cancel(b"own"), subscribe(b"1")].concat());
        expect(&xpub, 1, "1").await;
        raws[0].write_now(&[cancel(b"a"), cancel(b"a"), subscribe(b"0")].concat());
        expect(&xpub, 1, "0").await;
        assert_eq!(xpub.topic_count(), 4);
        let [first, second] = raws;
        drop(second);
        let gone = [xpub.recv().await.unwrap(), xpub.recv().await.unwrap()];
        assert!(gone.contains(&notice(0, "a")) && gone.contains(&notice(0, "1")), "{gone:?}");
        drop(first);
        let gone = [xpub.recv().await.unwrap(), xpub.recv().await.unwrap()];
        assert!(gone.contains(&notice(0, "own")) && gone.contains(&notice(0, "0")), "{gone:?}");
        assert_eq!(xpub.topic_count(), 0);
    });
}

#[test]
fn trap_31_subscriptions_look_the_same_and_data_goes_upstream() {
    for endpoint in endpoints() {
        rt::run(async move {
            let (xpub, endpoint) = xpub(&endpoint, SocketOptions::default()).await;
            let xsub = XSubSocket::connect(endpoint).await.unwrap();
            xsub.subscribe("by method").unwrap();
            expect(&xpub, 1, "by method").await;
            xsub.send("\u{1}by message").await.unwrap();
            expect(&xpub, 1, "by message").await;
            xsub.unsubscribe("by message").unwrap();
            expect(&xpub, 0, "by message").await;
            xsub.send(["upstream", "data"]).await.unwrap();
            assert_eq!(xpub.recv().await.unwrap(), Message::from(["upstream", "data"]));
        });
        rt::run(async move {
            let publisher = PubSocket::bind(TCP).await.unwrap();
            let xsub = XSubSocket::connect(publisher.local_endpoint().unwrap()).await.unwrap();
            xsub.send("thrown away").await.unwrap();
            xsub.subscribe("a").unwrap();
            publisher.wait_for_subscribers("a", 1).await.unwrap();
            assert_eq!(publisher.stats().recv_dropped, 1);
        });
    }
}

/// All of them on every connection, and (where we depart from libzmq) outside of the mark.
#[test]
fn trap_32_subscriptions_are_sent_again_and_do_not_count() {
    for endpoint in endpoints() {
        rt::run(async move {
            let publisher = PubSocket::bind(&endpoint).await.unwrap();
            let endpoint = publisher.local_endpoint().unwrap();
            let options = SocketOptions::default()
                .with_send_hwm(1)
                .with_send_hwm_bytes(1)
                .with_reconnect_interval(std::time::Duration::from_millis(10));
            let xsub = XSubSocket::connect_with_options(&endpoint, options).await.unwrap();
            for n in 0..2_000_u32 {
                xsub.subscribe(n.to_be_bytes()).unwrap();
            }
            xsub.unsubscribe(7_u32.to_be_bytes()).unwrap();
            let all_there = async |publisher: &PubSocket| {
                publisher.wait_for_subscribers(1_999_u32.to_be_bytes(), 1).await.unwrap();
                while publisher.topic_count() != 1_999 {
                    rt::yield_now().await;
                }
            };
            all_there(&publisher).await;
            publisher.close().await;
            let publisher = PubSocket::bind(&endpoint).await.unwrap();
            all_there(&publisher).await;
            assert_eq!(xsub.stats().dropped_total(), 0);
        });
    }
}

/// A subscriber does not linger: a publisher that reads nothing cannot keep it from closing.
#[test]
fn trap_32_subscriptions_do_not_linger() {
    rt::run(async {
        let (listener, endpoint) = RawListener::bind();
        let sub = SubSocket::connect_with_reconnect(&endpoint).await.unwrap();
        let mut raw = listener.accept("PUB", 1).await;
        sub.subscribe("x").unwrap();
        raw.frame().await;
        for n in 0..40_u8 {
            sub.subscribe(vec![n; 500_000]).unwrap();
        }
        let closing = rt::timeout(std::time::Duration::from_secs(10), sub.close()).await;
        assert_eq!(closing, Some(0), "within its linger of 30 seconds");
    });
}

/// The form follows the peer's minor version, in both directions, and any length.
#[test]
fn trap_33_both_forms_of_both_versions() {
    for minor in [0, 1] {
        rt::run(async move {
            let (xpub, endpoint) = xpub(TCP, SocketOptions::default()).await;
            let mut raw = Raw::connect(&endpoint, "SUB", minor);
            let (listener, listening) = RawListener::bind();
            let sub = SubSocket::connect_with_reconnect(&listening).await.unwrap();
            let mut publisher = listener.accept("XPUB", minor).await;
            for len in [0, 1, 245, 246, 254, 255, 256, 70_000] {
                let topic = vec![b't'; len];
                for (mark, command) in [(1, subscribe(&topic)), (0, cancel(&topic))] {
                    let message = frame(0, &notice(mark, &topic)[0]);
                    for form in [&command, &message] {
                        raw.write(form).await;
                        if form == &command {
                            expect(&xpub, mark, &topic).await;
                        }
                    }
                    match mark {
                        1 => sub.subscribe(&topic).unwrap(),
                        _ => assert!(sub.unsubscribe(&topic).unwrap()),
                    }
                    let (flags, body) = publisher.frame().await;
                    assert!(frame(flags & !2, &body) == if minor == 1 { command } else { message }, "{len}");
                }
            }
        });
    }
}

#[test]
fn trap_34_manual_subscriptions_are_for_the_last_peer() {
    for endpoint in endpoints() {
        rt::run(async move {
            let (xpub, endpoint) = xpub(&endpoint, SocketOptions::default().with_xpub_manual(true)).await;
            let subs =
                [SubSocket::connect(&endpoint).await.unwrap(), SubSocket::connect(&endpoint).await.unwrap()];
            for (sub, given) in subs.iter().zip(["first", "second"]) {
                sub.subscribe("").unwrap();
                expect(&xpub, 1, "").await;
                xpub.subscribe(given).unwrap();
            }
            for topic in ["second", "nobody's", "first"] {
                xpub.send(topic).await.unwrap();
            }
            assert_eq!(subs[0].recv().await.unwrap()[0], "first");
            assert_eq!(subs[1].recv().await.unwrap()[0], "second");
            // Until the application has decided, nothing changes.
            subs[0].unsubscribe("").unwrap();
            expect(&xpub, 0, "").await;
            assert!(!xpub.unsubscribe("second").unwrap(), "that is the other's");
            assert_eq!(xpub.topic_count(), 2);
            assert!(xpub.unsubscribe("first").unwrap());
            assert_eq!(xpub.topic_count(), 1);
        });
    }
}

/// Set on one end only, the two filters let nothing through that is subscribed to, and nothing else.
#[test]
fn trap_34_invert_matching_takes_both_ends() {
    for (ours, theirs) in [(true, false), (false, true)] {
        rt::run(async move {
            let options = |on| SocketOptions::default().with_invert_matching(on);
            let publisher = PubSocket::bind_with_options(TCP, options(ours)).await.unwrap();
            let endpoint = publisher.local_endpoint().unwrap();
            let sub = SubSocket::connect_with_options(endpoint, options(theirs)).await.unwrap();
            sub.subscribe("a").unwrap();
            while publisher.topic_count() < 1 {
                rt::yield_now().await;
            }
            for topic in ["a", "b"] {
                publisher.send(topic).await.unwrap();
            }
            while sub.stats().received < 1 {
                rt::yield_now().await;
            }
            assert!(matches!(sub.try_recv(), Err(Error::WouldBlock)));
            assert_eq!((sub.stats().recv_dropped, publisher.stats().sent), (1, 1));
        });
    }
}
