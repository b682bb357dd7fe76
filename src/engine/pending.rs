//! The socket's own queue: messages that wait for a peer.

use std::time::{Duration, Instant};

use super::base::Base;
use super::clock::{Timer, later};
use super::core::Core;
use super::endpoints::Endpoints;
use super::inbound::Inbound;
use super::life::Phase;
use super::outbound::{Destination, Outbound};
use super::pattern::{Pattern, Route};
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

impl Outbound {
    /// Queues a message until there is a peer for it.
    pub(crate) fn queue_pending<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        pattern: &mut dyn Pattern,
        message: Message,
        permit: Permit,
    ) {
        pattern.queued();
        base.ledger.accept();
        if base.conflates {
            self.drop_pending(base, DropCause::Conflated);
        }
        let queued = Queued::new(message, permit);
        self.pending_level.add(queued.cost());
        self.pending.push_back(queued);
        if max_age(&base.options).is_some() {
            base.wake_companion();
        }
    }

    /// Queues a message, as it goes on the wire, for a peer; it leaves with the next flush.
    pub(super) fn queue<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        inbound: &Inbound,
        id: PeerId,
        queued: Queued,
    ) {
        let Some(peer) = base.peers.get_mut(id) else { return base.count_lost(id, queued.permit) };
        if base.conflates && peer.has_unsent() {
            return self.conflate_older(base, inbound, id, queued);
        }
        if peer.link.inproc().is_some() {
            return self.pass(base, inbound, id, queued.message, queued.permit);
        }
        queue_once_more(peer, queued);
        self.mark_dirty(peer);
    }

    /// Puts messages that a lost peer had not begun back in front, in order.
    pub(crate) fn requeue<S: AsyncStream>(&mut self, base: &mut Base<S>, messages: Vec<Queued>) {
        let messages = if base.conflates { self.conflate_returned(base, messages) } else { messages };
        for queued in messages.into_iter().rev() {
            self.pending_level.add(queued.cost());
            self.pending.push_front(queued);
        }
        self.offer_pending(base);
    }

    /// Drops everything that waits for a peer.
    pub(crate) fn drop_pending<S: AsyncStream>(&mut self, base: &mut Base<S>, cause: DropCause) {
        let pending = std::mem::take(&mut self.pending);
        let count = pending.len() as u64;
        for queued in pending {
            self.pending_level.remove(queued.cost());
            base.effects.drop_permit(queued.permit);
        }
        base.count_dropped(None, cause, count);
        self.wake_flushers(base);
    }

    /// Starts the clock of what was queued, at either end, since the last look.
    pub(super) fn start_ageing<S: AsyncStream>(&mut self, base: &mut Base<S>, now: Instant) {
        let Some(max_age) = max_age(&base.options) else { return };
        let pending = &mut self.pending;
        let behind = pending.iter().rev().take_while(|queued| queued.since.is_none()).count();
        let in_front = pending.iter().take_while(|queued| queued.since.is_none()).count();
        pending.iter_mut().rev().take(behind).for_each(|queued| queued.since = Some(now));
        pending.iter_mut().take(in_front).for_each(|queued| queued.since = Some(now));
        if behind + in_front > 0 {
            base.clock.advance(Timer::Expire, later(now, max_age));
        }
    }

    /// Drops what has waited too long.
    pub(super) fn expire_pending<S: AsyncStream>(&mut self, base: &mut Base<S>, now: Instant) {
        let Some(max_age) = max_age(&base.options) else { return };
        let mut expired = 0;
        let mut oldest = None;
        for queued in std::mem::take(&mut self.pending) {
            if queued.since.is_some_and(|since| later(since, max_age) <= now) {
                expired += 1;
                self.pending_level.remove(queued.cost());
                base.effects.drop_permit(queued.permit);
            } else {
                // Those that came back from a lost peer stand in front, and are younger.
                oldest = oldest.into_iter().chain(queued.since).min();
                self.pending.push_back(queued);
            }
        }
        if let Some(oldest) = oldest {
            base.clock.set(Timer::Expire, later(oldest, max_age));
        }
        if expired > 0 {
            base.count_dropped(None, DropCause::Expired, expired);
            self.wake_for_queue(base);
            self.wake_flushers(base);
        }
    }
}

impl Endpoints {
    fn queues_at_all<S: AsyncStream>(&self, base: &Base<S>, pattern: &dyn Pattern) -> bool {
        let waits =
            matches!(base.options.while_disconnected, WhileDisconnected::Wait | WhileDisconnected::Fail);
        !waits && pattern.queues_without_peer() && self.has_dials()
    }
}

impl<S: AsyncStream> Core<S> {
    /// What becomes of a message that finds no peer.
    pub(super) fn without_peer(&mut self, cost: usize) -> Result<Destination, Error> {
        let fails = self.base.options.while_disconnected == WhileDisconnected::Fail;
        match () {
            () if self.may_queue(cost) => Ok(Destination::Pending),
            () if self.base.options.displaces()
                && self.endpoints.queues_at_all(&self.base, &*self.pattern) =>
            {
                Ok(self.outbound.displace_pending(&mut self.base, cost))
            }
            () if fails && self.endpoints.has_dials() => Err(Error::NotConnected),
            () => Err(Error::WouldBlock),
        }
    }

    /// Whether a message may wait in the socket itself until a peer comes: only where one is dialled,
    /// so that the first worker to connect to a bound socket is not flooded (libzmq's rule).
    pub(crate) fn may_queue(&self, cost: usize) -> bool {
        self.endpoints.queues_at_all(&self.base, &*self.pattern)
            && (self.base.conflates || self.outbound.pending_level.has_room(cost))
    }

    /// Hands messages that waited in the socket to peers that have room now.
    pub(super) fn drain_pending(&mut self) {
        while let Some(cost) = self.outbound.pending.front().map(Queued::cost) {
            let Route::To(id) = self.route_any(cost) else { break };
            let Some(mut queued) = self.outbound.pending.pop_front() else { break };
            self.outbound.pending_level.remove(cost);
            self.pattern.outgoing(id, &mut queued.message);
            match self.base.peers.get_mut(id) {
                Some(peer)
                    if self.base.keeps_messages && !self.base.conflates && peer.keeps_order_behind() =>
                {
                    peer.push_behind(queued);
                    self.outbound.mark_dirty(peer);
                }
                _ => self.outbound.queue(&mut self.base, &self.inbound, id, queued),
            }
        }
        if !self.outbound.dirty.is_empty() {
            self.base.wake_companion();
        }
        if self.outbound.pending.is_empty() {
            self.outbound.wake_flushers(&mut self.base);
            // The room that is left is for those who have waited behind all that.
            self.outbound.wake_for_any_room(&mut self.base);
            if self.base.life.phase != Phase::Open {
                // A socket that closes goes on only once nothing waits here.
                self.base.wake_companion();
                self.base.wake_watchers();
            }
        }
    }
}
