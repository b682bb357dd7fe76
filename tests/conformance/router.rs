//! libzmq's test_router_*, test_probe_router, test_connect_rid and test_peer_disconnect.

use std::io::Write;

use super::common::*;
use super::rt::{self, *};
use monocoque::options::RouterNotify;

/// Sends to a peer that does not read until there is no room left.
fn fill(router: &RouterSocket, identity: &str) -> Error {
    loop {
        let message = Message::from([Frame::from(identity), Frame::from(vec![0; 100_000])]);
        if let Err(refused) = router.try_send(message) {
            return refused.into();
        }
    }
}

#[test]
fn router_mandatory() {
    rt::run(async {
        for endpoint in endpoints() {
            let router = RouterSocket::bind(&endpoint).await.unwrap();
            router.send(["UNKNOWN", "DATA"]).await.unwrap();
            assert_eq!(router.stats().dropped(DropCause::Unroutable), 1);
            router.close().await;

            let mandatory = SocketOptions::default().with_router_mandatory(true);
            let router = RouterSocket::bind_with_options(&endpoint, mandatory).await.unwrap();
            let refused = router.send(["UNKNOWN", "DATA"]).await.unwrap_err();
            assert!(matches!(refused.error(), Error::Unroutable));
            assert_eq!(refused.kind(), ErrorKind::HostUnreachable);
            assert_eq!(refused.into_message(), Message::from(["UNKNOWN", "DATA"]));
            let local = router.local_endpoint().unwrap();
            let dealer = DealerSocket::connect_with_options(&local, named("X")).await.unwrap();
            dealer.send("Hello").await.unwrap();
            assert_eq!(router.recv().await.unwrap(), Message::from(["X", "Hello"]));
            router.send(["X", "Hello"]).await.unwrap();
            assert_eq!(dealer.recv().await.unwrap(), Message::from("Hello"));
            let peer = router.stats().peers.remove(0);
            assert_eq!((&*peer.identity, peer.queued_messages), (&b"X"[..], 0), "the state of a peer");
        }
    });
}

#[test]
fn router_mandatory_hwm() {
    rt::run(async {
        let options = SocketOptions::default().with_send_hwm(1).with_router_mandatory(true);
        let router = RouterSocket::bind_with_options(ANY, options).await.unwrap();
        let local = router.local_endpoint().unwrap();
        let _full = raw(&local, "DEALER", b"X").await;
        let other = DealerSocket::connect_with_options(&local, named("Y")).await.unwrap();
        router.wait_for_peers(2).await.unwrap();
        assert!(matches!(fill(&router, "X"), Error::WouldBlock));
        for _ in 0..100 {
            router.send(["Y", "Hello"]).await.unwrap();
            assert_eq!(other.recv().await.unwrap(), Message::from("Hello"));
        }
        assert!(matches!(fill(&router, "X"), Error::WouldBlock));
    });
}

#[test]
fn router_handover() {
    rt::run(async {
        for endpoint in endpoints() {
            let router = RouterSocket::bind(&endpoint).await.unwrap();
            let local = router.local_endpoint().unwrap();
            let once = named("X").with_reconnect(false);
            let old = DealerSocket::connect_with_options(&local, once).await.unwrap();
            old.send("Hello").await.unwrap();
            assert_eq!(router.recv().await.unwrap(), Message::from(["X", "Hello"]));
            let mut monitor = router.monitor();
            let new = DealerSocket::connect_with_options(&local, named("X")).await.unwrap();
            new.send("Hello again").await.unwrap();
            assert_eq!(router.recv().await.unwrap(), Message::from(["X", "Hello again"]));
            assert!(matches!(disconnection(&mut monitor).await, DisconnectReason::Replaced));
            router.send(["X", "for the new one"]).await.unwrap();
            assert_eq!(new.recv().await.unwrap(), Message::from("for the new one"));
            assert!(old.recv().await.is_err(), "cut off");
        }
    });
}

