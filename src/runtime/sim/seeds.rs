//! The same test with many seeds.

use std::ops::Range;

const SEED: &str = "MONOCOQUE_SIM_SEED";
const COUNT: &str = "MONOCOQUE_SIM_COUNT";

/// Runs `test` with the seeds from 0 to `count`, one after the other, and says which one failed and how to repeat it.
///
/// The environment may say otherwise: `MONOCOQUE_SIM_SEED` is the first seed, and `MONOCOQUE_SIM_COUNT` how many there
/// are (1 where only a seed is given).
///
/// ```
/// use std::time::Duration;
/// use monocoque::runtime::sim::{self, Sim};
///
/// sim::for_seeds(100, |seed| {
///     Sim::new(seed).block_on(async {
///         sim::sleep(Duration::from_secs(3600)).await;
///     });
/// });
/// ```
///
/// # Panics
/// With the first panic of `test`, and if one of the variables is no number.
pub fn for_seeds(count: u64, test: impl Fn(u64)) {
    let [first, wanted] = [SEED, COUNT].map(number);
    for seed in seeds(count, first, wanted) {
        let _told = Told(seed);
        test(seed);
    }
}

fn seeds(count: u64, first: Option<u64>, wanted: Option<u64>) -> Range<u64> {
    let usual = if first.is_some() { 1 } else { count };
    let count = wanted.unwrap_or(usual);
    let first = first.unwrap_or(0);
    first..first.saturating_add(count)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// Says which seed it was, if it fails.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{SEED}={} repeats it", self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_has_the_last_word() {
        assert_eq!(seeds(5, None, None), 0..5);
        assert_eq!(seeds(5, Some(7), None), 7..8);
        assert_eq!(seeds(5, None, Some(2)), 0..2);
        assert_eq!(seeds(5, Some(7), Some(2)), 7..9);
    }

    #[test]
    #[ignore = "fails, for the test that runs it"]
    fn fails_at_three() {
        for_seeds(5, |seed| assert!(seed < 3));
    }

    #[test]
    fn what_fails_is_told() {
        let told = |seed: Option<&str>| {
            let mut command = std::process::Command::new(std::env::current_exe().unwrap());
            command.args([
                "--ignored",
                "--exact",
                "runtime::sim::seeds::tests::fails_at_three",
                "--nocapture",
            ]);
            command.env_remove(SEED).env_remove(COUNT);
            if let Some(seed) = seed {
                command.env(SEED, seed);
            }
            let output = command.output().unwrap();
            (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let (passed, complaint) = told(None);
        assert!(!passed && complaint.contains("MONOCOQUE_SIM_SEED=3 repeats it"), "{complaint}");
        assert!(told(Some("2")).0);
        assert!(told(Some("x")).1.contains("MONOCOQUE_SIM_SEED is no number: x"));
    }
}
