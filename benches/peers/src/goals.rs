//! What this crate wants to reach, and whether it did.

use std::fmt::Write;

use harness::Kind;

use crate::cases::Better;
use crate::record::{CaseRecord, Record, Run};
use crate::report::number;

/// A figure of a case, and what it is held against. With payloads from a ring the same holds.
struct Goal {
    case: &'static str,
    key: &'static str,
    better: Better,
    targets: &'static [Target],
    /// Whether it is about calls that take or give many messages.
    batch: bool,
}

/// At least that much where more is better, at most where less is.
#[derive(Clone, Copy)]
enum Target {
    /// Times libzmq.
    Libzmq(f64),
    /// Times raw streams.
    Raw(f64),
    /// Times raw streams with an `epoll_wait` before each read.
    RawEpoll(f64),
    /// Times the best peer in any of its modes.
    Peers(f64),
    Absolute(f64),
    /// No more than another figure of the same mode, in every round.
    Figure(&'static str),
}

/// The part of the rate of raw streams that is enough where a goal would ask for more.
const NEAR: f64 = 0.9;

use Target::{Absolute, Figure, Libzmq, Peers, Raw, RawEpoll};

const GOALS: [Goal; 39] = [
    rate("throughput 16 B", &[Peers(1.25)]),
    rate("throughput 64 B", &[Peers(1.25), Raw(0.6)]),
    rate("throughput 256 B", &[Peers(1.25)]),
    rate("throughput 1 KiB", &[Peers(1.25)]),
    rate("throughput 4 KiB", &[Peers(1.25)]),
    rate("throughput 16 KiB", &[Peers(1.0), Raw(0.9)]),
    rate("throughput 64 KiB", &[Peers(1.0), Raw(0.9)]),
    rate("throughput 256 KiB", &[Peers(1.0), Raw(0.9)]),
    rate("throughput 1 MiB", &[Peers(1.0), Raw(0.9)]),
    Goal { batch: true, ..rate("throughput 64 B", &[Raw(0.8)]) },
    rate("eager 64 B", &[Raw(0.95)]),
    cost("throughput 64 B", "cpu_per_million", &[Peers(1.0)]),
    cost("round trip 64 B, one core", "p50_us", &[Peers(0.97), RawEpoll(1.4)]),
    cost("round trip 64 B, one core", "p99.9_us", &[Peers(0.97), RawEpoll(1.4)]),
    cost("round trip 1 KiB, one core", "p50_us", &[Peers(0.97), RawEpoll(1.4)]),
    cost("round trip 1 KiB, one core", "p99.9_us", &[Peers(0.97), RawEpoll(1.4)]),
    rate("dealer-router echo 64 B", &[Peers(1.1)]),
    rate("dealer-router echo 1 KiB", &[Peers(1.1)]),
    rate("fan-in 1", &[Peers(1.25)]),
    rate("fan-in 16", &[Peers(1.25)]),
    rate("fan-in 128", &[Peers(1.25)]),
    rate("fan-in 1000", &[Peers(1.25)]),
    rate("pub-sub 1, 64 B", &[Peers(2.0)]),
    rate("pub-sub 8, 64 B", &[Peers(2.0)]),
    rate("pub-sub 64, 64 B", &[Peers(2.0)]),
    rate("pub-sub 500, 64 B", &[Peers(2.0)]),
    rate("pub-sub 1, 1 KiB", &[Peers(2.0)]),
    rate("pub-sub 8, 1 KiB", &[Peers(2.0)]),
    rate("pub-sub 64, 1 KiB", &[Peers(2.0)]),
    rate("pub-sub 500, 1 KiB", &[Peers(2.0)]),
    rate("10,000 subscriptions", &[Peers(2.0)]),
    rate("inproc throughput 64 B", &[Peers(1.25), Libzmq(1.25)]),
    rate("inproc throughput 1 KiB", &[Peers(1.25), Libzmq(1.25)]),
    rate("inproc throughput 64 KiB", &[Peers(1.25), Libzmq(1.25)]),
    cost("idle connections, 10,000", "kib_per_connection", &[Absolute(1.7)]),
    // The high-water mark of 1,000 messages, one more, and a tenth for what holds them.
    cost("stalled peer 1 KiB", "growth_mib", &[Absolute(1.1 * 1001.0 / 1024.0)]),
    cost("restart 64 B", "after_attempt_ms", &[Absolute(20.0)]),
    cost("restart 64 B", "lost", &[Figure("in_doubt")]),
    rate("ipc throughput 64 B", &[Peers(1.25)]),
];

const fn rate(case: &'static str, targets: &'static [Target]) -> Goal {
    Goal { case, key: "per_second", better: Better::High, targets, batch: false }
}

const fn cost(case: &'static str, key: &'static str, targets: &'static [Target]) -> Goal {
    Goal { case, key, better: Better::Low, targets, batch: false }
}

/// The table of goals, as far as their cases were run.
pub fn table(record: &Record) -> String {
    let mut text = String::new();
    let of_goal = |goal: &'static Goal| {
        let cases = record
            .cases
            .iter()
            .filter(|case| case.name.strip_suffix(", ring").unwrap_or(&case.name) == goal.case);
        cases.map(move |case| (goal, case))
    };
    for (goal, case) in GOALS.iter().flat_map(of_goal) {
        let cells = [
            value(case, Some("libzmq"), goal),
            value(case, case.baseline(), goal),
            value(case, case.best_by(goal.key, goal.better, is_peer), goal),
            verdict(case, "ours tokio", goal),
            verdict(case, "ours tokio-local", goal),
            verdict(case, "ours compio", goal),
        ];
        let title = match goal.key {
            _ if goal.batch => ", many at once".into(),
            "per_second" => String::new(),
            key => format!(", {key}"),
        };
        let targets: Vec<String> = goal.targets.iter().map(|target| target.text(goal.better)).collect();
        let _ = writeln!(text, "| {}{title} | {} | {} |", case.name, targets.join(", "), cells.join(" | "));
    }
    if text.is_empty() {
        return text;
    }
    let head = "| case | goal | libzmq | raw | best peer | ours tokio | ours tokio-local | ours compio |\n|---|---|---|---|---|---|---|---|";
    format!(
        "\n## Goals\n\nA rate that is {NEAR} of raw streams is enough, unless the goal itself is about raw streams. The best mode with plain calls \
         of each runtime counts, against the best of the peers' modes, batch calls included. Figures are medians; a ratio is the median of the ratios within each round.\n\n{head}\n{text}"
    )
}

