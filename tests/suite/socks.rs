//! `tcp://` through a SOCKS5 proxy (RFC 1928, RFC 1929); libzmq's test_socks.

use super::rt::{self, *};
use monocoque::error::TimeoutKind;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

/// A proxy that leads every connection to one place, whatever it is asked for.
#[derive(Clone, Default)]
struct Proxy {
    /// What it insists on.
    credentials: Option<(&'static str, &'static str)>,
    /// What it answers to the request: 0 to connect.
    reply: u8,
    /// The address that it says it connected from, with its type in front.
    bound: Vec<u8>,
}

impl Proxy {
    fn new() -> Self {
        Self { bound: vec![1, 127, 0, 0, 1], ..Self::default() }
    }

    /// Runs it on a thread; returns its `host:port`, and the requests that it gets: the type of the address,
    /// the address, and the port.
    fn run(self, leads_to: &Endpoint) -> (String, mpsc::Receiver<Vec<u8>>) {
        let to = leads_to.port().unwrap();
        let (send, requests) = mpsc::channel();
        let address = on_connection(move |mut client| {
            if let Ok(request) = self.negotiate(&mut client) {
                let _nobody_asks = send.send(request);
                if self.reply == 0 {
                    relay(client, TcpStream::connect(("127.0.0.1", to)).unwrap());
                }
            }
        });
        (address, requests)
    }

    fn negotiate(&self, client: &mut TcpStream) -> io::Result<Vec<u8>> {
        let [version, methods] = read(client)?;
        assert_eq!(version, 5);
        let mut offered = vec![0; usize::from(methods)];
        client.read_exact(&mut offered)?;
        let wanted = if self.credentials.is_some() { 2 } else { 0 };
        let method = if offered.contains(&wanted) { wanted } else { 0xFF };
        client.write_all(&[5, method])?;
        if let (2, Some((user, password))) = (method, self.credentials) {
            assert_eq!(read(client)?, [1]);
            let right = short(client)? == user.as_bytes() && short(client)? == password.as_bytes();
            client.write_all(&[1, u8::from(!right)])?;
        }
        let [5, 1, 0, address_type] = read(client)? else { panic!("not a CONNECT") };
        let mut request = vec![address_type];
        request.extend(match address_type {
            1 => read::<4>(client)?.to_vec(),
            3 => short(client)?,
            4 => read::<16>(client)?.to_vec(),
            other => panic!("address type {other}"),
        });
        request.extend(read::<2>(client)?);
        client.write_all(&[&[5, self.reply, 0], &*self.bound, &[0, 0]].concat())?;
        Ok(request)
    }
}

/// Listens, and serves each connection on a thread of its own; returns the `host:port`.
fn on_connection(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(client.unwrap()));
        }
    });
    address
}

fn read<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).map(|()| bytes)
}

fn short(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let [len] = read(stream)?;
    let mut bytes = vec![0; usize::from(len)];
    stream.read_exact(&mut bytes).map(|()| bytes)
}

/// Copies both ways until either end has enough.
fn relay(client: TcpStream, server: TcpStream) {
    fn copy(mut from: TcpStream, mut to: TcpStream) {
        let _ended = io::copy(&mut from, &mut to);
        let _closed = to.shutdown(Shutdown::Write);
    }
    let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
    std::thread::spawn(move || copy(back.0, back.1));
    copy(client, server);
}

async fn server() -> (PullSocket, Endpoint) {
    let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let endpoint = pull.local_endpoint().unwrap();
    (pull, endpoint)
}

fn through(proxy: &str) -> SocketOptions {
    SocketOptions::default().with_socks_proxy(proxy).with_reconnect_interval(Duration::from_millis(1))
}

async fn refusal(options: SocketOptions) -> Error {
    PushSocket::connect_with_options("tcp://name.invalid:1", options).await.unwrap_err()
}

