//! Load balancing: round robin over the peers that have room.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use super::{shrink_if_sparse, shrink_vec_if_sparse};

/// Round robin over the active ones of a set of members (libzmq's `lb`).
///
/// A member is active while it may have room. The owner asks for the [`choose`](Self::choose) one, and
/// after giving it a whole message [advances](Self::advance); if it turns out to be full it is
/// [deactivated](Self::deactivate), costs nothing from then on, and takes the last place of the round when
/// it is [activated](Self::activate) again. The order of the others never changes, so that no pattern of
/// filling and draining can starve one of them.
///
/// All operations take O(1), `choose` and `advance` without looking anything up.
#[derive(Clone, Debug)]
pub(crate) struct LoadBalance<K> {
    /// Dense, in no order; the active ones form a doubly linked ring.
    members: Vec<Member<K>>,
    /// Where each member is in `members`.
    places: HashMap<K, usize>,
    /// The member whose turn it is; `None` if none is active.
    current: Option<usize>,
    active: usize,
}

#[derive(Clone, Debug)]
struct Member<K> {
    key: K,
    /// Places of the neighbours in the ring, while it is active.
    links: Option<Links>,
}

#[derive(Clone, Copy, Debug)]
struct Links {
    before: usize,
    after: usize,
}

impl<K: Copy + Eq + Hash> LoadBalance<K> {
    /// Adds a member, active, with the last turn of the round; no change if it is one already.
    pub(crate) fn insert(&mut self, key: K) {
        let place = self.members.len();
        if let Entry::Vacant(entry) = self.places.entry(key) {
            entry.insert(place);
            self.members.push(Member { key, links: None });
            self.link(place);
        }
    }

    /// Takes a member out; no change if it is none.
    pub(crate) fn remove(&mut self, key: K) {
        let Some(place) = self.places.remove(&key) else { return };
        self.unlink(place);
        self.members.swap_remove(place);
        if place < self.members.len() {
            self.moved(self.members.len(), place);
        }
        shrink_if_sparse(&mut self.places);
        shrink_vec_if_sparse(&mut self.members);
    }

    /// A member may have room again: it takes the last turn of the round. No change if it is active.
    pub(crate) fn activate(&mut self, key: K) {
        // The most frequent call by far, and without a search: nobody was full.
        if self.active == self.members.len() {
            return;
        }
        if let Some(&place) = self.places.get(&key) {
            if self.members[place].links.is_none() {
                self.link(place);
            }
        }
    }

    /// A member is full: it is left out until it is activated. If it was its turn, it is now the next's.
    pub(crate) fn deactivate(&mut self, key: K) {
        if let Some(&place) = self.places.get(&key) {
            self.unlink(place);
        }
    }

    /// The member whose turn it is; asking does not end the turn.
    #[inline]
    pub(crate) fn choose(&self) -> Option<K> {
        self.current.map(|place| self.members[place].key)
    }

    /// Ends the turn of the current member.
    #[inline]
    pub(crate) fn advance(&mut self) {
        if let Some(links) = self.current.and_then(|place| self.members[place].links) {
            self.current = Some(links.after);
        }
    }

    /// The member, active or not, if there is only one.
    pub(crate) fn sole_member(&self) -> Option<K> {
        match &self.members[..] {
            [member] => Some(member.key),
            _ => None,
        }
    }

    /// Whether there are no members, active or not.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Puts an inactive member into the ring, just before the current one.
    fn link(&mut self, place: usize) {
        self.active += 1;
        let links = match self.current {
            None => {
                self.current = Some(place);
                Links { before: place, after: place }
            }
            Some(after) => Links { before: self.members[after].links.map_or(after, |l| l.before), after },
        };
        self.members[place].links = Some(links);
        self.close_ring_around(place);
    }

    /// Takes a member out of the ring if it is there.
    fn unlink(&mut self, place: usize) {
        let Some(links) = self.members[place].links.take() else { return };
        self.active -= 1;
        if self.active == 0 {
            self.current = None;
            return;
        }
        self.set_after(links.before, links.after);
        self.set_before(links.after, links.before);
        if self.current == Some(place) {
            self.current = Some(links.after);
        }
    }

    /// The member at `from` is now at `to`: corrects everything that points to it.
    fn moved(&mut self, from: usize, to: usize) {
        self.places.insert(self.members[to].key, to);
        if self.current == Some(from) {
            self.current = Some(to);
        }
        if let Some(links) = &mut self.members[to].links {
            // Alone in the ring, it is its own neighbour.
            for neighbour in [&mut links.before, &mut links.after] {
                if *neighbour == from {
                    *neighbour = to;
                }
            }
            self.close_ring_around(to);
        }
    }

    /// Makes the neighbours of a member point to it.
    fn close_ring_around(&mut self, place: usize) {
        if let Some(Links { before, after }) = self.members[place].links {
            self.set_after(before, place);
            self.set_before(after, place);
        }
    }

