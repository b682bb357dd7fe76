//! What TCP streams and listeners of every runtime have in common.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};

use crate::endpoint::Endpoint;
use crate::options::{Keepalive, TcpOptions, TransportOptions};

/// A socket for one attempt at `address`, with everything set that the user chose: the receive window
/// is settled in TCP's handshake, and accepted streams inherit what their listener has.
pub(in crate::runtime) fn open(address: SocketAddr, options: &TransportOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    configure(&socket, options)?;
    bind_device(&socket, &options.tcp)?;
    Ok(socket)
}

/// Applies what the user chose to a stream that the user connected.
pub(in crate::runtime) fn prepare(socket: &Socket, options: &TransportOptions) -> io::Result<()> {
    configure(socket, options)?;
    bind_device(socket, &options.tcp)?;
    check_not_self(socket)
}

/// Applies what the user chose, but for the network interface: a stream that was accepted through it is
/// bound to it already, and could not be bound again without the rights to do so.
pub(in crate::runtime) fn configure(socket: &Socket, options: &TransportOptions) -> io::Result<()> {
    socket.set_tcp_nodelay(options.nodelay)?;
    set_buffers(socket, options)?;
    set_where_available(socket, &options.tcp)?;
    options.keepalive.as_ref().map_or(Ok(()), |keepalive| set_keepalive(socket, keepalive))
}

fn set_keepalive(socket: &Socket, keepalive: &Keepalive) -> io::Result<()> {
    if !keepalive.is_on() {
        return socket.set_keepalive(false);
    }
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
    socket.set_tcp_keepalive(&settings)
}

/// Sets what not every system has; the others refuse the option before a socket is opened.
fn set_where_available(socket: &Socket, options: &TcpOptions) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "macos", target_os = "freebsd"))]
    if let Some(tos) = options.tos {
        set_tos(socket, tos.into())?;
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        if options.max_retransmission.is_some() {
            socket.set_tcp_user_timeout(options.max_retransmission)?;
        }
        // After the type of service, which sets a priority too.
        if let Some(priority) = options.priority {
            socket.set_priority(priority)?;
        }
    }
    #[cfg(target_os = "linux")]
    if let Some(time) = options.busy_poll {
        socket.set_busy_poll(u32::try_from(time.as_micros()).unwrap_or(u32::MAX))?;
    }
    let _: (&Socket, &TcpOptions) = (socket, options);
    Ok(())
}

/// Sets the traffic class of IPv6 and the type of service of IPv4, which a socket for IPv6 may carry too.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos", target_os = "freebsd"))]
fn set_tos(socket: &Socket, tos: u32) -> io::Result<()> {
    if !socket.local_addr()?.is_ipv6() {
        return socket.set_tos_v4(tos);
    }
    socket.set_tclass_v6(tos)?;
    // Only Linux lets a socket for IPv6 be told about IPv4.
    let _mapped = socket.set_tos_v4(tos);
    Ok(())
}

/// Lets a socket use one network interface only.
fn bind_device(socket: &Socket, options: &TcpOptions) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(device) = &options.device {
        socket.bind_device(Some(device.as_bytes()))?;
    }
    let _: (&Socket, &TcpOptions) = (socket, options);
    Ok(())
}

/// Sets the sizes of the kernel's buffers, of any kind of socket.
pub(in crate::runtime) fn set_buffers(socket: &Socket, options: &TransportOptions) -> io::Result<()> {
    if let Some(bytes) = options.send_buffer {
        socket.set_send_buffer_size(bytes)?;
    }
    if let Some(bytes) = options.recv_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    Ok(())
}

/// What it means that a stream that was just accepted could not be configured: the listener took the same
/// settings, so it is a connection that is gone already.
pub(in crate::runtime) fn aborted(error: io::Error) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, error)
}

/// Refuses a stream that is connected to itself: dialling a free local port can meet its own source
/// port.
pub(in crate::runtime) fn check_not_self(stream: &Socket) -> io::Result<()> {
    // A peer that has gone since has no address, and was another.
    let Ok(peer) = stream.peer_addr() else { return Ok(()) };
    if stream.local_addr()? == peer {
        let error = "connected to itself: nobody listens there";
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, error));
    }
    Ok(())
}

/// What connecting and binding fail with when a name resolves to nothing.
pub(in crate::runtime) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

