//! What implementations get wrong, by the numbers of our list of libzmq's semantics.
//!
//! Those that concern one function stand beside it: 35 to 37 greeting, 38 metadata, 39 socket_type,
//! 40 error, 41 and 43 command, 46 frame.

use super::*;
use SocketType::*;

fn handshake(ours: SocketType, rest: &[u8]) -> (Side, Result<Vec<Event>, ProtocolError>) {
    let mut side = Side::new(&config(ours));
    side.receive(&greeting(1)).unwrap();
    side.out.take();
    let result = side.receive(rest);
    (side, result)
}

fn peer_of(result: Result<Vec<Event>, ProtocolError>) -> PeerInfo {
    match result.as_deref() {
        Ok([Event::Handshaken(peer)]) => (**peer).clone(),
        _ => panic!("{result:?}"),
    }
}

#[test]
fn trap_33_subscriptions_in_the_form_that_the_peer_knows() {
    let long = vec![b't'; 250];
    let mut old = Side::ready(Sub, Pub, 0);
    let mut new = Side::ready(Sub, Pub, 1);
    for (topic, short) in [(&b"a"[..], true), (b"", true), (&long, false)] {
        for (mark, name) in [(1, "SUBSCRIBE"), (0, "CANCEL")] {
            for side in [&mut old, &mut new] {
                let Side { connection, out, .. } = side;
                if mark == 1 {
                    connection.encode_subscribe(topic, out);
                } else {
                    connection.encode_cancel(topic, out);
                }
            }
            assert_eq!(old.out.take_bytes(), frame(0, &[&[mark], topic].concat()));
            let sent = new.out.take_bytes();
            assert_eq!(sent, command(name, topic));
            // From 246 bytes on the name makes the command a long frame.
            assert_eq!(sent[0], if short { 4 } else { 6 });

            // Both forms are accepted from a peer of either version.
            for minor in [0, 1] {
                let mut publisher = Side::ready(XPub, Sub, minor);
                let events = publisher.receive(&sent).unwrap();
                let topic = Frame::from(topic);
                let expected = if mark == 1 { Event::Subscribe { topic } } else { Event::Cancel { topic } };
                assert_eq!(events, [expected]);
            }
        }
    }
}

/// The greeting of libzmq 4.3, whose padding holds a length, in the stages in which it is sent.
#[test]
fn trap_35_staged_greeting_of_libzmq() {
    let mut theirs = greeting(1);
    theirs[8] = 1;
    let mut side = Side::new(&config(Pull));
    for stage in [&theirs[..10], &theirs[10..11], &theirs[11..]] {
        assert_eq!(side.receive(stage), Ok(vec![]));
    }
    assert_eq!(peer_of(side.receive(&ready("PUSH", b""))).socket_type, Push);
}

#[test]
fn trap_35_old_versions_are_refused_without_waiting_for_more() {
    let mut side = Side::new(&config(Pull));
    let error = side.receive(b"\xff\0\0\0\0\0\0\0\x01\x7f\x01").unwrap_err();
    assert_eq!(error, ProtocolError::UnsupportedVersion { major: 2 });
    let error = Side::new(&config(Pull)).receive(b"\x01\0").unwrap_err();
    assert_eq!(error, ProtocolError::UnsupportedVersion { major: 1 });
}

#[test]
fn trap_36_versions_and_their_dialect() {
    for (major, minor, dialect) in [(3, 0, 0), (3, 1, 1), (3, 9, 1), (4, 0, 1)] {
        let mut theirs = greeting(minor);
        theirs[10] = major;
        let mut side = Side::new(&config(Pull));
        let peer = peer_of(side.receive(&[theirs, ready("PUSH", b"")].concat()));
        assert_eq!(peer.minor, dialect, "{major}.{minor}");
        assert_eq!(side.connection.speaks_heartbeats(), dialect == 1);
    }
}