/// In libzmq the second one stays connected, and unheard for ever.
#[test]
fn router_handover_off() {
    rt::run(async {
        for endpoint in endpoints() {
            let options = SocketOptions::default().with_router_handover(false);
            let router = RouterSocket::bind_with_options(&endpoint, options).await.unwrap();
            let local = router.local_endpoint().unwrap();
            let old = DealerSocket::connect_with_options(&local, named("X")).await.unwrap();
            router.wait_for_peers(1).await.unwrap();
            let mut monitor = router.monitor();
            let new = DealerSocket::new(named("X").with_reconnect(false)).unwrap();
            new.connect_to(&local).unwrap();
            failed_handshake(&mut monitor).await;
            assert!(new.recv().await.is_err(), "it learns that it is not wanted");
            router.send(["X", "for the old one"]).await.unwrap();
            assert_eq!(old.recv().await.unwrap(), Message::from("for the old one"));
        }
    });
}

async fn notified(endpoint: &str, when: RouterNotify) {
    let options = SocketOptions::default().with_router_notify(when);
    let router = RouterSocket::bind_with_options(endpoint, options).await.unwrap();
    let local = router.local_endpoint().unwrap();
    let dealer = DealerSocket::connect_with_options(&local, named("X")).await.unwrap();
    if matches!(when, RouterNotify::Connect | RouterNotify::Both) {
        assert_eq!(router.recv().await.unwrap(), Message::from(["X", ""]));
    }
    dealer.send("Hello").await.unwrap();
    assert_eq!(router.recv().await.unwrap(), Message::from(["X", "Hello"]));
    dealer.disconnect(&local).unwrap();
    if matches!(when, RouterNotify::Disconnect | RouterNotify::Both) {
        assert_eq!(router.recv().await.unwrap(), Message::from(["X", ""]));
    }
    until(|| router.peers().is_empty()).await;
    assert!(matches!(router.try_recv(), Err(Error::WouldBlock)));
    assert_balanced(&router.stats());
}

#[test]
fn router_notify() {
    rt::run(async {
        assert_eq!(SocketOptions::default().router_notify(), RouterNotify::Off);
        for when in [RouterNotify::Off, RouterNotify::Connect, RouterNotify::Disconnect, RouterNotify::Both] {
            for endpoint in endpoints() {
                notified(&endpoint, when).await;
            }
        }
    });
}

/// Nothing is told of whoever never got through the handshake, nor as a part of another message.
#[test]
fn router_notify_of_broken_peers() {
    rt::run(async {
        let options =
            SocketOptions::default().with_router_notify(RouterNotify::Both).with_max_message_size(64);
        let router = RouterSocket::bind_with_options(ANY, options).await.unwrap();
        let local = router.local_endpoint().unwrap();
        let mut monitor = router.monitor();
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", local.port().unwrap())).unwrap();
        stream.write_all(b"not-a-handshake").unwrap();
        failed_handshake(&mut monitor).await;

        let dealer =
            DealerSocket::connect_with_options(&local, named("X").with_reconnect(false)).await.unwrap();
        dealer.send([&b"Hello"[..], &[b'*'; 128]]).await.unwrap();
        assert_eq!(router.recv().await.unwrap(), Message::from(["X", ""]));
        assert_eq!(router.recv().await.unwrap(), Message::from(["X", ""]));
        assert!(matches!(disconnection(&mut monitor).await, DisconnectReason::Protocol(_)));
        assert!(matches!(router.try_recv(), Err(Error::WouldBlock)));
    });
}

#[test]
fn probe_router() {
    rt::run(async {
        for endpoint in endpoints() {
            let probing = |identity: &'static str| named(identity).with_probe_router(true);
            let router = RouterSocket::bind(&endpoint).await.unwrap();
            let local = router.local_endpoint().unwrap();
            let dealer = DealerSocket::connect_with_options(&local, probing("X")).await.unwrap();
            assert_eq!(router.recv().await.unwrap(), Message::from(["X", ""]));
            router.send(["X", "Hello"]).await.unwrap();
            assert_eq!(dealer.recv().await.unwrap(), Message::from("Hello"));
            let client = RouterSocket::connect_with_options(&local, probing("Y")).await.unwrap();
            assert_eq!(router.recv().await.unwrap(), Message::from(["Y", ""]));
            router.send(["Y", "Hello"]).await.unwrap();
            assert_eq!(client.recv_from().await.unwrap().1, Message::from("Hello"));
        }
    });
}

