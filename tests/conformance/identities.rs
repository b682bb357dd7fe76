//! Traps 7 to 13: ROUTER and the names of its peers.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use super::common::*;
use super::rt::{self, *};
use crate::support::opening;
use futures_util::future::join;
use monocoque::options::{OptionError, RouterNotify};

#[test]
fn trap_07_automatic_identities_are_a_zero_and_a_counter() {
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let local = router.local_endpoint().unwrap();
        let mut last = None;
        for anonymous in 0..3 {
            // An empty property is as good as none.
            let mut stream = raw(&local, "DEALER", b"").await;
            stream.write_all(&frame(0, [anonymous])).unwrap();
            let (identity, message) = router.recv_from().await.unwrap();
            assert_eq!((identity.len(), identity[0], &*message[0]), (5, 0, &[anonymous][..]));
            let number = u32::from_be_bytes(identity[1..].try_into().unwrap());
            assert!(last.is_none_or(|last: u32| number == last.wrapping_add(1)));
            last = Some(number);
        }
        for (identity, refused) in [
            (vec![0, 1], OptionError::IdentityReserved),
            (vec![1; 256], OptionError::IdentityTooLong { len: 256 }),
        ] {
            let error = DealerSocket::new(named(identity)).unwrap_err();
            assert!(matches!(&error, Error::Option(option) if *option == refused), "{error}");
        }
        let longest = vec![1; 255];
        let dealer = DealerSocket::connect_with_options(&local, named(longest.clone())).await.unwrap();
        dealer.send("x").await.unwrap();
        assert_eq!(router.recv_from().await.unwrap().0, longest);
    });
}

/// A peer must not claim what the ROUTER makes itself.
#[test]
fn trap_07_reserved_identities_are_refused() {
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let mut monitor = router.monitor();
        let port = router.local_endpoint().unwrap().port().unwrap();
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(&opening("DEALER", b"\0abcd")).unwrap();
        assert!(matches!(failed_handshake(&mut monitor).await, Error::Protocol(_)));
    });
}

#[test]
fn trap_08_known_but_full_waits_or_is_dropped_and_nobody_else_is_affected() {
    rt::run(async {
        for mandatory in [true, false] {
            let options = SocketOptions::default().with_send_hwm(2).with_router_mandatory(mandatory);
            let router = RouterSocket::bind_with_options(ANY, options).await.unwrap();
            let local = router.local_endpoint().unwrap();
            let _full = raw(&local, "DEALER", b"full").await;
            let other = DealerSocket::connect_with_options(&local, named("other")).await.unwrap();
            router.wait_for_peers(2).await.unwrap();
            let large = || Message::from([Frame::from("full"), Frame::from(vec![0; 100_000])]);
            if mandatory {
                let limit = Duration::from_millis(20);
                while rt::timeout(limit, router.send(large())).await.is_some() {}
                assert!(matches!(refused(router.try_send(large())), Error::WouldBlock));
            } else {
                while router.stats().dropped(DropCause::PeerFull) < 3 {
                    router.send(large()).await.unwrap();
                }
                assert!(matches!(refused(router.try_send(large())), Error::WouldBlock));
            }
            router.send(["other", "x"]).await.unwrap();
            assert_eq!(other.recv().await.unwrap(), Message::from("x"));
            assert_balanced(&router.stats());
        }
    });
}

/// libzmq ignores it; here the mistake is told.
#[test]
fn trap_09_an_identity_alone_is_no_message() {
    rt::run(async {
        for mandatory in [true, false] {
            let options = SocketOptions::default().with_router_mandatory(mandatory);
            let router = RouterSocket::bind_with_options(ANY, options).await.unwrap();
            let local = router.local_endpoint().unwrap();
            let dealer = DealerSocket::connect_with_options(&local, named("X")).await.unwrap();
            router.wait_for_peers(1).await.unwrap();
            for identity in ["X", "unknown", ""] {
                let refused = router.send(identity).await.unwrap_err();
                assert!(matches!(refused.error(), Error::EmptyMessage), "{refused}");
                assert_eq!(refused.into_message(), Message::from(identity));
            }
            router.send(["X", ""]).await.unwrap();
            assert_eq!(dealer.recv().await.unwrap(), Message::from(""));
            assert_eq!(router.stats().accepted, 1);
        }
    });
}

/// The old connection is cut in the middle of a message, which is counted and never seen.
#[test]
fn trap_10_a_handover_in_the_middle_of_a_message() {
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let local = router.local_endpoint().unwrap();
        let mut old = raw(&local, "DEALER", b"X").await;
        old.write_all(&[frame(0, "whole"), frame(1, "half")].concat()).unwrap();
        assert_eq!(router.recv().await.unwrap(), Message::from(["X", "whole"]));
        let mut new = raw(&local, "DEALER", b"X").await;
        new.write_all(&frame(0, "new")).unwrap();
        assert_eq!(router.recv().await.unwrap(), Message::from(["X", "new"]));
        // What the old one still sends is waited for, until it has heard of its end.
        drop(old);
        until(|| router.stats().peers.len() == 1).await;
        assert_eq!(router.stats().recv_incomplete, 1);
        router.send(["X", "reply"]).await.unwrap();
        let (_new, flags, body) = read_frame(new).await;
        assert_eq!((flags, &*body), (0, &b"reply"[..]));
    });
}

