//! Flushing.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Socket;
use super::types::Sends;
use crate::engine::{Core, Parked, Shared};
use crate::error::Result;
use crate::monitor::PeerId;
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

impl<T: Sends, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Resolves when all that is queued now is with the kernel.
    ///
    /// Messages that wait for a peer count: flushing a disconnected socket waits for the reconnection. Those
    /// for a peer on `inproc://` need no flushing: they are within its reach once they are queued.
    ///
    /// # Errors
    /// [`Error::Poisoned`](crate::Error::Poisoned) once after a cancelled write closed a connection;
    /// [`Error::NotConnected`](crate::Error::NotConnected) or
    /// [`Error::GaveUp`](crate::Error::GaveUp) when no connection is left and none will come;
    /// [`Error::Closed`](crate::Error::Closed).
    ///
    /// # Cancel safety
    /// With `OnCancel::Resume` nothing is lost: the next operation or the companion task goes on at the
    /// exact byte. With `OnCancel::Poison`, dropping it closes each connection that it waits for and that is in the
    /// middle of a message; that one message is abandoned and counted, the others survive.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.send_buffered("one")?;
push.send_buffered("two")?;
push.flush().await?;
assert_eq!(push.buffered_messages(), 0);"#)]
    pub fn flush(&self) -> Flushing<'_, S> {
        Flushing { shared: &self.shared, flush: Flush::default() }
    }
}

/// The future of [`Socket::flush`].
#[must_use = "nothing is waited for unless the future is polled"]
pub struct Flushing<'a, S: AsyncStream> {
    pub(super) shared: &'a Shared<S>,
    pub(super) flush: Flush,
}

impl<S: AsyncStream> Future for Flushing<'_, S> {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.flush.poll(this.shared, cx)
    }
}

impl<S: AsyncStream> Drop for Flushing<'_, S> {
    fn drop(&mut self) {
        self.flush.cancel(self.shared);
    }
}

impl<S: AsyncStream> std::fmt::Debug for Flushing<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flushing").finish_non_exhaustive()
    }
}

/// The state of one flush.
#[derive(Debug, Default)]
pub(super) struct Flush {
    targets: Option<Vec<(PeerId, u64)>>,
    parked: Parked,
}

impl Flush {
    pub(super) fn poll<S: AsyncStream>(
        &mut self,
        shared: &Shared<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<()>> {
        let Self { targets, parked } = self;
        let result = parked.poll(shared, cx, |core, _| core.poll_flush(targets));
        if result.is_ready() {
            self.targets = None;
        }
        result
    }

    /// The same for at most as long as `linger`: then it has `None`, and what a peer has not taken by then is not
    /// given up, but stays in the socket.
    pub(super) fn poll_lingering<S: AsyncStream>(
        &mut self,
        shared: &Shared<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<()>>> {
        let Self { targets, parked } = self;
        let linger = |core: &Core<S>| core.base.options.linger;
        let result = parked.poll_bounded(shared, cx, linger, |core, _| core.poll_flush(targets));
        if result.is_ready() {
            self.targets = None;
        }
        result
    }

    /// The flush ends, and what it waited for goes on without it.
    pub(super) fn leave<S: AsyncStream>(&mut self, shared: &Shared<S>) {
        self.targets = None;
        self.parked.cancel(shared);
    }

    /// The flush goes away, perhaps unfinished.
    pub(super) fn cancel<S: AsyncStream>(&mut self, shared: &Shared<S>) {
        let targets = self.targets.take();
        if self.parked.is_waiting() {
            self.parked.cancel(shared);
            shared.with(|core| core.cancelled(targets.as_deref()));
        }
    }
}
