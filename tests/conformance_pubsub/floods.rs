//! Peers that subscribe to too much.

use futures_util::future::{Either, join_all, select};

use super::rt::{self, *};
use super::support::*;

/// A PUB with these limits, and a good subscriber.
struct Target {
    publisher: PubSocket,
    good: SubSocket,
    endpoint: Endpoint,
    monitor: Monitor,
}

impl Target {
    async fn new(options: SocketOptions) -> Self {
        let publisher = PubSocket::bind_with_options(TCP, options).await.unwrap();
        let endpoint = publisher.local_endpoint().unwrap();
        let good = SubSocket::connect(&endpoint).await.unwrap();
        good.subscribe("good").unwrap();
        publisher.wait_for_subscribers("good", 1).await.unwrap();
        let monitor = publisher.monitor();
        Self { publisher, good, endpoint, monitor }
    }

    async fn peer(&self) -> Raw {
        let mut raw = Raw::connect(&self.endpoint, "SUB", 1);
        raw.shake().await;
        raw
    }

    /// Why the next connection ends.
    async fn end(&mut self) -> DisconnectReason {
        loop {
            if let SocketEvent::Disconnected { reason, .. } = self.monitor.next().await.unwrap() {
                return reason;
            }
        }
    }

    /// The good one, and nobody else, is still there and gets what is published.
    async fn check_good(&self, topics: usize) {
        self.publisher.send("good message").await.unwrap();
        assert_eq!(self.good.recv().await.unwrap()[0], "good message");
        assert_eq!((self.publisher.peers().len(), self.publisher.topic_count()), (1, topics));
    }

    /// This is one subscription too many.
    async fn refuses(&mut self, bytes: &[u8]) {
        let mut raw = self.peer().await;
        raw.write_now(bytes);
        assert!(matches!(self.end().await, DisconnectReason::TooManySubscriptions));
        raw.closed().await;
        self.check_good(1).await;
    }

    /// These are not too many.
    async fn takes(&mut self, bytes: &[u8]) {
        let mut raw = self.peer().await;
        raw.write_now(&[bytes, &subscribe(b"")].concat());
        self.publisher.wait_for_subscribers("", 1).await.unwrap();
        drop(raw);
        assert!(matches!(self.end().await, DisconnectReason::EndOfStream));
        self.check_good(1).await;
    }
}

fn many(count: u8, form: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    (0..count).flat_map(|n| form(&[b't', n])).collect()
}

fn message(topic: &[u8]) -> Vec<u8> {
    frame(0, &notice(1, topic)[0])
}

#[test]
fn a_flood_of_subscriptions_ends_its_connection() {
    rt::run(async {
        let mut target = Target::new(SocketOptions::default().with_max_subscriptions(100)).await;
        target.refuses(&many(101, subscribe)).await;
        target.refuses(&many(101, message)).await;
        let one_message = (0..=100).flat_map(|n| frame(u8::from(n < 100), &[1, b't', n])).collect::<Vec<_>>();
        target.refuses(&one_message).await;
        // The one of `takes` makes a hundred. Twice is once, and what is cancelled does not count.
        target.takes(&many(99, subscribe)).await;
        target.takes(&many(99, subscribe).repeat(3)).await;
        let changing = [many(99, subscribe), many(99, cancel), many(99, |topic| subscribe(&topic[1..]))];
        target.takes(&changing.concat()).await;
    });
}

#[test]
fn a_flood_of_topic_bytes_ends_its_connection() {
    rt::run(async {
        let mut target = Target::new(SocketOptions::default().with_max_subscription_bytes(1000)).await;
        target.refuses(&subscribe(&[b't'; 1001])).await;
        target.refuses(&message(&[b't'; 1001])).await;
        target.refuses(&[subscribe(&[b't'; 600]), subscribe(&[b'u'; 401])].concat()).await;
        target.takes(&subscribe(&[b't'; 1000])).await;
        target.takes(&[subscribe(&[b't'; 600]), subscribe(&[b'u'; 400])].concat()).await;
    });
}

