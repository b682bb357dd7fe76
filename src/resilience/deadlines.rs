//! Many deadlines behind one runtime timer.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Below this many entries the heap keeps its memory.
const KEPT_CAPACITY: usize = 64;

/// A queue of deadlines by time, with lazy cancellation.
///
/// Deadlines are never taken back. The contract with the owner of a key is:
/// - it keeps the deadline that counts itself, and at most a few entries here;
/// - when its deadline moves later, it leaves the entry alone; only a deadline that is earlier than every
///   entry it has is set again;
/// - when its key is popped, it compares: no longer wanted, ignored; not yet due, set again; due, acted on.
///
/// So a deadline that moves with every message costs nothing per message and one entry in all.
#[derive(Clone, Debug)]
pub(crate) struct Deadlines<K> {
    heap: BinaryHeap<Entry<K>>,
    /// The number of the next entry: equal deadlines come due in the order in which they were set.
    next_order: u64,
}

#[derive(Clone, Debug)]
struct Entry<K> {
    at: Instant,
    order: u64,
    key: K,
}

impl<K> Deadlines<K> {
    /// Lets `key` come due at `at`, beside whatever was set for it before.
    pub(crate) fn set(&mut self, key: K, at: Instant) {
        self.heap.push(Entry { at, order: self.next_order, key });
        self.next_order += 1;
    }

    /// The time that the runtime timer is to be set to; stale entries count.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// Takes the earliest key that is due at `now`; to be called until it returns `None`.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        let entry = self.heap.pop()?;
        // Half full after shrinking, so that the next few entries do not grow it again.
        if self.heap.capacity() > KEPT_CAPACITY && self.heap.len() <= self.heap.capacity() / 4 {
            self.heap.shrink_to(self.heap.len() * 2);
        }
        Some(entry.key)
    }
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), next_order: 0 }
    }
}

/// Reversed, since [`BinaryHeap`] gives the greatest first; keys need no order of their own.
impl<K> Ord for Entry<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl<K> PartialOrd for Entry<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> PartialEq for Entry<K> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<K> Eq for Entry<K> {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn due_in_order_of_time_then_of_setting() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut deadlines = Deadlines::default();
        assert_eq!((deadlines.next(), deadlines.pop_due(at(9))), (None, None));
        for (key, ms) in [("c", 3), ("a", 1), ("z", 2), ("b", 2), ("late", 50)] {
            deadlines.set(key, at(ms));
        }
        assert_eq!(deadlines.next(), Some(at(1)));
        assert_eq!(deadlines.pop_due(start), None);
        let mut due = Vec::new();
        while let Some(key) = deadlines.pop_due(at(3)) {
            due.push(key);
        }
        assert_eq!(due, ["a", "z", "b", "c"]);
        assert_eq!(deadlines.next(), Some(at(50)));
    }

    /// The owner's part of the contract: one entry, however often the deadline moves.
    #[test]
    fn a_moving_deadline_is_set_again_when_it_comes_up() {
        let start = Instant::now();
        let mut wanted = start + Duration::from_millis(10);
        let mut deadlines = Deadlines::default();
        deadlines.set((), wanted);
        let mut fired = None;
        for ms in 0..100 {
            let now = start + Duration::from_millis(ms);
            if ms < 50 {
                wanted = now + Duration::from_millis(10); // traffic
            }
            while deadlines.pop_due(now).is_some() {
                if wanted <= now {
                    fired = fired.or(Some(ms));
                } else {
                    deadlines.set((), wanted);
                }
            }
            assert!(deadlines.heap.len() <= 1);
        }
        assert_eq!(fired, Some(59));
    }

    #[test]
    fn memory_of_a_burst_is_given_back() {
        let now = Instant::now();
        let mut deadlines = Deadlines::default();
        for key in 0..10_000 {
            deadlines.set(key, now);
        }
        for key in 0..10_000 {
            assert_eq!(deadlines.pop_due(now), Some(key));
        }
        assert!(deadlines.heap.capacity() <= KEPT_CAPACITY);
    }
}
