//! Everything that parses bytes of others, as functions that any fuzzer can drive: `docs/fuzzing.md` says how.
//!
//! Each takes any bytes, and panics if they break something. Only the public interface is used, so that what is
//! fuzzed is what peers can reach.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use monocoque::runtime::{AsyncStream, Detached, RecvBuf, SendBuf, Shared};
use monocoque::socket::DealerSocket;
use monocoque::{Endpoint, Message, SocketOptions};

/// What a fuzzer drives.
pub type Target = fn(&[u8]);

/// All of them, by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("connection", connection),
    ("metadata", metadata),
    ("command", command),
    ("frames", frames),
    ("endpoint", endpoint),
    #[cfg(all(feature = "plain", feature = "curve"))]
    ("mechanisms", mechanisms),
];

const MAX_MESSAGE: usize = 20_000;
const MAX_FRAMES: usize = 20;

/// A peer that says this and nothing else: the greeting, the handshake, and what is behind them.
pub fn connection(data: &[u8]) {
    assert_pieces_do_not_matter(data.to_vec());
}

/// Properties in a READY.
pub fn metadata(data: &[u8]) {
    assert_pieces_do_not_matter([greeting(), frame(4, &[b"\x05READY", data].concat())].concat());
}

/// A command after the handshake, and a message behind it.
pub fn command(data: &[u8]) {
    assert_pieces_do_not_matter([opening(), frame(4, data), frame(0, b"behind")].concat());
}

/// Traffic after the handshake.
pub fn frames(data: &[u8]) {
    assert_pieces_do_not_matter([opening(), data.to_vec()].concat());
}

/// The handshakes of PLAIN and CURVE, in the role that the first byte says, behind the greeting.
#[cfg(all(feature = "plain", feature = "curve"))]
pub fn mechanisms(data: &[u8]) {
    let Some((&role, said)) = data.split_first() else { return };
    let options = secured(role);
    let input = [greeting_of(options.mechanism()), said.to_vec()].concat();
    // Nobody gets in by what was made up.
    for piece in [usize::MAX, 1, 7] {
        let heard = hear_with(options.clone(), input.clone(), piece);
        assert!(matches!(heard, Outcome::Refused(_)) || role % 4 < 2, "{heard:?}");
    }
}

/// A PLAIN client or server, or a CURVE client or server of fixed keys.
#[cfg(all(feature = "plain", feature = "curve"))]
fn secured(role: u8) -> SocketOptions {
    use monocoque::security::{CurveKeypair, CurveSecretKey, accept_any_client};

    let [server, client] = [1, 2].map(|seed| CurveKeypair::from(CurveSecretKey::from_bytes([seed; 32])));
    let options = SocketOptions::default();
    match role % 4 {
        0 => options.with_plain_client("ann", "secret"),
        1 => options.with_plain_server(accept_any_client()),
        2 => options.with_curve_client(server.public_key(), client),
        _ => options.with_curve_server(server, accept_any_client()),
    }
}

/// What a CURVE client says first to that server.
#[cfg(all(feature = "plain", feature = "curve"))]
pub fn curve_hello() -> Vec<u8> {
    let said = Arc::<Mutex<Vec<u8>>>::default();
    let tape = Tape { input: greeting_of("CURVE"), at: 0, piece: usize::MAX, said: Some(said.clone()) };
    let _ = finish(DealerSocket::from_stream_with_options(tape, secured(2)));
    let said = said.lock().unwrap();
    said[64..].to_vec()
}

/// An endpoint, if it is text; what is taken is printed so that it means the same again.
pub fn endpoint(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.parse::<Endpoint>() {
        Ok(endpoint) => assert_eq!(endpoint.to_string().parse::<Endpoint>().as_ref(), Ok(&endpoint)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// What came of a peer: why it was refused, or its messages.
#[derive(Debug, PartialEq)]
enum Outcome {
    Refused(String),
    Received(Vec<Message>),
}

fn assert_pieces_do_not_matter(input: Vec<u8>) {
    let whole = hear(input.clone(), usize::MAX);
    if let Outcome::Received(messages) = &whole {
        let within =
            |message: &Message| message.size() <= MAX_MESSAGE && (1..=MAX_FRAMES).contains(&message.len());
        assert!(messages.iter().all(within), "past the limits: {messages:?}");
    }
    for piece in [1, 7] {
        assert_eq!(hear(input.clone(), piece), whole, "in pieces of {piece}");
    }
}

/// Listens to a peer to its end.
fn hear(input: Vec<u8>, piece: usize) -> Outcome {
    hear_with(SocketOptions::default(), input, piece)
}

fn hear_with(options: SocketOptions, input: Vec<u8>, piece: usize) -> Outcome {
    let options = options.with_max_message_size(MAX_MESSAGE).with_max_frames(MAX_FRAMES);
    let tape = Tape { input, at: 0, piece, said: None };
    let socket = match finish(DealerSocket::from_stream_with_options(tape, options)) {
        Ok(socket) => socket,
        Err(error) => return Outcome::Refused(error.to_string()),
    };
    let mut messages = Vec::new();
    while let Ok(message) = finish(socket.recv()) {
        messages.push(message);
    }
    Outcome::Received(messages)
}

/// Runs a future that has nothing to wait for.
fn finish<F: Future>(future: F) -> F::Output {
    /// A socket gives way now and then.
    const POLLS: usize = 1_000_000;
    let mut future = pin!(future);
    for _ in 0..POLLS {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
    panic!("there is nothing to wait for");
}

/// A stream that says what it is given, in pieces, and takes everything.
struct Tape {
    input: Vec<u8>,
    at: usize,
    piece: usize,
    /// What is written to it, for whoever wants to know.
    said: Option<Arc<Mutex<Vec<u8>>>>,
}

impl AsyncStream for Tape {
    type Runtime = Detached;
    type Sharing = Shared;

    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        let rest = &self.input[self.at..];
        let room = buf.unfilled();
        let len = rest.len().min(room.len()).min(self.piece);
        room[..len].copy_from_slice(&rest[..len]);
        buf.advance(len);
        self.at += len;
        Poll::Ready(Ok(len))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        let len = src.chunk().len();
        if let Some(said) = &self.said {
            said.lock().unwrap().extend_from_slice(src.chunk());
        }
        src.advance(len);
        Poll::Ready(Ok(len))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The 64 bytes of a peer that speaks ZMTP 3.1 and NULL.
pub fn greeting() -> Vec<u8> {
    greeting_of("NULL")
}

fn greeting_of(mechanism: &str) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[0] = 0xFF;
    bytes[9] = 0x7F;
    bytes[10..12].copy_from_slice(&[3, 1]);
    bytes[12..][..mechanism.len()].copy_from_slice(mechanism.as_bytes());
    bytes
}

/// A whole handshake.
pub fn opening() -> Vec<u8> {
    [greeting(), frame(4, b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER")].concat()
}

/// A frame with its header.
pub fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(len) => [&[flags, len][..], body].concat(),
        Err(_) => [&[flags | 2][..], &(body.len() as u64).to_be_bytes(), body].concat(),
    }
}
