//! How leftovers are kept, received, and dropped.

use super::Next;
use super::undecoded::Undecoded;
use crate::engine::base::Base;
use crate::engine::core::Core;
use crate::engine::peer::{Peer, Stage};
use crate::message::Message;
use crate::monitor::{DropCause, PeerId};
use crate::runtime::AsyncStream;

impl<S: AsyncStream> Base<S> {
    /// Counts what nobody is there to receive.
    fn count_undecoded(&mut self, id: PeerId, undecoded: &mut Undecoded) {
        let cause = self.life.cause_of_end();
        while let Some(message) = undecoded.next() {
            self.count_received(id, message.size());
            self.count_recv_dropped(Some(id), cause, 1);
        }
    }
}

impl<S: AsyncStream> Core<S> {
    /// Keeps what a connection that has ended leaves; call after everything has been said about its end.
    /// What there is no room for is dropped and counted.
    pub(in crate::engine) fn keep_leftover(&mut self, peer: &mut Peer<S>, bytes: Vec<u8>) {
        let received = matches!(peer.stage, Stage::Live | Stage::Succeeded | Stage::Retiring)
            && self.base.life.closed_error().is_none();
        let mut raw = (peer.stage != Stage::Handshaking).then(|| Undecoded::new(peer, bytes));
        if let Some(raw) = raw.as_mut().filter(|_| !received) {
            self.base.count_undecoded(peer.id, raw);
        }
        if peer.large.is_some() || raw.as_ref().is_some_and(|raw| raw.first.is_none() && raw.is_cut()) {
            self.base.count_cut(peer.id);
        }
        let mut raw = raw.filter(|raw| raw.first.is_some());
        if let Some(refused) = raw.take_if(|raw| !self.inbound.leftovers.has_room_for(raw)) {
            self.drop_undecoded(peer.id, refused);
        }
        if raw.is_none() && self.inbound.is_no_news(peer) {
            return self.drop_news(peer);
        }
        let inbox = std::mem::take(&mut peer.inbox);
        if let Some(ends) = peer.ends.take() {
            self.inbound.leftovers.push_ends(peer.id, *ends);
        }
        self.inbound.leftovers.put_in_front(peer.id, inbox, raw);
        if !self.inbound.leftovers.by_peer.contains_key(&peer.id) {
            return self.forget_pattern_sender(peer.id);
        }
        if let Some(user) = peer.info.as_ref().and_then(|info| info.user.clone()) {
            self.inbound.leftovers.users.insert(peer.id, user);
        }
        if self.pattern.receives() {
            self.base.wake_receiver();
        } else {
            self.act_on_leftovers();
        }
    }

    /// Nobody comes for them: they are for the socket itself.
    fn act_on_leftovers(&mut self) {
        while let Some((id, _)) = self.take_leftover() {
            self.base.count_recv_dropped(Some(id), DropCause::NotReceiving, 1);
        }
    }

    /// Nothing is left of a connection.
    fn forget_sender(&mut self, id: PeerId) {
        self.inbound.leftovers.users.remove(&id);
        self.forget_pattern_sender(id);
    }

    pub(in crate::engine) fn forget_pattern_sender(&mut self, id: PeerId) {
        self.pattern.forget(id, &mut self.commands);
        self.perform_commands();
    }

    /// The socket has ended: drops what connections have left to it.
    pub(in crate::engine) fn drop_leftovers(&mut self) {
        let cause = self.base.life.cause_of_end();
        while let Some((id, leftover)) = self.inbound.leftovers.pop() {
            self.base.count_recv_dropped(Some(id), cause, leftover.decoded().count() as u64);
            self.base.drop_ends(id, &leftover.ends);
            if let Some(mut undecoded) = leftover.undecoded {
                self.base.count_undecoded(id, &mut undecoded);
                if undecoded.is_cut() {
                    self.base.count_cut(id);
                }
            }
            self.forget_sender(id);
        }
    }

    fn drop_undecoded(&mut self, id: PeerId, mut refused: Undecoded) {
        let mut dropped = 0;
        while let Some(mut message) = refused.next() {
            dropped += u64::from(self.filter(id, &mut message));
        }
        self.base.count_recv_dropped(Some(id), DropCause::Leftover, dropped);
        if refused.is_cut() {
            self.base.count_cut(id);
        }
    }

    /// The next message of the connections that have ended.
    pub(in crate::engine) fn take_leftover(&mut self) -> Option<(PeerId, Message)> {
        let was_full = self.inbound.leftovers.are_full();
        let next = self.decode_leftover();
        if was_full && !self.inbound.leftovers.are_full() {
            for id in self.base.peers.ids(|peer| peer.paused && !peer.inbox_level.is_full()) {
                self.resume_reading(id);
            }
            // There are those that kept their place meanwhile.
            self.inbound.watch(&mut self.base);
        }
        next
    }

    fn decode_leftover(&mut self) -> Option<(PeerId, Message)> {
        loop {
            if let Some(decoded) = self.inbound.leftovers.pop_decoded() {
                return Some(decoded);
            }
            match self.inbound.leftovers.next()? {
                Next::Undecided(id, mut message) => {
                    if self.filter(id, &mut message) {
                        return Some((id, message));
                    }
                }
                Next::End(id, message) => {
                    self.base.count_received(id, message.size());
                    return Some((id, message));
                }
                Next::Decoded(id, cut) => {
                    if cut {
                        self.base.count_cut(id);
                    }
                }
                Next::Over(id) => self.forget_sender(id),
            }
        }
    }
}
