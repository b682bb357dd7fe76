//! [`Endpoint`]: where a socket binds or connects.

use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// An address that a socket binds or connects to, such as `tcp://127.0.0.1:5555`.
///
/// - `tcp://127.0.0.1:5555`, `tcp://[::1]:5555`, `tcp://[fe80::1%eth0]:5555`: an address; IPv6 in brackets,
///   with the zone that link-local addresses need.
/// - `tcp://example.org:5555`: a name. International names are written in their ASCII form (`xn--`).
/// - `tcp://*:5555`: all local addresses; `tcp://127.0.0.1:0` or `:*`: a port that the system chooses. For
///   binding only.
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
    /// `tcp://host:port`.
    Tcp(TcpEndpoint),
    /// `ipc://path`: the name of a Unix stream given to `from_unix`, as it appears in events. Binding and
    /// connecting by such a name is not supported.
    #[cfg(unix)]
    Ipc(std::path::PathBuf),
    /// `inproc://name`: a socket of this process that is bound to the name.
    Inproc(String),
}

/// Bytes of an `inproc://` name (libzmq allows about as many).
const MAX_NAME: usize = 255;

/// Host and port of a TCP endpoint.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TcpEndpoint {
    host: Host,
    port: u16,
}

/// The host of a TCP endpoint.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Host {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// A name, resolved anew for each connection attempt; also an IPv6 address with a zone, such as
    /// `fe80::1%eth0`, since only the system knows its interfaces.
    Name(String),
    /// `*`: all local addresses, IPv4 and IPv6; for binding only.
    Any,
}

/// What is wrong with an endpoint.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// There is no `://`.
    #[error("endpoint {0:?} has no transport: expected something like tcp://127.0.0.1:5555")]
    MissingTransport(String),
    /// The transport is not one that this version speaks.
    #[error("transport {transport:?} of endpoint {endpoint:?} is not supported: use tcp:// or inproc://")]
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
    /// The endpoint is good for binding only.
    #[error("{0} can be bound, not connected to: it names no single host and port")]
    NotConnectable(Endpoint),
}

impl Endpoint {
    /// The endpoint with another port; unchanged if it has none.
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        match self {
            Self::Tcp(tcp) => Self::Tcp(TcpEndpoint { port, ..tcp }),
            other => other,
        }
    }

    /// The port, of an endpoint that has one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(tcp) => Some(tcp.port),
            #[cfg(unix)]
            Self::Ipc(_) => None,
            Self::Inproc(_) => None,
        }
    }

    /// The name, of an `inproc://` endpoint.
    pub(crate) fn inproc_name(&self) -> Option<&str> {
        match self {
            Self::Inproc(name) => Some(name),
            _ => None,
        }
    }

    /// Refuses what can only be bound.
    pub(crate) fn check_connectable(&self) -> Result<(), EndpointError> {
        match self {
            Self::Tcp(tcp) if tcp.port != 0 && tcp.host != Host::Any => Ok(()),
            Self::Inproc(_) => Ok(()),
            _ => Err(EndpointError::NotConnectable(self.clone())),
        }
    }
}

impl TcpEndpoint {
    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port; 0 lets the system choose one for binding.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let quoted = || text.to_owned();
        let (transport, address) =
            text.split_once("://").ok_or_else(|| EndpointError::MissingTransport(quoted()))?;
        if transport == "inproc" {
            let fits = (1..=MAX_NAME).contains(&address.len());
            return if fits {
                Ok(Self::Inproc(address.to_owned()))
            } else {
                Err(EndpointError::InvalidName(quoted()))
            };
        }
        if transport != "tcp" {
            let transport = transport.to_owned();
            return Err(EndpointError::UnsupportedTransport { endpoint: quoted(), transport });
        }
        let (host, port) = address.rsplit_once(':').ok_or_else(|| EndpointError::MissingPort(quoted()))?;
        if host.is_empty() {
            return Err(EndpointError::MissingHost(quoted()));
        }
        let host = parse_host(host).ok_or_else(|| EndpointError::InvalidHost(quoted()))?;
        let port = match port {
            "" => return Err(EndpointError::MissingPort(quoted())),
            "*" => 0,
            // `parse` would take a sign.
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| EndpointError::InvalidPort(quoted()))?
            }
            _ => return Err(EndpointError::InvalidPort(quoted())),
        };
        Ok(Self::Tcp(TcpEndpoint { host, port }))
    }
}

fn parse_host(host: &str) -> Option<Host> {
    if host == "*" {
        return Some(Host::Any);
    }
    if let Some(bracketed) = host.strip_prefix('[') {
        return parse_ipv6(bracketed.strip_suffix(']')?);
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Some(Host::Ip(address.into()));
    }
    // RFC 1035 bounds the length; underscores occur in practice, and a final dot makes a name absolute.
    // Digits and dots alone are a mistyped address.
    let is_name = host.len() <= 253
        && host.bytes().all(is_name_byte)
        && host.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !host.strip_suffix('.').unwrap_or(host).split('.').any(str::is_empty);
    is_name.then(|| Host::Name(host.to_owned()))
}

/// What stands between the brackets: an address, and perhaps its zone (RFC 4007).
fn parse_ipv6(text: &str) -> Option<Host> {
    let Some((address, zone)) = text.split_once('%') else {
        return text.parse().ok().map(|address: Ipv6Addr| Host::Ip(address.into()));
    };
    let address: Ipv6Addr = address.parse().ok()?;
    let is_zone = (1..=64).contains(&zone.len()) && zone.bytes().all(is_name_byte);
    is_zone.then(|| Host::Name(format!("{address}%{zone}")))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(tcp) => write!(f, "tcp://{}:{}", tcp.host, tcp.port),
            #[cfg(unix)]
            Self::Ipc(path) => write!(f, "ipc://{}", path.display()),
            Self::Inproc(name) => write!(f, "inproc://{name}"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Name(zoned) if zoned.contains('%') => write!(f, "[{zoned}]"),
            Self::Name(name) => f.write_str(name),
            Self::Any => f.write_str("*"),
        }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => Host::Name(format!("{}%{}", v6.ip(), v6.scope_id())),
            address => Host::Ip(address.ip()),
        };
        Self::Tcp(TcpEndpoint { host, port: address.port() })
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
        for text in ["udp://x:1", "://x:1", "TCP://x:1", "ipc:///tmp/x"] {
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
            "tcp://::1:1",
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
