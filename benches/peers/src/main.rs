//! Our sockets beside everything that a user would pick instead.
//!
//! ```sh
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- [--rounds N] [--only WORD] [--quick] [--out DIR]
//! ```
//!
//! Builds the contestants, runs every scenario round by round, each contestant in a process of its own and all
//! of them in turn, and writes medians and ratios as Markdown, everything measured as JSON, and charts. A run
//! that loses, reorders or corrupts a message, or hangs, is reported as what it is, and so is what a library
//! does not have.
//!
//! - `harness` holds the scenarios and the verification; they are written once, over closures and traits.
//! - `contestants` has a program for each library: how it opens, sends and receives.
//! - This program knows which cases there are ([`cases`]), runs them ([`measure`]) and reports ([`report`],
//!   [`goals`], [`charts`]).

mod args;
mod cases;
mod charts;
mod families;
mod goals;
mod machine;
mod measure;
mod process;
mod record;
mod report;
mod short;

use std::path::Path;
use std::time::Duration;

use args::Args;
use record::Record;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    let args = Args::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = args.out.clone().unwrap_or_else(|| root.join("target/report"));
    if args.redraw {
        println!("{}", report::summary(&report::redraw(&out)?));
        return Ok(());
    }
    let (mut contestants, unbuilt) = families::build(root)?;
    contestants
        .retain(|contestant| args.without.iter().all(|word| !contestant.mode.name.contains(word.as_str())));
    let mut record = Record::new(machine::look(root), &args, &contestants, unbuilt);
    let seconds = Duration::from_secs_f64(args.seconds);
    if args.resume {
        record.take_over(report::read(&out)?);
    }
    let cases = cases::all();
    for case in &cases {
        let wanted = args.only.is_empty() || args.only.iter().any(|word| case.name.contains(word.as_str()));
        if !wanted || record.case(&case.name).is_some() {
            continue;
        }
        let runs = measure::case(case, &contestants, args.rounds, seconds, !args.unpinned);
        record.add(case, runs);
        println!("{}", report::detail(record.cases.last().expect("just added")));
        record.cases.sort_by_key(|done| cases.iter().position(|case| case.name == done.name));
        // After each case, so that an interrupted comparison leaves what it had.
        report::write(&record, &out)?;
    }
    println!("{}", report::summary(&record));
    println!("written to {}", out.display());
    Ok(())
}
