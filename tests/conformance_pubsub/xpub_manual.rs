//! XPUBs whose application decides what a subscription means.

use super::rt::{self, *};
use super::support::*;

fn manual() -> SocketOptions {
    SocketOptions::default().with_xpub_manual(true)
}

fn last_value() -> SocketOptions {
    SocketOptions::default().with_xpub_manual_last_value(true)
}

#[test]
fn xpub_manual() {
    for endpoint in endpoints() {
        rt::run(async move {
            basic(&endpoint, manual()).await;
            unsubscribe(&endpoint, manual()).await;
            disconnect_behind_a_proxy(manual()).await;
            quick_succession(manual()).await;
            cleanup(&endpoint, manual()).await;
            user_message(&endpoint).await;
            user_message_multi(&endpoint).await;
        });
    }
}

#[test]
fn xpub_manual_last_value() {
    for endpoint in endpoints() {
        rt::run(async move {
            basic(&endpoint, last_value()).await;
            unsubscribe(&endpoint, last_value()).await;
            disconnect_behind_a_proxy(last_value()).await;
            quick_succession(last_value()).await;
            cleanup(&endpoint, last_value()).await;
            only_the_last(&endpoint).await;
        });
    }
}

async fn xsub(endpoint: &Endpoint) -> XSubSocket {
    XSubSocket::connect(endpoint).await.unwrap()
}

/// The peer asks for A and gets B.
async fn basic(endpoint: &str, options: SocketOptions) {
    let (xpub, endpoint) = xpub(endpoint, options).await;
    let xsub = xsub(&endpoint).await;
    xsub.send("\u{1}A").await.unwrap();
    expect(&xpub, 1, "A").await;
    xpub.subscribe("B").unwrap();
    xpub.send("A").await.unwrap();
    xpub.send("B").await.unwrap();
    assert_eq!(xsub.recv().await.unwrap()[0], "B");
}

async fn unsubscribe(endpoint: &str, options: SocketOptions) {
    let (xpub, endpoint) = xpub(endpoint, options).await;
    let xsub = xsub(&endpoint).await;
    xsub.send("\u{1}A").await.unwrap();
    xsub.send("\u{1}B").await.unwrap();
    expect(&xpub, 1, "A").await;
    xpub.subscribe("XA").unwrap();
    expect(&xpub, 1, "B").await;
    xpub.subscribe("XB").unwrap();
    xsub.send("\u{0}A").await.unwrap();
    expect(&xpub, 0, "A").await;
    assert!(xpub.unsubscribe("XA").unwrap());
    xpub.send("XA").await.unwrap();
    xpub.send("XB").await.unwrap();
    assert_eq!(xsub.recv().await.unwrap()[0], "XB");
    xsub.close().await;
    expect(&xpub, 0, "B").await;
    assert!(!xpub.unsubscribe("XB").unwrap(), "gone with its peer");
    assert_eq!(xpub.topic_count(), 0);
}

/// A device between a PUB and two SUBs.
struct Proxy {
    xsub: XSubSocket,
    xpub: XPubSocket,
    publisher: PubSocket,
}

impl Proxy {
    async fn new(options: SocketOptions) -> Self {
        let xsub = XSubSocket::bind(TCP).await.unwrap();
        let (xpub, _) = xpub(TCP, options).await;
        let publisher = PubSocket::connect(xsub.local_endpoint().unwrap()).await.unwrap();
        Self { xsub, xpub, publisher }
    }

    async fn sub(&self, topic: &str) -> SubSocket {
        let sub = SubSocket::connect(self.xpub.local_endpoint().unwrap()).await.unwrap();
        sub.subscribe(topic).unwrap();
        sub
    }

    /// Takes a subscription, confirms it and passes it on.
    async fn confirm(&self, topic: &str) {
        expect(&self.xpub, 1, topic).await;
        self.xpub.subscribe(topic).unwrap();
        self.xsub.send(notice(1, topic)).await.unwrap();
        self.publisher.wait_for_subscribers(topic, 1).await.unwrap();
    }

    /// Passes a message on, `copies` times.
    async fn publish(&self, topic: &str, copies: usize) {
        self.publisher.send([topic, "X"]).await.unwrap();
        let message = self.xsub.recv().await.unwrap();
        assert_eq!(message, Message::from([topic, "X"]));
        for _ in 0..copies {
            self.xpub.send(message.clone()).await.unwrap();
        }
    }
}

/// What two peers had in common is unsubscribed from twice, though the first time nothing changes.
async fn disconnect_behind_a_proxy(options: SocketOptions) {
    let only_last = options.xpub_manual_last_value();
    let proxy = Proxy::new(options).await;
    let subs = [proxy.sub("1").await, {
        proxy.confirm("1").await;
        proxy.sub("1").await
    }];
    proxy.confirm("1").await;
    // The first of two is for the last subscriber alone, where only the last value counts.
    proxy.publish("1", 2).await;
    for (sub, copies) in subs.iter().zip([if only_last { 1 } else { 2 }, 2]) {
        for _ in 0..copies {
            assert_eq!(sub.recv().await.unwrap(), Message::from(["1", "X"]));
        }
        assert!(matches!(sub.try_recv(), Err(Error::WouldBlock)));
    }
    for sub in subs {
        sub.close().await;
        expect(&proxy.xpub, 0, "1").await;
        assert!(!proxy.xpub.unsubscribe("1").unwrap(), "it is gone already");
        proxy.xsub.send(notice(0, "1")).await.unwrap();
    }
    while proxy.publisher.topic_count() > 0 {
        rt::yield_now().await;
    }
}

