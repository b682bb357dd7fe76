//! Routing by identity: the names that ROUTER addresses its peers with.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use super::shrink_if_sparse;
use crate::message::Frame;

/// Identities and peers, found from either side; each peer has one identity.
///
/// Identities come from peers, and the maps are hashed with a secret key: no choice of identities makes
/// them slow.
#[derive(Clone, Debug)]
pub(crate) struct ByIdentity<K> {
    peers: HashMap<Frame, K>,
    identities: HashMap<K, Frame>,
}

/// The identity belongs to another peer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Taken<K> {
    /// The one that has it, and keeps it.
    pub(crate) by: K,
}

impl<K: Copy + Eq + Hash> ByIdentity<K> {
    /// Names a peer; a name it had before is free again.
    ///
    /// # Errors
    /// If another peer has that name; then nothing has changed.
    pub(crate) fn insert(&mut self, identity: Frame, peer: K) -> Result<(), Taken<K>> {
        match self.peers.entry(identity.clone()) {
            Entry::Occupied(entry) if *entry.get() == peer => return Ok(()),
            Entry::Occupied(entry) => return Err(Taken { by: *entry.get() }),
            Entry::Vacant(entry) => entry.insert(peer),
        };
        if let Some(former) = self.identities.insert(peer, identity) {
            if self.find(&former) == Some(peer) {
                self.peers.remove(&former);
            }
        }
        Ok(())
    }

    /// Names a peer, whoever has that name; who had it is still [known](Self::identity_of) by it, and not found
    /// by it any more.
    pub(crate) fn take_over(&mut self, identity: Frame, peer: K) {
        self.remove(peer);
        self.peers.insert(identity.clone(), peer);
        self.identities.insert(peer, identity);
    }

    /// The peer of that name.
    #[inline]
    pub(crate) fn find(&self, identity: &[u8]) -> Option<K> {
        self.peers.get(identity).copied()
    }

    /// The name of a peer.
    #[inline]
    pub(crate) fn identity_of(&self, peer: K) -> Option<&Frame> {
        self.identities.get(&peer)
    }

    /// Frees the name of a peer for others; what the peer left behind still bears it.
    pub(crate) fn retire(&mut self, peer: K) {
        let Some(identity) = self.identities.get(&peer) else { return };
        if self.peers.get(identity) == Some(&peer) {
            self.peers.remove(identity);
            shrink_if_sparse(&mut self.peers);
        }
    }

    /// Forgets a peer, if it has a name.
    pub(crate) fn remove(&mut self, peer: K) {
        self.retire(peer);
        self.identities.remove(&peer);
        shrink_if_sparse(&mut self.identities);
    }
}

impl<K> Default for ByIdentity<K> {
    fn default() -> Self {
        Self { peers: HashMap::new(), identities: HashMap::new() }
    }
}

/// Makes up identities for peers that send none: a zero byte and a 4-byte counter, big-endian, as libzmq
/// does.
#[derive(Clone, Debug)]
pub(crate) struct AutoIdentity {
    counter: u32,
}

impl AutoIdentity {
    /// Counts from `start`, which is to be random, so that the peers of a former socket are not mistaken
    /// for those of this one.
    pub(crate) const fn new(start: u32) -> Self {
        Self { counter: start }
    }

    /// The next identity. After 2^32 of them they come again: the owner skips those that are taken.
    pub(crate) fn next(&mut self) -> Frame {
        let [a, b, c, d] = self.counter.to_be_bytes();
        self.counter = self.counter.wrapping_add(1);
        Frame::from([0, a, b, c, d])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree() {
        let mut names = ByIdentity::default();
        assert_eq!(names.insert(Frame::from("a"), 1), Ok(()));
        assert_eq!(names.insert(Frame::from("b"), 2), Ok(()));
        assert_eq!((names.find(b"a"), names.find(b"b"), names.find(b"c")), (Some(1), Some(2), None));
        assert_eq!(names.identity_of(2).unwrap(), "b");
        names.remove(1);
        names.remove(1);
        assert_eq!((names.find(b"a"), names.identity_of(1)), (None, None));
    }

    #[test]
    fn a_taken_name_stays_with_its_owner() {
        let mut names = ByIdentity::default();
        names.insert(Frame::from("a"), 1).unwrap();
        assert_eq!(names.insert(Frame::from("a"), 1), Ok(()), "its own");
        assert_eq!(names.insert(Frame::from("a"), 2), Err(Taken { by: 1 }));
        assert_eq!((names.find(b"a"), names.identity_of(2)), (Some(1), None));
    }

    #[test]
    fn a_new_name_frees_the_former() {
        let mut names = ByIdentity::default();
        names.insert(Frame::from("a"), 1).unwrap();
        names.insert(Frame::from("b"), 1).unwrap();
        assert_eq!((names.find(b"a"), names.find(b"b")), (None, Some(1)));
        assert_eq!(names.insert(Frame::from("a"), 2), Ok(()));
    }

    /// Trap 10. Kills a late removal of a peer without a name that takes the name's new owner with it.
    #[test]
    fn a_name_moves_to_another_peer() {
        let mut names = ByIdentity::default();
        names.insert(Frame::from("a"), 1).unwrap();
        names.remove(1);
        names.insert(Frame::from("a"), 2).unwrap();
        names.remove(1);
        assert_eq!((names.find(b"a"), names.identity_of(1)), (Some(2), None));
    }

    /// Trap 7.
    #[test]
    fn made_up_identities_are_libzmqs() {
        let mut auto = AutoIdentity::new(u32::MAX);
        assert_eq!(auto.next(), [0, 0xFF, 0xFF, 0xFF, 0xFF]);
        assert_eq!(auto.next(), [0; 5]);
        assert_eq!(auto.next(), [0, 0, 0, 0, 1]);
    }

    #[test]
    fn memory_of_a_burst_is_given_back() {
        let mut names = ByIdentity::default();
        for peer in 0..10_000_u32 {
            names.insert(Frame::from(peer.to_be_bytes()), peer).unwrap();
        }
        for peer in 0..9_990 {
            names.remove(peer);
        }
        assert!(names.peers.capacity() <= 128 && names.identities.capacity() <= 128);
        assert_eq!(names.find(&9_999_u32.to_be_bytes()), Some(9_999));
    }
}
