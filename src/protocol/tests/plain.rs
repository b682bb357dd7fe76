//! PLAIN between two sides.

use super::mechanisms::{assert_refuses_mechanisms, assert_two_get_nowhere, greeted};
use super::sealed::{messages, settle};
use super::*;
use crate::security::{Credentials, Password};
use SocketType::*;

fn client(user: &str, password: &str) -> Arc<Config> {
    let security = Security::PlainClient { user: user.to_owned(), password: Password::from(password) };
    Arc::new(Config { security, identity: Bytes::from("id"), ..Config::new(Dealer) })
}

fn server() -> Arc<Config> {
    Arc::new(Config { security: Security::PlainServer, ..Config::new(Router) })
}

#[test]
fn a_name_and_a_password_arrive() {
    for (user, password) in [("ann", "secret"), ("", ""), (&"u".repeat(255)[..], &"p".repeat(255)[..])] {
        let (mut a, mut b) = (Side::new(&client(user, password)), Side::new(&server()));
        let (events_a, events_b) = settle(&mut a, &mut b);
        let ([Event::Handshaken(of_b)], [Event::Handshaken(of_a)]) = (&events_a[..], &events_b[..]) else {
            panic!("{events_a:?} {events_b:?}");
        };
        let expected = Credentials::Plain { user: user.to_owned(), password: password.into() };
        assert_eq!((&of_a.credentials, &of_b.credentials), (&expected, &Credentials::Null));
        assert_eq!((of_a.socket_type, &of_a.identity[..], of_b.socket_type), (Dealer, &b"id"[..], Router));
        for message in messages() {
            let wire = a.encode(&message);
            assert_eq!(b.receive(&wire), Ok(vec![Event::Message(message)]));
        }
    }
}

/// As in RFC 24, byte for byte.
#[test]
fn commands_are_those_of_the_rfc() {
    let (mut a, hello) = greeted(&client("admin", "geheim"));
    assert_eq!(hello, b"\x04\x13\x05HELLO\x05admin\x06geheim");
    let (mut b, nothing) = greeted(&server());
    assert_eq!(nothing, b"");
    b.receive(&hello).unwrap();
    let welcome = b.out.take_bytes();
    assert_eq!(welcome, b"\x04\x08\x07WELCOME");
    a.receive(&welcome).unwrap();
    let initiate = a.out.take_bytes();
    assert!(initiate.starts_with(b"\x04\x2e\x08INITIATE\x0bSocket-Type\0\0\0\x06DEALER"), "{initiate:?}");
}

/// Whoever is to judge name and password is asked before READY.
#[test]
fn ready_waits_for_the_welcome() {
    let (mut a, hello) = greeted(&client("ann", "secret"));
    let (mut b, _) = greeted(&server());
    b.receive(&hello).unwrap();
    a.receive(&b.out.take_bytes()).unwrap();
    let initiate = a.out.take_bytes();
    let mut input = &initiate[..];
    let event = b.connection.handle_input(&mut input, &mut b.out);
    assert!(matches!(event, Ok(Some(Event::Handshaken(_)))), "{event:?}");
    assert_eq!(b.out.take_bytes(), b"");
    b.connection.welcome(&mut b.out);
    assert!(b.out.take_bytes().windows(6).any(|window| window == b"\x05READY"));
}

/// Neither of them asks for what it may have said itself.
#[test]
fn two_clients_and_two_servers_get_nowhere() {
    let (mut a, mut b) = (Side::new(&client("ann", "secret")), Side::new(&client("bob", "secret")));
    let (from_a, from_b) = (a.out.take_bytes(), b.out.take_bytes());
    a.receive(&from_b).unwrap();
    b.receive(&from_a).unwrap();
    let hello = b.out.take_bytes();
    let error = a.receive(&hello).unwrap_err();
    assert_eq!(error, ProtocolError::BothClients { mechanism: "PLAIN" });
    assert!(error.is_permanent());
    assert_two_get_nowhere(&server());
}

#[test]
fn commands_out_of_turn_are_refused() {
    let hello = command("HELLO", b"\x03ann\x06secret");
    let welcome = command("WELCOME", b"");
    let (initiate, ready) = (command("INITIATE", b""), command("READY", b""));
    let unexpected = Err(ProtocolError::UnexpectedCommand);
    for commands in [&[&initiate][..], &[&welcome], &[&ready], &[&hello, &hello], &[&hello, &ready]] {
        let (mut side, _) = greeted(&server());
        let (last, first) = commands.split_last().unwrap();
        first.iter().for_each(|command| drop(side.receive(command).unwrap()));
        assert_eq!(side.receive(last), unexpected, "{commands:?}");
    }
    for commands in [&[&initiate][..], &[&ready], &[&welcome, &welcome], &[&welcome, &hello]] {
        let (mut side, _) = greeted(&client("ann", "secret"));
        let (last, first) = commands.split_last().unwrap();
        first.iter().for_each(|command| drop(side.receive(command).unwrap()));
        assert_eq!(side.receive(last), unexpected, "{commands:?}");
    }
}

#[test]
fn malformed_commands_are_refused() {
    let hello = b"\x03ann\x06secret";
    for len in 0..hello.len() {
        let (mut side, _) = greeted(&server());
        let result = side.receive(&command("HELLO", &hello[..len]));
        assert_eq!(result, Err(ProtocolError::MalformedCommand), "{len} bytes");
    }
    for data in [&b"\x03ann\x06secretx"[..], b"\xffann\x06secret", b"\x02\xc3\x28\0"] {
        let (mut side, _) = greeted(&server());
        assert_eq!(side.receive(&command("HELLO", data)), Err(ProtocolError::MalformedCommand), "{data:?}");
    }
    // A name that is no HELLO (a peer of old said WELCOME there).
    let (mut side, _) = greeted(&server());
    assert_eq!(side.receive(&command("WELCOME", hello)), Err(ProtocolError::UnexpectedCommand));
    let (mut side, _) = greeted(&client("ann", "secret"));
    assert_eq!(side.receive(&command("WELCOME", b"x")), Err(ProtocolError::MalformedCommand));
}

/// An ERROR of either point ends it, with its reason.
#[test]
fn refusals_are_heard_before_and_after_welcome() {
    for welcomed in [false, true] {
        // As it should be, and as libzmq spells it.
        for spelled in [command("ERROR", b"\x03400"), frame(4, b"^RROR\x03400")] {
            let (mut side, _) = greeted(&client("ann", "secret"));
            if welcomed {
                side.receive(&command("WELCOME", b"")).unwrap();
            }
            let error = side.receive(&spelled).unwrap_err();
            assert_eq!(error, ProtocolError::PeerRefused { reason: "400".to_owned() });
            assert!(error.is_permanent());
        }
    }
}

#[test]
fn nobody_without_plain_gets_in() {
    assert_refuses_mechanisms(&server(), &["NULL", "CURVE", "", "PLAI", "PLAINX", "plain"]);
}
