//! Callers that wait for something to change.

use std::collections::VecDeque;
use std::task::Waker;

/// The place of one waiting future; `None` while it does not wait.
pub(crate) type WaitKey = Option<u64>;

/// Wakers of waiting futures, in order of arrival.
///
/// Keys grow monotonically, so an entry is found by binary search.
#[derive(Debug, Default)]
pub(crate) struct WaitList {
    entries: VecDeque<(u64, Waker)>,
    next_key: u64,
}

impl WaitList {
    /// Queues `waker`, or replaces the waker of an entry that is still queued.
    pub(crate) fn park(&mut self, key: &mut WaitKey, waker: &Waker) {
        if let Some(index) = self.position(*key) {
            self.entries[index].1.clone_from(waker);
            return;
        }
        *key = Some(self.next_key);
        self.entries.push_back((self.next_key, waker.clone()));
        self.next_key += 1;
    }

    /// Takes an entry out; the waker if it was still queued, `None` if it has been woken already.
    pub(crate) fn unpark(&mut self, key: &mut WaitKey) -> Option<Waker> {
        let index = self.position(key.take())?;
        self.entries.remove(index).map(|(_, waker)| waker)
    }

    /// The waker that has waited longest.
    pub(crate) fn pop(&mut self) -> Option<Waker> {
        self.entries.pop_front().map(|(_, waker)| waker)
    }

    fn position(&self, key: WaitKey) -> Option<usize> {
        self.entries.binary_search_by_key(&key?, |(key, _)| *key).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_removal_of_others() {
        let mut list = WaitList::default();
        let mut keys: Vec<WaitKey> = vec![None; 4];
        for key in &mut keys {
            list.park(key, Waker::noop());
        }
        assert!(list.unpark(&mut keys[1]).is_some());
        assert_eq!(keys[1], None);
        assert!(list.pop().is_some());
        assert!(list.unpark(&mut keys[0]).is_none(), "popped already");
        assert!(list.unpark(&mut keys[3]).is_some());
        list.park(&mut keys[2], Waker::noop());
        assert!(list.pop().is_some());
        assert!(list.entries.is_empty(), "parking again replaced the entry");
    }
}
