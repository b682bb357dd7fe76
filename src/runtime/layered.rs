//! Streams over streams: a runtime whose connections something else lies upon, such as TLS.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;

use super::{Adopt, AsyncStream, Connector, Listener, RecvBuf, Runtime, SendBuf, Sleeper, Spawn, Vacating};
use crate::endpoint::Endpoint;
use crate::options::TransportOptions;

/// Which end of a connection a stream is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two ends")]
pub enum Side {
    /// We connected.
    Dialled,
    /// We accepted it.
    Accepted,
}

/// Something that lies upon streams and makes other streams of them: encryption, for instance, or a protocol that
/// carries bytes.
///
/// A layer is a value, which holds its own configuration, and is part of the [`Layered`] runtime on which sockets
/// are opened. Clones of it share what they hold.
pub trait Layer: Clone + Unpin + 'static {
    /// What a stream becomes. Sockets on it may be shared between threads as those on `S` may.
    type Stream<S: AsyncStream>: AsyncStream<Sharing = S::Sharing>;

    /// What errors call the runtime.
    const NAME: &'static str;

    /// Lays itself upon a stream that was just connected to `endpoint`, or accepted at it.
    ///
    /// This does not wait. Where both ends have to come to terms first, they do so in `poll_read` and `poll_write`
    /// of the new stream, either of which waits for it: so that the time, the number and the events of handshakes
    /// are those of the socket (`handshake_timeout`, `max_handshakes`).
    ///
    /// # Errors
    /// If there can be no such stream: the attempt to connect has failed, or the connection counts as aborted
    /// before it was accepted.
    fn wrap<S: AsyncStream>(&self, stream: S, side: Side, endpoint: &Endpoint)
    -> io::Result<Self::Stream<S>>;

    /// Whether it can be laid upon what will be connected to `endpoint`, or accepted at it; asked before that is
    /// begun. Default: it can.
    ///
    /// # Errors
    /// Why it cannot: something is missing in its configuration.
    fn check(&self, _side: Side, _endpoint: &Endpoint) -> io::Result<()> {
        Ok(())
    }

    /// The layer of sockets that are opened without a runtime value, by `connect` and not `connect_on`. Default
    /// `None`: there is none, and such sockets fail with [`NoRuntime`](crate::Error::NoRuntime).
    fn current() -> Option<Self> {
        None
    }
}

/// A runtime with a layer upon all streams of the runtime below: those of `tcp://` and of `ipc://`. What passes
/// within the process (`inproc://`) needs no streams and has no layer.
///
/// Sockets are opened on a value of it, with [`connect_on`], [`bind_on`], [`new_on`] and [`bind_listener_on`], and
/// have everything that those of the runtime below have: they reconnect, have any number of peers, may be shared
/// between threads if those may.
///
/// [`connect_on`]: crate::socket::Socket::connect_on
/// [`bind_on`]: crate::socket::Socket::bind_on
/// [`new_on`]: crate::socket::Socket::new_on
/// [`bind_listener_on`]: crate::socket::Socket::bind_listener_on
#[derive(Clone, Debug)]
pub struct Layered<R, L> {
    runtime: R,
    layer: L,
}

impl<R: Runtime, L: Layer> Layered<R, L> {
    /// Puts `layer` upon the streams of `runtime`.
    ///
    /// [`on_current`](Self::on_current) finds the runtime itself.
    pub const fn new(runtime: R, layer: L) -> Self {
        Self { runtime, layer }
    }

    /// Puts `layer` upon the streams of the runtime that the caller runs on; `None` if there is none of this kind.
    ///
    /// ```
    /// # #[cfg(all(feature = "tokio", feature = "tls"))] {
    /// use monocoque::runtime::tls::Tls;
    /// use monocoque::runtime::{Layered, tokio::TokioRuntime};
    ///
    /// // What `monocoque::tokio::tls::host` is.
    /// fn host(tls: Tls) -> Option<Layered<TokioRuntime, Tls>> {
    ///     Layered::on_current(tls)
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn on_current(layer: L) -> Option<Self> {
        R::current().map(|runtime| Self { runtime, layer })
    }

    /// Puts the layer upon a stream that is connected already, for
    /// [`from_stream_on`](crate::socket::Socket::from_stream_on): one that was dialled to `endpoint`, or accepted
    /// there.
    ///
    /// # Errors
    /// If the layer cannot be put upon it: something is missing in its configuration.
    pub fn wrap(
        &self,
        stream: R::Stream,
        side: Side,
        endpoint: &Endpoint,
    ) -> io::Result<LayeredStream<R, L>> {
        self.layer.check(side, endpoint)?;
        LayeredStream::new(&self.layer, stream, side, endpoint)
    }
}

/// A stream with a layer upon it.
#[derive(Debug)]
pub struct LayeredStream<R: Connector, L: Layer> {
    stream: L::Stream<R::Stream>,
}

impl<R: Connector, L: Layer> LayeredStream<R, L> {
    fn new(layer: &L, stream: R::Stream, side: Side, endpoint: &Endpoint) -> io::Result<Self> {
        layer.wrap(stream, side, endpoint).map(|stream| Self { stream })
    }
}

impl<R: Runtime, L: Layer> AsyncStream for LayeredStream<R, L> {
    type Runtime = Layered<R, L>;
    type Sharing = <R::Stream as AsyncStream>::Sharing;

