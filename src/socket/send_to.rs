//! Sending to one of many by its identity.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Sending;
use crate::error::SendError;
use crate::message::Frame;
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

/// The future of [`Socket::send_to`](super::Socket::send_to).
#[must_use = "nothing is sent unless the future is polled"]
pub struct SendingTo<'a, T, S: AsyncStream, P: BytePermits> {
    /// The message, with the identity in front of it once it has not gone the short way.
    sending: Sending<'a, T, S, P>,
    identity: Option<Frame>,
}

impl<'a, T, S: AsyncStream, P: BytePermits> SendingTo<'a, T, S, P> {
    pub(super) fn new(sending: Sending<'a, T, S, P>, identity: Frame) -> Self {
        Self { sending, identity: Some(identity) }
    }
}

impl<T, S: AsyncStream, P: BytePermits> Future for SendingTo<'_, T, S, P> {
    type Output = Result<(), SendError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sending, identity } = self.get_mut();
        if let Some(name) = identity.take() {
            if sending.goes_shortly(&name) {
                return Poll::Ready(Ok(()));
            }
            sending.put_in_front(name);
        }
        Pin::new(sending).poll(cx)
    }
}

impl<T, S: AsyncStream, P: BytePermits> std::fmt::Debug for SendingTo<'_, T, S, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { sending, identity } = self;
        f.debug_struct("SendingTo").field("sending", sending).field("identity", identity).finish()
    }
}
