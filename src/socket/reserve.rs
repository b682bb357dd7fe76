//! Reserving room before a message is given away.

use std::future::poll_fn;

use super::Socket;
use super::types::SendsToAny;
use super::wait::Waiting;
use crate::engine::{Reservation, Shared};
use crate::error::{Result, SendError};
use crate::message::{Extent, Message};
use crate::resilience::{BytePermits, Permit};
use crate::runtime::AsyncStream;

impl<T: SendsToAny, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Waits for room and permits for one message of one frame of up to `bytes` payload bytes, before the
    /// message exists.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// Dropped before it is ready, nothing is reserved, and the future loses its place among those that
    /// wait.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
let room = push.reserve(100).await?;
// Only now is the message made: nothing is lost if the wait is given up.
room.send("at most a hundred bytes")?;
assert_eq!(pull.recv().await?[0], "at most a hundred bytes");"#)]
    pub async fn reserve(&self, bytes: usize) -> Result<SendPermit<'_, T, S, P>> {
        self.reserve_frames(bytes, 1).await
    }

    /// The same for a message of up to `frames` frames, of up to `bytes` payload bytes together: each frame
    /// counts against the marks and permits with [`Frame::COST`](crate::Frame::COST).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`reserve`](Self::reserve).
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
let room = push.reserve_frames(100, 2).await?;
room.send(["head", "body"])?;
assert_eq!(pull.recv().await?.len(), 2);"#)]
    pub async fn reserve_frames(&self, bytes: usize, frames: usize) -> Result<SendPermit<'_, T, S, P>> {
        let upto = Extent { size: bytes, frames };
        let mut guard = WaitGuard { shared: &self.shared, waiting: Waiting::default() };
        let (reservation, permit) = poll_fn(|cx| {
            guard.waiting.poll_admitted(self, upto.saturating_cost(), cx, |core, permit, turn| {
                core.poll_reserve(upto, permit, turn)
            })
        })
        .await?;
        Ok(SendPermit { socket: self, reservation: Some(reservation), permit })
    }
}

/// Unparks a `reserve` that ends or is dropped.
struct WaitGuard<'a, S: AsyncStream, P: BytePermits> {
    shared: &'a Shared<S>,
    waiting: Waiting<P>,
}

impl<S: AsyncStream, P: BytePermits> Drop for WaitGuard<'_, S, P> {
    fn drop(&mut self) {
        self.waiting.cancel(self.shared);
    }
}

/// Room for one message, held until it is used or dropped.
#[must_use = "the room is given back when this is dropped"]
pub struct SendPermit<'a, T, S: AsyncStream, P: BytePermits> {
    socket: &'a Socket<T, S, P>,
    reservation: Option<Reservation>,
    permit: Permit,
}

impl<T, S: AsyncStream, P: BytePermits> SendPermit<'_, T, S, P> {
    /// Sends a message into the reserved room, without waiting.
    ///
    /// If the connection that the room was on has been lost meanwhile, the message waits in the socket. What
    /// fits cannot fail, with one exception: the socket was closed, or its runtime has ended, since the room
    /// was reserved.
    ///
    /// # Errors
    /// [`Error::MessageTooLarge`](crate::Error::MessageTooLarge) or [`Error::TooManyFrames`](crate::Error::TooManyFrames) if it is larger than
    /// the reservation or has more frames, [`Error::EmptyMessage`](crate::Error::EmptyMessage) if it has none;
    /// [`Error::Closed`](crate::Error::Closed), [`Error::CompanionGone`](crate::Error::CompanionGone); with the message.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
let room = push.reserve(8).await?;
let refused = push.reserve(8).await?.send("longer than that").unwrap_err();
assert!(matches!(refused.error(), Error::MessageTooLarge { size: 16, max: 8 }));
room.send("it fits")?;
assert_eq!(pull.recv().await?[0], "it fits");"#)]
    pub fn send(mut self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        let Some(reservation) = self.reservation else { return Ok(()) };
        if let Err(error) = reservation.check(&message) {
            return Err(SendError::new(error, message));
        }
        self.reservation = None;
        let permit = std::mem::take(&mut self.permit);
        self.socket.shared.with(|core| core.submit_reserved(reservation, message, permit))
    }
}

impl<T, S: AsyncStream, P: BytePermits> Drop for SendPermit<'_, T, S, P> {
    fn drop(&mut self) {
        if let Some(reservation) = self.reservation.take() {
            self.socket
                .shared
                .with(|core| core.outbound.release(&mut core.base, &mut *core.pattern, reservation));
        }
    }
}

impl<T, S: AsyncStream, P: BytePermits> std::fmt::Debug for SendPermit<'_, T, S, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SendPermit").field("reservation", &self.reservation).finish_non_exhaustive()
    }
}
