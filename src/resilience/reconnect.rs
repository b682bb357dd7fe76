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
    ///
    /// [`was_useful`](ReconnectState::was_useful) says what it decides.
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
    ///
    /// ```
    /// use monocoque::resilience::{Backoff, ReconnectPhase, ReconnectState};
    /// use std::time::Instant;
    ///
    /// let mut state = ReconnectState::new(Backoff::new(), Some(1));
    /// state.begin_attempt();
    /// assert_eq!(state.failed(Instant::now(), 0), None, "one failure is all that it may have");
    /// assert_eq!(state.phase(), ReconnectPhase::Stopped);
    /// ```
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
    ///
    /// [`ReconnectState`] shows it.
    #[must_use]
    pub const fn phase(&self) -> ReconnectPhase {
        self.phase
    }

    /// Attempts that have failed since the last useful connection, short connections among them.
    ///
    /// [`ReconnectState`] shows it.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The delay that precedes the next attempt if the connection or the attempt ends now.
    ///
    /// `entropy` is a random number, evenly distributed over all of `u64`.
    ///
    /// ```
    /// use monocoque::resilience::{Backoff, ReconnectState};
    ///
    /// let mut state = ReconnectState::new(Backoff::new().with_jitter(0.0), None);
    /// let before = state.next_delay(0);
    /// state.record_attempt();
    /// assert_eq!(state.next_delay(0), before * 2);
    /// ```
    #[must_use]
    pub fn next_delay(&self, entropy: u64) -> Duration {
        self.backoff.delay(self.step, entropy)
    }

    /// Counts a failed attempt, for those who wait by themselves; [`failed`](Self::failed) does it too.
    ///
    /// See [`next_delay`](Self::next_delay).
    pub fn record_attempt(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        self.step = self.step.saturating_add(1);
        if self.is_exhausted() {
            self.stop();
        }
    }

    /// Forgets all failures: the next delay is the first one, and an endpoint that waits or has stopped may
    /// be tried again at once.
    ///
    /// ```
    /// use monocoque::resilience::{Backoff, ReconnectPhase, ReconnectState};
    ///
    /// let mut state = ReconnectState::new(Backoff::new(), Some(1));
    /// state.record_attempt();
    /// assert_eq!(state.phase(), ReconnectPhase::Stopped);
    /// // The user says that it should be tried after all.
    /// state.reset();
    /// assert_eq!((state.phase(), state.attempts()), (ReconnectPhase::Disconnected, 0));
    /// ```
    pub fn reset(&mut self) {
        self.attempts = 0;
        self.step = 0;
        self.delay = Duration::ZERO;
        if matches!(self.phase, ReconnectPhase::Backoff { .. } | ReconnectPhase::Stopped) {
            self.phase = ReconnectPhase::Disconnected;
        }
    }

    /// An attempt begins; before its time too, if somebody cannot wait.
    ///
    /// [`ReconnectState`] shows it among the others.
    pub fn begin_attempt(&mut self) {
        self.enter(ReconnectPhase::Connecting);
    }

    /// The transport is connected, and the handshake begins.
    ///
    /// [`ReconnectState`] shows it among the others.
    pub fn handshaking(&mut self) {
        self.enter(ReconnectPhase::Handshaking);
    }

    /// The handshake is complete.
    ///
    /// [`ReconnectState`] shows it among the others.
    pub fn connected(&mut self) {
        self.enter(ReconnectPhase::Connected);
    }

    /// Whether a connection that ends now was worth the attempts before it: something was received on it, or
    /// it lasted for longer than the last delay, and for a second.
    ///
    /// ```
    /// use monocoque::resilience::{Backoff, LostConnection, ReconnectState};
    /// use std::time::Duration;
    ///
    /// let state = ReconnectState::new(Backoff::new(), None);
    /// let blink = Duration::from_millis(10);
    /// // What accepts and hangs up is no better than what refuses; what has answered is.
    /// assert!(!state.was_useful(LostConnection::new(blink, false)));
    /// assert!(state.was_useful(LostConnection::new(blink, true)));
    /// assert!(state.was_useful(LostConnection::new(Duration::from_secs(2), false)));
    /// ```
    #[must_use]
    pub fn was_useful(&self, lost: LostConnection) -> bool {
        lost.received || lost.lasted >= LONG_ENOUGH && lost.lasted > self.delay
    }

    /// The attempt has failed: when to begin the next one, or `None` if that was the last.
    ///
    /// A connection that was up has then been of no use.
    ///
    /// [`ReconnectState`] shows it among the others.
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
    ///
    /// [`ReconnectState`] shows it among the others.
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
    ///
    /// ```
    /// use monocoque::resilience::{Backoff, ReconnectPhase, ReconnectState};
    ///
    /// let mut state = ReconnectState::new(Backoff::new(), None);
    /// state.stop();
    /// // An attempt that was under way changes nothing any more.
    /// state.connected();
    /// assert_eq!(state.phase(), ReconnectPhase::Stopped);
    /// ```
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
mod tests;