pub fn is_peer(run: &Run) -> bool {
    !matches!(run.family.as_str(), "raw" | "libzmq" | "ours") && run.kind != Kind::Within
}

fn value(case: &CaseRecord, mode: Option<&str>, goal: &Goal) -> String {
    let shown = mode.and_then(|mode| {
        let value = number(case.median(mode, goal.key)?);
        Some(if mode == "libzmq" || mode.starts_with("raw") { value } else { format!("{value} ({mode})") })
    });
    shown.unwrap_or_else(|| "–".into())
}

/// The best of our modes on a runtime, against all targets.
fn verdict(case: &CaseRecord, runtime: &str, goal: &Goal) -> String {
    let ours = |run: &Run| {
        let wanted = if goal.batch {
            run.kind == Kind::Batch
        } else {
            !matches!(run.kind, Kind::Batch | Kind::Within)
        };
        run.group() == runtime && wanted
    };
    let Some(mode) = case.best_by(goal.key, goal.better, ours) else { return "–".into() };
    let reached: Option<Vec<(String, bool)>> =
        goal.targets.iter().map(|target| target.reach(case, mode, goal)).collect();
    let (Some(value), Some(reached)) = (case.median(mode, goal.key), reached) else { return "–".into() };
    let near_raw = near_raw(case, mode, goal);
    let met = near_raw.is_some() || reached.iter().all(|(_, met)| *met);
    let texts = reached.into_iter().map(|(text, _)| text).chain(near_raw);
    let details: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    format!("{}{details} {}", number(value), if met { "met" } else { "**missed**" })
}

/// How near a mode comes to raw streams, if so near that it need not reach a goal against anything else.
fn near_raw(case: &CaseRecord, mode: &str, goal: &Goal) -> Option<String> {
    let about_raw = goal.targets.iter().any(|target| matches!(target, Raw(_) | RawEpoll(_)));
    if about_raw || goal.better == Better::Low {
        return None;
    }
    let ratio = case.ratio(mode, case.baseline()?, goal.key)?;
    (ratio >= NEAR).then(|| format!("{ratio:.2} raw"))
}

impl Target {
    fn text(self, better: Better) -> String {
        let bound = if better == Better::High { "≥" } else { "≤" };
        match self {
            Libzmq(times) => format!("{bound} {times} libzmq"),
            Raw(times) => format!("{bound} {times} raw"),
            RawEpoll(times) => format!("{bound} {times} raw with epoll"),
            Peers(times) => format!("{bound} {times} best peer"),
            Absolute(value) => format!("{bound} {}", number(value)),
            Figure(key) => format!("{bound} {key}"),
        }
    }

    /// How it stands, and whether that is enough; nothing if there is nothing to compare with.
    fn reach(self, case: &CaseRecord, mode: &str, goal: &Goal) -> Option<(String, bool)> {
        let enough = |value: f64, bound: f64| match goal.better {
            Better::High => value >= bound,
            Better::Low => value <= bound,
        };
        let against = |other: &str, name: &str, times: f64| {
            let ratio = case.ratio(mode, other, goal.key)?;
            Some((format!("{ratio:.2} {name}"), enough(ratio, times)))
        };
        match self {
            Libzmq(times) => against("libzmq", "libzmq", times),
            Raw(times) => against(case.baseline()?, "raw", times),
            RawEpoll(times) => against("raw, epoll", "raw with epoll", times),
            Peers(times) => against(case.best_by(goal.key, goal.better, is_peer)?, "best peer", times),
            Absolute(bound) => Some((String::new(), enough(case.median(mode, goal.key)?, bound))),
            Figure(key) => {
                let bound = case.median(mode, key)?;
                let always = case.pairs(mode, goal.key, key).all(|(value, bound)| enough(value, bound));
                Some((format!("{key} {}", number(bound)), always))
            }
        }
    }
}
