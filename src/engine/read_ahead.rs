//! Reading ahead of the application, up to the marks.

use super::core::Core;
use super::peer::{Peer, Stage};
use super::slab::Shelf;
use crate::message::Message;
use crate::monitor::{DisconnectReason, PeerId};
use crate::runtime::AsyncStream;

/// Reads of a connection that could not be written to, for what the peer sent before.
const SALVAGED_READS: usize = 64;

/// When the companion looks at what waits to be read.
#[derive(Debug, Default)]
pub(super) struct ReadAhead {
    state: State,
    /// Polls of `recv` so far: tells whether somebody reads inline.
    calls: u64,
    /// `calls` at the companion's last look.
    seen_calls: u64,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    /// It has found nothing, and is to be told.
    #[default]
    Idle,
    /// It knows that something is left.
    Notified,
    /// It has put its look off, and comes by itself.
    Deferred,
}

impl ReadAhead {
    /// Somebody has received, or tried to.
    #[inline]
    pub(super) fn count(&mut self, calls: u32) {
        self.calls += u64::from(calls);
    }

    /// Whether the companion will look without being told.
    #[inline]
    pub(super) fn is_minded(&self) -> bool {
        self.state != State::Idle
    }

    /// The time for the look that was put off has come.
    pub(super) fn resume(&mut self) {
        self.state = State::Notified;
    }

    /// There is something. Whether the look is to come later: the application was receiving a moment ago, and may get
    /// to it.
    fn put_off(&mut self) -> bool {
        let is_received = self.seen_calls != self.calls;
        self.seen_calls = self.calls;
        self.state = if is_received { State::Deferred } else { State::Notified };
        is_received
    }

    /// There is nothing that can be read now.
    fn find_nothing(&mut self) {
        if self.state == State::Notified {
            self.state = State::Idle;
        }
    }
}

/// What the companion found to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Look {
    /// Nothing more for now.
    Nothing,
    /// More than one turn takes.
    Again,
    /// Something, but the application was receiving a moment ago and will get to it: look later.
    Later,
}

impl<S: AsyncStream> Core<S> {
    /// Keeps a message for the application, if there is one to receive it.
    pub(crate) fn put_into_inbox(&mut self, id: PeerId, message: Message) {
        if self.closed_error().is_some() {
            return self.count_recv_dropped(Some(id), self.cause_of_end(), 1);
        }
        let Some(peer) = self.peers.get_mut(id) else { return self.add_to_leftover(id, message) };
        if peer.inbox.is_empty() {
            self.inbound.inboxes.push(id);
        } else if self.conflates {
            return self.replace_received(id, message);
        }
        peer.inbox_level.add(message.cost());
        peer.inbox.push_back(message);
        self.wake_receiver();
    }

    /// Decodes from the slab into the inbox of its owner until the mark, where reading pauses.
    pub(super) fn fill_inbox(&mut self, id: PeerId) {
        while self.inbound.slab_owner == Some(id) && !self.inbound.slab_drained {
            if self.keeps_place(id) {
                return self.mark_readable(id);
            }
            if self.pauses_at_mark(id) {
                return;
            }
            let mut message = Message::BLANK;
            if let Some(id) = self.decode_slab(&mut message) {
                self.put_into_inbox(id, message);
            }
        }
    }

    /// Decodes what a connection that is about to end has sent, up to the mark; of one that could not be
    /// written to, what the kernel still holds as well. The rest stays undecoded.
    pub(super) fn salvage(&mut self, id: PeerId, reason: &DisconnectReason) {
        self.take_rest(id);
        if reason.is_violation() {
            return self.discard_undecoded(id);
        }
        if !self.load_slab(id) {
            return;
        }
        let readable = matches!(reason, DisconnectReason::Io(_)) && !self.drains_live_peers();
        let reads = if readable { SALVAGED_READS } else { 0 };
        self.fill_inbox(id);
        for _ in 0..reads {
            let goes_on = |peer: &Peer<S>| peer.ending.is_none() && !peer.paused;
            if !self.peers.get(id).is_some_and(goes_on) || !self.read_once(id) {
                return;
            }
            self.fill_inbox(id);
        }
    }

    /// Nothing that a peer sent after it broke the rules is of use.
    pub(super) fn discard_undecoded(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.shelf = Shelf::default();
        peer.large = None;
        if self.inbound.slab_owner == Some(id) {
            self.inbound.slab.clear();
            self.inbound.slab_drained = true;
        }
    }

