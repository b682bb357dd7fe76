//! libzmq's test_metadata and test_app_meta: what the handshake tells of a peer.

use super::common::*;
use super::rt::{self, *};

#[test]
fn metadata() {
    rt::run(async {
        for endpoint in endpoints() {
            let rep = RepSocket::bind(&endpoint).await.unwrap();
            let req =
                ReqSocket::connect_with_options(rep.local_endpoint().unwrap(), named("req")).await.unwrap();
            req.send("x").await.unwrap();
            rep.recv().await.unwrap();
            let peer = rep.stats().peers.remove(0);
            let told = [("Socket-Type", &b"REQ"[..]), ("Identity", b"req")];
            assert!(peer.metadata.iter().map(|(name, value)| (&**name, &**value)).eq(told), "{peer:?}");
            assert_eq!((peer.socket_type.to_string(), &*peer.identity), ("REQ".into(), &b"req"[..]));
            assert!(peer.address.is_some());
            let peer = req.stats().peers.remove(0);
            assert!(peer.metadata.iter().any(|(name, value)| name == "Socket-Type" && value == "REP"));
        }
    });
}

#[test]
fn app_meta() {
    rt::run(async {
        for endpoint in endpoints() {
            let options =
                SocketOptions::default().with_metadata("X-hello", "hello").with_metadata("X-empty", "");
            let rep = RepSocket::bind_with_options(&endpoint, options).await.unwrap();
            let options = SocketOptions::default().with_metadata("X-connection", "primary");
            let req = ReqSocket::connect_with_options(rep.local_endpoint().unwrap(), options).await.unwrap();
            rep.wait_for_peers(1).await.unwrap();
            for (peer, told) in [
                (req.stats().peers.remove(0), &[("X-hello", "hello"), ("X-empty", "")][..]),
                (rep.stats().peers.remove(0), &[("X-connection", "primary")]),
            ] {
                for (name, value) in told {
                    let found = peer.metadata.iter().find(|(told, _)| told == name).map(|(_, value)| value);
                    assert_eq!(found.map(|value| &**value), Some(value.as_bytes()), "{name}");
                }
            }
        }
        for name in ["hello", "", "x-hello", "Socket-Type"] {
            assert!(RepSocket::new(SocketOptions::default().with_metadata(name, "x")).is_err(), "{name}");
        }
    });
}
