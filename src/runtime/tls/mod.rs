//! TLS upon the streams of any runtime, by rustls.
//!
//! There is no standard for ZeroMQ over TLS: both ends have to be sockets of this crate with this layer, or have
//! something in front of them that ends TLS and passes the bytes on.
//!
//! The cryptography and the certificates are yours: the configurations of rustls, made with the provider of your
//! choice. They belong to the value that sockets are opened on, which also says whether an endpoint is encrypted:
//! the same `tcp://` is plain on the runtime itself. `ipc://` is encrypted as well, `inproc://` needs nothing.
//!
//! ```
//! # #[cfg(feature = "tokio")] {
//! use std::sync::Arc;
//!
//! use monocoque::runtime::tls::Tls;
//! use monocoque::runtime::tls::rustls::ClientConfig;
//! use monocoque::tokio::tls::{self, DealerSocket};
//! use monocoque::{Result, SocketOptions};
//!
//! async fn connect(config: Arc<ClientConfig>) -> Result<DealerSocket> {
//!     let host = tls::host(Tls::client(config))?;
//!     DealerSocket::connect_on(&host, "tcp://broker.example.org:5555", SocketOptions::default()).await
//! }
//! # }
//! ```

mod incoming;
mod session;
mod stream;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use ::rustls;
use ::rustls::client::UnbufferedClientConnection;
use ::rustls::pki_types::{IpAddr, ServerName};
use ::rustls::server::UnbufferedServerConnection;
use ::rustls::{ClientConfig, ServerConfig};

use self::session::Connection;
pub use self::stream::TlsStream;
use super::{AsyncStream, Layer, Side};
use crate::endpoint::{Endpoint, Host};

/// TLS with these configurations, as a layer upon the streams of a runtime.
///
/// Connections that a socket makes are those of a TLS client, and those that it accepts of a server: a socket that
/// does both needs both configurations. Clones share them, the sockets too that were opened on one: what
/// [`replace_server`](Self::replace_server) and [`replace_client`](Self::replace_client) put in their place goes for
/// all connections that are made from then on, and leaves the others as they are.
///
/// A failed handshake is an event with its cause ([`HandshakeFailed`]), whether the certificate has expired, is of
/// another host, or was demanded and is missing; sockets try again with their usual delays, since certificates are
/// renewed.
///
/// [`HandshakeFailed`]: crate::monitor::SocketEvent::HandshakeFailed
#[derive(Clone)]
pub struct Tls {
    configs: Arc<Mutex<Configs>>,
    /// What the servers are called, whatever the endpoint says.
    name: Option<ServerName<'static>>,
}

#[derive(Default)]
struct Configs {
    client: Option<Arc<ClientConfig>>,
    server: Option<Arc<ServerConfig>>,
}

impl Tls {
    /// For sockets that connect.
    ///
    /// The [module](self) shows one at work.
    #[must_use]
    pub fn client(config: Arc<ClientConfig>) -> Self {
        Self::new(Configs { client: Some(config), server: None })
    }

    /// For sockets that bind.
    ///
    /// The [module](self) shows its counterpart at work.
    #[must_use]
    pub fn server(config: Arc<ServerConfig>) -> Self {
        Self::new(Configs { client: None, server: Some(config) })
    }

    fn new(configs: Configs) -> Self {
        Self { configs: Arc::new(Mutex::new(configs)), name: None }
    }

    /// What the certificates of servers are to say, and what they are asked for by (SNI). Default: the host of the
    /// endpoint, a name or an address. `ipc://` has none and needs this.
    ///
    /// ```
    /// use monocoque::runtime::tls::Tls;
    /// use monocoque::runtime::tls::rustls::{ClientConfig, pki_types::ServerName};
    /// use std::sync::Arc;
    ///
    /// // The address is tried, and the certificate still has to be that of the name.
    /// fn by_name(config: Arc<ClientConfig>) -> Tls {
    ///     Tls::client(config).with_server_name(ServerName::try_from("broker.example.org").expect("a name"))
    /// }
    /// ```
    #[must_use]
    pub fn with_server_name(mut self, name: ServerName<'static>) -> Self {
        self.name = Some(name);
        self
    }

