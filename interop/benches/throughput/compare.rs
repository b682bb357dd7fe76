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
                let seconds = run(scenario.size, count);
                report.add(&scenario.name, Sample { name, round, rate: count as f64 / seconds });
            }
        }
        report.print(&scenario.name, scenario.bases);
    }
}
