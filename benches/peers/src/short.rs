//! The table that fits into a page: the best of each, as ratios.

use std::fmt::Write;

use harness::Kind;

use crate::cases::Better::{self, High, Low};
use crate::cases::CPU;
use crate::goals::is_peer;
use crate::record::{CaseRecord, Record, Run};
use crate::report::number;

/// A case, its figure, and how the table calls it.
struct Row {
    case: &'static str,
    key: &'static str,
    better: Better,
    title: &'static str,
}

const fn rate(case: &'static str, title: &'static str) -> Row {
    Row { case, key: "per_second", better: High, title }
}

const fn cost(case: &'static str, key: &'static str, title: &'static str) -> Row {
    Row { case, key, better: Low, title }
}

const ROWS: [Row; 38] = [
    rate("throughput 16 B, ring", "PUSH to PULL, 16 B"),
    rate("throughput 64 B, ring", "64 B"),
    rate("throughput 256 B, ring", "256 B"),
    rate("throughput 1 KiB, ring", "1 KiB"),
    rate("throughput 4 KiB, ring", "4 KiB"),
    rate("throughput 16 KiB, ring", "16 KiB"),
    rate("throughput 64 KiB, ring", "64 KiB"),
    rate("throughput 256 KiB, ring", "256 KiB"),
    rate("throughput 1 MiB, ring", "1 MiB"),
    rate("throughput 16 B", "16 B, copied from one buffer"),
    rate("throughput 64 B", "64 B, copied from one buffer"),
    rate("throughput 1 KiB", "1 KiB, copied from one buffer"),
    rate("throughput 64 KiB", "64 KiB, copied from one buffer"),
    rate("ipc throughput 64 B, ring", "over `ipc://`, 64 B"),
    rate("inproc throughput 64 B, ring", "over `inproc://`, 64 B"),
    rate("inproc throughput 1 KiB, ring", "over `inproc://`, 1 KiB"),
    rate("inproc throughput 64 KiB, ring", "over `inproc://`, 64 KiB"),
    rate("dealer-router echo 64 B, ring", "DEALER and ROUTER, 128 under way, 64 B"),
    rate("dealer-router echo 1 KiB, ring", "the same, 1 KiB"),
    rate("fan-in 16, ring", "16 PUSH to one PULL, 64 B"),
    rate("fan-in 128, ring", "128"),
    rate("fan-in 1000, ring", "1,000"),
    rate("pub-sub 1, 64 B, ring", "PUB to one SUB, 64 B"),
    rate("pub-sub 8, 64 B, ring", "to 8, deliveries"),
    rate("pub-sub 64, 64 B, ring", "to 64"),
    rate("pub-sub 500, 64 B, ring", "to 500"),
    rate("pub-sub 1, 1 KiB, ring", "PUB to one SUB, 1 KiB"),
    rate("pub-sub 8, 1 KiB, ring", "to 8, deliveries"),
    rate("pub-sub 64, 1 KiB, ring", "to 64"),
    rate("pub-sub 500, 1 KiB, ring", "to 500"),
    rate("10,000 subscriptions", "10,000 subscriptions, one in ten matches"),
    cost("round trip 64 B, one core, ring", "p50_us", "round trip 64 B, one core, p50"),
    cost("round trip 64 B, one core, ring", "p99.9_us", "the same, p99.9"),
    cost("round trip 1 KiB, one core, ring", "p50_us", "round trip 1 KiB, one core, p50"),
    cost("round trip 1 KiB, one core, ring", "p99.9_us", "the same, p99.9"),
    cost("round trip 64 B, two cores, ring", "p50_us", "round trip 64 B, two cores, p50"),
    cost("throughput 64 B, ring", "cpu_per_million", "CPU seconds per million, 64 B"),
    cost("idle connections, 10,000", "kib_per_connection", "KiB per idle connection, of 10,000"),
];

/// The tables, as far as their cases were run: of the figures that count, and of processor time.
pub fn tables(record: &Record) -> String {
    let streams = ROWS.iter().filter(|row| row.key == "per_second");
    let cpu: Vec<Row> = streams.map(|row| Row { key: CPU.key, better: Low, ..*row }).collect();
    let note =
        "Ratios to libzmq: ours with plain calls, of the others the best mode of all, batch calls included.";
    [
        ("In short", &ROWS[..], "Lower is better from the round trips on."),
        (
            "In processor time",
            &cpu,
            "Of both sides, for each message; lower is better. Other load has little part in it.",
        ),
    ]
    .map(|(title, rows, read)| match table(record, rows) {
        text if text.is_empty() => text,
        text => format!("\n## {title}\n\n{note} {read}\n\n{HEAD}\n{text}"),
    })
    .concat()
}

const HEAD: &str =
    "| | tokio | tokio_local | compio | libzmq | best of the others | raw |\n|---|---|---|---|---|---|---|";

fn table(record: &Record, rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let Some(case) = record.case(row.case) else { continue };
        let of_ours = |runtime: &str| {
            ratio(case, row, |run| run.group() == runtime && !matches!(run.kind, Kind::Batch | Kind::Within))
        };
        let libzmq = case.median("libzmq", row.key).map_or("-".into(), number);
        let cells = [
            of_ours("ours tokio").0,
            of_ours("ours tokio-local").0,
            of_ours("ours compio").0,
            format!("1 ({libzmq})"),
            named(ratio(case, row, is_peer)),
            ratio(case, row, |run| run.family == "raw" && run.kind != Kind::Within).0,
        ];
        let _ = writeln!(text, "| {} | {} |", row.title, cells.join(" | "));
    }
    text
}

/// The best of some modes, to libzmq, and which it is.
fn ratio(case: &CaseRecord, row: &Row, take: impl Fn(&Run) -> bool) -> (String, String) {
    let best = case.best_by(row.key, row.better, take);
    let ratio = best.and_then(|mode| case.ratio(mode, "libzmq", row.key));
    (ratio.map_or("-".into(), |ratio| format!("{ratio:.2}")), best.unwrap_or_default().into())
}

fn named((ratio, mode): (String, String)) -> String {
    if mode.is_empty() { ratio } else { format!("{ratio} ({mode})") }
}