    fn set_after(&mut self, place: usize, after: usize) {
        if let Some(links) = &mut self.members[place].links {
            links.after = after;
        }
    }

    fn set_before(&mut self, place: usize, before: usize) {
        if let Some(links) = &mut self.members[place].links {
            links.before = before;
        }
    }
}

impl<K> Default for LoadBalance<K> {
    fn default() -> Self {
        Self { members: Vec::new(), places: HashMap::new(), current: None, active: 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    fn turns(lb: &mut LoadBalance<u32>, count: usize) -> Vec<u32> {
        let mut order = Vec::new();
        for _ in 0..count {
            order.extend(lb.choose());
            lb.advance();
        }
        order
    }

    fn of(members: impl IntoIterator<Item = u32>) -> LoadBalance<u32> {
        let mut lb = LoadBalance::default();
        members.into_iter().for_each(|member| lb.insert(member));
        lb
    }

    #[test]
    fn takes_turns() {
        let mut lb = of(0..3);
        assert_eq!(turns(&mut lb, 7), [0, 1, 2, 0, 1, 2, 0]);
        assert_eq!((lb.choose(), lb.choose()), (Some(1), Some(1)), "asking does not end the turn");
        lb.insert(1);
        assert_eq!(lb.active, 3);
    }

    /// Trap 16: full peers are skipped at once, and come back.
    #[test]
    fn full_members_are_left_out_until_activated() {
        let mut lb = of(0..4);
        lb.deactivate(0);
        lb.deactivate(2);
        lb.deactivate(2);
        assert_eq!(turns(&mut lb, 4), [1, 3, 1, 3]);
        lb.deactivate(1);
        assert_eq!(turns(&mut lb, 2), [3, 3]);
        lb.deactivate(3);
        assert!(!lb.is_empty() && lb.choose().is_none());
        lb.advance();
        lb.activate(2);
        lb.activate(2);
        lb.activate(0);
        lb.activate(99);
        assert_eq!(turns(&mut lb, 3), [2, 0, 2]);
    }

    /// Kills moving the last active member into the place of a full one: 1 would never have a turn.
    #[test]
    fn fast_members_do_not_starve_a_slow_one() {
        let mut lb = of(0..3);
        let mut served = [0; 3];
        for _ in 0..30 {
            let member = lb.choose().unwrap();
            served[member as usize] += 1;
            lb.deactivate(member); // a mark of one
            lb.activate(member); // drained at once
        }
        assert_eq!(served, [10, 10, 10]);
    }

    #[test]
    fn removed_members_have_no_turn() {
        let mut lb = of(0..4);
        turns(&mut lb, 1);
        lb.remove(1);
        assert_eq!(turns(&mut lb, 3), [2, 3, 0]);
        lb.remove(3);
        lb.remove(3);
        assert_eq!(turns(&mut lb, 3), [2, 0, 2]);
        lb.remove(0);
        lb.remove(2);
        assert!(lb.is_empty() && lb.choose().is_none() && lb.active == 0);
        lb.insert(7);
        assert_eq!(turns(&mut lb, 2), [7, 7]);
    }

    #[test]
    fn memory_of_a_burst_is_given_back() {
        let mut lb = of(0..10_000);
        (0..9_990).for_each(|member| lb.remove(member));
        assert!(lb.members.capacity() <= 64 && lb.places.capacity() <= 128);
        assert_eq!(turns(&mut lb, 10), (9_990..10_000).collect::<Vec<_>>());
    }

    /// Against a queue whose front has the turn, over 100,000 random operations.
    #[test]
    fn agrees_with_a_simple_model() {
        let mut random = fastrand::Rng::with_seed(16);
        let mut lb = LoadBalance::default();
        let (mut ring, mut idle) = (VecDeque::new(), Vec::new());
        for _ in 0..100_000 {
            let key = random.u32(..12);
            let (active, known) = (ring.contains(&key), ring.contains(&key) || idle.contains(&key));
            match random.u32(..6) {
                0 => {
                    lb.insert(key);
                    if !known {
                        ring.push_back(key);
                    }
                }
                1 => {
                    lb.remove(key);
                    ring.retain(|other| *other != key);
                    idle.retain(|other| *other != key);
                }
                2 => {
                    lb.activate(key);
                    if known && !active {
                        idle.retain(|other| *other != key);
                        ring.push_back(key);
                    }
                }
                3 => {
                    lb.deactivate(key);
                    if active {
                        ring.retain(|other| *other != key);
                        idle.push(key);
                    }
                }
                _ => {
                    lb.advance();
                    if !ring.is_empty() {
                        ring.rotate_left(1);
                    }
                }
            }
            assert_eq!(lb.choose(), ring.front().copied());
            assert_eq!(lb.active, ring.len());
            assert_eq!(
                (lb.is_empty(), lb.choose().is_some()),
                (ring.is_empty() && idle.is_empty(), !ring.is_empty())
            );
            assert_eq!(ring, turns(&mut lb.clone(), ring.len()));
        }
    }
}
