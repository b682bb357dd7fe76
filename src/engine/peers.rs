//! The table of a socket's connections.

use super::peer::{Peer, Stage};
use crate::monitor::PeerId;

/// Peers by id. A slot is reused with another generation, so that an id that outlived its peer finds
/// nothing.
pub(crate) struct Peers<S> {
    slots: Vec<Slot<S>>,
    free: Vec<u32>,
}

struct Slot<S> {
    generation: u32,
    peer: Option<Box<Peer<S>>>,
}

impl<S> Peers<S> {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// Puts what `make` builds under a fresh id.
    pub(crate) fn insert(&mut self, make: impl FnOnce(PeerId) -> Peer<S>) -> PeerId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, peer: None });
            (self.slots.len() - 1) as u32
        });
        let slot = &mut self.slots[index as usize];
        let id = PeerId::new(index, slot.generation);
        slot.peer = Some(Box::new(make(id)));
        id
    }

    pub(crate) fn remove(&mut self, id: PeerId) -> Option<Box<Peer<S>>> {
        let slot = self.slots.get_mut(id.index() as usize)?;
        if slot.generation != id.generation() {
            return None;
        }
        let peer = slot.peer.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.index());
        Some(peer)
    }

    #[inline]
    pub(crate) fn get(&self, id: PeerId) -> Option<&Peer<S>> {
        let slot = self.slots.get(id.index() as usize)?;
        if slot.generation == id.generation() { slot.peer.as_deref() } else { None }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer<S>> {
        let slot = self.slots.get_mut(id.index() as usize)?;
        if slot.generation == id.generation() { slot.peer.as_deref_mut() } else { None }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Peer<S>> {
        self.slots.iter().filter_map(|slot| slot.peer.as_deref())
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Peer<S>> {
        self.slots.iter_mut().filter_map(|slot| slot.peer.as_deref_mut())
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Connected peers: those that have completed the handshake.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Peer<S>> {
        self.iter().filter(|peer| peer.stage == Stage::Live)
    }

    /// The ids of the peers that `wanted` accepts, for loops that change the table.
    pub(crate) fn ids(&self, wanted: impl Fn(&Peer<S>) -> bool) -> Vec<PeerId> {
        self.iter().filter(|peer| wanted(peer)).map(|peer| peer.id).collect()
    }
}
