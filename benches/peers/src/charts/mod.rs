//! The charts: what is drawn of a record.

mod bars;
mod lines;
mod style;

use std::path::Path;

use harness::{Kind, Scenario, Source, Transport};

use crate::Result;
use crate::cases::Better::{self, Low};
use crate::cases::{CPU, bytes};
use crate::record::{CaseRecord, Record, Run};
use bars::Bar;
use lines::{Axis, Line};

/// Draws all charts that the cases of a record allow.
pub fn draw(record: &Record, out: &Path) -> Result<()> {
    let lines = |name: &str, title: &str, axis: Axis, at: fn(&Scenario) -> Option<f64>| {
        lines::draw(&out.join(name), title, &axis, &times_libzmq(record, at))
    };
    let many = |title| Axis { title, base: 10.0, label: |value| format!("{value}") };
    let sizes = Axis { title: "size of a message", base: 4.0, label: |value| bytes(value as usize) };
    lines(
        "throughput.svg",
        "PUSH to PULL over TCP, messages for a second of processor time, libzmq = 1",
        sizes,
        |scenario| match scenario {
            Scenario::Throughput { transport: Transport::Tcp, size } => Some(*size as f64),
            _ => None,
        },
    )?;
    let title = "many PUSH to one PULL, 64 B, messages for a second of processor time, libzmq = 1";
    lines("fan-in.svg", title, many("clients"), |scenario| match scenario {
        Scenario::FanIn { clients, .. } => Some(*clients as f64),
        _ => None,
    })?;
    let title = "one PUB to many SUB, 64 B, deliveries for a second of processor time, libzmq = 1";
    lines("pub-sub.svg", title, many("subscribers"), |scenario| match scenario {
        Scenario::FanOut { size: 64, subscribers } => Some(*subscribers as f64),
        _ => None,
    })?;
    let one_core = "round trip 64 B, one core, ring";
    for (name, case, better, key, title) in [
        ("latency.svg", one_core, Low, "p50_us", "round trip of 64 B on one core, median, us"),
        ("latency-tail.svg", one_core, Low, "p99.9_us", "round trip of 64 B on one core, p99.9, us"),
        (
            "echo.svg",
            "dealer-router echo 64 B, ring",
            Low,
            CPU.key,
            "DEALER to ROUTER and back, CPU seconds per million",
        ),
        (
            "memory.svg",
            "idle connections, 10,000",
            Low,
            "kib_per_connection",
            "memory of an idle connection, KiB",
        ),
        (
            "cpu.svg",
            "throughput 64 B, ring",
            Low,
            "cpu_per_million",
            "CPU seconds per million messages of 64 B",
        ),
        ("stall.svg", "stalled peer 1 KiB", Low, "growth_mib", "memory of a sender whose peer stalls, MiB"),
    ] {
        if let Some(case) = record.case(case) {
            bars::draw(&out.join(name), title, &bars(case, better, key))?;
        }
    }
    Ok(())
}

/// The best mode of each group in each case of a kind: how many messages it sends for what libzmq takes for one.
fn times_libzmq(record: &Record, at: fn(&Scenario) -> Option<f64>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for case in &record.cases {
        // Programs send separate payloads.
        let Some(x) = at(&case.scenario).filter(|_| case.source == Source::Ring) else { continue };
        for group in groups(case) {
            let mode = case.best_by(CPU.key, Low, |run| run.group() == group && is_plain(run));
            let Some(y) = mode.and_then(|mode| case.ratio("libzmq", mode, CPU.key)) else { continue };
            match lines.iter_mut().find(|line| line.group == group) {
                Some(line) => line.points.push((x, y)),
                None => lines.push(Line { group: group.into(), points: vec![(x, y)] }),
            }
        }
    }
    lines
}

/// The best mode of each group, by the figure that is drawn.
fn bars(case: &CaseRecord, better: Better, key: &str) -> Vec<Bar> {
    let mut bars = Vec::new();
    for group in groups(case) {
        let take = |run: &Run| run.group() == group && is_plain(run);
        let mode = case.best_by(key, better, take);
        if let Some(value) = mode.and_then(|mode| case.median(mode, key)) {
            bars.push(Bar { group: group.into(), value });
        }
    }
    bars
}

fn is_plain(run: &Run) -> bool {
    !matches!(run.kind, Kind::Batch | Kind::Within)
}

fn groups(case: &CaseRecord) -> Vec<&str> {
    let mut groups = Vec::new();
    for run in case.modes() {
        if !groups.contains(&run.group()) {
            groups.push(run.group());
        }
    }
    groups
}
