//! Exact bytes, written out by hand from the RFC.

use super::*;

#[test]
fn greeting_and_ready() {
    let mut config = Config::new(SocketType::Dealer);
    config.identity = Bytes::from("me");
    config.properties.push(("X-Name".to_owned(), Bytes::from("v")));
    let mut side = Side::new(&Arc::new(config));
    let greeting = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
        \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    assert_eq!(greeting.len(), 64);
    assert_eq!(side.out.take_bytes(), greeting);

    // READY is due when the peer's greeting is complete, not before, and not with the peer's READY.
    assert_eq!(side.receive(&greeting[..63]), Ok(vec![]));
    assert_eq!(side.out.take_bytes(), b"");
    assert_eq!(side.receive(&greeting[63..]), Ok(vec![]));
    let ready =
        b"\x04\x37\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x02me\x06X-Name\0\0\0\x01v";
    assert_eq!(side.out.take_bytes(), ready);
    assert!(!side.connection.is_ready());

    let theirs = b"\x04\x29\x05READY\x0bSocket-Type\0\0\0\x06ROUTER\x08Identity\0\0\0\0";
    let events = side.receive(theirs).unwrap();
    let [Event::Handshaken(peer)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((peer.socket_type, peer.minor), (SocketType::Router, 1));
    assert_eq!(peer.identity, "");
    assert_eq!(peer.properties.len(), 2);
    assert_eq!(side.out.take_bytes(), b"");
    assert!(side.connection.is_ready());
}

/// The side that accepted says nothing about itself until the peer is welcome, and decodes nothing either.
#[test]
fn ready_of_the_answering_side_waits_for_the_welcome() {
    let mut side = Side::with_role(&config(SocketType::Pull), Role::Answering);
    side.out.take();
    assert_eq!(side.receive(&greeting(1)), Ok(vec![]));
    assert_eq!(side.out.take_bytes(), b"");
    let bytes = [&ready("PUSH", b"")[..], b"\0\x01x"].concat();
    let mut input = &bytes[..];
    let event = side.connection.handle_input(&mut input, &mut side.out);
    assert!(matches!(event, Ok(Some(Event::Handshaken(_)))), "{event:?}");
    assert!(!side.connection.is_ready());
    assert_eq!(side.connection.handle_input(&mut input, &mut side.out), Ok(None));
    assert_eq!((input, &side.out.take_bytes()[..]), (&b"\0\x01x"[..], &b""[..]));

    side.connection.welcome(&mut side.out);
    assert_eq!(side.out.take_bytes(), b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04PULL");
    assert!(side.connection.is_ready());
    let event = side.connection.handle_input(&mut input, &mut side.out);
    assert_eq!(event, Ok(Some(Event::Message("x".into()))));
}

/// A peer that is refused for good gets an ERROR, and no READY before it.
#[test]
fn an_error_takes_the_place_of_ready() {
    let mut side = Side::with_role(&config(SocketType::Pull), Role::Answering);
    side.receive(&greeting(1)).unwrap();
    side.out.take();
    let error = side.receive(&ready("PUB", b"")).unwrap_err();
    assert!(error.is_permanent(), "{error}");
    assert_eq!(side.out.take_bytes(), command("ERROR", b"\x18incompatible Socket-Type"));
}

/// The Identity of types that have none is not sent.
#[test]
fn ready_of_a_push_socket() {
    let mut config = Config::new(SocketType::Push);
    config.identity = Bytes::from("me");
    let mut side = Side::new(&Arc::new(config));
    side.out.take();
    side.receive(&greeting(1)).unwrap();
    assert_eq!(side.out.take_bytes(), b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04PUSH");
}

#[test]
fn frames_short_long_and_many() {
    let mut side = Side::ready(SocketType::Push, SocketType::Pull, 1);
    assert_eq!(side.encode(&Message::from("hello")), b"\0\x05hello");
    assert_eq!(side.encode(&Message::from("")), b"\0\0");
    assert_eq!(side.encode(&Message::from(vec![b'a'; 255])), [&b"\0\xff"[..], &[b'a'; 255]].concat());
    assert_eq!(
        side.encode(&Message::from(vec![b'a'; 256])),
        [&b"\x02\0\0\0\0\0\0\x01\0"[..], &[b'a'; 256]].concat()
    );
    assert_eq!(
        side.encode(&message(&[b"id", b"", &[b'a'; 300], b"end"])),
        [&b"\x01\x02id\x01\0\x03\0\0\0\0\0\0\x01\x2c"[..], &[b'a'; 300], b"\0\x03end"].concat()
    );
}

#[test]
fn frames_arrive() {
    let mut side = Side::ready(SocketType::Pull, SocketType::Push, 1);
    let bytes = [
        &b"\0\x05hello\0\0"[..],
        b"\x02\0\0\0\0\0\0\x01\0",
        &[b'a'; 256],
        b"\x01\x02id\x01\0\x03\0\0\0\0\0\0\x01\x2c",
        &[b'b'; 300],
        b"\0\x03end",
    ]
    .concat();
    let expected = [
        message(&[b"hello"]),
        message(&[b""]),
        message(&[&[b'a'; 256]]),
        message(&[b"id", b"", &[b'b'; 300], b"end"]),
    ];
    assert_eq!(side.receive(&bytes), Ok(expected.map(Event::Message).to_vec()));
    assert!(!side.connection.has_partial_message());
}

#[test]
fn ping_pong_error_and_subscriptions() {
    let mut side = Side::ready(SocketType::Sub, SocketType::XPub, 1);
    side.connection.encode_ping(Duration::from_secs(30), b"ctx", &mut side.out);
    assert_eq!(side.out.take_bytes(), b"\x04\x0a\x04PING\x01\x2cctx");
    side.connection.encode_ping(Duration::ZERO, b"0123456789abcdefgh", &mut side.out);
    assert_eq!(side.out.take_bytes(), b"\x04\x17\x04PING\0\x000123456789abcdef");
    side.connection.encode_subscribe(b"topic", &mut side.out);
    assert_eq!(side.out.take_bytes(), b"\x04\x0f\x09SUBSCRIBEtopic");
    side.connection.encode_cancel(b"topic", &mut side.out);
    assert_eq!(side.out.take_bytes(), b"\x04\x0c\x06CANCELtopic");
    side.connection.encode_error("400", &mut side.out);
    assert_eq!(side.out.take_bytes(), b"\x04\x0a\x05ERROR\x03400");

    let events = side.receive(b"\x04\x0a\x04PING\x01\x2cctx\x04\x08\x04PONGabc").unwrap();
    assert_eq!(
        events,
        [ping(Some(Duration::from_secs(30)), b"ctx"), Event::Pong { context: Frame::from("abc") }]
    );
    assert_eq!(side.out.take_bytes(), b"\x04\x08\x04PONGctx");
}

/// Large payloads are handed over, not copied, in both directions.
#[test]
fn shared_payloads_are_not_copied() {
    let payload = Bytes::from(vec![7; 100_000]);
    let mut side = Side::ready(SocketType::Pair, SocketType::Pair, 1);
    side.connection.encode_message(&payload.clone().into(), &mut side.out);
    let pieces = side.out.take();
    assert_eq!(pieces.len(), 2);
    assert_eq!(pieces[1].as_ptr(), payload.as_ptr());

    let mut input = &pieces[0][..];
    let event = side.connection.handle_input(&mut input, &mut side.out);
    assert_eq!(event, Ok(Some(Event::LargeFrame { len: 100_000 })));
    assert_eq!(input, b"");
    let event = side.connection.handle_large_frame(payload.clone(), &mut side.out);
    let Ok(Some(Event::Message(message))) = event else { panic!("{event:?}") };
    assert_eq!(message[0].as_ptr(), payload.as_ptr());
}

#[test]
fn an_idle_connection_is_small() {
    assert!(size_of::<Connection>() < 200, "{} bytes", size_of::<Connection>());
    let size = size_of::<Result<Option<Event>, ProtocolError>>();
    assert!(size <= 80, "an event has {size} bytes");
}
