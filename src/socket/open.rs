//! Opening sockets: by endpoint, or with a listener that is bound already.

use std::sync::Arc;

use super::Socket;
use super::types::Kind;
use super::types::validate;
use crate::endpoint::{Endpoint, IntoEndpoint};
use crate::engine::{BudgetId, Companion, CompanionTask, Core, Shared, Waiter};
use crate::error::{Error, Result};
use crate::options::SocketOptions;
use crate::resilience::NoOpPermits;
use crate::runtime::{Adopt, AsyncStream, Connector, Runtime, Spawn};

/// A runtime that sockets over streams `S` can be opened on: it dials, listens, sleeps, and runs the
/// companion task. Implemented for every [`Runtime`] that can spawn the companion of its own streams.
pub trait Host<S: AsyncStream>: Runtime + Connector<Stream = S> + Spawn<CompanionTask<Self>> {}

impl<S: AsyncStream, R: Runtime + Connector<Stream = S> + Spawn<CompanionTask<R>>> Host<S> for R {}

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
    #[doc = example!(r#"let dealer = DealerSocket::new(SocketOptions::default().with_send_hwm(100))?;
let endpoint = dealer.bind_to("tcp://127.0.0.1:0").await?;
# drop(endpoint);"#)]
    pub fn new(options: SocketOptions) -> Result<Self> {
        Self::new_on(&current::<S>()?, options)
    }

    /// [`new`](Self::new) on a given runtime, wherever the caller runs.
    ///
    /// # Errors
    /// [`Error::Option`] for an option that cannot work.
    #[doc = example!(r#"use monocoque::runtime::Runtime;
use monocoque::runtime::tokio::TokioRuntime;

let runtime = TokioRuntime::current().expect("there is one");
let push = PushSocket::new_on(&runtime, SocketOptions::default())?;
# drop(push);"#)]
    pub fn new_on(host: &S::Runtime, options: SocketOptions) -> Result<Self> {
        validate::<S::Sharing>(&options, T::TYPE)?;
        let (socket, companion) = Self::unspawned(options, host.clone());
        host.spawn(companion);
        Ok(socket)
    }

    /// A socket whose companion task does not run yet.
    fn unspawned(options: SocketOptions, runtime: S::Runtime) -> (Self, CompanionTask<S::Runtime>) {
        let mut core = Core::new(T::TYPE, T::pattern(&options), options, Companion::Running);
        core.endpoints.vacating = runtime.vacating();
        let shared = Shared::new(core);
        let companion = CompanionTask::new(Arc::clone(&shared), runtime);
        (Self::from_shared(shared, NoOpPermits, BudgetId::NONE), companion)
    }

    /// Connects to `endpoint` with default options; see
    /// [`connect_with_options`](Self::connect_with_options).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the attempt is abandoned and the socket closed.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.send("there").await?;
# pull.recv().await?;"#)]
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
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let options = SocketOptions::default().with_send_hwm(10);
let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options).await?;
# drop(push);"#)]
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
    #[doc = example!(r#"use monocoque::runtime::Runtime;
use monocoque::runtime::tokio::TokioRuntime;

let runtime = TokioRuntime::current().expect("there is one");
let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let endpoint = pull.local_endpoint().unwrap();
let push = PushSocket::connect_on(&runtime, endpoint, SocketOptions::default()).await?;
# drop(push);"#)]
    pub async fn connect_on(
        host: &S::Runtime,
        endpoint: impl IntoEndpoint,
        options: SocketOptions,
    ) -> Result<Self> {
        let endpoint = connectable(endpoint)?;
        let socket = Self::new_on(host, options)?;
        let dial = socket.shared.with(|core| core.endpoints.start_dial(&mut core.base, endpoint, true));
        Waiter::new(&socket.shared).until(|core| core.endpoints.dial_outcome(&core.base, dial)).await?;
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
    #[doc = example!(r#"// Nobody listens there yet.
let push = PushSocket::connect_with_reconnect("tcp://127.0.0.1:1").await?;
push.send("for whoever comes").await?;
assert!(!push.is_connected());"#)]
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
    #[doc = example!(r#"let options = SocketOptions::default().with_max_attempts(1);
let push = PushSocket::connect_with_reconnect_and_options("tcp://127.0.0.1:1", options).await?;
assert!(push.try_reconnect().await.is_err());"#)]
    pub async fn connect_with_reconnect_and_options(
        endpoint: impl IntoEndpoint,
        options: SocketOptions,
    ) -> Result<Self> {
        let endpoint = connectable(endpoint)?;
        let socket = Self::new(options)?;
        socket.shared.with(|core| core.endpoints.start_dial(&mut core.base, endpoint, false));
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
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
println!("listening on {}", pull.local_endpoint().unwrap());"#)]
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
    #[doc = example!(r#"let options = SocketOptions::default().with_recv_hwm(10_000);
let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await?;
# drop(pull);"#)]
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
    #[doc = example!(r#"use monocoque::runtime::Runtime;
use monocoque::runtime::tokio::TokioRuntime;

let runtime = TokioRuntime::current().expect("there is one");
let pull = PullSocket::bind_on(&runtime, "tcp://127.0.0.1:0", SocketOptions::default()).await?;
# drop(pull);"#)]
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
    #[doc = example!(r#"let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
let port = listener.local_addr()?.port();
let pull = PullSocket::bind_listener(listener)?;
assert_eq!(pull.local_endpoint().unwrap().port(), Some(port));"#)]
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
    #[doc = example!(r#"use monocoque::runtime::Runtime;
use monocoque::runtime::tokio::TokioRuntime;

let runtime = TokioRuntime::current().expect("there is one");
let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
let pull = PullSocket::bind_listener_on(&runtime, listener, SocketOptions::default())?;
# drop(pull);"#)]
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
}

pub(crate) fn current<S: AsyncStream<Runtime: Runtime>>() -> Result<S::Runtime> {
    S::Runtime::current().ok_or(Error::NoRuntime { runtime: S::Runtime::NAME })
}

pub(super) fn connectable(endpoint: impl IntoEndpoint) -> Result<Endpoint> {
    let endpoint = endpoint.into_endpoint()?;
    endpoint.check_connectable()?;
    Ok(endpoint)
}
