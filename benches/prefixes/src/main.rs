//! The tree of subscriptions beside the crate `patricia_tree`: instructions and bytes of memory for what a publisher does
//! with it.
//!
//! ```sh
//! cargo run --release --manifest-path benches/prefixes/Cargo.toml    # needs valgrind
//! ```
//!
//! Each case runs twice, for different numbers of rounds: the difference of the counts is what the rounds cost.

#[path = "../../instructions/callgrind.rs"]
mod callgrind;
mod cases;
mod memory;
mod routing;

use std::env;

use cases::{CASES, Case, Theirs, Tree};
use routing::fan_out::Ours;

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;

fn main() {
    let args: Vec<String> = env::args().collect();
    let value = |flag: &str| args.iter().position(|arg| arg == flag).map(|at| args[at + 1].as_str());
    if let (Some(name), Some(count)) = (value("--run"), value("--count")) {
        let rounds = count.parse().expect("--count takes a number");
        let (tree, name) = name.split_once('/').expect("a tree and a case");
        let case = CASES.iter().find(|case| case.name == name).expect("a case of this name");
        let sum = if tree == "ours" { case.run::<Ours>(rounds) } else { case.run::<Theirs>(rounds) };
        // So that nothing of it is left out; the table goes to the other stream.
        eprintln!("{sum}");
        return;
    }
    println!("| case | ours | patricia_tree | ours in % of it |\n|---|---|---|---|");
    for case in CASES {
        row(case.name, instructions(case, "ours"), instructions(case, "theirs"));
    }
    for topics in [1, 100, 10_000] {
        let name = format!("bytes of memory for each of {topics} topics");
        row(&name, bytes::<Ours>(topics), bytes::<Theirs>(topics));
    }
}

fn row(name: &str, ours: f64, theirs: f64) {
    println!("| {name} | {ours:.0} | {theirs:.0} | {:.0} |", 100.0 * ours / theirs);
}

fn instructions(case: &Case, tree: &str) -> f64 {
    const ROUNDS: u64 = 1000;
    let name = format!("{tree}/{}", case.name);
    let [few, many] = [ROUNDS, 6 * ROUNDS].map(|rounds| callgrind::instructions(&name, rounds));
    (many - few) as f64 / (5 * ROUNDS) as f64
}

fn bytes<T: Tree>(topics: usize) -> f64 {
    let before = memory::used();
    let tree = cases::filled::<T>(topics);
    let used = memory::used() - before;
    drop(tree);
    used as f64 / topics as f64
}
