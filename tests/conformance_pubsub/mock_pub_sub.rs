//! Peers that are played by hand, of ZMTP 3.0 and 3.1, on either side (libzmq's test_mock_pub_sub.cpp).

use super::rt::{self, *};
use super::support::*;

/// The peer subscribes in the form of either version, whichever it is of.
#[test]
fn mock_pub_sub() {
    for minor in [0, 1] {
        for command in [false, true] {
            rt::run(async move {
                let (xpub, endpoint) = xpub(TCP, SocketOptions::default()).await;
                let mut raw = Raw::connect(&endpoint, "SUB", minor);
                raw.shake().await;
                let subscription = |on: bool| match (command, on) {
                    (true, true) => subscribe(b"A"),
                    (true, false) => cancel(b"A"),
                    (false, on) => frame(0, &[u8::from(on), b'A']),
                };
                raw.write_now(&subscription(true));
                expect(&xpub, 1, "A").await;
                xpub.send("ALOL").await.unwrap();
                assert_eq!(raw.frame().await, (0, b"ALOL".to_vec()));
                raw.write_now(&subscription(false));
                expect(&xpub, 0, "A").await;
                raw.write_now(&subscribe(b"B"));
                expect(&xpub, 1, "B").await;
                xpub.send("ALOL").await.unwrap();
                xpub.send("B").await.unwrap();
                assert_eq!(raw.frame().await, (0, b"B".to_vec()));
            });
        }
    }
}

/// The other way round: what we subscribe with is what the peer's version knows.
#[test]
fn mock_pub_sub_from_the_subscriber() {
    for minor in [0, 1] {
        rt::run(async move {
            let (listener, endpoint) = RawListener::bind();
            let sub = SubSocket::connect_with_reconnect(endpoint).await.unwrap();
            sub.subscribe("before").unwrap();
            let mut raw = listener.accept("PUB", minor).await;
            sub.subscribe("A").unwrap();
            sub.unsubscribe("A").unwrap();
            sub.subscribe("").unwrap();
            for (on, topic) in [(true, "before"), (true, "A"), (false, "A"), (true, "")] {
                let expected = match (minor, on) {
                    (0, on) => [&[u8::from(on)], topic.as_bytes()].concat(),
                    (_, true) => [b"\x09SUBSCRIBE", topic.as_bytes()].concat(),
                    (_, false) => [b"\x06CANCEL", topic.as_bytes()].concat(),
                };
                assert_eq!(raw.frame().await, (4 * minor, expected));
            }
            raw.write_now(&frame(0, b"message"));
            assert_eq!(sub.recv().await.unwrap()[0], "message");
        });
    }
}

/// What is no subscription reaches an XPUB whole, and a PUB not at all.
#[test]
fn mock_sub_that_sends_data() {
    rt::run(async {
        let (xpub, endpoint) = xpub(TCP, SocketOptions::default()).await;
        let mut raw = Raw::connect(&endpoint, "XSUB", 1);
        raw.write_now(&[frame(1, b"user"), frame(1, b""), frame(0, b"\x02data")].concat());
        raw.write_now(&[frame(0, b""), subscribe(b"A")].concat());
        assert_eq!(xpub.recv().await.unwrap(), Message::from(["user", "", "\u{2}data"]));
        assert_eq!(xpub.recv().await.unwrap(), Message::from(""));
        expect(&xpub, 1, "A").await;

        let publisher = PubSocket::bind(TCP).await.unwrap();
        let mut raw = Raw::connect(&publisher.local_endpoint().unwrap(), "XSUB", 1);
        raw.write_now(&[frame(1, b"user"), frame(0, b"\x02data"), frame(0, b"")].concat());
        raw.write_now(&subscribe(b"A"));
        publisher.wait_for_subscribers("A", 1).await.unwrap();
        let stats = publisher.stats();
        assert_eq!((stats.received, stats.recv_dropped, stats.peers.len()), (2, 2, 1));
    });
}

/// In the order in which they came, whatever their form: received while they are read.
#[test]
fn subscriptions_and_data_keep_their_order() {
    rt::run(async {
        let (xpub, endpoint) = xpub(TCP, SocketOptions::default()).await;
        let mut raw = Raw::connect(&endpoint, "XSUB", 1);
        raw.shake().await;
        let mut bytes = Vec::new();
        for n in 0..50_u8 {
            let topic = [b't', n];
            bytes.extend(if n % 2 == 0 { subscribe(&topic) } else { frame(0, &notice(1, topic)[0]) });
            bytes.extend(frame(0, &[b'd', n]));
        }
        let receiving = async {
            for n in 0..50_u8 {
                expect(&xpub, 1, [b't', n]).await;
                assert_eq!(xpub.recv().await.unwrap()[0], [b'd', n]);
            }
        };
        futures_util::future::join(receiving, async { raw.write_now(&bytes) }).await;
    });
}
