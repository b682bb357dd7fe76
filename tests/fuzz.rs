//! Whole sessions drawn at random, on the simulated network: sockets of all types, options, calls, peers that break
//! the protocol, and links that break.
//!
//! A few seconds of seeds run in the test command; `MONOCOQUE_FUZZ_SECONDS` runs more of them, from
//! `MONOCOQUE_FUZZ_SEED` on. A session that fails is shrunk and printed with its seed. docs/fuzzing.md says more.
#![cfg(all(feature = "sim", feature = "plain", feature = "curve"))]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "fuzz/able.rs"]
mod able;
#[path = "fuzz/calls.rs"]
mod calls;
#[path = "fuzz/check.rs"]
mod check;
#[path = "fuzz/generate.rs"]
mod generate;
#[path = "fuzz/journal.rs"]
mod journal;
#[path = "fuzz/options.rs"]
mod options;
#[path = "fuzz/plan.rs"]
mod plan;
#[path = "fuzz/scripts.rs"]
mod scripts;
#[path = "fuzz/session.rs"]
mod session;
#[path = "fuzz/sessions.rs"]
mod sessions;
#[path = "fuzz/shrink.rs"]
mod shrink;
#[path = "fuzz/shrinking.rs"]
mod shrinking;
#[path = "fuzz/watch.rs"]
mod watch;
#[path = "fuzz/wire.rs"]
mod wire;
