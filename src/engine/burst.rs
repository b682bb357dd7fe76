//! The short way out: a message in the middle of a burst to the only peer, or one that is named. The way in is in `intake`.
//!
//! On a busy socket nearly every message finds everything as the one before it left it. So there are three ways,
//! and each leaves to the next what it does not settle: the lane, for as long as nobody has taken the lock for
//! anything else; `join_burst`, which looks at all that may be in the way, and opens the lane; and `submit`.

use super::base::Base;
use super::core::Core;
use super::enqueue::{queue_charged, queue_message};
use super::flush::worth_writing;
use super::outbound::{Manner, Outbound};
use super::parked::Turn;
use super::pattern::Pattern;
use super::peer::{Peer, Stage};
use crate::error::Error;
use crate::message::{Extent, Message};
use crate::monitor::PeerId;
use crate::protocol::{Connection, encode_in_clear, encode_plain};
use crate::resilience::Permit;
use crate::runtime::{AsyncStream, SendBuf};

/// Messages that `send` accepts in a row before it lets other tasks run once; half as many if it has just
/// written all that was queued, since otherwise the companion writes the rest.
pub(super) const SENDS_PER_POLL: u32 = 1536;

/// Referenced bytes that the kernel does not take from which `send` gives way after each message: only then
/// can the runtime notice that the kernel takes more. What piles up meanwhile is out of the caches when its
/// turn comes.
const BACKLOG: usize = 1024 * 1024;

/// What a message is paid with.
pub(crate) enum Payment {
    /// A permit of its own.
    Permit(Permit),
    /// Bytes that were acquired ahead.
    Ahead,
}

/// What may still join the burst without another look.
///
/// All that could stand in the way was looked at when it was opened, and whoever takes the lock for anything else
/// closes it first (`Shared::with`). What went through is not counted before that.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Messages and what they may cost together, of what was granted.
    messages: u32,
    cost: usize,
    /// Messages instead of those, where the peer is in the process.
    piped: u32,
    granted: Granted,
}

#[derive(Clone, Copy, Debug, Default)]
struct Granted {
    messages: u32,
    cost: usize,
}

impl Lane {
    /// What a message costs of which there may be any number of frames, if it fits.
    #[inline]
    fn admit(&self, extent: Extent, max_frames: usize) -> Option<usize> {
        Some(extent.cost()).filter(|cost| (1..=max_frames).contains(&extent.frames) && *cost <= self.cost)
    }

    /// Queues a message of several frames. Out of line: those of one are many more.
    #[inline(never)]
    fn take_several(&mut self, out: &mut SendBuf, message: &Message, max_frames: usize) -> bool {
        let extent = message.extent();
        let Some(cost) = self.admit(extent, max_frames) else { return false };
        if SendBuf::references(extent.size) {
            return false;
        }
        encode_in_clear(message, out);
        out.end_message(extent);
        self.messages -= 1;
        self.cost -= cost;
        true
    }
}

impl Outbound {
    /// Whether a message may join a burst that is under way, whoever it is for.
    #[inline(always)]
    fn goes_on(&self) -> bool {
        self.in_burst
            && self.joinable
            && !self.poisoned
            && self.pending.is_empty()
            && self.sends_since_yield < SENDS_PER_POLL
    }

    /// Grants what may join before the next write is due, the marks are reached, or others are to run, if that is
    /// worth it for messages of this cost.
    #[inline(always)]
    fn open_lane<S: AsyncStream>(&mut self, peer: &Peer<S>, max_size: usize, cost: usize) {
        /// Messages from which it is.
        const WORTH: usize = 4;
        let (messages, bytes) = peer.out_level.room();
        let piped = peer.link.inproc().is_some();
        // On the wire each takes less than it costs, so that the write is never late.
        let until_write = match peer.until_retry() {
            _ if piped => usize::MAX,
            _ if !peer.connection.is_clear() => return,
            Some(left) => left,
            None => self.write_threshold.saturating_sub(peer.out.remaining_copied()),
        };
        let granted = Granted {
            messages: messages.min(SENDS_PER_POLL.saturating_sub(self.sends_since_yield) as usize) as u32,
            cost: bytes.min(until_write).min(max_size),
        };
        if granted.cost >= WORTH * cost {
            let (messages, piped) = if piped { (0, granted.messages) } else { (granted.messages, 0) };
            self.lane = Lane { messages, cost: granted.cost, piped, granted };
        }
    }

