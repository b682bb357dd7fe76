//! Room that is held for a message before the message is given away.

use super::base::Base;
use super::core::Core;
use super::outbound::Outbound;
use super::parked::{Attempt, List, Turn};
use super::pattern::{Pattern, Route};
use super::peer::Stage;
use crate::error::{Error, SendError};
use crate::message::{Extent, Message};
use crate::monitor::PeerId;
use crate::resilience::Permit;
use crate::runtime::AsyncStream;

/// Room below a mark, counted as if the message stood there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reservation {
    /// The most that the message may have.
    upto: Extent,
    /// What that costs.
    cost: usize,
    /// The peer whose queue it is in; `None` for the socket's own queue.
    peer: Option<PeerId>,
}

impl Reservation {
    /// Whether a message fits into the room.
    pub(crate) fn check(&self, message: &Message) -> Result<(), Error> {
        let (Extent { size, frames }, upto) = (message.extent(), self.upto);
        match () {
            () if frames == 0 => Err(Error::EmptyMessage),
            () if size > upto.size => Err(Error::MessageTooLarge { size, max: upto.size }),
            () if frames > upto.frames => Err(Error::TooManyFrames { frames, max: upto.frames }),
            () => Ok(()),
        }
    }
}

impl Outbound {
    /// Gives the room back; a peer that was lost took it along.
    pub(crate) fn release<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        pattern: &mut dyn Pattern,
        reservation: Reservation,
    ) {
        match reservation.peer {
            Some(id) => {
                if let Some(peer) = base.peers.get_mut(id) {
                    peer.out_level.release(reservation.cost);
                    self.room_freed(base, pattern, id);
                }
            }
            None => {
                self.pending_level.release(reservation.cost);
                self.wake_for_queue(base);
            }
        }
    }
}

impl<S: AsyncStream> Core<S> {
    /// Takes room for one message and keeps the permit for it, or waits.
    pub(crate) fn poll_reserve(
        &mut self,
        upto: Extent,
        permit: Permit,
        turn: Turn,
    ) -> Attempt<Result<(Reservation, Permit), Error>> {
        match self.reserve(upto, turn) {
            Ok(reservation) => Attempt::Done(Ok((reservation, permit))),
            Err(refused) => {
                self.base.effects.drop_permit(permit);
                match refused {
                    Error::WouldBlock => self.outbound.wait_for_room(upto.saturating_cost()),
                    error => Attempt::Done(Err(error)),
                }
            }
        }
    }

    fn reserve(&mut self, upto: Extent, turn: Turn) -> Result<Reservation, Error> {
        self.outbound.check_sendable(&self.base)?;
        self.base.check_limits(&*self.pattern, upto, &Message::new())?;
        if let Some(error) = self.endpoints.no_connection_will_come(&self.base) {
            return Err(error);
        }
        let cost = upto.saturating_cost();
        self.outbound.full = None;
        if !turn.may_pass(List::Room(None), &self.outbound.senders) {
            return Err(Error::WouldBlock);
        }
        let peer = match self.route_any(cost) {
            Route::To(id) if self.outbound.pending.is_empty() => Some(id),
            Route::NoPeer if self.may_queue(cost) => None,
            Route::Full(_) if self.base.options.displaces() => Some(self.displace_to_hold(cost)?),
            _ => return Err(Error::WouldBlock),
        };
        match peer.and_then(|id| self.base.peers.get_mut(id)) {
            Some(peer) => peer.out_level.reserve(cost),
            None => self.outbound.pending_level.reserve(cost),
        }
        Ok(Reservation { upto, cost, peer })
    }

    /// Puts a message into the room that was held for it: cannot fail, unless the socket itself has ended, which
    /// gives everything back. If the peer has been lost meanwhile, the message waits in the socket's own queue.
    pub(crate) fn submit_reserved(
        &mut self,
        reservation: Reservation,
        mut message: Message,
        permit: Permit,
    ) -> Result<(), SendError> {
        if let Some(error) = self.base.life.closed_error() {
            self.outbound.release(&mut self.base, &mut *self.pattern, reservation);
            self.base.effects.drop_permit(permit);
            return Err(SendError::new(error, message));
        }
        match reservation.peer.and_then(|id| self.base.peers.get_mut(id)) {
            Some(peer) if peer.stage == Stage::Live => {
                let id = peer.id;
                peer.out_level.release(reservation.cost);
                self.enqueue(id, &mut message, permit, true);
            }
            _ => {
                if reservation.peer.is_none() {
                    self.outbound.pending_level.release(reservation.cost);
                }
                self.outbound.queue_pending(&mut self.base, &mut *self.pattern, message, permit);
                self.outbound.offer_pending(&mut self.base);
            }
        }
        Ok(())
    }
}
