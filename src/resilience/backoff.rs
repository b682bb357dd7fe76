//! How long to wait before the next attempt.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// No delay is shorter, so that a policy of zeros retries a thousand times a second, not without end.
const FLOOR: Duration = Duration::from_millis(1);

/// Exponential backoff with jitter: by default 100 ms, doubling to 30 s, each delay spread by 25 %.
///
/// A pure policy: the attempt and the random number are arguments.
/// Delays are spread evenly over `base * (1 - jitter) ..= base * (1 + jitter)`, where `base` grows
/// from [`initial`](Self::initial) by [`factor`](Self::factor) with every attempt; what would lie above
/// [`max`](Self::max) is cut off that range, so that clients which have reached the cap are still spread
/// (over `max * (1 - jitter) ..= max`) and none waits longer than `max`. No delay is below 1 ms.
///
/// ```
/// use monocoque::resilience::Backoff;
/// use std::time::Duration;
///
/// let backoff = Backoff::new().with_max(Duration::from_millis(350)).with_jitter(0.0);
/// let delays: Vec<_> = (0..4).map(|attempt| backoff.delay(attempt, 0).as_millis()).collect();
/// assert_eq!(delays, [100, 200, 350, 350]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Backoff {
    initial: Duration,
    max: Duration,
    factor: f64,
    jitter: f64,
}

impl Backoff {
    /// The default policy: 100 ms, doubling to 30 s, jitter 25 %.
    ///
    /// ```
    /// use monocoque::resilience::Backoff;
    /// use std::time::Duration;
    ///
    /// let backoff = Backoff::new();
    /// // The first delay of one in a thousand clients that came at once, and of the last.
    /// assert_eq!(backoff.delay(0, 0), Duration::from_millis(75));
    /// assert!(backoff.delay(0, u64::MAX) > Duration::from_millis(124));
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { initial: Duration::from_millis(100), max: Duration::from_secs(30), factor: 2.0, jitter: 0.25 }
    }

    /// The first delay (libzmq: RECONNECT_IVL); default 100 ms.
    ///
    /// ```
    /// use monocoque::resilience::Backoff;
    /// use std::time::Duration;
    ///
    /// let seconds = Duration::from_secs;
    /// let backoff = Backoff::new().with_jitter(0.0).with_initial(seconds(1)).with_max(seconds(3));
    /// assert_eq!([0, 1, 2].map(|failed| backoff.delay(failed, 0)), [1, 2, 3].map(seconds));
    /// ```
    #[must_use]
    pub const fn with_initial(mut self, initial: Duration) -> Self {
        self.initial = initial;
        self
    }

    /// The longest delay (libzmq: RECONNECT_IVL_MAX); default 30 s. It wins over a longer first delay.
    ///
    /// ```
    /// use monocoque::resilience::Backoff;
    /// use std::time::Duration;
    ///
    /// let backoff = Backoff::new().with_max(Duration::from_millis(10));
    /// assert!(backoff.initial() > backoff.max() && backoff.delay(0, u64::MAX) <= backoff.max());
    /// ```
    #[must_use]
    pub const fn with_max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// What each delay is multiplied with to get the next; default 2. Less than 1, or no number, counts as
    /// 1: a constant delay.
    ///
    /// ```
    /// use monocoque::resilience::Backoff;
    ///
    /// let steady = Backoff::new().with_jitter(0.0).with_factor(1.0);
    /// assert_eq!(steady.delay(0, 0), steady.delay(1000, 0));
    /// ```
    #[must_use]
    pub fn with_factor(mut self, factor: f64) -> Self {
        // `max` returns the other operand for NaN.
        self.factor = factor.max(1.0);
        self
    }

    /// The fraction by which a delay may be shorter or longer; default 0.25, clamped to 0.0 to 1.0.
    ///
    /// ```
    /// use monocoque::resilience::Backoff;
    ///
    /// // Anything between nothing (but 1 ms) and twice as much: what parts many clients best.
    /// let backoff = Backoff::new().with_jitter(1.0);
    /// assert_eq!([0, u64::MAX].map(|entropy| backoff.delay(0, entropy).as_millis()), [1, 200]);
    /// ```
    #[must_use]
    pub fn with_jitter(mut self, fraction: f64) -> Self {
        self.jitter = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        self
    }

    /// The first delay, before jitter; see [`with_initial`](Self::with_initial).
    #[must_use]
    pub const fn initial(&self) -> Duration {
        self.initial
    }

    /// The longest delay, jitter included; see [`with_max`](Self::with_max).
    #[must_use]
    pub const fn max(&self) -> Duration {
        self.max
    }

    /// What each delay is multiplied with to get the next; see [`with_factor`](Self::with_factor).
    #[must_use]
    pub const fn factor(&self) -> f64 {
        self.factor
    }

    /// The fraction by which a delay may be shorter or longer; see [`with_jitter`](Self::with_jitter).
    #[must_use]
    pub const fn jitter(&self) -> f64 {
        self.jitter
    }

    /// The delay after `attempt` failed attempts before this one (0 is the first delay).
    ///
    /// `entropy` is a random number, evenly distributed over all of `u64`.
    ///
    /// ```
    /// use monocoque::resilience::Backoff;
    ///
    /// // For retries of your own.
    /// let backoff = Backoff::new();
    /// for failed in 0..3 {
    ///     println!("again in {:?}", backoff.delay(failed, fastrand::u64(..)));
    /// }
    /// ```
    #[must_use]
    pub fn delay(&self, attempt: u32, entropy: u64) -> Duration {
        let cap = self.max.max(FLOOR);
        let growth = self.factor.powi(i32::try_from(attempt).unwrap_or(i32::MAX));
        // In seconds, and finite from here on: even an infinite growth ends at the cap.
        let longest = cap.as_secs_f64();
        let base = (self.initial.max(FLOOR).as_secs_f64() * growth).min(longest);
        let low = base * (1.0 - self.jitter);
        let high = (base * (1.0 + self.jitter)).min(longest);
        // The upper 53 bits are as many as a float can hold: a number in 0.0..1.0.
        let fraction = (entropy >> 11) as f64 / (1_u64 << 53) as f64;
        let delay = Duration::try_from_secs_f64(low + (high - low) * fraction);
        delay.unwrap_or(cap).clamp(FLOOR, cap)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

/// A function of the user's own.
#[derive(Clone)]
pub(crate) struct BackoffFn(Arc<dyn Fn(u32) -> Duration + Send + Sync>);

impl BackoffFn {
    pub(crate) fn new(delay: impl Fn(u32) -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(delay))
    }

    /// The delay after so many failed attempts. Foreign: may panic.
    pub(crate) fn delay(&self, failed: u32) -> Duration {
        (self.0)(failed).max(FLOOR)
    }
}

