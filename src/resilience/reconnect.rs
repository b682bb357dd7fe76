//! The life of one endpoint: connected, lost, waiting, trying again.

use std::time::{Duration, Instant};

use super::Backoff;

/// A delay that an `Instant` can always be moved by; nobody waits longer than a year.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Where an endpoint stands in the cycle of [`ReconnectState`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ReconnectPhase {
    /// No connection, and no time set for the next attempt: it may begin at once.
    Disconnected,
    /// No connection: the next attempt waits for its time.
    Backoff {
        /// When that is.
        until: Instant,
    },
    /// An attempt is under way: the name is resolved, the transport connected.
    Connecting,
    /// The transport is connected, the ZMTP handshake under way.
    Handshaking,
    /// The handshake is done.
    Connected,
    /// No further attempt will be made.
    Stopped,
}

/// The state machine behind reconnection, of one endpoint.
///
/// A pure value: it performs nothing, and is told the time and a random number. A failed attempt makes the
/// next delay longer, and only a completed handshake makes it short again: a peer that accepts and hangs
/// up is a failure like any other. After `max_attempts` failed attempts in a row it stops.
///
/// A call that does not fit the phase does no harm: a stopped state stays stopped, and the rest follow the
/// last thing that is known to have happened.
///
/// ```
/// use monocoque::resilience::{Backoff, ReconnectPhase, ReconnectState};
/// use std::time::{Duration, Instant};
///
/// let mut state = ReconnectState::new(Backoff::new().with_jitter(0.0), Some(3));
/// let now = Instant::now();
///
/// state.begin_attempt();
/// assert_eq!(state.failed(now, 0), Some(now + Duration::from_millis(100)));
/// state.begin_attempt();
/// state.handshaking();
/// assert_eq!(state.failed(now, 0), Some(now + Duration::from_millis(200)));
///
/// state.begin_attempt();
/// state.handshaking();
/// state.connected();
/// assert_eq!((state.phase(), state.attempts()), (ReconnectPhase::Connected, 0));
/// assert_eq!(state.lost(now, 0), Some(now + Duration::from_millis(100)));
/// ```
#[derive(Clone, Debug)]
pub struct ReconnectState {
    backoff: Backoff,
    max_attempts: Option<u32>,
    phase: ReconnectPhase,
    /// Attempts that have failed since the last completed handshake.
    attempts: u32,
    /// How often the delay has grown since then: `attempts`, and one more if a connection was lost.
    step: u32,
}

impl ReconnectState {
    /// Disconnected, and ready for the first attempt.
    ///
    /// `max_attempts` is how many attempts may fail in a row before it stops: `None` for any number,
    /// `Some(0)` for an endpoint that is not restored once lost.
    #[must_use]
    pub const fn new(backoff: Backoff, max_attempts: Option<u32>) -> Self {
        Self { backoff, max_attempts, phase: ReconnectPhase::Disconnected, attempts: 0, step: 0 }
    }

    /// Where the endpoint stands.
    #[must_use]
    pub const fn phase(&self) -> ReconnectPhase {
        self.phase
    }

    /// Attempts that have failed since the last completed handshake.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The delay that precedes the next attempt if the connection or the attempt ends now.
    ///
    /// `entropy` is a random number, evenly distributed over all of `u64`.
    #[must_use]
    pub fn next_delay(&self, entropy: u64) -> Duration {
        self.backoff.delay(self.step, entropy)
    }

    /// Counts a failed attempt, for those who wait by themselves; [`failed`](Self::failed) does it too.
    pub fn record_attempt(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        self.step = self.step.saturating_add(1);
        if self.is_exhausted() {
            self.stop();
        }
    }

    /// Forgets all failures: the next delay is the first one, and an endpoint that waits or has stopped may
    /// be tried again at once.
    pub fn reset(&mut self) {
        self.attempts = 0;
        self.step = 0;
        if matches!(self.phase, ReconnectPhase::Backoff { .. } | ReconnectPhase::Stopped) {
            self.phase = ReconnectPhase::Disconnected;
        }
    }

    /// An attempt begins; before its time too, if somebody cannot wait.
    pub fn begin_attempt(&mut self) {
        self.enter(ReconnectPhase::Connecting);
    }

