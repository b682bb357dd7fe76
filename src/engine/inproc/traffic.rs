//! Messages between sockets of one process.

use std::task::Waker;

use super::pipe::{End, Incoming};
use crate::engine::base::Base;
use crate::engine::core::Core;
use crate::engine::inbound::Inbound;
use crate::engine::outbound::Outbound;
use crate::engine::pattern::Pattern;
use crate::engine::peer::Peer;
use crate::engine::pending::Queued;
use crate::message::{Count, Message};
use crate::monitor::{DisconnectReason, DropCause, PeerId};
use crate::resilience::{FlushPolicy, HighWater, Permit};
use crate::runtime::AsyncStream;

/// Messages of one peer that are taken in a row without anybody receiving.
const MESSAGES_PER_TURN: usize = 1024;

impl Outbound {
    /// Hands a message to an inproc peer that has room for it: nothing is left to be written, but in a burst
    /// the peer may have to be told of it. Several peers are told in the order of their messages.
    #[inline]
    pub(crate) fn pass<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        inbound: &Inbound,
        id: PeerId,
        message: Message,
        permit: Permit,
    ) {
        let in_burst = self.in_burst && self.sole_peer.is_some() && !base.conflates;
        let Some(peer) = base.peers.get_mut(id) else { return base.count_lost(id, permit) };
        let Some(end) = peer.link.inproc_mut() else { return base.count_lost(id, permit) };
        let queued = Queued::new(message, permit);
        let cost = queued.cost();
        let passed = end.push(queued, in_burst);
        peer.out_level.add(cost);
        peer.enqueued += 1;
        base.effects.wake(passed.reader);
        if passed.unannounced {
            self.mark_dirty(peer);
        }
        if base.options.flush_policy != FlushPolicy::Manual {
            self.begin_burst(base, inbound, true);
        }
    }

    /// Accounts for the messages that a peer has taken, and gives their room to those that wait for it.
    pub(crate) fn settle_taken<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        inbound: &Inbound,
        pattern: &mut dyn Pattern,
        id: PeerId,
    ) {
        let Some(peer) = base.peers.get_mut(id) else { return };
        let Some(end) = peer.link.inproc_mut() else { return };
        let (freed, taken) = (end.was_freed(), end.settle());
        peer.count_taken(taken);
        if taken.messages > 0 || freed {
            self.pass_due_changes(base, inbound, id);
            self.room_freed(base, pattern, id);
        }
    }
}

impl<S: AsyncStream> Base<S> {
    /// Tells an inproc peer of what a burst has passed to it.
    pub(crate) fn announce_burst(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let Some(end) = peer.link.inproc_mut() else { return };
        // Whether somebody waits for the room is for the wake to tell, which comes.
        let (waker, taken) = (end.announce(), end.settle());
        self.effects.wake(waker);
        peer.count_taken(taken);
    }

    /// Has a peer of which there is more looked at again, after others.
    pub(crate) fn look_again(&mut self, id: PeerId) {
        let again = self.peers.get(id).map(Peer::waker);
        self.effects.wake(again);
    }

    /// Ends an inproc connection: returns what the peer did not take. What we leave to it in good order it
    /// may still take.
    pub(crate) fn close_inproc(&mut self, peer: &mut Peer<S>, reason: &DisconnectReason) -> Vec<Queued> {
        let Some(end) = peer.link.inproc_mut() else { return Vec::new() };
        let closed = end.close(matches!(reason, DisconnectReason::Closed | DisconnectReason::Dismissed));
        peer.count_taken(closed.taken);
        self.effects.wake(closed.waker);
        self.count_abandoned(Some(peer.id), closed.abandoned);
        closed.unsent.into_iter().collect()
    }
}