#[test]
fn connect_rid() {
    rt::run(async {
        for endpoint in endpoints() {
            // The names of the other end's own choice do not count.
            let bound = RouterSocket::bind_with_options(&endpoint, named("its own name")).await.unwrap();
            let local = bound.local_endpoint().unwrap();
            let router = RouterSocket::new(named("Y")).unwrap();
            router.connect_to_as(&local, "X").unwrap();
            router.wait_for_peers(1).await.unwrap();
            router.send(["X", "hi 1"]).await.unwrap();
            assert_eq!(bound.recv().await.unwrap(), Message::from(["Y", "hi 1"]));
            bound.send(["Y", "ok"]).await.unwrap();
            assert_eq!(router.recv().await.unwrap(), Message::from(["X", "ok"]));

            let other = RouterSocket::bind(ANY).await.unwrap();
            let taken = router.connect_to_as(other.local_endpoint().unwrap(), "X").unwrap_err();
            assert!(matches!(taken, Error::IdentityTaken), "{taken}");
            assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
            router.connect_to_as(other.local_endpoint().unwrap(), "Z").unwrap();
            router.wait_for_peers(2).await.unwrap();
            router.send(["Z", "hi 2"]).await.unwrap();
            assert_eq!(other.recv().await.unwrap(), Message::from(["Y", "hi 2"]));
        }
    });
}

/// A connection that is named while others deliver: each message keeps its own sender.
#[test]
fn connect_rid_while_receiving() {
    rt::run(async {
        let (x, z) = (RouterSocket::bind(ANY).await.unwrap(), RouterSocket::bind(ANY).await.unwrap());
        let y = RouterSocket::bind_with_options(ANY, named("Y")).await.unwrap();
        x.connect_to_as(y.local_endpoint().unwrap(), "Y").unwrap();
        x.wait_for_peers(1).await.unwrap();
        x.send(["Y", "first"]).await.unwrap();
        let (from_x, first) = y.recv_from().await.unwrap();
        assert_eq!(first, Message::from("first"));
        y.connect_to_as(z.local_endpoint().unwrap(), "Z").unwrap();
        x.send(["Y", "second"]).await.unwrap();
        y.wait_for_peers(2).await.unwrap();
        y.send(["Z", "third"]).await.unwrap();
        assert_eq!(z.recv().await.unwrap(), Message::from(["Y", "third"]));
        assert_eq!(y.recv_from().await.unwrap(), (from_x, Message::from("second")));
    });
}

#[test]
fn peer_disconnect() {
    rt::run(async {
        for endpoint in endpoints() {
            let router = RouterSocket::bind(&endpoint).await.unwrap();
            let local = router.local_endpoint().unwrap();
            let stays = DealerSocket::connect_with_options(&local, named("stays")).await.unwrap();
            let once = named("goes").with_reconnect(false);
            let goes = DealerSocket::connect_with_options(&local, once).await.unwrap();
            router.wait_for_peers(2).await.unwrap();
            // What is queued for it still arrives.
            router.send(["goes", "farewell"]).await.unwrap();
            router.disconnect_peer("goes").unwrap();
            assert!(matches!(refused(router.try_send(["goes", "HELLO"])), Error::Unroutable));
            assert!(matches!(router.disconnect_peer("goes"), Err(Error::Unroutable)));
            assert_eq!(goes.recv().await.unwrap(), Message::from("farewell"));
            assert!(goes.recv().await.is_err());
            router.send(["stays", "HELLO"]).await.unwrap();
            assert_eq!(stays.recv().await.unwrap(), Message::from("HELLO"));
        }
    });
}
