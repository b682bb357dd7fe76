//! What TCP streams and listeners of every runtime have in common.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use crate::endpoint::{Endpoint, Host, TcpEndpoint};
use crate::options::TransportOptions;

/// The host and port of an endpoint that can be resolved; only TCP endpoints have one.
pub(super) fn address(endpoint: &Endpoint) -> io::Result<&TcpEndpoint> {
    match endpoint {
        Endpoint::Tcp(tcp) => Ok(tcp),
        #[cfg(unix)]
        Endpoint::Ipc(_) => {
            Err(io::Error::new(io::ErrorKind::Unsupported, "ipc:// can be neither bound nor connected to"))
        }
    }
}

/// A host as resolvers take it, without the brackets of the endpoint; `None` where nothing is to be
/// resolved.
pub(super) enum Resolved<'a> {
    Addresses(Vec<SocketAddr>),
    Name(&'a str, u16),
}

/// The addresses to bind: all of IPv6, which takes IPv4 along, before all of IPv4, for a wildcard.
pub(super) fn resolve(tcp: &TcpEndpoint) -> Resolved<'_> {
    let port = tcp.port();
    match tcp.host() {
        Host::Ip(ip) => Resolved::Addresses(vec![SocketAddr::new(*ip, port)]),
        Host::Name(name) => Resolved::Name(name, port),
        Host::Any => {
            let all = [IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
            Resolved::Addresses(all.map(|ip| SocketAddr::new(ip, port)).to_vec())
        }
    }
}

/// Applies what the user set to a connected stream, and refuses one that is connected to itself: dialling
/// a free local port can meet its own source port.
pub(super) fn prepare(stream: SockRef<'_>, options: &TransportOptions) -> io::Result<()> {
    let (local, peer) = (stream.local_addr()?.as_socket(), stream.peer_addr()?.as_socket());
    if local.is_some() && local == peer {
        let error = "the connection met its own source port: nobody listens there";
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, error));
    }
    stream.set_tcp_nodelay(options.nodelay)?;
    set_buffers(&stream, options)?;
    if let Some(keepalive) = &options.keepalive {
        stream.set_keepalive(true)?;
        let mut settings = TcpKeepalive::new();
        if let Some(idle) = keepalive.idle {
            settings = settings.with_time(idle);
        }
        if let Some(interval) = keepalive.interval {
            settings = settings.with_interval(interval);
        }
        if let Some(retries) = keepalive.retries {
            settings = settings.with_retries(retries);
        }
        stream.set_tcp_keepalive(&settings)?;
    }
    Ok(())
}

fn set_buffers(socket: &Socket, options: &TransportOptions) -> io::Result<()> {
    if let Some(bytes) = options.send_buffer {
        socket.set_send_buffer_size(bytes)?;
    }
    if let Some(bytes) = options.recv_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    Ok(())
}

/// A non-blocking listener on the first of `addresses` that can be bound.
pub(super) fn listen(addresses: &[SocketAddr], options: &TransportOptions) -> io::Result<Socket> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match listen_on(*address, options) {
            Ok(listener) => return Ok(listener),
            // A wildcard: without IPv6 there is still IPv4. Any other failure is the same on both.
            Err(error) if address.ip().is_unspecified() && error.kind() == io::ErrorKind::AddrInUse => {
                return Err(error);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn listen_on(address: SocketAddr, options: &TransportOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // On Windows the option means something else, and is not needed.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    // Accepted streams inherit the buffers, and the receive window is settled in the TCP handshake.
    set_buffers(&socket, options)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    Ok(socket)
}

/// The endpoint that a listener ended up on.
pub(super) fn local_endpoint(listener: &Socket) -> io::Result<Endpoint> {
    let address = listener.local_addr()?.as_socket();
    address.map(Endpoint::from).ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

/// The other end of a stream.
pub(super) fn peer_endpoint(stream: SockRef<'_>) -> Option<Endpoint> {
    let address = stream.peer_addr().ok()?;
    #[cfg(unix)]
    if address.is_unix() {
        return Some(Endpoint::Ipc(address.as_pathname().unwrap_or_else(|| "".as_ref()).to_owned()));
    }
    address.as_socket().map(Endpoint::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_to_itself_is_refused() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        socket.bind(&any.into()).unwrap();
        let own = socket.local_addr().unwrap();
        socket.connect(&own).unwrap();
        let error = prepare(SockRef::from(&socket), &TransportOptions::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_wildcard_takes_both_families() {
        let endpoint: Endpoint = "tcp://*:0".parse().unwrap();
        let Resolved::Addresses(addresses) = resolve(address(&endpoint).unwrap()) else { panic!("no name") };
        let listener = listen(&addresses, &TransportOptions::default()).unwrap();
        let port = local_endpoint(&listener).unwrap().port().unwrap();
        std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        let again = listen(&[SocketAddr::new(addresses[0].ip(), port)], &TransportOptions::default());
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
