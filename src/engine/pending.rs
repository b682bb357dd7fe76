//! The socket's own queue: messages that wait for a peer.

use std::time::{Duration, Instant};

use super::clock::later;
use super::core::{Core, Phase, Timer};
use super::outbound::Destination;
use super::pattern::Route;
use super::resend::queue_once_more;
use crate::error::Error;
use crate::message::Message;
use crate::monitor::{DropCause, PeerId};
use crate::options::SocketOptions;
use crate::resilience::{HighWater, Permit, WhileDisconnected};
use crate::runtime::AsyncStream;

/// A message that was accepted and has not been encoded.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) message: Message,
    pub(crate) permit: Permit,
    /// Peers that have ended the connection when it had come to this message.
    pub(super) refusals: u32,
    /// When the companion first saw it waiting, where its age matters.
    since: Option<Instant>,
}

impl Queued {
    pub(crate) fn new(message: Message, permit: Permit) -> Self {
        Self::again(message, permit, 0)
    }

    /// One that a peer did not take: it waits anew.
    pub(super) fn again(mut message: Message, permit: Permit, refusals: u32) -> Self {
        message.trim();
        Self { message, permit, refusals, since: None }
    }

    /// What it is accounted with.
    #[inline]
    pub(crate) fn cost(&self) -> usize {
        self.message.cost()
    }
}

/// The meter of the queue.
pub(super) fn level(options: &SocketOptions) -> HighWater {
    match options.while_disconnected {
        WhileDisconnected::QueueUpTo { messages, bytes, .. } => HighWater::new(messages, bytes),
        _ => HighWater::new(options.send_hwm, options.send_hwm_bytes),
    }
}

/// How long a message may wait for a peer.
fn max_age(options: &SocketOptions) -> Option<Duration> {
    match options.while_disconnected {
        WhileDisconnected::QueueUpTo { max_age, .. } => max_age,
        _ => None,
    }
}

impl<S: AsyncStream> Core<S> {
    /// Queues a message until there is a peer for it.
    pub(crate) fn queue_pending(&mut self, message: Message, permit: Permit) {
        self.pattern.queued();
        self.ledger.accept();
        if self.conflates {
            self.drop_pending(DropCause::Conflated);
        }
        let queued = Queued::new(message, permit);
        self.outbound.pending_level.add(queued.cost());
        self.outbound.pending.push_back(queued);
        if max_age(&self.options).is_some() {
            self.wake_companion();
        }
    }

    /// What becomes of a message that finds no peer.
    pub(super) fn without_peer(&mut self, cost: usize) -> Result<Destination, Error> {
        let fails = self.options.while_disconnected == WhileDisconnected::Fail;
        match () {
            () if self.may_queue(cost) => Ok(Destination::Pending),
            () if self.options.displaces() && self.queues_at_all() => Ok(self.displace_pending(cost)),
            () if fails && self.endpoints.has_dials() => Err(Error::NotConnected),
            () => Err(Error::WouldBlock),
        }
    }

    /// Whether a message may wait in the socket itself until a peer comes: only where one is dialled,
    /// so that the first worker to connect to a bound socket is not flooded (libzmq's rule).
    pub(crate) fn may_queue(&self, cost: usize) -> bool {
        self.queues_at_all() && (self.conflates || self.outbound.pending_level.has_room(cost))
    }

    fn queues_at_all(&self) -> bool {
        let waits =
            matches!(self.options.while_disconnected, WhileDisconnected::Wait | WhileDisconnected::Fail);
        !waits && self.pattern.queues_without_peer() && self.endpoints.has_dials()
    }