impl fmt::Debug for BackoffFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackoffFn")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const ENTROPIES: [u64; 5] = [0, 1, u64::MAX / 3, 1 << 63, u64::MAX];

    fn steady() -> Backoff {
        Backoff::new().with_jitter(0.0)
    }

    #[test]
    fn doubles_up_to_the_cap_and_stays_there() {
        let delays: Vec<_> = (0..11).map(|attempt| steady().delay(attempt, 0).as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
        assert_eq!(steady().delay(u32::MAX, 0), Duration::from_secs(30));
    }

    /// Kills jitter that is applied before the cap only, in one direction only, or not at all.
    #[test]
    fn jitter_spreads_every_delay() {
        let backoff = Backoff::new();
        for attempt in [0, 1, 3, 7, 8, 9, 100, u32::MAX] {
            let base = steady().delay(attempt, 0);
            let shortest = base.mul_f64(0.75);
            let longest = base.mul_f64(1.25).min(backoff.max());
            let quarter = (longest - shortest) / 4;
            assert_eq!(backoff.delay(attempt, 0), shortest);
            assert!(backoff.delay(attempt, u64::MAX) > longest - MS);
            let mut random = fastrand::Rng::with_seed(u64::from(attempt));
            let mut quarters = [0; 4];
            for _ in 0..1_000 {
                let delay = backoff.delay(attempt, random.u64(..));
                assert!(shortest <= delay && delay <= longest, "attempt {attempt}: {delay:?}");
                let quarter = (delay - shortest).as_nanos() / quarter.as_nanos().max(1);
                quarters[usize::try_from(quarter).unwrap().min(3)] += 1;
            }
            assert!(quarters.iter().all(|hits| (180..320).contains(hits)), "{attempt}: {quarters:?}");
        }
    }

    #[test]
    fn extremes_stay_within_bounds() {
        let durations = [Duration::ZERO, Duration::from_nanos(1), MS, 100 * MS, Duration::MAX];
        let numbers = [0.0, 0.25, 1.0, 2.0, 1e300, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        for initial in durations {
            for max in durations {
                for number in numbers {
                    let backoff = Backoff::new().with_initial(initial).with_max(max);
                    for backoff in [backoff.clone().with_factor(number), backoff.with_jitter(number)] {
                        for attempt in [0, 1, 31, 32, 63, 64, 1_000, u32::MAX] {
                            for entropy in ENTROPIES {
                                let delay = backoff.delay(attempt, entropy);
                                assert!(delay >= FLOOR, "{backoff:?} spins: {delay:?}");
                                assert!(delay <= max.max(FLOOR), "{backoff:?} is over its cap: {delay:?}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn max_below_initial_wins() {
        let backoff = steady().with_initial(Duration::from_secs(5)).with_max(Duration::from_secs(2));
        assert_eq!(backoff.delay(0, 0), Duration::from_secs(2));
        assert_eq!(steady().with_max(Duration::ZERO).delay(9, 0), FLOOR);
    }

    #[test]
    fn zero_grows_from_the_floor() {
        let backoff = steady().with_initial(Duration::ZERO);
        assert_eq!([0, 1, 3].map(|attempt| backoff.delay(attempt, 0).as_millis()), [1, 2, 8]);
    }

    #[test]
    fn no_cap_grows_until_time_ends() {
        let backoff = steady().with_max(Duration::MAX);
        assert_eq!(backoff.delay(10, 0), 102_400 * MS);
        assert_eq!(backoff.delay(u32::MAX, 0), Duration::MAX);
    }

    #[test]
    fn policy_is_what_was_asked_for() {
        let backoff = Backoff::default().with_initial(MS).with_max(9 * MS).with_factor(3.0).with_jitter(0.5);
        assert_eq!((backoff.initial(), backoff.max()), (MS, 9 * MS));
        assert_eq!((backoff.factor(), backoff.jitter()), (3.0, 0.5));
        assert_eq!(backoff.with_jitter(0.0).delay(1, 0), 3 * MS);
        assert_eq!(Backoff::new().with_factor(f64::NAN).factor(), 1.0);
        assert_eq!(Backoff::new().with_jitter(f64::NAN).jitter(), 0.0);
        assert_eq!(Backoff::new(), Backoff::default());
    }
}
