//! Sending many messages at once.

use std::future::Future;
use std::iter::{Fuse, FusedIterator};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use super::Socket;
use super::flush::Flush;
use super::types::Sends;
use super::wait::Waiting;
use crate::engine::Manner;
use crate::error::{Error, SendError};
use crate::message::Message;
use crate::resilience::{BytePermits, Permit};
use crate::runtime::AsyncStream;

/// Messages that are taken from the iterator at a time, and what they cost together from which there are fewer: so
/// much is accepted in one stretch under the lock.
const CHUNK: usize = 64;
const CHUNK_COST: usize = 64 * 1024;

impl<T: Sends, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Sends messages in order, many in one stretch under the socket's lock; resolves with how many, when all are
    /// accepted and on their way.
    ///
    /// Each is sent as [`send`](Self::send) does it, and waits, is dropped or refused as there, but those that are
    /// taken together leave together. Up to 64 messages are taken from the iterator ahead of what is accepted.
    ///
    /// # Errors
    /// As [`send`](Self::send), for the first message that is refused. Those before it are accepted; it comes back with
    /// all behind it, as [`Unsent`].
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the first [`accepted`](SendingMany::accepted) messages were sent, and the others
    /// were not; the future loses its place among those that wait. To keep those others, poll the future by reference
    /// and take them out with [`into_unsent`](SendingMany::into_unsent).
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # async fn example() -> monocoque::Result<()> {
    /// use std::time::Duration;
    /// use monocoque::tokio::prelude::*;
    /// use tokio::time::timeout;
    ///
    /// let push = PushSocket::connect("tcp://127.0.0.1:5555").await?;
    /// assert_eq!(push.send_many(["all", "of", "them"]).await?, 3);
    ///
    /// let mut sending = push.send_many((0..1_000_000).map(|n: u32| n.to_be_bytes()));
    /// if timeout(Duration::from_millis(5), &mut sending).await.is_err() {
    ///     let left: Vec<Message> = sending.into_unsent().collect();
    ///     println!("{} messages for another time", left.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_many<I>(&self, messages: I) -> SendingMany<'_, T, S, P, I::IntoIter>
    where
        I: IntoIterator<Item: Into<Message>>,
    {
        let unsent = Unsent { taken: Vec::new().into_iter(), rest: Some(messages.into_iter().fuse()) };
        SendingMany {
            socket: self,
            unsent,
            chunk: Chunk::default(),
            accepted: 0,
            waiting: None,
            flush: Flush::default(),
        }
    }
}

/// The messages that a [`send_many`](Socket::send_many) did not send, in order: those that it took from the iterator,
/// and then the iterator's, which is not asked again once it has ended.
#[must_use = "they are dropped otherwise"]
pub struct Unsent<I> {
    taken: vec::IntoIter<Message>,
    /// Fused: the future may have asked for the last, and what comes here asks again.
    rest: Option<Fuse<I>>,
}

impl<I: Iterator<Item: Into<Message>>> Iterator for Unsent<I> {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        self.taken.next().or_else(|| self.rest.as_mut()?.next().map(Into::into))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.rest.as_ref().map_or((0, Some(0)), Iterator::size_hint);
        let taken = self.taken.len();
        (taken.saturating_add(least), most.and_then(|most| most.checked_add(taken)))
    }
}

impl<I: Iterator<Item: Into<Message>>> FusedIterator for Unsent<I> {}

impl<I> std::fmt::Debug for Unsent<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unsent").field("taken", &self.taken.as_slice()).finish_non_exhaustive()
    }
}

/// Messages in hand: the first `accepted` are blank, and dropped without the lock.
#[derive(Debug, Default)]
struct Chunk {
    messages: Vec<Message>,
    accepted: usize,
    /// What those cost that are not.
    cost: usize,
    /// No more will come.
    is_last: bool,
}

impl Chunk {
    fn left(&mut self) -> &mut [Message] {
        &mut self.messages[self.accepted..]
    }

    /// Takes the next messages; false if there are none.
    fn fill(&mut self, from: &mut impl Iterator<Item: Into<Message>>) -> bool {
        self.messages.clear();
        (self.accepted, self.cost) = (0, 0);
        if self.messages.capacity() == 0 {
            self.messages.reserve(from.size_hint().0.clamp(1, CHUNK));
        }
        while self.messages.len() < CHUNK && self.cost < CHUNK_COST {
            let Some(message) = from.next() else {
                self.is_last = true;
                break;
            };
            self.messages.push(message.into());
            self.cost += self.messages.last().map_or(0, Message::cost);
        }
        !self.messages.is_empty()
    }

