//! Room for the newest message where its peers are at their marks: what has waited longest gives way
//! (`OnFull::DropOldest`).
//!
//! What is encoded cannot be taken back: part of it may have left. So only a small part of what waits for a peer is
//! encoded, and the rest stands behind that as messages, whose first can go at any time at no cost.

use super::base::Base;
use super::core::Core;
use super::outbound::{Destination, Outbound};
use super::pattern::Pattern;
use super::peer::Peer;
use super::peers::Peers;
use super::pending::Queued;
use super::resend::queue_once_more;
use crate::error::Error;
use crate::fifo::Fifo;
use crate::message::Message;
use crate::monitor::{DisconnectReason, DropCause, PeerId};
use crate::options::SocketOptions;
use crate::resilience::{OnFull, Permit};
use crate::runtime::AsyncStream;

/// Bytes that are worth a write, and what is encoded at once for a peer at most, but for one message.
const BATCH: usize = 32 * 1024;

/// Messages of a mark of which one may be encoded: the others can still give way.
const SHARE: usize = 8;

/// Batches written in a row before others get their turn.
pub(super) const BATCHES_PER_TURN: usize = 16;

impl SocketOptions {
    /// Whether what is queued for a peer is kept as messages, for another to take its place.
    pub(super) fn keeps_messages(&self) -> bool {
        self.conflate() || self.displaces()
    }

    /// Whether room is made by dropping what is older.
    pub(super) fn displaces(&self) -> bool {
        self.on_full == Some(OnFull::DropOldest)
    }
}

impl<S> Peer<S> {
    /// Puts a message behind what is encoded.
    pub(super) fn push_behind(&mut self, queued: Queued) {
        self.out_level.add(queued.cost());
        self.behind.get_or_insert_with(|| Box::new(Fifo::new())).push_back(queued);
    }

    /// Whether a message has to stand behind those that are queued.
    pub(super) fn keeps_order_behind(&self) -> bool {
        self.link.inproc().is_none() && self.has_unsent()
    }

    /// The oldest message that nothing was done with.
    fn pop_behind(&mut self) -> Option<Queued> {
        let behind = self.behind.as_mut()?;
        let queued = behind.pop_front();
        if behind.is_empty() {
            self.behind = None;
        }
        let queued = queued?;
        self.out_level.remove(queued.cost());
        Some(queued)
    }

    /// Takes the oldest message back that can still be dropped.
    fn take_oldest(&mut self) -> Option<Queued> {
        match self.link.inproc_mut() {
            None => self.pop_behind(),
            Some(end) => {
                let queued = end.retract_oldest()?;
                self.out_level.remove(queued.cost());
                Some(queued)
            }
        }
    }

    /// Whether one more message belongs to the batch that is encoded, behind so many that are.
    fn takes_more(&self, encoded: usize, share: usize) -> bool {
        let next = self.behind.as_ref().and_then(|behind| behind.front()).map(Queued::cost);
        let bytes = self.out.remaining_copied() + self.out.remaining_shared();
        next.is_some_and(|next| encoded == 0 || encoded < share && bytes + next <= BATCH)
    }
}

impl Outbound {
    /// Whose turn it is to lose something, where any peer will do.
    fn next_to_displace<S>(&mut self, peers: &Peers<S>) -> Option<PeerId> {
        let last = self.displaced_at;
        let live = || peers.live().map(|peer| peer.id);
        let next = live().filter(|id| Some(*id) > last).min().or_else(|| live().min());
        self.displaced_at = next;
        next
    }
}