    /// The transport is connected, and the handshake begins.
    pub fn handshaking(&mut self) {
        self.enter(ReconnectPhase::Handshaking);
    }

    /// The handshake is complete.
    pub fn connected(&mut self) {
        if self.phase != ReconnectPhase::Stopped {
            self.reset();
            self.phase = ReconnectPhase::Connected;
        }
    }

    /// The attempt has failed: when to begin the next one, or `None` if that was the last.
    ///
    /// Of a connection that was up it is the same as [`lost`](Self::lost).
    pub fn failed(&mut self, now: Instant, entropy: u64) -> Option<Instant> {
        if self.phase == ReconnectPhase::Connected {
            return self.lost(now, entropy);
        }
        let delay = self.next_delay(entropy);
        self.record_attempt();
        self.wait(now, delay)
    }

    /// The connection was lost: when to begin the first attempt to restore it, or `None` if there is to be
    /// none.
    ///
    /// In the middle of an attempt it is the same as [`failed`](Self::failed).
    pub fn lost(&mut self, now: Instant, entropy: u64) -> Option<Instant> {
        if self.phase != ReconnectPhase::Connected {
            return self.failed(now, entropy);
        }
        let delay = self.next_delay(entropy);
        self.step = self.step.saturating_add(1);
        if self.is_exhausted() {
            self.stop();
        }
        self.wait(now, delay)
    }

    /// No further attempt is wanted: the endpoint was taken away, or trying again cannot help.
    pub fn stop(&mut self) {
        self.phase = ReconnectPhase::Stopped;
    }

    fn is_exhausted(&self) -> bool {
        self.max_attempts.is_some_and(|max| self.attempts >= max)
    }