#[test]
fn trap_37_as_server_means_nothing() {
    for as_server in [0, 1, 0xFF] {
        let mut theirs = greeting(1);
        theirs[32] = as_server;
        let mut side = Side::new(&config(Pull));
        assert_eq!(side.out.take_bytes()[32], 0);
        peer_of(side.receive(&[theirs, ready("PUSH", b"")].concat()));
    }
}

#[test]
fn trap_38_metadata_of_ready() {
    // Names in any case, unknown ones exposed.
    let metadata = [property("SOCKET-type", b"DEALER"), property("iDENTITY", b"x"), property("X-a", b"")];
    let (_, result) = handshake(Router, &command("READY", &metadata.concat()));
    let peer = peer_of(result);
    assert_eq!((peer.socket_type, &peer.identity[..]), (Dealer, &b"x"[..]));
    assert_eq!(peer.properties[2], ("X-a".to_owned(), Bytes::new()));

    let error = |rest: &[u8]| handshake(Router, rest).1.unwrap_err();
    assert_eq!(error(&ready("DEALER", b"\x01")), ProtocolError::MalformedMetadata);
    assert_eq!(error(&command("READY", b"")), ProtocolError::MissingSocketType);
    assert_eq!(error(&ready("dealer", b"")), ProtocolError::UnknownSocketType);
}

#[test]
fn trap_38_identities() {
    let with = |socket_type, len| ready(socket_type, &property("Identity", &vec![b'i'; len]));
    assert_eq!(peer_of(handshake(Router, &with("DEALER", 255)).1).identity.len(), 255);
    let (mut side, result) = handshake(Router, &with("DEALER", 256));
    assert_eq!(result, Err(ProtocolError::InvalidIdentity));
    assert_eq!(side.out.take_bytes(), command("ERROR", b"\x10invalid Identity"));
    // A name of those that we give out ourselves.
    let taken = ready("REQ", &property("Identity", b"\0\0\0\0\x01"));
    assert_eq!(handshake(Router, &taken).1, Err(ProtocolError::InvalidIdentity));
    // Of a type that has no identity the property is ignored, whatever it holds.
    let peer = peer_of(handshake(Dealer, &with("REP", 300)).1);
    assert_eq!((peer.identity.len(), peer.properties[1].1.len()), (0, 300));
}

/// The peer learns why, where libzmq closes silently.
#[test]
fn trap_39_mismatch_is_told_to_the_peer() {
    for (theirs, error, reason) in [
        (
            "PUB",
            ProtocolError::IncompatibleSocketType { ours: Req, theirs: Pub },
            &b"\x18incompatible Socket-Type"[..],
        ),
        ("CLIENT", ProtocolError::UnknownSocketType, b"\x13unknown Socket-Type"),
    ] {
        let (mut side, result) = handshake(Req, &ready(theirs, b""));
        assert_eq!(result, Err(error));
        assert_eq!(side.out.take_bytes(), command("ERROR", reason));
        assert!(!side.connection.is_ready());
    }
    let (mut side, result) = handshake(Req, &command("READY", &property("Identity", b"")));
    assert_eq!(result, Err(ProtocolError::MissingSocketType));
    assert_eq!(side.out.take_bytes(), command("ERROR", b"\x13missing Socket-Type"));
}

/// Trap 40: only errors that will come again are final for the connecting side.
#[test]
fn trap_40_refusals_are_permanent_noise_is_not() {
    let error = |rest: &[u8]| handshake(Req, rest).1.unwrap_err();
    assert!(error(&ready("PUB", b"")).is_permanent());
    assert!(error(&command("ERROR", b"\x03400")).is_permanent());
    assert!(!error(&ready("REP", b"\xff")).is_permanent());
    assert!(!error(b"\0\0").is_permanent());
    assert!(!Side::new(&config(Req)).receive(b"HTTP/1.1 400").unwrap_err().is_permanent());
}

