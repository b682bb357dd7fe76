//! libzmq's tests of endpoints: binding, connecting, their names, and letting go of them.

use super::common::*;
use super::rt::{self, *};
use monocoque::endpoint::EndpointError;

async fn bounce(from: &DealerSocket, to: &DealerSocket) {
    from.send("there").await.unwrap();
    assert_eq!(to.recv().await.unwrap(), Message::from("there"));
    to.send("back").await.unwrap();
    assert_eq!(from.recv().await.unwrap(), Message::from("back"));
}

#[test]
fn bind_after_connect_tcp() {
    rt::run(async {
        let fixed = vacant();
        let early = DealerSocket::connect_with_reconnect_and_options(&fixed, quick()).await.unwrap();
        for message in ["foobar", "baz", "buzz"] {
            early.send(message).await.unwrap();
        }
        let late = DealerSocket::bind(&fixed).await.unwrap();
        for message in ["foobar", "baz", "buzz"] {
            assert_eq!(late.recv().await.unwrap(), Message::from(message));
        }
        bounce(&late, &early).await;
    });
}

/// Whether a name resolves is found out later, and again for every attempt.
#[test]
fn connect_resolve() {
    rt::run(async {
        let publisher = PubSocket::new(quick()).unwrap();
        for valid in ["tcp://localhost:1234", "tcp://[::1]:1234", "tcp://foobar123xyz.invalid:1234"] {
            publisher.connect_to(valid).unwrap();
            publisher.disconnect(valid).unwrap();
        }
        for (invalid, why) in [
            ("tcp://localhost:invalid", EndpointError::InvalidPort("tcp://localhost:invalid".into())),
            ("tcp://in valid:1234", EndpointError::InvalidHost("tcp://in valid:1234".into())),
            ("tcp://", EndpointError::MissingPort("tcp://".into())),
            ("tcp://:1234", EndpointError::MissingHost("tcp://:1234".into())),
            (
                "tcp://192.168.0.200:*",
                EndpointError::NotConnectable("tcp://192.168.0.200:*".parse().unwrap()),
            ),
            ("tcp://localhost", EndpointError::MissingPort("tcp://localhost".into())),
            ("localhost:1234", EndpointError::MissingTransport("localhost:1234".into())),
        ] {
            let error = publisher.connect_to(invalid).unwrap_err();
            assert!(matches!(&error, Error::Endpoint(endpoint) if *endpoint == why), "{invalid}: {error}");
        }
    });
}

#[test]
fn last_endpoint() {
    rt::run(async {
        let router = RouterSocket::new(SocketOptions::default()).unwrap();
        assert_eq!(router.local_endpoint(), None);
        for fixed in [vacant(), vacant(), inproc()] {
            let bound = router.bind_to(&fixed).await.unwrap();
            assert_eq!(bound.to_string(), fixed);
            assert_eq!(router.local_endpoint(), Some(bound));
        }
        let chosen = router.bind_to(ANY).await.unwrap();
        assert_ne!(chosen.port(), Some(0));
        assert_eq!(router.local_endpoint(), Some(chosen));
    });
}

/// What was bound by a wildcard is connected to and unbound by its resolved name, once.
#[test]
fn unbind_wildcard() {
    rt::run(async {
        for wildcard in ["tcp://*:0", "tcp://127.0.0.1:*", "tcp://[::1]:*", "tcp://127.0.0.1:0", &vacant()] {
            let (server, client) = (DealerSocket::new(quick()).unwrap(), DealerSocket::new(quick()).unwrap());
            let bound = server.bind_to(wildcard).await.unwrap();
            let Endpoint::Tcp(tcp) = &bound else { panic!("{bound}") };
            let port = tcp.port();
            let reachable = match wildcard {
                "tcp://*:0" => format!("tcp://localhost:{port}"),
                _ => bound.to_string(),
            };
            client.connect_to(&reachable).unwrap();
            bounce(&client, &server).await;
            client.disconnect(&reachable).unwrap();
            server.unbind(&bound).unwrap();
            for gone in [client.disconnect(&reachable), server.unbind(&bound)] {
                assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
            }
        }
    });
}

