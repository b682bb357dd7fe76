//! The streams, listeners and connection attempts that sockets see.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use super::SimRuntime;
use super::fault::LinkId;
use super::hosts::{DialId, client_endpoint};
use super::link::End;
use super::world::Shared;
use crate::endpoint::Endpoint;
use crate::options::TransportOptions;
use crate::runtime::race::Race;
use crate::runtime::{Adopt, AsyncStream, Connector, Listener, RecvBuf, Runtime, SendBuf, Sleeper};

/// Slices of one gathered write, as on the other runtimes.
const SLICES: usize = 64;

/// One end of a simulated connection; dropping it closes the connection as closing a TCP socket does.
pub struct SimStream {
    end: End,
    link: LinkId,
    local: Endpoint,
    peer: Endpoint,
    shared: Arc<Shared>,
}

impl SimStream {
    /// The number of the connection, by which the [`Network`](super::Network) knows it.
    ///
    /// As [`RawStream::link`](super::RawStream::link).
    #[must_use]
    pub const fn link(&self) -> LinkId {
        self.link
    }

    pub(super) fn poll_read_slice(&self, cx: &Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.shared.with(|world| match world.links.get_mut(&self.link) {
            Some(link) => link.poll_read(self.end, cx, buf, &mut world.core),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        })
    }

    pub(super) fn poll_write_slices(&self, cx: &Context<'_>, src: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.shared.with(|world| match world.links.get_mut(&self.link) {
            Some(link) => link.poll_write(self.end, cx, src, &mut world.core),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        })
    }

    /// Shuts the writing half down.
    pub(super) fn shut(&self) -> io::Result<()> {
        self.shared.with(|world| match world.links.get_mut(&self.link) {
            Some(link) => link.shut(self.end, &mut world.core),
            None => Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

impl fmt::Debug for SimStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimStream").field("link", &self.link).field("end", &self.end).finish_non_exhaustive()
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        self.shared.with(|world| world.drop_end(self.link, self.end, false));
    }
}

impl AsyncStream for SimStream {
    type Runtime = SimRuntime;
    type Sharing = crate::runtime::Shared;

    /// Virtual time; that of the system outside of a simulation.
    fn clock() -> Instant {
        SimRuntime::current().map_or_else(Instant::now, |runtime| runtime.now())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        let read = ready!(self.poll_read_slice(cx, buf.unfilled()))?;
        buf.advance(read);
        Poll::Ready(Ok(read))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let filled = src.io_slices(&mut slices);
        let written = ready!(self.poll_write_slices(cx, &slices[..filled]))?;
        src.advance(written);
        Poll::Ready(Ok(written))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shut())
    }

    fn has_ended(&self) -> io::Result<bool> {
        self.shared
            .with(|world| world.links.get(&self.link).map_or(Ok(false), |link| link.has_ended(self.end)))
    }

    fn peer_endpoint(&self) -> Option<Endpoint> {
        Some(self.peer.clone())
    }

    fn local_endpoint(&self) -> Option<Endpoint> {
        Some(self.local.clone())
    }
}

type StartAttempt = fn(&SimRuntime, Endpoint) -> Attempt;

/// Connecting to an endpoint, over all addresses of its name; dropping it gives it up.
pub struct Connecting {
    endpoint: Endpoint,
    race: Race<SimRuntime, Endpoint, Attempt, StartAttempt>,
}

impl Connecting {
    pub(super) fn new(runtime: SimRuntime, endpoint: Endpoint) -> Self {
        let addresses = runtime.shared().with(|world| world.hosts.addresses(&endpoint));
        let nowhere = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        Self { endpoint, race: Race::new(runtime, addresses, Attempt::new, nowhere) }
    }
}

impl fmt::Debug for Connecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Future for Connecting {
    type Output = io::Result<SimStream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.race).poll(cx)
    }
}

/// An attempt to connect to one address; dropping it gives the attempt up.
struct Attempt {
    dial: DialId,
    address: Endpoint,
    shared: Arc<Shared>,
}

impl Attempt {
    fn new(runtime: &SimRuntime, address: Endpoint) -> Self {
        let shared = Arc::clone(runtime.shared());
        let dial = shared.with(|world| world.dial(address.clone()));
        Self { dial, address, shared }
    }
}

impl Future for Attempt {
    type Output = io::Result<SimStream>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let link = ready!(self.shared.with(|world| world.poll_dial(self.dial, cx)))?;
        let shared = Arc::clone(&self.shared);
        let (local, peer) = (client_endpoint(link, &self.address), self.address.clone());
        Poll::Ready(Ok(SimStream { end: End::Client, link, local, peer, shared }))
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.shared.with(|world| world.drop_dial(self.dial));
    }
}

impl Connector for SimRuntime {
    type Stream = SimStream;
    type Connecting = Connecting;

    fn connect(&self, endpoint: &Endpoint, _: &TransportOptions) -> Connecting {
        Connecting::new(self.clone(), endpoint.clone())
    }
}

/// A listener of the simulated network; dropping it frees its endpoint and resets the connections that
/// wait to be accepted.
pub struct SimListener {
    local: Endpoint,
    shared: Arc<Shared>,
}

impl SimListener {
    pub(super) fn new(shared: Arc<Shared>, endpoint: &Endpoint, backlog: u32) -> io::Result<Self> {
        let local = shared.with(|world| world.bind(endpoint, backlog))?;
        Ok(Self { local, shared })
    }
}

impl fmt::Debug for SimListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimListener").field("local", &self.local).finish_non_exhaustive()
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        self.shared.with(|world| world.unbind(&self.local));
    }
}

impl Adopt<SimListener> for SimRuntime {
    fn adopt(&self, listener: SimListener, _: &TransportOptions) -> io::Result<SimListener> {
        Ok(listener)
    }
}

impl Listener for SimListener {
    type Stream = SimStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<SimStream>> {
        let link = ready!(self.shared.with(|world| world.poll_accept(&self.local, cx)))?;
        let shared = Arc::clone(&self.shared);
        let peer = client_endpoint(link, &self.local);
        Poll::Ready(Ok(SimStream { end: End::Server, link, local: self.local.clone(), peer, shared }))
    }

    fn local_endpoint(&self) -> &Endpoint {
        &self.local
    }
}
