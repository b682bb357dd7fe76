//! The report: Markdown, JSON, and the charts beside them.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use harness::{Kind, Outcome};

use crate::{Result, charts, goals, short};

use crate::record::{CaseRecord, Record};

/// Draws the report again from what was measured before.
pub fn redraw(out: &Path) -> Result<Record> {
    let record = read(out)?;
    write(&record, out)?;
    Ok(record)
}

/// What a directory holds.
pub fn read(out: &Path) -> Result<Record> {
    Ok(serde_json::from_slice(&fs::read(out.join("results.json"))?)?)
}

/// Writes everything so far into a directory.
pub fn write(record: &Record, out: &Path) -> Result<()> {
    fs::create_dir_all(out)?;
    fs::write(out.join("results.json"), serde_json::to_string(record)?)?;
    let details: String = record.cases.iter().map(detail).collect();
    fs::write(out.join("results.md"), format!("{}\n## Cases\n{details}", summary(record)))?;
    charts::draw(record, out)
}

/// What it ran on, what was reached, and who took part.
pub fn summary(record: &Record) -> String {
    let machine = &record.machine;
    let versions: Vec<String> =
        machine.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let mut text = format!(
        "# Comparison\n\n{}: {}, {} cores, a load of {} before, {}, {}; this crate at {}; {}. {} rounds, about {} s for a run.\n",
        machine.date,
        machine.processor,
        machine.cores,
        machine.load,
        machine.kernel,
        machine.rustc,
        machine.revision,
        versions.join(", "),
        record.rounds,
        record.seconds_each,
    );
    for unbuilt in &record.unbuilt {
        let _ = writeln!(text, "\n{} did not build: {}", unbuilt.family, unbuilt.why);
    }
    text.push_str(&short::tables(record));
    text.push_str(&goals::table(record));
    text.push_str("\n## Contestants\n\nEach side has a core for all its threads, but for the modes on many threads. Payloads are written into one buffer, and \
         copied from there; in the cases called `ring` they are separate ones of 4 MiB in all, each in memory of its own, \
         shared where the library takes such and copied where not.\n\n| mode | what it is |\n|---|---|\n");
    for contestant in &record.contestants {
        let _ = writeln!(text, "| {} | {} |", contestant.mode.name, contestant.mode.about);
    }
    text
}

/// The tables of one case: plain calls, and others apart.
pub fn detail(case: &CaseRecord) -> String {
    let mut text = format!("\n### {}\n", case.name);
    let mut notes = Vec::new();
    let modes = case.modes();
    for (title, kinds) in [
        ("mode", &[Kind::Plain, Kind::PlainEager, Kind::Eager][..]),
        ("mode (batch calls)", &[Kind::Batch]),
        ("mode (calls from within one more function)", &[Kind::Within]),
    ] {
        let modes: Vec<_> = modes.iter().filter(|run| kinds.contains(&run.kind)).collect();
        if modes.is_empty() {
            continue;
        }
        let _ = write!(text, "\n| {title} |");
        for column in &case.columns {
            let _ = write!(text, " {} |", column.title);
        }
        let _ = writeln!(text, " to libzmq | to raw |");
        let _ = writeln!(text, "|---|{}---|---|", "---|".repeat(case.columns.len()));
        for run in modes {
            let _ = writeln!(text, "{}", row(case, &run.mode, &mut notes));
        }
    }
    for (number, note) in notes.iter().enumerate() {
        let _ = writeln!(text, "\n[{}] {note}", number + 1);
    }
    text
}

fn row(case: &CaseRecord, mode: &str, notes: &mut Vec<String>) -> String {
    let mut row = format!("| {mode}");
    for note in [failure(case, mode), unsupported(case, mode), unfinished(case, mode)].into_iter().flatten() {
        let known = notes.iter().position(|other| *other == note);
        let number = known.unwrap_or_else(|| {
            notes.push(note);
            notes.len() - 1
        });
        let _ = write!(row, " [{}]", number + 1);
    }
    row.push_str(" |");
    for column in &case.columns {
        let _ = write!(row, " {} |", case.median(mode, &column.key).map_or("–".into(), number));
    }
    for other in [Some("libzmq"), case.baseline()] {
        let ratio = other.and_then(|other| case.ratio(mode, other, case.figure()));
        let _ = write!(row, " {} |", ratio.map_or("–".into(), |ratio| format!("{ratio:.2}")));
    }
    row
}

/// How often a mode failed, and why it did first.
fn failure(case: &CaseRecord, mode: &str) -> Option<String> {
    let runs: Vec<_> = case.runs.iter().filter(|run| run.mode == mode).collect();
    let failures: Vec<_> = runs
        .iter()
        .filter_map(|run| if let Outcome::Failed(why) = &run.outcome { Some(why) } else { None })
        .collect();
    let first = failures.first()?;
    Some(format!("failed in {} of {} runs: {first}", failures.len(), runs.len()))
}

/// In how many rounds a mode took part, where it was so slow that others had more.
fn unfinished(case: &CaseRecord, mode: &str) -> Option<String> {
    let rounds = case.runs.iter().map(|run| run.round).max()?;
    let runs = || case.runs.iter().filter(|run| run.mode == mode);
    let own = runs().map(|run| run.round).max()?;
    let went_well = runs().all(|run| matches!(run.outcome, Outcome::Done(_)));
    (went_well && own < rounds).then(|| match own {
        0 => "far behind another mode of the same library in a run before: left out of the rounds".into(),
        own => format!("{own} of {rounds} rounds: they take too long"),
    })
}

fn unsupported(case: &CaseRecord, mode: &str) -> Option<String> {
    case.runs.iter().filter(|run| run.mode == mode).find_map(|run| match &run.outcome {
        Outcome::Unsupported(why) => Some(why.clone()),
        _ => None,
    })
}

/// Three digits that mean something, and a unit for many.
pub fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        1e6.. => format!("{:.2} M", value / 1e6),
        1e4.. => format!("{:.1} k", value / 1e3),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
