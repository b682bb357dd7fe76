//! Proxies: what comes in on one socket goes out on another.
//!
//! [`proxy`] joins two sockets (`zmq_proxy`), [`Proxy`] one that can be steered and watched, with a capture
//! socket (`zmq_proxy_steerable`), and [`forward`] is one direction alone.
//!
//! | frontend, backend | what it makes | which way |
//! |---|---|---|
//! | ROUTER, DEALER | a queue shared by clients (REQ, DEALER) and workers (REP, DEALER) | both |
//! | XSUB, XPUB | a forwarder between publishers and subscribers | data there, subscriptions back |
//! | PULL, PUSH | a streamer between the stages of a pipeline | there |
//! | SUB, PUB | a forwarder of a fixed choice of topics | there |
//! | PAIR, PAIR; DEALER, DEALER; ... | a bridge between transports | both |
//!
//! Any two sockets will do of which one receives and the other sends, also on different runtimes' streams;
//! other pairs do not compile. Where both ways are possible both are used, so that each side should have a
//! use for what the other receives: an XPUB behind a SUB gathers subscriptions that nobody takes, up to
//! its mark, where a PUB would do.
//!
//! # What to expect
//!
//! - A message is forwarded as it was received, frame by frame; a ROUTER puts the identity of its peer in
//!   front, and takes it off again.
//! - The two directions do not wait for each other: requests that find no worker do not hold replies up.
//!   Within one direction messages keep their order, so that one which has to wait holds up those behind
//!   it. A client that does not read holds nobody up: a ROUTER drops what it has no room for, and counts it,
//!   unless it is told to wait (`router_mandatory`, [`OnFull::Wait`](crate::resilience::OnFull::Wait)).
//! - Behind a forwarder all subscribers are one peer of the publisher: their different topics count together
//!   against its `max_subscriptions` and `max_subscription_bytes`, and past them the whole forwarder is
//!   disconnected. One subscriber is held to the limits of the proxy's XPUB.
//! - Nothing is taken from a socket before there is a way out for what was taken before: the marks of the
//!   sockets are those of the proxy.
//! - `send_timeout` and `recv_timeout` are for calls, not for a proxy, which waits.
//!
//! While a proxy runs, its sockets should not be sent to or received from by others.

mod control;
mod lane;

use std::future::poll_fn;
use std::task::{Context, Poll};

use self::control::Command;
pub use self::control::{ProxyControl, ProxyStats, SideStats};
use self::lane::{Lane, Outcome, Stop};
use crate::error::{Error, Result};
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;
pub use crate::socket::relay::{Capture, NoCapture, ProxySocket};
use crate::socket::relay::{Inlet, Outlet};
use crate::socket::{Receives, Sends, Socket};

/// Turns that both directions have before other tasks run once.
const TURNS_PER_POLL: usize = 16;

/// Forwards what comes in on either socket to the other, in both directions if both can (`zmq_proxy`).
///
/// A socket may be both sides: it then gets back what it received (a REP that echoes).
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # async fn example() -> monocoque::Result<()> {
/// use monocoque::tokio::prelude::*;
///
/// let clients = RouterSocket::bind("tcp://*:5555").await?;
/// let workers = DealerSocket::bind("tcp://*:5556").await?;
/// monocoque::proxy(&clients, &workers).await
/// # }
/// ```
///
/// Two sockets that cannot be joined do not compile:
///
/// ```compile_fail
/// use monocoque::tokio::prelude::*;
///
/// fn join(one: &PullSocket, other: &PullSocket) {
///     let proxy = Proxy::new(one, other);
/// }
/// # let sockets: Option<(PullSocket, PullSocket)> = None;
/// # sockets.map(|(one, other)| join(&one, &other));
/// ```
///
/// # Errors
/// As [`Proxy::run`]; `Ok` when one of the sockets is closed.
///
/// # Cancel safety
/// As [`Proxy::run`]: no message is lost.
pub async fn proxy<F: ProxySocket, B: ProxySocket>(frontend: &F, backend: &B) -> Result<()> {
    Proxy::new(frontend, backend).run().await
}

