//! Waiting for byte permits and for room below the marks.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use super::Socket;
use crate::engine::{Core, LimitKey, Shared, WaitKey};
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
    room: WaitKey,
    helper: WaitKey,
    limit: LimitKey,
    started: bool,
}

impl<P: BytePermits> Default for Waiting<P> {
    fn default() -> Self {
        Self { acquiring: None, room: None, helper: None, limit: None, started: false }
    }
}

impl<P: BytePermits> Waiting<P> {
    /// Waits until `message` is accepted, after which nothing of it counts, or refused.
    #[inline]
    pub(super) fn poll_submit<T, S: AsyncStream>(
        &mut self,
        socket: &Socket<T, S, P>,
        message: &mut Message,
        write: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        let cost = message.cost();
        let give_way = !std::mem::replace(&mut self.started, true);
        let submitted = self.poll_admitted(socket, cost, cx, |core, permit, key, waker| {
            if give_way && core.give_way(waker) {
                // Not parked: the wake is on its way already.
                core.refund(permit);
                return Poll::Pending;
            }
            match core.submit(message, permit, write) {
                Err(Error::WouldBlock) => {
                    core.park_sender(key, waker);
                    Poll::Pending
                }
                done => Poll::Ready(done),
            }
        });
        if submitted.is_pending() && !self.poll_limit(&socket.shared, cx) {
            return Poll::Pending;
        }
        if self.limit.is_some() {
            // The next message waits for as long as this one might have.
            socket.shared.with(|core| core.forget_limit(&mut self.limit));
        }
        match submitted {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending => Poll::Ready(Err(Error::Timeout(TimeoutKind::Send))),
        }
    }

    /// Whether the sender has waited for as long as it may.
    fn poll_limit<S: AsyncStream>(&mut self, shared: &Shared<S>, cx: &mut Context<'_>) -> bool {
        shared.with(|core| core.limit_expired(&mut self.limit, core.options.send_timeout, cx.waker()))
    }

    /// Acquires a permit for `cost` bytes and offers it to `admit`, which parks if there is no room.
    #[inline]
    pub(super) fn poll_admitted<T, S: AsyncStream, R>(
        &mut self,
        socket: &Socket<T, S, P>,
        cost: usize,
        cx: &mut Context<'_>,
        mut admit: impl FnMut(&mut Core<S>, Permit, &mut WaitKey, &Waker) -> Poll<R>,
    ) -> Poll<R> {
        let permit = ready!(self.poll_permit(&socket.permits, cost, cx));
        socket.shared.with(|core| {
            let result = admit(core, permit, &mut self.room, cx.waker());
            if result.is_ready() {
                core.unpark_sender(&mut self.room);
            } else if core.is_detached() {
                // The room is made by those who wait for it, and who gets some is woken.
                core.detached_turn();
                core.park_helper(&mut self.helper, cx.waker());
            }
            result
        })
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
        if self.room.is_none() && self.helper.is_none() && self.limit.is_none() {
            return;
        }
        shared.with(|core| {
            core.forget_limit(&mut self.limit);
            core.unpark_helper(&mut self.helper);
            if self.room.is_some() {
                core.unpark_sender(&mut self.room);
                core.cancelled();
            }
        });
    }
}
