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
    identities: HashMap<K, Name>,
    /// Who was last [recalled](Self::recall), and is found by that name. Forgotten with every change of names.
    recent: Option<(K, Frame)>,
}

/// The identity belongs to another peer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Taken<K> {
    /// The one that has it, and keeps it.
    pub(crate) by: K,
}

/// What a peer is called.
#[derive(Clone, Debug)]
struct Name {
    identity: Frame,
    /// Others may be called so: it is not found by it any more.
    lost: bool,
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
        self.recent = None;
        let former = self.identities.insert(peer, Name { identity, lost: false });
        if let Some(former) = former.filter(|former| !former.lost) {
            self.peers.remove(&former.identity);
        }
        Ok(())
    }

    /// Names a peer, whoever has that name; who had it is still [known](Self::identity_of) by it, and not found
    /// by it any more.
    pub(crate) fn take_over(&mut self, identity: Frame, peer: K) {
        self.remove(peer);
        let before = self.peers.insert(identity.clone(), peer);
        if let Some(name) = before.and_then(|before| self.identities.get_mut(&before)) {
            name.lost = true;
        }
        self.identities.insert(peer, Name { identity, lost: false });
    }

    /// The peer of that name.
    #[inline]
    pub(crate) fn find(&self, identity: &[u8]) -> Option<K> {
        match &self.recent {
            Some((peer, name)) if **name == *identity => Some(*peer),
            _ => self.peers.get(identity).copied(),
        }
    }

    /// The name of a peer.
    #[inline]
    pub(crate) fn identity_of(&self, peer: K) -> Option<&Frame> {
        match &self.recent {
            Some((recent, identity)) if *recent == peer => Some(identity),
            _ => self.identities.get(&peer).map(|name| &name.identity),
        }
    }

    /// Whether a peer is found by its name.
    pub(crate) fn is_found(&self, peer: K) -> bool {
        self.identities.get(&peer).is_some_and(|name| !name.lost)
    }

    /// The name of a peer of which something has just come: most often the next that is looked for.
    #[inline]
    pub(crate) fn recall(&mut self, peer: K) -> Option<&Frame> {
        if !matches!(&self.recent, Some((recent, _)) if *recent == peer) {
            let name = self.identities.get(&peer)?;
            if name.lost {
                return Some(&name.identity);
            }
            self.recent = Some((peer, name.identity.clone()));
        }
        self.recent.as_ref().map(|(_, identity)| identity)
    }

    /// Frees the name of a peer for others; what the peer left behind still bears it.
    pub(crate) fn retire(&mut self, peer: K) {
        self.recent = None;
        let Some(name) = self.identities.get_mut(&peer).filter(|name| !name.lost) else { return };
        name.lost = true;
        self.peers.remove(&name.identity);
        shrink_if_sparse(&mut self.peers);
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
        Self { peers: HashMap::new(), identities: HashMap::new(), recent: None }
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

    /// Kills finding a peer by what it was called when it was last recalled, or one that is gone.
    #[test]
    fn what_is_recalled_is_what_is_found() {
        let mut names = ByIdentity::default();
        names.insert(Frame::from("a"), 1).unwrap();
        names.insert(Frame::from("b"), 2).unwrap();
        assert_eq!(names.recall(3), None);
        for (peer, name) in [(1, "a"), (1, "a"), (2, "b"), (1, "a")] {
            assert_eq!(names.recall(peer).unwrap(), name);
            assert_eq!((names.find(b"a"), names.find(b"b"), names.find(b"c")), (Some(1), Some(2), None));
        }
        names.take_over(Frame::from("a"), 3);
        assert_eq!(names.recall(1).unwrap(), "a", "what it left bears its name");
        assert_eq!(names.find(b"a"), Some(3));
        names.recall(3);
        names.retire(3);
        assert_eq!(names.recall(3).unwrap(), "a");
        assert_eq!(names.find(b"a"), None);
        names.recall(2);
        names.insert(Frame::from("c"), 2).unwrap();
        assert_eq!(names.recall(2).unwrap(), "c");
        assert_eq!((names.find(b"b"), names.find(b"c")), (None, Some(2)));
        names.remove(2);
        assert_eq!(names.recall(2), None);
        assert_eq!(names.find(b"c"), None);
    }

    /// Against plain maps, over random names and peers.
    #[test]
    fn agrees_with_a_simple_model() {
        let mut random = fastrand::Rng::with_seed(11);
        let (mut names, mut found, mut known) = (ByIdentity::default(), HashMap::new(), HashMap::new());
        for _ in 0..100_000 {
            let (peer, name) = (random.u8(..6), [random.u8(..6)]);
            let owner = found.get(&name).copied();
            let forget = |found: &mut HashMap<[u8; 1], u8>| found.retain(|_, owner| *owner != peer);
            match random.u8(..6) {
                0 if owner.is_none_or(|owner| owner == peer) => {
                    names.insert(Frame::from(name), peer).unwrap();
                    forget(&mut found);
                    found.insert(name, peer);
                    known.insert(peer, name);
                }
                0 => assert_eq!(names.insert(Frame::from(name), peer), Err(Taken { by: owner.unwrap() })),
                1 => {
                    names.take_over(Frame::from(name), peer);
                    forget(&mut found);
                    found.insert(name, peer);
                    known.insert(peer, name);
                }
                2 => {
                    names.retire(peer);
                    forget(&mut found);
                }
                3 => {
                    names.remove(peer);
                    forget(&mut found);
                    known.remove(&peer);
                }
                _ => assert_eq!(names.recall(peer).map(|name| name[0]), known.get(&peer).map(|name| name[0])),
            }
            for name in 0..6 {
                assert_eq!(names.find(&[name]), found.get(&[name]).copied());
            }
        }
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
