//! Sending.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Socket;
use super::flush::Flush;
use super::types::Sends;
use super::wait::Waiting;
use crate::engine::{Ahead, BudgetId, Manner, Payment, Turn};
use crate::error::{Error, SendError};
use crate::message::{Frame, Message};
use crate::resilience::{BytePermits, Permit};
use crate::runtime::AsyncStream;

impl<T: Sends, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Sends a message: resolves when it is accepted and on its way.
    ///
    /// Waits while the byte permits are exhausted, while the peers that could take the message are at
    /// their high-water marks, and while there is no peer (see the type for when messages may wait in
    /// the socket instead). A type whose peers are not alike does not wait for one of them: what a ROUTER, REP,
    /// PUB, XPUB or XSUB has for a peer at its mark is dropped and counted, unless an option says otherwise
    /// ([`guide::delivery`](crate::guide::delivery)). An isolated message is written at once. In a burst the first is (or the first
    /// two), and the others are gathered and leave when 128 KiB have come together (with more than 8 peers
    /// down to 32 KiB for each) or the task next yields to its runtime, whichever is first; use [`flush`](Self::flush) to be sure before a long computation.
    /// While messages that came together are not all received yet, those sent count as a burst, and a
    /// quarter of what came is written first, at least 2 KiB, then twice as much, and so on. On
    /// a socket without a companion task (`from_stream`) this resolves when the kernel has the message.
    ///
    /// Calls that wait for room are served as they came, and new ones do not overtake them. One that was woken
    /// has a claim to its room: poll it, or drop it, and the next is woken.
    ///
    /// # Errors
    /// [`SendError`] with the message and the reason: [`Error::Closed`], [`Error::NotConnected`] and
    /// [`Error::GaveUp`] when no connection is left and none will come, [`Error::Unroutable`] (ROUTER with `router_mandatory`),
    /// [`Error::Poisoned`] once after a cancelled write closed the connection,
    /// [`Error::MessageTooLarge`] and [`Error::TooManyFrames`] for what a peer with the same options would hang up
    /// on, [`Error::SubscriptionLimit`] for such a subscription (XSUB), [`Error::EmptyMessage`],
    /// [`Error::CompanionGone`].
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the message was not sent, and the future loses its place among those
    /// that wait. Without a companion task the message may have been accepted already: it then stays
    /// queued whole and leaves with the next operation, or with `OnCancel::Poison`, if its connection is in the
    /// middle of a message, that connection is closed.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.send("one frame").await?;
push.send(["two", "frames"]).await?;
assert_eq!(pull.recv().await?[0], "one frame");"#)]
    pub fn send(&self, message: impl Into<Message>) -> Sending<'_, T, S, P> {
        Sending::new(self, message.into(), Manner::Send)
    }

    /// Sends a message if that needs no waiting, and gives it back where [`send`](Self::send) would wait or drop
    /// it.
    ///
    /// # Errors
    /// [`SendError`] with the message: [`Error::WouldBlock`] at the mark, behind calls that wait there,
    /// without permits, or with nobody to send to; [`Error::Unroutable`] for an identity that no peer has
    /// (ROUTER); otherwise as [`send`](Self::send). Only copies for several peers (PUB, XPUB, XSUB), and the
    /// reply to a peer that is gone (REP), are dropped.
    #[doc = example!(r#"let push = PushSocket::bind("tcp://127.0.0.1:0").await?;
let refused = push.try_send("nobody is there").unwrap_err();
assert_eq!(refused.into_message()[0], "nobody is there");"#)]
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.submit_now(message.into(), Manner::TrySend)
    }

    /// Queues a message to leave in company: with [`flush`](Self::flush) or the next `send`, when 128 KiB have
    /// come together (with more than 8 peers down to 32 KiB for each), or when the companion task runs (with `FlushPolicy::Manual`, with `flush` only).
    ///
    /// # Errors
    /// As [`try_send`](Self::try_send).
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.send_buffered("one")?;
push.send_buffered("two")?;
push.flush().await?;
assert_eq!(pull.recv().await?[0], "one");"#)]
    pub fn send_buffered(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.submit_now(message.into(), Manner::SendBuffered)
    }

    /// Waits for room, then queues the message to leave in company, as
    /// [`send_buffered`](Self::send_buffered) does.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the message was not queued, and the future loses its place among
    /// those that wait.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
for n in 0..1_000 {
    push.feed(format!("{n}")).await?;
}
push.flush().await?;
assert_eq!(pull.recv().await?[0], "0");"#)]
    pub fn feed(&self, message: impl Into<Message>) -> Sending<'_, T, S, P> {
        Sending::new(self, message.into(), Manner::Feed)
    }
}

impl<T, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    pub(super) fn submit_now(&self, mut message: Message, manner: Manner) -> Result<(), SendError> {
        let Some(permit) = self.permits.try_acquire(message.cost()) else {
            return Err(SendError::new(Error::WouldBlock, message));
        };
        match self.shared.with(|core| core.submit(&mut message, permit, manner, Turn::New)) {
            Ok(()) => Ok(()),
            Err(error) => Err(SendError::new(error, message)),
        }
    }
}