/// Forwards what comes in on one socket to another: one direction of [`proxy`].
#[doc = example!(r#"let work = PullSocket::bind("tcp://127.0.0.1:0").await?;
let workers = PushSocket::bind("tcp://127.0.0.1:0").await?;
let (from, to) = (work.clone(), workers.clone());
let forwarding = tokio::spawn(async move { monocoque::proxy::forward(&from, &to).await });
let push = PushSocket::connect(work.local_endpoint().unwrap()).await?;
let pull = PullSocket::connect(workers.local_endpoint().unwrap()).await?;
push.send("job").await?;
assert_eq!(pull.recv().await?[0], "job");
work.close().await;
forwarding.await.unwrap()?;"#)]
///
/// # Errors
/// As [`Proxy::run`]; `Ok` when one of the sockets is closed.
///
/// # Cancel safety
/// As [`Proxy::run`]: no message is lost.
pub async fn forward<T, S, P, U, R, Q>(from: &Socket<T, S, P>, to: &Socket<U, R, Q>) -> Result<()>
where
    T: Receives,
    S: AsyncStream,
    P: BytePermits,
    U: Sends,
    R: AsyncStream,
    Q: BytePermits,
{
    let mut running = Running::new(from, to, &NoCapture, ProxyControl::default());
    running.back = None;
    poll_fn(|cx| running.poll(cx)).await
}

/// A proxy that can be steered and watched while it runs (`zmq_proxy_steerable`).
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # async fn example() -> monocoque::Result<()> {
/// use monocoque::proxy::Proxy;
/// use monocoque::tokio::prelude::*;
///
/// let publishers = XSubSocket::bind("tcp://*:5555").await?;
/// let subscribers = XPubSocket::bind("tcp://*:5556").await?;
/// let watchers = PubSocket::bind("tcp://*:5557").await?;
/// let mut proxy = Proxy::new(&publishers, &subscribers).with_capture(&watchers);
/// let control = proxy.control();
/// let running = tokio::spawn(async move { proxy.run().await });
/// println!("{} messages so far", control.stats().frontend.received);
/// control.terminate();
/// running.await.unwrap()
/// # }
/// ```
#[derive(Debug)]
pub struct Proxy<F, B, C = NoCapture> {
    frontend: F,
    backend: B,
    capture: C,
    control: ProxyControl,
}

impl<F: ProxySocket, B: ProxySocket> Proxy<F, B> {
    /// A proxy between two sockets, of which it keeps handles.
    #[doc = example!(r#"let work = PullSocket::bind("tcp://127.0.0.1:0").await?;
let workers = PushSocket::bind("tcp://127.0.0.1:0").await?;
let proxy = Proxy::new(&work, &workers);
# drop(proxy);"#)]
    pub fn new(frontend: &F, backend: &B) -> Self {
        const {
            assert!(
                F::RECEIVES && B::SENDS || B::RECEIVES && F::SENDS,
                "one side of a proxy has to receive, and the other to send"
            );
        }
        Self {
            frontend: frontend.clone(),
            backend: backend.clone(),
            capture: NoCapture,
            control: ProxyControl::default(),
        }
    }
}

impl<F, B, C> Proxy<F, B, C> {
    /// The same with a socket that gets a copy of each message, from either side, before it is forwarded: a
    /// PUB, PUSH, DEALER or PAIR.
    ///
    /// A capture socket that waits for room holds the messages up; a PUB drops instead, or any other with
    /// [`OnFull::Drop`](crate::resilience::OnFull::Drop). A message that was captured and then went back,
    /// because the proxy paused or ended, is captured again the next time.
    #[doc = example!(r#"let work = PullSocket::bind("tcp://127.0.0.1:0").await?;
let workers = PushSocket::bind("tcp://127.0.0.1:0").await?;
// Who subscribes to it sees all that goes through.
let watchers = PubSocket::bind("tcp://127.0.0.1:0").await?;
let proxy = Proxy::new(&work, &workers).with_capture(&watchers);
# drop(proxy);"#)]
    #[must_use]
    pub fn with_capture<D: Capture + Clone>(self, capture: &D) -> Proxy<F, B, D> {
        let Self { frontend, backend, capture: _, control } = self;
        Proxy { frontend, backend, capture: capture.clone(), control }
    }

    /// A handle to steer the proxy with.
    #[doc = example!(r#"let work = PullSocket::bind("tcp://127.0.0.1:0").await?;
let workers = PushSocket::bind("tcp://127.0.0.1:0").await?;
let mut proxy = Proxy::new(&work, &workers);
let control = proxy.control();
let running = tokio::spawn(async move { proxy.run().await });
control.terminate();
running.await.unwrap()?;"#)]
    #[must_use]
    pub fn control(&self) -> ProxyControl {
        self.control.clone()
    }
}

