//! Receiving.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::Socket;
use super::types::Receives;
use crate::engine::{Attempt, Core, Parked, Shared};
#[cfg(doc)]
use crate::error::Error;
use crate::error::{Result, TimeoutKind};
use crate::message::{Frame, Message};
use crate::monitor::PeerId;
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

impl<T: Receives, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Receives the next message; peers are served in turn.
    ///
    /// The loss of a connection is no error: the call goes on with the other peers or the next
    /// connection.
    ///
    /// # Errors
    /// [`Error::NotConnected`] or
    /// [`Error::GaveUp`] when no connection is left and none will come, after the
    /// last message; [`Error::Closed`];
    /// [`Error::CompanionGone`].
    ///
    /// # Cancel safety
    /// Dropped before it is ready, no message was received: what was read stays in the socket.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.send(["two", "frames"]).await?;
let message = pull.recv().await?;
assert_eq!((message.len(), &message[1][..]), (2, &b"frames"[..]));"#)]
    pub fn recv(&self) -> Receiving<'_, S> {
        Receiving { shared: &self.shared, turn: Turn::default() }
    }

    /// Receives a message if one is there.
    ///
    /// # Errors
    /// [`Error::WouldBlock`] if none is; otherwise as [`recv`](Self::recv).
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
assert!(matches!(pull.try_recv(), Err(Error::WouldBlock)));"#)]
    pub fn try_recv(&self) -> Result<Message> {
        self.shared.with(|core| {
            let received = core.try_recv();
            core.inbound.pass_on_to_receivers(&mut core.base);
            received
        })
    }

    /// Waits for one message and appends it, and those that are there already up to `max`, to
    /// `messages`; returns how many. One call takes 1,024 at most, however many there are, and others have their turn.
    ///
    /// # Errors
    /// As [`recv`](Self::recv), if it fails before the first message.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, no message was received.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
for n in 0..3 {
    push.send(format!("{n}")).await?;
}
let mut messages = Vec::new();
while messages.len() < 3 {
    pull.recv_many(&mut messages, 100).await?;
}
assert_eq!(messages[2][0], "2");"#)]
    pub fn recv_many<'a>(&'a self, messages: &'a mut Vec<Message>, max: usize) -> ReceivingMany<'a, S> {
        ReceivingMany { shared: &self.shared, messages, max, turn: Turn::default() }
    }

    /// Receives the next message and the connection that it came from, whose metadata
    /// [`peer`](Self::peer) tells (`zmq_msg_gets`).
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// As [`recv`](Self::recv): dropped before it is ready, no message was received.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.send("job").await?;
let (peer, job) = pull.recv_with_peer().await?;
assert_eq!((pull.peers(), &job[0][..]), (vec![peer], &b"job"[..]));"#)]
    pub async fn recv_with_peer(&self) -> Result<(PeerId, Message)> {
        let mut receiving = self.recv();
        poll_fn(|cx| receiving.turn.poll_from(receiving.shared, cx)).await
    }

    /// Receives the next message and whom the authenticator has named as its sender, also where the connection has
    /// ended since (`zmq_msg_gets` of `User-Id`); `None` where it named nobody, as for peers over `inproc://`.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// As [`recv`](Self::recv): dropped before it is ready, no message was received.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.send("job").await?;
let (user, job) = pull.recv_with_user().await?;
assert_eq!((user, &job[0][..]), (None, &b"job"[..]), "no authenticator has named it");"#)]
    pub async fn recv_with_user(&self) -> Result<(Option<Arc<str>>, Message)> {
        let mut receiving = self.recv();
        poll_fn(|cx| {
            receiving.turn.poll_told(receiving.shared, cx, |core| {
                core.inbound.user_of(&core.base, core.inbound.received_from())
            })
        })
        .await
    }
}

impl<T, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Receives a message, and what its type puts in front of it.
    pub(super) async fn receive_apart(&self) -> Result<(Frame, Message)> {
        let mut receiving = Receiving { shared: &self.shared, turn: Turn::default() };
        poll_fn(|cx| receiving.turn.poll_apart(receiving.shared, cx)).await
    }
}

/// The future of [`Socket::recv`].
#[must_use = "nothing is received unless the future is polled"]
pub struct Receiving<'a, S: AsyncStream> {
    pub(super) shared: &'a Shared<S>,
    pub(super) turn: Turn,
}

