//! Connecting: over TCP over all addresses of a name, from an address of the user's choice, through a proxy.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use socket2::Socket;

#[cfg(unix)]
use super::ipc;
use super::socket::{System, SystemStream};
use super::{socks, tcp};
use crate::endpoint::{Endpoint, Host, Source, TcpEndpoint};
use crate::options::TransportOptions;
use crate::runtime::race::{Race, interleave};

/// The addresses of the peer.
pub(in crate::runtime) async fn addresses<R: System>(host: &Host, port: u16) -> io::Result<Vec<SocketAddr>> {
    match host {
        Host::Ip(ip) => Ok(vec![SocketAddr::new(*ip, port)]),
        Host::Name(name) => R::lookup(name, port).await,
        Host::Any => {
            let all = [IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
            Ok(all.map(|ip| SocketAddr::new(ip, port)).to_vec())
        }
    }
}

/// The addresses of our own to bind: those of an interface, if one has the name; all of IPv6, which takes IPv4
/// along, before all of IPv4, for a wildcard.
pub(in crate::runtime) async fn local_addresses<R: System>(
    host: &Host,
    port: u16,
) -> io::Result<Vec<SocketAddr>> {
    if let Host::Name(name) = host {
        let addresses = interface_addresses(name, port)?;
        if !addresses.is_empty() {
            return Ok(addresses);
        }
    }
    addresses::<R>(host, port).await
}

/// The addresses of a network interface, those of IPv4 first, as in libzmq; none if there is no such one.
fn interface_addresses(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let interfaces = if_addrs::get_if_addrs()?.into_iter().filter(|interface| interface.name == name);
    let (mut ipv4, ipv6): (Vec<_>, Vec<_>) = interfaces
        .map(|interface| match interface.ip() {
            // A link-local address is one of the link that the interface is on.
            IpAddr::V6(ip) if ip.is_unicast_link_local() => {
                SocketAddrV6::new(ip, port, 0, interface.index.unwrap_or(0)).into()
            }
            ip => SocketAddr::new(ip, port),
        })
        .partition(SocketAddr::is_ipv4);
    ipv4.extend(ipv6);
    Ok(ipv4)
}

/// Connects to `endpoint`.
pub(in crate::runtime) async fn connect<R: System>(
    runtime: R,
    endpoint: Endpoint,
    options: TransportOptions,
) -> io::Result<SystemStream<R>> {
    match &endpoint {
        Endpoint::Tcp(tcp) => connect_tcp(&runtime, tcp, &options).await,
        #[cfg(unix)]
        Endpoint::Ipc(name) => SystemStream::new(ipc::connect(&runtime, name, &options).await?),
        #[cfg(not(unix))]
        Endpoint::Ipc(_) => Err(crate::runtime::no_unix_sockets()),
        Endpoint::Inproc(_) => Err(crate::runtime::no_streams()),
    }
}

/// Connects to `tcp`, through the proxy if there is one.
async fn connect_tcp<R: System>(
    runtime: &R,
    tcp: &TcpEndpoint,
    options: &TransportOptions,
) -> io::Result<SystemStream<R>> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
    let Some(proxy) = options.socks.endpoint().map_err(invalid)? else {
        return connect_from(runtime, tcp.source(), tcp, options).await;
    };
    let source = proxy.source().or_else(|| tcp.source());
    let mut stream = connect_from(runtime, source, &proxy, options).await?;
    socks::connect(&mut stream, tcp, options.socks.credentials.as_ref()).await?;
    Ok(stream)
}

/// Connects to the address of `to` that answers first.
async fn connect_from<R: System>(
    runtime: &R,
    source: Option<&Source>,
    to: &TcpEndpoint,
    options: &TransportOptions,
) -> io::Result<SystemStream<R>> {
    let sources = match source {
        Some(source) => Some(local_addresses::<R>(source.host(), source.port()).await?),
        None => None,
    };
    let addresses = interleave(addresses::<R>(to.host(), to.port()).await?);
    connect_first(runtime, sources.as_deref(), addresses, options).await
}

/// Connects to the one of `addresses` that answers first, from one of `sources` if there are any given.
pub(in crate::runtime) async fn connect_first<R: System>(
    runtime: &R,
    sources: Option<&[SocketAddr]>,
    addresses: Vec<SocketAddr>,
    options: &TransportOptions,
) -> io::Result<SystemStream<R>> {
    let start = |_: &R, address| Box::pin(connect_to::<R>(sources, address, options));
    Race::new(runtime.clone(), addresses, start, tcp::no_address()).await
}

async fn connect_to<R: System>(
    sources: Option<&[SocketAddr]>,
    address: SocketAddr,
    options: &TransportOptions,
) -> io::Result<SystemStream<R>> {
    let socket = tcp::open(address, options)?;
    if let Some(sources) = sources {
        bind_source(&socket, sources, address)?;
    }
    SystemStream::connect(socket, address).await
}

/// Lets the connection to `address` come from the first of `sources` that it can come from.
fn bind_source(socket: &Socket, sources: &[SocketAddr], address: SocketAddr) -> io::Result<()> {
    let Some(mut from) = sources.iter().find(|source| source.is_ipv4() == address.is_ipv4()).copied() else {
        let error = format!("{address} cannot be reached from {sources:?}: one is IPv4, one IPv6");
        return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, error));
    };
    if let (SocketAddr::V6(from), SocketAddr::V6(to)) = (&mut from, address) {
        // A link-local address that does not say so is one of the link that the peer is on.
        if from.ip().is_unicast_link_local() && from.scope_id() == 0 {
            from.set_scope_id(to.scope_id());
        }
    }
    // One port may serve for several peers, and again while its last connection is winding down.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&from.into())
}
