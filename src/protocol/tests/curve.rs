//! CURVE between two sides, up to the end of the handshake.

use std::cell::Cell;

use super::mechanisms::{assert_refuses_mechanisms, assert_two_get_nowhere, greeted};
use super::sealed::settle;
use super::*;
use crate::security::{Credentials, CurveKeypair, CurvePublicKey, CurveSecretKey, CurveServerKeys};
use SocketType::*;

thread_local! {
    static DRAWN: Cell<u8> = const { Cell::new(0) };
}

/// Other bytes each time, and the same in every run.
fn entropy(bytes: &mut [u8]) -> Result<(), crate::security::NoEntropy> {
    let seed = DRAWN.get();
    DRAWN.set(seed.wrapping_add(1));
    bytes.iter_mut().zip(0_u8..).for_each(|(byte, at)| *byte = at.wrapping_mul(37) ^ seed.wrapping_mul(91));
    Ok(())
}

fn keypair(seed: u8) -> CurveKeypair {
    CurveSecretKey::from_bytes([seed; 32]).into()
}

fn client_of(server_key: CurvePublicKey) -> Arc<Config> {
    let security = Security::CurveClient { server_key, keypair: keypair(1), entropy };
    Arc::new(Config { security, identity: Bytes::from("id"), ..Config::new(Dealer) })
}

pub(super) fn client() -> Arc<Config> {
    client_of(keypair(2).public_key())
}

fn server_with(keys: CurveServerKeys) -> Arc<Config> {
    let security = Security::CurveServer { keys, entropy };
    Arc::new(Config { security, identity: Bytes::from("id"), ..Config::new(Router) })
}

pub(super) fn server() -> Arc<Config> {
    server_with(keypair(2).into())
}

pub(super) fn pair() -> (Side, Side) {
    let (mut a, mut b) = (Side::new(&client()), Side::new(&server()));
    let (events_a, events_b) = settle(&mut a, &mut b);
    let ([Event::Handshaken(of_b)], [Event::Handshaken(of_a)]) = (&events_a[..], &events_b[..]) else {
        panic!("{events_a:?} {events_b:?}");
    };
    assert_eq!((of_a.socket_type, of_b.socket_type), (Dealer, Router));
    assert_eq!((&of_a.identity[..], &of_b.identity[..]), (&b"id"[..], &b"id"[..]));
    let of = |seed| Credentials::Curve { public_key: keypair(seed).public_key() };
    assert_eq!((&of_a.credentials, &of_b.credentials), (&of(1), &of(2)));
    (a, b)
}

/// The four commands of a handshake, each with the side that takes it, as it is before.
fn until(step: usize) -> (Side, Side, Vec<u8>) {
    let (mut a, hello) = greeted(&client());
    let (mut b, _) = greeted(&server());
    let mut command = hello;
    for done in 0..step {
        let side = if done % 2 == 0 { &mut b } else { &mut a };
        side.receive(&command).unwrap();
        command = side.out.take_bytes();
    }
    (a, b, command)
}

fn taker(step: usize, (a, b, command): (Side, Side, Vec<u8>)) -> (Side, Vec<u8>) {
    (if step % 2 == 0 { b } else { a }, command)
}

/// The body of the one command in `wire`.
pub(super) fn body(wire: &[u8]) -> &[u8] {
    let (header, len) = frame::Header::parse(wire).unwrap().unwrap();
    assert_eq!(header.payload_len as usize, wire.len() - len);
    &wire[len..]
}