/// The future of [`Socket::send`] and [`Socket::feed`].
#[must_use = "nothing is sent unless the future is polled"]
pub struct Sending<'a, T, S: AsyncStream, P: BytePermits> {
    socket: &'a Socket<T, S, P>,
    message: Message,
    manner: Manner,
    /// Only there once the message has had to wait: most never do.
    slow: Option<Box<Slow<P>>>,
}

/// The state of a send that waits.
struct Slow<P: BytePermits> {
    waiting: Waiting<P>,
    /// Without a companion task nobody else would write: the second half of the work.
    flush: Option<Flush>,
}

impl<'a, T, S: AsyncStream, P: BytePermits> Sending<'a, T, S, P> {
    pub(super) fn new(socket: &'a Socket<T, S, P>, message: Message, manner: Manner) -> Self {
        Self { socket, message, manner, slow: None }
    }

    /// Sends the message to the peer of this name if nothing stands in the way of it.
    #[inline]
    pub(super) fn goes_shortly(&mut self, name: &Frame) -> bool {
        let Self { socket, message, .. } = self;
        !BudgetId::is_limited::<P>()
            && socket
                .shared
                .shortly(|core| core.outbound.join_addressed(&mut core.base, &*core.pattern, name, message))
    }

    /// Has the message begin with this frame.
    pub(super) fn put_in_front(&mut self, frame: Frame) {
        self.message.push_front(frame);
    }

    #[cold]
    fn refused(&mut self, error: Error) -> SendError {
        SendError::new(error, std::mem::take(&mut self.message))
    }

    /// Sends the message on bytes that were acquired before, if there are enough of them; otherwise says what to
    /// acquire with it.
    #[inline]
    fn poll_ahead(&mut self) -> Result<(), Ahead> {
        let Self { socket, message, .. } = self;
        socket.shared.with(|core| core.join_ahead(socket.budget, message))
    }

    #[inline]
    fn acquire(&self, ahead: Ahead) -> Option<Permit> {
        let paid_ahead = if ahead.is_none() { None } else { self.acquire_ahead(ahead) };
        paid_ahead.or_else(|| self.socket.permits.try_acquire(self.message.cost()))
    }

    /// The same with bytes for the next messages, if there are plenty.
    fn acquire_ahead(&self, ahead: Ahead) -> Option<Permit> {
        let Socket { shared, permits, budget, .. } = self.socket;
        let (permit, ahead) = ahead.acquire(permits, self.message.cost())?;
        drop(shared.with(|core| core.outbound.keep_ahead(*budget, ahead)));
        Some(permit)
    }

    #[inline(never)]
    fn poll_refused(&mut self, error: Error, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        match error {
            Error::WouldBlock => self.poll_slow(cx),
            error => Poll::Ready(Err(self.refused(error))),
        }
    }

    #[inline(never)]
    fn poll_slow(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let Self { socket, message, manner, slow } = self;
        let slow = slow.get_or_insert_with(|| Box::new(Slow { waiting: Waiting::default(), flush: None }));
        if slow.flush.is_none() {
            if let Err(error) = ready!(slow.waiting.poll_submit(socket, message, *manner, cx)) {
                return Poll::Ready(Err(self.refused(error)));
            }
            if !manner.writes() || !socket.shared.is_detached() {
                return Poll::Ready(Ok(()));
            }
        }
        // The message is queued by now and its loss would be counted: an error here only says that the
        // connection it was accepted for has ended.
        let flush = slow.flush.get_or_insert_default();
        flush.poll(&socket.shared, cx).map_err(|error| SendError::new(error, Message::new()))
    }
}

impl<T, S: AsyncStream, P: BytePermits> Future for Sending<'_, T, S, P> {
    type Output = Result<(), SendError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.slow.is_some() || this.socket.shared.is_detached() {
            return this.poll_slow(cx);
        }
        let mut ahead = Ahead::default();
        if BudgetId::is_limited::<P>() {
            match this.poll_ahead() {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(plan) => ahead = plan,
            }
        }
        let Some(permit) = this.acquire(ahead) else { return this.poll_slow(cx) };
        let (free, manner) = (permit.is_none(), this.manner);
        let refused = this.socket.shared.express(
            &mut this.message,
            |core, message| free && core.outbound.take_lane(&mut core.base, message),
            |core, message| match core.join_burst(message, Payment::Permit(permit)) {
                Some(Payment::Permit(permit)) => core.submit_in_turn(message, permit, manner).err(),
                _ => None,
            },
        );
        match refused {
            None | Some(None) => Poll::Ready(Ok(())),
            Some(Some(error)) => this.poll_refused(error, cx),
        }
    }
}

impl<T, S: AsyncStream, P: BytePermits> Drop for Sending<'_, T, S, P> {
    #[inline]
    fn drop(&mut self) {
        if let Some(slow) = &mut self.slow {
            slow.waiting.cancel(&self.socket.shared);
            if let Some(flush) = &mut slow.flush {
                flush.cancel(&self.socket.shared);
            }
        }
    }
}

impl<T, S: AsyncStream, P: BytePermits> std::fmt::Debug for Sending<'_, T, S, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sending").field("message", &self.message).finish_non_exhaustive()
    }
}
