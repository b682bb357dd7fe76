//! Exponential backoff with jitter.

use std::time::Duration;

/// How long to wait between attempts: doubling from `initial` to `max`, each delay spread by `jitter`.
///
/// The jitter applies at the cap too, so that clients that lost the same server do not come back in
/// step. No delay is shorter than 1 ms: a policy of zeros does not spin.
///
/// ```
/// use monocoque::resilience::Backoff;
/// use std::time::Duration;
///
/// let backoff = Backoff::new().with_initial(Duration::from_millis(10)).with_jitter(0.0);
/// assert_eq!(backoff.delay(0, 0), Duration::from_millis(10));
/// assert_eq!(backoff.delay(3, 0), Duration::from_millis(80));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Backoff {
    initial: Duration,
    max: Duration,
    jitter: f64,
}

/// The shortest delay.
const FLOOR: Duration = Duration::from_millis(1);
/// The longest: about 136 years, far from any overflow.
const CEILING: Duration = Duration::from_secs(1 << 32);

impl Default for Backoff {
    fn default() -> Self {
        Self { initial: Duration::from_millis(100), max: Duration::from_secs(30), jitter: 0.25 }
    }
}

impl Backoff {
    /// The default policy: 100 ms doubling to 30 s, +-25 %.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The delay after the first failure; default 100 ms (libzmq: RECONNECT_IVL).
    #[must_use]
    pub fn with_initial(mut self, initial: Duration) -> Self {
        self.initial = initial;
        self
    }

    /// The cap before jitter; default 30 s (libzmq: RECONNECT_IVL_MAX). Below `initial` it wins.
    #[must_use]
    pub fn with_max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// The fraction by which a delay may be shorter or longer, clamped to 0..=1; default 0.25.
    #[must_use]
    pub fn with_jitter(mut self, jitter: f64) -> Self {
        self.jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) };
        self
    }

    /// The delay after the first failure.
    #[must_use]
    pub fn initial(&self) -> Duration {
        self.initial
    }

    /// The cap before jitter.
    #[must_use]
    pub fn max(&self) -> Duration {
        self.max
    }

    /// The fraction by which a delay may be shorter or longer.
    #[must_use]
    pub fn jitter(&self) -> f64 {
        self.jitter
    }

    /// The delay before the attempt that follows `failures + 1` failures in a row; `entropy` is a
    /// uniformly random number.
    #[must_use]
    pub fn delay(&self, failures: u32, entropy: u64) -> Duration {
        let cap = self.max.clamp(FLOOR, CEILING);
        let factor = 1_u32.checked_shl(failures.min(31)).unwrap_or(u32::MAX);
        let base = self.initial.clamp(FLOOR, CEILING).checked_mul(factor).unwrap_or(cap).min(cap);
        // A number in -1..=1.
        let spread = (entropy as f64 / u64::MAX as f64).mul_add(2.0, -1.0);
        base.mul_f64(spread.mul_add(self.jitter, 1.0)).max(FLOOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTREMES: [u64; 3] = [0, u64::MAX / 2, u64::MAX];

    #[test]
    fn doubles_to_the_cap_within_the_jitter() {
        let backoff = Backoff::new();
        for failures in 0..40 {
            let base = Duration::from_millis(100 << failures.min(20)).min(Duration::from_secs(30));
            for entropy in EXTREMES {
                let delay = backoff.delay(failures, entropy);
                assert!(delay >= base.mul_f64(0.75) && delay <= base.mul_f64(1.25), "{failures}: {delay:?}");
            }
        }
        assert!(backoff.delay(40, u64::MAX) > Duration::from_secs(37), "jitter at the cap too");
        assert!(backoff.delay(40, 0) < Duration::from_secs(23));
    }

    #[test]
    fn edges_neither_panic_nor_spin() {
        let edges = [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(1), Duration::MAX];
        for initial in edges {
            for max in edges {
                for jitter in [0.0, 0.25, 1.0, 7.0, -1.0, f64::NAN] {
                    let backoff = Backoff::new().with_initial(initial).with_max(max).with_jitter(jitter);
                    for failures in [0, 1, 31, 32, 200, u32::MAX] {
                        for entropy in EXTREMES {
                            let delay = backoff.delay(failures, entropy);
                            assert!(delay >= FLOOR);
                            assert!(delay <= max.clamp(FLOOR, CEILING).saturating_mul(2).max(FLOOR));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_cap_below_the_start_wins() {
        let backoff = Backoff::new()
            .with_initial(Duration::from_secs(5))
            .with_max(Duration::from_secs(1))
            .with_jitter(0.0);
        assert_eq!(backoff.delay(0, 0), Duration::from_secs(1));
    }
}
