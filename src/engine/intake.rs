//! The short way in: a message that lies whole in the slab, and nothing comes before it. The way out is in `burst`.
//!
//! As there, the lane is open until somebody takes the lock for anything else; `take_from_slab` looks at all that
//! may be in the way, and opens it; whatever is left goes to `try_recv`.

use super::base::Base;
use super::core::Core;
use super::inbound::{Inbound, RECEIVES_PER_POLL};
use super::inproc::End;
use super::next::PASSED_PER_STREAM_TURN;
use super::pattern::Delivery;
use super::peer::Stage;
use super::slab::TURN;
use crate::message::{Frame, Message};
use crate::monitor::PeerId;
use crate::protocol::{PlainLimit, take_plain};
use crate::runtime::{AsyncStream, RecvBuf};

/// What may still be taken without another look: nothing but one peer's messages comes next, for the application as
/// they come.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Messages that may be taken from the slab, of its owner, as they are.
    messages: u32,
    /// Instead of those, messages that take more.
    others: u32,
    which: Others,
    granted: u32,
    /// The payloads of what was taken, in bytes.
    payload: usize,
    /// The largest message that may come.
    limit: PlainLimit,
}

#[derive(Debug, Default)]
enum Others {
    #[default]
    None,
    /// Those of the slab, with this in front of each: the identity of whom they are from.
    Enveloped(Frame),
    /// Those that were fetched from the pipe of this peer.
    Piped(PeerId),
}

impl Lane {
    /// Puts the message that lies whole in front of the slab into `into`; false if there is none.
    #[inline(always)]
    fn take_from(&mut self, slab: &mut RecvBuf, into: &mut Message) -> bool {
        let Some(taken) = take_plain(slab.filled(), self.limit, into) else { return false };
        slab.consume(taken.bytes);
        self.payload += taken.payload;
        true
    }
}

impl Inbound {
    /// Puts the next message into `into`, and what its type puts in front of it into `from`; only where there is such.
    #[inline(always)]
    pub(crate) fn take_apart(&mut self, from: &mut Frame, into: &mut Message) -> bool {
        let (lane, slab) = (&mut self.short, &mut self.slab);
        let (1.., Others::Enveloped(envelope)) = (lane.others, &lane.which) else { return false };
        *from = envelope.clone();
        let taken = lane.take_from(slab, into);
        lane.others -= u32::from(taken);
        taken
    }

    /// Opens the lane for those behind a message that was just taken from the slab, with this in front of each.
    #[inline(always)]
    fn open_lane(&mut self, limit: Option<PlainLimit>, envelope: Option<Frame>) {
        // Else who is to mind what is left has not been told of it.
        let Some(limit) = limit.filter(|_| self.read_ahead.is_minded()) else { return };
        let granted = (RECEIVES_PER_POLL - self.receives_since_yield).min(TURN - self.turn);
        if granted == 0 {
            return;
        }
        let (messages, others, which) = match envelope {
            None => (granted, 0, Others::None),
            Some(envelope) => (0, granted, Others::Enveloped(envelope)),
        };
        self.short = Lane { messages, others, which, granted, payload: 0, limit };
    }
}

impl Inbound {
    /// Puts the next message into `into`, if the lane is open and it is there; false changes nothing that counts.
    #[inline(always)]
    pub(crate) fn take_from_lane<S: AsyncStream>(&mut self, base: &mut Base<S>, into: &mut Message) -> bool {
        let (lane, slab) = (&mut self.short, &mut self.slab);
        if lane.messages == 0 {
            return lane.others > 0 && self.take_other_from_lane(base, into);
        }
        let taken = lane.take_from(slab, into);
        lane.messages -= u32::from(taken);
        taken
    }

    /// Out of line, so that the lane needs few registers.
    #[inline(never)]
    fn take_other_from_lane<S: AsyncStream>(&mut self, base: &mut Base<S>, into: &mut Message) -> bool {
        let id = match &self.short.which {
            Others::None => return false,
            Others::Enveloped(_) => {
                let mut from = Frame::new();
                let taken = self.take_apart(&mut from, into);
                if taken {
                    into.push_front(from);
                }
                return taken;
            }
            Others::Piped(id) => *id,
        };
        let end = base.peers.get_mut(id).and_then(|peer| peer.link.inproc_mut());
        let mut writer = None;
        if !end.is_some_and(|end| end.pop_unpaid(into, &mut writer)) {
            return false;
        }
        let lane = &mut self.short;
        lane.others -= 1;
        lane.payload += into.size();
        if writer.is_some() {
            base.effects.wake(writer);
        }
        true
    }