impl<S: AsyncStream> Future for Receiving<'_, S> {
    type Output = Result<Message>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.turn.poll(this.shared, cx)
    }
}

/// The future of [`Socket::recv_many`].
#[must_use = "nothing is received unless the future is polled"]
pub struct ReceivingMany<'a, S: AsyncStream> {
    shared: &'a Shared<S>,
    messages: &'a mut Vec<Message>,
    max: usize,
    turn: Turn,
}

impl<S: AsyncStream> Future for ReceivingMany<'_, S> {
    type Output = Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { shared, messages, max, turn } = self.get_mut();
        if *max == 0 {
            return Poll::Ready(Ok(0));
        }
        let end = messages.len().saturating_add(*max);
        turn.parked
            .poll_within(TimeoutKind::Recv, shared, cx, |core, turn| core.poll_recv_many(messages, end, turn))
    }
}

impl<S: AsyncStream> Drop for ReceivingMany<'_, S> {
    fn drop(&mut self) {
        self.turn.cancel(self.shared);
    }
}

impl<S: AsyncStream> std::fmt::Debug for ReceivingMany<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceivingMany").field("max", &self.max).finish_non_exhaustive()
    }
}

/// The place of one that waits to receive.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    parked: Parked,
}

impl Turn {
    #[inline]
    pub(super) fn poll<S: AsyncStream>(
        &mut self,
        shared: &Shared<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Message>> {
        // Written in place and not returned: moves of a message would cost more than all the rest.
        let mut message = Message::BLANK;
        let received = self.parked.poll_express(
            TimeoutKind::Recv,
            shared,
            cx,
            &mut message,
            |core, into| core.inbound.take_from_lane(&mut core.base, into),
            |core, into, turn| core.poll_recv_into(into, turn),
        );
        match received {
            None => Poll::Ready(Ok(message)),
            Some(received) => received.map_ok(|()| message),
        }
    }

    /// [`poll`](Self::poll) for types that put whom a message is from in front of it, which comes apart from it.
    pub(super) fn poll_apart<S: AsyncStream>(
        &mut self,
        shared: &Shared<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Frame, Message)>> {
        let mut taken = (Frame::new(), Message::BLANK);
        let received = self.parked.poll_express(
            TimeoutKind::Recv,
            shared,
            cx,
            &mut taken,
            |core, (from, message)| core.inbound.take_apart(from, message),
            |core, (_, message), turn| core.poll_recv_into(message, turn),
        );
        match received {
            None => Poll::Ready(Ok(taken)),
            Some(received) => received.map_ok(|()| {
                let (_, mut message) = taken;
                // The pattern puts the identity in front of everything that it accepts.
                (message.pop_front().unwrap_or_default(), message)
            }),
        }
    }

    /// [`poll`](Self::poll), with the connection that the message came from.
    pub(super) fn poll_from<S: AsyncStream>(
        &mut self,
        shared: &Shared<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(PeerId, Message)>> {
        self.poll_told(shared, cx, |core| core.inbound.received_from())
    }

    /// [`poll`](Self::poll), with what `tell` says of the message that was just taken.
    pub(super) fn poll_told<S: AsyncStream, T>(
        &mut self,
        shared: &Shared<S>,
        cx: &mut Context<'_>,
        tell: impl FnOnce(&Core<S>) -> T,
    ) -> Poll<Result<(T, Message)>> {
        self.parked.poll_within(TimeoutKind::Recv, shared, cx, |core, turn| {
            let mut message = Message::BLANK;
            match core.poll_recv(&mut message, turn) {
                Attempt::Done(Ok(())) => Attempt::Done(Ok((tell(core), message))),
                Attempt::Done(Err(error)) => Attempt::Done(Err(error)),
                Attempt::Wait(list, need) => Attempt::Wait(list, need),
                Attempt::GiveWay => Attempt::GiveWay,
            }
        })
    }

    /// The one that waits goes away, with or without a message.
    #[inline]
    pub(super) fn cancel<S: AsyncStream>(&mut self, shared: &Shared<S>) {
        if self.parked.is_waiting() {
            self.parked.cancel(shared);
        }
    }
}

impl<S: AsyncStream> Drop for Receiving<'_, S> {
    #[inline]
    fn drop(&mut self) {
        self.turn.cancel(self.shared);
    }
}

impl<S: AsyncStream> std::fmt::Debug for Receiving<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiving").finish_non_exhaustive()
    }
}
