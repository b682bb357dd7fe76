//! Load balancing: round robin over the members that have room.

use std::collections::HashMap;
use std::hash::Hash;

/// Members in a ring, the active ones in front of the others; all operations take constant time.
///
/// As in libzmq's `lb`, a member without room is passed over at once and costs nothing until it is
/// activated again.
#[derive(Debug)]
pub(crate) struct LoadBalance<K> {
    /// `members[..active]` take part in the round robin.
    members: Vec<K>,
    positions: HashMap<K, usize>,
    active: usize,
    next: usize,
}

impl<K> Default for LoadBalance<K> {
    fn default() -> Self {
        Self { members: Vec::new(), positions: HashMap::new(), active: 0, next: 0 }
    }
}

impl<K: Copy + Eq + Hash> LoadBalance<K> {
    /// Adds an active member.
    pub(crate) fn insert(&mut self, member: K) {
        self.positions.insert(member, self.members.len());
        self.members.push(member);
        self.activate(member);
    }

    pub(crate) fn remove(&mut self, member: K) {
        self.deactivate(member);
        let Some(position) = self.positions.remove(&member) else { return };
        self.members.swap_remove(position);
        if let Some(moved) = self.members.get(position) {
            self.positions.insert(*moved, position);
        }
    }

    /// Lets a member take part again.
    pub(crate) fn activate(&mut self, member: K) {
        // With one member, the commonest case, there is nothing to look up.
        if self.active == self.members.len() {
            return;
        }
        match self.positions.get(&member) {
            Some(&position) if position >= self.active => {
                self.swap(position, self.active);
                self.active += 1;
            }
            _ => {}
        }
    }

    /// Leaves a member out until it is activated.
    pub(crate) fn deactivate(&mut self, member: K) {
        match self.positions.get(&member) {
            Some(&position) if position < self.active => {
                self.active -= 1;
                self.swap(position, self.active);
                if self.next >= self.active {
                    self.next = 0;
                }
            }
            _ => {}
        }
    }

    /// The member whose turn it is.
    #[inline]
    pub(crate) fn choose(&self) -> Option<K> {
        if self.active == 0 { None } else { self.members.get(self.next).copied() }
    }

    /// Ends its turn.
    #[inline]
    pub(crate) fn advance(&mut self) {
        self.next += 1;
        if self.next >= self.active {
            self.next = 0;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.members.swap(a, b);
        self.positions.insert(self.members[a], a);
        self.positions.insert(self.members[b], b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(lb: &mut LoadBalance<u32>, count: usize) -> Vec<u32> {
        (0..count)
            .filter_map(|_| {
                let chosen = lb.choose();
                lb.advance();
                chosen
            })
            .collect()
    }

    #[test]
    fn members_take_turns_and_full_ones_are_left_out() {
        let mut lb = LoadBalance::default();
        (0..4).for_each(|member| lb.insert(member));
        assert_eq!(turns(&mut lb, 5), [0, 1, 2, 3, 0]);
        lb.deactivate(1);
        let mut seen = turns(&mut lb, 6);
        seen.sort_unstable();
        assert_eq!(seen, [0, 0, 2, 2, 3, 3]);
        lb.activate(1);
        lb.activate(1);
        let mut seen = turns(&mut lb, 4);
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3]);
    }

    #[test]
    fn random_changes_keep_turns_fair() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut lb = LoadBalance::default();
        let mut model: HashMap<u32, bool> = HashMap::new();
        for step in 0..20_000_u32 {
            let member = random.u32(..12);
            match random.u32(..4) {
                0 if !model.contains_key(&member) => {
                    lb.insert(member);
                    model.insert(member, true);
                }
                1 => {
                    lb.remove(member);
                    model.remove(&member);
                }
                2 => {
                    lb.deactivate(member);
                    model.entry(member).and_modify(|active| *active = false);
                }
                _ => {
                    lb.activate(member);
                    model.entry(member).and_modify(|active| *active = true);
                }
            }
            let mut expected: Vec<u32> =
                model.iter().filter(|(_, active)| **active).map(|(k, _)| *k).collect();
            let mut seen = turns(&mut lb, expected.len());
            expected.sort_unstable();
            seen.sort_unstable();
            assert_eq!(seen, expected, "step {step}");
            assert_eq!(lb.is_empty(), model.is_empty());
        }
    }
}
