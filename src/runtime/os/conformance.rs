//! What streams and listeners over sockets of the system must do beside what all must, mounted once for each runtime.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join;
use socket2::SockRef;

use super::{System, SystemStream};
use crate::endpoint::Endpoint;
use crate::options::SocketOptions;
use crate::runtime::conformance::Pair;
use crate::runtime::conformance::calls::{accept, bind, close, connect, endpoint, options, read, write_all};
use crate::runtime::{AsyncStream, Connector, Listener, RecvBuf, Runtime, SendBuf};

/// Makes tests of the functions below and of all that runtimes must do; needs `run` beside it.
macro_rules! mount {
    ($runtime:ty) => {
        crate::runtime_conformance!($runtime, run);

        #[cfg(unix)]
        #[test]
        fn bytes_arrive_whole_over_unix() {
            use crate::runtime::conformance::bytes_arrive_whole;
            run(async { bytes_arrive_whole(os_conformance::unix_pair::<$runtime>()).await });
        }

        #[cfg(unix)]
        #[test]
        fn an_echo_comes_back_over_unix() {
            use crate::runtime::conformance::{an_echo_comes_back, echo};
            let pair = os_conformance::unix_pair::<$runtime>;
            run(async { an_echo_comes_back::<$runtime, _>(pair(), echo).await });
        }

        #[test]
        fn the_end_is_confirmed_or_a_reset() {
            use crate::runtime::conformance::pair;
            run(async {
                for all in [true, false] {
                    os_conformance::the_end_is_confirmed_or_a_reset(pair::<$runtime>().await, all).await;
                }
            });
        }

        #[cfg(unix)]
        #[test]
        fn the_end_is_confirmed_or_a_reset_over_unix() {
            run(async {
                for all in [true, false] {
                    let pair = os_conformance::unix_pair::<$runtime>();
                    os_conformance::the_end_is_confirmed_or_a_reset(pair, all).await;
                }
            });
        }

        #[test]
        fn listeners_say_where_they_are() {
            run(os_conformance::listeners_say_where_they_are::<$runtime>());
        }

        #[cfg(target_os = "linux")]
        #[test]
        fn interfaces_have_addresses() {
            run(os_conformance::interfaces_have_addresses::<$runtime>());
        }

        #[test]
        fn listeners_survive_dead_connections() {
            run(os_conformance::listeners_survive_dead_connections::<$runtime>());
        }

        #[test]
        fn options_reach_both_ends() {
            run(os_conformance::options_reach_both_ends::<$runtime>());
        }

        #[cfg(target_os = "linux")]
        #[test]
        fn an_address_that_does_not_answer_is_not_waited_for() {
            run(os_conformance::an_address_that_does_not_answer_is_not_waited_for::<$runtime>());
        }

        #[test]
        fn zones_are_left_to_the_resolver() {
            run(os_conformance::zones_are_left_to_the_resolver::<$runtime>());
        }

        #[cfg(target_os = "linux")]
        #[test]
        fn connections_come_from_their_source() {
            run(os_conformance::connections_come_from_their_source::<$runtime>());
        }
    };
}
pub(in crate::runtime) use mount;

/// A runtime over sockets of the system.
pub(in crate::runtime) trait OnSystem:
    System + Runtime + Connector<Stream = SystemStream<Self>>
{
}

impl<R: System + Runtime + Connector<Stream = SystemStream<R>>> OnSystem for R {}

#[cfg(unix)]
pub(in crate::runtime) fn unix_pair<R: OnSystem>() -> Pair<R> {
    let (left, right) = std::os::unix::net::UnixStream::pair().unwrap();
    let stream = |end: std::os::unix::net::UnixStream| SystemStream::from_unix(&end, &options()).unwrap();
    (stream(left), stream(right))
}

/// The other end has read all, or not, when it goes; it has shut its half down before.
pub(in crate::runtime) async fn the_end_is_confirmed_or_a_reset<S: AsyncStream>(
    (mut left, mut right): (S, S),
    all: bool,
) {
    let mut queue = SendBuf::default();
    queue.put(b"all");
    write_all(&mut left, &mut queue).await.unwrap();
    if all {
        assert_eq!(read(&mut right, &mut RecvBuf::with_capacity(10)).await.unwrap(), 3);
    }
    close(&mut right).await;
    assert_eq!(read(&mut left, &mut RecvBuf::with_capacity(10)).await.unwrap(), 0, "it looks the same");
    drop(right);
    close(&mut left).await;
    // Nothing else is to be waited for: on one host the answer is a matter of moments.
    loop {
        match left.has_ended() {
            Ok(false) => std::thread::yield_now(),
            Ok(true) => return assert!(all),
            Err(_) => return assert!(!all),
        }
    }
}

