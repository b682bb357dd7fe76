//! The life of one endpoint: connected, lost, waiting, trying again.

use std::time::{Duration, Instant};

use super::Backoff;

/// A delay that an `Instant` can always be moved by; nobody waits longer than a year.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A connection that lasted for less proves nothing, however short the delay before it.
const LONG_ENOUGH: Duration = Duration::from_secs(1);

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
    /// The handshake is done; whether the connection is of use its end will tell.
    Connected,
    /// No further attempt will be made.
    Stopped,
}

/// What a connection was good for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct LostConnection {
    /// How long it lasted after the handshake.
    pub lasted: Duration,
    /// Whether a message, or the answer to a heartbeat, was received on it. That bytes were handed to the
    /// system proves nothing.
    pub received: bool,
}

impl LostConnection {
    /// A connection that lasted for so long, and brought something or not.
    #[must_use]
    pub const fn new(lasted: Duration, received: bool) -> Self {
        Self { lasted, received }
    }
}

/// The state machine behind reconnection, of one endpoint.
///
/// A pure value: it performs nothing, and is told the time and a random number. A failed attempt makes the
/// next delay longer, and only a connection that [was useful](Self::was_useful) makes it short again: a peer
/// that accepts and hangs up, before or after the handshake, is a failure like any other. After
/// `max_attempts` failed attempts in a row it stops.
///
/// A call that does not fit the phase does no harm: a stopped state stays stopped, and the rest follow the
/// last thing that is known to have happened.
///
/// ```
/// use monocoque::resilience::{Backoff, LostConnection, ReconnectPhase, ReconnectState};
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
/// assert_eq!(state.phase(), ReconnectPhase::Connected);
/// let lost = LostConnection::new(Duration::from_secs(60), false);
/// assert_eq!(state.lost(now, lost, 0), Some(now + Duration::from_millis(100)));
/// assert_eq!(state.attempts(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct ReconnectState {
    backoff: Backoff,
    max_attempts: Option<u32>,
    phase: ReconnectPhase,
    /// Attempts that have failed since the last useful connection.
    attempts: u32,
    /// How often the delay has grown since then: `attempts`, and one more for that connection.
    step: u32,
    /// The last delay.
    delay: Duration,
}

impl ReconnectState {
    /// Disconnected, and ready for the first attempt.
    ///
    /// `max_attempts` is how many attempts may fail in a row before it stops: `None` for any number,
    /// `Some(0)` for an endpoint that is not restored once lost.
    #[must_use]
    pub const fn new(backoff: Backoff, max_attempts: Option<u32>) -> Self {
        Self {
            backoff,
            max_attempts,
            phase: ReconnectPhase::Disconnected,
            attempts: 0,
            step: 0,
            delay: Duration::ZERO,
        }
    }

    /// Where the endpoint stands.
    #[must_use]
    pub const fn phase(&self) -> ReconnectPhase {
        self.phase
    }

