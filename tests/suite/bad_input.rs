//! What cannot work: each has an error of its own that names the cause, and nothing is lost or panics.

use super::rt::{self, *};

#[test]
fn malformed_endpoints() {
    rt::run(async {
        for text in [
            "",
            "tcp://",
            "tcp://host",
            "tcp://host:",
            "tcp://:5555",
            "tcp://host:65536",
            "tcp://a b:1",
            "udp://h:1",
        ] {
            let error = PushSocket::connect(text).await.unwrap_err();
            assert!(matches!(error, Error::Endpoint(_)), "{text}: {error:?}");
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(matches!(PushSocket::connect_with_reconnect(text).await, Err(Error::Endpoint(_))));
            assert!(matches!(PullSocket::bind(text).await, Err(Error::Endpoint(_))), "{text}");
        }
        // Well formed for a bind only.
        for text in ["tcp://*:5555", "tcp://127.0.0.1:0"] {
            assert!(matches!(PushSocket::connect(text).await, Err(Error::Endpoint(_))), "{text}");
        }
    });
}

/// `.invalid` is no name (RFC 2606).
#[test]
fn a_name_that_does_not_resolve() {
    rt::run(async {
        let name = "tcp://nobody.invalid:5555";
        let endpoint: Endpoint = name.parse().unwrap();
        let named =
            |error: &Error| matches!(error, Error::CannotConnect { endpoint: at, .. } if *at == endpoint);
        let error = PushSocket::connect(name).await.unwrap_err();
        assert!(named(&error) && error.to_string().contains(name), "{error:?}");
        let push = PushSocket::connect_with_reconnect(name).await.unwrap();
        push.send("kept").await.unwrap();
        let error = push.try_reconnect().await.unwrap_err();
        assert!(matches!(&error, Error::ConnectFailed(cause) if named(cause)), "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(push.buffered_messages(), 1);
        let error = PullSocket::bind(name).await.unwrap_err();
        assert!(matches!(&error, Error::CannotBind { endpoint: at, .. } if *at == endpoint), "{error:?}");
        assert!(error.to_string().starts_with(&format!("cannot bind {name}: ")), "{error}");
    });
}

#[test]
fn a_port_where_nobody_listens() {
    rt::run(async {
        let error = PushSocket::connect("tcp://127.0.0.1:1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{error:?}");
        assert!(error.to_string().starts_with("cannot connect to tcp://127.0.0.1:1: "), "{error}");
        let push = PushSocket::connect_with_reconnect("tcp://127.0.0.1:1").await.unwrap();
        let refused = push.send_with_reconnect("mine").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotConnected);
        assert!(refused.to_string().contains("refused"), "{refused}");
        assert_eq!(refused.into_message()[0], "mine");
    });
}

#[test]
fn an_address_in_use_and_one_of_another_machine() {
    rt::run(async {
        let first = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = first.local_endpoint().unwrap();
        assert_eq!(PullSocket::bind(&endpoint).await.unwrap_err().kind(), ErrorKind::AddrInUse);
        // The same socket, too; it goes on with what it has.
        assert_eq!(first.bind_to(&endpoint).await.unwrap_err().kind(), ErrorKind::AddrInUse);
        let push = PushSocket::connect(&endpoint).await.unwrap();
        push.send("x").await.unwrap();
        assert_eq!(first.recv().await.unwrap()[0], "x");
        // TEST-NET-1 (RFC 5737) is nobody's.
        let error = PullSocket::bind("tcp://192.0.2.1:0").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable, "{error:?}");
    });
}

#[test]
fn options_that_cannot_work() {
    rt::run(async {
        for options in [
            SocketOptions::default().with_identity(vec![b'x'; 256]),
            SocketOptions::default().with_identity("\0zero"),
            SocketOptions::default().with_send_hwm(0),
            SocketOptions::default().with_max_message_size(0),
        ] {
            let error = DealerSocket::new(options.clone()).unwrap_err();
            assert!(matches!(error, Error::Option(_)), "{error:?}");
            let connecting = DealerSocket::connect_with_options("tcp://127.0.0.1:1", options.clone());
            assert!(matches!(connecting.await, Err(Error::Option(_))));
            assert!(matches!(
                DealerSocket::bind_with_options("tcp://127.0.0.1:0", options).await,
                Err(Error::Option(_))
            ));
        }
        let longest = SocketOptions::default().with_identity(vec![b'x'; 255]);
        DealerSocket::new(longest).unwrap();
    });
}

/// The sender refuses what is over its own limit; what is over the receiver's ends the connection there,
/// with an event that says so, and others go on.
#[test]
fn messages_over_the_limit() {
    rt::run(async {
        let small = SocketOptions::default().with_max_message_size(1000);
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", small.clone()).await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let push = PushSocket::connect_with_options(&endpoint, small).await.unwrap();
        let refused = push.send(vec![0; 1001]).await.unwrap_err();
        assert!(matches!(refused.error(), Error::MessageTooLarge { size: 1001, max: 1000 }));
        assert_eq!(refused.into_message().size(), 1001);
        let refused = push.send(Message::new()).await.unwrap_err();
        assert!(matches!(refused.error(), Error::EmptyMessage));

        let mut monitor = pull.monitor();
        let reckless = PushSocket::connect(&endpoint).await.unwrap();
        reckless.send(vec![0; 1001]).await.unwrap();
        let reason = loop {
            if let SocketEvent::Disconnected { reason, .. } = monitor.next().await.unwrap() {
                break reason;
            }
        };
        assert!(reason.to_string().contains("1001"), "{reason}");
        push.send(vec![0; 1000]).await.unwrap();
        assert_eq!(pull.recv().await.unwrap().size(), 1000);
    });
}

/// A frame count over the limit likewise.
#[test]
fn frames_over_the_limit() {
    rt::run(async {
        let options = SocketOptions::default().with_max_frames(3);
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options.clone()).await.unwrap();
        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        let frames = |count: u8| (0..count).map(|n| vec![n]).collect::<Message>();
        push.send(frames(3)).await.unwrap();
        assert_eq!(pull.recv().await.unwrap().len(), 3);
        let mut monitor = pull.monitor();
        push.send(frames(4)).await.unwrap();
        loop {
            if let SocketEvent::Disconnected { reason, .. } = monitor.next().await.unwrap() {
                assert!(reason.to_string().contains('3'), "{reason}");
                break;
            }
        }
        drop(push);
    });
}