/// Of smol's executor there always is one.
#[cfg(any(feature = "tokio", feature = "compio"))]
pub(in crate::runtime) fn without_a_runtime_there_is_none<R: Runtime>(
    run: fn(std::pin::Pin<Box<dyn Future<Output = ()>>>),
) {
    assert!(R::current().is_none());
    run(Box::pin(async { assert!(R::current().is_some()) }));
    assert!(R::current().is_none());
}

pub(in crate::runtime) async fn listeners_say_where_they_are<R: Runtime>() {
    for text in ["tcp://127.0.0.1:0", "tcp://*:0", "tcp://localhost:0"] {
        let mut listener = bind::<R>(text).await;
        let local = listener.local_endpoint().clone();
        let port = local.port().unwrap();
        assert_ne!(port, 0);
        let taken = R::current().unwrap().bind(&endpoint(text).with_port(port), &options()).await;
        assert_eq!(taken.err().unwrap().kind(), io::ErrorKind::AddrInUse, "{text}");

        let host = if text.contains("127") || text.contains('*') { "127.0.0.1" } else { "localhost" };
        let target = endpoint(&format!("tcp://{host}:1")).with_port(port);
        let (dialled, accepted) = join(connect::<R>(&target), accept(&mut listener)).await;
        let dialled_to = dialled.unwrap().peer_endpoint().unwrap();
        assert_eq!(dialled_to.port(), Some(port));
        let dialled_from = accepted.unwrap().peer_endpoint().unwrap().to_string();
        assert!(!dialled_from.contains("ffff"), "{dialled_from}");
    }
}

/// libzmq's nic_name_wildcard and its like.
#[cfg(target_os = "linux")]
pub(in crate::runtime) async fn interfaces_have_addresses<R: Runtime>() {
    let mut listener = bind::<R>("tcp://lo:*").await;
    let local = listener.local_endpoint().clone();
    assert_eq!(local, endpoint("tcp://127.0.0.1:1").with_port(local.port().unwrap()));
    let (dialled, accepted) = join(connect::<R>(&local), accept(&mut listener)).await;
    dialled.unwrap();
    accepted.unwrap();
    // Neither an interface nor a host (RFC 2606).
    assert!(R::current().unwrap().bind(&endpoint("tcp://eth0.invalid:0"), &options()).await.is_err());
}

/// A connection that was reset while it waited to be accepted costs nobody else anything.
pub(in crate::runtime) async fn listeners_survive_dead_connections<R: Runtime>() {
    let mut listener = bind::<R>("tcp://127.0.0.1:0").await;
    let local = listener.local_endpoint().clone();
    for _ in 0..3 {
        let client = std::net::TcpStream::connect(("127.0.0.1", local.port().unwrap())).unwrap();
        SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        match accept(&mut listener).await {
            Ok(mut dead) => {
                assert!(read(&mut dead, &mut RecvBuf::with_capacity(1)).await.is_err());
            }
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted),
        }
    }
    let (dialled, accepted) = join(connect::<R>(&local), accept(&mut listener)).await;
    dialled.unwrap();
    accepted.unwrap();
}

/// Read back off the live sockets.
pub(in crate::runtime) async fn options_reach_both_ends<R: OnSystem>() {
    let options = SocketOptions::default().with_tcp_nodelay(false).with_send_buffer(20_000);
    #[cfg(target_os = "linux")]
    let options = options
        .with_tos(0x28)
        .with_priority(4)
        .with_bind_to_device("lo")
        .with_tcp_max_retransmission(Duration::from_millis(4321));
    let options = &options.transport;
    for text in ["tcp://127.0.0.1:0", "ipc://*"] {
        if text.starts_with("ipc") && !cfg!(unix) {
            continue;
        }
        let mut listener = R::current().unwrap().bind(&endpoint(text), options).await.unwrap();
        let local = listener.local_endpoint().clone();
        let connecting = R::current().unwrap();
        let (dialled, accepted) = join(connecting.connect(&local, options), accept(&mut listener)).await;
        for stream in [&dialled.unwrap(), &accepted.unwrap()] {
            let socket = stream.socket();
            // Linux reports twice what was asked for.
            assert!((20_000..=40_000).contains(&socket.send_buffer_size().unwrap()), "{text}");
            if text.starts_with("ipc") {
                continue;
            }
            assert!(!socket.tcp_nodelay().unwrap());
            #[cfg(target_os = "linux")]
            {
                // Not set here: the defaults.
                assert!(socket.keepalive().unwrap());
                let probes = (socket.tcp_keepalive_time().unwrap(), socket.tcp_keepalive_interval().unwrap());
                assert_eq!(probes, (Duration::from_secs(15), Duration::from_secs(5)));
                assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
                assert_eq!((socket.tos_v4().unwrap(), socket.priority().unwrap()), (0x28, 4));
                assert_eq!(socket.device().unwrap().as_deref(), Some(&b"lo"[..]));
                assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_millis(4321)));
            }
        }
    }
}