    /// Queues a message behind others, if the lane is open and it fits; false changes nothing. There is no permit
    /// to be kept, and what is in the message is copied, or passed on within the process without waking anybody.
    #[inline(always)]
    pub(crate) fn take_lane<S: AsyncStream>(&mut self, base: &mut Base<S>, message: &mut Message) -> bool {
        let Self { lane, sole_peer, .. } = self;
        if lane.messages == 0 {
            return lane.piped > 0 && self.take_piped_lane(base, message);
        }
        let Some(peer) = sole_peer.and_then(|id| base.peers.get_mut(id)) else { return false };
        let Some(frame) = message.only_frame() else {
            return lane.take_several(&mut peer.out, message, base.options.max_frames);
        };
        let extent = Extent { size: frame.payload_len(), frames: 1 };
        if extent.cost() > lane.cost || SendBuf::references(extent.size) {
            return false;
        }
        lane.messages -= 1;
        lane.cost -= extent.cost();
        encode_plain(frame, &mut peer.out);
        peer.out.end_message(extent);
        true
    }

    #[inline(never)]
    fn take_piped_lane<S: AsyncStream>(&mut self, base: &mut Base<S>, message: &mut Message) -> bool {
        let Self { lane, sole_peer, .. } = self;
        let Some(cost) = lane.admit(message.extent(), base.options.max_frames) else { return false };
        let peer = sole_peer.and_then(|id| base.peers.get_mut(id));
        let taken = peer.and_then(|peer| peer.link.inproc_mut()).is_some_and(|end| end.push_untold(message));
        if taken {
            lane.piped -= 1;
            lane.cost -= cost;
        }
        taken
    }

    /// Closes the lane, and counts what went through it.
    #[inline(always)]
    pub(super) fn close_lane<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        if self.lane.granted.messages > 0 {
            self.count_lane(base);
        }
    }

    #[inline(never)]
    fn count_lane<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        let Lane { messages, cost, piped, granted } = std::mem::take(&mut self.lane);
        let (messages, cost) = (granted.messages - messages - piped, granted.cost - cost);
        let Some(peer) = self.sole_peer.and_then(|id| base.peers.get_mut(id)) else { return };
        peer.out_level.add_all(messages as usize, cost);
        peer.enqueued += u64::from(messages);
        self.sends_since_yield += messages;
        base.ledger.accept_all(u64::from(messages));
    }

    /// Queues a message for the peer of this name in the middle of a burst, if it is copied, there is room for it, and
    /// no write is due; false changes nothing.
    pub(crate) fn join_addressed<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        pattern: &dyn Pattern,
        name: &[u8],
        message: &Message,
    ) -> bool {
        let peer = match pattern.named(name).and_then(|id| base.peers.get_mut(id)) {
            Some(peer)
                if self.goes_on()
                    && base.life.is_minded()
                    && peer.stage == Stage::Live
                    && peer.senders.is_empty() =>
            {
                peer
            }
            _ => return false,
        };
        let extent = message.extent();
        let limits = extent.size <= base.options.max_message_size
            && (1..=base.options.max_frames).contains(&extent.frames)
            && !SendBuf::references(extent.size);
        let by_itself = peer.link.inproc().is_none() && !peer.write_blocked && !peer.doomed;
        let queued = peer.out.remaining_copied() + Connection::wire_bound(message);
        if !limits || !by_itself || queued >= self.write_threshold || !peer.has_room(extent.cost()) {
            return false;
        }
        self.lend_arena(peer);
        queue_message(peer, message, Permit::none());
        self.mark_dirty(peer);
        self.sends_since_yield += 1;
        base.ledger.accept();
        true
    }
}

impl<S: AsyncStream> Core<S> {
    /// [`submit`](Self::submit) for a loop of sends, which has to wait now and then to let others run.
    #[inline(never)]
    pub(crate) fn submit_in_turn(
        &mut self,
        message: &mut Message,
        permit: Permit,
        manner: Manner,
    ) -> Result<(), Error> {
        if self.outbound.sends_since_yield >= SENDS_PER_POLL {
            self.base.effects.drop_permit(permit);
            return Err(Error::WouldBlock);
        }
        self.outbound.sends_since_yield += 1;
        self.submit(message, permit, manner, Turn::New)
    }