    fn clock() -> Instant {
        R::Stream::clock()
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        self.stream.poll_read(cx, buf)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        self.stream.poll_write(cx, src)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_close(cx)
    }

    fn has_ended(&self) -> io::Result<bool> {
        self.stream.has_ended()
    }

    fn peer_endpoint(&self) -> Option<Endpoint> {
        self.stream.peer_endpoint()
    }

    fn local_endpoint(&self) -> Option<Endpoint> {
        self.stream.local_endpoint()
    }

    fn is_handshaking(&self) -> bool {
        self.stream.is_handshaking()
    }

    fn peer_certificates(&self) -> &[Bytes] {
        self.stream.peer_certificates()
    }
}

/// Connecting, before the layer is put upon the stream; dropping it gives the attempt up.
#[derive(Debug)]
pub struct LayeredConnecting<R: Connector, L> {
    attempt: Attempt<R::Connecting>,
    layer: L,
    endpoint: Endpoint,
}

#[derive(Debug)]
enum Attempt<F> {
    /// The layer cannot be put upon anything that comes of it.
    InVain(Option<io::Error>),
    UnderWay(F),
}

impl<F: Future<Output = io::Result<T>> + Unpin, T> Attempt<F> {
    fn new(check: io::Result<()>, begin: impl FnOnce() -> F) -> Self {
        check.map_or_else(|error| Self::InVain(Some(error)), |()| Self::UnderWay(begin()))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        match self {
            Self::UnderWay(future) => Pin::new(future).poll(cx),
            Self::InVain(error) => Poll::Ready(Err(error.take().expect("a future is not polled again"))),
        }
    }
}

impl<R: Runtime, L: Layer> Future for LayeredConnecting<R, L> {
    type Output = io::Result<LayeredStream<R, L>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let stream = ready!(self.attempt.poll(cx))?;
        Poll::Ready(LayeredStream::new(&self.layer, stream, Side::Dialled, &self.endpoint))
    }
}

/// Binding, before anything is accepted.
#[derive(Debug)]
pub struct LayeredBinding<R: Runtime, L> {
    attempt: Attempt<R::Binding>,
    layer: L,
}

impl<R: Runtime, L: Layer> Future for LayeredBinding<R, L> {
    type Output = io::Result<LayeredListener<R, L>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let listener = ready!(self.attempt.poll(cx))?;
        Poll::Ready(Ok(LayeredListener { listener, layer: self.layer.clone() }))
    }
}

/// A listener that puts a layer upon what it accepts.
#[derive(Debug)]
pub struct LayeredListener<R: Runtime, L> {
    listener: R::Listener,
    layer: L,
}

impl<R: Runtime, L: Layer> Listener for LayeredListener<R, L> {
    type Stream = LayeredStream<R, L>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Stream>> {
        let stream = ready!(self.listener.poll_accept(cx))?;
        let accepted =
            LayeredStream::new(&self.layer, stream, Side::Accepted, self.listener.local_endpoint());
        // About this connection alone: the next may fare better, at once.
        Poll::Ready(accepted.map_err(|error| io::Error::new(io::ErrorKind::ConnectionAborted, error)))
    }

    fn local_endpoint(&self) -> &Endpoint {
        self.listener.local_endpoint()
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.listener.poll_close(cx)
    }
}

impl<R: Runtime, L: Layer> Connector for Layered<R, L> {
    type Stream = LayeredStream<R, L>;
    type Connecting = LayeredConnecting<R, L>;

    fn connect(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Connecting {
        let check = self.layer.check(Side::Dialled, endpoint);
        let attempt = Attempt::new(check, || self.runtime.connect(endpoint, options));
        LayeredConnecting { attempt, layer: self.layer.clone(), endpoint: endpoint.clone() }
    }
}

impl<R: Runtime, L: Layer> Runtime for Layered<R, L> {
    type Listener = LayeredListener<R, L>;
    type Binding = LayeredBinding<R, L>;
    const NAME: &'static str = L::NAME;

    fn current() -> Option<Self> {
        Self::on_current(L::current()?)
    }

    fn bind(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Binding {
        let check = self.layer.check(Side::Accepted, endpoint);
        let attempt = Attempt::new(check, || self.runtime.bind(endpoint, options));
        LayeredBinding { attempt, layer: self.layer.clone() }
    }

    fn vacating(&self) -> Vacating {
        self.runtime.vacating()
    }
}

impl<R: Adopt<T>, L: Layer, T> Adopt<T> for Layered<R, L> {
    fn adopt(&self, listener: T, options: &TransportOptions) -> io::Result<LayeredListener<R, L>> {
        let listener = self.runtime.adopt(listener, options)?;
        self.layer.check(Side::Accepted, listener.local_endpoint())?;
        Ok(LayeredListener { listener, layer: self.layer.clone() })
    }
}

impl<R: Sleeper, L> Sleeper for Layered<R, L> {
    type Sleep = R::Sleep;

    fn now(&self) -> Instant {
        self.runtime.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        self.runtime.sleep_until(deadline)
    }

    fn reset(&self, sleep: &mut Self::Sleep, deadline: Instant) {
        self.runtime.reset(sleep, deadline);
    }
}

impl<R: Spawn<F>, L, F> Spawn<F> for Layered<R, L> {
    fn spawn(&self, future: F) {
        self.runtime.spawn(future);
    }
}
