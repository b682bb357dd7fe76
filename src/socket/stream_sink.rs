//! Sockets as `Stream` and `Sink`.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;

use super::Socket;
use super::flush::Flush;
use super::recv::Turn;
use super::types::{Receives, Sends};
use super::wait::Waiting;
use crate::engine::{Core, Manner, Shared};
use crate::error::{Error, Result, SendError};
use crate::message::Message;
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

/// What one handle has under way as a stream and a sink.
pub(super) struct Polled<P: BytePermits> {
    receiver: Turn,
    /// The stream has yielded its last item.
    ended: bool,
    /// The message that `start_send` was given, until it is accepted.
    message: Option<Message>,
    waiting: Waiting<P>,
    /// The flush of `poll_close`.
    closing: Flush,
}

impl<P: BytePermits> Default for Polled<P> {
    fn default() -> Self {
        Self {
            receiver: Turn::default(),
            ended: false,
            message: None,
            waiting: Waiting::default(),
            closing: Flush::default(),
        }
    }
}

impl<P: BytePermits> Polled<P> {
    /// The handle is dropped.
    pub(super) fn cancel<S: AsyncStream>(&mut self, shared: &Shared<S>) {
        self.receiver.cancel(shared);
        self.waiting.cancel(shared);
        self.closing.cancel(shared);
    }
}

/// Receives with [`recv`](Socket::recv); ends when the socket is closed, or after the error that ends
/// it. A message that did not come in time (`recv_timeout`) and a peer that was lost before it replied
/// (REQ) end nothing.
///
/// Dropping a `next()` future loses nothing: messages stay in the socket. The handle keeps its place
/// among those that wait for a message, though: once woken, poll it again or drop it, or a `recv` of
/// another handle may go on waiting.
impl<T: Receives, S: AsyncStream, P: BytePermits> Stream for Socket<T, S, P> {
    type Item = Result<Message>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.polled.ended {
            return Poll::Ready(None);
        }
        let item = ready!(this.polled.receiver.poll(&this.shared, cx));
        this.polled.ended =
            item.as_ref().is_err_and(|error| !matches!(error, Error::Timeout(_) | Error::PeerLost));
        Poll::Ready(Some(item).filter(|item| !matches!(item, Err(Error::Closed))))
    }
}

impl<T: Receives, S: AsyncStream, P: BytePermits> FusedStream for Socket<T, S, P> {
    fn is_terminated(&self) -> bool {
        self.polled.ended
    }
}

/// Sends with [`send`](Socket::send), one message at a time for each handle: what `send` waits for, drops or
/// refuses, this does.
///
/// A message given to `start_send` waits in the handle until `poll_ready`, `poll_flush` or `poll_close`
/// has brought it into the socket; dropping the handle before loses it. Errors give it back.
///
/// `poll_flush` departs from futures-sink, which has it wait until everything has left: it is done when what this
/// handle was given is accepted and on its way, as `send` is. A sink is flushed after each message
/// (`SinkExt::send`, `forward` when its stream pauses), and waiting for all peers there would let one that
/// does not read stop the others, and a disconnected socket wait for the next connection. Where only the
/// application writes, with `FlushPolicy::Manual` and on bare streams, it writes what the peers take now.
/// [`flush`](Socket::flush) waits until all is with the kernel.
///
/// `poll_close` is that `flush`, bounded by `linger`, so that `forward` loses no tail: when linger is over, it is
/// done as well, and what a peer has not taken stays queued. The socket itself stays open for its other
/// handles, and closes with the last.
impl<T: Sends, S: AsyncStream, P: BytePermits> Sink<Message> for Socket<T, S, P> {
    type Error = SendError<Option<Message>>;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.get_mut().poll_submit_pending(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Self::Error> {
        let this = self.get_mut();
        if this.polled.message.is_some() {
            return Err(SendError::new(Error::WouldBlock, Some(message)));
        }
        this.polled.message = Some(message);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let this = self.get_mut();
        ready!(this.poll_submit_pending(cx))?;
        let set_going = this.shared.with(Core::set_going);
        Poll::Ready(set_going.map_err(|error| SendError::new(error, None)))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let this = self.get_mut();
        ready!(this.poll_submit_pending(cx))?;
        let flushed = ready!(this.polled.closing.poll_lingering(&this.shared, cx));
        Poll::Ready(flushed.unwrap_or(Ok(())).map_err(|error| SendError::new(error, None)))
    }
}

impl<T: Sends, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    fn poll_submit_pending(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError<Option<Message>>>> {
        // Both are taken out for the call, which borrows the socket.
        let Some(mut message) = self.polled.message.take() else { return Poll::Ready(Ok(())) };
        let mut waiting = std::mem::take(&mut self.polled.waiting);
        let result = waiting.poll_submit(self, &mut message, Manner::Send, cx);
        self.polled.waiting = waiting;
        match result {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(SendError::new(error, Some(message)))),
            Poll::Pending => {
                self.polled.message = Some(message);
                Poll::Pending
            }
        }
    }
}