/// Whoever drives a connection works with keys where that keeps nobody waiting; meanwhile nothing is decoded.
#[test]
fn what_takes_long_is_for_the_caller_to_do() {
    for step in 0..3 {
        let (Side { mut connection, mut out, .. }, command) = taker(step, until(step));
        let input = [&command[..], b"more"].concat();
        let mut input = &input[..];
        assert_eq!(connection.handle_input(&mut input, &mut out), Ok(Some(Event::KeyWork)));
        assert_eq!(connection.handle_input(&mut input, &mut out), Ok(None));
        assert_eq!((input, out.take_bytes()), (&b"more"[..], vec![]));
        let work = connection.take_work().unwrap();
        assert!(connection.take_work().is_none());
        let event = connection.worked(work.run(), &mut out).unwrap();
        // READY of the server waits until the client is welcome.
        assert_eq!(matches!(event, Some(Event::Handshaken(_))), step == 2, "{event:?}");
        assert_eq!(out.take_bytes().is_empty(), step == 2);
    }
    let (mut side, ready) = taker(3, until(3));
    let event = side.connection.handle_input(&mut &ready[..], &mut side.out);
    assert!(matches!(event, Ok(Some(Event::Handshaken(_)))), "READY takes no multiplication: {event:?}");
}

/// Lengths and places of RFC 26, and the numbers that libzmq gives.
#[test]
fn commands_are_laid_out_as_in_the_rfc() {
    let (mut a, mut b, hello) = until(0);
    let hello_body = body(&hello).to_vec();
    assert_eq!((hello_body.len(), &hello_body[..8]), (200, &b"\x05HELLO\x01\0"[..]));
    assert_eq!((&hello_body[8..80], &hello_body[112..120]), (&[0; 72][..], &1_u64.to_be_bytes()[..]));
    b.receive(&hello).unwrap();
    let welcome = b.out.take_bytes();
    assert_eq!((body(&welcome).len(), &body(&welcome)[..8]), (168, &b"\x07WELCOME"[..]));
    a.receive(&welcome).unwrap();
    let initiate = a.out.take_bytes();
    // 22 and 15 bytes of metadata.
    assert_eq!((body(&initiate).len(), &body(&initiate)[..9]), (257 + 22 + 15, &b"\x08INITIATE"[..]));
    assert_eq!(body(&initiate)[105..113], 2_u64.to_be_bytes());
    b.receive(&initiate).unwrap();
    let ready = b.out.take_bytes();
    assert_eq!((body(&ready).len(), &body(&ready)[..6]), (30 + 22 + 15, &b"\x05READY"[..]));
    assert_eq!(body(&ready)[6..14], 1_u64.to_be_bytes());
    a.receive(&ready).unwrap();
    for (side, number) in [(&mut a, 3_u64), (&mut b, 2)] {
        let message = side.encode(&Message::from("x"));
        // No command flag outside.
        assert_eq!((message[0], body(&message).len(), &body(&message)[..8]), (0, 34, &b"\x07MESSAGE"[..]));
        assert_eq!(body(&message)[8..16], number.to_be_bytes());
    }
}

#[test]
fn commands_of_the_handshake_are_refused_when_cut_or_lengthened() {
    for step in 0..4 {
        let whole = body(&until(step).2).to_vec();
        for len in 0..whole.len() {
            let (mut side, _) = taker(step, until(step));
            assert!(side.receive(&frame(4, &whole[..len])).is_err(), "step {step} of {len} bytes");
            assert!(!side.connection.is_ready());
        }
        let (mut side, _) = taker(step, until(step));
        assert!(
            side.receive(&frame(4, &[&whole[..], b"\0"].concat())).is_err(),
            "step {step} with a byte more"
        );
    }
}

#[test]
fn commands_of_the_handshake_are_refused_when_any_bit_is_flipped() {
    for step in 0..4 {
        let whole = body(&until(step).2).to_vec();
        for at in 0..whole.len() {
            let (mut side, _) = taker(step, until(step));
            // X25519 does not look at the highest bit of a key; the vouch shows what a flip of it does.
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 7);
            assert!(side.receive(&frame(4, &flipped)).is_err(), "step {step} with byte {at} flipped");
            assert!(!side.connection.is_ready());
        }
    }
}

