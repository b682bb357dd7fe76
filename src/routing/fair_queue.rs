//! Fair queueing: whole messages from each source in turn.

use std::collections::VecDeque;

/// A ring of sources that have something. A source stands in it at most once: its owner pushes it when
/// it gets something, and again after it was served and has more.
#[derive(Debug)]
pub(crate) struct FairQueue<K> {
    ring: VecDeque<K>,
}

impl<K> Default for FairQueue<K> {
    fn default() -> Self {
        Self { ring: VecDeque::new() }
    }
}

impl<K: PartialEq> FairQueue<K> {
    pub(crate) fn push(&mut self, source: K) {
        self.ring.push_back(source);
    }

    /// The source whose turn it is.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<K> {
        self.ring.pop_front()
    }

    pub(crate) fn remove(&mut self, source: K) {
        self.ring.retain(|other| *other != source);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_gets_its_turn() {
        let mut left = [("a", 3), ("b", 1), ("c", 2)];
        let mut queue = FairQueue::default();
        left.iter().for_each(|(source, _)| queue.push(*source));
        let mut served = String::new();
        while let Some(source) = queue.pop() {
            served.push_str(source);
            let (_, left) = left.iter_mut().find(|(other, _)| *other == source).unwrap();
            *left -= 1;
            if *left > 0 {
                queue.push(source);
            }
        }
        assert_eq!(served, "abcaca");
        queue.push("a");
        queue.remove("a");
        assert!(queue.is_empty());
    }
}
