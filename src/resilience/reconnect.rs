//! The reconnection state machine.

use std::time::{Duration, Instant};

use super::backoff::Backoff;

/// Where a dial stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ReconnectPhase {
    /// No connection, no attempt, and none scheduled yet.
    Disconnected,
    /// Waiting out the delay before the next attempt.
    Backoff {
        /// When that attempt starts.
        until: Instant,
    },
    /// The transport is connecting.
    Connecting,
    /// The transport is connected, and the ZMTP handshake under way.
    Handshaking,
    /// The handshake is done.
    Connected,
    /// No further attempt will be made.
    Stopped,
}

/// The state of reconnecting to one endpoint: phase, failures so far, next delay.
///
/// Pure: the caller brings the time and the random numbers. Only a completed handshake resets the
/// backoff; a peer that accepts and hangs up is a failure like any other.
///
/// ```
/// use monocoque::resilience::{Backoff, ReconnectPhase, ReconnectState};
/// use std::time::{Duration, Instant};
///
/// let mut state = ReconnectState::new(Backoff::new().with_jitter(0.0), Some(2));
/// let now = Instant::now();
/// state.begin_attempt();
/// assert_eq!(state.failed(now, 0), Some(now + Duration::from_millis(100)));
/// state.begin_attempt();
/// assert_eq!(state.failed(now, 0), None);
/// assert_eq!(state.phase(), ReconnectPhase::Stopped);
/// ```
#[derive(Clone, Debug)]
pub struct ReconnectState {
    backoff: Backoff,
    max_attempts: Option<u32>,
    phase: ReconnectPhase,
    /// Attempts that failed in a row.
    attempts: u32,
}

impl ReconnectState {
    /// Starts disconnected; after `max_attempts` failures in a row it stops, `None` for never.
    #[must_use]
    pub fn new(backoff: Backoff, max_attempts: Option<u32>) -> Self {
        Self { backoff, max_attempts, phase: ReconnectPhase::Disconnected, attempts: 0 }
    }

    /// Where the dial stands.
    #[must_use]
    pub fn phase(&self) -> ReconnectPhase {
        self.phase
    }

    /// Attempts that failed in a row.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The delay that the next failure would be followed by.
    #[must_use]
    pub fn next_delay(&self, entropy: u64) -> Duration {
        self.backoff.delay(self.attempts, entropy)
    }

    /// Counts a failed attempt.
    pub fn record_attempt(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
    }

    /// Forgets past failures, as a completed handshake does.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }

    /// An attempt starts.
    pub fn begin_attempt(&mut self) {
        self.enter(ReconnectPhase::Connecting);
    }

    /// The transport is connected.
    pub fn handshaking(&mut self) {
        self.enter(ReconnectPhase::Handshaking);
    }

    /// The handshake is done.
    pub fn connected(&mut self) {
        self.reset();
        self.enter(ReconnectPhase::Connected);
    }

    /// An attempt failed: when to start the next one, or `None` if that was the last.
    pub fn failed(&mut self, now: Instant, entropy: u64) -> Option<Instant> {
        let delay = self.next_delay(entropy);
        self.record_attempt();
        if self.max_attempts.is_some_and(|max| self.attempts >= max) {
            self.stop();
        }
        self.schedule(now, delay)
    }

    /// A connection was lost: when to start the first attempt to restore it.
    pub fn lost(&mut self, now: Instant, entropy: u64) -> Option<Instant> {
        self.schedule(now, self.next_delay(entropy))
    }

    /// No further attempt is to be made.
    pub fn stop(&mut self) {
        self.phase = ReconnectPhase::Stopped;
    }

    fn schedule(&mut self, now: Instant, delay: Duration) -> Option<Instant> {
        // A delay of centuries is as good as a year, and cannot overflow the clock.
        const YEAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);
        let until = now + delay.min(YEAR);
        self.enter(ReconnectPhase::Backoff { until });
        (self.phase != ReconnectPhase::Stopped).then_some(until)
    }

    fn enter(&mut self, phase: ReconnectPhase) {
        if self.phase != ReconnectPhase::Stopped {
            self.phase = phase;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(max_attempts: Option<u32>) -> ReconnectState {
        ReconnectState::new(Backoff::new().with_jitter(0.0), max_attempts)
    }

    fn millis(now: Instant, at: Option<Instant>) -> u128 {
        at.map_or(u128::MAX, |at| (at - now).as_millis())
    }

    #[test]
    fn failures_double_and_only_a_handshake_resets() {
        let (mut state, now) = (state(None), Instant::now());
        for expected in [100, 200, 400] {
            state.begin_attempt();
            state.handshaking();
            assert_eq!(millis(now, state.failed(now, 0)), expected);
            assert!(matches!(state.phase(), ReconnectPhase::Backoff { .. }));
        }
        assert_eq!(state.attempts(), 3);
        state.connected();
        assert_eq!(state.phase(), ReconnectPhase::Connected);
        assert_eq!(millis(now, state.lost(now, 0)), 100);
        assert_eq!(millis(now, state.failed(now, 0)), 100);
    }

    #[test]
    fn stopped_stays_stopped() {
        let (mut state, now) = (state(Some(1)), Instant::now());
        state.begin_attempt();
        assert_eq!(state.failed(now, 0), None);
        state.begin_attempt();
        state.handshaking();
        state.connected();
        assert_eq!(state.phase(), ReconnectPhase::Stopped);
        assert_eq!(state.lost(now, 0), None);
    }

    #[test]
    fn hundreds_of_failures_with_the_longest_delay() {
        let backoff = Backoff::new().with_initial(Duration::MAX).with_max(Duration::MAX);
        let mut state = ReconnectState::new(backoff, None);
        let now = Instant::now();
        for _ in 0..200 {
            assert!(state.failed(now, u64::MAX).is_some());
        }
    }
}
