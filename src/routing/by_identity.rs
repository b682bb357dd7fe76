//! Routing by identity.

use std::collections::HashMap;
use std::hash::Hash;

use crate::message::Frame;

/// The identities of peers, in both directions.
#[derive(Debug)]
pub(crate) struct ByIdentity<K> {
    peers: HashMap<Frame, K>,
    identities: HashMap<K, Frame>,
}

impl<K> Default for ByIdentity<K> {
    fn default() -> Self {
        Self { peers: HashMap::new(), identities: HashMap::new() }
    }
}

impl<K: Copy + Eq + Hash> ByIdentity<K> {
    pub(crate) fn insert(&mut self, identity: Frame, peer: K) {
        self.peers.insert(identity.clone(), peer);
        self.identities.insert(peer, identity);
    }

    pub(crate) fn remove(&mut self, peer: K) {
        if let Some(identity) = self.identities.remove(&peer) {
            self.peers.remove(&identity);
        }
    }

    pub(crate) fn find(&self, identity: &[u8]) -> Option<K> {
        self.peers.get(identity).copied()
    }

    pub(crate) fn identity_of(&self, peer: K) -> Option<&Frame> {
        self.identities.get(&peer)
    }
}

/// Identities for peers that bring none: a zero byte, which no user may choose, and a counter.
#[derive(Debug)]
pub(crate) struct AutoIdentity {
    next: u32,
}

impl AutoIdentity {
    /// Counts from `start`, a random number, so that a restarted socket does not reuse identities.
    pub(crate) fn new(start: u32) -> Self {
        Self { next: start }
    }

    pub(crate) fn next(&mut self) -> Frame {
        let [a, b, c, d] = self.next.to_be_bytes();
        self.next = self.next.wrapping_add(1);
        Frame::from([0, a, b, c, d])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_stay_in_step() {
        let mut table = ByIdentity::default();
        table.insert(Frame::from("a"), 1);
        table.insert(Frame::from("b"), 2);
        assert_eq!(table.find(b"a"), Some(1));
        assert_eq!(table.identity_of(2).unwrap(), "b");
        table.remove(1);
        assert_eq!((table.find(b"a"), table.identity_of(1)), (None, None));
        table.insert(Frame::from("a"), 3);
        assert_eq!(table.find(b"a"), Some(3));
    }

    /// Trap 7: a zero byte and four bytes of a big-endian counter.
    #[test]
    fn automatic_identities_are_libzmqs() {
        let mut automatic = AutoIdentity::new(u32::MAX);
        assert_eq!(automatic.next(), [0, 255, 255, 255, 255]);
        assert_eq!(automatic.next(), [0, 0, 0, 0, 0]);
    }
}
