//! What a [`Client`](crate::rpc::Client) does with its socket.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::types::Asks;
use super::{Sending, Socket};
use crate::engine::{Manner, Outcome, Waiter};
use crate::error::{Error, Result, SendError};
use crate::message::{Frame, Message};
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

impl<S: AsyncStream, P: BytePermits> Socket<Asks, S, P> {
    /// Begins a request, which takes memory until it is [finished](Self::finish_request).
    pub(crate) fn begin_request(&self) -> u64 {
        self.shared.with(|core| core.pattern.requests().begin())
    }

    /// Sends a request that was begun, once more or for the first time.
    pub(crate) fn ask(&self, number: u64, message: &Message) -> Sending<'_, Asks, S, P> {
        Sending::new(self, enveloped(number, message), Manner::Send)
    }

    /// Sends it if that needs no waiting.
    pub(crate) fn try_ask(&self, number: u64, message: &Message) -> Result<(), SendError> {
        self.submit_now(enveloped(number, message), Manner::TrySend)
    }

    /// Waits for the reply to a request that was sent.
    pub(crate) fn poll_reply(&self, number: u64, cx: &Context<'_>) -> Poll<Result<Message>> {
        // Cloned, and what it takes the place of dropped, without the lock.
        let waker = cx.waker().clone();
        let (done, unused) = self.shared.with(|core| {
            let outcome = core.pattern.requests().outcome(number);
            let done = match (outcome, core.base.life.closed_error()) {
                (Some(Outcome::Reply(reply)), _) => Ok(reply),
                (_, Some(error)) => Err(error),
                (Some(Outcome::Lost), None) => Err(Error::PeerLost),
                (None, None) => return (None, core.pattern.requests().await_outcome(number, waker)),
            };
            (Some(done), Some(waker))
        });
        drop(unused);
        done.map_or(Poll::Pending, Poll::Ready)
    }

    /// Nobody waits for the reply to a request any more.
    pub(crate) fn finish_request(&self, number: u64) {
        let waker = self.shared.with(|core| {
            let finished = core.pattern.requests().finish(number);
            if finished.untaken {
                core.base.count_untaken();
            }
            finished.waker
        });
        drop(waker);
    }

    /// Requests that were begun and not finished.
    pub(crate) fn requests(&self) -> usize {
        self.shared.with(|core| core.pattern.requests().count())
    }
}

impl<T, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Waits for something that is no business of the socket, for as long as the socket lives.
    pub(crate) async fn unless_ended<F: Future + Unpin>(&self, mut future: F) -> Result<F::Output> {
        let mut waiter = Waiter::new(&self.shared);
        poll_fn(|cx| poll_unless_ended(&mut waiter, &mut future, cx)).await
    }
}

/// One step of it.
pub(super) fn poll_unless_ended<S: AsyncStream, F: Future + Unpin>(
    waiter: &mut Waiter<'_, S>,
    future: &mut F,
    cx: &mut Context<'_>,
) -> Poll<Result<F::Output>> {
    match Pin::new(future).poll(cx) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => waiter.poll_end(cx).map(Err),
    }
}

/// The number first, and an empty frame: all up to that is what a REP repeats in front of its reply.
fn enveloped(number: u64, message: &Message) -> Message {
    let mut message = message.clone();
    message.push_front(Frame::new());
    message.push_front(number.to_be_bytes());
    message
}
