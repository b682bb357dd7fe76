//! Keeping only the last message (libzmq's CONFLATE), in both directions.

use super::core::Core;
use super::peer::Peer;
use super::pending::Queued;
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
        !self.out.is_empty() || self.behind.is_some() || self.link.inproc().is_some()
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
            None => peer.behind.take().into_iter().flat_map(|behind| *behind).collect(),
        };
        let count = replaced.len() as u64;
        for queued in replaced {
            peer.out_level.remove(queued.cost());
            self.effects.drop_permit(queued.permit);
        }
        if peer.link.inproc().is_some() {
            self.pass(id, message, permit);
        } else {
            peer.push_behind(Queued::new(message, permit));
        }
        self.count_dropped(Some(id), DropCause::Conflated, count);
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
