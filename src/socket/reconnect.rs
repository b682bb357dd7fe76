//! The explicit forms of reconnection: calls that report its outcome instead of waiting it out.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use super::Socket;
use super::types::{Receives, Sends};
use crate::engine::Waiter;
use crate::error::{Result, SendError};
use crate::message::Message;
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

impl<T, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Waits for a connection: returns at once if there is one, else with the outcome of the attempt
    /// under way, or of the next one once its backoff delay is over.
    ///
    /// Unlike `try_send` and `try_recv`, which never wait, this may wait for that delay (up to 30 s) and for
    /// `connect_timeout`: what it tries is to be connected. Other ways to connect are compared in
    /// [`guide::patterns`](crate::guide::patterns). Succeeding or failing, it changes nothing: the socket
    /// reconnects by itself.
    ///
    /// # Errors
    /// [`Error::ConnectFailed`](crate::Error::ConnectFailed) with the cause if that attempt fails; [`Error::GaveUp`](crate::Error::GaveUp) or
    /// [`Error::NotConnected`](crate::Error::NotConnected) if there will be none. All have the kind `NotConnected`.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing: attempts go on in the background.
    #[doc = example!(r#"let push = PushSocket::connect_with_reconnect("tcp://127.0.0.1:1").await?;
let refused = push.try_reconnect().await.unwrap_err();
assert_eq!(refused.kind(), ErrorKind::NotConnected);"#)]
    pub async fn try_reconnect(&self) -> Result<()> {
        let mut failures = None;
        Waiter::new(&self.shared).until(|core| core.endpoints.connection(&core.base, &mut failures)).await
    }
}

impl<T: Sends, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Sends a message; without a connection it waits for the outcome of the current or next attempt
    /// first.
    ///
    /// # Errors
    /// With the message: as [`try_reconnect`](Self::try_reconnect), then as [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    #[doc = example!(r#"let push = PushSocket::connect_with_reconnect("tcp://127.0.0.1:1").await?;
let refused = push.send_with_reconnect("not queued").await.unwrap_err();
assert_eq!(refused.into_message()[0], "not queued");"#)]
    pub async fn send_with_reconnect(&self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        match self.try_reconnect().await {
            Ok(()) => self.send(message).await,
            Err(error) => Err(SendError::new(error, message)),
        }
    }
}

impl<T: Receives, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Receives a message; fails if the connection is lost and the next attempt to restore it fails.
    ///
    /// # Errors
    /// As [`try_reconnect`](Self::try_reconnect) and [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// Dropped before it is ready, no message was received.
    #[doc = example!(r#"let pull = PullSocket::connect_with_reconnect("tcp://127.0.0.1:1").await?;
assert!(pull.recv_with_reconnect().await.is_err(), "nobody listens there");"#)]
    pub async fn recv_with_reconnect(&self) -> Result<Message> {
        let mut recv = self.recv();
        let mut waiter = Waiter::new(&self.shared);
        let mut failures = None;
        poll_fn(|cx| {
            if let Poll::Ready(result) = Pin::new(&mut recv).poll(cx) {
                return Poll::Ready(result);
            }
            waiter.poll_change(cx, |core| match core.endpoints.connection(&core.base, &mut failures) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
            })
        })
        .await
    }
}
