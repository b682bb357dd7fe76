//! [`Endpoint`]: where a socket binds or connects.

mod ipc;
mod tcp;

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

pub use self::ipc::IpcEndpoint;
pub use self::tcp::{Host, Source, TcpEndpoint};

/// An address that a socket binds or connects to, such as `tcp://127.0.0.1:5555`.
///
/// - `tcp://127.0.0.1:5555`, `tcp://[::1]:5555`, `tcp://[fe80::1%eth0]:5555`: an address; IPv6 in brackets, which
///   may be left out, with the zone that link-local addresses need.
/// - `tcp://example.org:5555`: a name. International names are written in their ASCII form (`xn--`).
/// - `tcp://*:5555`: all local addresses; `tcp://127.0.0.1:0` or `:*`: a port that the system chooses. For
///   binding only.
/// - `tcp://eth0:5555`: the address of a network interface of this machine, of its IPv4 addresses first; a name
///   that no interface has is that of a host. For binding only.
/// - `tcp://192.168.0.2:0;example.org:5555`: the local address, or interface, before the `;` is where the
///   connection is made from; `*` and port 0, which may be left out, are the system's choice. For connecting
///   only.
/// - `ipc:///tmp/x`, `ipc://x`: a Unix socket by its path, relative to the working directory or absolute. A
///   socket file that nobody listens on any more is replaced.
/// - `ipc://@x`: a Unix socket by a name without a file, on Linux and Android.
/// - `ipc://*`: a fresh path in the folder for temporary files. For binding only.
/// - `inproc://name`: a socket of the same process, on any thread and any runtime. The name is any text of 1
///   to 255 bytes; case counts. Messages pass without being encoded.
///
/// ```
/// use monocoque::Endpoint;
///
/// let endpoint: Endpoint = "tcp://[::1]:5555".parse()?;
/// assert_eq!(endpoint.to_string(), "tcp://[::1]:5555");
/// # Ok::<(), monocoque::endpoint::EndpointError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Endpoint {
    /// `tcp://host:port` or `tcp://source;host:port`.
    Tcp(TcpEndpoint),
    /// `ipc://path`: a Unix socket, and thus refused on other systems when it is opened.
    Ipc(IpcEndpoint),
    /// `inproc://name`: a socket of this process that is bound to the name.
    Inproc(String),
}

/// Bytes of an `inproc://` name (libzmq allows about as many).
const MAX_NAME: usize = 255;

/// What is wrong with an endpoint.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// There is no `://`.
    #[error("endpoint {0:?} has no transport: expected something like tcp://127.0.0.1:5555")]
    MissingTransport(String),
    /// The transport is not one that this version speaks.
    #[error(
        "transport {transport:?} of endpoint {endpoint:?} is not supported: use tcp://, ipc:// or inproc://"
    )]
    UnsupportedTransport {
        /// The endpoint as given.
        endpoint: String,
        /// The part before `://`.
        transport: String,
    },
    /// There is nothing between `://` and the port.
    #[error("endpoint {0:?} has no host")]
    MissingHost(String),
    /// The host is neither an address nor a possible name.
    #[error("the host of endpoint {0:?} is neither an address nor a name")]
    InvalidHost(String),
    /// There is no port.
    #[error("endpoint {0:?} has no port")]
    MissingPort(String),
    /// The port is not a number up to 65535, nor `*`.
    #[error("the port of endpoint {0:?} is neither a number up to 65535 nor *")]
    InvalidPort(String),
    /// The name of an `inproc://` endpoint is empty, or longer than 255 bytes.
    #[error("the name of endpoint {0:?} is not 1 to 255 bytes long")]
    InvalidName(String),
    /// What stands before the `;` is neither an address nor a name, perhaps with a port.
    #[error("the source of endpoint {0:?} is neither an address, a name nor *, with or without a port")]
    InvalidSource(String),
    /// There is nothing after `ipc://` or `ipc://@`.
    #[error("endpoint {0:?} names no socket: expected a path, @ and a name, or *")]
    MissingPath(String),
    /// The path or name of the Unix socket is longer than the system takes.
    #[error("the path of endpoint {endpoint:?} is longer than {max} bytes")]
    PathTooLong {
        /// The endpoint as given.
        endpoint: String,
        /// The bytes that a path may have.
        max: usize,
    },
    /// The path or name of the Unix socket has a zero byte in it.
    #[error("the path of endpoint {0:?} has a zero byte in it")]
    InvalidPath(String),
    /// The endpoint is not good for connecting.
    #[error("{0} cannot be connected to: it does not say to which peer")]
    NotConnectable(Endpoint),
    /// The endpoint is not good for binding.
    #[error("{0} cannot be bound: it is for a connecting end")]
    NotBindable(Endpoint),
}