#[test]
fn trap_41_error_command() {
    let refused = |reason: &str| ProtocolError::PeerRefused { reason: reason.to_owned() };
    let (mut side, result) = handshake(Req, &command("ERROR", b"\x03400"));
    assert_eq!(result, Err(refused("400")));
    assert_eq!(side.out.take_bytes(), b"", "an ERROR is not answered by one");
    assert_eq!(handshake(Req, &command("ERROR", b"\0")).1, Err(refused("")));
    assert_eq!(handshake(Req, &command("ERROR", b"\x01\xff")).1, Err(refused("\u{FFFD}")));
    for malformed in [&b""[..], b"\x04400", b"\x02400"] {
        assert_eq!(handshake(Req, &command("ERROR", malformed)).1, Err(ProtocolError::MalformedCommand));
    }
    let mut side = Side::ready(Req, Rep, 1);
    assert_eq!(side.receive(&command("ERROR", b"\x05later")), Err(refused("later")));
}

#[test]
fn trap_42_only_the_handshake_during_the_handshake() {
    let error = |rest: &[u8]| handshake(Req, rest).1.unwrap_err();
    // A message is refused by its header.
    assert_eq!(error(b"\0\x05"), ProtocolError::MessageDuringHandshake);
    assert_eq!(error(b"\x02\0\0\0\0\0\0\0\x05"), ProtocolError::MessageDuringHandshake);
    assert_eq!(error(&command("PING", b"\0\0")), ProtocolError::UnexpectedCommand);
    assert_eq!(error(&command("ready", b"")), ProtocolError::UnexpectedCommand);
    assert_eq!(error(b"\x04\0"), ProtocolError::MalformedCommand);
    assert_eq!(error(b"\x04\x03\x05RE"), ProtocolError::MalformedCommand);
    let twice = [ready("REP", b""), ready("REP", b"")].concat();
    assert_eq!(error(&twice), ProtocolError::UnexpectedReady);
}

/// Every body of up to 32 zeros or letters, and malformed forms of the known commands: skipped.
#[test]
fn trap_42_unknown_and_malformed_commands_are_skipped() {
    let mut side = Side::ready(Req, Rep, 1);
    let mut bodies = vec![b"\xffPING".to_vec(), b"\x04PIN".to_vec(), b"\x05HELLO".to_vec()];
    for len in 0..=32 {
        bodies.push(vec![0; len]);
        bodies.push(vec![b'A'; len]);
    }
    for data in [0, 1] {
        bodies.push([b"\x04PING", &vec![0; data][..]].concat());
    }
    bodies.push([b"\x04PONG", &[0; 17][..]].concat());
    bodies.push(b"\x05ERROR".to_vec());
    bodies.push(b"\x05ERROR\x02a".to_vec());
    for body in bodies {
        assert_eq!(side.receive(&frame(4, &body)), Ok(vec![Event::Ignored]), "{body:?}");
    }
    assert_eq!(side.out.take_bytes(), b"");
    assert_eq!(side.receive(b"\0\x01x"), Ok(vec![Event::Message("x".into())]));
}

#[test]
fn trap_43_pings_are_answered_with_their_context() {
    let mut side = Side::ready(Dealer, Dealer, 1);
    for len in 0..=16 {
        let context: Vec<u8> = (1..=len).collect();
        let asked = command("PING", &[&[0, 10], &context[..]].concat());
        assert_eq!(side.receive(&asked), Ok(vec![ping(Some(Duration::from_secs(1)), &context)]));
        assert_eq!(side.out.take_bytes(), command("PONG", &context));
        assert_eq!(
            side.receive(&command("PONG", &context)),
            Ok(vec![Event::Pong { context: Frame::from(&context[..]) }])
        );
    }
    assert_eq!(side.receive(&command("PING", &[0; 40])), Ok(vec![ping(None, &[0; 16])]));
    assert_eq!(side.out.take_bytes(), command("PONG", &[0; 16]), "cut to 16 bytes, as by libzmq");
    assert_eq!(side.receive(&command("PING", &[0, 0])), Ok(vec![ping(None, b"")]));
    let longest = Some(Duration::from_millis(6_553_500));
    assert_eq!(side.receive(&command("PING", &[255, 255])), Ok(vec![ping(longest, b"")]));
}

