//! The address of a TCP endpoint.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::EndpointError;

/// Host and port of a TCP endpoint.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TcpEndpoint {
    pub(super) host: Host,
    pub(super) port: u16,
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

    /// Parses what follows `tcp://` in `text`.
    pub(super) fn parse(address: &str, text: &str) -> Result<Self, EndpointError> {
        let quoted = || text.to_owned();
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
        Ok(Self { host, port })
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

impl fmt::Display for TcpEndpoint {
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
        Self { host, port: address.port() }
    }
}
