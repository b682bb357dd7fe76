//! The read buffer that all connections of a socket share, and whose turn it is to be decoded from it.

use super::base::Base;
use super::inbound::Inbound;
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

impl Inbound {
    /// Makes the slab hold the undecoded bytes of `id`, moving another peer's away. False if the peer
    /// is gone.
    pub(super) fn load_slab<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId) -> bool {
        if self.slab_owner == Some(id) {
            return true;
        }
        self.unload_slab(base);
        let Some(peer) = base.peers.get_mut(id) else { return false };
        let Shelf { copied, buffer } = std::mem::take(&mut peer.shelf);
        if let Some(buffer) = buffer {
            let empty = std::mem::replace(&mut self.slab, *buffer);
            self.spares.keep(empty);
        } else {
            self.slab.extend_from_slice(&copied);
        }
        self.slab_owner = Some(id);
        self.slab_drained = self.slab.filled().is_empty();
        self.turn = 0;
        true
    }

    /// Moves what is left in the slab to the peer that it belongs to.
    pub(super) fn unload_slab<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        let Some(id) = self.slab_owner.take() else { return };
        if let Some(owner) = base.peers.get_mut(id) {
            if self.slab.filled().len() > WORTH_A_BUFFER {
                let full = std::mem::replace(&mut self.slab, self.spares.take());
                owner.shelf.buffer = Some(Box::new(full));
            } else {
                owner.shelf.copied = self.slab.filled().to_vec();
            }
            if !self.slab_drained {
                self.mark_readable(base, id);
            }
        }
        self.slab.clear();
    }

    /// The owner of the slab has had its turn: if another peer may have something, what is left of the owner
    /// goes behind all of those.
    pub(super) fn pass_slab_on<S: AsyncStream>(&mut self, base: &mut Base<S>) -> bool {
        self.turn = 0;
        let Some(owner) = self.slab_owner else { return false };
        let waiting = self.readable.has_other_than(owner) || base.ready.has_events();
        let goes = |peer: &Peer<S>| !peer.doomed && peer.large.is_none();
        if !waiting || base.peers.len() < 2 || !base.peers.get(owner).is_some_and(goes) {
            return false;
        }
        self.unload_slab(base);
        // Whoever decodes has taken it off the list, or not.
        self.readable.remove(owner);
        self.readable.push(owner);
        if let Some(peer) = base.peers.get_mut(owner) {
            peer.readable = true;
        }
        self.watch(base);
        true
    }
}
