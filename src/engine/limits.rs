//! Time limits of calls (libzmq's RCVTIMEO and SNDTIMEO): kept by the companion, like all deadlines.

use std::collections::HashMap;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::core::{Core, Timer};
use super::timers::later;
use crate::runtime::AsyncStream;

/// The limit of one call, once it has had to wait.
pub(crate) type LimitKey = Option<u64>;

/// The limits of all calls that wait.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    calls: HashMap<u64, Call>,
    next_key: u64,
    /// Those that began to wait since the companion last looked at the clock.
    fresh: Vec<(u64, Duration)>,
}

#[derive(Debug)]
struct Call {
    waker: Waker,
    expired: bool,
}

impl<S: AsyncStream> Core<S> {
    /// Whether a call that would have to wait has waited for its `limit`; starts its clock if it has not.
    pub(crate) fn limit_expired(
        &mut self,
        key: &mut LimitKey,
        limit: Option<Duration>,
        waker: &Waker,
    ) -> bool {
        let Some(limit) = limit else { return false };
        if let Some(call) = key.and_then(|key| self.limits.calls.get_mut(&key)) {
            call.waker.clone_from(waker);
            return call.expired;
        }
        let fresh = self.limits.next_key;
        self.limits.next_key += 1;
        *key = Some(fresh);
        self.limits.calls.insert(fresh, Call { waker: waker.clone(), expired: false });
        self.limits.fresh.push((fresh, limit));
        self.wake_companion();
        false
    }

    /// The call is over.
    pub(crate) fn forget_limit(&mut self, key: &mut LimitKey) {
        if let Some(key) = key.take() {
            drop(self.limits.calls.remove(&key));
        }
    }

    pub(super) fn start_limits(&mut self, now: Instant) {
        for (key, limit) in std::mem::take(&mut self.limits.fresh) {
            if self.limits.calls.contains_key(&key) {
                self.deadlines.set(Timer::Limit(key), later(now, limit));
            }
        }
    }

    pub(super) fn limit_reached(&mut self, key: u64) {
        if let Some(call) = self.limits.calls.get_mut(&key) {
            call.expired = true;
            let waker = call.waker.clone();
            self.effects.wake(Some(waker));
        }
    }
}
