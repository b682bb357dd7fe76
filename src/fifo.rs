//! A queue whose memory follows what is in it.

use std::collections::VecDeque;
use std::collections::vec_deque::{IntoIter, Iter, IterMut};

/// First in, first out, with room for at most twice as many as there are, or for [`KEPT`](Self::KEPT).
///
/// A `VecDeque` never gives anything back by itself, and what one backlog took would be kept until the queue is
/// empty: the memory behind a byte mark is to follow the bytes.
#[derive(Debug)]
pub(crate) struct Fifo<T>(VecDeque<T>);

impl<T> Fifo<T> {
    /// Room that a queue may keep whatever is in it: enough for what the default marks let in, so that there
    /// nothing is ever moved but to grow.
    pub(crate) const KEPT: usize = 1024;

    pub(crate) const fn new() -> Self {
        Self(VecDeque::new())
    }

    #[inline]
    pub(crate) fn push_back(&mut self, item: T) {
        self.make_room();
        self.0.push_back(item);
    }

    pub(crate) fn push_front(&mut self, item: T) {
        self.make_room();
        self.0.push_front(item);
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let item = self.0.pop_front();
        if self.0.capacity() > Self::KEPT.max(2 * self.0.len()) {
            self.shrink();
        }
        item
    }

    #[inline]
    fn make_room(&mut self) {
        if self.0.len() == self.0.capacity() {
            self.grow();
        }
    }

    /// By a half: by itself a `VecDeque` doubles, and could not be let shrink without growing at once again.
    #[inline(never)]
    fn grow(&mut self) {
        self.0.reserve_exact((self.0.len() / 2).max(4));
    }

    #[inline(never)]
    fn shrink(&mut self) {
        self.0.shrink_to((self.0.len() + self.0.len() / 2).max(Self::KEPT));
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(crate) fn front(&self) -> Option<&T> {
        self.0.front()
    }

    #[inline]
    pub(crate) fn front_mut(&mut self) -> Option<&mut T> {
        self.0.front_mut()
    }

    #[inline]
    pub(crate) fn back_mut(&mut self) -> Option<&mut T> {
        self.0.back_mut()
    }

    pub(crate) fn iter(&self) -> Iter<'_, T> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> IterMut<'_, T> {
        self.0.iter_mut()
    }

    /// Moves all of `other` behind what is here.
    pub(crate) fn append(&mut self, other: &mut Self) {
        self.0.reserve_exact(other.0.len());
        self.0.append(&mut other.0);
    }

    /// Items that there is memory for.
    pub(crate) fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl<T> Default for Fifo<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> IntoIterator for Fifo<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kills keeping what a backlog took, and moving everything again and again at one length.
    #[test]
    fn memory_follows_what_is_queued() {
        let mut queue = Fifo::new();
        let bound = |queue: &Fifo<usize>| queue.capacity() <= (2 * queue.len()).max(Fifo::<usize>::KEPT);
        for n in 0..100_000 {
            queue.push_back(n);
            assert!(bound(&queue), "{} for {}", queue.capacity(), queue.len());
        }
        let before = queue.capacity();
        for n in 0..50_000 {
            queue.push_back(n);
            queue.pop_front();
        }
        assert_eq!(queue.capacity(), before, "at one length nothing moves");
        for n in 50_000..100_000 {
            assert_eq!(queue.pop_front(), Some(n));
            assert!(bound(&queue), "{} for {}", queue.capacity(), queue.len());
        }
        assert_eq!((0..50_000).find(|n| queue.pop_front() != Some(*n)), None);
        assert!(queue.is_empty() && queue.capacity() <= Fifo::<usize>::KEPT);
    }

    #[test]
    fn what_comes_back_goes_in_front() {
        let mut queue = Fifo::default();
        queue.push_back(2);
        queue.push_front(1);
        let mut more = Fifo::new();
        more.push_back(3);
        queue.append(&mut more);
        assert!(more.is_empty());
        assert_eq!(queue.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    }
}