    /// Has new connections to servers use `config`.
    ///
    /// See [`replace_server`](Self::replace_server).
    pub fn replace_client(&self, config: Arc<ClientConfig>) {
        self.lock().client = Some(config);
    }

    /// Has connections that are accepted from now on use `config`: a renewed certificate, for instance.
    ///
    /// ```
    /// use monocoque::runtime::tls::Tls;
    /// use monocoque::runtime::tls::rustls::{Error, ServerConfig};
    /// use std::sync::Arc;
    ///
    /// /// Called once the certificate has been renewed; sockets keep the connections that they have.
    /// fn renew(tls: &Tls, load: impl Fn() -> Result<ServerConfig, Error>) -> Result<(), Error> {
    ///     tls.replace_server(Arc::new(load()?));
    ///     Ok(())
    /// }
    /// ```
    pub fn replace_server(&self, config: Arc<ServerConfig>) {
        self.lock().server = Some(config);
    }

    fn lock(&self) -> MutexGuard<'_, Configs> {
        // Nothing in there can be left half-way.
        self.configs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client_config(&self) -> io::Result<Arc<ClientConfig>> {
        self.lock().client.clone().ok_or_else(|| missing("connect needs a configuration of a TLS client"))
    }

    fn server_config(&self) -> io::Result<Arc<ServerConfig>> {
        self.lock().server.clone().ok_or_else(|| missing("bind needs a configuration of a TLS server"))
    }

    /// What the server at `endpoint` is called.
    fn server_name(&self, endpoint: &Endpoint) -> io::Result<ServerName<'static>> {
        let from_endpoint = || match endpoint {
            Endpoint::Tcp(tcp) => match tcp.host() {
                Host::Ip(ip) => Some(ServerName::IpAddress(IpAddr::from(*ip))),
                Host::Name(name) => ServerName::try_from(name.as_str().to_owned()).ok(),
                Host::Any => None,
            },
            _ => None,
        };
        let name = self.name.clone().or_else(from_endpoint);
        name.ok_or_else(|| missing("the endpoint names no host that a certificate could (with_server_name)"))
    }
}

/// Plaintext that goes into one record, by rustls' option, which counts the record's header as well.
fn plain_of_record(max_fragment_size: Option<usize>) -> usize {
    const LARGEST: usize = 16 * 1024;
    const HEADER: usize = 5;
    max_fragment_size.map_or(LARGEST, |size| size.saturating_sub(HEADER).max(1))
}

fn missing(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

/// Of what rustls holds keys and certificates, nothing is shown.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let configs = self.lock();
        f.debug_struct("Tls")
            .field("client", &configs.client.is_some())
            .field("server", &configs.server.is_some())
            .field("name", &self.name)
            .finish()
    }
}

impl Layer for Tls {
    type Stream<S: AsyncStream> = TlsStream<S>;
    const NAME: &'static str = "TLS";

    fn wrap<S: AsyncStream>(&self, stream: S, side: Side, endpoint: &Endpoint) -> io::Result<TlsStream<S>> {
        let (connection, fragment) = match side {
            Side::Dialled => {
                let (config, name) = (self.client_config()?, self.server_name(endpoint)?);
                let fragment = config.max_fragment_size;
                let client = UnbufferedClientConnection::new(config, name);
                (client.map(Box::new).map(Connection::Client), fragment)
            }
            Side::Accepted => {
                let config = self.server_config()?;
                let fragment = config.max_fragment_size;
                let server = UnbufferedServerConnection::new(config);
                (server.map(Box::new).map(Connection::Server), fragment)
            }
        };
        let plain = plain_of_record(fragment);
        connection.map(|connection| TlsStream::new(stream, connection, plain)).map_err(io::Error::other)
    }

    fn check(&self, side: Side, endpoint: &Endpoint) -> io::Result<()> {
        match side {
            Side::Dialled => self.client_config().and_then(|_| self.server_name(endpoint)).map(drop),
            Side::Accepted => self.server_config().map(drop),
        }
    }
}
