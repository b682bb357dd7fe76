//! Keeping only the last message (libzmq's CONFLATE), in both directions.

use super::base::Base;
use super::core::Core;
use super::inbound::Inbound;
use super::outbound::Outbound;
use super::peer::Peer;
use super::pending::Queued;
use crate::message::Message;
use crate::monitor::{DropCause, PeerId};
use crate::runtime::AsyncStream;

/// How often each peer is read at most before its last message is handed out: one that never stops sending
/// must not keep `recv` for ever.
const READS: usize = 512;

impl<S> Peer<S> {
    /// Whether something may be queued that the next message replaces, or has to wait for.
    pub(super) fn has_unsent(&self) -> bool {
        !self.out.is_flushed() || self.behind.is_some() || self.link.inproc().is_some()
    }

    /// Throws what was read away, and says how many messages that were.
    pub(super) fn empty_inbox(&mut self) -> u64 {
        for message in self.inbox.iter() {
            self.inbox_level.remove(message.cost());
        }
        std::mem::take(&mut self.inbox).len() as u64
    }
}

impl Outbound {
    /// Keeps a message as the one that leaves next, in place of those that have not left.
    pub(super) fn conflate<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        inbound: &Inbound,
        id: PeerId,
        queued: Queued,
    ) {
        let replaced = base.retract(id);
        self.keep_latest(base, inbound, id, queued, replaced);
    }

    /// The same for one that has come back from another peer, which is older than what waits here, if any does.
    pub(super) fn conflate_older<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        inbound: &Inbound,
        id: PeerId,
        queued: Queued,
    ) {
        let mut newer = base.retract(id);
        match newer.pop() {
            Some(latest) => {
                newer.push(queued);
                self.keep_latest(base, inbound, id, latest, newer);
            }
            None => self.keep_latest(base, inbound, id, queued, newer),
        }
    }

    /// Of messages that a lost peer left, in order, the one that is worth keeping, if nothing newer waits.
    pub(super) fn conflate_returned<S: AsyncStream>(
        &self,
        base: &mut Base<S>,
        mut returned: Vec<Queued>,
    ) -> Vec<Queued> {
        let keep = if self.pending.is_empty() { returned.pop() } else { None };
        base.drop_conflated(None, returned);
        keep.into_iter().collect()
    }

    fn keep_latest<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        inbound: &Inbound,
        id: PeerId,
        latest: Queued,
        replaced: Vec<Queued>,
    ) {
        match base.peers.get_mut(id) {
            None => base.count_lost(id, latest.permit),
            Some(peer) if peer.link.inproc().is_some() => {
                self.pass(base, inbound, id, latest.message, latest.permit)
            }
            Some(peer) => peer.push_behind(latest),
        }
        base.drop_conflated(Some(id), replaced);
    }
}

impl<S: AsyncStream> Base<S> {
    /// Takes back what a peer has not been sent, in order.
    fn retract(&mut self, id: PeerId) -> Vec<Queued> {
        let Some(peer) = self.peers.get_mut(id) else { return Vec::new() };
        let retracted: Vec<Queued> = match peer.link.inproc_mut() {
            Some(end) => end.retract().into_iter().collect(),
            None => peer.behind.take().into_iter().flat_map(|behind| *behind).collect(),
        };
        retracted.iter().for_each(|queued| peer.out_level.remove(queued.cost()));
        retracted
    }

    fn drop_conflated(&mut self, id: Option<PeerId>, replaced: Vec<Queued>) {
        let count = replaced.len() as u64;
        replaced.into_iter().for_each(|queued| self.effects.drop_permit(queued.permit));
        self.count_dropped(id, DropCause::Conflated, count);
    }

    /// Puts a message in the place of the one that the application has not received yet.
    pub(super) fn replace_received(&mut self, id: PeerId, message: Message) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let replaced = peer.empty_inbox();
        peer.inbox_level.add(message.cost());
        peer.inbox.push_back(message);
        self.count_recv_dropped(Some(id), DropCause::Conflated, replaced);
    }
}

impl<S: AsyncStream> Core<S> {
    /// Reads all that there is, so that what `recv` takes next is the last message of its peer.
    pub(super) fn read_latest(&mut self) {
        self.turn(|core| {
            for _ in 0..READS {
                core.collect_ready();
                if !core.read_ahead_now() {
                    break;
                }
            }
        });
    }
}