impl<F: ProxySocket, B: ProxySocket, C: Capture> Proxy<F, B, C> {
    /// Runs the proxy until it is terminated or one of its sockets is closed, which is `Ok`, or cannot go
    /// on.
    ///
    /// A message that the other side refuses by itself, because nobody has its identity, it has no body or
    /// it is too large, ends nothing: it is dropped and counted ([`SideStats::dropped`]).
    ///
    /// # Errors
    /// [`Error::NotConnected`] and [`Error::GaveUp`] when a side has no connection left and none will come;
    /// [`Error::PeerLost`] if a REQ of the proxy lost the peer that was to reply;
    /// [`Error::CompanionGone`]. It may be run again.
    ///
    /// # Cancel safety
    /// Dropped at any point, no message is lost or sent twice: the one that was taken from a side and
    /// not accepted by the other goes back, and is what that side receives next.
    #[doc = example!(r#"let work = PullSocket::bind("tcp://127.0.0.1:0").await?;
let workers = PushSocket::bind("tcp://127.0.0.1:0").await?;
let mut proxy = Proxy::new(&work, &workers);
let until_stopped = proxy.control();
let stop = async { until_stopped.terminate() };
let (ran, ()) = tokio::join!(proxy.run(), stop);
ran?;"#)]
    pub async fn run(&mut self) -> Result<()> {
        let Self { frontend, backend, capture, control } = self;
        let mut running = Running::new(&*frontend, &*backend, &*capture, control.clone());
        poll_fn(|cx| running.poll(cx)).await
    }
}

/// A proxy that runs.
struct Running<'a, F: Inlet + Outlet, B: Inlet + Outlet, C: Outlet> {
    /// From the frontend to the backend; `None` where that is impossible.
    there: Option<Lane<'a, F, B, C>>,
    back: Option<Lane<'a, B, F, C>>,
    control: ProxyControl,
}

impl<'a, F: Inlet + Outlet, B: Inlet + Outlet, C: Outlet> Running<'a, F, B, C> {
    fn new(frontend: &'a F, backend: &'a B, capture: &'a C, control: ProxyControl) -> Self {
        let same = frontend.address() == backend.address();
        Self {
            there: (F::RECEIVES && B::SENDS).then(|| Lane::new(frontend, backend, capture)),
            back: (B::RECEIVES && F::SENDS && !same).then(|| Lane::new(backend, frontend, capture)),
            control,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        drop(self.control.register(Some(cx.waker())));
        let polled = self.poll_lanes(cx);
        self.count();
        match polled {
            Poll::Ready(Err(Error::Closed)) => Poll::Ready(Ok(())),
            polled => polled,
        }
    }

    fn poll_lanes(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        for _ in 0..TURNS_PER_POLL {
            match self.control.command() {
                Command::Run => {}
                Command::Pause => {
                    self.rest();
                    return Poll::Pending;
                }
                Command::Terminate => return Poll::Ready(Ok(())),
            }
            if !self.turn(cx)? {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Gives each direction its turn; whether one of them can go on at once.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<bool> {
        let control = &self.control;
        let there = self.there.as_mut().map_or(Ok(Outcome::NOTHING), |lane| lane.poll(control, cx))?;
        let back = self.back.as_mut().map_or(Ok(Outcome::NOTHING), |lane| lane.poll(control, cx))?;
        let moved = there.moved || back.moved;
        Ok([there.stop, back.stop].iter().any(|stop| match stop {
            Stop::Turn => true,
            Stop::NotItsTurn => moved,
            Stop::Waits => false,
        }))
    }

    fn rest(&mut self) {
        if let Some(lane) = &mut self.there {
            lane.rest();
        }
        if let Some(lane) = &mut self.back {
            lane.rest();
        }
    }

    fn count(&mut self) {
        let there = self.there.as_mut().map(Lane::take_flow).unwrap_or_default();
        let back = self.back.as_mut().map(Lane::take_flow).unwrap_or_default();
        if (there, back) != Default::default() {
            self.control.count(|stats| {
                stats.add_to_backend(there);
                stats.add_to_frontend(back);
            });
        }
    }
}

impl<F: Inlet + Outlet, B: Inlet + Outlet, C: Outlet> Drop for Running<'_, F, B, C> {
    fn drop(&mut self) {
        drop(self.control.register(None));
    }
}
