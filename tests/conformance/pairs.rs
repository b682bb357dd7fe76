//! libzmq's test_pair_*, test_inproc_connect, test_disconnect_inproc and test_issue_566.

use super::common::*;
use super::rt::{self, *};
use monocoque::endpoint::EndpointError;

async fn bounce(one: &PairSocket, two: &PairSocket) {
    for (from, to) in [(one, two), (two, one)] {
        for message in [Message::from(["12345678ABCDEFGH", "", "x"]), Message::from("")] {
            from.send(message.clone()).await.unwrap();
            assert_eq!(to.recv().await.unwrap(), message);
        }
    }
}

/// Bound at `endpoint`, and connected to it.
async fn pair(endpoint: &str) -> (PairSocket, PairSocket) {
    let bound = PairSocket::bind(endpoint).await.unwrap();
    let connected = PairSocket::connect(bound.local_endpoint().unwrap()).await.unwrap();
    (bound, connected)
}

#[test]
fn pair_inproc() {
    rt::run(async {
        let (bound, connected) = pair(&inproc()).await;
        bounce(&bound, &connected).await;
        // Bytes that live for ever are passed on without a copy.
        static CONSTANT: [u8; 100] = [7; 100];
        connected.send(Bytes::from_static(&CONSTANT)).await.unwrap();
        let received = bound.recv().await.unwrap().pop_front().unwrap().into_bytes();
        assert_eq!(received.as_ptr(), CONSTANT.as_ptr());
    });
}

#[cfg(unix)]
#[test]
fn pair_ipc() {
    rt::run(async {
        let (bound, connected) = pair("ipc://*").await;
        bounce(&bound, &connected).await;
        let too_long = format!("ipc:///tmp/{}", "n".repeat(200));
        let refused = PairSocket::bind(&too_long).await.unwrap_err();
        assert!(matches!(refused, Error::Endpoint(EndpointError::PathTooLong { .. })), "{refused}");
        assert!(PairSocket::connect(&too_long).await.is_err());
    });
}

#[test]
fn pair_tcp() {
    rt::run(async {
        let (bound, connected) = pair(ANY).await;
        bounce(&bound, &connected).await;
        let port = bound.local_endpoint().unwrap().port().unwrap();
        drop(connected);
        until(|| bound.peers().is_empty()).await;
        let by_name = PairSocket::connect(format!("tcp://localhost:{port}")).await.unwrap();
        bounce(&bound, &by_name).await;
    });
}

/// The parts of test_inproc_connect that have one peer.
#[test]
fn inproc_connect() {
    rt::run(async {
        // Bind first, then connect first.
        let (bound, connected) = pair(&inproc()).await;
        connected.send("foobar").await.unwrap();
        assert_eq!(bound.recv().await.unwrap(), Message::from("foobar"));
        let endpoint = inproc();
        let early = PairSocket::connect_with_reconnect(&endpoint).await.unwrap();
        early.send("foobar").await.unwrap();
        let bound = PairSocket::bind(&endpoint).await.unwrap();
        assert_eq!(bound.recv().await.unwrap(), Message::from("foobar"));

        // A PUB without peers drops; one with a subscriber does not.
        let endpoint = inproc();
        let publisher = PubSocket::connect_with_reconnect(&endpoint).await.unwrap();
        publisher.send("before").await.unwrap();
        let sub = SubSocket::new(SocketOptions::default()).unwrap();
        sub.subscribe("").unwrap();
        sub.bind_to(&endpoint).await.unwrap();
        publisher.wait_for_subscribers("", 1).await.unwrap();
        publisher.send("after").await.unwrap();
        assert_eq!(sub.recv().await.unwrap(), Message::from("after"));

        // Identities are passed on in either order.
        let endpoint = inproc();
        let dealer = DealerSocket::connect_with_reconnect_and_options(&endpoint, named("id")).await.unwrap();
        dealer.send(["A", "B"]).await.unwrap();
        let router = RouterSocket::bind(&endpoint).await.unwrap();
        assert_eq!(router.recv().await.unwrap(), Message::from(["id", "A", "B"]));

        // A socket that never finds its peer can still be closed.
        let alone = PushSocket::connect_with_reconnect(inproc()).await.unwrap();
        assert_eq!(alone.close().await, 0);
        let options = SocketOptions::default().with_linger(std::time::Duration::ZERO);
        let alone = PushSocket::connect_with_reconnect_and_options(inproc(), options).await.unwrap();
        alone.send("lost").await.unwrap();
        assert_eq!(alone.close().await, 1);
    });
}

/// Many that connect before there is anything to connect to, within one thread and from others.
#[test]
fn inproc_connect_of_many() {
    rt::run(async {
        let endpoint = inproc();
        let mut pushes = Vec::new();
        for _ in 0..10 {
            pushes.push(PushSocket::connect_with_reconnect(&endpoint).await.unwrap());
            pushes[pushes.len() - 1].send("foobar").await.unwrap();
        }
        let threads: Vec<_> = (0..10)
            .map(|_| {
                let endpoint = endpoint.clone();
                std::thread::spawn(move || {
                    rt::run(async move {
                        let push = PushSocket::connect_with_reconnect(&endpoint).await.unwrap();
                        push.send("foobar").await.unwrap();
                        assert_eq!(push.close().await, 0);
                    });
                })
            })
            .collect();
        let pull = PullSocket::bind(&endpoint).await.unwrap();
        for _ in 0..20 {
            assert_eq!(pull.recv().await.unwrap(), Message::from("foobar"));
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        // Unbound, the name is free, and those that were connected wait for the next owner.
        pull.unbind(&endpoint).unwrap();
        until(|| !pushes[0].is_connected()).await;
        let next = PullSocket::bind(&endpoint).await.unwrap();
        for push in &pushes {
            push.send("again").await.unwrap();
            assert_eq!(next.recv().await.unwrap(), Message::from("again"));
        }
    });
}

/// libzmq's test_issue_566: a ROUTER reaches whoever has just told it a new name.
#[test]
fn issue_566() {
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let local = router.local_endpoint().unwrap();
        for cycle in 0..100 {
            let name = format!("{cycle:08x}");
            let dealer = DealerSocket::connect_with_options(&local, named(name.clone())).await.unwrap();
            // Until it has heard of the DEALER the ROUTER has nobody to send to; `try_send` gives the message back.
            let mut message = Message::from([&*name, "HELLO"]);
            while let Err(refused) = router.try_send(message) {
                assert!(matches!(refused.error(), Error::Unroutable), "{refused}");
                message = refused.into_message();
                rt::yield_now().await;
            }
            assert_eq!(dealer.recv().await.unwrap(), Message::from("HELLO"));
        }
    });
}

#[test]
fn disconnect_inproc() {
    rt::run(async {
        let endpoint = inproc();
        let publisher = XPubSocket::bind(&endpoint).await.unwrap();
        let sub = SubSocket::new(SocketOptions::default()).unwrap();
        sub.subscribe("foo").unwrap();
        for _ in 0..3 {
            sub.connect_to(&endpoint).unwrap();
            assert_eq!(publisher.recv().await.unwrap(), Message::from("\u{1}foo"));
            publisher.send(["foo", "this is foo!"]).await.unwrap();
            assert_eq!(sub.recv().await.unwrap(), Message::from(["foo", "this is foo!"]));
            sub.disconnect(&endpoint).unwrap();
            assert_eq!(publisher.recv().await.unwrap(), Message::from("\u{0}foo"));
            publisher.send(["foo", "to nobody"]).await.unwrap();
        }
    });
}
