//! Random and damaged input: no panic, bounded memory, and the same outcome in any fragmentation.
//!
//! Seeds are fixed, a failure names its own. `MONOCOQUE_FUZZ_SECONDS` runs more of them.

use std::time::{Duration, Instant};

use super::*;
use SocketType::*;

const MAX_MESSAGE: usize = 20_000;
const MAX_FRAMES: usize = 20;

/// Runs `case` for every seed of the usual number, or for as long as the environment asks.
fn for_seeds(usual: u64, case: impl Fn(&mut fastrand::Rng)) {
    let seconds = std::env::var("MONOCOQUE_FUZZ_SECONDS").ok().map(|text| text.parse().unwrap());
    let start = Instant::now();
    for seed in 0.. {
        let done = seconds.map_or(seed >= usual, |limit| start.elapsed() >= Duration::from_secs(limit));
        if done {
            return;
        }
        let named = NameOnPanic(seed);
        case(&mut fastrand::Rng::with_seed(seed));
        drop(named);
    }
}

struct NameOnPanic(u64);

impl Drop for NameOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with seed {}", self.0);
        }
    }
}

fn limited(security: Security) -> Arc<Config> {
    let limits = Limits {
        max_message_size: MAX_MESSAGE,
        max_frames: MAX_FRAMES,
        max_command_size: 10_000,
        ..Limits::default()
    };
    Arc::new(Config { limits, security, ..Config::new(Router) })
}

fn bytes(rng: &mut fastrand::Rng, max: usize) -> Vec<u8> {
    let len = if rng.u8(..) < 16 { rng.usize(..=max) } else { rng.usize(..=20) };
    std::iter::repeat_with(|| rng.u8(..)).take(len).collect()
}

/// A frame of traffic that is mostly well formed.
fn any_frame(rng: &mut fastrand::Rng) -> Vec<u8> {
    match rng.u8(..10) {
        0 => {
            let name = *rng.choice(&["PING", "PONG", "SUBSCRIBE", "CANCEL", "ERROR", "READY", "X"]).unwrap();
            command(name, &bytes(rng, 11_000))
        }
        1 => frame(rng.u8(..), &bytes(rng, 300)),
        // A length that promises more, or less, than follows.
        2 => [&[rng.u8(..8)][..], &rng.u64(..).to_be_bytes(), &bytes(rng, 300)].concat(),
        3 => [&[2][..], &rng.u64(..30_000).to_be_bytes(), &bytes(rng, 300)].concat(),
        _ => frame(rng.u8(..2), &bytes(rng, 12_000)),
    }
}

fn damage(rng: &mut fastrand::Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.u8(..4) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.usize(..bytes.len());
        match rng.u8(..5) {
            0 => bytes[at] = rng.u8(..),
            1 => bytes[at] ^= 1 << rng.u8(..8),
            2 => bytes.insert(at, rng.u8(..)),
            3 => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
    }
}

/// What came out, and whether it ended in an error.
type Outcome = (Vec<Event>, Vec<u8>, Result<(), ProtocolError>);

fn run<'a>(mut side: Side, chunks: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut events = vec![];
    let mut result = Ok(());
    for chunk in chunks {
        result = side.receive_into(chunk, &mut events);
        if result.is_err() {
            break;
        }
        let header = frame::LONG_HEADER;
        assert!(side.unread.len() <= LARGE_FRAME + header);
    }
    for event in &events {
        if let Event::Message(message) = event {
            assert!(message.size() <= MAX_MESSAGE && (1..=MAX_FRAMES).contains(&message.len()));
        }
    }
    (events, side.out.take_bytes(), result)
}

fn random_chunks(rng: &mut fastrand::Rng, mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut chunks = vec![];
    while !bytes.is_empty() {
        let max = if rng.bool() { 4 } else { 3000 };
        let (chunk, rest) = bytes.split_at(rng.usize(1..=max).min(bytes.len()));
        chunks.push(chunk.to_vec());
        bytes = rest;
    }
    chunks
}

