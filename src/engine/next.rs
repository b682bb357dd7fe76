//! Whose message is next: returned ones, what ended connections left, what was read ahead, pipes, streams.

use super::core::Core;
use super::peer::Peer;
use super::slab::TURN;
use crate::message::Message;
use crate::monitor::{DropCause, PeerId};
use crate::runtime::AsyncStream;

/// Messages from pipes that `recv` returns in a row before it looks at the streams.
const PASSED_PER_STREAM_TURN: u32 = 16;

impl<S: AsyncStream> Core<S> {
    /// A message that is there already: in a pipe, read ahead, or in the slab.
    #[inline]
    pub(super) fn take_decoded(&mut self) -> Option<(PeerId, Message)> {
        if self.inbound.returned.is_empty() && !self.inbound.leftovers.have_turn() {
            if let Some(message) = self.take_passed() {
                return Some(message);
            }
        }
        loop {
            let message = self.take_read_ahead().or_else(|| self.decode_slab());
            if message.is_some() {
                self.inbound.passed = 0;
                return message;
            }
            // A command may have led to a message of the socket's own.
            if self.inbound.nothing_ahead() {
                return None;
            }
        }
    }

    /// A message from the pipe whose turn it is, unless the streams have waited for long enough: pipes that
    /// are never empty must not keep them from their turn.
    #[inline]
    pub(super) fn take_passed(&mut self) -> Option<(PeerId, Message)> {
        while self.inbound.passed < PASSED_PER_STREAM_TURN {
            let id = self.inbound.pipes.pop()?;
            let message = self.take_from_pipe(id);
            if message.is_some() {
                self.inbound.passed += 1;
                return message;
            }
        }
        None
    }

    /// The next message that was read ahead and is still wanted: what a subscriber gets is decided when it
    /// receives.
    pub(super) fn take_read_ahead(&mut self) -> Option<(PeerId, Message)> {
        loop {
            let (id, message) = self.next_read_ahead()?;
            if self.pattern.still_wants(&message) {
                return Some((id, message));
            }
            self.count_recv_dropped(Some(id), DropCause::NotSubscribed, 1);
        }
    }

    /// What connections that have ended left: the living, whose turn it was, have nothing.
    pub(super) fn take_leftover_instead(&mut self) -> Option<(PeerId, Message)> {
        self.inbound.leftovers.take_turn();
        self.take_read_ahead()
    }

    fn next_read_ahead(&mut self) -> Option<(PeerId, Message)> {
        if let Some(returned) = self.inbound.returned.pop_front() {
            return Some(returned);
        }
        if self.inbound.leftovers.have_turn() {
            if let Some(leftover) = self.take_leftover() {
                self.inbound.ahead += 1;
                return Some(leftover);
            }
        }
        while let Some(id) = self.inbound.inboxes.pop() {
            let message = self.take_from_inbox(id);
            if message.is_some() {
                self.inbound.ahead += 1;
                return message;
            }
        }
        None
    }

    /// A message from a stream whose turn comes although not all has been received that was read ahead: after so
    /// much of that, those have a turn who had nothing before. What they send would else come after all of it.
    #[inline]
    pub(super) fn take_in_between(&mut self) -> Option<(PeerId, Message)> {
        if self.inbound.in_between > 0 {
            return self.turn(Self::read_in_between);
        }
        if self.inbound.ahead < TURN || self.conflates {
            return None;
        }
        self.inbound.ahead = 0;
        self.turn(|core| {
            core.collect_ready();
            core.unload_slab();
            core.inbound.in_between = TURN;
            core.read_in_between()
        })
    }

    fn read_in_between(&mut self) -> Option<(PeerId, Message)> {
        loop {
            // What is older than the slab's bytes, of the same peer, comes first.
            let in_order = |peer: &Peer<S>| peer.inbox.is_empty();
            if self.inbound.slab_owner.and_then(|id| self.peers.get(id)).is_some_and(in_order) {
                if let Some(message) = self.decode_slab() {
                    self.inbound.in_between -= 1;
                    return Some(message);
                }
            }
            let Some(id) = self.inbound.readable.pop_fresh() else {
                self.inbound.in_between = 0;
                return None;
            };
            if self.load_slab(id) {
                self.read(id);
            }
        }
    }
}
