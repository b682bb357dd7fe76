//! Keeping only the last message (libzmq's CONFLATE), in both directions.

use super::core::Core;
use super::peer::Peer;
use super::pending::Queued;
use super::resend::queue_once_more;
use crate::message::Message;
use crate::monitor::{DropCause, PeerId};
use crate::resilience::Permit;
use crate::runtime::AsyncStream;

/// How often each peer is read at most before its last message is handed out: one that never stops sending
/// must not keep `recv` for ever.
const READS: usize = 512;

impl<S> Peer<S> {
    /// Whether something may be queued that the next message replaces, or has to wait for.
    pub(super) fn has_unsent(&self) -> bool {
        !self.out.is_flushed() || self.link.inproc().is_some()
    }

    /// Throws what was read away, and says how many messages that were.
    pub(super) fn empty_inbox(&mut self) -> u64 {
        for message in self.inbox.iter() {
            self.inbox_level.remove(message.cost());
        }
        std::mem::take(&mut self.inbox).len() as u64
    }
}

impl<S: AsyncStream> Core<S> {
    /// Keeps a message as the one that leaves next, in place of those that have not left.
    pub(super) fn conflate(&mut self, id: PeerId, message: Message, permit: Permit) {
        let Some(peer) = self.peers.get_mut(id) else { return self.count_lost(id, permit) };
        let replaced: Vec<Queued> = match peer.link.inproc_mut() {
            Some(end) => end.retract().into_iter().collect(),
            None => peer.latest.take().map(|latest| *latest).into_iter().collect(),
        };
        let count = replaced.len() as u64;
        for queued in replaced {
            peer.out_level.remove(queued.cost());
            self.effects.drop_permit(queued.permit);
        }
        if peer.link.inproc().is_some() {
            self.pass(id, message, permit);
        } else {
            let queued = Queued::new(message, permit);
            peer.out_level.add(queued.cost());
            peer.latest = Some(Box::new(queued));
        }
        self.count_dropped(Some(id), DropCause::Conflated, count);
    }

    /// Queues the message that waited for the queue to be empty; false if there is none.
    pub(super) fn queue_latest(&mut self, id: PeerId) -> bool {
        let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.out.is_flushed()) else { return false };
        let Some(queued) = peer.latest.take() else { return false };
        peer.out_level.remove(queued.cost());
        queue_once_more(peer, *queued);
        self.wake_flushers();
        true
    }

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

    /// Puts a message in the place of the one that the application has not received yet.
    pub(super) fn replace_received(&mut self, id: PeerId, message: Message) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let replaced = peer.empty_inbox();
        peer.inbox_level.add(message.cost());
        peer.inbox.push_back(message);
        self.count_recv_dropped(Some(id), DropCause::Conflated, replaced);
    }
}