/// The application of an XPUB sees what was taken, and the end of that: nothing of what was too much.
#[test]
fn an_xpub_tells_what_it_took_of_a_flood() {
    for endpoint in endpoints() {
        for options in [SocketOptions::default(), SocketOptions::default().with_xpub_manual(true)] {
            let endpoint = endpoint.clone();
            rt::run(async move {
                let (xpub, endpoint) = xpub(&endpoint, options.with_max_subscriptions(3)).await;
                let reconnects = SocketOptions::default().with_reconnect(false);
                let xsub = XSubSocket::connect_with_options(endpoint, reconnects).await.unwrap();
                let topics = ["a", "b", "c", "d"];
                topics.iter().for_each(|topic| xsub.subscribe(topic).unwrap());
                for topic in &topics[..3] {
                    expect(&xpub, 1, topic).await;
                }
                let mut gone = Vec::new();
                for _ in 0..3 {
                    gone.push(xpub.recv().await.unwrap());
                }
                assert!(topics[..3].iter().all(|topic| gone.contains(&notice(0, topic))), "{gone:?}");
                assert!(matches!(xpub.try_recv(), Err(Error::WouldBlock)));
                assert_eq!((xpub.peers().len(), xpub.topic_count()), (0, 0));
            });
        }
    }
}

/// A million subscriptions and their ends, from several peers at once (libzmq#2942); fewer where nothing is
/// optimized.
#[test]
fn libzmq_2942_storms_of_subscriptions() {
    const PEERS: usize = 5;
    let rounds = if cfg!(debug_assertions) { 100 } else { 1000 };
    rt::run(async move {
        let target = Target::new(SocketOptions::default()).await;
        let round: Vec<u8> = (0..100_u8)
            .flat_map(|n| [subscribe(&[n]), subscribe(&[n, n]), cancel(&[n]), cancel(&[n, n])].concat())
            .collect();
        let storm = async |target: &Target| {
            let mut raw = target.peer().await;
            for _ in 0..rounds {
                assert!(raw.write(&round).await);
            }
            assert!(raw.write(&subscribe(b"done")).await);
            raw
        };
        let storms = async {
            let raws = join_all((0..PEERS).map(|_| storm(&target))).await;
            target.publisher.wait_for_subscribers("done", PEERS).await.unwrap();
            raws
        };
        let quiet = async {
            loop {
                target.publisher.send("good message").await.unwrap();
                assert_eq!(target.good.recv().await.unwrap()[0], "good message");
            }
        };
        let (storms, quiet) = (std::pin::pin!(storms), std::pin::pin!(quiet));
        let Either::Left((raws, _)) = select(storms, quiet).await;
        assert_eq!(target.publisher.topic_count(), 2, "what was cancelled is gone");
        drop(raws);
        while target.publisher.peers().len() > 1 {
            rt::yield_now().await;
        }
        target.check_good(1).await;
    });
}

/// From none to more than a mebibyte, which no longer fits into a command.
#[test]
fn topics_of_any_length() {
    for endpoint in endpoints() {
        rt::run(async move {
            let publisher = PubSocket::bind(endpoint).await.unwrap();
            let sub = SubSocket::connect(publisher.local_endpoint().unwrap()).await.unwrap();
            for len in [0, 1, 255, 256, 65_536, (1 << 20) - 1, 1 << 20, (1 << 20) + 1] {
                let topic = vec![b't'; len];
                sub.subscribe(&topic).unwrap();
                publisher.wait_for_subscribers(&topic, 1).await.unwrap();
                if len > 0 {
                    // Too short by a byte.
                    publisher.send(topic[1..].to_vec()).await.unwrap();
                }
                publisher.send([&topic[..], b"x"].concat()).await.unwrap();
                assert_eq!(sub.recv().await.unwrap()[0].len(), len + 1);
                assert!(sub.unsubscribe(&topic).unwrap());
                while publisher.topic_count() > 0 {
                    rt::yield_now().await;
                }
            }
            assert_eq!(publisher.stats().reconnects, 0);
        });
    }
}

/// A length that is announced is nothing yet; one that is too large ends the connection.
#[test]
fn announced_topics_are_bounded() {
    rt::run(async {
        let mut target = Target::new(SocketOptions::default()).await;
        for len in [(1_u64 << 20) + 11, 1 << 32, u64::MAX >> 1, u64::MAX] {
            let mut raw = target.peer().await;
            raw.write_now(&[&[6][..], &len.to_be_bytes(), b"\x09SUBSCRIBE"].concat());
            assert!(matches!(target.end().await, DisconnectReason::Protocol(_)), "{len}");
            target.check_good(1).await;
        }
    });
}
