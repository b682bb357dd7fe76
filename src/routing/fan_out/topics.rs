//! The topics that a subscriber wants.

use super::prefix_tree::PrefixTree;

/// The desired state of SUB and XSUB: topics, each as often as it was asked for (libzmq's `trie_t`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Topics {
    /// How often each was asked for.
    counts: PrefixTree<usize>,
    /// Bytes of all topics, each counted once.
    bytes: usize,
}

/// What giving up a topic has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Released {
    /// The topic is gone.
    Last,
    /// It was asked for more often than it was given up.
    More,
    /// Nothing: it was never asked for.
    Absent,
}

impl Topics {
    /// Asks for a topic, once more; returns whether it is new.
    pub(crate) fn add(&mut self, topic: &[u8]) -> bool {
        let (node, is_new) = self.counts.insert_with(topic, || 0);
        if let Some(count) = self.counts.value_mut(node) {
            *count += 1;
        }
        if is_new {
            self.bytes += topic.len();
        }
        is_new
    }

    /// Gives up a topic, once.
    pub(crate) fn remove(&mut self, topic: &[u8]) -> Released {
        let Some(node) = self.counts.find(topic) else { return Released::Absent };
        match self.counts.value_mut(node) {
            Some(count) if *count > 1 => {
                *count -= 1;
                Released::More
            }
            _ => {
                self.counts.remove(node);
                self.bytes -= topic.len();
                self.counts.compact_if_sparse(0, |_, _| {});
                Released::Last
            }
        }
    }

    /// Whether it was asked for.
    pub(crate) fn contains(&self, topic: &[u8]) -> bool {
        self.counts.find(topic).is_some()
    }

    /// Different topics, and their bytes.
    pub(crate) fn usage(&self) -> (usize, usize) {
        (self.len(), self.bytes)
    }

    /// Whether a message is wanted: its first frame begins with any of the topics.
    #[inline]
    pub(crate) fn matches(&self, first_frame: &[u8]) -> bool {
        self.counts.prefixes_of(first_frame).next().is_some()
    }

    /// Calls `visit` with each topic, in lexicographic order.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&[u8])) {
        let mut topics = self.counts.iter();
        while let Some((topic, _)) = topics.next() {
            visit(topic);
        }
    }

    /// How many different topics there are.
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_a_burst_is_given_back() {
        let mut topics = Topics::default();
        assert!((0..10_000_u32).all(|topic| topics.add(&topic.to_be_bytes())));
        assert!((10..10_000_u32).all(|topic| topics.remove(&topic.to_be_bytes()) == Released::Last));
        assert!(topics.counts.capacity() <= 256);
        assert!((0..20_u32).all(|topic| topics.matches(&topic.to_be_bytes()) == (topic < 10)));
    }
}
