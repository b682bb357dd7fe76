//! Messages and commands under CURVE, once the handshake is over.

use super::curve::{body, client, pair, server};
use super::sealed::{assert_limited, assert_recovered_in_any_order, messages, settle};
use super::*;

#[test]
fn messages_are_sealed_in_both_directions() {
    let (mut a, mut b) = pair();
    for message in messages() {
        for _ in 0..2 {
            let (from, to) = (&mut a, &mut b);
            let wire = from.encode(&message);
            for secret in [&b"secret"[..], b"envelope", b"ssss"] {
                assert!(!wire.windows(secret.len()).any(|window| window == secret), "{secret:?} is readable");
            }
            assert_eq!(to.receive(&wire), Ok(vec![Event::Message(message.clone())]));
            std::mem::swap(from, to);
        }
    }
}

#[test]
fn what_is_not_sealed_is_refused_once_all_else_is() {
    for said in [&b"\0\x01x"[..], b"\0\0", b"\x04\x06\x04PING\0\0", b"\x04\x0a\x05ERROR\x03400", b"\x01\x00"]
    {
        let (mut a, mut b) = pair();
        for side in [&mut a, &mut b] {
            assert_eq!(side.receive(said), Err(ProtocolError::Tampered), "{said:?}");
        }
    }
}

#[test]
fn sealed_frames_that_are_cut_or_changed_are_refused() {
    let (mut a, mut b) = pair();
    let whole = body(&a.encode(&Message::from("a message"))).to_vec();
    for at in 0..whole.len() {
        assert_eq!(b.receive(&frame(0, &whole[..at])), Err(ProtocolError::Tampered), "{at} bytes");
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        assert_eq!(b.receive(&frame(0, &changed)), Err(ProtocolError::Tampered), "byte {at} flipped");
    }
    // None of them has moved the counter.
    assert_eq!(b.receive(&frame(0, &whole)), Ok(vec![Event::Message("a message".into())]));
}

#[test]
fn sealed_frames_come_with_and_without_the_command_flag() {
    for outer in [0, 4, 1, 5] {
        let (mut a, mut b) = pair();
        let mut wire = a.encode(&Message::from("x"));
        wire[0] |= outer;
        assert_eq!(b.receive(&wire), Ok(vec![Event::Message("x".into())]), "outer flags {outer}");
    }
}

#[test]
fn numbers_may_skip_but_neither_repeat_nor_fall() {
    let (mut a, mut b) = pair();
    let sent: Vec<_> = (0..6).map(|n: u8| a.encode(&message(&[&[n]]))).collect();
    let received = |n: u8| Ok(vec![Event::Message(message(&[&[n]]))]);
    assert_eq!(b.receive(&sent[0]), received(0));
    assert_eq!(b.receive(&sent[0]), Err(ProtocolError::Tampered), "the same again");
    assert_eq!(b.receive(&sent[3]), received(3), "two are missing");
    for late in [0, 1, 2, 3] {
        assert_eq!(b.receive(&sent[late]), Err(ProtocolError::Tampered), "{late} after 3");
    }
    assert_eq!(b.receive(&sent[5]), received(5));
    // What it sent comes back to it, and what is of another connection.
    let (mut c, _) = pair();
    assert_eq!(a.receive(&sent[5]), Err(ProtocolError::Tampered), "one's own");
    assert_eq!(b.receive(&c.encode(&Message::from("x"))), Err(ProtocolError::Tampered), "of another");
}

#[test]
fn heartbeats_and_subscriptions_are_sealed() {
    let (mut a, mut b) = pair();
    a.connection.encode_ping(Duration::from_secs(1), b"context", &mut a.out);
    a.connection.encode_subscribe(b"topic", &mut a.out);
    a.connection.encode_cancel(b"", &mut a.out);
    let wire = a.out.take_bytes();
    for secret in [&b"PING"[..], b"context", b"SUBSCRIBE", b"topic"] {
        assert!(!wire.windows(secret.len()).any(|window| window == secret), "{secret:?} is readable");
    }
    let events = b.receive(&wire).unwrap();
    assert_eq!(
        events,
        [
            ping(Some(Duration::from_secs(1)), b"context"),
            Event::Subscribe { topic: Frame::from("topic") },
            Event::Cancel { topic: Frame::new() }
        ]
    );
    let pong = b.out.take_bytes();
    assert_eq!(a.receive(&pong), Ok(vec![Event::Pong { context: Frame::from("context") }]));
}

#[test]
fn subscriptions_to_a_3_0_peer_are_sealed_messages() {
    let (mut a, mut b) = (Side::new(&client()), Side::new(&server()));
    let mut from_b = b.out.take_bytes();
    from_b[11] = 0;
    a.receive(&from_b).unwrap();
    settle(&mut a, &mut b);
    assert!(!a.connection.speaks_heartbeats());
    a.connection.encode_subscribe(b"topic", &mut a.out);
    a.connection.encode_cancel(b"topic", &mut a.out);
    let wire = a.out.take_bytes();
    let messages = [Message::from("\u{1}topic"), Message::from("\0topic")].map(Event::Message);
    assert_eq!(b.receive(&wire), Ok(messages.to_vec()));
}

#[test]
fn limits_hold_inside_the_seal() {
    let limited = || {
        let mut theirs = (*server()).clone();
        theirs.limits = Limits { max_message_size: 100, max_command_size: 50, ..Limits::default() };
        let (mut a, mut b) = (Side::new(&client()), Side::new(&Arc::new(theirs)));
        settle(&mut a, &mut b);
        (a, b)
    };
    assert_limited(limited);
    // The header alone is enough.
    let header = frame(0, &[0; 134]);
    let too_large = Err(ProtocolError::MessageTooLarge { size: 134, max: 100 });
    assert_eq!(limited().1.receive(&header[..2]), too_large);
}

#[test]
fn sealed_messages_are_recovered_in_any_order() {
    assert_recovered_in_any_order(pair());
}
