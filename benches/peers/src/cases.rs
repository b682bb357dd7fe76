//! The scenarios, and which figure of each counts.

use harness::{Kind, Scenario, Source, Transport};
use serde::{Deserialize, Serialize};

/// A scenario with its parameters.
pub struct Case {
    pub name: String,
    pub scenario: Scenario,
    pub source: Source,
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
    /// The same and plain calls from within one more function.
    All,
    /// Plain and batch calls of ZeroMQ libraries: what raw streams do not have.
    NoRaw,
    /// Plain calls of ZeroMQ libraries: what has no batches.
    PlainNoRaw,
    /// Those that make one write of each message, and libzmq for comparison.
    Eager,
}

impl Entrants {
    pub fn admit(self, family: &str, kind: Kind) -> bool {
        let plain = matches!(kind, Kind::Plain | Kind::PlainEager);
        match self {
            Self::Plain => plain,
            Self::PlainAndBatch => plain || kind == Kind::Batch,
            // Blocking calls have nothing that a function around them could cost.
            Self::All => {
                kind != Kind::Eager && (kind != Kind::Within || !["raw", "libzmq"].contains(&family))
            }
            Self::NoRaw => (plain || kind == Kind::Batch) && family != "raw",
            Self::PlainNoRaw => plain && family != "raw",
            Self::Eager => matches!(kind, Kind::Eager | Kind::PlainEager) || family == "libzmq",
        }
    }
}

const RATE: Figure = Figure { key: "per_second", title: "messages/s" };
pub const CPU: Figure = Figure { key: "cpu_per_million", title: "CPU s/M" };

/// Sizes as people write them.
pub fn bytes(size: usize) -> String {
    match size {
        ..1024 => format!("{size} B"),
        1024..1_048_576 => format!("{} KiB", size >> 10),
        _ => format!("{} MiB", size >> 20),
    }
}

/// All cases; those of a stream once with each source of payloads.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for source in [Source::Hot, Source::Ring] {
        cases.extend(throughput(source));
        cases.extend(latency(source));
        cases.extend(many_peers(source));
    }
    cases.extend(resources());
    cases
}

/// The name of a case with payloads from that source.
fn named(name: String, source: Source) -> String {
    match source {
        Source::Hot => name,
        Source::Ring => format!("{name}, ring"),
    }
}

fn stream(name: String, scenario: Scenario, source: Source, entrants: Entrants) -> Case {
    Case {
        name: named(name, source),
        scenario,
        source,
        first: 10_000,
        most: 100_000_000,
        figure: RATE,
        better: Better::High,
        also: &[CPU],
        entrants,
    }
}

fn throughput(source: Source) -> Vec<Case> {
    let mut cases = Vec::new();
    for size in [16, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20] {
        let scenario = Scenario::Throughput { transport: Transport::Tcp, size };
        let first = (1 << 24) / (size as u64 + 512);
        let name = format!("throughput {}", bytes(size));
        let entrants = if size <= 1 << 10 { Entrants::All } else { Entrants::PlainAndBatch };
        cases.push(Case { first, ..stream(name, scenario, source, entrants) });
    }
    if source == Source::Hot {
        let scenario = Scenario::Throughput { transport: Transport::Tcp, size: 64 };
        cases.push(stream("eager 64 B".into(), scenario, source, Entrants::Eager));
    }
    for (transport, name) in [(Transport::Ipc, "ipc"), (Transport::Inproc, "inproc")] {
        for size in [64, 1 << 10, 64 << 10] {
            let scenario = Scenario::Throughput { transport, size };
            let name = format!("{name} throughput {}", bytes(size));
            cases.push(Case { first: 2_000, ..stream(name, scenario, source, Entrants::PlainAndBatch) });
        }
    }
    cases
}

fn latency(source: Source) -> Vec<Case> {
    let mut cases = Vec::new();
    for (size, one_core) in [(64, true), (1 << 10, true), (64, false)] {
        let cores = if one_core { "one core" } else { "two cores" };
        cases.push(Case {
            name: named(format!("round trip {}, {cores}", bytes(size)), source),
            scenario: Scenario::RoundTrip { size, one_core },
            source,
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
        let name = format!("dealer-router echo {}", bytes(size));
        cases.push(stream(name, scenario, source, Entrants::All));
    }
    cases
}

fn many_peers(source: Source) -> Vec<Case> {
    let mut cases = Vec::new();
    for clients in [1, 16, 128, 1_000] {
        let scenario = Scenario::FanIn { size: 64, clients };
        let first = 64 * clients as u64 + 10_000;
        let name = format!("fan-in {clients}");
        cases.push(Case { first, ..stream(name, scenario, source, Entrants::NoRaw) });
    }
    for size in [64, 1 << 10] {
        for subscribers in [1, 8, 64, 500] {
            let scenario = Scenario::FanOut { size, subscribers };
            let name = format!("pub-sub {subscribers}, {}", bytes(size));
            let figure = Figure { key: "per_second", title: "deliveries/s" };
            cases.push(Case {
                first: 200,
                figure,
                ..stream(name, scenario, source, Entrants::PlainAndBatch)
            });
        }
    }
    if source == Source::Hot {
        let scenario = Scenario::Filter { size: 64, subscriptions: 10_000 };
        let figure = Figure { key: "per_second", title: "published/s" };
        let name = "10,000 subscriptions".into();
        cases.push(Case { figure, ..stream(name, scenario, source, Entrants::PlainNoRaw) });
    }
    cases
}

fn resources() -> Vec<Case> {
    let case = |name: &str, scenario, count, figure, also| Case {
        name: name.into(),
        scenario,
        source: Source::Hot,
        first: count,
        most: count,
        figure,
        better: Better::Low,
        also,
        entrants: Entrants::PlainNoRaw,
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
