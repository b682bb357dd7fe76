//! The short way through the core: a message in the middle of a burst.
//!
//! On a busy socket nearly every message finds everything as the one before it left it. What it takes
//! then is here, in one piece for each direction; whatever else there may be to it is left to `submit`
//! and `try_recv`.

use super::core::{Companion, Core, Phase};
use super::flush::worth_writing;
use super::inbound::RECEIVES_PER_POLL;
use super::outbound::{Manner, queue_charged, queue_message};
use super::parked::Turn;
use super::peer::{Peer, Stage};
use super::slab::TURN;
use crate::error::Error;
use crate::message::Message;
use crate::monitor::PeerId;
use crate::resilience::Permit;
use crate::runtime::AsyncStream;

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

impl<S: AsyncStream> Core<S> {
    /// [`submit`](Self::submit) for a loop of sends, which has to wait now and then to let others run.
    #[inline(never)]
    pub(crate) fn submit_in_turn(
        &mut self,
        message: &mut Message,
        permit: Permit,
        manner: Manner,
    ) -> Result<(), Error> {
        if self.outbound.burst >= SENDS_PER_POLL {
            self.effects.drop_permit(permit);
            return Err(Error::WouldBlock);
        }
        self.outbound.burst += 1;
        self.submit(message, permit, manner, Turn::New)
    }

    /// Queues a message behind others of the same burst to the only peer, which leave with it; gives the
    /// payment back if there is more to it than that.
    #[inline(always)]
    pub(crate) fn join_burst(&mut self, message: &mut Message, payment: Payment) -> Option<Payment> {
        let outbound = &self.outbound;
        let going_on = outbound.hot
            && outbound.joinable
            && !outbound.poisoned
            && outbound.pending.is_empty()
            && outbound.burst < SENDS_PER_POLL;
        let open = self.phase == Phase::Open && self.companion == Companion::Running;
        let peer = match outbound.sole_peer.and_then(|id| self.peers.get_mut(id)) {
            Some(peer) if going_on && open && peer.dirty => peer,
            _ => return Some(payment),
        };
        let (id, extent) = (peer.id, message.extent());
        // Without any frame, this is more than any number of them.
        let more_frames = extent.frames.wrapping_sub(1);
        if extent.size > self.options.max_message_size || more_frames >= self.options.max_frames {
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
        self.outbound.burst += 1;
        self.ledger.accept();
        if peer.link.inproc().is_some() {
            self.pass_in_burst(id, message, payment);
            return None;
        }
        match payment {
            Payment::Permit(permit) => queue_message(peer, message, permit),
            Payment::Ahead => queue_charged(peer, message, extent, &mut self.outbound.ahead),
        }
        if worth_writing(&peer.out, self.outbound.enough) {
            self.write_burst(id);
        }
        None
    }

    #[inline(never)]
    fn pass_in_burst(&mut self, id: PeerId, message: &mut Message, payment: Payment) {
        let permit = match payment {
            Payment::Permit(permit) => permit,
            Payment::Ahead => self.outbound.ahead.split(message.cost()),
        };
        self.pass(id, std::mem::take(message), permit);
    }

    #[inline(never)]
    fn write_burst(&mut self, id: PeerId) {
        self.outbound.raise_threshold();
        if self.peers.get(id).is_some_and(|peer| !peer.write_blocked) {
            self.turn(|core| core.flush_peer(id));
        }
        let backlog = |peer: &Peer<S>| peer.write_blocked && peer.out.remaining_shared() >= BACKLOG;
        if self.outbound.burst >= SENDS_PER_POLL / 2 || self.peers.get(id).is_some_and(backlog) {
            self.outbound.burst = SENDS_PER_POLL;
        }
    }

    /// Puts the next message into `into`, if it lies whole in the slab and nothing comes before it.
    #[inline(always)]
    pub(crate) fn take_from_slab(&mut self, into: &mut Message) -> bool {
        let inbound = &mut self.inbound;
        let undisturbed =
            inbound.lane && inbound.only_slab() && inbound.burst < RECEIVES_PER_POLL && inbound.turn < TURN;
        let open = self.phase == Phase::Open && self.companion != Companion::Gone;
        let peer = match inbound.slab_owner.and_then(|id| self.peers.get_mut(id)) {
            Some(peer) if undisturbed && open && peer.stage != Stage::Draining => peer,
            _ => return false,
        };
        let Some(taken) = peer.connection.take_message(inbound.slab.filled(), into) else { return false };
        inbound.slab.consume(taken.bytes);
        inbound.calls += 1;
        inbound.burst += 1;
        inbound.turn += 1;
        if inbound.direct {
            peer.account.receive(taken.payload);
        } else {
            let id = peer.id;
            if !self.accept(id, into) {
                return false;
            }
        }
        self.delivered();
        true
    }
}