    /// Attempts that have failed since the last useful connection, short connections among them.
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
        self.delay = Duration::ZERO;
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
        self.enter(ReconnectPhase::Connected);
    }

    /// Whether a connection that ends now was worth the attempts before it: something was received on it, or
    /// it lasted for longer than the last delay, and for a second.
    #[must_use]
    pub fn was_useful(&self, lost: LostConnection) -> bool {
        lost.received || lost.lasted >= LONG_ENOUGH && lost.lasted > self.delay
    }

    /// The attempt has failed: when to begin the next one, or `None` if that was the last.
    ///
    /// A connection that was up has then been of no use.
    pub fn failed(&mut self, now: Instant, entropy: u64) -> Option<Instant> {
        self.failed_after(now, self.next_delay(entropy))
    }

    /// The same where the delay comes from elsewhere.
    pub(crate) fn failed_after(&mut self, now: Instant, delay: Duration) -> Option<Instant> {
        self.record_attempt();
        self.wait(now, delay)
    }

    /// The connection was lost: when to begin the first attempt to restore it, or `None` if there is to be
    /// none.
    ///
    /// If it was not [useful](Self::was_useful), or in the middle of an attempt, it is the same as
    /// [`failed`](Self::failed).
    pub fn lost(&mut self, now: Instant, lost: LostConnection, entropy: u64) -> Option<Instant> {
        let delay = self.delay_after(Some(lost), entropy);
        self.lost_after(now, lost, delay)
    }

    /// The same where the delay comes from elsewhere.
    pub(crate) fn lost_after(
        &mut self,
        now: Instant,
        lost: LostConnection,
        delay: Duration,
    ) -> Option<Instant> {
        if !self.begins_anew(lost) {
            return self.failed_after(now, delay);
        }
        self.reset();
        self.step = self.step.saturating_add(1);
        if self.is_exhausted() {
            self.stop();
        }
        self.wait(now, delay)
    }

    /// How often the delay has grown by the next attempt, if a connection ends now, or an attempt.
    pub(crate) fn step_after(&self, lost: Option<LostConnection>) -> u32 {
        if lost.is_some_and(|lost| self.begins_anew(lost)) { 0 } else { self.step }
    }

    /// The delay that the backoff has for that.
    pub(crate) fn delay_after(&self, lost: Option<LostConnection>, entropy: u64) -> Duration {
        self.backoff.delay(self.step_after(lost), entropy)
    }

    fn begins_anew(&self, lost: LostConnection) -> bool {
        self.phase == ReconnectPhase::Connected && self.was_useful(lost)
    }

    /// The next attempt has to wait once more, which is no failure.
    pub(crate) fn put_off(&mut self, now: Instant, entropy: u64) -> Instant {
        let delay = self.backoff.delay(u32::MAX, entropy).min(YEAR);
        let until = now + delay;
        self.enter(ReconnectPhase::Backoff { until });
        until
    }

    /// No further attempt is wanted: the endpoint was taken away, or trying again cannot help.
    pub fn stop(&mut self) {
        self.phase = ReconnectPhase::Stopped;
    }

    fn is_exhausted(&self) -> bool {
        self.max_attempts.is_some_and(|max| self.attempts >= max)
    }

    fn wait(&mut self, now: Instant, delay: Duration) -> Option<Instant> {
        self.delay = delay.min(YEAR);
        let until = now + self.delay;
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
    const USEFUL: LostConnection = LostConnection { lasted: Duration::ZERO, received: true };
    const USELESS: LostConnection = LostConnection { lasted: Duration::ZERO, received: false };

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
        let until = state.lost(now, USEFUL, ENTROPY).unwrap();
        assert_eq!(state.phase(), ReconnectPhase::Backoff { until });
        state.stop();
        assert_eq!(state.phase(), ReconnectPhase::Stopped);
    }

    /// Kills a reset by a mere connection, or a mere handshake, which would hammer a peer that accepts and
    /// hangs up.
    #[test]
    fn only_a_useful_connection_resets() {
        let mut state = state(None);
        let now = Instant::now();
        for expected in [100, 200, 400, 800] {
            state.begin_attempt();
            state.handshaking();
            assert_eq!(millis(now, state.failed(now, ENTROPY)), Some(expected));
        }
        for expected in [1_600, 3_200] {
            state.begin_attempt();
            state.handshaking();
            state.connected();
            assert_eq!(millis(now, state.lost(now, USELESS, ENTROPY)), Some(expected));
        }
        assert_eq!(state.attempts(), 6);
        state.begin_attempt();
        state.handshaking();
        state.connected();
        assert_eq!(state.attempts(), 6);
        assert_eq!(millis(now, state.lost(now, USEFUL, ENTROPY)), Some(100));
        assert_eq!(state.attempts(), 0);
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
            assert!(state.lost(now, USEFUL, ENTROPY).is_some(), "a useful connection is no failed attempt");
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
        assert_eq!(state.lost(Instant::now(), USEFUL, ENTROPY), None);
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
        assert_eq!((state.failed(now, ENTROPY), state.lost(now, USEFUL, ENTROPY)), (None, None));
        assert_eq!(state.phase(), ReconnectPhase::Stopped);
    }

    /// A connection is as good as no connection if it was of no use, and no better if there was none.
    #[test]
    fn lost_and_failed_agree() {
        let now = Instant::now();
        for (connected, lost) in [(false, USELESS), (false, USEFUL), (true, USELESS)] {
            let mut one = state(None);
            one.begin_attempt();
            if connected {
                one.connected();
            }
            let mut other = one.clone();
            assert_eq!(one.lost(now, lost, ENTROPY), other.failed(now, ENTROPY));
            assert_eq!((one.phase(), one.attempts()), (other.phase(), other.attempts()));
            assert_eq!(one.attempts(), 1);
        }
    }

    /// Something received is enough; without it a second is, or as long as was waited for it.
    #[test]
    fn what_makes_a_connection_useful() {
        let now = Instant::now();
        for (failures, lasted, useful) in
            [(0, 999, false), (0, 1_000, true), (5, 1_600, false), (5, 1_601, true)]
        {
            let mut state = state(None);
            for _ in 0..failures {
                state.begin_attempt();
                state.failed(now, ENTROPY);
            }
            state.begin_attempt();
            state.connected();
            let lost = LostConnection { lasted: Duration::from_millis(lasted), received: false };
            assert_eq!(state.was_useful(lost), useful, "{failures} failures, {lasted} ms");
            assert!(state.was_useful(LostConnection { received: true, ..lost }));
            state.lost(now, lost, ENTROPY);
            assert_eq!(state.attempts(), if useful { 0 } else { failures + 1 });
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
        const CALLS: usize = 8;
        const LENGTH: u32 = 6;
        let now = Instant::now();
        for script in 0..CALLS.pow(LENGTH) {
            let mut state = state(Some(3));
            let mut rest = script;
            for _ in 0..LENGTH {
                let stopped = state.phase() == ReconnectPhase::Stopped;
                let ended = match rest % CALLS {
                    0 => Some(state.failed(now, ENTROPY)),
                    1 => Some(state.lost(now, USEFUL, ENTROPY)),
                    2 => Some(state.lost(now, USELESS, ENTROPY)),
                    call => {
                        let calls = [
                            ReconnectState::begin_attempt,
                            ReconnectState::handshaking,
                            ReconnectState::connected,
                            ReconnectState::reset,
                            ReconnectState::stop,
                        ];
                        calls[call - 3](&mut state);
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