/// A 3.0 peer is not sent any, but one that sends them gets its answer.
#[test]
fn trap_44_heartbeats_with_a_3_0_peer() {
    let mut side = Side::ready(Dealer, Dealer, 0);
    assert!(!side.connection.speaks_heartbeats());
    assert_eq!(side.receive(&command("PING", b"\0\0x")), Ok(vec![ping(None, b"x")]));
    assert_eq!(side.out.take_bytes(), command("PONG", b"x"));
    assert!(!Side::new(&config(Req)).connection.speaks_heartbeats());
}

/// Between the frames of a message, too: libzmq sends them there.
#[test]
fn trap_44_heartbeats_inside_a_multipart_message() {
    let mut side = Side::ready(Dealer, Dealer, 1);
    assert_eq!(side.receive(b"\x01\x01a"), Ok(vec![]));
    assert!(side.connection.has_partial_message());
    assert_eq!(side.receive(&command("PING", b"\0\0")), Ok(vec![ping(None, b"")]));
    assert_eq!(side.receive(b"\0\x01b"), Ok(vec![Event::Message(message(&[b"a", b"b"]))]));
    assert!(!side.connection.has_partial_message());
}

#[test]
fn trap_46_tolerated_frames() {
    let mut side = Side::ready(Pull, Push, 1);
    let one = |payload: &[u8]| Ok(vec![Event::Message(message(&[payload]))]);
    // Long form for small sizes, reserved bits.
    assert_eq!(side.receive(b"\x02\0\0\0\0\0\0\0\x02ab"), one(b"ab"));
    assert_eq!(side.receive(b"\xf8\x02ab"), one(b"ab"));
    assert_eq!(side.receive(b"\x06\0\0\0\0\0\0\0\x05\x04PONG").unwrap().len(), 1);
    // MORE on a command: the command counts for itself, and the next frame begins a message.
    let pong = Event::Pong { context: Frame::new() };
    assert_eq!(side.receive(b"\x05\x05\x04PONG"), Ok(vec![pong]));
    assert_eq!(side.receive(b"\0\x02ab"), one(b"ab"));
}

/// Announced lengths around every power that overflows somewhere: refused by the header.
#[test]
fn trap_46_announced_lengths_allocate_nothing() {
    for flags in [2, 3, 6] {
        for len in
            [(1 << 63) - 1, 1 << 32, (1 << 32) - 1, (256 << 20) + 1, u64::MAX >> 1, i64::MAX as u64 - 8]
        {
            let mut side = Side::ready(Pull, Push, 1);
            let error = side.receive(&[&[flags][..], &len.to_be_bytes()].concat()).unwrap_err();
            let refused = if flags == 6 {
                ProtocolError::CommandTooLarge { size: len, max: (1 << 20) + 10 }
            } else {
                ProtocolError::MessageTooLarge { size: len, max: 256 << 20 }
            };
            assert_eq!(error, refused);
            assert!(!side.connection.has_partial_message());
        }
        for len in [1 << 63, u64::MAX, u64::MAX - 9, usize::MAX as u64 - 1] {
            let mut side = Side::ready(Pull, Push, 1);
            let error = side.receive(&[&[flags][..], &len.to_be_bytes()].concat()).unwrap_err();
            assert_eq!(error, ProtocolError::InvalidFrameLength);
        }
    }
}

fn limited(limits: Limits) -> Side {
    let mut config = Config::new(Pull);
    config.limits = limits;
    Side::ready_with(&Arc::new(config), Push, 1)
}