/// A non-blocking listener on the first of `addresses` that can be bound.
pub(in crate::runtime) fn listen(addresses: &[SocketAddr], options: &TransportOptions) -> io::Result<Socket> {
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

/// The endpoint that a listener of any kind ended up on; for a wildcard the unspecified address, as in libzmq's
/// LAST_ENDPOINT.
pub(in crate::runtime) fn listener_endpoint(listener: &Socket) -> io::Result<Endpoint> {
    endpoint(&listener.local_addr()?).ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

/// The other end of a stream of any kind.
pub(in crate::runtime) fn peer_endpoint(stream: SockRef<'_>) -> Option<Endpoint> {
    endpoint(&stream.peer_addr().ok()?)
}

/// This end of a stream of any kind.
pub(in crate::runtime) fn local_endpoint(stream: SockRef<'_>) -> Option<Endpoint> {
    endpoint(&stream.local_addr().ok()?)
}

/// What an address of the system stands for; IPv4 as such, though a listener for both families reports it
/// within IPv6.
fn endpoint(address: &SockAddr) -> Option<Endpoint> {
    #[cfg(unix)]
    if address.is_unix() {
        return Some(Endpoint::Ipc(super::ipc::endpoint(address)));
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
    use crate::options::SocketOptions;
    use std::time::Duration;

    fn loopback() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    fn wildcard(port: u16) -> Vec<SocketAddr> {
        vec![SocketAddr::from(([0; 16], port)), SocketAddr::from(([0; 4], port))]
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
        let local = listener_endpoint(&listener).unwrap();
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

    #[cfg(target_os = "linux")]
    #[test]
    fn keepalive_is_ours_the_systems_or_none() {
        let seconds = Duration::from_secs;
        let probes = |socket: &Socket| -> io::Result<_> {
            let (idle, interval) = (socket.tcp_keepalive_time()?, socket.tcp_keepalive_interval()?);
            Ok((socket.keepalive()?, idle, interval, socket.tcp_keepalive_retries()?))
        };
        let made = |options: SocketOptions| open(loopback(), &options.transport).unwrap();
        let default = SocketOptions::default;
        let plain = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let (_, idle, interval, retries) = probes(&plain).unwrap();

        assert_eq!(probes(&made(default())).unwrap(), (true, seconds(15), seconds(5), 3));
        let system = made(default().with_tcp_keepalive(Keepalive::system()));
        assert_eq!(probes(&system).unwrap(), (true, idle, interval, retries));
        for options in [default().with_tcp_keepalive(Keepalive::off()), default().with_tcp_keepalive(None)] {
            assert_eq!(probes(&made(options)).unwrap(), (false, idle, interval, retries));
        }
        // What a given stream has is switched off, or left alone.
        for (options, expected) in [(Some(Keepalive::off()), false), (None, true)] {
            let given = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            given.set_keepalive(true).unwrap();
            configure(&given, &default().with_tcp_keepalive(options).transport).unwrap();
            assert_eq!(given.keepalive().unwrap(), expected);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn options_of_linux_are_applied() {
        let options = SocketOptions::default()
            .with_tos(0xB8)
            .with_bind_to_device("lo")
            .with_tcp_max_retransmission(Duration::from_millis(12_345))
            .with_priority(5);
        let listener = listen(&[loopback()], &options.transport).unwrap();
        let address = listener.local_addr().unwrap();
        let dialled = open(loopback(), &options.transport).unwrap();
        dialled.connect(&address).unwrap();
        listener.set_nonblocking(false).unwrap();
        let accepted = listener.accept().unwrap().0;
        configure(&accepted, &options.transport).unwrap();
        let given = Socket::from(std::net::TcpStream::connect(address.as_socket().unwrap()).unwrap());
        prepare(&given, &options.transport).unwrap();
        for socket in [&listener, &dialled, &accepted, &given] {
            assert_eq!(socket.tos_v4().unwrap(), 0xB8);
            assert_eq!(socket.device().unwrap().as_deref(), Some(&b"lo"[..]));
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_millis(12_345)));
            assert_eq!(socket.priority().unwrap(), 5);
        }
        let nowhere = SocketOptions::default().with_bind_to_device("none-such");
        assert!(open(loopback(), &nowhere.transport).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn both_families_get_the_type_of_service() {
        let options = SocketOptions::default().with_tos(0x28).transport;
        let socket = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
        configure(&socket, &options).unwrap();
        assert_eq!((socket.tclass_v6().unwrap(), socket.tos_v4().unwrap()), (0x28, 0x28));
    }

    /// Without the right to administer the network it is an error, and never ignored.
    #[cfg(target_os = "linux")]
    #[test]
    fn busy_polling_is_set_or_refused() {
        let options = SocketOptions::default().with_busy_poll(Duration::from_micros(50));
        match open(loopback(), &options.transport) {
            Ok(socket) => assert_eq!(socket.busy_poll().unwrap(), 50),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
        }
    }

    #[test]
    fn options_that_cannot_work_fail_the_bind() {
        let keepalive = Keepalive::new().with_idle(Duration::from_secs(1 << 31));
        let options = SocketOptions::default().with_tcp_keepalive(keepalive);
        assert!(listen(&[loopback()], &options.transport).is_err());
    }
}