impl Inbound {
    /// Puts a peer among those that `recv` takes from.
    fn give_turn<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId) {
        let Some(peer) = base.peers.get_mut(id) else { return };
        if !std::mem::replace(&mut peer.readable, true) {
            self.pipes.push(id);
        }
    }

    /// Whether there is more to take; if that is because the peer has closed, so do we.
    fn goes_on<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId, rest: Incoming) -> bool {
        if rest == (Incoming::Ended { empty: true }) {
            self.doom(base, id, DisconnectReason::EndOfStream);
        }
        matches!(rest, Incoming::Messages | Incoming::Ended { empty: false })
    }

    /// Whether nothing more is taken from peers that go on.
    pub(crate) fn drains_live_peers(&self, pattern: &dyn Pattern) -> bool {
        self.draining && pattern.receives()
    }
}

impl<S: AsyncStream> Core<S> {
    /// What another core did to the connection: took messages, wrote some, or closed it.
    pub(crate) fn handle_inproc(&mut self, id: PeerId) {
        self.outbound.settle_taken(&mut self.base, &self.inbound, &mut *self.pattern, id);
        self.look_at_pipe(id);
    }

    /// Acts on what there is to read, or on its end.
    fn look_at_pipe(&mut self, id: PeerId) {
        let draining = self.inbound.drains_live_peers(&*self.pattern);
        let living = self.base.peers.get_mut(id).filter(|peer| !peer.doomed);
        let parts = living.and_then(|peer| Some((peer.link.inproc_mut()?, &mut peer.paused)));
        let Some((end, paused)) = parts else { return };
        if draining {
            // What is written from now on is left to the writer.
            if end.is_left() {
                self.inbound.doom(&mut self.base, id, DisconnectReason::EndOfStream);
            }
            return;
        }
        match end.look() {
            Incoming::Nothing => {}
            Incoming::Messages => self.offer(id),
            // What a peer leaves behind is kept for the application, as far as there is room for such.
            Incoming::Ended { empty: false } if self.inbound.leftovers.are_full() => {
                *paused = true;
                self.offer(id);
            }
            Incoming::Ended { .. } => self.inbound.doom(&mut self.base, id, DisconnectReason::EndOfStream),
        }
    }

    /// Has the application receive from this peer, or else discards what it sent.
    fn offer(&mut self, id: PeerId) {
        if !self.pattern.receives() {
            return self.discard(id);
        }
        if self.pattern.acts_on_messages() {
            return self.fill_inbox_from_pipe(id);
        }
        self.inbound.give_turn(&mut self.base, id);
        self.base.wake_receiver();
    }

    /// Takes all that there is, up to the mark, for the socket to act on.
    fn fill_inbox_from_pipe(&mut self, id: PeerId) {
        for _ in 0..MESSAGES_PER_TURN {
            if self.inbound.pauses_at_mark(&mut self.base, id) {
                return;
            }
            let mut message = Message::BLANK;
            let Some((taken, rest)) = self.take_filtered(id, &mut message) else { return };
            if taken {
                self.inbound.put_into_inbox(&mut self.base, id, message);
            }
            if !self.inbound.goes_on(&mut self.base, id, rest) {
                return;
            }
        }
        self.base.look_again(id);
    }

    fn discard(&mut self, id: PeerId) {
        for _ in 0..MESSAGES_PER_TURN {
            let mut unwanted = Message::BLANK;
            let Some((_, rest)) = self.take_filtered(id, &mut unwanted) else { return };
            if !self.inbound.goes_on(&mut self.base, id, rest) {
                return;
            }
        }
        self.base.look_again(id);
    }

    /// The next message of a peer whose turn it is, straight from its pipe: nothing is read ahead, so that
    /// what both sides allow is all that there is.
    pub(crate) fn take_from_pipe(&mut self, id: PeerId, into: &mut Message) -> bool {
        let Some(peer) = self.base.peers.get_mut(id) else { return false };
        if !peer.inbox.is_empty() {
            // What the socket itself had to say about the peer is older.
            self.inbound.pipes.push(id);
            return self.take_from_inbox(id, into);
        }
        peer.readable = false;
        loop {
            let Some((taken, rest)) = self.take_filtered(id, into) else { return false };
            match rest {
                Incoming::Nothing => {}
                Incoming::Ended { empty: true } => {
                    self.inbound.doom(&mut self.base, id, DisconnectReason::EndOfStream)
                }
                _ if !taken => continue,
                _ if self.base.conflates => {
                    self.base.count_recv_dropped(Some(id), DropCause::Conflated, 1);
                    continue;
                }
                // Whoever was woken for this message hands the wake on.
                _ => self.inbound.give_turn(&mut self.base, id),
            }
            return taken;
        }
    }