    /// Closes the lane, and counts what went through it.
    #[inline(always)]
    pub(super) fn close_intake<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        if self.short.granted > 0 {
            self.count_intake(base);
        }
    }

    #[inline(never)]
    fn count_intake<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        let Lane { messages, others, which, granted, payload, .. } = std::mem::take(&mut self.short);
        let taken = granted - messages - others;
        self.read_ahead.count(taken);
        self.receives_since_yield += taken;
        let from = match which {
            Others::Piped(id) => {
                self.passed += taken;
                Some(id)
            }
            Others::None | Others::Enveloped(_) => {
                self.turn += taken;
                self.slab_owner
            }
        };
        if let Some(peer) = from.and_then(|id| base.peers.get_mut(id)) {
            peer.account.receive_all(u64::from(taken), payload);
        }
        base.ledger.deliver_all(u64::from(taken));
    }

    /// The same for a message that was fetched from a pipe with others behind it, so that the pipe is not looked at.
    #[inline(never)]
    pub(crate) fn take_from_pipes<S: AsyncStream>(&mut self, base: &mut Base<S>, into: &mut Message) -> bool {
        let has_others = base.peers.len() > 1;
        let Some(id) = self.pipes.next() else { return false };
        let undisturbed = self.lane
            && self.delivery == Delivery::AsIs
            && self.nothing_ahead()
            && self.receives_since_yield < RECEIVES_PER_POLL
            && (!has_others || self.passed < PASSED_PER_STREAM_TURN)
            && self.in_between == 0
            && self.ahead < TURN;
        // Nothing comes but from this pipe, and there is nobody to be told of what is left.
        let alone = self.pipes.has_only(id)
            && self.leftovers.is_empty()
            && self.readable.is_empty()
            && self.slab.filled().is_empty();
        let open = base.life.is_open();
        let peer = match base.peers.get_mut(id) {
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
        base.effects.wake(writer);
        base.effects.drop_permit(queued.permit);
        self.pipes.advance();
        self.from = Some(id);
        self.read_ahead.count(1);
        self.receives_since_yield += 1;
        self.passed += 1;
        self.leftovers.count_turn();
        if alone {
            let until_others =
                if has_others { PASSED_PER_STREAM_TURN - self.passed } else { RECEIVES_PER_POLL };
            let granted = (RECEIVES_PER_POLL - self.receives_since_yield).min(until_others);
            self.short = Lane { others: granted, which: Others::Piped(id), granted, ..Lane::default() };
        }
        self.delivered(base);
        true
    }
}

impl<S: AsyncStream> Core<S> {
    /// Appends what lies whole in the slab or was fetched from a pipe, and nothing comes before it, until there are
    /// `end` messages; false if there was nothing.
    pub(super) fn take_many(&mut self, messages: &mut Vec<Message>, end: usize) -> bool {
        let before = messages.len();
        while messages.len() < end {
            messages.push(Message::BLANK);
            let last = messages.last_mut();
            let taken = last.is_some_and(|last| {
                self.inbound.take_from_lane(&mut self.base, last) || self.take_beside_lane(last)
            });
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
        self.take_from_slab(into) || self.inbound.take_from_pipes(&mut self.base, into)
    }

    /// Puts the next message into `into`, if it lies whole in the slab and nothing comes before it.
    #[inline(always)]
    pub(crate) fn take_from_slab(&mut self, into: &mut Message) -> bool {
        let inbound = &mut self.inbound;
        let undisturbed = inbound.lane
            && inbound.only_slab()
            && inbound.receives_since_yield < RECEIVES_PER_POLL
            && inbound.turn < TURN;
        let open = self.base.life.is_open();
        let peer = match inbound.slab_owner.and_then(|id| self.base.peers.get_mut(id)) {
            Some(peer) if undisturbed && open && peer.stage != Stage::Draining => peer,
            _ => return false,
        };
        let Some(taken) = peer.connection.take_message(inbound.slab.filled(), into) else { return false };
        inbound.slab.consume(taken.bytes);
        inbound.read_ahead.count(1);
        inbound.receives_since_yield += 1;
        inbound.turn += 1;
        let (id, limit) = (peer.id, peer.connection.plain_limit());
        if inbound.delivery == Delivery::AsIs {
            peer.account.receive(taken.payload);
            self.inbound.open_lane(limit, None);
        } else if !self.filter(id, into) {
            return false;
        } else if let Some(envelope) = self.pattern.envelope(id) {
            let envelope = Some(envelope.clone());
            self.inbound.open_lane(limit, envelope);
        }
        self.inbound.delivered(&mut self.base);
        true
    }
}
