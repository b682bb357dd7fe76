//! The steps of `recv`, `recv_many` and `try_recv`, by the long way.

use super::base::Base;
use super::core::Core;
use super::inbound::{Inbound, RECEIVES_PER_POLL};
use super::life::Companion;
use super::parked::{Attempt, List, Turn};
use super::pattern::Delivery;
use crate::error::Error;
use crate::message::Message;
use crate::monitor::PeerId;
use crate::runtime::AsyncStream;

/// Looks at streams that one call takes for a message: a stream can have itself looked at again and again
/// without yielding anything.
const LOOKS_PER_TURN: usize = 256;

impl Inbound {
    /// No stream can have anything: a look at them would be in vain.
    #[inline]
    fn nothing_came<S: AsyncStream>(&self, base: &Base<S>) -> bool {
        let idle = self.only_slab() && self.readable.is_empty() && !base.ready.has_events();
        idle && base.life.companion == Companion::Running && !base.peers.is_empty() && !self.draining
    }

    /// A message goes to the application, which may or may not come back for what is left.
    #[inline]
    pub(super) fn delivered<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        base.ledger.deliver();
        if !self.readable.is_empty() || !self.slab.filled().is_empty() {
            self.watch(base);
        }
    }
}

impl<S: AsyncStream> Core<S> {
    /// One step of `recv`, which puts the message into `into`.
    #[inline]
    pub(crate) fn poll_recv_into(&mut self, into: &mut Message, turn: Turn) -> Attempt<Result<(), Error>> {
        let taken = self.take_from_slab(into) || self.inbound.take_from_pipes(&mut self.base, into);
        if taken { Attempt::Done(Ok(())) } else { self.poll_recv(into, turn) }
    }

    /// One step of `recv_many`: the first as `recv` gets it, and what is there behind it, until there are `end`
    /// messages, or others are to run.
    pub(crate) fn poll_recv_many(
        &mut self,
        messages: &mut Vec<Message>,
        end: usize,
        turn: Turn,
    ) -> Attempt<Result<usize, Error>> {
        let before = messages.len();
        if !self.take_many(messages, end) {
            let mut first = Message::BLANK;
            match self.poll_recv(&mut first, turn) {
                Attempt::Done(Ok(())) => messages.push(first),
                Attempt::Done(Err(error)) => return Attempt::Done(Err(error)),
                Attempt::Wait(list, need) => return Attempt::Wait(list, need),
                Attempt::GiveWay => return Attempt::GiveWay,
            }
        }
        while messages.len() < end && self.inbound.receives_since_yield < RECEIVES_PER_POLL {
            if !self.take_many(messages, end) {
                let Ok(other) = self.try_recv() else { break };
                self.inbound.receives_since_yield += 1;
                messages.push(other);
            }
        }
        self.inbound.pass_on_to_receivers(&mut self.base);
        Attempt::Done(Ok(messages.len() - before))
    }

    /// One step of `recv` by the long way.
    #[inline(never)]
    pub(crate) fn poll_recv(&mut self, into: &mut Message, turn: Turn) -> Attempt<Result<(), Error>> {
        let due = self.inbound.receives_since_yield >= RECEIVES_PER_POLL;
        if self.inbound.lane && !due && self.inbound.only_slab() && self.base.life.closed_error().is_none() {
            if let Some(id) = self.decode_slab(into) {
                self.inbound.from = Some(id);
                self.inbound.read_ahead.count(1);
                self.inbound.receives_since_yield += 1;
                self.inbound.delivered(&mut self.base);
                return Attempt::Done(Ok(()));
            }
            if self.inbound.nothing_came(&self.base) {
                self.inbound.read_ahead.count(1);
                return self.wait_for_message();
            }
        }
        if due {
            self.inbound.receives_since_yield = 0;
            return Attempt::GiveWay;
        }
        match self.try_recv_into(into) {
            Err(Error::WouldBlock) => self.wait_for_message(),
            received => {
                self.inbound.receives_since_yield += 1;
                if turn.is_new() && received.is_ok() {
                    self.inbound.pass_on_to_receivers(&mut self.base);
                }
                Attempt::Done(received)
            }
        }
    }

    fn wait_for_message<R>(&mut self) -> Attempt<R> {
        self.inbound.receives_since_yield = 0;
        self.outbound.untold = false;
        Attempt::Wait(List::Receivers, 0)
    }

    /// The next message, without waiting.
    pub(crate) fn try_recv(&mut self) -> Result<Message, Error> {
        let mut message = Message::BLANK;
        self.try_recv_into(&mut message).map(|()| message)
    }

    fn try_recv_into(&mut self, into: &mut Message) -> Result<(), Error> {
        if let Some(error) = self.base.life.closed_error() {
            return Err(error);
        }
        if self.inbound.delivery == Delivery::ByTurns {
            self.pattern.may_receive()?;
        }
        self.inbound.read_ahead.count(1);
        if self.base.conflates {
            self.read_latest();
        }
        let from = self.take_in_between(into).or_else(|| self.take_decoded(into));
        let from = from.or_else(|| self.turn(|core| core.read_message(into)));
        // Connections that ended in that turn may have left something.
        let Some(id) = from.or_else(|| self.take_leftover_instead(into)) else {
            if self.inbound.delivery == Delivery::ByTurns {
                // The peer that was to reply may just have been found gone, and nobody will wake us for that.
                self.pattern.may_receive()?;
            }
            return Err(match self.inbound.is_drained() {
                true => Error::Closed,
                false => self.endpoints.no_connection_will_come(&self.base).unwrap_or(Error::WouldBlock),
            });
        };
        self.inbound.from = Some(id);
        self.inbound.leftovers.count_turn();
        if self.inbound.delivery == Delivery::ByTurns {
            self.pattern.deliver(id, into);
        }
        self.inbound.delivered(&mut self.base);
        Ok(())
    }

    /// Whether the socket was drained, and all that had arrived by then has been received.
    pub(crate) fn is_drained(&mut self) -> bool {
        self.turn(|core| {
            core.collect_ready();
            core.read_ahead_now();
        });
        self.inbound.is_drained()
    }

    /// Reads from peers, in turn, until one yields a message or none has anything.
    pub(super) fn read_message(&mut self, into: &mut Message) -> Option<PeerId> {
        for _ in 0..LOOKS_PER_TURN {
            self.collect_ready();
            // The first messages may have come in the same read as the end of the handshake.
            if let Some(id) = self.take_decoded(into) {
                return Some(id);
            }
            let Some(id) = self.inbound.readable.pop() else {
                // The streams have had their turn.
                if std::mem::take(&mut self.inbound.passed) > 0 {
                    continue;
                }
                return None;
            };
            if !self.inbound.load_slab(&mut self.base, id) {
                continue;
            }
            if let Some(id) = self.decode_slab(into) {
                // Bytes that waited for room; the stream itself is still to be read.
                self.inbound.readable.push(id);
                self.inbound.passed = 0;
                return Some(id);
            }
            if self.inbound.slab_owner != Some(id) {
                // Its turn is over, and it stands behind the others.
                continue;
            }
            if !self.inbound.nothing_ahead() {
                // Older than what is left in the slab.
                self.inbound.readable.push(id);
                continue;
            }
            self.read(id);
        }
        // A stream that is always ready, or that wants its task to give way: the rest is an event of its own.
        if let Some(peer) = self.inbound.readable.next().and_then(|id| self.base.peers.get(id)) {
            peer.wake();
        }
        None
    }
}