#[test]
fn commands_of_the_handshake_are_refused_out_of_turn() {
    for step in 0..4 {
        for other in 0..4 {
            let (mut side, expected) = taker(step, until(step));
            let (_, command) = taker(other, until(other));
            if other != step {
                let result = side.receive(&command);
                assert!(result.is_err(), "command {other} instead of {step}: {result:?}");
            } else {
                // That of another handshake; HELLO is the same for all.
                assert_eq!(side.receive(&command).is_ok(), step == 0, "command {step} of another");
                drop(expected);
            }
        }
    }
}

/// A client that knows its keys need not wait for READY to say something; whoever is not let in has said nothing.
#[test]
fn what_comes_before_the_welcome_waits_and_goes_with_its_sender() {
    // The same keys and cookie each time.
    let begun = || {
        DRAWN.set(0);
        until(2)
    };
    let (mut a, mut b, initiate) = begun();
    b.receive(&initiate).unwrap();
    a.receive(&b.out.take_bytes()).unwrap();
    let message = a.encode(&Message::from("x"));
    for is_welcome in [true, false] {
        let (_, Side { mut connection, mut out, .. }, again) = begun();
        assert_eq!(again, initiate);
        let wire = [&initiate[..], &message].concat();
        let mut input = &wire[..];
        assert_eq!(connection.handle_input(&mut input, &mut out), Ok(Some(Event::KeyWork)));
        let work = connection.take_work().unwrap();
        let event = connection.worked(work.run(), &mut out).unwrap();
        assert!(matches!(event, Some(Event::Handshaken(_))), "{event:?}");
        assert_eq!(connection.handle_input(&mut input, &mut out), Ok(None));
        assert_eq!((input, &out.take_bytes()[..]), (&message[..], &b""[..]));
        if is_welcome {
            connection.welcome(&mut out);
            let event = connection.handle_input(&mut input, &mut out);
            assert_eq!(event, Ok(Some(Event::Message("x".into()))));
        } else {
            connection.refuse("400", &mut out);
            assert_eq!(out.take_bytes(), b"\x04\x0a\x05ERROR\x03400");
            assert_eq!(connection.handle_input(&mut input, &mut out), Ok(None));
        }
    }
}

/// A server that was given up for another key: the peer is told what libzmq's clients stop for.
#[test]
fn a_client_with_another_server_key_is_told() {
    let (_, hello) = greeted(&client_of(keypair(9).public_key()));
    let (mut b, _) = greeted(&server());
    assert_eq!(b.receive(&hello), Err(ProtocolError::UnknownServerKey));
    let refusal = b.out.take_bytes();
    assert_eq!(refusal, b"\x04\x0a\x05ERROR\x03400");
    let (mut a, _) = greeted(&client());
    let error = a.receive(&refusal).unwrap_err();
    assert!(error.is_permanent(), "{error}");
}

/// One that has not the secret key cannot make a WELCOME of which the client does not see it.
#[test]
fn a_server_without_the_secret_key_is_found_out() {
    let (mut a, hello) = greeted(&client());
    let (mut b, _) = greeted(&server());
    b.receive(&hello).unwrap();
    let genuine = body(&b.out.take_bytes())[8..].to_vec();
    let forged = [&genuine[..16], &[7; 144]].concat();
    let error = a.receive(&command("WELCOME", &forged)).unwrap_err();
    assert_eq!(error, ProtocolError::WrongServerKey);
    assert!(!error.is_permanent(), "somebody else may answer there for the moment");
    assert_eq!(a.out.take_bytes(), b"", "a client sends no ERROR");
}

#[test]
fn two_clients_and_two_servers_get_nowhere() {
    let (mut a, _) = greeted(&client());
    let (_, hello) = greeted(&client());
    let error = a.receive(&hello).unwrap_err();
    assert_eq!(error, ProtocolError::BothClients { mechanism: "CURVE" });
    assert!(error.is_permanent());
    assert_two_get_nowhere(&server());
}

