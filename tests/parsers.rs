//! The fuzz targets of `fuzz/`, driven by mutations of what they are made for.
//!
//! Seeds are fixed, a failure names its own. `MONOCOQUE_FUZZ_SECONDS` runs more of them, from
//! `MONOCOQUE_FUZZ_SEED` on.

#[macro_use(test)]
extern crate monocoque_test_limit;

#[cfg(feature = "tokio")]
#[path = "../fuzz/socks.rs"]
mod socks;
#[path = "../fuzz/targets.rs"]
mod targets;

use std::time::{Duration, Instant};

use fastrand::Rng;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// What a mutation begins with.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    use targets::{frame, opening};
    match target {
        "connection" => {
            vec![opening(), [opening(), frame(0, b"x"), frame(1, b""), frame(0, &[7; 300])].concat()]
        }
        "metadata" => {
            vec![b"\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x02me\x03X-a\0\0\0\0".to_vec()]
        }
        "command" => vec![
            b"\x04PING\0\x01context".to_vec(),
            b"\x09SUBSCRIBEtopic".to_vec(),
            b"\x05ERROR\x03400".to_vec(),
        ],
        "frames" => vec![
            [frame(1, b""), frame(4, b"\x04PONG"), frame(0, b"body")].concat(),
            frame(0, &[1; 9_000]),
            [frame(1, &[1; 9_000]), frame(0, &[2; 11_000])].concat(),
        ],
        "endpoint" => {
            ["tcp://127.0.0.1:1", "tcp://[::1%eth0]:65535", "tcp://a:1;b:2", "ipc://@x", "inproc://n"]
                .map(|text| text.as_bytes().to_vec())
                .to_vec()
        }
        #[cfg(all(feature = "plain", feature = "curve"))]
        "mechanisms" => vec![
            [&[0][..], &frame(4, b"\x07WELCOME"), &frame(4, b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER")]
                .concat(),
            [&[1][..], &frame(4, b"\x05HELLO\x03ann\x06secret"), &frame(4, b"\x08INITIATE")].concat(),
            [&[2][..], &frame(4, &[&b"\x07WELCOME"[..], &[3; 160]].concat()), &frame(4, b"\x05READY")]
                .concat(),
            [&[3][..], &targets::curve_hello(), &frame(4, &[&b"\x08INITIATE"[..], &[3; 300]].concat())]
                .concat(),
        ],
        "socks" => vec![
            b"\0\x05\x00\x05\x00\x00\x01\x7f\0\0\x01\0\x05".to_vec(),
            b"\x01\x05\x02\x01\x00\x05\x00\x00\x03\x04name\0\x05".to_vec(),
            b"\0\x05\xff".to_vec(),
        ],
        other => panic!("no seeds for {other}"),
    }
}

fn mutate(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.u8(..6) {
        let at = rng.usize(..=bytes.len());
        match rng.u8(..6) {
            0 => bytes.insert(at, rng.u8(..)),
            1 => bytes.truncate(at),
            // A stretch again, somewhere else.
            2 => {
                let stretch = bytes[at..(at + rng.usize(..40)).min(bytes.len())].to_vec();
                let to = rng.usize(..=bytes.len());
                bytes.splice(to..to, stretch);
            }
            _ if at == bytes.len() => {}
            3 => bytes[at] = rng.u8(..),
            4 => bytes[at] ^= 1 << rng.u8(..8),
            _ => drop(bytes.remove(at)),
        }
    }
}

/// Names the seed of a run that panics.
struct NameOnPanic<'a>(&'a str, u64, &'a [u8]);

impl Drop for NameOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} failed with MONOCOQUE_FUZZ_SEED={}: {:?}", self.0, self.1, self.2);
        }
    }
}

/// So many mutations, or for as long as the environment says.
fn drive(name: &str, target: targets::Target, usual: u64) {
    let seconds = variable("MONOCOQUE_FUZZ_SECONDS").map(Duration::from_secs);
    let first = variable("MONOCOQUE_FUZZ_SEED").unwrap_or_default();
    let (seeds, start) = (seeds(name), Instant::now());
    for seed in first.. {
        if seconds.map_or(seed - first == usual, |limit| start.elapsed() >= limit) {
            return;
        }
        let mut rng = Rng::with_seed(seed);
        let mut bytes = rng.choice(&seeds).cloned().unwrap_or_default();
        mutate(&mut rng, &mut bytes);
        let named = NameOnPanic(name, seed, &bytes);
        target(&bytes);
        drop(named);
    }
}

// Each takes as long as it is asked to.
#[test]
fn targets_take_anything() {
    for &(name, target) in targets::TARGETS {
        drive(name, target, 300);
    }
}

#[cfg(feature = "tokio")]
#[test]
fn a_proxy_may_answer_anything() {
    drive("socks", socks::socks, 50);
}

/// What the mutations begin with is taken, so that they reach what is behind.
#[test]
fn unchanged_seeds_get_through() {
    for &(name, target) in targets::TARGETS {
        for seed in seeds(name) {
            target(&seed);
        }
    }
}
