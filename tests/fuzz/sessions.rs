//! The tests.

use std::time::{Duration, Instant};

use crate::plan::Plan;
use crate::session::{self, Failure, Report};
use crate::{generate, shrink};

/// How long a failing session is made smaller.
const SHRINKING: Duration = Duration::from_secs(60);

/// How many sessions the test command runs.
const SESSIONS: u64 = 400;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// The session of a seed; `Err` with what is wrong and the smallest plan that shows it.
fn session(seed: u64) -> Result<Report, String> {
    let plan = generate::plan(seed);
    session::run(&plan).map_err(|failure| explain(seed, &plan, &failure))
}

fn explain(seed: u64, plan: &Plan, failure: &Failure) -> String {
    let same = |plan: &Plan| session::run(plan).is_err_and(|other| other.is_like(failure));
    let smallest = shrink::shrink(plan, SHRINKING, same);
    let last =
        session::run(&smallest).err().map_or_else(|| "does not fail again".into(), |failure| failure.0);
    format!("seed {seed} (MONOCOQUE_FUZZ_SEED): {}\n{smallest}\nwith this: {last}", failure.0)
}

/// Each session has a limit of its own, and all together as long as they are asked to take.
#[test]
fn sessions() {
    let seconds = variable("MONOCOQUE_FUZZ_SECONDS").map(Duration::from_secs);
    let first = variable("MONOCOQUE_FUZZ_SEED").unwrap_or_default();
    let (start, mut total) = (Instant::now(), Report::default());
    let mut seeds = first..;
    while seconds
        .map_or(seeds.start < first + SESSIONS, |limit| seeds.start == first || start.elapsed() < limit)
    {
        let Some(seed) = seeds.next() else { break };
        match session(seed) {
            Ok(report) => total.add(report),
            Err(text) => panic!("{text}"),
        }
    }
    println!("{} sessions in {:?}: {total:?}", seeds.start - first, start.elapsed());
}