    /// Takes what was not accepted.
    fn take(&mut self) -> vec::IntoIter<Message> {
        let mut left = std::mem::take(&mut self.messages).into_iter();
        left.by_ref().take(self.accepted).for_each(drop);
        self.accepted = 0;
        left
    }
}

/// The future of [`Socket::send_many`].
#[must_use = "nothing is sent unless the future is polled"]
pub struct SendingMany<'a, T, S: AsyncStream, P: BytePermits, I> {
    socket: &'a Socket<T, S, P>,
    unsent: Unsent<I>,
    chunk: Chunk,
    accepted: usize,
    /// The first message that is left waits for room or permits.
    waiting: Option<Box<Waiting<P>>>,
    /// Without a companion task nobody else would write.
    flush: Flush,
}

impl<T, S: AsyncStream, P: BytePermits, I> SendingMany<'_, T, S, P, I> {
    /// How many messages were accepted so far: they are on their way, whatever becomes of the future.
    ///
    /// [`send_many`](Socket::send_many) shows what can be done with the future.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.accepted
    }

    /// Gives up: what was not sent.
    ///
    /// [`send_many`](Socket::send_many) shows what they are for.
    pub fn into_unsent(mut self) -> Unsent<I> {
        self.take_unsent()
    }

    fn take_unsent(&mut self) -> Unsent<I> {
        self.leave();
        Unsent { taken: self.chunk.take(), rest: self.unsent.rest.take() }
    }

    /// Leaves the place of the message that waits.
    fn leave(&mut self) {
        if let Some(mut waiting) = self.waiting.take() {
            waiting.cancel(&self.socket.shared);
        }
        self.flush.cancel(&self.socket.shared);
    }

    fn accept(&mut self, messages: usize) {
        self.accepted += messages;
        self.chunk.accepted += messages;
        self.chunk.cost = self.chunk.left().iter().map(Message::cost).sum();
    }

    /// A permit for all that are in hand, if it can be had now.
    fn acquire(&self) -> Option<Permit> {
        let permit = self.socket.permits.try_acquire(self.chunk.cost)?;
        // One that stands for less than it was asked for, as more than the budget has, is for a single message.
        (permit.is_none() || permit.bytes() == self.chunk.cost).then_some(permit)
    }

    /// Has those in hand accepted, up to the first that has to wait: false if there is one.
    fn submit(&mut self) -> Result<bool, Error> {
        let Some(mut permit) = self.acquire() else { return Ok(false) };
        let is_last = self.chunk.is_last;
        let messages = self.chunk.left();
        let (accepted, refused) =
            self.socket.shared.with(|core| core.submit_many(messages, &mut permit, is_last));
        self.accept(accepted);
        match refused {
            None => Ok(true),
            Some(Error::WouldBlock) => Ok(false),
            Some(error) => Err(error),
        }
    }

    /// Waits until the first in hand is accepted.
    fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { socket, chunk, waiting, .. } = self;
        let first = &mut chunk.messages[chunk.accepted];
        let waiting = waiting.get_or_insert_default();
        ready!(waiting.poll_submit(socket, first, Manner::Send, cx))?;
        self.waiting = None;
        self.accept(1);
        Poll::Ready(Ok(()))
    }

    fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>
    where
        I: Iterator<Item: Into<Message>>,
    {
        loop {
            if self.chunk.left().is_empty() {
                let Some(rest) = self.unsent.rest.as_mut().filter(|_| !self.chunk.is_last) else { break };
                if !self.chunk.fill(rest) {
                    break;
                }
            }
            if self.waiting.is_some() || !self.submit()? {
                ready!(self.poll_first(cx))?;
            }
        }
        if self.accepted == 0 || !self.socket.shared.is_detached() {
            return Poll::Ready(Ok(()));
        }
        self.flush.poll(&self.socket.shared, cx)
    }
}

impl<T, S, P, I> Future for SendingMany<'_, T, S, P, I>
where
    S: AsyncStream,
    P: BytePermits,
    I: Iterator<Item: Into<Message>>,
{
    type Output = Result<usize, SendError<Unsent<I>>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let done = ready!(this.poll_all(cx));
        Poll::Ready(match done {
            Ok(()) => Ok(this.accepted),
            Err(error) => Err(SendError::new(error, this.take_unsent())),
        })
    }
}

// Nothing in it is ever pinned in place.
impl<T, S: AsyncStream, P: BytePermits, I> Unpin for SendingMany<'_, T, S, P, I> {}

impl<T, S: AsyncStream, P: BytePermits, I> Drop for SendingMany<'_, T, S, P, I> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<T, S: AsyncStream, P: BytePermits, I> std::fmt::Debug for SendingMany<'_, T, S, P, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SendingMany").field("accepted", &self.accepted).finish_non_exhaustive()
    }
}