/// Names go to the proxy unresolved; what it says about itself is read to the last byte and no further.
#[test]
fn addresses_and_names_reach_the_proxy() {
    rt::run(async {
        let (pull, endpoint) = server().await;
        let ipv6 = [&[4][..], &[0x20, 1, 0xd, 0xb8], &[0; 11], &[1]].concat();
        let bound =
            [vec![1, 10, 0, 0, 1], [&[3, 11][..], b"proxy.local"].concat(), [vec![4], vec![7; 16]].concat()];
        let targets = [
            ("tcp://192.0.2.7:258", vec![1, 192, 0, 2, 7]),
            ("tcp://no-such.name.invalid:258", [&[3][..], b"no-such.name.invalid"].concat()),
            ("tcp://[2001:db8::1]:258", ipv6),
        ];
        for (bound, (target, asked_for)) in bound.into_iter().zip(targets) {
            let (proxy, requests) = Proxy { bound, ..Proxy::new() }.run(&endpoint);
            let push = PushSocket::connect_with_options(target, through(&proxy)).await.unwrap();
            push.send("x").await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0], "x");
            assert_eq!(requests.recv().unwrap(), [asked_for, vec![1, 2]].concat(), "{target}");
        }
    });
}

#[test]
fn credentials_are_for_proxies_that_ask() {
    rt::run(async {
        let (_pull, endpoint) = server().await;
        let open = Proxy::new().run(&endpoint).0;
        let closed = Proxy { credentials: Some(("me", "secret")), ..Proxy::new() }.run(&endpoint).0;
        for proxy in [&open, &closed] {
            let options = through(proxy).with_socks_credentials("me", "secret");
            let push = PushSocket::connect_with_options("tcp://name.invalid:1", options).await.unwrap();
            assert!(push.is_connected());
        }
        let wrong = refusal(through(&closed).with_socks_credentials("me", "guess")).await;
        assert_eq!(wrong.kind(), ErrorKind::PermissionDenied);
        assert!(wrong.to_string().contains("refused the user name and password"), "{wrong}");
        assert!(!wrong.to_string().contains("guess"), "{wrong}");
        let missing = refusal(through(&closed)).await;
        assert_eq!(missing.kind(), ErrorKind::PermissionDenied);
        assert!(missing.to_string().contains("with_socks_credentials"), "{missing}");
    });
}

/// As libzmq sends it, though RFC 1929 wants a byte at least.
#[test]
fn a_password_may_be_empty() {
    rt::run(async {
        let (_pull, endpoint) = server().await;
        let proxy = Proxy { credentials: Some(("me", "")), ..Proxy::new() }.run(&endpoint).0;
        let options = through(&proxy).with_socks_credentials("me", "");
        let push = PushSocket::connect_with_options("tcp://name.invalid:1", options).await.unwrap();
        assert!(push.is_connected());
    });
}

/// From its own source, else from that of the endpoint; on Linux all of 127.0.0.0/8 is local.
#[cfg(target_os = "linux")]
#[test]
fn a_proxy_is_connected_to_from_a_source() {
    rt::run(async {
        let (send, sources) = mpsc::channel();
        let proxy = on_connection(move |client| send.send(client.peer_addr().unwrap().ip()).unwrap());
        for (proxy, target, expected) in [
            (format!("127.0.0.2:0;{proxy}"), "tcp://name.invalid:1", "127.0.0.2"),
            (format!("127.0.0.2:0;{proxy}"), "tcp://127.0.0.3:0;name.invalid:1", "127.0.0.2"),
            (proxy.clone(), "tcp://127.0.0.3:0;name.invalid:1", "127.0.0.3"),
            (format!("lo:0;{proxy}"), "tcp://name.invalid:1", "127.0.0.1"),
        ] {
            PushSocket::connect_with_options(target, through(&proxy)).await.unwrap_err();
            assert_eq!(sources.recv().unwrap().to_string(), expected, "{proxy} to {target}");
        }
    });
}

