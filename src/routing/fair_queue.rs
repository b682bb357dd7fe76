//! Fair queueing: whole messages from each source in turn.

use std::collections::VecDeque;

/// A ring of the sources that have something to deliver (libzmq's `fq`).
///
/// Each turn is one whole message, so that frames of two peers never interleave: [`pop`](Self::pop) a
/// source, take one message from it, and [`push`](Self::push) it again if it has more. A flooding source
/// thus gets one turn for each of the others', and sources without anything cost nothing.
#[derive(Clone, Debug)]
pub(crate) struct FairQueue<K> {
    ring: VecDeque<K>,
}

impl<K: Copy + Eq> FairQueue<K> {
    /// Puts a source at the end of the ring.
    ///
    /// The caller keeps track of whether it is there already: one that is pushed twice has two turns.
    #[inline]
    pub(crate) fn push(&mut self, source: K) {
        self.ring.push_back(source);
    }

    /// Takes the source whose turn it is off the ring.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<K> {
        self.ring.pop_front()
    }

    /// The source whose turn it is.
    #[inline]
    pub(crate) fn next(&self) -> Option<K> {
        self.ring.front().copied()
    }

    /// Whether no other source has anything.
    #[inline]
    pub(crate) fn has_only(&self, source: K) -> bool {
        self.ring.len() == 1 && self.next() == Some(source)
    }

    /// Ends the turn of a source that has more.
    #[inline]
    pub(crate) fn advance(&mut self) {
        if self.ring.len() > 1 {
            self.ring.rotate_left(1);
        }
    }

    /// Takes a source off wherever it is; it takes O(n), since peers are lost less often than they deliver.
    pub(crate) fn remove(&mut self, source: K) {
        if let Some(place) = self.ring.iter().position(|other| *other == source) {
            self.ring.remove(place);
        }
    }

    /// Whether no source has anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }
}

impl<K> Default for FairQueue<K> {
    fn default() -> Self {
        Self { ring: VecDeque::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes up to `turns` turns from sources that have `left` messages each.
    fn deliver(queue: &mut FairQueue<usize>, left: &mut [usize], turns: usize) -> Vec<usize> {
        let mut order = Vec::new();
        while let Some(source) = queue.pop() {
            order.push(source);
            left[source] -= 1;
            if left[source] > 0 {
                queue.push(source);
            }
            if order.len() == turns {
                break;
            }
        }
        order
    }

    #[test]
    fn a_flood_gets_one_turn_per_round() {
        let mut left = [1000, 2, 1];
        let mut queue = FairQueue::default();
        (0..3).for_each(|source| queue.push(source));
        assert_eq!(deliver(&mut queue, &mut left, 6), [0, 1, 2, 0, 1, 0]);
        left[2] = 1;
        queue.push(2);
        assert_eq!(deliver(&mut queue, &mut left, 3), [0, 2, 0]);
    }

    #[test]
    fn a_lost_source_has_no_turn() {
        let mut queue = FairQueue::default();
        (0..4).for_each(|source| queue.push(source));
        queue.remove(2);
        queue.remove(0);
        queue.remove(9);
        assert_eq!(deliver(&mut queue, &mut [1; 4], 4), [1, 3]);
        assert!(queue.is_empty() && queue.pop().is_none());
    }
}
