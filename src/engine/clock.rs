//! Deadlines behind the one timer of a companion.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::monitor::PeerId;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Timer {
    /// Handshake, heartbeat and frame progress of a connection.
    Peer(PeerId),
    /// The end of a departing connection's patience.
    Depart(PeerId),
    /// Another look at the stream of a connection that has ended.
    Ending(PeerId),
    /// The next attempt of a dial.
    Dial(u32),
    /// Another look at what a recently active receiver left unread.
    ReadAhead,
    /// A look at what others were told of and may not have come for.
    Told,
    /// The end of linger.
    Linger,
    /// The first message that waits for a peer has waited too long.
    Expire,
    /// The end of the patience with those who make others wait.
    Starved,
    /// A look at memory that is kept for large payloads.
    Recycled,
    /// The time limit of a call.
    Limit(u64),
}

/// Deadlines by key: each key has one, or none. Memory is that of the deadlines that are pending.
///
/// Only the companion knows the time. What others begin starts to run with its next
/// [`look`](Self::look): deadlines are generous, and nobody else reads a clock.
#[derive(Clone, Debug)]
pub(crate) struct Clock<K> {
    /// In the order in which they come due; equal ones in the order in which they were set.
    due: BTreeMap<(Instant, u64), K>,
    set: BTreeMap<K, (Instant, u64)>,
    /// Those that have not begun to run.
    begun: BTreeMap<K, Duration>,
    next_order: u64,
}

impl<K: Copy + Ord> Clock<K> {
    /// Lets `key` come due at `at`, and not when it was to come due before.
    pub(crate) fn set(&mut self, key: K, at: Instant) {
        self.cancel(key);
        let place = (at, self.next_order);
        self.next_order += 1;
        self.due.insert(place, key);
        self.set.insert(key, place);
    }

    /// The same, unless it comes due earlier anyway.
    pub(crate) fn advance(&mut self, key: K, at: Instant) {
        if self.set.get(&key).is_none_or(|(planned, _)| at < *planned) {
            self.set(key, at);
        }
    }

    /// Lets `key` come due `after` so long, from the next look on.
    pub(crate) fn begin(&mut self, key: K, after: Duration) {
        self.cancel(key);
        self.begun.insert(key, after);
    }

    /// `key` does not come due any more.
    pub(crate) fn cancel(&mut self, key: K) {
        self.begun.remove(&key);
        if let Some(place) = self.set.remove(&key) {
            self.due.remove(&place);
        }
    }

    /// It is `now`: what was begun since the last look starts to run.
    pub(crate) fn look(&mut self, now: Instant) {
        for (key, after) in std::mem::take(&mut self.begun) {
            self.set(key, later(now, after));
        }
    }

    /// The time that the timer is to be set to.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the earliest key that is due at `now`; to be called until it returns `None`.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        let (_, key) = self.due.pop_first()?;
        self.set.remove(&key);
        Some(key)
    }
}

impl<K> Default for Clock<K> {
    fn default() -> Self {
        Self { due: BTreeMap::new(), set: BTreeMap::new(), begun: BTreeMap::new(), next_order: 0 }
    }
}

/// `now + by`, or so far ahead that it never comes.
pub(crate) fn later(now: Instant, by: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);
    now + by.min(FAR)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn due(clock: &mut Clock<char>, now: Instant) -> String {
        std::iter::from_fn(|| clock.pop_due(now)).collect()
    }

    #[test]
    fn due_in_order_of_time_then_of_setting() {
        let start = Instant::now();
        let mut clock = Clock::default();
        assert_eq!((clock.next(), clock.pop_due(start + ms(9))), (None, None));
        for (key, at) in [('c', 3), ('a', 1), ('z', 2), ('b', 2), ('l', 50)] {
            clock.set(key, start + ms(at));
        }
        assert_eq!(clock.next(), Some(start + ms(1)));
        assert_eq!(due(&mut clock, start), "");
        assert_eq!(due(&mut clock, start + ms(3)), "azbc");
        assert_eq!(clock.next(), Some(start + ms(50)));
    }

    #[test]
    fn a_key_has_one_deadline_which_can_move_both_ways_and_go() {
        let start = Instant::now();
        let mut clock = Clock::default();
        for at in [10, 30, 20] {
            clock.set('a', start + ms(at));
        }
        assert_eq!(clock.next(), Some(start + ms(20)));
        clock.advance('a', start + ms(25));
        assert_eq!(clock.next(), Some(start + ms(20)));
        clock.advance('a', start + ms(5));
        assert_eq!(clock.next(), Some(start + ms(5)));
        clock.cancel('a');
        assert_eq!((clock.next(), clock.pop_due(start + ms(99))), (None, None));
    }

    #[test]
    fn what_is_begun_runs_from_the_next_look_on() {
        let start = Instant::now();
        let mut clock = Clock::default();
        clock.begin('a', ms(10));
        clock.begin('b', ms(10));
        clock.begin('c', Duration::MAX);
        assert_eq!((clock.next(), clock.pop_due(start + ms(99))), (None, None));
        clock.cancel('b');
        clock.look(start + ms(5));
        clock.look(start + ms(6));
        assert_eq!(clock.next(), Some(start + ms(15)));
        assert_eq!(due(&mut clock, start + ms(15)), "a");
        assert!(clock.next().is_some_and(|at| at > start + ms(1_000_000)));
    }

    /// Against one plain map: what is pending, when, and nothing else is kept.
    #[test]
    fn does_what_a_map_does() {
        let start = Instant::now();
        let mut random = fastrand::Rng::with_seed(7);
        let mut clock = Clock::default();
        let mut model: HashMap<u8, Result<Instant, Duration>> = HashMap::new();
        let mut now = start;
        for _ in 0..50_000 {
            let (key, by) = (random.u8(..20), ms(random.u64(..50)));
            match random.u8(..10) {
                0..3 => {
                    clock.set(key, now + by);
                    model.insert(key, Ok(now + by));
                }
                3..5 => {
                    clock.begin(key, by);
                    model.insert(key, Err(by));
                }
                5..7 => {
                    clock.cancel(key);
                    model.remove(&key);
                }
                _ => {
                    now += by / 4;
                    clock.look(now);
                    model.values_mut().for_each(|at| *at = Ok(at.unwrap_or_else(|after| now + after)));
                    let mut last = start;
                    while let Some(key) = clock.pop_due(now) {
                        let at = model.remove(&key).unwrap().unwrap();
                        assert!(last <= at && at <= now);
                        last = at;
                    }
                }
            }
            let pending = || model.values().filter_map(|at| at.ok());
            assert_eq!(clock.next(), pending().min());
            assert_eq!((clock.due.len(), clock.set.len()), (pending().count(), pending().count()));
            assert_eq!(clock.due.len() + clock.begun.len(), model.len());
        }
    }
}
