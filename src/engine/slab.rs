//! The read buffer that all connections of a socket share, and whose turn it is to be decoded from it.

use super::core::Core;
use super::peer::Peer;
use crate::monitor::PeerId;
use crate::runtime::{AsyncStream, RecvBuf};

/// Size of the buffer: what the kernel hands over in one read. Measured, half of it costs a sixth more for messages of
/// 256 bytes, and twice as much gives nothing.
pub(super) const SLAB: usize = 64 * 1024;

/// Messages and commands of one peer that are decoded in a row while another has something: a read may hold
/// thousands of them.
pub(super) const TURN: u32 = 64;

/// More bytes than this change hands with their buffer, instead of being copied.
const WORTH_A_BUFFER: usize = 2 * 1024;

/// Buffers that are kept for the next exchange.
const SPARES: usize = 4;

/// Undecoded bytes of a peer whose turn it is not.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    copied: Vec<u8>,
    buffer: Option<Box<RecvBuf>>,
}

impl Shelf {
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.as_deref().map_or(&self.copied, RecvBuf::filled)
    }
}

/// Buffers that are between two peers.
#[derive(Debug, Default)]
pub(super) struct Spares(Vec<RecvBuf>);

impl Spares {
    fn take(&mut self) -> RecvBuf {
        self.0.pop().unwrap_or_else(|| RecvBuf::with_capacity(SLAB))
    }

    fn keep(&mut self, mut buffer: RecvBuf) {
        if self.0.len() < SPARES {
            buffer.clear();
            self.0.push(buffer);
        }
    }
}

impl<S: AsyncStream> Core<S> {
    /// Makes the slab hold the undecoded bytes of `id`, moving another peer's away. False if the peer
    /// is gone.
    pub(super) fn load_slab(&mut self, id: PeerId) -> bool {
        if self.inbound.slab_owner == Some(id) {
            return true;
        }
        self.unload_slab();
        let Some(peer) = self.peers.get_mut(id) else { return false };
        let Shelf { copied, buffer } = std::mem::take(&mut peer.shelf);
        if let Some(buffer) = buffer {
            let empty = std::mem::replace(&mut self.inbound.slab, *buffer);
            self.inbound.spares.keep(empty);
        } else {
            self.inbound.slab.extend_from_slice(&copied);
        }
        self.inbound.slab_owner = Some(id);
        self.inbound.slab_drained = self.inbound.slab.filled().is_empty();
        self.inbound.turn = 0;
        true
    }

    /// Moves what is left in the slab to the peer that it belongs to.
    pub(super) fn unload_slab(&mut self) {
        let Some(id) = self.inbound.slab_owner.take() else { return };
        let inbound = &mut self.inbound;
        if let Some(owner) = self.peers.get_mut(id) {
            if inbound.slab.filled().len() > WORTH_A_BUFFER {
                let full = std::mem::replace(&mut inbound.slab, inbound.spares.take());
                owner.shelf.buffer = Some(Box::new(full));
            } else {
                owner.shelf.copied = inbound.slab.filled().to_vec();
            }
            if !inbound.slab_drained {
                self.mark_readable(id);
            }
        }
        self.inbound.slab.clear();
    }

    /// The owner of the slab has had its turn: if another peer may have something, what is left of the owner
    /// goes behind all of those.
    pub(super) fn pass_slab_on(&mut self) -> bool {
        self.inbound.turn = 0;
        let Some(owner) = self.inbound.slab_owner else { return false };
        let waiting = self.inbound.readable.has_other_than(owner) || self.ready.has_events();
        let goes = |peer: &Peer<S>| !peer.doomed && peer.large.is_none();
        if !waiting || self.peers.len() < 2 || !self.peers.get(owner).is_some_and(goes) {
            return false;
        }
        self.unload_slab();
        // Whoever decodes has taken it off the list, or not.
        self.inbound.readable.remove(owner);
        self.inbound.readable.push(owner);
        if let Some(peer) = self.peers.get_mut(owner) {
            peer.readable = true;
        }
        self.watch();
        true
    }
}