    /// Puts a message into `into`; false in its place if there was none, or the pattern did not want it.
    fn take_filtered(&mut self, id: PeerId, into: &mut Message) -> Option<(bool, Incoming)> {
        let popped = self.base.peers.get_mut(id)?.link.inproc_mut()?.pop();
        self.base.effects.wake(popped.writer);
        let taken = popped.message.is_some_and(|Queued { message, permit, .. }| {
            *into = message;
            self.base.effects.drop_permit(permit);
            self.filter(id, into)
        });
        Some((taken, popped.rest))
    }

    /// Takes what has been written by now, whatever the mark, and lets the writer keep what follows.
    pub(crate) fn take_arrived(&mut self, id: PeerId) {
        if let Some(peer) = self.base.peers.get_mut(id) {
            peer.readable = false;
            self.inbound.pipes.remove(id);
        }
        let mut message = Message::BLANK;
        while let Some((taken, rest)) = self.take_filtered(id, &mut message) {
            if taken {
                self.inbound.put_into_inbox(&mut self.base, id, std::mem::take(&mut message));
            }
            if !self.inbound.goes_on(&mut self.base, id, rest) {
                break;
            }
        }
        if let Some(end) = self.base.peers.get_mut(id).and_then(|peer| peer.link.inproc_mut()) {
            end.stop_reading();
        }
    }

    /// The connection is about to end: takes what the other side has left if it was the first to close,
    /// whatever the mark. One that still lives gets back what we did not take.
    pub(crate) fn take_rest(&mut self, id: PeerId) {
        let Some(peer) = self.base.peers.get_mut(id) else { return };
        if !peer.link.inproc_mut().is_some_and(End::stop_reading) {
            return;
        }
        if std::mem::take(&mut peer.readable) {
            self.inbound.pipes.remove(id);
        }
        let mut message = Message::BLANK;
        while let Some((taken, rest)) = self.take_filtered(id, &mut message) {
            if taken {
                self.inbound.put_into_inbox(&mut self.base, id, std::mem::take(&mut message));
            }
            if rest == (Incoming::Ended { empty: true }) {
                return;
            }
        }
    }
}

impl<S> Peer<S> {
    /// Passes a message of a burst on, which the peer has room for; whom to wake for it. That it is to be told of the
    /// burst is known.
    #[inline(never)]
    pub(crate) fn pass_in_burst(&mut self, message: &mut Message, permit: Permit) -> Option<Waker> {
        let end = self.link.inproc_mut()?;
        // A blank one takes no call to be dropped.
        let queued = Queued::new(std::mem::replace(message, Message::BLANK), permit);
        self.out_level.add(queued.cost());
        self.enqueued += 1;
        end.push(queued, true).reader
    }

    /// Whether a message that costs `cost` may be queued.
    #[inline]
    pub(crate) fn has_room(&self, cost: usize) -> bool {
        self.conflates || self.link_has_room(cost) && self.lets_by()
    }

    #[inline]
    pub(crate) fn link_has_room(&self, cost: usize) -> bool {
        self.out_level.has_room(cost)
            || self.link.inproc().is_some_and(|end| end.has_room(self.out_level, cost))
    }

    /// What is queued at this moment, whether or not it is accounted for.
    pub(crate) fn level(&self) -> HighWater {
        self.link.inproc().map_or(self.out_level, |end| end.level(self.out_level))
    }

    /// What is queued, for one who is to be told when it becomes less.
    pub(crate) fn await_room(&self) -> HighWater {
        self.link.inproc().inspect(|end| end.await_room());
        self.level()
    }

    /// Messages that the application of the other side has.
    fn count_taken(&mut self, taken: Count) {
        self.out_level.remove_all(taken.messages, taken.all.cost());
        self.account.send(taken.messages as u64, taken.all.size as u64);
    }
}
