//! From streams to messages: reading, decoding, and acting on what is no message.

use std::task::Poll;

use super::base::Base;
use super::clock::Timer;
use super::core::Core;
use super::inbound::Inbound;
use super::pattern::{Delivery, Verdict};
use super::peer::{Peer, Stage};
use super::slab::{SLAB, TURN};
use super::timers::KEPT_IDLE;
use crate::message::{Message, Spare};
use crate::monitor::{DisconnectReason, PeerId};
use crate::protocol::{Event, LARGE_FRAME, ProtocolError};
use crate::resilience::FlushPolicy;
use crate::runtime::{AsyncStream, RecvBuf};

/// Peers that one turn takes off the ready queue, so that a storm of wakes cannot keep the lock.
const PEERS_PER_TURN: usize = 1024;

impl Inbound {
    /// Puts a peer of which there may be more behind all others.
    pub(super) fn mark_readable<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId) {
        if base.becomes_readable(id) {
            self.readable.push(id);
        }
    }
}

impl<S: AsyncStream> Base<S> {
    fn becomes_readable(&mut self, id: PeerId) -> bool {
        let waits = |peer: &&mut Peer<S>| !peer.readable && !peer.paused && !peer.starved;
        let Some(peer) = self.peers.get_mut(id).filter(waits) else { return false };
        peer.readable = true;
        true
    }
}

impl<S: AsyncStream> Core<S> {
    /// Turns events of streams into flushes and entries of the readable list.
    pub(crate) fn collect_ready(&mut self) {
        for _ in 0..PEERS_PER_TURN {
            let Some(id) = self.base.ready.pop() else { break };
            let Some(peer) = self.base.peers.get_mut(id) else { continue };
            peer.taken_off_queue();
            if peer.link.inproc().is_some() {
                self.handle_inproc(id);
                continue;
            }
            // Where only `flush` writes, an event goes on with what it began, and with what is waited for.
            let begun = std::mem::replace(&mut peer.write_blocked, false);
            let awaited = [&peer.flushers, &peer.senders, &self.outbound.senders];
            let awaited = awaited.iter().any(|list| !list.is_empty());
            let flush = begun || awaited || self.base.options.flush_policy != FlushPolicy::Manual;
            if begun && peer.stage == Stage::Succeeded {
                self.inbound.go_on_leaving(&mut self.base, id);
            } else if flush && !peer.out.is_flushed() || peer.stage == Stage::Retiring || peer.poisoned {
                self.flush_peer(id);
            }
            if self.base.becomes_readable(id) {
                self.inbound.readable.push_fresh(id);
            }
            self.read_unless_for_application(id);
        }
    }

    /// Reads at once what is not for the application to wait for: handshakes, the end of departing
    /// peers, and everything on sockets that cannot receive.
    ///
    /// Bounded, so that one peer cannot keep the turn; the companion goes on where this stops.
    pub(super) fn read_unless_for_application(&mut self, id: PeerId) {
        const READS_PER_TURN: usize = 16;
        for _ in 0..READS_PER_TURN {
            let for_application = |peer: &Peer<S>| peer.stage.is_for_application() && self.pattern.receives();
            if !self.base.peers.get(id).is_some_and(|peer| peer.readable && !for_application(peer)) {
                return;
            }
            self.inbound.readable.remove(id);
            self.inbound.load_slab(&mut self.base, id);
            // What its last turn left comes before more is read behind it.
            self.fill_inbox(id);
            if self.inbound.slab_owner == Some(id) {
                self.read(id);
                self.fill_inbox(id);
            }
        }
        self.inbound.watch(&mut self.base);
    }

    /// Reads once, and after a short read once more, so that the stream is left waiting for its next
    /// event. The peer stays on the readable list unless it has nothing.
    pub(super) fn read(&mut self, id: PeerId) {
        if self.inbound.waits_for_verdict(&mut self.base, id) {
            return;
        }
        let draining = self.inbound.drains_live_peers(&*self.pattern);
        let Some(peer) = self.base.peers.get_mut(id) else { return };
        if peer.doomed {
            peer.readable = false;
            return;
        }
        if let Some(reason) = peer.ending.take() {
            peer.readable = false;
            return self.inbound.doom(&mut self.base, id, reason);
        }
        if draining && peer.stage == Stage::Live {
            // As one at its mark: what it sends stays with it, and goes elsewhere when we are gone.
            peer.paused = true;
            peer.readable = false;
            return;
        }
        if self.read_once(id) {
            self.inbound.readable.push(id);
        }
    }