/// libzmq's limit is per frame; ours is over the message, and exact.
#[test]
fn trap_46_message_size_is_over_all_frames() {
    let limits = Limits { max_message_size: 10, ..Limits::default() };
    let fits = |bytes: &[u8]| limited(limits.clone()).receive(bytes);
    let too_large = |size| Err(ProtocolError::MessageTooLarge { size, max: 10 });
    assert_eq!(fits(&frame(0, &[0; 10])).unwrap().len(), 1);
    assert_eq!(fits(&frame(0, &[0; 11])), too_large(11));
    assert_eq!(fits(b"\0\x0b"), too_large(11));
    assert_eq!(fits(b"\x02\0\0\0\0\0\0\0\x0b"), too_large(11));
    assert_eq!(fits(&[frame(1, &[0; 6]), frame(0, &[0; 4])].concat()).unwrap().len(), 1);
    assert_eq!(fits(&[frame(1, &[0; 6]), frame(1, &[0; 4]), b"\0\x01".to_vec()].concat()), too_large(11));
    // The next message starts from zero.
    assert_eq!(fits(&[frame(1, &[0; 6]), frame(0, &[0; 4])].concat().repeat(3)).unwrap().len(), 3);
}

#[test]
fn endless_frames_are_cut_off() {
    let limits = Limits { max_frames: 3, ..Limits::default() };
    let three = [frame(1, b""), frame(1, b""), frame(0, b"")].concat();
    assert_eq!(limited(limits.clone()).receive(&three.repeat(2)).unwrap().len(), 2);
    let error = limited(limits).receive(&frame(1, b"").repeat(4)).unwrap_err();
    assert_eq!(error, ProtocolError::TooManyFrames { max: 3 });
}

#[test]
fn commands_are_bounded() {
    let limits = Limits { max_command_size: 20_000, ..Limits::default() };
    let topic = vec![b't'; 20_000 - 10];
    let events = limited(limits.clone()).receive(&command("SUBSCRIBE", &topic)).unwrap();
    assert_eq!(events, [Event::Subscribe { topic: Frame::from(topic.clone()) }]);
    let error = limited(limits).receive(&command("SUBSCRIBE", &[&topic[..], b"x"].concat())).unwrap_err();
    assert_eq!(error, ProtocolError::CommandTooLarge { size: 20_001, max: 20_000 });
}

/// A topic of a mebibyte is a command, a longer one a message: both sides agree on which.
#[test]
fn trap_33_topics_of_any_length() {
    for len in [0, 245, 246, 65_526, 65_527, 1 << 20, (1 << 20) + 1] {
        let topic = vec![b't'; len];
        let mut sub = Side::ready(Sub, Pub, 1);
        sub.connection.encode_subscribe(&topic, &mut sub.out);
        let event = match len {
            0..=0x10_0000 => Event::Subscribe { topic: Frame::from(topic) },
            _ => Event::Message(Frame::from([&b"\x01"[..], &topic].concat()).into()),
        };
        let mut publisher = Side::ready(Pub, Sub, 1);
        assert_eq!(publisher.receive(&sub.out.take_bytes()), Ok(vec![event]), "{len} bytes");
    }
}

/// Trap 47 is a matter of time, and so the engine's; here is its other half, the size.
#[test]
fn trap_47_handshake_is_bounded_in_bytes() {
    let max = Limits::default().max_handshake_bytes;
    let metadata = |value| property("X-Pad", &vec![0; value]);
    let overhead = ready("REP", &metadata(0)).len() - 2;
    let largest = ready("REP", &metadata(max - overhead));
    assert_eq!(largest.len(), max + 9);
    peer_of(handshake(Req, &largest).1);
    // One byte more is refused by the header.
    let larger = ready("REP", &metadata(max - overhead + 1));
    assert_eq!(handshake(Req, &larger[..9]).1, Err(ProtocolError::HandshakeTooLarge { max }));
    let huge = b"\x06\x7f\xff\xff\xff\xff\xff\xff\xff";
    assert_eq!(handshake(Req, huge).1, Err(ProtocolError::HandshakeTooLarge { max }));
}