/// Nothing is taken any more, at first because what is left of the connection is in the way.
async fn nobody_to_send_to(push: &PushSocket) {
    until(|| match refused(push.try_send("ABC")) {
        Error::NotConnected => true,
        Error::WouldBlock => false,
        other => panic!("{other}"),
    })
    .await;
}

/// A send after unbinding or disconnecting has nobody to go to; here it says so instead of waiting.
#[test]
fn term_endpoint() {
    rt::run(async {
        for endpoint in endpoints() {
            let push = PushSocket::bind(&endpoint).await.unwrap();
            let local = push.local_endpoint().unwrap();
            let pull = PullSocket::connect(&local).await.unwrap();
            push.send("ABC").await.unwrap();
            assert_eq!(pull.recv().await.unwrap(), Message::from("ABC"));
            push.unbind(&local).unwrap();
            nobody_to_send_to(&push).await;
            until(|| !pull.is_connected()).await;

            let pull = PullSocket::bind(&endpoint).await.unwrap();
            let local = pull.local_endpoint().unwrap();
            let push = PushSocket::connect(&local).await.unwrap();
            push.send("ABC").await.unwrap();
            assert_eq!(pull.recv().await.unwrap(), Message::from("ABC"));
            push.disconnect(&local).unwrap();
            nobody_to_send_to(&push).await;
            until(|| !pull.is_connected()).await;
        }
        // Unlike in libzmq, the wildcard itself names what was bound by it.
        for wildcard in endpoints() {
            let pull = PullSocket::bind(&wildcard).await.unwrap();
            let local = pull.local_endpoint().unwrap();
            pull.unbind(&wildcard).unwrap();
            assert!(matches!(pull.unbind(local), Err(Error::UnknownEndpoint(_))));
        }
    });
}

#[cfg(unix)]
#[test]
fn ipc_wildcard() {
    rt::run(async {
        let server = DealerSocket::bind("ipc://*").await.unwrap();
        let bound = server.local_endpoint().unwrap();
        assert_ne!(bound.to_string(), "ipc://*");
        let client = DealerSocket::connect(bound).await.unwrap();
        bounce(&client, &server).await;
    });
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn abstract_ipc() {
    rt::run(async {
        let name = format!("ipc://@monocoque-{:016x}", fastrand::u64(..));
        let server = DealerSocket::bind(&name).await.unwrap();
        assert_eq!(server.local_endpoint().unwrap().to_string(), name);
        let client = DealerSocket::connect(&name).await.unwrap();
        bounce(&client, &server).await;
        let refused = DealerSocket::bind("ipc://@").await.unwrap_err();
        assert!(matches!(refused, Error::Endpoint(EndpointError::MissingPath(_))), "{refused}");
    });
}

/// USE_FD for connections: sockets made of streams that somebody else has connected.
#[test]
fn use_fd() {
    rt::run(async {
        let rep = RepSocket::bind(ANY).await.unwrap();
        let stream = rt::tcp(&rep.local_endpoint().unwrap()).await;
        let req = ReqSocket::from_tcp(stream).await.unwrap();
        req.send("ABC").await.unwrap();
        assert_eq!(rep.recv().await.unwrap(), Message::from("ABC"));
        rep.send("DEF").await.unwrap();
        assert_eq!(req.recv().await.unwrap(), Message::from("DEF"));
        #[cfg(unix)]
        {
            let (one, other) = rt::unix_pair();
            let connecting =
                futures_util::future::join(PairSocket::from_unix(one), PairSocket::from_unix(other));
            let (one, other) = connecting.await;
            let (one, other) = (one.unwrap(), other.unwrap());
            one.send("there").await.unwrap();
            assert_eq!(other.recv().await.unwrap(), Message::from("there"));
        }
    });
}

/// SRCFD, which is there to ask for the address of the peer.
#[test]
fn srcfd() {
    rt::run(async {
        let pull = PullSocket::bind(ANY).await.unwrap();
        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        push.send("x").await.unwrap();
        pull.recv().await.unwrap();
        let peer = pull.stats().peers.remove(0);
        let address = peer.address.unwrap();
        assert!(address.to_string().starts_with("tcp://127.0.0.1:"), "{address}");
        assert_ne!(Some(address), pull.local_endpoint());
    });
}
