//! How long those who wait do so, where somebody wants to know.

use std::collections::BTreeMap;
use std::time::Instant;

use super::list::Key;
use super::{List, Waits};
use crate::monitor::WaitTimes;

/// Waits that are over, and when those began that are not.
#[derive(Debug, Default)]
pub(crate) struct Times {
    began: BTreeMap<Key, (Kind, Instant)>,
    send: WaitTimes,
    recv: WaitTimes,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Send,
    Recv,
}

impl Waits {
    /// With times, if somebody wants them.
    pub(crate) fn new(timed: bool) -> Self {
        Self { times: timed.then(Box::default), ..Self::default() }
    }

    /// A call begins to wait, unless it has waited in another list before.
    pub(super) fn begin(&mut self, key: Key, list: List, now: impl FnOnce() -> Instant) {
        let Some(times) = &mut self.times else { return };
        let kind = match list {
            List::Receivers => Kind::Recv,
            // Permits of another's budget are waited for to send.
            List::Room(_) | List::Elsewhere => Kind::Send,
            List::Helpers | List::Written(_) | List::Changes | List::End => return,
        };
        times.began.entry(key).or_insert_with(|| (kind, now()));
    }

    /// It waits no more.
    pub(super) fn end(&mut self, key: Key, now: impl FnOnce() -> Instant) {
        let Some(times) = &mut self.times else { return };
        let Some((kind, began)) = times.began.remove(&key) else { return };
        let waited = now().saturating_duration_since(began);
        match kind {
            Kind::Send => times.send.record(waited),
            Kind::Recv => times.recv.record(waited),
        }
    }

    /// How long calls have waited to send, and to receive.
    pub(crate) fn times(&self) -> [Option<WaitTimes>; 2] {
        let times = self.times.as_deref();
        [times.map(|times| times.send.clone()), times.map(|times| times.recv.clone())]
    }
}
