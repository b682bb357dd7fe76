//! Throughput and latency beside libzmq and raw TCP, in one run.
//!
//! ```sh
//! cargo bench -p monocoque-interop --features compio -- [--rounds N] [--only WORD] [--contestant NAME] [--quick]
//! ```
//!
//! Client and server are two threads of one process over 127.0.0.1, each with its own runtime or libzmq
//! context, pinned to a core each (both to one for round trips on one core). All contestants take turns
//! within each round; the table shows medians over the rounds, and medians of the ratios within a round.
//! Receivers verify the length, number and last byte of every message.

#[macro_use]
#[path = "../../../examples/support/runtime.rs"]
mod runtime;

mod compare;
mod libzmq;
mod raw;
mod report;
#[path = "../../../benches/support/wire.rs"]
mod wire;

use compare::{Run, Scenario, compare};

on_each_runtime!(ours, "ours.rs");

/// What the others are compared with.
const BASES: [&str; 2] = ["libzmq", "raw"];

fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    for (size, count) in [
        (16, 2_000_000),
        (64, 2_000_000),
        (256, 1_000_000),
        (1024, 400_000),
        (4096, 150_000),
        (16 << 10, 50_000),
        (64 << 10, 15_000),
        (256 << 10, 4_000),
        (1 << 20, 1_000),
    ] {
        all.push(Scenario {
            name: format!("push-pull {size} B"),
            size,
            count,
            bases: BASES,
            contestants: vec![
                ("libzmq", libzmq::push_pull as Run),
                ("raw", raw::batched),
                #[cfg(feature = "tokio")]
                ("tokio", on_tokio::ours::push_pull),
                #[cfg(feature = "compio")]
                ("compio", on_compio::ours::push_pull),
            ],
        });
    }
    all.push(Scenario {
        name: "permits 64 B".into(),
        size: 64,
        count: 2_000_000,
        bases: BASES,
        contestants: vec![
            ("libzmq", libzmq::push_pull),
            #[cfg(feature = "tokio")]
            ("tokio", on_tokio::ours::push_pull),
            #[cfg(feature = "tokio")]
            ("tokio+permits", on_tokio::ours::push_pull_with_permits),
        ],
    });
    all.push(Scenario {
        name: "eager 64 B".into(),
        size: 64,
        count: 200_000,
        bases: BASES,
        contestants: vec![
            ("libzmq", libzmq::push_pull),
            ("raw", raw::one_write_each),
            #[cfg(feature = "tokio")]
            ("tokio", on_tokio::ours::push_pull_eagerly),
            #[cfg(feature = "compio")]
            ("compio", on_compio::ours::push_pull_eagerly),
        ],
    });
    all.push(Scenario {
        name: "round trip 64 B, one core".into(),
        size: 64,
        count: 30_000,
        bases: BASES,
        contestants: vec![
            ("libzmq", libzmq::round_trips),
            ("raw", raw::round_trips),
            #[cfg(feature = "tokio")]
            ("tokio", on_tokio::ours::round_trips),
            #[cfg(feature = "compio")]
            ("compio", on_compio::ours::round_trips),
        ],
    });
    all
}

fn main() {
    compare(scenarios(), |count| count / 20 + 100);
}
