//! When a dial tries again: the delay, from the backoff or from a function of the user's own, and the budget.
//!
//! The function is foreign and runs without the lock: the companion takes the [`Question`]s along, and comes back with
//! the delays.

use std::time::{Duration, Instant};

use super::base::Base;
use super::clock::Timer;
use super::endpoints::{Dial, Ended, Endpoints};
use super::pattern::Pattern;
use super::shared::Shared;
use crate::foreign::{quietly, unless_it_panics};
use crate::monitor::SocketEvent;
use crate::resilience::LostConnection;
use crate::runtime::AsyncStream;

/// A dial whose delay the user's function is to say, and how many of its attempts have failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    dial: u32,
    failed: u32,
}

/// Asks the user's function, and has the dials scheduled; true if there was one.
pub(super) fn ask<S: AsyncStream>(questions: &[Question], shared: &Shared<S>, now: Instant) -> bool {
    let function =
        if questions.is_empty() { None } else { shared.with(|core| core.base.options.backoff_fn.clone()) };
    let Some(function) = function else { return false };
    for question in questions {
        let delay = unless_it_panics(|| function.delay(question.failed));
        shared.with(|core| core.endpoints.answer_delay(&mut core.base, question.dial, delay, now));
    }
    // It may be the last that holds what the function holds.
    quietly(|| drop(function));
    true
}

impl Endpoints {
    /// The time of a dial has come: begins an attempt, if the budget has one left.
    pub(super) fn retry<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        pattern: &dyn Pattern,
        id: u32,
        now: Instant,
    ) -> Option<u32> {
        let Some(budget) = &base.options.retry_budget else { return self.begin_attempt(base, pattern, id) };
        let dial = self.dial(id).filter(|dial| dial.wants_attempt())?;
        if dial.endpoint.inproc_name().is_some() || budget.withdraw(now) {
            return self.begin_attempt(base, pattern, id);
        }
        let at = dial.reconnect.put_off(now, fastrand::u64(..));
        let endpoint = dial.endpoint.clone();
        base.clock.set(Timer::Dial(id), at);
        base.emit(SocketEvent::RetryPutOff { endpoint, delay: at.saturating_duration_since(now) });
        None
    }

    /// Decides for each dial that ended when it tries again; returns those that the user's function is to decide.
    pub(super) fn schedule_dials<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        now: Instant,
    ) -> Vec<Question> {
        let mut questions = Vec::new();
        let ended = self.dials.iter_mut().filter(|dial| dial.unscheduled.is_some() && !dial.asked);
        let mut due = Vec::new();
        for dial in ended {
            if base.options.backoff_fn.is_some() && !dial.may_redial_at_once() {
                dial.asked = true;
                questions.push(Question { dial: dial.id, failed: dial.failed_before(now) });
            } else {
                due.push(dial.id);
            }
        }
        for id in due {
            self.schedule_dial(base, id, None, now);
        }
        questions
    }

    /// The user's function has said how long to wait; `None` if it has panicked.
    fn answer_delay<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        id: u32,
        delay: Option<Duration>,
        now: Instant,
    ) {
        if let Some(dial) = self.dial(id) {
            dial.asked = false;
            self.schedule_dial(base, id, delay, now);
        }
    }

    fn schedule_dial<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        id: u32,
        delay: Option<Duration>,
        now: Instant,
    ) {
        let Some(dial) = self.dial(id) else { return };
        let Some(ended) = dial.unscheduled.take() else { return };
        let Scheduled { at, short_lived } = dial.schedule(ended, delay, now);
        let (endpoint, cause) = (dial.endpoint.clone(), dial.failure.as_deref().cloned());
        if let Some((lasted, cause)) = short_lived.zip(cause.clone()) {
            base.emit(SocketEvent::ShortLived { endpoint: endpoint.clone(), lasted, cause });
        }
        if let Some(at) = at {
            base.clock.set(Timer::Dial(id), at);
            base.emit(SocketEvent::RetryIn { endpoint, delay: at.saturating_duration_since(now) });
        } else if let Some(cause) = cause {
            base.emit(SocketEvent::ReconnectStopped { endpoint, cause });
            base.none_may_come();
            base.wake_watchers();
        }
    }
}

/// What follows from the end of an attempt or a connection.
struct Scheduled {
    /// When the next attempt begins, if ever.
    at: Option<Instant>,
    /// It was a connection of no use, and lasted for so long.
    short_lived: Option<Duration>,
}

impl Ended {
    /// The connection that ended.
    fn lost(self, now: Instant) -> Option<LostConnection> {
        match self {
            Self::Attempt => None,
            Self::Connection { live_since, received } => {
                let lasted = live_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
                Some(LostConnection { lasted, received })
            }
        }
    }
}

impl Dial {
    /// How many attempts have failed before the one that is to be scheduled.
    fn failed_before(&self, now: Instant) -> u32 {
        self.reconnect.step_after(self.unscheduled.and_then(|ended| ended.lost(now)))
    }

    fn schedule(&mut self, ended: Ended, delay: Option<Duration>, now: Instant) -> Scheduled {
        let lost = ended.lost(now);
        let delay = delay.unwrap_or_else(|| self.reconnect.delay_after(lost, fastrand::u64(..)));
        let (at, short_lived) = match lost {
            None => (self.reconnect.failed_after(now, delay), None),
            Some(lost) => {
                let short_lived = (!self.reconnect.was_useful(lost)).then_some(lost.lasted);
                (self.reconnect.lost_after(now, lost, delay), short_lived)
            }
        };
        Scheduled { at: at.map(|at| if self.may_redial_at_once() { now } else { at }), short_lived }
    }
}