/// The same in one piece and in many.
fn assert_fragmentation_is_invisible(rng: &mut fastrand::Rng, new: impl Fn() -> Side, input: &[u8]) {
    let whole = run(new(), [input].into_iter());
    let chunks = random_chunks(rng, input);
    assert_eq!(run(new(), chunks.iter().map(Vec::as_slice)), whole);
}

#[test]
fn damaged_handshakes_and_traffic() {
    let config = limited(Security::Null);
    for_seeds(1500, |rng| {
        let mut input = greeting(rng.u8(..3));
        let identity = property("Identity", &bytes(rng, 300));
        input.extend(ready(rng.choice(["DEALER", "REQ", "ROUTER", "PUB"]).unwrap(), &identity));
        for _ in 0..rng.u8(..6) {
            input.extend(any_frame(rng));
        }
        damage(rng, &mut input);
        assert_fragmentation_is_invisible(rng, || Side::new(&config), &input);
    });
}

#[test]
fn damaged_traffic_after_the_handshake() {
    let config = limited(Security::Null);
    for_seeds(1500, |rng| {
        let mut input: Vec<u8> = (0..rng.u8(..30)).flat_map(|_| any_frame(rng)).collect();
        damage(rng, &mut input);
        assert_fragmentation_is_invisible(rng, || Side::ready_with(&config, Dealer, 1), &input);
    });
}

#[test]
fn noise() {
    let config = limited(Security::Null);
    for_seeds(1500, |rng| {
        let input = bytes(rng, 500);
        assert_fragmentation_is_invisible(rng, || Side::new(&config), &input);
        assert_fragmentation_is_invisible(rng, || Side::ready_with(&config, Dealer, 1), &input);
        // Small bytes are flags and lengths more often.
        let input: Vec<u8> = (0..200).map(|_| rng.u8(..8)).collect();
        assert_fragmentation_is_invisible(rng, || Side::ready_with(&config, Dealer, 1), &input);
    });
}

#[test]
fn damaged_sealed_traffic() {
    let config = limited(Security::Toy { key: 9 });
    for_seeds(500, |rng| {
        let mut peer = Side::new(&config);
        let shaken = || {
            let mut side = Side::new(&config);
            let hello = command("HELLO", b"\x09");
            side.receive(&[&greeting::encode("TOY")[..], &hello].concat()).unwrap();
            side
        };
        let mut theirs = shaken();
        let sent = theirs.out.take_bytes();
        peer.receive(&sent).unwrap();
        let ours = peer.out.take_bytes();
        // Past greeting and HELLO, which `shaken` has had already.
        let ready = ours[64 + command("HELLO", b"\x09").len()..].to_vec();
        let mut input = ready;
        for _ in 0..rng.u8(..10) {
            let frames: Vec<Frame> = (0..rng.u8(1..4)).map(|_| bytes(rng, 12_000).into()).collect();
            input.extend(peer.encode(&frames.into()));
        }
        damage(rng, &mut input);
        assert_fragmentation_is_invisible(rng, shaken, &input);
    });
}

/// Whatever is sent arrives, in order, and can be recovered before.
#[test]
fn messages_round_trip() {
    let config = limited(Security::Null);
    for_seeds(500, |rng| {
        let mut sender = Side::ready_with(&config, Dealer, 1);
        let mut wire = vec![];
        let mut expected = vec![];
        for _ in 0..rng.u8(1..10) {
            let frames: Vec<Frame> = (0..rng.u8(1..6)).map(|_| bytes(rng, 3500).into()).collect();
            let message = Message::from(frames);
            sender.connection.encode_message(&message, &mut sender.out);
            let pieces = sender.out.take();
            wire.extend(pieces.concat());
            assert_eq!(sender.connection.recover(pieces).as_ref(), Some(&message));
            expected.push(Event::Message(message));
        }
        let chunks = random_chunks(rng, &wire);
        let receiver = Side::ready_with(&config, Dealer, 1);
        assert_eq!(run(receiver, chunks.iter().map(Vec::as_slice)), (expected, vec![], Ok(())));
    });
}
