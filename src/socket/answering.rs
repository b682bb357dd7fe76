//! What a [`Server`](crate::rpc::Server) does with its socket.

use std::future::poll_fn;
use std::task::Poll;

use super::flush::Flush;
use super::types::{Answers, put_into_envelope, take_envelope};
use super::{Flushing, Sending, Socket};
use crate::engine::{Manner, Waiter};
use crate::error::{Error, Result, SendError};
use crate::message::{Frame, Message};
use crate::monitor::PeerId;
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

/// Where the reply to a request goes.
#[derive(Debug)]
pub(crate) struct ReplyTo {
    pub(crate) peer: PeerId,
    /// The identity of the peer, and the envelope of the request.
    envelope: Vec<Frame>,
}

impl<S: AsyncStream, P: BytePermits> Socket<Answers, S, P> {
    /// Receives the next request, and calls `taken` under the lock: no look at the socket comes in between.
    pub(crate) async fn next_request(&self, taken: impl Fn()) -> Result<(ReplyTo, Message)> {
        let mut receiving = super::Receiving { shared: &self.shared, turn: super::recv::Turn::default() };
        let received = poll_fn(|cx| {
            receiving.turn.poll_told(receiving.shared, cx, |core| {
                taken();
                core.received_from()
            })
        });
        let (peer, mut message) = received.await?;
        let identity = message.pop_front().unwrap_or_default();
        let mut envelope = take_envelope(&mut message);
        envelope.insert(0, identity);
        Ok((ReplyTo { peer, envelope }, message))
    }

    /// Sends a reply; the caller is told of one that is dropped, and gets it back.
    pub(crate) async fn answer(&self, to: ReplyTo, mut message: Message) -> Result<(), SendError> {
        if message.is_empty() {
            return Err(SendError::new(Error::EmptyMessage, message));
        }
        let frames = to.envelope.len();
        put_into_envelope(&mut message, to.envelope);
        Sending::new(self, message, Manner::Reply).await.map_err(|refused| {
            let (error, mut message) = refused.into_parts();
            (0..frames).for_each(|_| drop(message.pop_front()));
            SendError::new(error, message)
        })
    }

    /// Counts and tells that a request will not be answered.
    pub(crate) fn leave_unanswered(&self, peer: PeerId) {
        self.shared.with(|core| {
            core.count_unanswered(peer);
            core.wake_watchers();
        });
    }

    /// Has those look again who wait until all is answered.
    pub(crate) fn tell_settled(&self) {
        self.shared.with(|core| core.wake_watchers());
    }

    /// Waits until all that had arrived before the socket was drained was received, and `settled` holds.
    pub(crate) async fn drained(&self, settled: impl Fn() -> bool) -> Result<()> {
        Waiter::new(&self.shared)
            .until(|core| match core.closed_error() {
                Some(error) => Poll::Ready(Err(error)),
                None if core.is_drained() && settled() => Poll::Ready(Ok(())),
                None => Poll::Pending,
            })
            .await
    }

    /// Waits until all replies are with the kernel; those for peers that are gone are not waited for.
    pub(crate) async fn written(&self) -> Result<()> {
        let flushing = Flushing { shared: &self.shared, flush: Flush::default() };
        match flushing.await {
            Err(Error::NotConnected | Error::GaveUp { .. }) => Ok(()),
            done => done,
        }
    }
}