/// The second peer subscribes before the first subscription is confirmed.
async fn quick_succession(options: SocketOptions) {
    let only_last = options.xpub_manual_last_value();
    let proxy = Proxy::new(options).await;
    let first = proxy.sub("1").await;
    let mut arrived = 0;
    while arrived < 1 {
        rt::yield_now().await;
        arrived = proxy.xpub.stats().recv_queued;
    }
    let second = proxy.sub("2").await;
    while arrived < 2 {
        rt::yield_now().await;
        arrived = proxy.xpub.stats().recv_queued;
    }
    proxy.confirm("1").await;
    proxy.confirm("2").await;
    proxy.publish("1", 1).await;
    proxy.publish("2", 1).await;
    assert_eq!(second.recv().await.unwrap(), Message::from(["2", "X"]));
    if !only_last {
        assert_eq!(first.recv().await.unwrap(), Message::from(["1", "X"]));
    }
}

/// What a peer was given goes with it.
async fn cleanup(endpoint: &str, options: SocketOptions) {
    let (xpub, endpoint) = xpub(endpoint, options).await;
    let first = xsub(&endpoint).await;
    first.send("\u{1}A").await.unwrap();
    expect(&xpub, 1, "A").await;
    xpub.subscribe("XA").unwrap();
    for topic in ["XA", "XB"] {
        xpub.send(topic).await.unwrap();
    }
    assert_eq!(first.recv().await.unwrap()[0], "XA");
    assert!(matches!(first.try_recv(), Err(Error::WouldBlock)));
    first.close().await;
    expect(&xpub, 0, "A").await;
    // The peer of this message is gone: there is nobody to subscribe.
    xpub.subscribe("XA").unwrap();
    assert_eq!(xpub.topic_count(), 0);

    let second = xsub(&endpoint).await;
    second.send("\u{1}B").await.unwrap();
    expect(&xpub, 1, "B").await;
    xpub.subscribe("XB").unwrap();
    for topic in ["XA", "XB"] {
        xpub.send(topic).await.unwrap();
    }
    assert_eq!(second.recv().await.unwrap()[0], "XB");
    assert!(matches!(second.try_recv(), Err(Error::WouldBlock)));
}

async fn user_message(endpoint: &str) {
    let (xpub, endpoint) = xpub(endpoint, SocketOptions::default()).await;
    let xsub = xsub(&endpoint).await;
    xsub.send("\u{2}A").await.unwrap();
    assert_eq!(xpub.recv().await.unwrap()[0], "\u{2}A");
}

/// ONLY_FIRST_SUBSCRIBE on both sides: what follows the first frame is data, whatever it begins with.
async fn user_message_multi(endpoint: &str) {
    let options = || SocketOptions::default().with_only_first_subscribe(true);
    let (xpub, endpoint) = xpub(endpoint, options()).await;
    let xsub = XSubSocket::connect_with_options(&endpoint, options()).await.unwrap();
    for second in ["\u{0}BC", "\u{1}BC"] {
        xsub.send(["ABC", second]).await.unwrap();
        assert_eq!(xpub.recv().await.unwrap(), Message::from(["ABC", second]));
    }
    xsub.send(["\u{1}BC", "ABC", "\u{1}D"]).await.unwrap();
    expect(&xpub, 1, "BC").await;
    assert_eq!(xpub.recv().await.unwrap(), Message::from(["ABC", "\u{1}D"]));
    assert_eq!(xpub.topic_count(), 1);
}

/// A cache of last values answers the one who just subscribed.
async fn only_the_last(endpoint: &str) {
    let (xpub, endpoint) = xpub(endpoint, last_value().with_send_hwm(2000)).await;
    let subs = [SubSocket::connect(&endpoint).await.unwrap(), SubSocket::connect(&endpoint).await.unwrap()];
    for (round, sub) in ["first", "second"].iter().zip(&subs) {
        sub.subscribe("A").unwrap();
        expect(&xpub, 1, "A").await;
        xpub.subscribe("A").unwrap();
        xpub.send(["A", round]).await.unwrap();
        assert_eq!(sub.recv().await.unwrap(), Message::from(["A", round]));
    }
    // Nobody subscribed since: it is for everybody.
    xpub.send(["A", "both"]).await.unwrap();
    for sub in subs {
        assert_eq!(sub.recv().await.unwrap(), Message::from(["A", "both"]));
    }
}

/// An XPUB that does not decide says so (`EINVAL` in libzmq).
#[test]
fn subscriptions_are_not_for_every_xpub_to_decide() {
    rt::run(async {
        let (xpub, endpoint) = xpub(TCP, SocketOptions::default()).await;
        let xsub = xsub(&endpoint).await;
        xsub.send("\u{1}A").await.unwrap();
        expect(&xpub, 1, "A").await;
        assert!(matches!(xpub.subscribe("B"), Err(Error::InvalidState)));
        assert!(matches!(xpub.unsubscribe("A"), Err(Error::InvalidState)));
        assert_eq!(xpub.topic_count(), 1);
    });
}

/// Each frame is a subscription if it looks like one, by default; the others stay together.
#[test]
fn any_frame_can_be_a_subscription() {
    for endpoint in endpoints() {
        rt::run(async move {
            let (xpub, endpoint) = xpub(&endpoint, SocketOptions::default()).await;
            let xsub = xsub(&endpoint).await;
            xsub.send(["user", "\u{1}A", "data", "\u{1}B"]).await.unwrap();
            xsub.send(["\u{0}A", "more"]).await.unwrap();
            for (mark, topic) in [(1, "A"), (1, "B")] {
                expect(&xpub, mark, topic).await;
            }
            assert_eq!(xpub.recv().await.unwrap(), Message::from(["user", "data"]));
            expect(&xpub, 0, "A").await;
            assert_eq!(xpub.recv().await.unwrap()[0], "more");
            assert_eq!((xpub.topic_count(), xsub.topic_count()), (1, 1));
        });
    }
}
