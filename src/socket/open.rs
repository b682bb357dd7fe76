//! Opening sockets: by endpoint, or from a stream.

use std::future::poll_fn;
use std::sync::Arc;

use super::Socket;
use super::types::Kind;
use super::types::validate;
use crate::endpoint::{Endpoint, IntoEndpoint};
use crate::engine::{Companion, Core, Driver, Judgements, Origin, Shared, Waiter};
use crate::error::{Error, Result};
use crate::options::SocketOptions;
use crate::resilience::{BytePermits, NoOpPermits};
use crate::runtime::{Adopt, AsyncStream, Connector, Detached, Runtime, Sleeper, Spawn};

/// A runtime that sockets over streams `S` can be opened on: it dials, listens, sleeps, and runs the
/// companion task. Implemented for every [`Runtime`] that can spawn the companion of its own streams.
pub trait Host<S: AsyncStream>: Runtime + Connector<Stream = S> + Spawn<Driver<Self>> {}

impl<S: AsyncStream, R: Runtime + Connector<Stream = S> + Spawn<Driver<R>>> Host<S> for R {}

impl<T, S> Socket<T, S, NoOpPermits>
where
    T: Kind,
    S: AsyncStream,
    S::Runtime: Host<S>,
{
    /// Opens a socket without any endpoint, on the runtime that the caller runs on.
    ///
    /// # Errors
    /// [`Error::NoRuntime`] outside of a runtime, [`Error::Option`] for an option that cannot work.
    pub fn new(options: SocketOptions) -> Result<Self> {
        Self::new_on(&current::<S>()?, options)
    }

    /// [`new`](Self::new) on a given runtime, wherever the caller runs.
    ///
    /// # Errors
    /// [`Error::Option`] for an option that cannot work.
    pub fn new_on(host: &S::Runtime, options: SocketOptions) -> Result<Self> {
        validate::<S::Sharing>(&options, T::TYPE)?;
        let (socket, companion) = Self::unspawned(options, host.clone());
        host.spawn(companion);
        Ok(socket)
    }

    /// A socket whose companion task does not run yet.
    fn unspawned(options: SocketOptions, runtime: S::Runtime) -> (Self, Driver<S::Runtime>) {
        let mut core = Core::new(T::TYPE, T::pattern(&options), options, Companion::Running);
        core.endpoints.vacating = runtime.vacating();
        let shared = Shared::new(core);
        let companion = Driver::new(Arc::clone(&shared), runtime);
        (Self::from_shared(shared, NoOpPermits), companion)
    }

    /// Connects to `endpoint` with default options; see
    /// [`connect_with_options`](Self::connect_with_options).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the attempt is abandoned and the socket closed.
    pub async fn connect(endpoint: impl IntoEndpoint) -> Result<Self> {
        Self::connect_with_options(endpoint, SocketOptions::default()).await
    }

    /// Connects to `endpoint`: makes one attempt over all addresses of the name, and resolves when the
    /// ZMTP handshake is done. Afterwards the socket reconnects by itself.
    ///
    /// A name of `inproc://` need not be bound yet: it is waited for, here for `connect_timeout`, and by
    /// sockets that reconnect for as long as it takes and without delays.
    ///
    /// # Errors
    /// What made the attempt fail, bounded by `connect_timeout`; a malformed endpoint or option; no
    /// runtime.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the attempt is abandoned and the socket closed.
    pub async fn connect_with_options(endpoint: impl IntoEndpoint, options: SocketOptions) -> Result<Self> {
        let endpoint = connectable(endpoint)?;
        Self::connect_on(&current::<S>()?, endpoint, options).await
    }

    /// [`connect_with_options`](Self::connect_with_options) on a given runtime, wherever the caller runs.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the attempt is abandoned and the socket closed.
    pub async fn connect_on(
        host: &S::Runtime,
        endpoint: impl IntoEndpoint,
        options: SocketOptions,
    ) -> Result<Self> {
        let endpoint = connectable(endpoint)?;
        let socket = Self::new_on(host, options)?;
        let dial = socket.shared.with(|core| core.dial(endpoint, true));
        Waiter::new(&socket.shared).until(|core| core.dial_outcome(dial)).await?;
        Ok(socket)
    }

    /// Opens a socket that connects to `endpoint` whenever the peer is there, with default options.
    ///
    /// # Errors
    /// A malformed endpoint; no runtime. An absent peer or a name that does not resolve is no error: the
    /// attempts go on in the background.
    ///
    /// # Cancel safety
    /// Ready at once.
    pub async fn connect_with_reconnect(endpoint: impl IntoEndpoint) -> Result<Self> {
        Self::connect_with_reconnect_and_options(endpoint, SocketOptions::default()).await
    }

    /// [`connect_with_reconnect`](Self::connect_with_reconnect) with options.
    ///
    /// # Errors
    /// As there, and for an option that cannot work.
    ///
    /// # Cancel safety
    /// Ready at once.
    pub async fn connect_with_reconnect_and_options(
        endpoint: impl IntoEndpoint,
        options: SocketOptions,
    ) -> Result<Self> {
        let endpoint = connectable(endpoint)?;
        let socket = Self::new(options)?;
        socket.shared.with(|core| core.dial(endpoint, false));
        Ok(socket)
    }

    /// Opens a socket that listens on `endpoint`, with default options. `tcp://127.0.0.1:0` lets the
    /// system choose a port; [`local_endpoint`](Self::local_endpoint) says which. A name of `inproc://` is
    /// taken for the whole process, until the socket closes or [`unbind`](Self::unbind)s it.
    ///
    /// An address that another socket of this process has just let go is waited for, for at most a second.
    ///
    /// # Errors
    /// A malformed endpoint, an address in use or not available, no runtime.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the socket is closed.
    pub async fn bind(endpoint: impl IntoEndpoint) -> Result<Self> {
        Self::bind_with_options(endpoint, SocketOptions::default()).await
    }

    /// [`bind`](Self::bind) with options.
    ///
    /// # Errors
    /// As there, and for an option that cannot work.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the socket is closed.
    pub async fn bind_with_options(endpoint: impl IntoEndpoint, options: SocketOptions) -> Result<Self> {
        let endpoint = endpoint.into_endpoint()?;
        Self::bind_on(&current::<S>()?, endpoint, options).await
    }

    /// [`bind_with_options`](Self::bind_with_options) on a given runtime, wherever the caller runs.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the socket is closed.
    pub async fn bind_on(
        host: &S::Runtime,
        endpoint: impl IntoEndpoint,
        options: SocketOptions,
    ) -> Result<Self> {
        let endpoint = endpoint.into_endpoint()?;
        let socket = Self::new_on(host, options)?;
        socket.bind_to(endpoint).await?;
        Ok(socket)
    }

    /// Opens a socket that accepts what comes to a listener that is bound already, with default options; see
    /// [`bind_listener_with_options`](Self::bind_listener_with_options).
    ///
    /// # Errors
    /// As there.
    pub fn bind_listener<L>(listener: L) -> Result<Self>
    where
        S::Runtime: Adopt<L>,
    {
        Self::bind_listener_with_options(listener, SocketOptions::default())
    }

    /// Opens a socket that accepts what comes to a listener that is bound already, of TCP or Unix, of the runtime
    /// or of the standard library: one that was handed over by the program's starter, for instance (socket
    /// activation), or made with options that this crate does not know.
    ///
    /// [`local_endpoint`](Self::local_endpoint) says where it is, which is also the name to
    /// [`unbind`](Self::unbind) it by. The options of the transport apply to the connections that it accepts;
    /// its own it keeps, its backlog among them, and a socket file stays when the socket is closed.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # async fn example() -> monocoque::Result<()> {
    /// use monocoque::tokio::PullSocket;
    ///
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let pull = PullSocket::bind_listener(listener)?;
    /// println!("listening on {}", pull.local_endpoint().unwrap());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the listener has no address; an option that cannot work; no runtime.
    pub fn bind_listener_with_options<L>(listener: L, options: SocketOptions) -> Result<Self>
    where
        S::Runtime: Adopt<L>,
    {
        Self::bind_listener_on(&current::<S>()?, listener, options)
    }

    /// [`bind_listener_with_options`](Self::bind_listener_with_options) on a given runtime.
    ///
    /// # Errors
    /// As there.
    pub fn bind_listener_on<L>(host: &S::Runtime, listener: L, options: SocketOptions) -> Result<Self>
    where
        S::Runtime: Adopt<L>,
    {
        validate::<S::Sharing>(&options, T::TYPE)?;
        let listener = host.adopt(listener, &options.transport)?;
        let (socket, mut companion) = Self::unspawned(options, host.clone());
        companion.adopt(listener);
        host.spawn(companion);
        Ok(socket)
    }

    /// Makes a socket of one connected stream of this runtime, with a companion task and without
    /// reconnection; resolves when the handshake is done. `from_tcp` and `from_unix` of the facades are
    /// this for their streams.
    ///
    /// # Errors
    /// What made the handshake fail; an option that cannot work; no runtime.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the stream is closed.
    pub async fn from_runtime_stream(stream: S, options: SocketOptions) -> Result<Self> {
        Self::from_stream_on(&current::<S>()?, stream, options).await
    }

    /// [`from_runtime_stream`](Self::from_runtime_stream) on a given runtime, wherever the caller runs. A stream with a
    /// layer, such as TLS, is made of one below by [`Layered::wrap`](crate::runtime::Layered::wrap).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the stream is closed.
    pub async fn from_stream_on(host: &S::Runtime, stream: S, options: SocketOptions) -> Result<Self> {
        let socket = Self::new_on(host, options)?;
        handshake(&socket.shared, stream, host.now()).await?;
        Ok(socket)
    }
}

