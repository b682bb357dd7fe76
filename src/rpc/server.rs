//! The server.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::limit::Limit;
use super::options::ServerOptions;
use crate::endpoint::IntoEndpoint;
use crate::error::{Error, Result, SendError, TimeoutKind};
use crate::message::Message;
use crate::monitor::PeerId;
use crate::resilience::{BytePermits, NoOpPermits, Permit, SemaphorePermits};
use crate::runtime::{AsyncStream, Runtime};
use crate::socket::{Answers, Host, ReplyTo, Socket};

/// A ROUTER that hands out requests with handles for their replies.
///
/// It serves [`Client`](super::Client)s, REQs, and whatever puts an empty frame in front of its message; what comes
/// without one is dropped and counted as [`DropCause::Unexpected`](crate::monitor::DropCause::Unexpected). Clones are
/// handles of the same server; it closes when they and all handles of requests are gone.
///
/// Code that is generic over the runtime needs `S: AsyncStream<Runtime: Runtime>` to use one, and `S::Runtime: Host<S>` to
/// open one ([`Host`], [`Runtime`]).
///
/// No client can stop it: a reply to one that has left, or does not read, is dropped, counted, and told to who sent it.
///
/// # Cancel safety
/// Any future of it may be dropped at any await point, as those of its [socket](Socket).
pub struct Server<S: AsyncStream, P: BytePermits = NoOpPermits> {
    socket: Socket<Answers, S, P>,
    runtime: S::Runtime,
    /// One for each request that is handed out, and for each `next` that waits for one.
    places: SemaphorePermits,
    unsettled: Unsettled,
}

/// How many requests are handed out, and neither answered nor dropped.
///
/// It goes up under the lock of the socket, with the request that is taken from it: whoever sees nothing left there,
/// under the lock, sees all that was taken here.
#[derive(Clone, Debug, Default)]
struct Unsettled(Arc<AtomicUsize>);

