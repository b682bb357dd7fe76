//! The server.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::bounded::Bounded;
use super::options::ServerOptions;
use super::request::Request;
use super::request_stream::{Next, RequestStream};
use crate::endpoint::IntoEndpoint;
use crate::error::{Error, Result, TimeoutKind};
use crate::resilience::{BytePermits, NoOpPermits};
use crate::runtime::{AsyncStream, Limit, Runtime};
use crate::socket::{Answers, Host, Socket, current};

/// A ROUTER that hands out requests with handles for their replies.
///
/// It serves [`Client`](super::Client)s, REQs, and whatever puts an empty frame in front of its message; what comes
/// without one is dropped and counted as [`DropCause::Unexpected`](crate::monitor::DropCause::Unexpected). Clones and
/// [streams](Self::requests) are handles of the same server; it closes when they and all handles of requests are gone.
///
/// Code that is generic over the runtime needs `S: AsyncStream<Runtime: Runtime>` to use one, and `S::Runtime: Host<S>` to
/// open one ([`Host`], [`Runtime`]).
///
/// No client can stop it: a reply to one that has left, or does not read, is dropped, counted, and told to who sent it.
///
/// # Cancel safety
/// Any future of it may be dropped at any await point, as those of its [socket](Socket).
pub struct Server<S: AsyncStream, P: BytePermits = NoOpPermits> {
    /// A place for each request that is handed out, and for each `next` and stream that waits for one.
    pub(super) bounded: Bounded<Answers, S, P>,
    pub(super) unsettled: Unsettled,
}

/// How many requests are handed out, and neither answered nor dropped.
///
/// It goes up under the lock of the socket, with the request that is taken from it: whoever sees nothing left there,
/// under the lock, sees all that was taken here.
#[derive(Clone, Debug, Default)]
pub(super) struct Unsettled(Arc<AtomicUsize>);

impl Unsettled {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn remove(&self) {
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
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
println!("serving on {}", server.socket().local_endpoint().unwrap());"#)]
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
    #[doc = example!(r#"let options = ServerOptions::default().with_max_outstanding(100);
let server = Server::bind_with_options("tcp://127.0.0.1:0", options).await?;
# drop(server);"#)]
    pub async fn bind_with_options(endpoint: impl IntoEndpoint, options: ServerOptions) -> Result<Self> {
        let server = Self::new(options)?;
        server.socket().bind_to(endpoint).await?;
        Ok(server)
    }

    /// Opens a server without any endpoint: its [`socket`](Self::socket) binds, or connects.
    ///
    /// # Errors
    /// An option that cannot work; no runtime.
    #[doc = example!(r#"let server = Server::new(ServerOptions::default())?;
server.socket().bind_to("tcp://127.0.0.1:0").await?;
server.socket().bind_to("inproc://also").await?;"#)]
    pub fn new(options: ServerOptions) -> Result<Self> {
        Self::new_on(&current::<S>()?, options)
    }

    /// [`new`](Self::new) on a given runtime, wherever the caller runs.
    ///
    /// # Errors
    /// An option that cannot work.
    #[doc = example!(r#"use monocoque::runtime::Runtime;
use monocoque::runtime::tokio::TokioRuntime;

let runtime = TokioRuntime::current().expect("there is one");
let server = Server::new_on(&runtime, ServerOptions::default())?;
server.socket().bind_to("tcp://127.0.0.1:0").await?;"#)]
    pub fn new_on(host: &S::Runtime, options: ServerOptions) -> Result<Self> {
        options.check()?;
        Ok(Self { bounded: Bounded::open(host, options.settings())?, unsettled: Unsettled::default() })
    }
}

impl<S, P> Server<S, P>
where
    S: AsyncStream,
    S::Runtime: Runtime,
    P: BytePermits,
{
    /// This handle with its byte permits replaced, for the replies to what it hands out; clones keep theirs.
    #[doc = example!(r#"let budget = SemaphorePermits::new(64 * 1024 * 1024);
let server = Server::bind("tcp://127.0.0.1:0").await?.with_permits(budget.clone());
# drop(server);"#)]
    pub fn with_permits<Q: BytePermits>(self, permits: Q) -> Server<S, Q> {
        let Self { bounded, unsettled } = self;
        Server { bounded: bounded.with_permits(permits), unsettled }
    }

    /// The ROUTER that it serves through: for its endpoints, its peers, its figures, its events, and to close it.
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
println!("{} clients", server.socket().peers().len());
server.socket().close().await;"#)]
    pub fn socket(&self) -> &Socket<Answers, S, P> {
        &self.bounded.socket
    }

    /// Requests that were handed out, and are neither answered nor dropped.
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
let asked = client.try_request("x")?;
let request = server.next().await?;
assert_eq!(server.outstanding(), 1);
request.reply.send("y").await?;
assert_eq!(server.outstanding(), 0);
# drop(asked);"#)]
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
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
tokio::spawn(async move {
    // Ends when the server is drained or closed.
    while let Ok(request) = server.next().await {
        let _ = request.reply.send(request.message).await;
    }
});
assert_eq!(client.request("x").await?[0], "x");"#)]
    pub async fn next(&self) -> Result<Request<S, P>> {
        let mut next = Next::new(self);
        poll_fn(|cx| next.poll(cx)).await
    }

    /// The requests as a stream, which is a handle of the server: it may be moved to any task, beside others and beside
    /// calls of [`next`](Self::next).
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_util::TryStreamExt;
    /// use monocoque::tokio::prelude::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> monocoque::Result<()> {
    /// let server = Server::bind("tcp://127.0.0.1:0").await?;
    /// let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
    /// // At most ten at once, in one task.
    /// let serving = server.requests().try_for_each_concurrent(10, async |request| {
    ///     // A client that has left, or does not read, is not waited for.
    ///     let _ = request.reply.send(request.message).await;
    ///     Ok(())
    /// });
    /// # let serving = async { serving.await.unwrap() };
    /// # tokio::select! {
    /// #     () = serving => {}
    /// #     reply = client.request("work") => assert_eq!(reply?[0], "work"),
    /// # }
    /// # Ok(())
    /// # }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn requests(&self) -> RequestStream<S, P> {
        RequestStream::new(self.clone())
    }

    /// Stops taking requests, and waits until those that had arrived are handed out, all are answered or dropped, and
    /// the replies are with the kernel; for at most `limit`.
    ///
    /// What had arrived is handed out to those who go on to call [`next`](Self::next), which then fails with
    /// [`Error::Closed`]: the loop of a server ends by itself, so let it run beside this. What clients send meanwhile
    /// stays with them, and is lost to them when the server is closed; what that still reads of it is told as
    /// `ReceivedDropped`, of the cause [`DropCause::Closed`](crate::monitor::DropCause::Closed) ([`Socket::drain`]). Afterwards
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
        let mut limit = Limit::new(&self.bounded.runtime, Some(limit));
        self.socket().drain()?;
        let settled = self.socket().drained(|| self.unsettled.count() == 0);
        limit.race(settled).await.unwrap_or_else(timed_out)?;
        limit.race(self.socket().written()).await.unwrap_or_else(timed_out)
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
        Self { bounded: self.bounded.clone(), unsettled: self.unsettled.clone() }
    }
}

impl<S: AsyncStream, P: BytePermits> fmt::Debug for Server<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("socket", &self.bounded.socket)
            .field("outstanding", &self.unsettled.count())
            .finish_non_exhaustive()
    }
}