impl Outbound {
    /// Encodes the next of what stands behind, once all before is written; false if there is none.
    pub(super) fn encode_behind<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId) -> bool {
        let share = (base.options.send_hwm / SHARE).max(1);
        let Some(peer) = base.peers.get_mut(id).filter(|peer| peer.out.is_flushed()) else { return false };
        let mut encoded = 0;
        while peer.takes_more(encoded, share) {
            let Some(queued) = peer.pop_behind() else { break };
            queue_once_more(peer, queued);
            encoded += 1;
        }
        if encoded > 0 {
            self.wake_flushers(base);
        }
        encoded > 0
    }

    /// Drops the oldest of what a peer has queued until there is room for a message of this cost, or nothing is
    /// left that can be dropped: then it is admitted all the same.
    pub(super) fn displace_for<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        pattern: &mut dyn Pattern,
        id: PeerId,
        cost: usize,
    ) {
        let mut count = 0;
        while let Some(peer) = base.peers.get_mut(id).filter(|peer| !peer.link_has_room(cost)) {
            let Some(queued) = peer.take_oldest() else { break };
            base.effects.drop_permit(queued.permit);
            count += 1;
        }
        if count > 0 {
            base.count_dropped(Some(id), DropCause::Displaced, count);
            // It may be more than the message needs, and others may wait for it.
            pattern.room_freed(id);
            self.wake_for_room(base, id);
        }
    }

    /// The same for the socket's own queue.
    pub(super) fn displace_pending<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        cost: usize,
    ) -> Destination {
        let Self { pending, pending_level, .. } = self;
        let mut count = 0;
        while !pending_level.has_room(cost) {
            let Some(queued) = pending.pop_front() else { break };
            pending_level.remove(queued.cost());
            base.effects.drop_permit(queued.permit);
            count += 1;
        }
        if count > 0 {
            base.count_dropped(None, DropCause::Displaced, count);
            self.wake_for_queue(base);
        }
        Destination::Pending
    }
}

impl<S: AsyncStream> Core<S> {
    /// Queues a message that another may take the place of.
    #[cold]
    pub(super) fn queue_as_message(&mut self, id: PeerId, message: Message, permit: Permit, write: bool) {
        let inproc = self.base.peers.get(id).is_some_and(|peer| peer.link.inproc().is_some());
        match () {
            () if self.base.conflates => {
                self.outbound.conflate(&mut self.base, &self.inbound, id, Queued::new(message, permit))
            }
            () if inproc => self.outbound.pass(&mut self.base, &self.inbound, id, message, permit),
            () => self.queue_behind(id, message, permit, write),
        }
    }

    /// Queues a message behind what is encoded for its peer.
    fn queue_behind(&mut self, id: PeerId, message: Message, permit: Permit, write: bool) {
        let Some(peer) = self.base.peers.get_mut(id) else { return self.base.count_lost(id, permit) };
        peer.push_behind(Queued::new(message, permit));
        let worth_writing = !peer.write_blocked && peer.out_level.bytes() >= BATCH;
        self.outbound.mark_dirty(peer);
        if worth_writing {
            self.write_gathered(Some(id));
        }
        if self.flush_if_due(id, write) {
            self.outbound.begin_burst(&mut self.base, &self.inbound, write);
        }
    }

    /// Where a message goes whose peers are at their marks: to one of them, in the place of what is older.
    #[cold]
    pub(super) fn displace(&mut self, message: &Message, cost: usize) -> Destination {
        match self.drop_if_full(message, cost) {
            Destination::Nowhere(peer, DropCause::PeerFull) => {
                if !self.outbound.pending.is_empty() {
                    return self.outbound.displace_pending(&mut self.base, cost);
                }
                match peer.or_else(|| self.outbound.next_to_displace(&self.base.peers)) {
                    Some(id) => {
                        self.outbound.displace_for(&mut self.base, &mut *self.pattern, id, cost);
                        Destination::Peer(id)
                    }
                    None => Destination::Nowhere(None, DropCause::PeerFull),
                }
            }
            found => found,
        }
    }

    /// Makes room for a message that is still to come; `WouldBlock` where all that there is is held already.
    #[cold]
    pub(super) fn displace_to_hold(&mut self, cost: usize) -> Result<PeerId, Error> {
        let peer = self.outbound.sole_peer.or_else(|| self.outbound.next_to_displace(&self.base.peers));
        let id = peer.filter(|_| self.outbound.pending.is_empty()).ok_or(Error::WouldBlock)?;
        self.write_gathered(Some(id));
        self.outbound.displace_for(&mut self.base, &mut *self.pattern, id, cost);
        let has_room = self.base.peers.get(id).is_some_and(|peer| peer.link_has_room(cost));
        if has_room { Ok(id) } else { Err(Error::WouldBlock) }
    }

    /// Drops a message whose only peer is at its mark, and the peer with it (`OnFull::Disconnect`).
    #[cold]
    pub(super) fn give_up_peer(&mut self, message: &Message, cost: usize) -> Destination {
        let found = self.drop_if_full(message, cost);
        if let Destination::Nowhere(Some(id), DropCause::PeerFull) = found {
            self.inbound.doom(&mut self.base, id, DisconnectReason::TooSlow);
        }
        found
    }
}