impl Unsettled {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn remove(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl<S> Server<S, NoOpPermits>
where
    S: AsyncStream,
    S::Runtime: Host<S>,
{
    /// Opens a server that listens on `endpoint`, with default options.
    ///
    /// # Errors
    /// As [`Socket::bind`].
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the server is closed.
    pub async fn bind(endpoint: impl IntoEndpoint) -> Result<Self> {
        Self::bind_with_options(endpoint, ServerOptions::default()).await
    }

    /// [`bind`](Self::bind) with options.
    ///
    /// # Errors
    /// As there, and for an option that cannot work.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the server is closed.
    pub async fn bind_with_options(endpoint: impl IntoEndpoint, options: ServerOptions) -> Result<Self> {
        let server = Self::new(options)?;
        server.socket.bind_to(endpoint).await?;
        Ok(server)
    }

    /// Opens a server without any endpoint: its [`socket`](Self::socket) binds, or connects.
    ///
    /// # Errors
    /// An option that cannot work; no runtime.
    pub fn new(options: ServerOptions) -> Result<Self> {
        let runtime = S::Runtime::current().ok_or(Error::NoRuntime { runtime: S::Runtime::NAME })?;
        Self::new_on(&runtime, options)
    }

    /// [`new`](Self::new) on a given runtime, wherever the caller runs.
    ///
    /// # Errors
    /// An option that cannot work.
    pub fn new_on(host: &S::Runtime, options: ServerOptions) -> Result<Self> {
        options.check()?;
        Ok(Self {
            socket: Socket::new_on(host, options.socket().clone())?,
            runtime: host.clone(),
            places: SemaphorePermits::new(options.max_outstanding()),
            unsettled: Unsettled::default(),
        })
    }
}

impl<S, P> Server<S, P>
where
    S: AsyncStream,
    S::Runtime: Runtime,
    P: BytePermits,
{
    /// This handle with its byte permits replaced, for the replies to what it hands out; clones keep theirs.
    pub fn with_permits<Q: BytePermits>(self, permits: Q) -> Server<S, Q> {
        let Self { socket, runtime, places, unsettled } = self;
        Server { socket: socket.with_permits(permits), runtime, places, unsettled }
    }

    /// The ROUTER that it serves through: for its endpoints, its peers, its figures, its events, and to close it.
    pub fn socket(&self) -> &Socket<Answers, S, P> {
        &self.socket
    }

    /// Requests that were handed out, and are neither answered nor dropped.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.unsettled.count()
    }

    /// Waits for the next request; clients are served in turn.
    ///
    /// Waits first while `max_outstanding` requests are handed out.
    ///
    /// # Errors
    /// [`Error::Closed`] once the server is closed, or drained and all that had arrived by then is handed out;
    /// otherwise as `recv` of a ROUTER.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, no request was taken.
    pub async fn next(&self) -> Result<Request<S, P>> {
        let place = match self.places.try_acquire(1) {
            Some(place) => place,
            None => self.socket.unless_ended(self.places.acquire(1)).await?,
        };
        match self.socket.next_request(|| self.unsettled.add()).await {
            Ok((to, message)) => Ok(Request { message, reply: self.reply_to(to, place) }),
            Err(error) => {
                // It may have found that nothing is left.
                self.socket.tell_settled();
                Err(error)
            }
        }
    }

    fn reply_to(&self, to: ReplyTo, place: Permit) -> Reply<S, P> {
        let (socket, unsettled) = (self.socket.clone(), self.unsettled.clone());
        Reply { peer: to.peer, to: Some(to), socket, unsettled, told: false, _place: place }
    }

    /// Stops taking requests, and waits until those that had arrived are handed out, all are answered or dropped, and
    /// the replies are with the kernel; for at most `limit`.
    ///
    /// What had arrived is handed out to those who go on to call [`next`](Self::next), which then fails with
    /// [`Error::Closed`]: the loop of a server ends by itself, so let it run beside this. What clients send meanwhile
    /// stays with them, and is lost to them when the server is closed ([`Socket::drain`]). Afterwards
    /// [`close`](Socket::close) the [`socket`](Self::socket), or drop the server.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use monocoque::tokio::prelude::*;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> monocoque::Result<()> {
    /// let server = Server::bind("tcp://127.0.0.1:0").await?;
    /// let serving = tokio::spawn({
    ///     let server = server.clone();
    ///     async move {
    ///         while let Ok(request) = server.next().await {
    ///             let _ = request.reply.send("done").await;
    ///         }
    ///     }
    /// });
    /// // When it is time to stop:
    /// server.drain(Duration::from_secs(10)).await?;
    /// serving.await.unwrap();
    /// # Ok(())
    /// # }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Timeout`] of the kind [`Drain`](TimeoutKind::Drain) if something is left by then: it goes on, and may
    /// be waited for again. [`Error::Closed`] and [`Error::CompanionGone`].
    ///
    /// # Cancel safety
    /// Once polled, the server takes nothing more in; dropping it changes nothing else.
    pub async fn drain(&self, limit: Duration) -> Result<()> {
        let mut limit = Limit::new(&self.runtime, Some(limit));
        self.socket.drain()?;
        let settled = self.socket.drained(|| self.unsettled.count() == 0);
        limit.race(settled).await.unwrap_or_else(timed_out)?;
        limit.race(self.socket.written()).await.unwrap_or_else(timed_out)
    }
}

/// The time is up.
fn timed_out<T>() -> Result<T> {
    Err(Error::Timeout(TimeoutKind::Drain))
}

impl<S, P> Clone for Server<S, P>
where
    S: AsyncStream,
    S::Runtime: Clone,
    P: BytePermits,
{
    fn clone(&self) -> Self {
        Self {
            socket: self.socket.clone(),
            runtime: self.runtime.clone(),
            places: self.places.clone(),
            unsettled: self.unsettled.clone(),
        }
    }
}

impl<S: AsyncStream, P: BytePermits> fmt::Debug for Server<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("socket", &self.socket)
            .field("outstanding", &self.unsettled.count())
            .finish_non_exhaustive()
    }
}

