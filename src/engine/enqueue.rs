//! Messages into the queue of their peer: encoded, accounted for, with the permit that they hold.

use super::core::Core;
use super::outbound::Outbound;
use super::peer::Peer;
use crate::message::{Extent, Message};
use crate::monitor::PeerId;
use crate::resilience::Permit;
use crate::runtime::AsyncStream;

impl Outbound {
    /// Gives a connection that has nothing queued a buffer that was used before.
    #[inline(always)]
    pub(super) fn lend_arena<S>(&mut self, peer: &mut Peer<S>) {
        if peer.out.is_empty() {
            self.lend_spare(peer);
        }
    }

    #[inline(never)]
    fn lend_spare<S>(&mut self, peer: &mut Peer<S>) {
        if let Some(arena) = self.spares.pop() {
            peer.out.give_arena(arena);
        }
    }

    /// Takes the buffer of a connection that has nothing queued.
    pub(super) fn take_arena_back<S>(&mut self, peer: &mut Peer<S>) {
        const SPARES: usize = 64;
        let arena = peer.out.take_arena();
        if arena.capacity() > 0 && self.spares.len() < SPARES {
            self.spares.push(arena);
        }
    }
}

impl<S: AsyncStream> Core<S> {
    /// Encodes a message into the queue of a peer that has room for it, and decides when it leaves.
    #[inline]
    pub(crate) fn enqueue(&mut self, id: PeerId, message: &mut Message, permit: Permit, write: bool) {
        if self.outbound.sole_peer.is_none() {
            self.pattern.outgoing(id, message);
        }
        self.base.ledger.accept();
        let Some(peer) = self.base.peers.get_mut(id) else { return self.base.count_lost(id, permit) };
        if self.base.keeps_messages && peer.has_unsent() {
            return self.queue_as_message(id, std::mem::take(message), permit, write);
        }
        if peer.link.inproc().is_some() {
            return self.outbound.pass(&mut self.base, &self.inbound, id, std::mem::take(message), permit);
        }
        self.outbound.lend_arena(peer);
        queue_message(peer, message, permit);
        self.outbound.mark_dirty(peer);
        if self.flush_if_due(id, write) {
            self.outbound.begin_burst(&mut self.base, &self.inbound, write);
        }
    }
}

#[inline(always)]
pub(super) fn queue_message<S: AsyncStream>(peer: &mut Peer<S>, message: &Message, permit: Permit) {
    peer.connection.encode_message(message, &mut peer.out);
    end_message(peer, message.extent(), permit);
}

#[inline(always)]
fn account<S>(peer: &mut Peer<S>, extent: Extent) {
    peer.out.end_message(extent);
    peer.out_level.add(extent.cost());
    peer.enqueued += 1;
}

/// The same as [`queue_message`] with bytes of `ahead`, which has enough.
#[inline(always)]
pub(super) fn queue_charged<S: AsyncStream>(
    peer: &mut Peer<S>,
    message: &Message,
    extent: Extent,
    ahead: &mut Permit,
) {
    peer.connection.encode_message(message, &mut peer.out);
    account(peer, extent);
    peer.permits.charge(peer.enqueued, ahead, extent.cost());
}

/// Accounts for a message of this extent that has been put into the queue.
#[inline]
pub(super) fn end_message<S: AsyncStream>(peer: &mut Peer<S>, extent: Extent, permit: Permit) {
    account(peer, extent);
    if permit.is_none() {
        // Nothing to give back: spares the look for it.
        std::mem::forget(permit);
    } else {
        peer.permits.push(peer.enqueued, permit, extent.cost());
    }
}
