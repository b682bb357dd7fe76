//! The scenarios, and which figure of each counts.

use harness::{Kind, Scenario, Transport};
use serde::{Deserialize, Serialize};

/// A scenario with its parameters.
pub struct Case {
    pub name: String,
    pub scenario: Scenario,
    /// Messages of the first run, which finds out how many fill the time.
    pub first: u64,
    /// The most messages of a run; equal to `first` where the time does not depend on them.
    pub most: u64,
    pub figure: Figure,
    pub better: Better,
    /// Further figures for the table.
    pub also: &'static [Figure],
    pub entrants: Entrants,
}

/// A figure as contestants report it, and as tables show it.
#[derive(Clone, Copy)]
pub struct Figure {
    pub key: &'static str,
    pub title: &'static str,
}

#[derive(Clone, Copy, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    High,
    Low,
}

/// Who takes part.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Entrants {
    /// Plain calls, and raw streams.
    Plain,
    /// The same and batch calls.
    PlainAndBatch,
    /// Plain calls of ZeroMQ libraries: what raw streams do not have.
    NoRaw,
    /// Those that make one write of each message, and libzmq for comparison.
    Eager,
}

impl Entrants {
    pub fn admit(self, family: &str, kind: Kind) -> bool {
        let plain = matches!(kind, Kind::Plain | Kind::PlainEager);
        match self {
            Self::Plain => plain,
            Self::PlainAndBatch => plain || kind == Kind::Batch,
            Self::NoRaw => plain && family != "raw",
            Self::Eager => matches!(kind, Kind::Eager | Kind::PlainEager) || family == "libzmq",
        }
    }
}

const RATE: Figure = Figure { key: "per_second", title: "messages/s" };
const CPU: Figure = Figure { key: "cpu_per_million", title: "CPU s/M" };

/// Sizes as people write them.
pub fn bytes(size: usize) -> String {
    match size {
        ..1024 => format!("{size} B"),
        1024..1_048_576 => format!("{} KiB", size >> 10),
        _ => format!("{} MiB", size >> 20),
    }
}

pub fn all() -> Vec<Case> {
    let mut cases = throughput();
    cases.extend(latency());
    cases.extend(many_peers());
    cases.extend(resources());
    cases
}

fn stream(name: String, scenario: Scenario, entrants: Entrants) -> Case {
    Case {
        name,
        scenario,
        first: 10_000,
        most: 100_000_000,
        figure: RATE,
        better: Better::High,
        also: &[CPU],
        entrants,
    }
}

fn throughput() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in [16, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20] {
        let scenario = Scenario::Throughput { transport: Transport::Tcp, size };
        let first = (1 << 24) / (size as u64 + 512);
        let name = format!("throughput {}", bytes(size));
        cases.push(Case { first, ..stream(name, scenario, Entrants::PlainAndBatch) });
    }
    let scenario = Scenario::Throughput { transport: Transport::Tcp, size: 64 };
    cases.push(stream("eager 64 B".into(), scenario, Entrants::Eager));
    for (transport, name) in [(Transport::Ipc, "ipc"), (Transport::Inproc, "inproc")] {
        for size in [64, 1 << 10, 64 << 10] {
            let scenario = Scenario::Throughput { transport, size };
            let name = format!("{name} throughput {}", bytes(size));
            cases.push(Case { first: 2_000, ..stream(name, scenario, Entrants::Plain) });
        }
    }
    cases
}

fn latency() -> Vec<Case> {
    let mut cases = Vec::new();
    for (one_core, cores) in [(true, "one core"), (false, "two cores")] {
        cases.push(Case {
            name: format!("round trip 64 B, {cores}"),
            scenario: Scenario::RoundTrip { size: 64, one_core },
            first: 1_000,
            most: 1_000_000,
            figure: Figure { key: "p50_us", title: "p50 us" },
            better: Better::Low,
            also: &[Figure { key: "p99_us", title: "p99 us" }, Figure { key: "p99.9_us", title: "p99.9 us" }],
            entrants: Entrants::Plain,
        });
    }
    for size in [64, 1 << 10] {
        let scenario = Scenario::Echo { size, outstanding: 128 };
        cases.push(stream(format!("dealer-router echo {}", bytes(size)), scenario, Entrants::PlainAndBatch));
    }
    cases
}

fn many_peers() -> Vec<Case> {
    let mut cases = Vec::new();
    for clients in [1, 16, 128, 1_000] {
        let scenario = Scenario::FanIn { size: 64, clients };
        let first = 64 * clients as u64 + 10_000;
        cases.push(Case { first, ..stream(format!("fan-in {clients}"), scenario, Entrants::NoRaw) });
    }
    for size in [64, 1 << 10] {
        for subscribers in [1, 8, 64, 500] {
            let scenario = Scenario::FanOut { size, subscribers };
            let name = format!("pub-sub {subscribers}, {}", bytes(size));
            let figure = Figure { key: "per_second", title: "deliveries/s" };
            cases.push(Case { first: 200, figure, ..stream(name, scenario, Entrants::NoRaw) });
        }
    }
    let scenario = Scenario::Filter { size: 64, subscriptions: 10_000 };
    let figure = Figure { key: "per_second", title: "published/s" };
    cases.push(Case { figure, ..stream("10,000 subscriptions".into(), scenario, Entrants::NoRaw) });
    cases
}

fn resources() -> Vec<Case> {
    let case = |name: &str, scenario, count, figure, also| Case {
        name: name.into(),
        scenario,
        first: count,
        most: count,
        figure,
        better: Better::Low,
        also,
        entrants: Entrants::NoRaw,
    };
    vec![
        case(
            "idle connections, 1,000",
            Scenario::Idle { connections: 1_000 },
            1,
            Figure { key: "kib_per_connection", title: "KiB/connection" },
            &[
                Figure { key: "connections", title: "connections" },
                Figure { key: "descriptor_limit", title: "descriptors allowed" },
            ],
        ),
        case(
            "idle connections, 10,000",
            Scenario::Idle { connections: 10_000 },
            1,
            Figure { key: "kib_per_connection", title: "KiB/connection" },
            &[
                Figure { key: "connections", title: "connections" },
                Figure { key: "descriptor_limit", title: "descriptors allowed" },
            ],
        ),
        case(
            "stalled peer 1 KiB",
            Scenario::Stall { size: 1 << 10 },
            500_000,
            Figure { key: "growth_mib", title: "growth MiB" },
            &[Figure { key: "accepted", title: "accepted" }, Figure { key: "waited", title: "made to wait" }],
        ),
        case(
            "restart 64 B",
            Scenario::Restart { size: 64, down_ms: 500 },
            1,
            Figure { key: "first_ms", title: "first message ms" },
            &[
                Figure { key: "after_attempt_ms", title: "after its attempt ms" },
                Figure { key: "accepted", title: "accepted" },
                Figure { key: "lost", title: "lost" },
                Figure { key: "in_doubt", title: "in doubt" },
                Figure { key: "twice", title: "twice" },
            ],
        ),
    ]
}
