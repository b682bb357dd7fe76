//! The rounds of one case.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use harness::{Figures, Kind, Outcome, Scenario, Task};

use crate::cases::{Better, CPU, Case};
use crate::families::Contestant;
use crate::process;
use crate::record::Run;

/// After how many failures in a row a contestant is left alone.
const ENOUGH: usize = 2;

/// How long the rounds of a contestant may take in all, beyond the time that messages are meant to fill.
const PATIENCE: Duration = Duration::from_secs(60);

/// In how many runs to find out how much fills the time: the first are short, and say little.
const TRIES: usize = 5;

/// What a mode must reach of the best one of its library in its trial, to take part in the rounds.
const FAR: f64 = 0.6;

/// How much longer the next run may be at most: a few messages that came at once look like a great rate.
const GROWTH: u64 = 16;

/// Runs all that take part in turn, once for each round, and before that to find out how much fills the time.
pub fn case(
    case: &Case,
    contestants: &[Contestant],
    rounds: usize,
    seconds: Duration,
    pinned: bool,
) -> Vec<Run> {
    eprintln!("{}", case.name);
    let mut entrants: Vec<Entrant> = contestants
        .iter()
        .enumerate()
        .filter(|(_, contestant)| case.entrants.admit(&contestant.family, contestant.mode.kind))
        .map(|(place, contestant)| Entrant {
            contestant,
            place,
            count: case.first,
            failures: 0,
            spent: Duration::ZERO,
            unsupported: false,
            trial: None,
        })
        .collect();
    let mut runs = Vec::new();
    if case.most > case.first {
        for entrant in &mut entrants {
            runs.extend(entrant.find_count(case, seconds, pinned));
        }
        leave_out(case, &mut entrants, &mut runs);
    }
    for round in 1..=rounds {
        for entrant in &mut entrants {
            let time_left = entrant.spent < PATIENCE + seconds * rounds as u32;
            if entrant.failures < ENOUGH && !entrant.unsupported && time_left {
                runs.push(entrant.run(case, round, seconds, pinned));
            }
        }
    }
    runs
}

struct Entrant<'a> {
    contestant: &'a Contestant,
    place: usize,
    count: u64,
    failures: usize,
    spent: Duration,
    unsupported: bool,
    /// The last run to find out how much fills the time, if it went well.
    trial: Option<Run>,
}

/// Leaves out of the rounds what is far behind another mode of the same library, and keeps its trial as its only run.
fn leave_out(case: &Case, entrants: &mut Vec<Entrant>, runs: &mut Vec<Run>) {
    // Processor time, where it is told, depends less on what else the machine does.
    let score = |entrant: &Entrant| {
        let figure = |key| entrant.trial.as_ref()?.outcome.figure(key);
        match figure(CPU.key).filter(|cpu| *cpu > 0.0) {
            Some(cpu) => Some(1.0 / cpu),
            None if case.better == Better::High => figure(case.figure.key),
            None => figure(case.figure.key).map(|value| 1.0 / value),
        }
    };
    let mut best: HashMap<(String, bool), f64> = HashMap::new();
    for entrant in &*entrants {
        let best = best.entry(entrant.class()).or_default();
        *best = best.max(score(entrant).unwrap_or(0.0));
    }
    entrants.retain_mut(|entrant| {
        let far = score(entrant).is_some_and(|score| score < FAR * best[&entrant.class()]);
        if far && entrant.contestant.family != "ours" {
            runs.extend(entrant.trial.take());
            return false;
        }
        true
    });
}

impl Entrant<'_> {
    /// The library, and whether the calls are from within one more function: a comparison of its own.
    fn class(&self) -> (String, bool) {
        (self.contestant.family.clone(), self.contestant.mode.kind == Kind::Within)
    }

    /// Runs until a run fills a good part of the time. Returns the last if that went wrong.
    fn find_count(&mut self, case: &Case, seconds: Duration, pinned: bool) -> Option<Run> {
        for _ in 0..TRIES {
            let run = self.run(case, 0, seconds, pinned);
            let Outcome::Done(figures) = &run.outcome else { return Some(run) };
            let filled = figures["seconds"] * 3.0 > seconds.as_secs_f64();
            self.trial = Some(run);
            if filled {
                break;
            }
        }
        None
    }

    fn run(&mut self, case: &Case, round: usize, seconds: Duration, pinned: bool) -> Run {
        let warm_up = (self.count / 20).max(10);
        let scenario = case.scenario.clone();
        let source = case.source;
        let task = Task { scenario, count: self.count, warm_up, pinned, source, within: false };
        let mode = &self.contestant.mode.name;
        let start = Instant::now();
        let outcome = process::run(&self.contestant.program, mode, &task, limit(case, seconds));
        self.spent += start.elapsed();
        match &outcome {
            Outcome::Done(figures) => {
                self.failures = 0;
                self.count = next_count(case, figures, seconds).min(self.count * GROWTH);
            }
            Outcome::Failed(_) => self.failures += 1,
            Outcome::Unsupported(_) => self.unsupported = true,
        }
        let contestant = self.contestant;
        Run {
            family: contestant.family.clone(),
            mode: mode.clone(),
            kind: contestant.mode.kind,
            place: self.place,
            round,
            outcome,
        }
    }
}

/// As many messages as filled the time, had they been as fast as last time.
fn next_count(case: &Case, figures: &Figures, seconds: Duration) -> u64 {
    let done = figures.get("count").zip(figures.get("seconds"));
    let fills = done.map_or(0.0, |(count, took)| count / took * seconds.as_secs_f64());
    // Deliveries are counted, messages are asked for.
    let copies =
        if let Scenario::FanOut { subscribers, .. } = case.scenario { subscribers as f64 } else { 1.0 };
    ((fills / copies) as u64).clamp(case.first, case.most)
}

/// Far beyond what any run takes that goes well.
fn limit(case: &Case, seconds: Duration) -> Duration {
    let setting_up = match case.scenario {
        Scenario::Idle { .. } => 120,
        Scenario::Restart { .. }
        | Scenario::FanIn { .. }
        | Scenario::FanOut { .. }
        | Scenario::Filter { .. } => 60,
        _ => 20,
    };
    Duration::from_secs(setting_up) + seconds * 10
}