impl<T, S> Socket<T, S, NoOpPermits>
where
    T: Kind,
    S: AsyncStream<Runtime = Detached>,
{
    /// Makes a socket of one stream of your own, with default options; see
    /// [`from_stream_with_options`](Self::from_stream_with_options).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the stream is closed.
    pub async fn from_stream(stream: S) -> Result<Self> {
        Self::from_stream_with_options(stream, SocketOptions::default()).await
    }

    /// Makes a socket of one stream of your own; resolves when the handshake is done.
    ///
    /// Such a socket has no companion task: it makes progress only while one of its futures is polled,
    /// `send` resolves when the stream has taken the bytes, deadlines are checked when it is polled, and
    /// dropping it drops what is queued (use [`close`](Self::close)).
    ///
    /// # Errors
    /// What made the handshake fail; an option that cannot work.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the stream is closed.
    pub async fn from_stream_with_options(stream: S, options: SocketOptions) -> Result<Self> {
        validate::<S::Sharing>(&options, T::TYPE)?;
        let core = Core::new(T::TYPE, T::pattern(&options), options, Companion::None);
        let socket = Self::from_shared(Shared::new(core), NoOpPermits);
        handshake(&socket.shared, stream, std::time::Instant::now()).await?;
        Ok(socket)
    }
}

