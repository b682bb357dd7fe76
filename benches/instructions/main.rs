//! Instructions per message on the hot paths, counted by valgrind: figures that a busy machine does not
//! change, to catch what makes a path longer.
//!
//! ```sh
//! cargo bench --features sim,curve --bench instructions                  # compares with baseline.txt
//! cargo bench --features sim,curve --bench instructions -- --record      # writes baseline.txt
//! cargo bench --features sim,curve --bench instructions -- --only send   # scenarios whose name has this in it
//! ```
//!
//! Without `curve` those that seal are left out. Each scenario runs twice, for different numbers of messages, and the difference of the counts divided
//! by the difference of the numbers is what a message costs: setting up and tearing down cancel out. What
//! the simulated network adds is the same in every run. Another compiler or C library counts differently:
//! record with the commit before, compare with the one after.

mod baseline;
mod callgrind;
mod peer;
mod scenarios;

use std::process::ExitCode;

use baseline::Baseline;

/// How much more than the baseline a scenario may take, in percent.
const TOLERANCE: f64 = 3.0;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let value = |flag: &str| args.iter().position(|arg| arg == flag).and_then(|at| args.get(at + 1));
    let record = args.iter().any(|arg| arg == "--record");
    let all = scenarios::all();
    if let Some(name) = value("--run") {
        let scenario = all.iter().find(|scenario| scenario.name == name).expect("a scenario of this name");
        let count = value("--count").and_then(|count| count.parse().ok()).expect("--count takes a number");
        (scenario.run)(count);
        return ExitCode::SUCCESS;
    }

    let mut baseline = Baseline::read();
    let mut worse = 0;
    println!("| scenario | instructions per message | baseline | change |\n|---|---|---|---|");
    for scenario in all {
        if value("--only").is_some_and(|word| !scenario.name.contains(word.as_str())) {
            continue;
        }
        let counts = [scenario.messages, 6 * scenario.messages];
        let [few, many] = counts.map(|count| callgrind::instructions(scenario.name, count));
        let cost = many.saturating_sub(few) as f64 / (counts[1] - counts[0]) as f64;
        let before = baseline.replace(scenario.name, cost);
        let change = before.map(|before| 100.0 * (cost / before - 1.0));
        worse += usize::from(change.is_some_and(|change| change > TOLERANCE));
        let [before, change] = [(before, 0), (change, 1)].map(|(figure, places)| {
            figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.places$}"))
        });
        println!("| {} | {cost:.0} | {before} | {change} % |", scenario.name);
    }
    if record {
        baseline.write();
    } else if worse > 0 {
        println!("\n{worse} scenarios take over {TOLERANCE} % more than the baseline.");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
