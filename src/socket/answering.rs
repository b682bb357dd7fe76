//! What a [`Server`](crate::rpc::Server) does with its socket.

use std::future::Future;
use std::mem;
use std::task::{Context, Poll};

use super::asking::poll_unless_ended;
use super::flush::Flush;
use super::recv::Turn;
use super::types::{Answers, put_into_envelope, take_envelope};
use super::{Flushing, Sending, Socket};
use crate::engine::{Manner, Parked, Waiter};
use crate::error::{Error, Result, SendError};
use crate::message::{Frame, Message};
use crate::monitor::PeerId;
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

/// Where the reply to a request goes.
#[derive(Debug)]
pub(crate) struct ReplyTo {
    pub(crate) peer: PeerId,
    /// What stands for the connection, and the envelope of the request.
    envelope: Vec<Frame>,
}

/// Where one stands that takes requests: first among those who wait for something else, then for its turn.
///
/// It holds no borrow of the socket, so that streams can keep it; whoever drops it [leaves](Socket::leave_requests) first.
#[derive(Debug, Default)]
pub(crate) struct RequestPlace {
    elsewhere: Parked,
    turn: Turn,
}

impl<S: AsyncStream, P: BytePermits> Socket<Answers, S, P> {
    /// Waits for something that is no business of the socket, for as long as the socket lives.
    pub(crate) fn poll_before_request<F: Future + Unpin>(
        &self,
        place: &mut RequestPlace,
        future: &mut F,
        cx: &mut Context<'_>,
    ) -> Poll<Result<F::Output>> {
        let mut waiter = Waiter { shared: &self.shared, parked: mem::take(&mut place.elsewhere) };
        let polled = poll_unless_ended(&mut waiter, future, cx);
        if polled.is_pending() {
            place.elsewhere = mem::take(&mut waiter.parked);
        }
        polled
    }

    /// Receives the next request, and calls `taken` under the lock: no look at the socket comes in between.
    pub(crate) fn poll_request(
        &self,
        place: &mut RequestPlace,
        cx: &mut Context<'_>,
        taken: impl FnOnce(),
    ) -> Poll<Result<(ReplyTo, Message)>> {
        let received = place.turn.poll_told(&self.shared, cx, |core| {
            taken();
            core.inbound.received_from()
        });
        received.map_ok(|(peer, mut message)| {
            let connection = message.pop_front().unwrap_or_default();
            let mut envelope = take_envelope(&mut message);
            envelope.insert(0, connection);
            (ReplyTo { peer, envelope }, message)
        })
    }

    /// Nobody stands there any more.
    pub(crate) fn leave_requests(&self, place: &mut RequestPlace) {
        place.elsewhere.cancel(&self.shared);
        place.turn.cancel(&self.shared);
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
            core.base.count_unanswered(peer);
            core.base.wake_watchers();
        });
    }

    /// Has those look again who wait until all is answered.
    pub(crate) fn tell_settled(&self) {
        self.shared.with(|core| core.base.wake_watchers());
    }

    /// Waits until all that had arrived before the socket was drained was received, and `settled` holds.
    pub(crate) async fn drained(&self, settled: impl Fn() -> bool) -> Result<()> {
        Waiter::new(&self.shared)
            .until(|core| match core.base.life.closed_error() {
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