    /// Reads, and says whether there may be more; how the stream ended is noted.
    pub(super) fn read_once(&mut self, id: PeerId) -> bool {
        if self.inbound.is_starved(&mut self.base, id) {
            return false;
        }
        let Some(peer) = self.base.peers.get_mut(id) else { return false };
        if self.shaking.puts_off(peer, self.polling) {
            peer.readable = false;
            return false;
        }
        self.inbound.slab.compact();
        // Behind a frame that does not fit in here there is presumably another: what is read of it is copied once more.
        let after_large = std::mem::take(&mut peer.after_large);
        self.inbound.slab.offer(if after_large { LARGE_FRAME } else { usize::MAX });
        for _ in 0..2 {
            let room = match &mut peer.large {
                Some(large) => large.unfilled().len(),
                None => self.inbound.slab.unfilled().len(),
            };
            if room == 0 {
                // Nothing read would look like the end of the stream.
                break;
            }
            match peer.poll_read(&mut self.inbound.slab) {
                Poll::Pending => {
                    peer.readable = false;
                    break;
                }
                Poll::Ready(Ok(read)) if read > 0 => {
                    peer.heard = true;
                    self.inbound.slab_drained = false;
                    if read == room {
                        break;
                    }
                }
                Poll::Ready(end) => {
                    peer.ending = Some(match end {
                        Ok(_) => DisconnectReason::EndOfStream,
                        Err(error) => DisconnectReason::Io(error.into()),
                    });
                    break;
                }
            }
        }
        let more = peer.readable;
        self.finish_large(id);
        self.inbound.weigh(&mut self.base, id);
        more
    }

    /// Hands a large frame over once it is complete.
    pub(super) fn finish_large(&mut self, id: PeerId) {
        let Some(peer) = self.base.peers.get_mut(id) else { return };
        if !peer.large.as_ref().is_some_and(RecvBuf::is_complete) {
            return;
        }
        let Some(payload) = peer.large.take().map(RecvBuf::into_bytes) else { return };
        peer.after_large = payload.len() >= SLAB;
        let event = peer.connection.handle_large_frame(payload, &mut peer.out);
        match event {
            Ok(Some(Event::Message(mut message))) => {
                if peer.connection.is_clear() {
                    // What was sealed is a part of its memory.
                    message.recycle(&self.inbound.recycled);
                }
                if self.filter(id, &mut message) {
                    self.inbound.put_into_inbox(&mut self.base, id, message);
                }
            }
            other => self.handle_other(id, other),
        }
    }

    /// Decodes the next message from the slab into `into`; false if there is none.
    pub(super) fn decode_next(&mut self, into: &mut Message) -> bool {
        loop {
            if self.inbound.turn >= TURN && self.inbound.pass_slab_on(&mut self.base) {
                return false;
            }
            let Some(id) = self.inbound.slab_owner else { return false };
            let Some(peer) = self.base.peers.get_mut(id) else { return false };
            let mut input = self.inbound.slab.filled();
            let before = input.len();
            if before == 0 || peer.large.is_some() {
                self.inbound.slab_drained = true;
                return false;
            }
            // Put where it is to be: inside of an event a message would be moved there and back.
            let taken = peer.connection.take_message(input, into);
            let event = match taken {
                Some(_) => None,
                None => Some(peer.connection.handle_other_input(&mut input, &mut peer.out)),
            };
            self.inbound.slab.consume(taken.map_or(before - input.len(), |taken| taken.bytes));
            self.inbound.turn += 1;
            match event {
                None => {}
                Some(Ok(Some(Event::Message(message)))) => *into = message,
                Some(Ok(None)) => {
                    self.inbound.slab_drained = true;
                    self.handle_other(id, Ok(None));
                    self.inbound.weigh(&mut self.base, id);
                    return false;
                }
                Some(other) => {
                    self.handle_other(id, other);
                    if !self.inbound.nothing_ahead() {
                        // What the command led to comes first.
                        return false;
                    }
                    continue;
                }
            }
            if peer.making > 0 {
                self.inbound.weigh(&mut self.base, id);
            }
            if self.filter(id, into) {
                return true;
            }
            if !self.inbound.nothing_ahead() {
                // What it led to comes before what is behind it.
                return false;
            }
        }
    }

