//! What a lost connection leaves unsent: back to the socket, or given up.
//!
//! The message that was half-written is sent again whole. It may be the very reason why the connection ended,
//! and would then be refused for ever, with everything behind it waiting. Nobody says so: a peer that finds a
//! message too large just hangs up. What tells is that it happens again, on one connection after the other,
//! and as the first thing on each: then it can hardly be anything else.

use std::io::ErrorKind;

use super::base::Base;
use super::enqueue::queue_message;
use super::life::Phase;
use super::outbound::Outbound;
use super::pattern::Pattern;
use super::peer::Peer;
use super::pending::Queued;
use crate::message::Message;
use crate::monitor::{DisconnectReason, DropCause};
use crate::protocol::ProtocolError;
use crate::resilience::Permit;
use crate::runtime::AsyncStream;

/// Messages that a lost connection leaves: those that are kept, and how many are not.
#[derive(Default)]
struct Left {
    keep: Vec<Queued>,
    lost: u64,
    cancelled: u64,
    refused: u64,
}

impl Outbound {
    /// What the connection had queued: back to the socket where any peer will do, else dropped.
    pub(super) fn settle_unsent<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        pattern: &mut dyn Pattern,
        peer: &mut Peer<S>,
        reason: &DisconnectReason,
    ) {
        let mut left = Left::default();
        base.settle_encoded(pattern, peer, reason, &mut left);
        let behind = peer.behind.take().into_iter().flat_map(|behind| *behind);
        for Queued { message, permit, refusals, .. } in
            base.close_inproc(peer, reason).into_iter().chain(behind)
        {
            base.keep_or_lose(pattern, message, permit, refusals, &mut left);
        }
        base.count_dropped(Some(peer.id), DropCause::Cancelled, left.cancelled);
        base.count_dropped(Some(peer.id), DropCause::Refused, left.refused);
        let cause = match (base.life.phase, reason) {
            (Phase::Open, DisconnectReason::Dismissed) => DropCause::Dismissed,
            (Phase::Open, _) => DropCause::PeerLost,
            (Phase::Closing | Phase::Closed { .. }, _) => DropCause::Closed,
        };
        base.count_dropped(Some(peer.id), cause, left.lost);
        self.requeue(base, left.keep);
    }
}

impl<S: AsyncStream> Base<S> {
    /// Messages that were encoded, of which the first may have left in part.
    fn settle_encoded(
        &mut self,
        pattern: &mut dyn Pattern,
        peer: &mut Peer<S>,
        reason: &DisconnectReason,
        left: &mut Left,
    ) {
        peer.hand_over(&mut self.effects);
        let mut permits = std::mem::take(&mut peer.permits);
        let blames_first = peer.was_ended_by_peer(reason) && peer.account.sent() == peer.greetings;
        for (unsent, ordinal) in peer.out.drain_unsent().into_iter().zip(peer.account.sent() + 1..) {
            let permit = permits.take(ordinal, unsent.extent.cost());
            let blamed = unsent.begun && blames_first;
            let abandoned = unsent.begun && matches!(reason, DisconnectReason::Poisoned);
            // The socket's own greeting is made anew for each connection.
            let of_no_use = abandoned || ordinal <= peer.greetings || !self.keeps_unsent(pattern);
            let message = if of_no_use { None } else { peer.connection.recover(unsent.pieces) };
            let refusals = peer.refusals_of(ordinal) + u32::from(blamed);
            match message {
                Some(mut message) if blamed && is_given_up(refusals, self.options.max_resends) => {
                    pattern.refused(&mut message);
                    self.effects.drop_permit(permit);
                    left.refused += 1;
                }
                Some(message) => {
                    self.keep_or_lose(pattern, message, permit, refusals, left);
                }
                None => {
                    self.effects.drop_permit(permit);
                    *(if abandoned { &mut left.cancelled } else { &mut left.lost }) += 1;
                }
            }
        }
    }

    fn keep_or_lose(
        &mut self,
        pattern: &mut dyn Pattern,
        mut message: Message,
        permit: Permit,
        refusals: u32,
        left: &mut Left,
    ) {
        if self.keeps_unsent(pattern) && pattern.returned(&mut message) {
            left.keep.push(Queued::again(message, permit, refusals));
        } else {
            self.effects.drop_permit(permit);
            left.lost += 1;
        }
    }

    fn keeps_unsent(&self, pattern: &dyn Pattern) -> bool {
        pattern.queues_without_peer() && !matches!(self.life.phase, Phase::Closed { .. })
    }
}

/// Whether a message has been refused as often as `max_resends` lets it be.
pub(crate) fn is_given_up(refusals: u32, max_resends: Option<u32>) -> bool {
    max_resends.is_some_and(|max| refusals >= max.max(1))
}

/// Encodes a message that has waited in the socket; one that was refused before is known again.
pub(super) fn queue_once_more<S: AsyncStream>(peer: &mut Peer<S>, queued: Queued) {
    queue_message(peer, &queued.message, queued.permit);
    if queued.refusals > 0 {
        peer.refused.push((peer.enqueued, queued.refusals));
    }
}

impl<S> Peer<S> {
    fn refusals_of(&self, ordinal: u64) -> u32 {
        let refused = self.refused.iter().find(|(of, _)| *of == ordinal);
        refused.map_or(0, |(_, refusals)| *refusals)
    }

    /// Whether the peer ended the connection when one message had come to it, or a part of one.
    pub(super) fn refused_the_only_one(&self, reason: &DisconnectReason) -> bool {
        self.was_ended_by_peer(reason) && self.enqueued <= self.greetings + 1
    }

    /// Whether it was the peer that ended the connection: by a regular end, a reset or an ERROR. A timeout says
    /// nothing about what was sent, nor does what we did ourselves.
    fn was_ended_by_peer(&self, reason: &DisconnectReason) -> bool {
        match reason {
            // A stream that panicked looks like a broken pipe.
            DisconnectReason::Io(error) if !self.poisoned => matches!(
                error.kind(),
                ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
            ),
            DisconnectReason::EndOfStream => true,
            DisconnectReason::Protocol(error) => matches!(**error, ProtocolError::PeerRefused { .. }),
            _ => false,
        }
    }
}
