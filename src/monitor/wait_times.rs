//! How long calls waited.

use std::time::Duration;

const MICROS: [u64; WaitTimes::BOUNDS] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
    2_000_000, 5_000_000, 10_000_000,
];

/// How long calls that had to wait waited, as a histogram: from 100 microseconds to 10 seconds in steps of 1, 2 and 5.
///
/// Calls that found at once what they wanted are not in it, and cost nothing. Those that gave up, by a time limit or
/// because they were dropped, are.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct WaitTimes {
    /// By the bound that they did not exceed; the last are those that exceeded all.
    counts: [u64; Self::BOUNDS + 1],
    total: Duration,
}

impl WaitTimes {
    const BOUNDS: usize = 16;

    pub(crate) fn record(&mut self, waited: Duration) {
        let place = MICROS.partition_point(|bound| Duration::from_micros(*bound) < waited);
        self.counts[place] += 1;
        self.total = self.total.saturating_add(waited);
    }

    /// How many calls have waited.
    ///
    /// [`with_wait_times`](crate::SocketOptions::with_wait_times) shows where they come from.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How long they have waited, all together.
    #[doc = example!(r#"# let options = SocketOptions::default().with_wait_times(true);
let pull = PullSocket::bind_with_options("inproc://mean-wait", options).await?;
# let limit = std::time::Duration::from_millis(5);
# assert!(tokio::time::timeout(limit, pull.recv()).await.is_err());
let waits = pull.stats().recv_waits.unwrap_or_default();
if waits.count() > 0 {
    println!("{:?} on average", waits.total() / waits.count() as u32);
}
# assert!(waits.total() > std::time::Duration::ZERO);"#)]
    #[must_use]
    pub fn total(&self) -> Duration {
        self.total
    }

    /// Each bound and how many calls have waited for no longer, the shorter waits among them; the bound `None`, which
    /// is the last, has them all.
    ///
    /// ```
    /// use monocoque::monitor::WaitTimes;
    ///
    /// // As Prometheus has its histograms: each bucket with those below it, and the last with all.
    /// let waits = WaitTimes::default();
    /// let buckets: Vec<_> = waits.cumulative().collect();
    /// assert_eq!((buckets.len(), buckets.last()), (17, Some(&(None, waits.count()))));
    /// ```
    pub fn cumulative(&self) -> impl Iterator<Item = (Option<Duration>, u64)> + '_ {
        let bounds = MICROS.iter().map(|bound| Some(Duration::from_micros(*bound))).chain([None]);
        bounds.zip(self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        }))
    }

    /// The bound that this fraction of the calls (0.0 to 1.0) did not exceed; `None` if nobody has waited, or that is
    /// more than 10 seconds.
    ///
    /// ```
    /// use monocoque::monitor::WaitTimes;
    ///
    /// let nobody = WaitTimes::default();
    /// assert_eq!((nobody.count(), nobody.quantile(0.99)), (0, None));
    /// ```
    #[must_use]
    pub fn quantile(&self, fraction: f64) -> Option<Duration> {
        let rank = (self.count() as f64 * fraction).ceil().max(1.0);
        self.cumulative().find(|(_, count)| *count as f64 >= rank)?.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(micros: &[u64]) -> WaitTimes {
        let mut times = WaitTimes::default();
        micros.iter().for_each(|micros| times.record(Duration::from_micros(*micros)));
        times
    }

    /// Kills a bound that is passed too early or too late.
    #[test]
    fn each_wait_is_below_its_bound() {
        let times = of(&[0, 100, 101, 200, 10_000_000, 10_000_001]);
        let mut cumulative = times.cumulative();
        assert_eq!(cumulative.next(), Some((Some(Duration::from_micros(100)), 2)));
        assert_eq!(cumulative.next(), Some((Some(Duration::from_micros(200)), 4)));
        let last: Vec<_> = cumulative.skip(13).collect();
        assert_eq!(last, [(Some(Duration::from_secs(10)), 5), (None, 6)]);
        assert_eq!((times.count(), times.total()), (6, Duration::from_micros(20_000_402)));
    }

    #[test]
    fn quantiles_are_bounds() {
        let micros = |fraction| of(&[50, 150, 150, 4_000]).quantile(fraction).map(|bound| bound.as_micros());
        assert_eq!([0.0, 0.25, 0.5, 0.75].map(micros), [Some(100), Some(100), Some(200), Some(200)]);
        assert_eq!([0.76, 1.0].map(micros), [Some(5_000); 2]);
        assert_eq!(of(&[20_000_000]).quantile(0.5), None);
        assert_eq!(of(&[]).quantile(0.5), None);
    }
}