    /// Hands messages that waited in the socket to peers that have room now.
    pub(super) fn drain_pending(&mut self) {
        while let Some(cost) = self.outbound.pending.front().map(Queued::cost) {
            let Route::To(id) = self.route_any(cost) else { break };
            let Some(mut queued) = self.outbound.pending.pop_front() else { break };
            self.outbound.pending_level.remove(cost);
            self.pattern.outgoing(id, &mut queued.message);
            match self.peers.get_mut(id) {
                Some(peer) if self.keeps_messages && !self.conflates && peer.keeps_order_behind() => {
                    peer.push_behind(queued);
                    self.outbound.mark_dirty(peer);
                }
                _ => self.queue(id, queued),
            }
        }
        if !self.outbound.dirty.is_empty() {
            self.wake_companion();
        }
        if self.outbound.pending.is_empty() {
            self.wake_flushers();
            // The room that is left is for those who have waited behind all that.
            self.wake_for_any_room();
            if self.phase != Phase::Open {
                // A socket that closes goes on only once nothing waits here.
                self.wake_companion();
                self.wake_watchers();
            }
        }
    }

    /// Queues a message, as it goes on the wire, for a peer; it leaves with the next flush.
    pub(super) fn queue(&mut self, id: PeerId, queued: Queued) {
        let Some(peer) = self.peers.get_mut(id) else { return self.count_lost(id, queued.permit) };
        if self.conflates && peer.has_unsent() {
            return self.conflate_older(id, queued);
        }
        if peer.link.inproc().is_some() {
            return self.pass(id, queued.message, queued.permit);
        }
        queue_once_more(peer, queued);
        self.outbound.mark_dirty(peer);
    }

    /// Puts messages that a lost peer had not begun back in front, in order.
    pub(crate) fn requeue(&mut self, messages: Vec<Queued>) {
        let messages = if self.conflates { self.conflate_returned(messages) } else { messages };
        for queued in messages.into_iter().rev() {
            self.outbound.pending_level.add(queued.cost());
            self.outbound.pending.push_front(queued);
        }
        self.offer_pending();
    }

    /// Drops everything that waits for a peer.
    pub(crate) fn drop_pending(&mut self, cause: DropCause) {
        let pending = std::mem::take(&mut self.outbound.pending);
        let count = pending.len() as u64;
        for queued in pending {
            self.outbound.pending_level.remove(queued.cost());
            self.effects.drop_permit(queued.permit);
        }
        self.count_dropped(None, cause, count);
        self.wake_flushers();
    }

    /// Starts the clock of what was queued, at either end, since the last look.
    pub(super) fn start_ageing(&mut self, now: Instant) {
        let Some(max_age) = max_age(&self.options) else { return };
        let pending = &mut self.outbound.pending;
        let behind = pending.iter().rev().take_while(|queued| queued.since.is_none()).count();
        let in_front = pending.iter().take_while(|queued| queued.since.is_none()).count();
        pending.iter_mut().rev().take(behind).for_each(|queued| queued.since = Some(now));
        pending.iter_mut().take(in_front).for_each(|queued| queued.since = Some(now));
        if behind + in_front > 0 {
            self.clock.advance(Timer::Expire, later(now, max_age));
        }
    }

    /// Drops what has waited too long.
    pub(super) fn expire_pending(&mut self, now: Instant) {
        let Some(max_age) = max_age(&self.options) else { return };
        let mut expired = 0;
        let mut oldest = None;
        for queued in std::mem::take(&mut self.outbound.pending) {
            if queued.since.is_some_and(|since| later(since, max_age) <= now) {
                expired += 1;
                self.outbound.pending_level.remove(queued.cost());
                self.effects.drop_permit(queued.permit);
            } else {
                // Those that came back from a lost peer stand in front, and are younger.
                oldest = oldest.into_iter().chain(queued.since).min();
                self.outbound.pending.push_back(queued);
            }
        }
        if let Some(oldest) = oldest {
            self.clock.set(Timer::Expire, later(oldest, max_age));
        }
        if expired > 0 {
            self.count_dropped(None, DropCause::Expired, expired);
            self.wake_for_queue();
            self.wake_flushers();
        }
    }
}
