//! The recorded figures.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

const HEADER: &str = "\
# Instructions per message; written by `cargo bench --features sim,curve --bench instructions -- --record`.
";

/// Scenarios and what a message of each costs.
pub struct Baseline(BTreeMap<String, f64>);

fn path() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions/baseline.txt"))
}

impl Baseline {
    /// What is recorded; nothing if there is no file.
    pub fn read() -> Self {
        let text = match fs::read_to_string(path()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => panic!("{}: {error}", path().display()),
        };
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let entries = lines.map(|line| {
            let (name, cost) = line.rsplit_once(' ').expect("a name and a number");
            (name.trim_end().to_owned(), cost.parse().expect("a number"))
        });
        Self(entries.collect())
    }

    /// Puts a new figure in place of the recorded one, which is returned.
    pub fn replace(&mut self, scenario: &str, cost: f64) -> Option<f64> {
        self.0.insert(scenario.to_owned(), cost)
    }

    pub fn write(&self) {
        let mut text = HEADER.to_owned();
        for (name, cost) in &self.0 {
            writeln!(text, "{name:<24} {cost:.0}").expect("a string takes everything");
        }
        fs::write(path(), text).expect("the baseline can be written");
    }
}