/// Accepts one connection and returns what stands in its READY command.
async fn ready_of(connect: impl AsyncFnOnce(Endpoint)) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::from(listener.local_addr().unwrap());
    let accepted = rt::blocking(move || {
        let mut stream = listener.accept().unwrap().0;
        // A greeting that fits every type: the mismatch, if any, shows only in our own READY.
        stream.write_all(&opening("DEALER", b"")[..64]).unwrap();
        std::io::Read::read_exact(&mut stream, &mut [0; 64]).unwrap();
        stream
    });
    let (stream, ()) = join(accepted, connect(endpoint)).await;
    read_frame(stream).await.2
}

#[test]
fn trap_11_only_req_dealer_and_router_tell_their_identity() {
    /// Opens a socket of the type that never gets through its handshake.
    macro_rules! ready {
        ($socket:ty) => {{
            let mut socket = None;
            ready_of(async |endpoint| {
                let connecting = <$socket>::connect_with_reconnect_and_options(endpoint, named("the name"));
                socket = Some(connecting.await.unwrap());
            })
            .await
        }};
    }
    rt::run(async {
        let tells = |ready: &[u8]| ready.windows(8).any(|part| part == b"the name");
        for ready in [ready!(ReqSocket), ready!(DealerSocket), ready!(RouterSocket)] {
            assert!(tells(&ready));
        }
        for ready in [
            ready!(RepSocket),
            ready!(PushSocket),
            ready!(PullSocket),
            ready!(PubSocket),
            ready!(SubSocket),
            ready!(XPubSocket),
            ready!(XSubSocket),
            ready!(PairSocket),
        ] {
            assert!(!tells(&ready));
        }
        // Within the process all is known, and the same is shown.
        let endpoint = inproc();
        let pull = PullSocket::bind(&endpoint).await.unwrap();
        let _push = PushSocket::connect_with_options(&endpoint, named("the name")).await.unwrap();
        pull.wait_for_peers(1).await.unwrap();
        assert!(pull.stats().peers[0].identity.is_empty());
    });
}

/// The name belongs to the endpoint, across its reconnections, and to no other.
#[test]
fn trap_12_a_given_identity_is_for_one_endpoint() {
    rt::run(async {
        let (fixed, other) = (vacant(), RouterSocket::bind(ANY).await.unwrap());
        let one = RouterSocket::bind_with_options(&fixed, named("one")).await.unwrap();
        let router = RouterSocket::new(quick().with_identity("router")).unwrap();
        router.connect_to_as(&fixed, "alias").unwrap();
        router.connect_to(other.local_endpoint().unwrap()).unwrap();
        router.wait_for_peers(2).await.unwrap();
        for server in [&one, &other] {
            server.wait_for_peers(1).await.unwrap();
        }
        let taken = router.connect_to_as("tcp://127.0.0.1:1", "alias");
        assert!(matches!(taken, Err(Error::IdentityTaken)));
        one.send(["router", "x"]).await.unwrap();
        assert_eq!(router.recv().await.unwrap(), Message::from(["alias", "x"]));
        other.send(["router", "y"]).await.unwrap();
        let (identity, _) = router.recv_from().await.unwrap();
        assert_eq!((identity.len(), identity[0]), (5, 0));

        // A server that comes back under another name is still the one we call by ours.
        one.close().await;
        until(|| router.peers().len() == 1).await;
        let two = RouterSocket::bind_with_options(&fixed, named("two")).await.unwrap();
        router.wait_for_peers(2).await.unwrap();
        two.wait_for_peers(1).await.unwrap();
        router.send(["alias", "z"]).await.unwrap();
        assert_eq!(two.recv().await.unwrap(), Message::from(["router", "z"]));
        router.disconnect(&fixed).unwrap();
        router.connect_to_as(&fixed, "alias").unwrap();
    });
}

#[test]
fn trap_13_a_probe_for_each_connection() {
    rt::run(async {
        let fixed = vacant();
        let options = quick().with_identity("prober").with_probe_router(true);
        let dealer = DealerSocket::connect_with_reconnect_and_options(&fixed, options).await.unwrap();
        for _ in 0..3 {
            let router = RouterSocket::bind(&fixed).await.unwrap();
            assert_eq!(router.recv().await.unwrap(), Message::from(["prober", ""]));
            router.close().await;
            until(|| !dealer.is_connected()).await;
        }
        assert_eq!(dealer.stats().accepted, 3);
    });
}

#[test]
fn trap_13_notifications_stand_between_messages() {
    rt::run(async {
        let options = SocketOptions::default().with_router_notify(RouterNotify::Both);
        let router = RouterSocket::bind_with_options(ANY, options).await.unwrap();
        let local = router.local_endpoint().unwrap();
        let mut slow = raw(&local, "DEALER", b"slow").await;
        assert_eq!(router.recv().await.unwrap(), Message::from(["slow", ""]));
        slow.write_all(&frame(1, "first half")).unwrap();
        let passing = raw(&local, "DEALER", b"passing").await;
        assert_eq!(router.recv().await.unwrap(), Message::from(["passing", ""]));
        drop(passing);
        assert_eq!(router.recv().await.unwrap(), Message::from(["passing", ""]));
        slow.write_all(&frame(0, "second half")).unwrap();
        assert_eq!(router.recv().await.unwrap(), Message::from(["slow", "first half", "second half"]));
    });
}