/// A request, and where its reply goes.
///
/// What passes requests on names them by the alias of its runtime, which no prelude has:
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use monocoque::tokio::Request;
/// use monocoque::tokio::prelude::*;
/// use std::sync::mpsc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> monocoque::Result<()> {
/// /// One of a pool of threads, for work that blocks.
/// fn work(requests: mpsc::Receiver<Request>, runtime: tokio::runtime::Handle) {
///     for Request { message, reply, .. } in requests {
///         // A client that has left, or does not read, is not waited for.
///         let _ = runtime.block_on(reply.send(message));
///     }
/// }
///
/// let server = Server::bind("tcp://127.0.0.1:0").await?;
/// let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
/// let (queue, requests) = mpsc::channel();
/// let runtime = tokio::runtime::Handle::current();
/// let thread = std::thread::spawn(move || work(requests, runtime));
/// let feeding = tokio::spawn(async move {
///     // What is queued is bounded by `max_outstanding`.
///     while let Ok(request) = server.next().await {
///         if queue.send(request).is_err() {
///             break;
///         }
///     }
/// });
/// assert_eq!(client.request("work").await?[0], "work");
/// # feeding.abort();
/// # let _ = feeding.await;
/// # thread.join().unwrap();
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Request<S: AsyncStream, P: BytePermits = NoOpPermits> {
    /// What was asked, without its envelope.
    pub message: Message,
    /// The handle for its reply.
    pub reply: Reply<S, P>,
}

/// The handle for the reply to one request: it is sent once, from any task.
///
/// Dropped, the request is not answered: that is told by an event, and counted, as
/// [`DropCause::Unanswered`](crate::monitor::DropCause::Unanswered). The client is told nothing; it has its time limit.
pub struct Reply<S: AsyncStream, P: BytePermits = NoOpPermits> {
    socket: Socket<Answers, S, P>,
    peer: PeerId,
    to: Option<ReplyTo>,
    unsettled: Unsettled,
    /// The reply is on its way, or its loss has been told.
    told: bool,
    /// Given back after the request is settled.
    _place: Permit,
}

impl<S: AsyncStream, P: BytePermits> Reply<S, P> {
    /// The connection that the request came by, whose metadata [`Socket::peer`] tells while it lasts.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// Sends the reply: resolves when it is accepted and on its way.
    ///
    /// It waits for byte permits, and for room at the client's mark only with
    /// [`OnFull::Wait`](crate::resilience::OnFull::Wait). What is accepted, and still queued when the client is lost,
    /// is counted and told by an event, as of any ROUTER; so is what gives way to newer replies with
    /// [`OnFull::DropOldest`](crate::resilience::OnFull::DropOldest).
    ///
    /// # Errors
    /// With the reply: [`Error::Unroutable`] if the client has left, [`Error::Full`] if it is at its mark since it does
    /// not read, both told by an event ([`MessagesDropped`](crate::SocketEvent::MessagesDropped)) and counted as well;
    /// [`Error::EmptyMessage`], and otherwise as `send` of a ROUTER: then the request counts as dropped.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, nothing was sent, and the request counts as dropped.
    pub async fn send(mut self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        let Some(to) = self.to.take() else { return Err(SendError::new(Error::InvalidState, message)) };
        let sent = self.socket.answer(to, message).await;
        self.told = match &sent {
            Ok(()) => true,
            Err(refused) => matches!(refused.error(), Error::Unroutable | Error::Full),
        };
        sent
    }
}

impl<S: AsyncStream, P: BytePermits> Drop for Reply<S, P> {
    fn drop(&mut self) {
        self.unsettled.remove();
        if self.told {
            self.socket.tell_settled();
        } else {
            self.socket.leave_unanswered(self.peer);
        }
    }
}

impl<S: AsyncStream, P: BytePermits> fmt::Debug for Reply<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("peer", &self.peer).finish_non_exhaustive()
    }
}
