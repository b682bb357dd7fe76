//! Waiting for byte permits and for room below the marks.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Socket;
use crate::engine::{Attempt, Core, Manner, Parked, Shared, Turn};
use crate::error::{Error, TimeoutKind};
use crate::message::Message;
use crate::resilience::{BytePermits, Permit};
use crate::runtime::AsyncStream;

/// A sender's place in the queues for permits and for room.
///
/// It never holds a permit while it waits for room, nor room while it waits for a permit: otherwise two
/// sockets that share a budget could block each other.
pub(super) struct Waiting<P: BytePermits> {
    acquiring: Option<P::Acquire>,
    parked: Parked,
    started: bool,
}

impl<P: BytePermits> Default for Waiting<P> {
    fn default() -> Self {
        Self { acquiring: None, parked: Parked::default(), started: false }
    }
}

impl<P: BytePermits> Waiting<P> {
    /// Waits until `message` is accepted, after which nothing of it counts, or refused.
    #[inline]
    pub(super) fn poll_submit<T, S: AsyncStream>(
        &mut self,
        socket: &Socket<T, S, P>,
        message: &mut Message,
        manner: Manner,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        let cost = message.cost();
        let may_give_way = !std::mem::replace(&mut self.started, true);
        self.poll_admitted(socket, cost, cx, |core, permit, turn| {
            if may_give_way && core.outbound.give_way() {
                core.base.effects.drop_permit(permit);
                return Attempt::GiveWay;
            }
            match core.submit(message, permit, manner, turn) {
                Err(Error::WouldBlock) => core.outbound.wait_for_room(cost),
                done => Attempt::Done(done),
            }
        })
    }

    /// Acquires a permit for `cost` bytes and offers it to `admit`, which says if it has to wait for room.
    #[inline]
    pub(super) fn poll_admitted<T, S: AsyncStream, R>(
        &mut self,
        socket: &Socket<T, S, P>,
        cost: usize,
        cx: &mut Context<'_>,
        admit: impl FnOnce(&mut Core<S>, Permit, Turn) -> Attempt<Result<R, Error>>,
    ) -> Poll<Result<R, Error>> {
        let shared = &socket.shared;
        let Poll::Ready(permit) = self.poll_permit(&socket.permits, cost, cx) else {
            // Who comes back with a permit has kept its place.
            let refused = ready!(self.parked.poll_within(TimeoutKind::Send, shared, cx, |core, turn| {
                match core.base.life.closed_error() {
                    Some(error) => Attempt::Done(Err(error)),
                    None => core.base.wait_elsewhere(turn),
                }
            }));
            self.acquiring = None;
            return Poll::Ready(refused);
        };
        self.parked.poll_within(TimeoutKind::Send, shared, cx, |core, turn| admit(core, permit, turn))
    }

    fn poll_permit(&mut self, permits: &P, cost: usize, cx: &mut Context<'_>) -> Poll<Permit> {
        if self.acquiring.is_none() {
            match permits.try_acquire(cost) {
                Some(permit) => return Poll::Ready(permit),
                None => self.acquiring = Some(permits.acquire(cost)),
            }
        }
        let Some(acquiring) = &mut self.acquiring else { return Poll::Pending };
        let permit = ready!(Pin::new(acquiring).poll(cx));
        self.acquiring = None;
        Poll::Ready(permit)
    }

    /// The sender goes away, perhaps while it was waiting.
    pub(super) fn cancel<S: AsyncStream>(&mut self, shared: &Shared<S>) {
        self.acquiring = None;
        self.parked.cancel(shared);
    }
}
