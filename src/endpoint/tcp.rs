//! The address of a TCP endpoint.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::EndpointError;

/// Host and port of a TCP endpoint, and for connecting perhaps where to connect from.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TcpEndpoint {
    pub(super) source: Option<Source>,
    pub(super) host: Host,
    pub(super) port: u16,
}

/// The local address that a connection is made from: the part before the `;` of `tcp://source;host:port`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Source {
    host: Host,
    port: u16,
}

/// The host of a TCP endpoint.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Host {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// A name, resolved anew for each connection attempt; on this side of a connection also that of a network
    /// interface, such as `eth0`. An IPv6 address with a zone, such as `fe80::1%eth0`, is one too, since only the
    /// system knows its interfaces.
    Name(String),
    /// `*`: all local addresses, IPv4 and IPv6, for binding; as a source the system's choice.
    Any,
}

impl TcpEndpoint {
    /// The host.
    ///
    /// ```
    /// use monocoque::Endpoint;
    /// use monocoque::endpoint::Host;
    ///
    /// let Endpoint::Tcp(tcp) = "tcp://example.org:5555".parse()? else { panic!("another scheme") };
    /// assert_eq!(tcp.host(), &Host::Name("example.org".into()));
    /// // As text, IPv6 addresses are in brackets.
    /// assert_eq!(tcp.host().to_string(), "example.org");
    /// # Ok::<_, monocoque::endpoint::EndpointError>(())
    /// ```
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port; 0 lets the system choose one for binding.
    ///
    /// [`source`](Self::source) shows it beside the others; [`Endpoint::port`](super::Endpoint::port) is the same for any endpoint.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where connections are made from; `None` for what the system chooses.
    ///
    /// ```
    /// use monocoque::Endpoint;
    ///
    /// // From the second address of this machine, whichever port, to a server.
    /// let Endpoint::Tcp(tcp) = "tcp://10.0.0.2:0;example.org:5555".parse()? else { panic!("another scheme") };
    /// let source = tcp.source().unwrap();
    /// assert_eq!((source.host().to_string(), source.port(), tcp.port()), ("10.0.0.2".into(), 0, 5555));
    /// # Ok::<_, monocoque::endpoint::EndpointError>(())
    /// ```
    #[must_use]
    pub fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// Parses what follows `tcp://` in `text`.
    pub(super) fn parse(address: &str, text: &str) -> Result<Self, EndpointError> {
        let quoted = || text.to_owned();
        let (source, address) = match address.rsplit_once(';') {
            None => (None, address),
            Some((source, address)) => {
                let source = Source::parse(source).ok_or_else(|| EndpointError::InvalidSource(quoted()))?;
                (Some(source), address)
            }
        };
        let (host, port) = address.rsplit_once(':').ok_or_else(|| EndpointError::MissingPort(quoted()))?;
        if host.is_empty() {
            return Err(EndpointError::MissingHost(quoted()));
        }
        if port.is_empty() {
            return Err(EndpointError::MissingPort(quoted()));
        }
        let host = parse_host(host).ok_or_else(|| EndpointError::InvalidHost(quoted()))?;
        let port = parse_port(port).ok_or_else(|| EndpointError::InvalidPort(quoted()))?;
        Ok(Self { source, host, port })
    }
}

impl Source {
    /// The address, or the name of an interface or a host.
    ///
    /// [`TcpEndpoint::source`] shows it.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port; 0 for the system's choice.
    ///
    /// [`TcpEndpoint::source`] shows it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A host, with a port or without.
    fn parse(text: &str) -> Option<Self> {
        let with_port = text.rsplit_once(':').and_then(|(host, port)| {
            let (host, port) = (parse_host(host)?, parse_port(port)?);
            Some(Self { host, port })
        });
        // The last colon may be one of an address.
        with_port.or_else(|| Some(Self { host: parse_host(text)?, port: 0 }))
    }
}

fn parse_port(port: &str) -> Option<u16> {
    // `parse` would take a sign.
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    if port == "*" { Some(0) } else { port.parse().ok().filter(|_| is_number) }
}

fn parse_host(host: &str) -> Option<Host> {
    if host == "*" {
        return Some(Host::Any);
    }
    if let Some(bracketed) = host.strip_prefix('[') {
        return parse_ipv6(bracketed.strip_suffix(']')?);
    }
    if host.contains(':') {
        return parse_ipv6(host);
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

/// An address, and perhaps its zone (RFC 4007); brackets are for those who read it.
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

impl fmt::Display for TcpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source};")?;
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
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

impl From<SocketAddr> for TcpEndpoint {
    fn from(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => Host::Name(format!("{}%{}", v6.ip(), v6.scope_id())),
            address => Host::Ip(address.ip()),
        };
        Self { source: None, host, port: address.port() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Endpoint;
    use super::*;

    #[test]
    fn sources_round_trip() {
        for (text, host, port) in [
            ("tcp://127.0.0.2:0;127.0.0.1:80", "127.0.0.2", 0),
            ("tcp://127.0.0.2;127.0.0.1:80", "127.0.0.2", 0),
            ("tcp://*;127.0.0.1:80", "*", 0),
            ("tcp://*:*;127.0.0.1:80", "*", 0),
            ("tcp://*:7;127.0.0.1:80", "*", 7),
            ("tcp://[::1];[::1]:80", "[::1]", 0),
            ("tcp://[::1]:7;example.org:80", "[::1]", 7),
            ("tcp://::1;x:80", "[::1]", 0),
            ("tcp://fe80::1;x:80", "[fe80::1]", 0),
            ("tcp://::1:7;x:80", "[::1]", 7),
            ("tcp://1:2:3:4:5:6:7:8;x:80", "[1:2:3:4:5:6:7:8]", 0),
            ("tcp://[fe80::1%eth0]:0;x:80", "[fe80::1%eth0]", 0),
            ("tcp://a:5555;localhost:80", "a", 5555),
            ("tcp://eth0;x:80", "eth0", 0),
        ] {
            let Endpoint::Tcp(tcp) = text.parse().unwrap() else { panic!("{text}") };
            let source = tcp.source().unwrap().clone();
            assert_eq!((source.host().to_string(), source.port()), (host.into(), port), "{text}");
            assert_eq!(tcp.port(), 80);
            let endpoint = Endpoint::Tcp(tcp);
            let shown = endpoint.to_string();
            assert_eq!(shown.parse().as_ref(), Ok(&endpoint));
            assert_eq!(shown.split(';').next(), Some(&*format!("tcp://{source}")));
            assert_eq!(endpoint.check_connectable(), Ok(()));
            assert_eq!(endpoint.check_bindable(), Err(EndpointError::NotBindable(endpoint)));
        }
    }

    #[test]
    fn malformed_sources_say_so() {
        for text in [
            "tcp://;x:1",
            "tcp://:1;x:1",
            "tcp://a b;x:1",
            "tcp://127.0.0.1:;x:1",
            "tcp://127.0.0.1:65536;x:1",
            "tcp://127.0.0.1:+1;x:1",
            "tcp://1.2.3:0;x:1",
            "tcp://[::1;x:1",
            "tcp://1.2.3.4;1.2.3.4;x:1",
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(EndpointError::InvalidSource(text.into())));
        }
        let text = "tcp://*;";
        assert_eq!(text.parse::<Endpoint>(), Err(EndpointError::MissingPort(text.into())));
        let wildcard: Endpoint = "tcp://127.0.0.1:1;*:1".parse().unwrap();
        assert_eq!(wildcard.check_connectable(), Err(EndpointError::NotConnectable(wildcard)));
    }
}
