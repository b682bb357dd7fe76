//! What is asked of both trees.

use patricia_tree::PatriciaMap;

pub trait Tree: Default {
    fn insert(&mut self, key: &[u8], value: u64);
    fn remove(&mut self, key: &[u8]);
    /// The values of all keys that `key` begins with.
    fn sum_of_prefixes(&self, key: &[u8]) -> u64;
}

#[derive(Default)]
pub struct Theirs(PatriciaMap<u64>);

impl Tree for Theirs {
    fn insert(&mut self, key: &[u8], value: u64) {
        self.0.insert(key, value);
    }

    fn remove(&mut self, key: &[u8]) {
        self.0.remove(key);
    }

    fn sum_of_prefixes(&self, key: &[u8]) -> u64 {
        self.0.common_prefix_values(key).sum()
    }
}

/// One round with a tree that has so many topics.
pub struct Case {
    pub name: &'static str,
    topics: usize,
    kind: Kind,
}

enum Kind {
    /// A message of a topic that is subscribed to, and of one that is not.
    Match,
    Miss,
    /// A topic that comes and goes.
    Churn,
}

pub const CASES: &[Case] = &[
    Case { name: "a message, to the only topic", topics: 1, kind: Kind::Match },
    Case { name: "a message, to one of 100 topics", topics: 100, kind: Kind::Match },
    Case { name: "a message, to one of 10,000 topics", topics: 10_000, kind: Kind::Match },
    Case { name: "a message to none of 10,000 topics", topics: 10_000, kind: Kind::Miss },
    Case { name: "a topic that comes and goes, beside one", topics: 1, kind: Kind::Churn },
    Case { name: "a topic that comes and goes, beside 10,000", topics: 10_000, kind: Kind::Churn },
];

/// Topics as people name them: `region.3.rack.0007.cpu`, and one for all of a region.
fn topic(number: usize) -> Vec<u8> {
    if number % 100 == 99 {
        return format!("region.{}.", number / 100).into();
    }
    format!("region.{}.rack.{:04}.cpu", number / 100, number).into()
}

pub fn filled<T: Tree>(topics: usize) -> T {
    let mut tree = T::default();
    for number in 0..topics {
        tree.insert(&topic(number), number as u64 + 1);
    }
    tree
}

impl Case {
    /// What it found, so that nothing of it is left out.
    pub fn run<T: Tree>(&self, rounds: u64) -> u64 {
        let mut tree = filled::<T>(self.topics);
        let messages: Vec<Vec<u8>> = (0..self.topics)
            .map(|number| {
                let mut message = topic(number);
                message.extend_from_slice(b".load and what else there is to say");
                match self.kind {
                    Kind::Match => message,
                    Kind::Miss => {
                        message.iter().map(|byte| byte.wrapping_add(u8::from(*byte == b'k'))).collect()
                    }
                    Kind::Churn => topic(number + self.topics),
                }
            })
            .collect();
        let mut found = 0;
        for round in 0..rounds {
            let message = &messages[(round as usize * 7919) % messages.len()];
            if matches!(self.kind, Kind::Churn) {
                tree.insert(message, round);
                tree.remove(message);
            } else {
                found += tree.sum_of_prefixes(std::hint::black_box(message));
            }
        }
        found
    }
}