impl<T: Kind, S: AsyncStream, P: BytePermits> Socket<T, S, P>
where
    S::Runtime: Host<S>,
{
    /// Listens on one more endpoint; returns it with the port that the system chose.
    ///
    /// # Errors
    /// A malformed endpoint, an address in use or not available, [`Error::Closed`].
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the socket may or may not listen on the endpoint.
    pub async fn bind_to(&self, endpoint: impl IntoEndpoint) -> Result<Endpoint> {
        let endpoint = endpoint.into_endpoint()?;
        endpoint.check_bindable()?;
        let listener = self.shared.with(|core| match core.door_is_shut() {
            Some(error) => Err(error),
            None => Ok(core.listen(endpoint)),
        })?;
        Waiter::new(&self.shared).until(|core| core.bind_outcome(listener)).await
    }

    /// Connects to one more endpoint, now and whenever the connection is lost; returns at once.
    ///
    /// A DEALER, REQ, PUB or SUB that connects to the endpoint already stays as it is; the other types get a
    /// second connection.
    ///
    /// # Errors
    /// A malformed endpoint, [`Error::Closed`].
    pub fn connect_to(&self, endpoint: impl IntoEndpoint) -> Result<()> {
        let endpoint = connectable(endpoint)?;
        self.shared.with(|core| match core.door_is_shut() {
            Some(error) => Err(error),
            None => {
                core.dial_once_more(endpoint);
                Ok(())
            }
        })
    }

    /// Stops listening on an endpoint, as given to or returned by [`bind_to`](Self::bind_to), and ends
    /// the connections accepted there once what is queued for them is written (`zmq_unbind`).
    ///
    /// The companion task closes the listener: sockets of this process that bind the address next wait for
    /// that, and [`SocketEvent::Unbound`](crate::monitor::SocketEvent::Unbound) tells when it is free for
    /// all.
    ///
    /// # Errors
    /// [`Error::UnknownEndpoint`] if the socket does not listen there.
    pub fn unbind(&self, endpoint: impl IntoEndpoint) -> Result<()> {
        let endpoint = endpoint.into_endpoint()?;
        self.shared.with(|core| core.remove_listener(&endpoint))
    }

    /// Stops connecting to an endpoint, and ends its connection once what is queued for it is written
    /// (`zmq_disconnect`).
    ///
    /// # Errors
    /// [`Error::UnknownEndpoint`] if the socket does not connect there.
    pub fn disconnect(&self, endpoint: impl IntoEndpoint) -> Result<()> {
        let endpoint = endpoint.into_endpoint()?;
        self.shared.with(|core| core.remove_dial(&endpoint))
    }
}

fn current<S: AsyncStream<Runtime: Runtime>>() -> Result<S::Runtime> {
    S::Runtime::current().ok_or(Error::NoRuntime { runtime: S::Runtime::NAME })
}

pub(super) fn connectable(endpoint: impl IntoEndpoint) -> Result<Endpoint> {
    let endpoint = endpoint.into_endpoint()?;
    endpoint.check_connectable()?;
    Ok(endpoint)
}

/// Attaches an explicit stream and waits for its handshake.
async fn handshake<S: AsyncStream>(shared: &Shared<S>, stream: S, now: std::time::Instant) -> Result<()> {
    let id = shared.with(|core| core.attach(stream, Origin::Given, now));
    if !shared.is_detached() {
        return Waiter::new(shared).until(|core| core.handshake_outcome(id)).await;
    }
    // Nobody else is there to ask the authenticator.
    let (mut waiter, mut judgements) = (Waiter::new(shared), Judgements::default());
    poll_fn(|cx| {
        judgements.register(Some(cx.waker().clone()));
        loop {
            let outcome = waiter.poll_change(cx, |core| core.handshake_outcome(id));
            judgements.ask(shared.with(Core::take_questions), shared);
            if outcome.is_ready() || !judgements.poll(shared) {
                return outcome;
            }
        }
    })
    .await
}