impl Endpoint {
    /// The endpoint with another port; unchanged if it has none.
    ///
    /// ```
    /// use monocoque::Endpoint;
    ///
    /// let endpoint: Endpoint = "tcp://127.0.0.1:5555".parse()?;
    /// assert_eq!(endpoint.clone().with_port(6666).to_string(), "tcp://127.0.0.1:6666");
    /// assert_eq!(endpoint.port(), Some(5555));
    /// # Ok::<_, monocoque::endpoint::EndpointError>(())
    /// ```
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        match self {
            Self::Tcp(tcp) => Self::Tcp(TcpEndpoint { port, ..tcp }),
            other => other,
        }
    }

    /// The port, of an endpoint that has one.
    ///
    /// See [`with_port`](Self::with_port).
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(tcp) => Some(tcp.port),
            Self::Ipc(_) | Self::Inproc(_) => None,
        }
    }

    /// The name, of an `inproc://` endpoint.
    pub(crate) fn inproc_name(&self) -> Option<&str> {
        match self {
            Self::Inproc(name) => Some(name),
            _ => None,
        }
    }

    /// Refuses what does not name a peer.
    pub(crate) fn check_connectable(&self) -> Result<(), EndpointError> {
        let names_a_peer = match self {
            Self::Tcp(tcp) => tcp.port != 0 && tcp.host != Host::Any,
            Self::Inproc(_) => true,
            Self::Ipc(ipc) => matches!(ipc, IpcEndpoint::Path(_) | IpcEndpoint::Abstract(_)),
        };
        if names_a_peer { Ok(()) } else { Err(EndpointError::NotConnectable(self.clone())) }
    }

    /// Refuses what only a connecting end has.
    pub(crate) fn check_bindable(&self) -> Result<(), EndpointError> {
        let is_bindable = match self {
            Self::Tcp(tcp) => tcp.source().is_none(),
            Self::Ipc(ipc) => *ipc != IpcEndpoint::Unnamed,
            Self::Inproc(_) => true,
        };
        if is_bindable { Ok(()) } else { Err(EndpointError::NotBindable(self.clone())) }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let quoted = || text.to_owned();
        let (transport, address) =
            text.split_once("://").ok_or_else(|| EndpointError::MissingTransport(quoted()))?;
        match transport {
            "tcp" => TcpEndpoint::parse(address, text).map(Self::Tcp),
            "ipc" => IpcEndpoint::parse(address, text).map(Self::Ipc),
            "inproc" if (1..=MAX_NAME).contains(&address.len()) => Ok(Self::Inproc(address.to_owned())),
            "inproc" => Err(EndpointError::InvalidName(quoted())),
            _ => {
                let transport = transport.to_owned();
                Err(EndpointError::UnsupportedTransport { endpoint: quoted(), transport })
            }
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(tcp) => write!(f, "tcp://{tcp}"),
            Self::Ipc(ipc) => write!(f, "ipc://{ipc}"),
            Self::Inproc(name) => write!(f, "inproc://{name}"),
        }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address.into())
    }
}

impl From<&Self> for Endpoint {
    fn from(endpoint: &Self) -> Self {
        endpoint.clone()
    }
}

macro_rules! try_from_text {
    ($($text:ty),+) => {$(
        impl TryFrom<$text> for Endpoint {
            type Error = EndpointError;

            fn try_from(text: $text) -> Result<Self, EndpointError> {
                text.parse()
            }
        }
    )+};
}
try_from_text!(&str, String, &String);

impl From<Infallible> for EndpointError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// What `bind` and `connect` take: text, an [`Endpoint`], a socket address, or anything else that
/// converts into an endpoint.
pub trait IntoEndpoint {
    /// Parses or converts.
    ///
    /// # Errors
    /// If the text is not a well-formed endpoint.
    fn into_endpoint(self) -> Result<Endpoint, EndpointError>;
}

