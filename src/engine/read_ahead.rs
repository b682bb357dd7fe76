//! Reading ahead of the application, up to the marks.

use super::base::Base;
use super::core::Core;
use super::inbound::Inbound;
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

impl Inbound {
    /// Keeps a message for the application, if there is one to receive it.
    pub(crate) fn put_into_inbox<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        id: PeerId,
        message: Message,
    ) {
        if base.life.closed_error().is_some() {
            return base.count_recv_dropped(Some(id), base.life.cause_of_end(), 1);
        }
        let Some(peer) = base.peers.get_mut(id) else { return self.add_to_leftover(base, id, message) };
        if peer.inbox.is_empty() {
            self.inboxes.push(id);
        } else if base.conflates {
            return base.replace_received(id, message);
        }
        peer.inbox_level.add(message.cost());
        peer.inbox.push_back(message);
        base.wake_receiver();
    }

    /// Nothing that a peer sent after it broke the rules is of use.
    pub(super) fn discard_undecoded<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId) {
        let Some(peer) = base.peers.get_mut(id) else { return };
        peer.shelf = Shelf::default();
        peer.large = None;
        if self.slab_owner == Some(id) {
            self.slab.clear();
            self.slab_drained = true;
        }
    }

    /// Whether reading ahead from this peer has to stop. Messages of peers that are gone count for
    /// all: a peer that reconnects again and again must not pile up memory. Handshakes and departures go on
    /// all the same: they bring no message to be kept, and have a deadline.
    pub(super) fn at_mark<S: AsyncStream>(&self, base: &Base<S>, id: PeerId) -> bool {
        base.peers.get(id).is_some_and(|peer| {
            let keeps = !matches!(peer.stage, Stage::Handshaking | Stage::Draining);
            let full = self.leftovers.are_full() || !base.conflates && peer.inbox_level.is_full();
            keeps && full
        })
    }

    /// Pauses reading from a peer that is at its mark; whether it does.
    pub(super) fn pauses_at_mark<S: AsyncStream>(&self, base: &mut Base<S>, id: PeerId) -> bool {
        let at_mark = self.at_mark(base, id);
        if let Some(peer) = base.peers.get_mut(id).filter(|_| at_mark) {
            peer.paused = true;
        }
        at_mark
    }

    /// Whether this peer is not read ahead because of what others have left, and not because of its own mark: it
    /// waits in turn for the application, which receives from the living all the same.
    fn keeps_place<S: AsyncStream>(&self, base: &Base<S>, id: PeerId) -> bool {
        let full = self.leftovers.are_full() && !base.conflates;
        full && base.peers.get(id).is_some_and(|peer| {
            let living = peer.stage == Stage::Live && !peer.doomed && peer.link.inproc().is_none();
            living && !peer.inbox_level.is_full()
        })
    }

    /// Has the companion look at what waits to be read, if it will not anyway.
    pub(super) fn watch<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        if !self.read_ahead.is_minded() {
            self.read_ahead.resume();
            base.wake_companion();
        }
    }

    /// Whose bytes in the slab may be decoded further: a PING may be among them, which cannot wait for the
    /// application.
    pub(super) fn left_in_slab<S: AsyncStream>(&self, base: &Base<S>) -> Option<PeerId> {
        let owner = self.slab_owner.filter(|_| !self.slab_drained)?;
        base.peers.get(owner).filter(|peer| !peer.paused).map(|peer| peer.id)
    }
}

impl<S: AsyncStream> Core<S> {
    /// Decodes from the slab into the inbox of its owner until the mark, where reading pauses.
    pub(super) fn fill_inbox(&mut self, id: PeerId) {
        while self.inbound.slab_owner == Some(id) && !self.inbound.slab_drained {
            if self.inbound.keeps_place(&self.base, id) {
                return self.inbound.mark_readable(&mut self.base, id);
            }
            if self.inbound.pauses_at_mark(&mut self.base, id) {
                return;
            }
            let mut message = Message::BLANK;
            if let Some(id) = self.decode_slab(&mut message) {
                self.inbound.put_into_inbox(&mut self.base, id, message);
            }
        }
    }

    /// Decodes what a connection that is about to end has sent, up to the mark; of one that could not be
    /// written to, what the kernel still holds as well. The rest stays undecoded.
    pub(super) fn salvage(&mut self, id: PeerId, reason: &DisconnectReason) {
        self.take_rest(id);
        if reason.is_violation() {
            return self.inbound.discard_undecoded(&mut self.base, id);
        }
        if !self.inbound.load_slab(&mut self.base, id) {
            return;
        }
        let readable =
            matches!(reason, DisconnectReason::Io(_)) && !self.inbound.drains_live_peers(&*self.pattern);
        let reads = if readable { SALVAGED_READS } else { 0 };
        self.fill_inbox(id);
        for _ in 0..reads {
            let goes_on = |peer: &Peer<S>| peer.ending.is_none() && !peer.paused;
            if !self.base.peers.get(id).is_some_and(goes_on) || !self.read_once(id) {
                return;
            }
            self.fill_inbox(id);
        }
    }

    /// The companion's share of reading: while nobody receives, up to the marks.
    pub(crate) fn read_ahead(&mut self) -> Look {
        let left = self.inbound.left_in_slab(&self.base);
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

    /// Reads once from every peer that may have something, into the inboxes; whether there was one.
    pub(crate) fn read_ahead_now(&mut self) -> bool {
        let mut readable = std::mem::take(&mut self.inbound.readable);
        let now = readable.take_unless(|id| self.inbound.keeps_place(&self.base, id));
        self.inbound.readable = readable;
        for id in &now {
            if self.inbound.load_slab(&mut self.base, *id) {
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
        if self.inbound.pauses_at_mark(&mut self.base, id) {
            if let Some(peer) = self.base.peers.get_mut(id) {
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