    /// Accepts messages in order, each with its part of `permit`, up to the first that has to wait or is refused: how
    /// many, and why no more. Where nothing was under way, those that no more follow are written together.
    pub(crate) fn submit_many(
        &mut self,
        messages: &mut [Message],
        permit: &mut Permit,
        no_more_follow: bool,
    ) -> (usize, Option<Error>) {
        let (all, was_in_burst, free) = (messages.len(), self.outbound.in_burst, permit.is_none());
        for (accepted, message) in messages.iter_mut().enumerate() {
            if free && self.outbound.take_lane(&mut self.base, message) {
                continue;
            }
            self.close_lanes();
            let manner = if accepted + 1 < all { Manner::Feed } else { Manner::Send };
            let payment = Payment::Permit(permit.split(message.cost()));
            if let Some(Payment::Permit(permit)) = self.join_burst(message, payment) {
                if let Err(error) = self.submit_in_turn(message, permit, manner) {
                    return (accepted, Some(error));
                }
            }
        }
        self.close_lanes();
        if no_more_follow && all > 1 && !was_in_burst {
            self.write_gathered(None);
        }
        (all, None)
    }

    /// Queues a message behind others of the same burst to the only peer, which leave with it; gives the
    /// payment back if there is more to it than that.
    #[inline(always)]
    pub(crate) fn join_burst(&mut self, message: &mut Message, payment: Payment) -> Option<Payment> {
        let open = self.base.life.is_minded();
        let peer = match self.outbound.sole_peer.and_then(|id| self.base.peers.get_mut(id)) {
            Some(peer) if self.outbound.goes_on() && open && peer.dirty => peer,
            _ => return Some(payment),
        };
        let (id, extent, max_size) = (peer.id, message.extent(), self.base.options.max_message_size);
        // Without any frame, this is more than any number of them.
        let more_frames = extent.frames.wrapping_sub(1);
        if extent.size > max_size || more_frames >= self.base.options.max_frames {
            return Some(payment);
        }
        let cost = extent.cost();
        if matches!(payment, Payment::Ahead) && self.outbound.ahead.bytes() < cost {
            return Some(payment);
        }
        if !peer.out_level.has_room(cost) {
            self.write_burst(id);
            return Some(payment);
        }
        let goes_on = matches!(&payment, Payment::Permit(permit) if permit.is_none());
        self.outbound.sends_since_yield += 1;
        self.base.ledger.accept();
        if peer.link.inproc().is_some() {
            let permit = match payment {
                Payment::Permit(permit) => permit,
                Payment::Ahead => self.outbound.ahead.split(cost),
            };
            self.base.effects.wake(peer.pass_in_burst(message, permit));
            if goes_on {
                self.outbound.open_lane(peer, max_size, cost);
            }
            return None;
        }
        match payment {
            Payment::Permit(permit) => queue_message(peer, message, permit),
            Payment::Ahead => queue_charged(peer, message, extent, &mut self.outbound.ahead),
        }
        let due = match peer.until_retry() {
            Some(left) => left == 0 || peer.out.remaining_shared() >= BACKLOG,
            None => worth_writing(&peer.out, self.outbound.write_threshold),
        };
        if due {
            self.write_burst(id);
        } else if goes_on {
            self.outbound.open_lane(peer, max_size, cost);
        }
        None
    }

    #[inline(never)]
    fn write_burst(&mut self, id: PeerId) {
        self.outbound.raise_threshold(self.base.peers.len());
        if self.base.peers.get(id).is_some_and(Peer::may_write) {
            self.turn(|core| core.flush_peer(id));
        }
        let backlog = |peer: &Peer<S>| peer.write_blocked && peer.out.remaining_shared() >= BACKLOG;
        if self.outbound.sends_since_yield >= SENDS_PER_POLL / 2
            || self.base.peers.get(id).is_some_and(backlog)
        {
            self.outbound.sends_since_yield = SENDS_PER_POLL;
        }
    }
}