#[test]
fn nobody_without_curve_gets_in() {
    for config in [client(), server()] {
        assert_refuses_mechanisms(&config, &["NULL", "PLAIN", "", "CURV", "CURVEX", "curve"]);
        let mut side = Side::new(&config);
        let mut old = greeting::encode("CURVE");
        old[10] = 2;
        assert!(matches!(side.receive(&old), Err(ProtocolError::UnsupportedVersion { .. })));
    }
    // Nor does what NULL or PLAIN would say do instead.
    for said in [ready("DEALER", b""), command("HELLO", b"\x03ann\x06secret"), b"\0\x01x".to_vec()] {
        let (mut side, _) = greeted(&server());
        assert!(side.receive(&said).is_err());
        assert!(!side.connection.is_ready());
    }
}

/// Frames in the clear after the handshake are none.
/// Whatever the flags outside, what counts is inside.
/// A 3.0 peer knows subscriptions as messages.
/// The bound is on what was sealed, not on what is on the wire.
/// What a lost connection left unsent is sealed anew on the next: it is recovered first, in any order.
/// A peer that is unknown is kept to a bound, also in what it may seal as metadata.
#[test]
fn handshakes_are_bounded_over_all_commands() {
    let mut config = (*client()).clone();
    config.properties.push(("X-Large".to_owned(), vec![0; 7700].into()));
    let (mut a, hello) = greeted(&Arc::new(config));
    let (mut b, _) = greeted(&server());
    b.receive(&hello).unwrap();
    a.receive(&b.out.take_bytes()).unwrap();
    let max = Limits::default().max_handshake_bytes;
    assert_eq!(b.receive(&a.out.take_bytes()), Err(ProtocolError::HandshakeTooLarge { max }));
}

/// Connections use the keys of the moment at which they say HELLO.
#[test]
fn server_keys_can_be_replaced() {
    let keys = CurveServerKeys::from(keypair(2));
    let config = server_with(keys.clone());
    let comes_in = |seed: u8| {
        let (mut a, mut b) = (Side::new(&client_of(keypair(seed).public_key())), Side::new(&config));
        let (from_a, from_b) = (a.out.take_bytes(), b.out.take_bytes());
        a.receive(&from_b).unwrap();
        b.receive(&from_a).unwrap();
        let result = b.receive(&a.out.take_bytes());
        match result {
            Ok(_) => settle(&mut a, &mut b).1.len() == 1,
            Err(error) => {
                assert_eq!(error, ProtocolError::UnknownServerKey);
                false
            }
        }
    };
    assert_eq!([comes_in(2), comes_in(3)], [true, false]);
    keys.replace([keypair(3), keypair(2)]);
    assert_eq!([comes_in(2), comes_in(3)], [true, true]);
    keys.replace([keypair(3)]);
    assert_eq!([comes_in(2), comes_in(3)], [false, true]);
    keys.replace([]);
    assert_eq!([comes_in(2), comes_in(3)], [false, false]);
}

#[test]
fn a_system_without_random_bytes_is_no_reason_to_go_on() {
    let none = |_: &mut [u8]| Err(crate::security::NoEntropy);
    let server_key = keypair(2).public_key();
    let security = Security::CurveClient { server_key, keypair: keypair(1), entropy: none };
    let mut side = Side::new(&Arc::new(Config { security, ..Config::new(Dealer) }));
    side.out.take();
    assert_eq!(side.receive(&greeting::encode("CURVE")), Err(ProtocolError::NoEntropy));
    let security = Security::CurveServer { keys: keypair(2).into(), entropy: none };
    let (mut side, _) = greeted(&Arc::new(Config { security, ..Config::new(Router) }));
    let (_, hello) = greeted(&client());
    assert_eq!(side.receive(&hello), Err(ProtocolError::NoEntropy));
    assert_eq!(side.out.take_bytes(), b"");
}
