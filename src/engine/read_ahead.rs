//! Reading ahead of the application, up to the marks.

use super::core::Core;
use super::peer::Stage;
use crate::message::Message;
use crate::monitor::PeerId;
use crate::runtime::AsyncStream;

/// What the companion found to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ReadAhead {
    /// Nothing more for now.
    Idle,
    /// More than one turn takes.
    Again,
    /// Something, but the application was receiving a moment ago and will get to it: look later.
    Later,
}

impl<S: AsyncStream> Core<S> {
    pub(crate) fn put_into_inbox(&mut self, id: PeerId, message: Message) {
        let Some(peer) = self.peers.get_mut(id) else {
            self.inbound.orphan_level.add(message.size());
            self.inbound.orphans.push_back((id, message));
            let receiver = self.ready.pop_receiver();
            self.effects.wake(receiver);
            return;
        };
        if peer.inbox.is_empty() {
            self.inbound.inboxes.push(id);
        } else if self.conflates {
            return self.replace_received(id, message);
        }
        peer.inbox_level.add(message.size());
        peer.inbox.push_back(message);
        let receiver = self.ready.pop_receiver();
        self.effects.wake(receiver);
    }

    /// Decodes from the slab into the inbox of its owner until the mark, where reading pauses.
    pub(super) fn fill_inbox(&mut self, id: PeerId) {
        while self.inbound.slab_owner == Some(id) && !self.inbound.slab_drained {
            if self.at_mark(id) {
                if let Some(peer) = self.peers.get_mut(id) {
                    peer.paused = true;
                }
                return;
            }
            if let Some((id, message)) = self.decode_slab() {
                self.put_into_inbox(id, message);
            }
        }
    }

    /// Takes what the kernel still holds of a connection that can no longer be written to.
    pub(crate) fn salvage(&mut self, id: PeerId) {
        const READS: usize = 64;
        for _ in 0..READS {
            if !self.load_slab(id) || self.at_mark(id) {
                return;
            }
            self.fill_inbox(id);
            let Some(peer) = self.peers.get_mut(id) else { return };
            if peer.ending.is_some() {
                return;
            }
            peer.readable = true;
            self.read(id);
            self.fill_inbox(id);
            if !self.peers.get(id).is_some_and(|peer| peer.readable) {
                return;
            }
        }
    }

    /// Whether reading ahead from this peer has to stop. Messages of peers that are gone count for
    /// all: a peer that reconnects again and again must not pile up memory. A handshake goes on all the
    /// same: it brings no message, and has a deadline.
    pub(super) fn at_mark(&self, id: PeerId) -> bool {
        self.peers.get(id).is_some_and(|peer| {
            let orphans_full = peer.stage != Stage::Handshaking && self.inbound.orphan_level.is_full();
            orphans_full || !self.conflates && peer.inbox_level.is_full()
        })
    }

    /// The companion's share of reading: while nobody receives, up to the marks.
    pub(crate) fn read_ahead(&mut self) -> ReadAhead {
        let left = self.left_in_slab();
        if self.inbound.readable.is_empty() && left.is_none() {
            self.inbound.watched = false;
            return ReadAhead::Idle;
        }
        self.inbound.watched = true;
        if self.inbound.delayed {
            return ReadAhead::Idle;
        }
        if self.inbound.seen_calls != self.inbound.calls {
            self.inbound.seen_calls = self.inbound.calls;
            self.inbound.delayed = true;
            // One that has parked since will get to it only if it is told.
            let receiver = self.ready.pop_receiver();
            self.effects.wake(receiver);
            return ReadAhead::Later;
        }
        if let Some(id) = left {
            self.fill_inbox(id);
        }
        self.read_ahead_now();
        ReadAhead::Again
    }

    /// Whose bytes in the slab may be decoded further: a PING may be among them, which cannot wait for the
    /// application.
    pub(super) fn left_in_slab(&self) -> Option<PeerId> {
        let owner = self.inbound.slab_owner.filter(|_| !self.inbound.slab_drained)?;
        self.peers.get(owner).filter(|peer| !peer.paused).map(|peer| peer.id)
    }

    /// Reads once from every peer that may have something, into the inboxes; whether there was one.
    pub(crate) fn read_ahead_now(&mut self) -> bool {
        let found = !self.inbound.readable.is_empty();
        for _ in 0..self.inbound.readable.len() {
            let Some(id) = self.inbound.readable.pop_front() else { break };
            if self.load_slab(id) {
                self.read_into_inbox(id);
            }
        }
        found
    }

    /// The time for the delayed look has come.
    pub(crate) fn end_read_delay(&mut self) {
        self.inbound.delayed = false;
    }

    pub(super) fn read_into_inbox(&mut self, id: PeerId) {
        self.fill_inbox(id);
        let at_mark = self.at_mark(id);
        let Some(peer) = self.peers.get_mut(id) else { return };
        if at_mark {
            peer.paused = true;
            peer.readable = false;
            return;
        }
        self.read(id);
        self.fill_inbox(id);
    }

    /// Decodes the whole messages of a peer that is about to be removed, whatever the mark.
    pub(crate) fn decode_rest(&mut self, id: PeerId) {
        self.take_rest(id);
        if !self.load_slab(id) {
            return;
        }
        while self.inbound.slab_owner == Some(id) && !self.inbound.slab_drained {
            if let Some((id, message)) = self.decode_slab() {
                self.put_into_inbox(id, message);
            }
        }
    }
}