#[test]
fn refusals_are_named() {
    rt::run(async {
        let nowhere = "tcp://127.0.0.1:1".parse().unwrap();
        for (reply, kind, name) in [
            (1, ErrorKind::Other, "general SOCKS server failure (reply 1)"),
            (2, ErrorKind::PermissionDenied, "not allowed by ruleset"),
            (3, ErrorKind::NetworkUnreachable, "network unreachable"),
            (4, ErrorKind::HostUnreachable, "host unreachable"),
            (5, ErrorKind::ConnectionRefused, "connection refused"),
            (6, ErrorKind::TimedOut, "TTL expired"),
            (7, ErrorKind::Unsupported, "command not supported"),
            (8, ErrorKind::Unsupported, "address type not supported"),
            (99, ErrorKind::Other, "reply 99"),
        ] {
            let (proxy, _requests) = Proxy { reply, ..Proxy::new() }.run(&nowhere);
            let refused = refusal(through(&proxy)).await;
            assert_eq!(refused.kind(), kind, "{refused}");
            assert!(refused.to_string().contains(name), "{refused}");
        }
    });
}

#[test]
fn what_is_not_a_proxy_is_no_way_through() {
    rt::run(async {
        let answering = |answer: &'static [u8]| {
            on_connection(move |mut client| {
                let _greeting = read::<3>(&mut client);
                let _sent = client.write_all(answer);
                // The end of the stream, and not a reset.
                let _shut = client.shutdown(Shutdown::Write);
                let _rest = io::copy(&mut client, &mut io::sink());
            })
        };
        for (answer, kind) in [
            (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], ErrorKind::InvalidData),
            (b"\x04\x00", ErrorKind::InvalidData),
            // A method that was not offered.
            (b"\x05\x02", ErrorKind::InvalidData),
            (b"\x05\x00\x04\x00\x00\x01", ErrorKind::InvalidData),
            (b"\x05\x00\x05\x00\x00\x02", ErrorKind::InvalidData),
            (b"\x05", ErrorKind::UnexpectedEof),
            (b"\x05\x00\x05\x00\x00\x03\x09short", ErrorKind::UnexpectedEof),
        ] {
            let refused = refusal(through(&answering(answer))).await;
            assert_eq!(refused.kind(), kind, "{refused}");
        }
        // A proxy that says nothing, and one that is not there.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap().to_string();
        let late = refusal(through(&address).with_connect_timeout(Duration::from_millis(50))).await;
        assert!(matches!(late, Error::Timeout(TimeoutKind::Connect)), "{late}");
        drop(silent);
        assert_eq!(refusal(through(&address)).await.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_zone_means_nothing_to_a_proxy() {
    rt::run(async {
        let (proxy, _requests) = Proxy::new().run(&"tcp://127.0.0.1:1".parse().unwrap());
        let zoned =
            PushSocket::connect_with_options("tcp://[fe80::1%1]:1", through(&proxy)).await.unwrap_err();
        assert_eq!(zoned.kind(), ErrorKind::InvalidInput);
        assert!(zoned.to_string().contains("zone"), "{zoned}");
    });
}

#[test]
fn reconnects_through_the_proxy() {
    rt::run(async {
        let (pull, endpoint) = server().await;
        let (proxy, requests) = Proxy::new().run(&endpoint);
        let target = "tcp://name.invalid:1";
        let push = PushSocket::connect_with_options(target, through(&proxy)).await.unwrap();
        let mut monitor = push.monitor();
        pull.close().await;
        while push.is_connected() {
            monitor.next().await;
        }
        push.send("queued").await.unwrap();
        let pull = PullSocket::bind(&endpoint).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "queued");
        assert!(requests.iter().take(2).count() == 2);
    });
}

/// Neither Unix sockets nor listeners know the proxy.
#[test]
fn only_tcp_connections_use_it() {
    rt::run(async {
        let options = through("name.invalid:1");
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options.clone()).await.unwrap();
        assert!(PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap().is_connected());
        if cfg!(unix) {
            let local = pull.bind_to("ipc://*").await.unwrap();
            PushSocket::connect_with_options(local, options).await.unwrap();
        }
    });
}