    /// Whether reading ahead from this peer has to stop. Messages of peers that are gone count for
    /// all: a peer that reconnects again and again must not pile up memory. Handshakes and departures go on
    /// all the same: they bring no message to be kept, and have a deadline.
    pub(super) fn at_mark(&self, id: PeerId) -> bool {
        self.peers.get(id).is_some_and(|peer| {
            let keeps = !matches!(peer.stage, Stage::Handshaking | Stage::Draining);
            let full = self.inbound.leftovers.are_full() || !self.conflates && peer.inbox_level.is_full();
            keeps && full
        })
    }

    /// Pauses reading from a peer that is at its mark; whether it does.
    pub(super) fn pauses_at_mark(&mut self, id: PeerId) -> bool {
        let at_mark = self.at_mark(id);
        if let Some(peer) = self.peers.get_mut(id).filter(|_| at_mark) {
            peer.paused = true;
        }
        at_mark
    }

    /// Whether this peer is not read ahead because of what others have left, and not because of its own mark: it
    /// waits in turn for the application, which receives from the living all the same.
    fn keeps_place(&self, id: PeerId) -> bool {
        let full = self.inbound.leftovers.are_full() && !self.conflates;
        full && self.peers.get(id).is_some_and(|peer| {
            let living = peer.stage == Stage::Live && !peer.doomed && peer.link.inproc().is_none();
            living && !peer.inbox_level.is_full()
        })
    }

    /// Has the companion look at what waits to be read, if it will not anyway.
    pub(super) fn watch(&mut self) {
        if !self.inbound.read_ahead.is_minded() {
            self.inbound.read_ahead.resume();
            self.wake_companion();
        }
    }

    /// The companion's share of reading: while nobody receives, up to the marks.
    pub(crate) fn read_ahead(&mut self) -> Look {
        let left = self.left_in_slab();
        if self.inbound.readable.is_empty() && left.is_none() {
            self.inbound.read_ahead.find_nothing();
            return Look::Nothing;
        }
        if self.inbound.read_ahead.state == State::Deferred {
            return Look::Nothing;
        }
        if self.inbound.read_ahead.put_off() {
            return Look::Later;
        }
        if let Some(id) = left {
            self.fill_inbox(id);
        }
        if self.read_ahead_now() {
            return Look::Again;
        }
        // All that are left keep their place, until something has been received.
        self.inbound.read_ahead.find_nothing();
        Look::Nothing
    }

    /// Whose bytes in the slab may be decoded further: a PING may be among them, which cannot wait for the
    /// application.
    pub(super) fn left_in_slab(&self) -> Option<PeerId> {
        let owner = self.inbound.slab_owner.filter(|_| !self.inbound.slab_drained)?;
        self.peers.get(owner).filter(|peer| !peer.paused).map(|peer| peer.id)
    }

    /// Reads once from every peer that may have something, into the inboxes; whether there was one.
    pub(crate) fn read_ahead_now(&mut self) -> bool {
        let mut readable = std::mem::take(&mut self.inbound.readable);
        let now = readable.take_unless(|id| self.keeps_place(id));
        self.inbound.readable = readable;
        for id in &now {
            if self.load_slab(*id) {
                self.read_into_inbox(*id);
            }
        }
        !now.is_empty()
    }

    pub(super) fn read_into_inbox(&mut self, id: PeerId) {
        self.fill_inbox(id);
        if self.inbound.slab_owner != Some(id) {
            return;
        }
        if self.pauses_at_mark(id) {
            if let Some(peer) = self.peers.get_mut(id) {
                peer.readable = false;
            }
            return;
        }
        self.read(id);
        self.fill_inbox(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_put_off_while_somebody_receives() {
        let mut minder = ReadAhead::default();
        assert!(!minder.is_minded());
        minder.resume();
        assert!(!minder.put_off(), "nobody receives");
        minder.count(3);
        assert!(minder.put_off() && minder.is_minded());
        // What is received meanwhile does not bring it back: the look that was put off comes.
        minder.find_nothing();
        assert!(minder.is_minded());
        minder.resume();
        assert!(!minder.put_off(), "nobody has received since");
        minder.find_nothing();
        assert!(!minder.is_minded());
    }
}
