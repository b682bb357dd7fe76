//! Whose message is next: returned ones, what ended connections left, what was read ahead, pipes, streams.
//!
//! The message is put where the caller wants it, and only whose it is returned: each of a dozen functions would move it
//! else. What is there after a failure means nothing.

use super::core::Core;
use super::peer::Peer;
use super::slab::TURN;
use crate::message::Message;
use crate::monitor::{DropCause, PeerId};
use crate::runtime::AsyncStream;

/// Messages from pipes that `recv` returns in a row before it looks at the streams.
pub(super) const PASSED_PER_STREAM_TURN: u32 = 16;

impl<S: AsyncStream> Core<S> {
    /// A message that is there already: in a pipe, read ahead, or in the slab.
    #[inline]
    pub(super) fn take_decoded(&mut self, into: &mut Message) -> Option<PeerId> {
        if !self.inbound.pipes.is_empty()
            && self.inbound.returned.is_empty()
            && !self.inbound.leftovers.have_turn()
        {
            if let Some(id) = self.take_passed(into) {
                return Some(id);
            }
        }
        loop {
            let ahead = if self.inbound.nothing_ahead() { None } else { self.take_read_ahead(into) };
            let from = ahead.or_else(|| self.decode_slab(into));
            if from.is_some() {
                self.inbound.passed = 0;
                return from;
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
    pub(super) fn take_passed(&mut self, into: &mut Message) -> Option<PeerId> {
        while self.inbound.passed < PASSED_PER_STREAM_TURN {
            let id = self.inbound.pipes.pop()?;
            if self.take_from_pipe(id, into) {
                self.inbound.passed += 1;
                return Some(id);
            }
        }
        None
    }

    /// The next message that was read ahead and is still wanted: what a subscriber gets is decided when it
    /// receives.
    pub(super) fn take_read_ahead(&mut self, into: &mut Message) -> Option<PeerId> {
        loop {
            let id = self.next_read_ahead(into)?;
            if self.pattern.still_wants(into) {
                return Some(id);
            }
            self.base.count_recv_dropped(Some(id), DropCause::NotSubscribed, 1);
        }
    }

    /// What connections that have ended left: the living, whose turn it was, have nothing.
    pub(super) fn take_leftover_instead(&mut self, into: &mut Message) -> Option<PeerId> {
        self.inbound.leftovers.take_turn();
        self.take_read_ahead(into)
    }

    fn next_read_ahead(&mut self, into: &mut Message) -> Option<PeerId> {
        if let Some((id, returned)) = self.inbound.returned.pop_front() {
            *into = returned;
            return Some(id);
        }
        if self.inbound.leftovers.have_turn() {
            if let Some((id, leftover)) = self.take_leftover() {
                self.inbound.ahead += 1;
                *into = leftover;
                return Some(id);
            }
        }
        while let Some(id) = self.inbound.inboxes.pop() {
            if self.take_from_inbox(id, into) {
                self.inbound.ahead += 1;
                return Some(id);
            }
        }
        None
    }

    /// A message from a stream whose turn comes although not all has been received that was read ahead: after so
    /// much of that, those have a turn who had nothing before. What they send would else come after all of it.
    #[inline]
    pub(super) fn take_in_between(&mut self, into: &mut Message) -> Option<PeerId> {
        if self.inbound.in_between > 0 {
            return self.turn(|core| core.read_in_between(into));
        }
        if self.inbound.ahead < TURN || self.base.conflates {
            return None;
        }
        self.inbound.ahead = 0;
        self.turn(|core| {
            core.collect_ready();
            core.inbound.unload_slab(&mut core.base);
            core.inbound.in_between = TURN;
            core.read_in_between(into)
        })
    }

    fn read_in_between(&mut self, into: &mut Message) -> Option<PeerId> {
        loop {
            // What is older than the slab's bytes, of the same peer, comes first.
            let in_order = |peer: &Peer<S>| peer.inbox.is_empty();
            if self.inbound.slab_owner.and_then(|id| self.base.peers.get(id)).is_some_and(in_order) {
                if let Some(id) = self.decode_slab(into) {
                    self.inbound.in_between -= 1;
                    return Some(id);
                }
            }
            let Some(id) = self.inbound.readable.pop_fresh() else {
                self.inbound.in_between = 0;
                return None;
            };
            if self.inbound.load_slab(&mut self.base, id) {
                self.read(id);
            }
        }
    }
}
