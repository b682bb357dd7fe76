//! Any text at all as an endpoint: no panic, and what is taken is printed so that it means the same again.
//!
//! Seeds are fixed, a failure names its own. `MONOCOQUE_FUZZ_SECONDS` runs more of them.

#[macro_use(test)]
extern crate monocoque_test_limit;

use std::time::{Duration, Instant};

use monocoque::Endpoint;

/// What endpoints are made of, and what they are not.
const PARTS: &[&str] = &[
    "tcp",
    "ipc",
    "inproc",
    "://",
    ":",
    "/",
    "*",
    "0",
    "65535",
    "65536",
    "-1",
    "+1",
    "127.0.0.1",
    "[::1]",
    "[::]",
    "[fe80::1%eth0]",
    "[",
    "]",
    "%",
    "localhost",
    "a.b",
    ".",
    "..",
    "@",
    ";",
    " ",
    "\n",
    "\0",
    "ü",
    "🦀",
    "0x10",
    "00000",
    "1e3",
    "tcp://",
    "tcp://h:1",
    "256.1.1.1",
    "::",
    "::ffff:1.2.3.4",
];

const HOSTS: &[&str] = &["*", "127.0.0.1", "[::1]", "[fe80::1%1]", "localhost", "a-b.example.", "0.0.0.0"];

fn any_text(random: &mut fastrand::Rng) -> String {
    let mut part = || PARTS[random.usize(..PARTS.len())];
    let mut text = match part().len() % 4 {
        0 => format!("{}{}{}{}", part(), part(), part(), part()),
        1 => format!("tcp://{}:{}", part(), part()),
        2 => format!("tcp://{}:{}", HOSTS[part().len() % HOSTS.len()], part().len() * 1000),
        _ => format!("{}://{}{}", part(), part(), part()),
    };
    for _ in 0..random.usize(..3).saturating_sub(1) {
        let at = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).nth(random.usize(..=text.len()));
        match at {
            Some(at) if random.bool() => text.insert(at, random.char(..)),
            Some(at) => text.truncate(at),
            None => {}
        }
    }
    text
}

#[test]
fn any_text_parses_or_does_not() {
    let seconds = std::env::var("MONOCOQUE_FUZZ_SECONDS").ok().map(|text| text.parse().unwrap());
    let start = Instant::now();
    let mut taken = 0;
    for seed in 0.. {
        if seconds.map_or(seed == 50_000, |limit| start.elapsed() >= Duration::from_secs(limit)) {
            break;
        }
        let text = any_text(&mut fastrand::Rng::with_seed(seed));
        match text.parse::<Endpoint>() {
            Ok(endpoint) => {
                taken += 1;
                let printed = endpoint.to_string();
                assert_eq!(printed.parse::<Endpoint>().as_ref(), Ok(&endpoint), "seed {seed}: {text:?}");
            }
            Err(error) => assert!(!error.to_string().is_empty(), "seed {seed}: {text:?}"),
        }
    }
    assert!(taken > 1_000, "{taken}: the texts are too bad");
}
