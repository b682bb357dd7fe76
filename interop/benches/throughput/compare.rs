//! Contestants that take turns, and what the command line asks for.

use crate::report::{Report, Sample};

/// One way of doing one scenario: seconds for `count` messages, round trips or handshakes, of `size` bytes.
pub type Run = fn(size: usize, count: u64) -> f64;

pub struct Scenario {
    pub name: String,
    pub size: usize,
    pub count: u64,
    /// What the others are compared with.
    pub bases: [&'static str; 2],
    pub contestants: Vec<(&'static str, Run)>,
}

/// Runs what `[--rounds N] [--only WORD] [--contestant NAME]` ask for, with `--quick` as often as `quick` says, and
/// prints it.
pub fn compare(scenarios: Vec<Scenario>, quick: fn(u64) -> u64) {
    let args: Vec<String> = std::env::args().collect();
    let value = |flag: &str| args.iter().position(|arg| arg == flag).and_then(|at| args.get(at + 1));
    let rounds: usize = value("--rounds").map_or(5, |n| n.parse().expect("--rounds takes a number"));
    let is_quick = args.iter().any(|arg| arg == "--quick");
    let mut report = Report::default();
    for scenario in scenarios {
        if value("--only").is_some_and(|word| !scenario.name.contains(word.as_str())) {
            continue;
        }
        let count = if is_quick { quick(scenario.count) } else { scenario.count };
        for round in 0..rounds {
            let wanted = |name: &str| value("--contestant").is_none_or(|only| only == name);
            for (name, run) in scenario.contestants.iter().filter(|(name, _)| wanted(name)) {
                let before = cpu_seconds();
                let seconds = run(scenario.size, count);
                let cpu = cpu_seconds() - before;
                let count = count as f64;
                report
                    .add(&scenario.name, Sample { name, round, rate: count / seconds, thrift: count / cpu });
            }
        }
        report.print(&scenario.name, scenario.bases);
    }
}

/// What all threads of this process have used of the processors, in steps of 10 ms; unknown where there is no `/proc`.
///
/// It counts both ends, and the warm-up, and hardly depends on what else the machine does, where a rate tells how large a
/// share of it a contestant with more threads gets.
fn cpu_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which is in parentheses and may contain anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2).map(|field| field.parse().unwrap_or(f64::NAN));
    if fields.is_empty() { f64::NAN } else { ticks.sum::<f64>() / TICKS_PER_SECOND }
}
