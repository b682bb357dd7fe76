//! Connecting over TCP: over all addresses of a name, from an address of the user's choice, through a
//! proxy.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::Socket;

use super::race::{Race, interleave};
use super::{Connector, Sleeper, socks, tcp};
use crate::endpoint::{Host, Source, TcpEndpoint};
use crate::options::TransportOptions;

/// What each runtime does of it by itself.
pub(super) trait Dial: Connector + Sleeper + Clone {
    /// All addresses of a name.
    async fn lookup(name: &str, port: u16) -> io::Result<Vec<SocketAddr>>;

    /// Connects a socket that was made for `address`.
    async fn connect_socket(socket: Socket, address: SocketAddr) -> io::Result<Self::Stream>;
}

/// The addresses to bind or connect to: all of IPv6, which takes IPv4 along, before all of IPv4, for a
/// wildcard.
pub(super) async fn addresses<D: Dial>(tcp: &TcpEndpoint) -> io::Result<Vec<SocketAddr>> {
    let port = tcp.port();
    match tcp.host() {
        Host::Ip(ip) => Ok(vec![SocketAddr::new(*ip, port)]),
        Host::Name(name) => D::lookup(name, port).await,
        Host::Any => {
            let all = [IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
            Ok(all.map(|ip| SocketAddr::new(ip, port)).to_vec())
        }
    }
}

/// Connects to `tcp`, through the proxy if there is one.
pub(super) async fn connect<D: Dial>(
    runtime: &D,
    tcp: &TcpEndpoint,
    options: &TransportOptions,
) -> io::Result<D::Stream> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
    let Some(proxy) = options.socks.endpoint().map_err(invalid)? else {
        return connect_from(runtime, tcp.source(), tcp, options).await;
    };
    let mut stream = connect_from(runtime, tcp.source(), &proxy, options).await?;
    socks::connect(&mut stream, tcp, options.socks.credentials.as_ref()).await?;
    Ok(stream)
}

/// Connects to the address of `to` that answers first.
async fn connect_from<D: Dial>(
    runtime: &D,
    source: Option<&Source>,
    to: &TcpEndpoint,
    options: &TransportOptions,
) -> io::Result<D::Stream> {
    let addresses = interleave(addresses::<D>(to).await?);
    connect_first(runtime, source, addresses, options).await
}

/// Connects to the one of `addresses` that answers first.
pub(super) async fn connect_first<D: Dial>(
    runtime: &D,
    source: Option<&Source>,
    addresses: Vec<SocketAddr>,
    options: &TransportOptions,
) -> io::Result<D::Stream> {
    let start = |_: &D, address| Box::pin(connect_to::<D>(source, address, options));
    Race::new(runtime.clone(), addresses, start, tcp::no_address()).await
}

async fn connect_to<D: Dial>(
    source: Option<&Source>,
    address: SocketAddr,
    options: &TransportOptions,
) -> io::Result<D::Stream> {
    let socket = tcp::open(address, options)?;
    if let Some(source) = source {
        bind_source(&socket, source, address)?;
    }
    D::connect_socket(socket, address).await
}

/// Lets the connection to `address` come from `source`.
fn bind_source(socket: &Socket, source: &Source, address: SocketAddr) -> io::Result<()> {
    let any = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let mut from = SocketAddr::new(source.ip().unwrap_or(any), source.port());
    match (&mut from, address) {
        // A link-local address is one of the link that the peer is on.
        (SocketAddr::V6(from), SocketAddr::V6(to)) if from.ip().is_unicast_link_local() => {
            from.set_scope_id(to.scope_id());
        }
        (SocketAddr::V4(_), SocketAddr::V4(_)) | (SocketAddr::V6(_), SocketAddr::V6(_)) => {}
        _ => {
            let error = format!("{address} cannot be reached from {}: one is IPv4, one IPv6", from.ip());
            return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, error));
        }
    }
    // One port may serve for several peers, and again while its last connection is winding down.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&from.into())
}
