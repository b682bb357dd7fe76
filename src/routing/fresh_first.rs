//! Sources that may have something, and whose turn is next.
//!
//! Whoever had nothing until its event came goes before those that had a turn and have more, as new flows do in
//! FQ-CoDel (RFC 8290): an answer does not wait for a turn of each of a hundred floods. A flood has a turn after
//! so many of the others at the latest.

use std::collections::VecDeque;

/// Turns in a row of those that had nothing before, while others wait.
const FRESH_IN_ROW: u32 = 64;

#[derive(Debug)]
pub(crate) struct FreshFirst<K> {
    /// Nothing was left of them when their event came.
    fresh: VecDeque<K>,
    /// They had a turn, and there may be more.
    rest: VecDeque<K>,
    /// Turns of the fresh since one of the rest had its own.
    in_row: u32,
}

impl<K: Copy + Eq> FreshFirst<K> {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.rest.is_empty()
    }

    /// The event of a peer that had nothing has come. The caller keeps track of who is there already.
    pub(crate) fn push_fresh(&mut self, id: K) {
        self.fresh.push_back(id);
    }

    /// There may be more of a peer whose turn is over, or that had to wait.
    pub(crate) fn push(&mut self, id: K) {
        self.rest.push_back(id);
    }

    fn is_freshs_turn(&self) -> bool {
        !self.fresh.is_empty() && (self.rest.is_empty() || self.in_row < FRESH_IN_ROW)
    }

    /// Whose turn is next.
    pub(crate) fn next(&self) -> Option<K> {
        let next = if self.is_freshs_turn() { &self.fresh } else { &self.rest };
        next.front().copied()
    }

    /// Takes off whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<K> {
        if self.is_freshs_turn() {
            self.in_row += 1;
            return self.fresh.pop_front();
        }
        self.in_row = 0;
        self.rest.pop_front()
    }

    /// Takes off the next that had nothing before.
    pub(crate) fn pop_fresh(&mut self) -> Option<K> {
        self.fresh.pop_front()
    }

    /// Whether anybody else is there.
    pub(crate) fn has_other_than(&self, id: K) -> bool {
        self.fresh.iter().chain(&self.rest).any(|other| *other != id)
    }

    /// Takes a peer off; those that came last are found first.
    pub(crate) fn remove(&mut self, id: K) {
        for list in [&mut self.fresh, &mut self.rest] {
            if let Some(place) = list.iter().rposition(|other| *other == id) {
                list.remove(place);
            }
        }
    }

    /// Takes off all but those that stay in their place, in order.
    pub(crate) fn take_unless(&mut self, mut stays: impl FnMut(K) -> bool) -> Vec<K> {
        let mut taken = Vec::new();
        for list in [&mut self.fresh, &mut self.rest] {
            list.retain(|id| {
                let stays = stays(*id);
                if !stays {
                    taken.push(*id);
                }
                stays
            });
        }
        taken
    }
}

impl<K> Default for FreshFirst<K> {
    fn default() -> Self {
        Self { fresh: VecDeque::new(), rest: VecDeque::new(), in_row: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> (u32, u32) {
        (number, 0)
    }

    #[test]
    fn who_had_nothing_comes_first() {
        let mut readable = FreshFirst::default();
        (0..3).for_each(|number| readable.push(id(number)));
        readable.push_fresh(id(7));
        readable.push_fresh(id(8));
        assert_eq!(readable.next(), Some(id(7)));
        assert_eq!(readable.pop_fresh(), Some(id(7)));
        let order: Vec<_> = std::iter::from_fn(|| readable.pop()).collect();
        assert_eq!(order, [8, 0, 1, 2].map(id));
        assert!(readable.is_empty());
    }

    /// Each comes back at once, all the time: a flood has its turn all the same.
    #[test]
    fn a_flood_has_a_turn_among_those_that_come_again_and_again() {
        let mut readable = FreshFirst::default();
        readable.push(id(0));
        (1..3).for_each(|number| readable.push_fresh(id(number)));
        let mut turns = [0; 3];
        for _ in 0..10 * (FRESH_IN_ROW + 1) {
            let next = readable.next();
            let popped = readable.pop().unwrap();
            assert_eq!(next, Some(popped));
            let number = (0..3).find(|number| id(*number) == popped).unwrap();
            turns[number as usize] += 1;
            if number == 0 { readable.push(popped) } else { readable.push_fresh(popped) }
        }
        assert_eq!(turns, [10, 5 * FRESH_IN_ROW, 5 * FRESH_IN_ROW]);
    }

    #[test]
    fn who_stays_keeps_its_place() {
        let mut readable = FreshFirst::default();
        (0..4).for_each(|number| readable.push(id(number)));
        (4..8).for_each(|number| readable.push_fresh(id(number)));
        let taken = readable.take_unless(|peer| peer == id(1) || peer == id(5));
        assert_eq!(taken, [4, 6, 7, 0, 2, 3].map(id));
        assert!(readable.has_other_than(id(5)) && !readable.is_empty());
        readable.remove(id(1));
        assert!(!readable.has_other_than(id(5)));
        assert_eq!(readable.pop(), Some(id(5)));
    }
}
