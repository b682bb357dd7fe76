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
        // Sockets pass these messages among themselves and never ask for a stream.
        Endpoint::Inproc(_) => Err(io::Error::new(io::ErrorKind::Unsupported, "inproc:// has no streams")),
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

/// A socket for one attempt at `address`, with everything set that the user chose: the receive window
/// is settled in TCP's handshake, and accepted streams inherit what their listener has.
pub(super) fn open(address: SocketAddr, options: &TransportOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    configure(&socket, options)?;
    Ok(socket)
}

/// Applies what the user chose.
pub(super) fn configure(socket: &Socket, options: &TransportOptions) -> io::Result<()> {
    socket.set_tcp_nodelay(options.nodelay)?;
    if let Some(bytes) = options.send_buffer {
        socket.set_send_buffer_size(bytes)?;
    }
    if let Some(bytes) = options.recv_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(keepalive) = &options.keepalive {
        socket.set_keepalive(true)?;
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
        socket.set_tcp_keepalive(&settings)?;
    }
    Ok(())
}

/// Applies what the user chose to a stream that was just accepted.
///
/// The listener took the same settings, so what fails here is a connection that is gone already.
pub(super) fn configure_accepted(stream: &Socket, options: &TransportOptions) -> io::Result<()> {
    configure(stream, options).map_err(|error| io::Error::new(io::ErrorKind::ConnectionAborted, error))
}

/// Refuses a stream that is connected to itself: dialling a free local port can meet its own source
/// port.
pub(super) fn check_not_self(stream: &Socket) -> io::Result<()> {
    // A peer that has gone since has no address, and was another.
    let Ok(peer) = stream.peer_addr() else { return Ok(()) };
    if stream.local_addr()? == peer {
        let error = "connected to itself: nobody listens there";
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, error));
    }
    Ok(())
}

/// What connecting and binding fail with when a name resolves to nothing.
pub(super) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

/// A non-blocking listener on the first of `addresses` that can be bound.
pub(super) fn listen(addresses: &[SocketAddr], options: &TransportOptions) -> io::Result<Socket> {
    let mut last = no_address();
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
    let socket = open(address, options)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    // On Windows the option means something else, and is not needed.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    Ok(socket)
}

/// The endpoint that a listener ended up on; for a wildcard the unspecified address, as in libzmq's
/// LAST_ENDPOINT.
pub(super) fn local_endpoint(listener: &Socket) -> io::Result<Endpoint> {
    let address = listener.local_addr()?.as_socket();
    address.map(Endpoint::from).ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

/// The other end of a stream; IPv4 as such, though a listener for both families reports it within IPv6.
pub(super) fn peer_endpoint(stream: SockRef<'_>) -> Option<Endpoint> {
    let address = stream.peer_addr().ok()?;
    #[cfg(unix)]
    if address.is_unix() {
        return Some(Endpoint::Ipc(address.as_pathname().unwrap_or_else(|| "".as_ref()).to_owned()));
    }
    let address = address.as_socket()?;
    Some(match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()).into(),
        // With its zone.
        IpAddr::V6(_) => address.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Keepalive, SocketOptions};
    use std::time::Duration;

    fn loopback() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    fn wildcard(port: u16) -> Vec<SocketAddr> {
        let endpoint = "tcp://*:0".parse::<Endpoint>().unwrap().with_port(port);
        match resolve(address(&endpoint).unwrap()) {
            Resolved::Addresses(addresses) => addresses,
            Resolved::Name(..) => panic!("not a name"),
        }
    }

    #[test]
    fn a_connection_to_itself_is_refused() {
        let socket = open(loopback(), &TransportOptions::default()).unwrap();
        socket.bind(&loopback().into()).unwrap();
        socket.connect(&socket.local_addr().unwrap()).unwrap();
        assert_eq!(check_not_self(&socket).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_connection_to_another_is_not() {
        let listener = listen(&[loopback()], &TransportOptions::default()).unwrap();
        let stream = open(loopback(), &TransportOptions::default()).unwrap();
        stream.connect(&listener.local_addr().unwrap()).unwrap();
        check_not_self(&stream).unwrap();
    }

    #[test]
    fn a_wildcard_takes_both_families() {
        let listener = listen(&wildcard(0), &TransportOptions::default()).unwrap();
        let local = local_endpoint(&listener).unwrap();
        let port = local.port().unwrap();
        assert_ne!(port, 0);
        let is_ipv6 = listener.local_addr().unwrap().is_ipv6();
        assert_eq!(local.to_string(), format!("tcp://{}:{port}", if is_ipv6 { "[::]" } else { "0.0.0.0" }));

        let client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        listener.set_nonblocking(false).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let peer = peer_endpoint(SockRef::from(&accepted)).unwrap();
        assert_eq!(peer, client.local_addr().unwrap().into(), "the IPv4 address as such");

        let again = listen(&wildcard(port), &TransportOptions::default());
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn zones_are_left_to_the_resolver() {
        use std::net::ToSocketAddrs;
        let endpoint: Endpoint = "tcp://[fe80::1%1]:80".parse().unwrap();
        let Resolved::Name(name, port) = resolve(address(&endpoint).unwrap()) else {
            panic!("not an address")
        };
        let resolved: Vec<SocketAddr> = (name, port).to_socket_addrs().unwrap().collect();
        assert!(matches!(resolved[..], [SocketAddr::V6(v6)] if v6.scope_id() == 1 && v6.port() == 80));
        assert_eq!(Endpoint::from(resolved[0]), endpoint);
    }

    #[test]
    fn the_next_address_is_tried() {
        // TEST-NET-1 (RFC 5737) is nobody's.
        let foreign = SocketAddr::from(([192, 0, 2, 1], 0));
        let listener = listen(&[foreign, loopback()], &TransportOptions::default()).unwrap();
        assert!(listener.local_addr().unwrap().as_socket().unwrap().ip().is_loopback());
        assert!(listen(&[foreign], &TransportOptions::default()).is_err());
        assert_eq!(listen(&[], &TransportOptions::default()).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn options_are_applied() {
        let keepalive = Keepalive::new().with_idle(Duration::from_secs(77)).with_retries(3);
        let options = SocketOptions::default()
            .with_tcp_nodelay(true)
            .with_tcp_keepalive(keepalive)
            .with_send_buffer(20_000)
            .with_recv_buffer(30_000);
        let socket = open(loopback(), &options.transport).unwrap();
        assert!(socket.tcp_nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        // Linux reports twice what was asked for.
        assert!((20_000..=40_000).contains(&socket.send_buffer_size().unwrap()));
        assert!((30_000..=60_000).contains(&socket.recv_buffer_size().unwrap()));
        #[cfg(target_os = "linux")]
        {
            assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(77));
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
        }
        configure(&socket, &SocketOptions::default().with_tcp_nodelay(false).transport).unwrap();
        assert!(!socket.tcp_nodelay().unwrap());
    }

    #[test]
    fn options_that_cannot_work_fail_the_bind() {
        let keepalive = Keepalive::new().with_idle(Duration::from_secs(1 << 31));
        let options = SocketOptions::default().with_tcp_keepalive(keepalive);
        assert!(listen(&[loopback()], &options.transport).is_err());
    }
}