/// On Linux all of 127.0.0.0/8 is the loopback interface's, and a listener with no room left says nothing.
#[cfg(target_os = "linux")]
pub(in crate::runtime) async fn an_address_that_does_not_answer_is_not_waited_for<R: OnSystem>() {
    let mut listener = bind::<R>("tcp://127.0.0.1:0").await;
    let live = SocketAddr::from(([127, 0, 0, 1], listener.local_endpoint().port().unwrap()));
    let silent = SocketAddr::from(([127, 0, 0, 2], live.port()));
    let transport = SocketOptions::default().with_backlog(0).transport;
    let full = super::tcp::listen(&[silent], &transport).unwrap();
    let client = || {
        let socket = super::tcp::open(silent, &transport).unwrap();
        socket.connect_timeout(&silent.into(), Duration::from_millis(200)).map(|()| socket)
    };
    let mut fill = Vec::new();
    while let Ok(client) = client() {
        fill.push(client);
    }

    let runtime = R::current().unwrap();
    let start = runtime.now();
    let addresses = vec![silent, silent, live];
    let connecting = super::connect::connect_first(&runtime, None, addresses, &transport);
    let (dialled, accepted) = join(connecting, accept(&mut listener)).await;
    accepted.unwrap();
    assert_eq!(dialled.unwrap().peer_endpoint(), Some(live.into()));
    // Two delays, and not all the time there is: TCP would have tried for two minutes.
    let took = runtime.now() - start;
    assert!((Duration::from_millis(500)..Duration::from_secs(30)).contains(&took), "{took:?}");
    drop(full);
}

pub(in crate::runtime) async fn zones_are_left_to_the_resolver<R: OnSystem>() {
    let zoned = endpoint("tcp://[fe80::1%1]:80");
    let Endpoint::Tcp(tcp) = &zoned else { panic!("{zoned}") };
    let resolved = super::connect::addresses::<R>(tcp.host(), tcp.port()).await.unwrap();
    assert!(matches!(resolved[..], [SocketAddr::V6(v6)] if v6.scope_id() == 1 && v6.port() == 80));
    assert_eq!(Endpoint::from(resolved[0]), zoned);
}

/// On Linux all of 127.0.0.0/8 is the loopback interface's.
#[cfg(target_os = "linux")]
pub(in crate::runtime) async fn connections_come_from_their_source<R: Runtime>() {
    let mut listener = bind::<R>("tcp://127.0.0.1:0").await;
    let port = listener.local_endpoint().port().unwrap();
    // Nobody else's, until it is used.
    let free = bind::<R>("tcp://127.0.0.3:0").await.local_endpoint().port().unwrap();
    for (source, host, ip, from_port) in [
        ("127.0.0.2", "127.0.0.1", "127.0.0.2", None),
        ("127.0.0.2:0", "127.0.0.1", "127.0.0.2", None),
        // The name may have an IPv6 address too, which is passed over.
        ("127.0.0.2:0", "localhost", "127.0.0.2", None),
        (&*format!("127.0.0.3:{free}"), "127.0.0.1", "127.0.0.3", Some(free)),
        ("*", "127.0.0.1", "127.0.0.1", None),
        ("lo:0", "127.0.0.1", "127.0.0.1", None),
        ("localhost", "127.0.0.1", "127.0.0.1", None),
    ] {
        let target = endpoint(&format!("tcp://{source};{host}:{port}"));
        let (dialled, accepted) = join(connect::<R>(&target), accept(&mut listener)).await;
        dialled.unwrap();
        let peer = accepted.unwrap().peer_endpoint().unwrap();
        assert!(peer.to_string().starts_with(&format!("tcp://{ip}:")), "{target}: {peer}");
        assert!(from_port.is_none_or(|from| peer.port() == Some(from)), "{target}: {peer}");
    }
    for source in ["[::1]", "192.0.2.1"] {
        let target = endpoint(&format!("tcp://{source};127.0.0.1:{port}"));
        assert_eq!(connect::<R>(&target).await.err().unwrap().kind(), io::ErrorKind::AddrNotAvailable);
    }
}