    /// The same, and whose it is.
    #[inline]
    pub(super) fn decode_slab(&mut self, into: &mut Message) -> Option<PeerId> {
        let Inbound { slab, slab_owner, slab_drained, turn, .. } = &self.inbound;
        let id = (*slab_owner)?;
        let has_nothing = slab.filled().is_empty() && *slab_drained && *turn < TURN;
        (!has_nothing && self.decode_next(into)).then_some(id)
    }

    /// Counts a message that arrived; whether the application gets it.
    #[inline]
    pub(crate) fn filter(&mut self, id: PeerId, message: &mut Message) -> bool {
        let size = message.size();
        if self.inbound.delivery == Delivery::AsIs {
            if let Some(peer) = self.base.peers.get_mut(id).filter(|peer| peer.stage != Stage::Draining) {
                peer.account.receive(size);
                return true;
            }
        }
        self.filter_by_pattern(id, message, size)
    }

    #[inline(never)]
    fn filter_by_pattern(&mut self, id: PeerId, message: &mut Message, size: usize) -> bool {
        if self.base.peers.get(id).is_some_and(|peer| peer.stage == Stage::Draining) {
            self.base.count_received(id, size);
            self.base.count_recv_dropped(Some(id), self.base.life.cause_of_end(), 1);
            return false;
        }
        let verdict = self.pattern.filter(id, message, &mut self.commands);
        self.perform_commands();
        if verdict == Verdict::Consumed {
            return false;
        }
        self.base.count_received(id, size);
        match verdict {
            Verdict::Discard(cause) => self.base.count_recv_dropped(Some(id), cause, 1),
            Verdict::Delivered => self.base.ledger.deliver(),
            Verdict::Deliver | Verdict::Consumed => {}
        }
        verdict == Verdict::Deliver
    }

    /// Everything but messages.
    pub(super) fn handle_other(&mut self, id: PeerId, event: Result<Option<Event>, ProtocolError>) {
        let Some(peer) = self.base.peers.get_mut(id) else { return };
        // Whatever the protocol answered by itself: READY, PONG, ERROR.
        peer.out.end_control();
        let departs = peer.stage == Stage::Draining;
        match event {
            Ok(None | Some(Event::Ignored | Event::Message(_))) => {}
            Ok(Some(Event::LargeFrame { len })) => {
                let Spare { memory, loan, looks_begin } = self.inbound.recycled.take(len);
                let mut large = RecvBuf::for_frame(len, memory).on_loan(loan);
                large.extend_from_slice(self.inbound.slab.filled());
                self.inbound.slab.clear();
                peer.large = Some(large);
                if looks_begin {
                    self.base.clock.begin(Timer::Recycled, KEPT_IDLE);
                    self.base.wake_companion();
                }
            }
            Ok(Some(Event::Pong { context })) => peer.proof.answer(&context),
            // What a peer that is let go wants of us is of no use any more; only its messages are counted.
            Ok(Some(_)) if departs => return,
            Ok(Some(Event::KeyWork)) => self.ask(id),
            Ok(Some(Event::Handshaken(info))) => self.judge(id, info),
            Ok(Some(Event::Ping { ttl, context })) => {
                peer.answer_ping(context);
                if std::mem::replace(&mut peer.liveness.ttl, ttl) != ttl {
                    self.unclocked.push(id);
                    self.base.wake_companion();
                }
            }
            Ok(Some(Event::Subscribe { topic })) => self.handle_subscription(id, &topic, true),
            Ok(Some(Event::Cancel { topic })) => self.handle_subscription(id, &topic, false),
            Err(error) => {
                // An ERROR may be on its way to the peer; whether it gets there is of no consequence.
                let _ = self.write(id);
                return self.inbound.doom(&mut self.base, id, DisconnectReason::Protocol(error.into()));
            }
        }
        if !departs {
            self.base.answer(id);
        }
    }
}
