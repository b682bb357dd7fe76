//! One message for many peers, and the subscriptions that decide for whom.

use super::core::Core;
use super::enqueue::{end_message, queue_message};
use super::flush::worth_writing;
use super::pattern::TopicPattern;
use super::peer::Peer;
use crate::error::Error;
use crate::message::{Extent, Message};
use crate::monitor::{DisconnectReason, DropCause, PeerId};
use crate::protocol::{Connection, encode_in_clear};
use crate::resilience::{OnFull, Permit};
use crate::runtime::AsyncStream;

/// The longest message, as on the wire, that is encoded once and copied to each peer; with one that is
/// longer the payloads may be referenced instead.
const ENCODED_ONCE: usize = 4096;

/// One message, as each of its peers gets it.
struct Fanned<'a> {
    message: &'a Message,
    extent: Extent,
    permit: Permit,
    /// Where the message is encoded for all peers, by the first that needs it; `None` where each encodes it.
    encoded: Option<Vec<u8>>,
}

impl Fanned<'_> {
    /// Puts a copy into the queue of a peer.
    #[inline(always)]
    fn encode<S: AsyncStream>(&mut self, peer: &mut Peer<S>) {
        match self.encoded.as_mut().filter(|_| peer.connection.is_clear()) {
            Some(encoded) => {
                if encoded.is_empty() {
                    encode_in_clear(self.message, encoded);
                }
                peer.out.put(encoded);
                end_message(peer, self.extent, self.permit.duplicate());
            }
            None => queue_message(peer, self.message, self.permit.duplicate()),
        }
    }
}

impl<S: AsyncStream> Core<S> {
    /// Queues a message for all peers that the pattern chose; one that has no room goes without.
    ///
    /// Each copy is a message of its own in the accounts; all of them hold one permit.
    pub(super) fn fan_out(&mut self, message: &mut Message, permit: Permit, write: bool) {
        let targets = std::mem::take(self.pattern.targets());
        self.pattern.outgoing_to_many(message);
        if targets.is_empty() {
            self.base.ledger.accept();
            self.base.count_dropped(None, DropCause::NoSubscriber, 1);
        }
        let extent = message.extent();
        let once = targets.len() > 1 && Connection::wire_bound(message) <= ENCODED_ONCE;
        let encoded = once.then(|| std::mem::take(&mut self.outbound.scratch));
        let mut fanned = Fanned { message, extent, permit: permit.into_shared(), encoded };
        let mut left_over = false;
        for &id in &targets {
            self.base.ledger.accept();
            let due = self.outbound.due_from(&self.base, &self.inbound, write);
            if let Some(look) = self.queue_copy(id, &mut fanned, due) {
                left_over |= due.is_some();
                if look {
                    self.flush_if_due(id, write);
                }
            } else {
                self.base.count_dropped(Some(id), DropCause::PeerFull, 1);
                if self.base.options.on_full == Some(OnFull::Disconnect) {
                    self.inbound.doom(&mut self.base, id, DisconnectReason::TooSlow);
                }
            }
        }
        if left_over {
            self.outbound.begin_burst(&mut self.base, &self.inbound, write);
        }
        self.base.effects.drop_permit(fanned.permit);
        if let Some(mut encoded) = fanned.encoded {
            encoded.clear();
            self.outbound.scratch = encoded;
        }
        *self.pattern.targets() = targets;
    }

    /// Whether what is queued may have to be written now, `due` being when; `None` if the peer had no room for the
    /// message.
    ///
    /// Most peers have room and nothing special about them: they are looked up once.
    #[inline]
    fn queue_copy(&mut self, id: PeerId, fanned: &mut Fanned<'_>, due: Option<usize>) -> Option<bool> {
        let cost = fanned.extent.cost();
        let plain = |peer: &&mut Peer<S>| {
            peer.changes.is_none() && peer.link.inproc().is_none() && peer.out_level.has_room(cost)
        };
        let peer = if self.base.keeps_messages { None } else { self.base.peers.get_mut(id).filter(plain) };
        let Some(peer) = peer else { return self.queue_copy_apart(id, fanned).then_some(true) };
        self.outbound.lend_arena(peer);
        fanned.encode(peer);
        if !peer.dirty {
            peer.dirty = true;
            self.outbound.dirty.push(id);
        }
        Some(due.is_some_and(|due| worth_writing(&peer.out, due)))
    }

    /// Whether the peer had room for the message.
    #[inline(never)]
    fn queue_copy_apart(&mut self, id: PeerId, fanned: &mut Fanned<'_>) -> bool {
        let Fanned { message, extent, ref permit, .. } = *fanned;
        if !self.makes_room(id, extent.cost()) {
            return false;
        }
        if self.base.peers.get(id).is_some_and(|peer| peer.changes.is_some()) {
            self.outbound.queue_changes(&mut self.base, &self.inbound, id);
        }
        let Some(peer) = self.base.peers.get_mut(id) else { return false };
        if self.base.keeps_messages && peer.has_unsent() {
            self.queue_as_message(id, message.clone(), permit.duplicate(), false);
            return true;
        }
        if peer.link.inproc().is_some() {
            self.outbound.pass(&mut self.base, &self.inbound, id, message.clone(), permit.duplicate());
            return true;
        }
        self.outbound.lend_arena(peer);
        fanned.encode(peer);
        self.outbound.mark_dirty(peer);
        true
    }

    /// Whether a peer has room for a message, once the kernel has what a burst has gathered for it.
    #[inline]
    fn makes_room(&mut self, id: PeerId, cost: usize) -> bool {
        let has_room = |core: &Self| core.base.peers.get(id).is_some_and(|peer| peer.has_room(cost));
        has_room(self) || {
            self.write_gathered(Some(id));
            has_room(self)
                || self.base.options.displaces() && {
                    self.outbound.displace_for(&mut self.base, &mut *self.pattern, id, cost);
                    self.base.peers.get(id).is_some()
                }
        }
    }

    /// A peer subscribed or unsubscribed by a command.
    pub(super) fn handle_subscription(&mut self, id: PeerId, topic: &[u8], subscribe: bool) {
        self.pattern.subscription(id, topic, subscribe, &mut self.commands);
        self.perform_commands();
    }

    /// Has the pattern change the socket's subscriptions.
    pub(crate) fn change_topics<R>(
        &mut self,
        change: impl FnOnce(&mut dyn TopicPattern, &mut super::commands::Commands) -> Result<R, Error>,
    ) -> Result<R, Error> {
        if let Some(error) = self.base.life.closed_error() {
            return Err(error);
        }
        let topics = self.pattern.topics().ok_or(Error::InvalidState)?;
        let result = change(topics, &mut self.commands);
        self.perform_commands();
        result
    }
}
