//! Everything that was measured.

use harness::{Kind, Outcome, Scenario, Source};
use serde::{Deserialize, Serialize};

use crate::args::Args;
use crate::cases::{Better, Case, Figure};
use crate::families::{Contestant, Unbuilt};
use crate::machine::Machine;

#[derive(Serialize, Deserialize)]
pub struct Record {
    pub machine: Machine,
    pub rounds: usize,
    pub seconds_each: f64,
    pub pinned: bool,
    pub contestants: Vec<Contestant>,
    pub unbuilt: Vec<Unbuilt>,
    pub cases: Vec<CaseRecord>,
}

#[derive(Serialize, Deserialize)]
pub struct CaseRecord {
    pub name: String,
    pub scenario: Scenario,
    #[serde(default)]
    pub source: Source,
    /// The figure that counts, and further ones.
    pub columns: Vec<Column>,
    /// Of the figure that counts.
    pub better: Better,
    pub runs: Vec<Run>,
}

/// A figure: its key in outcomes, and its title in tables.
#[derive(Serialize, Deserialize)]
pub struct Column {
    pub key: String,
    pub title: String,
}

/// One run of one mode.
#[derive(Serialize, Deserialize)]
pub struct Run {
    pub family: String,
    pub mode: String,
    pub kind: Kind,
    /// Its place among the contestants.
    pub place: usize,
    /// From 1; 0 is the run before, kept if it was the last.
    pub round: usize,
    pub outcome: Outcome,
}

impl Record {
    pub fn new(machine: Machine, args: &Args, contestants: &[Contestant], unbuilt: Vec<Unbuilt>) -> Self {
        Self {
            machine,
            rounds: args.rounds,
            seconds_each: args.seconds,
            pinned: !args.unpinned,
            contestants: contestants.to_vec(),
            unbuilt,
            cases: Vec::new(),
        }
    }

    /// Keeps what was measured before, and who took part then.
    pub fn take_over(&mut self, before: Self) {
        self.cases = before.cases;
        for contestant in before.contestants {
            if self.contestants.iter().all(|other| other.mode.name != contestant.mode.name) {
                self.contestants.push(contestant);
            }
        }
    }

    pub fn add(&mut self, case: &Case, runs: Vec<Run>) {
        let column = |figure: &Figure| Column { key: figure.key.into(), title: figure.title.into() };
        self.cases.push(CaseRecord {
            name: case.name.clone(),
            scenario: case.scenario.clone(),
            source: case.source,
            columns: std::iter::once(&case.figure).chain(case.also).map(column).collect(),
            better: case.better,
            runs,
        });
    }

    pub fn case(&self, name: &str) -> Option<&CaseRecord> {
        self.cases.iter().find(|case| case.name == name)
    }
}

impl Run {
    /// What tables and charts take together: a library on a runtime.
    pub fn group(&self) -> &str {
        match self.family.as_str() {
            "ours" if self.mode.starts_with("ours compio") => "ours compio",
            "ours" if self.mode.starts_with("ours tokio-local") => "ours tokio-local",
            "ours" => "ours tokio",
            family => family,
        }
    }
}

impl CaseRecord {
    /// The modes that took part, in the order of the contestants.
    pub fn modes(&self) -> Vec<&Run> {
        let mut modes: Vec<&Run> = Vec::new();
        for run in &self.runs {
            if modes.iter().all(|other| other.mode != run.mode) {
                modes.push(run);
            }
        }
        modes.sort_by_key(|run| run.place);
        modes
    }

    /// The key of the figure that counts.
    pub fn figure(&self) -> &str {
        &self.columns[0].key
    }

    /// The median of a figure of a mode over the rounds.
    pub fn median(&self, mode: &str, key: &str) -> Option<f64> {
        median(self.values(mode, key).map(|(_, value)| value).collect())
    }

    /// The median of the ratios of a figure of two modes in the same round.
    pub fn ratio(&self, mode: &str, other: &str, key: &str) -> Option<f64> {
        let others: Vec<_> = self.values(other, key).collect();
        let ratios = self.values(mode, key).filter_map(|(round, value)| {
            let (_, other) = others.iter().find(|(other, _)| *other == round)?;
            Some(value / other)
        });
        median(ratios.collect())
    }

    /// Two figures of a mode, of each round that has both.
    pub fn pairs(&self, mode: &str, key: &str, other: &str) -> impl Iterator<Item = (f64, f64)> {
        self.values(mode, key).filter_map(move |(round, value)| {
            let (_, other) = self.values(mode, other).find(|(at, _)| *at == round)?;
            Some((value, other))
        })
    }

    /// The best mode among some, by the figure of the case.
    pub fn best(&self, take: impl Fn(&Run) -> bool) -> Option<&str> {
        self.best_by(self.figure(), self.better, take)
    }

    /// The best mode among some, by any figure.
    pub fn best_by(&self, key: &str, better: Better, take: impl Fn(&Run) -> bool) -> Option<&str> {
        let modes = self.modes().into_iter().filter(|run| take(run));
        let values = modes.filter_map(|run| Some((run.mode.as_str(), self.median(&run.mode, key)?)));
        let order = |a: &(&str, f64), b: &(&str, f64)| a.1.total_cmp(&b.1);
        let best = match better {
            Better::High => values.max_by(order),
            Better::Low => values.min_by(order),
        };
        best.map(|(mode, _)| mode)
    }

    /// The mode that stands for raw streams, by the figure of the case.
    pub fn baseline(&self) -> Option<&str> {
        self.best(|run| run.family == "raw" && run.kind != Kind::Within)
    }

    fn values(&self, mode: &str, key: &str) -> impl Iterator<Item = (usize, f64)> {
        self.runs
            .iter()
            .filter(move |run| run.mode == mode)
            .filter_map(move |run| Some((run.round, run.outcome.figure(key)?)))
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        len if len % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}
