//! Halves of a socket.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_sink::Sink;

use super::kind::{Receives, Sends};
use super::{Receiving, Sending, Socket};
use crate::error::{Result, SendError};
use crate::message::Message;
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

impl<T: Sends + Receives, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Splits the handle into one that only sends and one that only receives, for two tasks.
    pub fn split(self) -> (Sender<T, S, P>, Receiver<T, S, P>) {
        (Sender { socket: self.clone() }, Receiver { socket: self })
    }
}

/// The sending half of a socket.
#[derive(Clone, Debug)]
pub struct Sender<T: Sends, S: AsyncStream, P: BytePermits> {
    socket: Socket<T, S, P>,
}

/// The receiving half of a socket.
#[derive(Clone, Debug)]
pub struct Receiver<T: Receives, S: AsyncStream, P: BytePermits> {
    socket: Socket<T, S, P>,
}

impl<T: Sends, S: AsyncStream, P: BytePermits> Sender<T, S, P> {
    /// [`Socket::send`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    pub fn send(&self, message: impl Into<Message>) -> Sending<'_, T, S, P> {
        self.socket.send(message)
    }

    /// [`Socket::try_send`].
    ///
    /// # Errors
    /// As there.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.socket.try_send(message)
    }

    /// [`Socket::flush`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    pub async fn flush(&self) -> Result<()> {
        self.socket.flush().await
    }
}

impl<T: Receives, S: AsyncStream, P: BytePermits> Receiver<T, S, P> {
    /// [`Socket::recv`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    pub fn recv(&self) -> Receiving<'_, S> {
        self.socket.recv()
    }

    /// [`Socket::try_recv`].
    ///
    /// # Errors
    /// As there.
    pub fn try_recv(&self) -> Result<Message> {
        self.socket.try_recv()
    }
}

impl<T: Receives, S: AsyncStream, P: BytePermits> Stream for Receiver<T, S, P> {
    type Item = Result<Message>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.get_mut().socket).poll_next(cx)
    }
}

impl<T: Sends, S: AsyncStream, P: BytePermits> Sink<Message> for Sender<T, S, P> {
    type Error = SendError<Option<Message>>;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.get_mut().socket).poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Self::Error> {
        Pin::new(&mut self.get_mut().socket).start_send(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Sink::poll_flush(Pin::new(&mut self.get_mut().socket), cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Sink::poll_close(Pin::new(&mut self.get_mut().socket), cx)
    }
}
