//! The short way in: a message that lies whole in the slab, and nothing comes before it. The way out is in `burst`.
//!
//! As there, the lane is open until somebody takes the lock for anything else; `take_from_slab` looks at all that
//! may be in the way, and opens it; whatever is left goes to `try_recv`.

use super::core::{Companion, Core, Phase};
use super::inbound::RECEIVES_PER_POLL;
use super::inproc::End;
use super::next::PASSED_PER_STREAM_TURN;
use super::pattern::Delivery;
use super::peer::Stage;
use super::slab::TURN;
use crate::message::Message;
use crate::protocol::{PlainLimit, take_plain};
use crate::runtime::AsyncStream;

/// What may still be taken from the slab without another look: nothing but its owner's messages comes next, each
/// as it is, for the application as it comes.
#[derive(Debug, Default)]
pub(super) struct Lane {
    messages: u32,
    granted: u32,
    /// The payloads of what was taken, in bytes.
    payload: usize,
    /// The largest message that may come.
    limit: PlainLimit,
}

impl<S: AsyncStream> Core<S> {
    /// Puts the next message into `into`, if the lane is open and it lies whole in the slab; false changes nothing
    /// that counts.
    #[inline(always)]
    pub(crate) fn take_from_lane(&mut self, into: &mut Message) -> bool {
        let (lane, slab) = (&mut self.inbound.short, &mut self.inbound.slab);
        if lane.messages == 0 {
            return false;
        }
        let Some(taken) = take_plain(slab.filled(), lane.limit, into) else { return false };
        slab.consume(taken.bytes);
        lane.messages -= 1;
        lane.payload += taken.payload;
        true
    }

    /// Closes the lane, and counts what went through it.
    #[inline(always)]
    pub(super) fn close_intake(&mut self) {
        if self.inbound.short.granted > 0 {
            self.count_intake();
        }
    }

    #[inline(never)]
    fn count_intake(&mut self) {
        let Lane { messages, granted, payload, .. } = std::mem::take(&mut self.inbound.short);
        let taken = granted - messages;
        self.inbound.read_ahead.count(taken);
        self.inbound.receives_since_yield += taken;
        self.inbound.turn += taken;
        if let Some(peer) = self.inbound.slab_owner.and_then(|id| self.peers.get_mut(id)) {
            peer.account.receive_all(u64::from(taken), payload);
        }
        self.ledger.deliver_all(u64::from(taken));
    }

    /// Appends what lies whole in the slab or was fetched from a pipe, and nothing comes before it, until there are
    /// `end` messages; false if there was nothing.
    pub(super) fn take_many(&mut self, messages: &mut Vec<Message>, end: usize) -> bool {
        let before = messages.len();
        while messages.len() < end {
            messages.push(Message::BLANK);
            let last = messages.last_mut();
            let taken = last.is_some_and(|last| self.take_from_lane(last) || self.take_beside_lane(last));
            if !taken {
                messages.pop();
                break;
            }
        }
        self.close_lanes();
        messages.len() > before
    }

    /// The next of many, where the lane is closed or has nothing. Out of line, so that the lane needs few registers.
    #[inline(never)]
    fn take_beside_lane(&mut self, into: &mut Message) -> bool {
        self.close_lanes();
        self.take_from_slab(into) || self.take_from_pipes(into)
    }

    /// Puts the next message into `into`, if it lies whole in the slab and nothing comes before it.
    #[inline(always)]
    pub(crate) fn take_from_slab(&mut self, into: &mut Message) -> bool {
        let inbound = &mut self.inbound;
        let undisturbed = inbound.lane
            && inbound.only_slab()
            && inbound.receives_since_yield < RECEIVES_PER_POLL
            && inbound.turn < TURN;
        let open = self.phase == Phase::Open && self.companion != Companion::Gone;
        let peer = match inbound.slab_owner.and_then(|id| self.peers.get_mut(id)) {
            Some(peer) if undisturbed && open && peer.stage != Stage::Draining => peer,
            _ => return false,
        };
        let Some(taken) = peer.connection.take_message(inbound.slab.filled(), into) else { return false };
        inbound.slab.consume(taken.bytes);
        inbound.read_ahead.count(1);
        inbound.receives_since_yield += 1;
        inbound.turn += 1;
        if inbound.delivery == Delivery::AsIs {
            peer.account.receive(taken.payload);
            // Who is to mind what is left has been told of it.
            if inbound.read_ahead.is_minded() {
                if let Some(limit) = peer.connection.plain_limit() {
                    let messages =
                        (RECEIVES_PER_POLL - inbound.receives_since_yield).min(TURN - inbound.turn);
                    inbound.short = Lane { messages, granted: messages, payload: 0, limit };
                }
            }
        } else {
            let id = peer.id;
            if !self.filter(id, into) {
                return false;
            }
        }
        self.delivered();
        true
    }

    /// The same for a message that was fetched from a pipe with others behind it, so that the pipe is not looked at.
    #[inline(never)]
    pub(crate) fn take_from_pipes(&mut self, into: &mut Message) -> bool {
        let inbound = &mut self.inbound;
        let Some(id) = inbound.pipes.next() else { return false };
        let undisturbed = inbound.lane
            && inbound.delivery == Delivery::AsIs
            && inbound.nothing_ahead()
            && inbound.receives_since_yield < RECEIVES_PER_POLL
            && inbound.passed < PASSED_PER_STREAM_TURN
            && inbound.in_between == 0
            && inbound.ahead < TURN;
        let open = self.phase == Phase::Open && self.companion != Companion::Gone;
        let peer = match self.peers.get_mut(id) {
            Some(peer) if undisturbed && open && peer.inbox.is_empty() && peer.stage != Stage::Draining => {
                peer
            }
            _ => return false,
        };
        let Some((queued, writer)) = peer.link.inproc_mut().and_then(End::pop_before_others) else {
            return false;
        };
        *into = queued.message;
        peer.account.receive(into.size());
        self.effects.wake(writer);
        self.effects.drop_permit(queued.permit);
        inbound.pipes.advance();
        inbound.from = Some(id);
        inbound.read_ahead.count(1);
        inbound.receives_since_yield += 1;
        inbound.passed += 1;
        inbound.leftovers.count_turn();
        self.delivered();
        true
    }
}
