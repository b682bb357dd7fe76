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

mod libzmq;
mod raw;
mod report;
#[path = "../../../benches/support/wire.rs"]
mod wire;

use report::{Report, Sample};

on_each_runtime!(ours, "ours.rs");

/// One way of doing one scenario: seconds for `count` messages or round trips of `size` bytes.
type Run = fn(size: usize, count: u64) -> f64;

struct Scenario {
    name: String,
    size: usize,
    count: u64,
    contestants: Vec<(&'static str, Run)>,
}

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
    let args: Vec<String> = std::env::args().collect();
    let value = |flag: &str| args.iter().position(|arg| arg == flag).and_then(|at| args.get(at + 1));
    let rounds: usize = value("--rounds").map_or(5, |n| n.parse().expect("--rounds takes a number"));
    let quick = args.iter().any(|arg| arg == "--quick");
    let mut report = Report::default();
    for scenario in scenarios() {
        if value("--only").is_some_and(|word| !scenario.name.contains(word.as_str())) {
            continue;
        }
        let count = if quick { scenario.count / 20 + 100 } else { scenario.count };
        for round in 0..rounds {
            let wanted = |name: &str| value("--contestant").is_none_or(|only| only == name);
            for (name, run) in scenario.contestants.iter().filter(|(name, _)| wanted(name)) {
                let seconds = run(scenario.size, count);
                report.add(&scenario.name, Sample { name, round, rate: count as f64 / seconds });
            }
        }
        report.print(&scenario.name, ["libzmq", "raw"]);
    }
}