impl<T> IntoEndpoint for T
where
    T: TryInto<Endpoint>,
    EndpointError: From<T::Error>,
{
    fn into_endpoint(self) -> Result<Endpoint, EndpointError> {
        self.try_into().map_err(EndpointError::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed_endpoints_round_trip() {
        for text in [
            "tcp://127.0.0.1:5555",
            "tcp://[::1]:1",
            "tcp://[fe80::1%eth0.7]:1",
            "tcp://a-b.example:65535",
            "tcp://example.:1",
            "tcp://*:0",
            "tcp://_x:9",
            "inproc://a",
            "inproc://A/b c:1*",
            "inproc://\u{fc}",
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.to_string(), text);
        }
        assert_eq!("tcp://*:*".parse::<Endpoint>().unwrap().to_string(), "tcp://*:0");
        assert_eq!("tcp://::1:5555".parse::<Endpoint>().unwrap().to_string(), "tcp://[::1]:5555");
        assert_eq!("tcp://fe80::1%a:1".parse::<Endpoint>().unwrap().to_string(), "tcp://[fe80::1%a]:1");
        assert_eq!("tcp://[FE80:0::1%a]:1".parse::<Endpoint>().unwrap().to_string(), "tcp://[fe80::1%a]:1");
    }

    #[test]
    fn whatever_names_an_endpoint_converts() {
        let text = "tcp://[fe80::1%3]:80";
        let endpoint: Endpoint = text.parse().unwrap();
        let address: SocketAddr = "[fe80::1%3]:80".parse().unwrap();
        assert_eq!(text.into_endpoint().as_ref(), Ok(&endpoint));
        assert_eq!(text.to_owned().into_endpoint().as_ref(), Ok(&endpoint));
        assert_eq!((&text.to_owned()).into_endpoint().as_ref(), Ok(&endpoint));
        assert_eq!(address.into_endpoint().as_ref(), Ok(&endpoint), "with its zone");
        assert_eq!((&endpoint).into_endpoint().as_ref(), Ok(&endpoint));
        assert_eq!(endpoint.clone().into_endpoint(), Ok(endpoint));
        assert_eq!("x".into_endpoint(), Err(EndpointError::MissingTransport("x".into())));
    }

    #[test]
    fn malformed_endpoints_say_what_is_wrong() {
        use EndpointError as E;
        let error = |text: &str| text.parse::<Endpoint>().unwrap_err();
        for text in ["", "127.0.0.1:5555", "tcp:/x:1", "tcp"] {
            assert_eq!(error(text), E::MissingTransport(text.into()));
        }
        for text in ["udp://x:1", "://x:1", "TCP://x:1", "unix:///tmp/x"] {
            assert!(matches!(error(text), E::UnsupportedTransport { .. }), "{text}");
        }
        for text in ["tcp://x", "tcp://x:", "tcp://"] {
            assert_eq!(error(text), E::MissingPort(text.into()));
        }
        for text in ["tcp://x:65536", "tcp://x:-1", "tcp://x:+1", "tcp://x:1a", "tcp://x: 1"] {
            assert_eq!(error(text), E::InvalidPort(text.into()));
        }
        let longest = format!("inproc://{}", "a".repeat(255));
        assert_eq!(longest.parse::<Endpoint>().unwrap().inproc_name().map(str::len), Some(255));
        for text in ["inproc://", &format!("{longest}a")] {
            assert_eq!(error(text), E::InvalidName(text.into()));
        }
        let long = format!("tcp://{}:1", "a".repeat(254));
        for text in [
            "tcp://a b:1",
            "tcp://[::1:1",
            "tcp://::1",
            "tcp://::x:1",
            "tcp://a:b:1",
            "tcp://1.2.3:1",
            "tcp://[x]:1",
            "tcp://a..b:1",
            "tcp://.:1",
            "tcp://a%b:1",
            "tcp://[::1%]:1",
            "tcp://[::1%a%b]:1",
            "tcp://[a%b]:1",
            "tcp://bücher.example:1",
            &long,
        ] {
            assert_eq!(error(text), E::InvalidHost(text.into()));
        }
        assert_eq!(error("tcp://:1"), E::MissingHost("tcp://:1".into()));
        assert!(error("tcp://x:y").to_string().contains("tcp://x:y"));
    }

    #[test]
    fn wildcards_cannot_be_connected_to() {
        for text in ["tcp://*:1", "tcp://x:0", "tcp://*:*"] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.check_connectable(), Err(EndpointError::NotConnectable(endpoint)));
        }
        let endpoint: Endpoint = "tcp://x:0".parse().unwrap();
        assert_eq!(endpoint.port(), Some(0));
        assert_eq!(endpoint.with_port(7).check_connectable(), Ok(()));
        let endpoint: Endpoint = "inproc://x".parse().unwrap();
        assert_eq!((endpoint.port(), endpoint.check_connectable()), (None, Ok(())));
        assert_eq!(endpoint.clone().with_port(7), endpoint, "there is none to change");
    }
}
