//! The seam for mechanisms, proven with one that enciphers every frame.

use std::time::Duration;

use super::*;
use SocketType::*;

fn sealing(socket_type: SocketType, key: u8) -> Config {
    Config { security: Security::Toy { key }, identity: Bytes::from("id"), ..Config::new(socket_type) }
}

/// Carries bytes between two sides until neither has any left.
pub(super) fn settle(a: &mut Side, b: &mut Side) -> (Vec<Event>, Vec<Event>) {
    let (mut events_a, mut events_b) = (vec![], vec![]);
    loop {
        let (from_a, from_b) = (a.out.take_bytes(), b.out.take_bytes());
        if from_a.is_empty() && from_b.is_empty() {
            return (events_a, events_b);
        }
        b.receive_into(&from_a, &mut events_b).unwrap();
        a.receive_into(&from_b, &mut events_a).unwrap();
    }
}

pub(super) fn pair(ours: Config, theirs: Config) -> (Side, Side) {
    let (mut a, mut b) = (Side::new(&Arc::new(ours)), Side::new(&Arc::new(theirs)));
    let (events_a, events_b) = settle(&mut a, &mut b);
    for (events, peer) in [(events_a, Router), (events_b, Dealer)] {
        let [Event::Handshaken(info)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((info.socket_type, &info.identity[..]), (peer, &b"id"[..]));
    }
    (a, b)
}

fn sealed_pair() -> (Side, Side) {
    pair(sealing(Dealer, 3), sealing(Router, 200))
}

/// Messages of 100 bytes pass, and commands of 50, whatever sealing adds.
pub(super) fn assert_limited(limited: impl Fn() -> (Side, Side)) {
    let (mut a, mut b) = limited();
    assert_eq!(b.receive(&a.encode(&message(&[&[0; 100]]))).unwrap().len(), 1);
    assert_eq!(b.receive(&a.encode(&message(&[&[0; 50], &[0; 50]]))).unwrap().len(), 1);
    let wire = a.encode(&message(&[&[0; 60], &[0; 41]]));
    assert_eq!(b.receive(&wire), Err(ProtocolError::MessageTooLarge { size: 101, max: 100 }));
    let (mut a, mut b) = limited();
    a.connection.encode_subscribe(&[b't'; 50], &mut a.out);
    let wire = a.out.take_bytes();
    assert_eq!(b.receive(&wire), Err(ProtocolError::CommandTooLarge { size: 60, max: 50 }));
}

/// What was sealed can be had again, in any order, and that has changed nothing for the peer.
pub(super) fn assert_recovered_in_any_order((mut a, mut b): (Side, Side)) {
    let sent = messages().map(|message| {
        a.connection.encode_message(&message, &mut a.out);
        (a.out.take(), message)
    });
    for (pieces, message) in sent.iter().rev() {
        assert_eq!(a.connection.recover(pieces.clone()).as_ref(), Some(message));
        assert_eq!(b.connection.recover(pieces.clone()), None, "only the side that sealed");
    }
    for (pieces, message) in sent {
        assert_eq!(b.receive(&pieces.concat()), Ok(vec![Event::Message(message)]));
    }
}

pub(super) fn messages() -> [Message; 5] {
    [
        message(&[b"secret word"]),
        message(&[b""]),
        message(&[b"envelope", b"", &[b's'; 300], b"tail"]),
        message(&[&[b's'; 255]]),
        message(&[&[b's'; 20_000]]),
    ]
}

#[test]
fn messages_are_sealed_and_opened() {
    let (mut a, mut b) = sealed_pair();
    for message in messages() {
        let wire = a.encode(&message);
        for secret in [&b"secret"[..], b"envelope", b"ssss"] {
            assert!(!wire.windows(secret.len()).any(|window| window == secret), "{secret:?} is readable");
        }
        assert_eq!(b.receive(&wire), Ok(vec![Event::Message(message)]));
    }
}

/// Traps 44 and 45: the flags travel inside, so the wire shows no command where one is sealed.
#[test]
fn trap_44_heartbeats_and_subscriptions_are_sealed() {
    let (mut a, mut b) = sealed_pair();
    a.connection.encode_ping(Duration::from_secs(1), b"context", &mut a.out);
    a.connection.encode_subscribe(b"topic", &mut a.out);
    a.connection.encode_cancel(b"topic", &mut a.out);
    let wire = a.out.take_bytes();
    assert_eq!(wire[0], 0);
    for secret in [&b"PING"[..], b"context", b"SUBSCRIBE", b"topic"] {
        assert!(!wire.windows(secret.len()).any(|window| window == secret), "{secret:?} is readable");
    }
    let topic = Frame::from("topic");
    let events = b.receive(&wire).unwrap();
    let (ttl, context) = (Some(Duration::from_secs(1)), b"context"[..].into());
    assert_eq!(
        events,
        [Event::Ping { ttl, context }, Event::Subscribe { topic: topic.clone() }, Event::Cancel { topic }]
    );
    let pong = b.out.take_bytes();
    assert!(!pong.windows(4).any(|window| window == b"PONG"));
    assert_eq!(a.receive(&pong), Ok(vec![Event::Pong { context: Frame::from("context") }]));
}

#[test]
fn trap_45_sealed_frames_come_as_messages_or_commands() {
    for outer in [0, 4, 1, 5] {
        let (mut a, mut b) = sealed_pair();
        let mut wire = a.encode(&Message::from("x"));
        wire[0] |= outer;
        assert_eq!(b.receive(&wire), Ok(vec![Event::Message("x".into())]), "outer flags {outer}");
    }
}

#[test]
fn trap_45_replayed_reordered_and_altered_frames_are_refused() {
    let (mut a, mut b) = sealed_pair();
    let first = a.encode(&Message::from("first"));
    let second = a.encode(&Message::from("second"));
    b.receive(&second).unwrap();
    assert_eq!(b.receive(&first), Err(ProtocolError::Tampered));
    assert_eq!(b.receive(&second), Err(ProtocolError::Tampered));

    let (mut a, mut b) = sealed_pair();
    let mut altered = a.encode(&Message::from("first"));
    *altered.last_mut().unwrap() ^= 1;
    assert_eq!(b.receive(&altered), Err(ProtocolError::Tampered));
    for len in 0..6 {
        let (_, mut b) = sealed_pair();
        assert_eq!(b.receive(&frame(0, &vec![0; len])), Err(ProtocolError::Tampered));
    }
    let (_, mut b) = sealed_pair();
    assert_eq!(b.receive(b"\0\x05plain"), Err(ProtocolError::Tampered));
}

/// The bound is on what was sealed, not on what is on the wire.
#[test]
fn limits_hold_inside_the_seal() {
    let limited = || {
        let mut theirs = sealing(Router, 200);
        theirs.limits = Limits { max_message_size: 100, max_command_size: 50, ..Limits::default() };
        pair(sealing(Dealer, 3), theirs)
    };
    assert_limited(limited);
    // So far beyond that the header alone is enough.
    let wire = frame(0, &[0; 107]);
    assert_eq!(limited().1.receive(&wire[..2]), Err(ProtocolError::MessageTooLarge { size: 107, max: 100 }));
}

#[test]
fn sealed_messages_are_recovered_in_any_order() {
    assert_recovered_in_any_order(sealed_pair());
}

#[test]
fn mechanisms_must_match() {
    let mut null = Side::new(&config(Dealer));
    let mut toy = Side::new(&Arc::new(sealing(Router, 1)));
    let (from_null, from_toy) = (null.out.take_bytes(), toy.out.take_bytes());
    for result in [null.receive(&from_toy), toy.receive(&from_null)] {
        assert!(matches!(result, Err(ProtocolError::MechanismMismatch { .. })), "{result:?}");
    }
    assert_eq!(null.out.take_bytes(), b"", "no READY to a peer of another mechanism");
}

/// No step may be left out, repeated or answered by traffic.
#[test]
fn handshake_steps_in_order() {
    let theirs = greeting::encode("TOY");
    for (rest, error) in [
        (command("READY", b""), ProtocolError::UnexpectedCommand),
        ([command("HELLO", b"\x01"), command("HELLO", b"\x01")].concat(), ProtocolError::UnexpectedCommand),
        (command("HELLO", b""), ProtocolError::UnexpectedCommand),
        ([command("HELLO", b"\x01"), b"\0\0".to_vec()].concat(), ProtocolError::MessageDuringHandshake),
    ] {
        let mut side = Side::new(&Arc::new(sealing(Dealer, 3)));
        side.receive(&theirs).unwrap();
        assert_eq!(side.receive(&rest), Err(error));
    }
}

/// Of all steps together, not of each.
#[test]
fn trap_47_handshake_is_bounded_over_all_its_commands() {
    let hello = command("HELLO", b"\x01");
    for (max, fits) in [(7 + 8, true), (7 + 7, false)] {
        let mut config = sealing(Dealer, 3);
        config.limits.max_handshake_bytes = max;
        let mut side = Side::new(&Arc::new(config));
        side.receive(&greeting::encode("TOY")).unwrap();
        side.receive(&hello).unwrap();
        let expected = if fits { Ok(vec![]) } else { Err(ProtocolError::HandshakeTooLarge { max }) };
        assert_eq!(side.receive(b"\x04\x08"), expected);
    }
}
