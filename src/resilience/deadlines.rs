//! Many deadlines behind one timer.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// A lazy queue of deadlines.
///
/// Entries are never removed, only come due: a key may have several, or one that its owner no longer
/// wants. The owner therefore looks at its own state when a key comes due, and sets the next deadline.
#[derive(Debug)]
pub(crate) struct Deadlines<K> {
    heap: BinaryHeap<Reverse<(Instant, K)>>,
}

impl<K: Ord> Default for Deadlines<K> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new() }
    }
}

impl<K: Ord> Deadlines<K> {
    pub(crate) fn set(&mut self, key: K, at: Instant) {
        self.heap.push(Reverse((at, key)));
    }

    /// When the first deadline comes due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes one deadline that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        let Reverse((_, key)) = self.heap.pop()?;
        if self.heap.len() < self.heap.capacity() / 4 {
            self.heap.shrink_to(self.heap.capacity() / 2);
        }
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn comes_due_in_order_and_shrinks() {
        let mut deadlines = Deadlines::default();
        let start = Instant::now();
        for n in (0..1000_u64).rev() {
            deadlines.set(n, start + Duration::from_millis(n));
        }
        assert_eq!(deadlines.next(), Some(start));
        let due: Vec<_> =
            std::iter::from_fn(|| deadlines.pop_due(start + Duration::from_millis(989))).collect();
        assert_eq!(due, (0..990).collect::<Vec<_>>());
        assert!(deadlines.heap.capacity() < 100);
        assert_eq!(deadlines.next(), Some(start + Duration::from_millis(990)));
    }
}
