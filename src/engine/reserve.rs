//! Room that is held for a message before the message is given away.

use std::task::{Poll, Waker};

use super::core::Core;
use super::pattern::Route;
use super::peer::Stage;
use super::wait::WaitKey;
use crate::error::Error;
use crate::message::Message;
use crate::monitor::PeerId;
use crate::resilience::Permit;
use crate::runtime::AsyncStream;

/// Room below a mark, counted as if a message of `size` bytes stood there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reservation {
    pub(crate) size: usize,
    /// The peer whose queue it is in; `None` for the socket's own queue.
    peer: Option<PeerId>,
}

impl<S: AsyncStream> Core<S> {
    /// Takes room for one message of up to `size` bytes, or parks.
    pub(crate) fn poll_reserve(
        &mut self,
        size: usize,
        key: &mut WaitKey,
        waker: &Waker,
    ) -> Poll<Result<Reservation, Error>> {
        match self.reserve(size) {
            Err(Error::WouldBlock) => {
                self.park_sender(key, waker);
                Poll::Pending
            }
            done => Poll::Ready(done),
        }
    }

    fn reserve(&mut self, size: usize) -> Result<Reservation, Error> {
        self.check_sendable()?;
        let max = self.options.max_message_size;
        if size > max {
            return Err(Error::MessageTooLarge { size, max });
        }
        if let Some(error) = self.hopeless() {
            return Err(error);
        }
        let peer = match self.route_any(size) {
            Route::To(id) if self.outbound.pending.is_empty() => Some(id),
            Route::NoPeer if self.may_queue(size) => None,
            _ => return Err(Error::WouldBlock),
        };
        let reservation = Reservation { size, peer };
        match peer.and_then(|id| self.peers.get_mut(id)) {
            Some(peer) => peer.out_level.reserve(size),
            None => self.outbound.pending_level.reserve(size),
        }
        Ok(reservation)
    }

    /// Gives the room back; a peer that was lost took it along.
    pub(crate) fn release(&mut self, reservation: Reservation) {
        match reservation.peer {
            Some(id) => {
                if let Some(peer) = self.peers.get_mut(id) {
                    peer.out_level.release(reservation.size);
                    self.room_freed(id);
                }
            }
            None => {
                self.outbound.pending_level.release(reservation.size);
                self.wake_senders();
            }
        }
    }

    /// Puts a message into the room that was held for it: cannot fail. If the peer has been lost
    /// meanwhile, the message waits in the socket's own queue.
    pub(crate) fn submit_reserved(&mut self, reservation: Reservation, mut message: Message, permit: Permit) {
        match reservation.peer.and_then(|id| self.peers.get_mut(id)) {
            Some(peer) if peer.stage == Stage::Live => {
                let id = peer.id;
                peer.out_level.release(reservation.size);
                self.enqueue(id, &mut message, permit, true);
            }
            _ => {
                if reservation.peer.is_none() {
                    self.outbound.pending_level.release(reservation.size);
                }
                self.queue_pending(message, permit);
                self.drain_pending();
            }
        }
    }
}