    fn wait(&mut self, now: Instant, delay: Duration) -> Option<Instant> {
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

    const ENTROPY: u64 = 1 << 63;

    fn state(max_attempts: Option<u32>) -> ReconnectState {
        ReconnectState::new(Backoff::new().with_jitter(0.0), max_attempts)
    }

    fn millis(now: Instant, at: Option<Instant>) -> Option<u128> {
        at.map(|at| (at - now).as_millis())
    }

    #[test]
    fn each_phase_follows_what_happened() {
        let mut state = state(None);
        let now = Instant::now();
        assert_eq!(state.phase(), ReconnectPhase::Disconnected);
        state.begin_attempt();
        assert_eq!(state.phase(), ReconnectPhase::Connecting);
        state.handshaking();
        assert_eq!(state.phase(), ReconnectPhase::Handshaking);
        let until = state.failed(now, ENTROPY).unwrap();
        assert_eq!(state.phase(), ReconnectPhase::Backoff { until });
        state.begin_attempt();
        state.handshaking();
        state.connected();
        assert_eq!(state.phase(), ReconnectPhase::Connected);
        let until = state.lost(now, ENTROPY).unwrap();
        assert_eq!(state.phase(), ReconnectPhase::Backoff { until });
        state.stop();
        assert_eq!(state.phase(), ReconnectPhase::Stopped);
    }

    /// Kills a reset by a mere connection, which would hammer a peer that accepts and hangs up.
    #[test]
    fn only_a_completed_handshake_resets() {
        let mut state = state(None);
        let now = Instant::now();
        for expected in [100, 200, 400, 800] {
            state.begin_attempt();
            state.handshaking();
            assert_eq!(millis(now, state.failed(now, ENTROPY)), Some(expected));
        }
        assert_eq!(state.attempts(), 4);
        state.begin_attempt();
        state.handshaking();
        assert_eq!(state.attempts(), 4);
        state.connected();
        assert_eq!(state.attempts(), 0);
        assert_eq!(millis(now, state.lost(now, ENTROPY)), Some(100));
        for expected in [200, 400] {
            state.begin_attempt();
            assert_eq!(millis(now, state.failed(now, ENTROPY)), Some(expected));
        }
    }

    #[test]
    fn gives_up_after_max_attempts_in_a_row() {
        let mut state = state(Some(2));
        let now = Instant::now();
        for _ in 0..3 {
            state.begin_attempt();
            assert!(state.failed(now, ENTROPY).is_some());
            state.begin_attempt();
            state.handshaking();
            state.connected();
            assert!(state.lost(now, ENTROPY).is_some(), "a lost connection is no failed attempt");
        }
        state.begin_attempt();
        assert!(state.failed(now, ENTROPY).is_some());
        state.begin_attempt();
        assert_eq!(state.failed(now, ENTROPY), None);
        assert_eq!((state.phase(), state.attempts()), (ReconnectPhase::Stopped, 2));
        state.reset();
        assert_eq!((state.phase(), state.attempts()), (ReconnectPhase::Disconnected, 0));
    }

    #[test]
    fn zero_attempts_never_restore() {
        let mut state = state(Some(0));
        state.begin_attempt();
        state.connected();
        assert_eq!(state.lost(Instant::now(), ENTROPY), None);
        assert_eq!(state.phase(), ReconnectPhase::Stopped);
    }

    #[test]
    fn stopped_stays_stopped() {
        let mut state = state(None);
        let now = Instant::now();
        state.stop();
        state.begin_attempt();
        state.handshaking();
        state.connected();
        assert_eq!((state.failed(now, ENTROPY), state.lost(now, ENTROPY)), (None, None));
        assert_eq!(state.phase(), ReconnectPhase::Stopped);
    }

    /// Which of the two is called does not matter: the phase knows what has ended.
    #[test]
    fn lost_and_failed_agree() {
        let now = Instant::now();
        for connected in [false, true] {
            let mut one = state(None);
            one.begin_attempt();
            if connected {
                one.connected();
            }
            let mut other = one.clone();
            assert_eq!(one.lost(now, ENTROPY), other.failed(now, ENTROPY));
            assert_eq!((one.phase(), one.attempts()), (other.phase(), other.attempts()));
            assert_eq!(one.attempts(), u32::from(!connected));
        }
    }

    /// The lazy form: the caller waits by itself, and reports what became of it.
    #[test]
    fn driven_by_hand() {
        let mut state = state(Some(3));
        for expected in [100, 200, 400] {
            assert_eq!(state.next_delay(ENTROPY).as_millis(), expected);
            assert_ne!(state.phase(), ReconnectPhase::Stopped);
            state.record_attempt();
        }
        assert_eq!(state.phase(), ReconnectPhase::Stopped);
        state.reset();
        assert_eq!(state.next_delay(ENTROPY).as_millis(), 100);
    }

    #[test]
    fn a_delay_without_end_does_not_overflow_the_clock() {
        let backoff = Backoff::new().with_initial(Duration::MAX).with_max(Duration::MAX);
        let mut state = ReconnectState::new(backoff, None);
        let now = Instant::now();
        assert!(state.failed(now, u64::MAX).is_some_and(|at| at > now));
    }

    /// Every sequence of six calls: no panic, and until it has stopped, the end of a connection or
    /// of an attempt always leads to another attempt, within the bounds of the policy.
    #[test]
    fn every_sequence_of_calls_is_harmless() {
        const CALLS: usize = 7;
        const LENGTH: u32 = 6;
        let now = Instant::now();
        for script in 0..CALLS.pow(LENGTH) {
            let mut state = state(Some(3));
            let mut rest = script;
            for _ in 0..LENGTH {
                let stopped = state.phase() == ReconnectPhase::Stopped;
                let ended = match rest % CALLS {
                    0 => Some(state.failed(now, ENTROPY)),
                    1 => Some(state.lost(now, ENTROPY)),
                    call => {
                        let calls = [
                            ReconnectState::begin_attempt,
                            ReconnectState::handshaking,
                            ReconnectState::connected,
                            ReconnectState::reset,
                            ReconnectState::stop,
                        ];
                        calls[call - 2](&mut state);
                        None
                    }
                };
                if let Some(next) = ended {
                    assert_eq!(next.is_none(), stopped || state.attempts() >= 3);
                    assert!(next.is_none_or(|at| at > now && at <= now + Duration::from_secs(30)));
                    assert_eq!(next.is_none(), state.phase() == ReconnectPhase::Stopped);
                }
                rest /= CALLS;
            }
        }
    }
}
