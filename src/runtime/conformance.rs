//! What every runtime's streams, listeners and clocks must do, mounted once for each.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use socket2::SockRef;

use super::os::{self, System, SystemStream};
use super::{AsyncStream, Connector, Listener, RecvBuf, Runtime, SendBuf, Spawn};
use crate::endpoint::Endpoint;
use crate::message::Extent;
use crate::options::{SocketOptions, TransportOptions};

/// Makes tests of the functions below; needs `run` beside it.
macro_rules! mount {
    ($runtime:ty) => {
        async fn tcp_pair() -> conformance::Pair<$runtime> {
            conformance::tcp_pair::<$runtime>("tcp://127.0.0.1:0").await
        }

        #[test]
        fn bytes_arrive_whole_over_tcp() {
            run(async { conformance::bytes_arrive_whole(tcp_pair().await).await });
        }

        #[cfg(unix)]
        #[test]
        fn bytes_arrive_whole_over_unix() {
            run(async { conformance::bytes_arrive_whole(conformance::unix_pair::<$runtime>()).await });
        }

        #[test]
        fn dropped_polls_lose_nothing() {
            run(async { conformance::dropped_polls_lose_nothing(tcp_pair().await).await });
        }

        #[test]
        fn an_echo_comes_back() {
            run(async {
                use conformance::{an_echo_comes_back, echo};
                an_echo_comes_back::<$runtime, _>(tcp_pair().await, echo).await;
                #[cfg(unix)]
                an_echo_comes_back::<$runtime, _>(conformance::unix_pair::<$runtime>(), echo).await;
            });
        }

        #[test]
        fn pending_leaves_the_buffer_untouched() {
            run(async { conformance::pending_leaves_the_buffer_untouched(tcp_pair().await).await });
        }

        #[test]
        fn a_frame_is_not_read_beyond() {
            run(async { conformance::a_frame_is_not_read_beyond(tcp_pair().await).await });
        }

        #[test]
        fn a_lost_peer_is_an_error_or_the_end() {
            run(async { conformance::a_lost_peer_is_an_error_or_the_end(tcp_pair().await).await });
        }

        #[test]
        fn listeners_say_where_they_are() {
            run(conformance::listeners_say_where_they_are::<$runtime>());
        }

        #[cfg(target_os = "linux")]
        #[test]
        fn interfaces_have_addresses() {
            run(conformance::interfaces_have_addresses::<$runtime>());
        }

        #[test]
        fn listeners_survive_dead_connections() {
            run(conformance::listeners_survive_dead_connections::<$runtime>());
        }

        #[test]
        fn options_reach_both_ends() {
            run(conformance::options_reach_both_ends::<$runtime>());
        }

        #[test]
        fn nobody_there_is_an_error() {
            run(conformance::nobody_there_is_an_error::<$runtime>());
        }

        #[cfg(target_os = "linux")]
        #[test]
        fn an_address_that_does_not_answer_is_not_waited_for() {
            run(conformance::an_address_that_does_not_answer_is_not_waited_for::<$runtime>());
        }

        #[test]
        fn zones_are_left_to_the_resolver() {
            run(conformance::zones_are_left_to_the_resolver::<$runtime>());
        }

        #[cfg(target_os = "linux")]
        #[test]
        fn connections_come_from_their_source() {
            run(conformance::connections_come_from_their_source::<$runtime>());
        }

        #[test]
        fn sleeps_end_in_order() {
            run(conformance::sleeps_end_in_order::<$runtime>());
        }
    };
}
pub(super) use mount;

fn options() -> TransportOptions {
    TransportOptions::default()
}

fn endpoint(text: &str) -> Endpoint {
    text.parse().unwrap()
}

async fn bind<R: Runtime>(text: &str) -> R::Listener {
    R::current().unwrap().bind(&endpoint(text), &options()).await.unwrap()
}

async fn connect<R: Runtime>(endpoint: &Endpoint) -> io::Result<R::Stream> {
    R::current().unwrap().connect(endpoint, &options()).await
}

async fn accept<L: Listener>(listener: &mut L) -> io::Result<L::Stream> {
    poll_fn(|cx| listener.poll_accept(cx)).await
}

/// A runtime over sockets of the system.
pub(super) trait OnSystem: System + Runtime + Connector<Stream = SystemStream<Self>> {}

impl<R: System + Runtime + Connector<Stream = SystemStream<R>>> OnSystem for R {}

/// Both ends of a connection.
pub(super) type Pair<R> = (<R as Connector>::Stream, <R as Connector>::Stream);

#[cfg(unix)]
pub(super) fn unix_pair<R: OnSystem>() -> Pair<R> {
    let (left, right) = std::os::unix::net::UnixStream::pair().unwrap();
    let stream =
        |end: std::os::unix::net::UnixStream| SystemStream::prepared_unix(end.into(), &options()).unwrap();
    (stream(left), stream(right))
}

pub(super) fn without_a_runtime_there_is_none<R: Runtime>(run: fn(Pin<Box<dyn Future<Output = ()>>>)) {
    assert!(R::current().is_none());
    run(Box::pin(async { assert!(R::current().is_some()) }));
    assert!(R::current().is_none());
}

pub(super) async fn tcp_pair<R: Runtime>(text: &str) -> (R::Stream, R::Stream) {
    let mut listener = bind::<R>(text).await;
    let local = listener.local_endpoint().clone();
    let (dialled, accepted) = join(connect::<R>(&local), accept(&mut listener)).await;
    (dialled.unwrap(), accepted.unwrap())
}

async fn read<S: AsyncStream>(stream: &mut S, buf: &mut RecvBuf) -> io::Result<usize> {
    poll_fn(|cx| stream.poll_read(cx, buf)).await
}

async fn write_all<S: AsyncStream>(stream: &mut S, src: &mut SendBuf) -> io::Result<()> {
    while !src.is_empty() {
        poll_fn(|cx| stream.poll_write(cx, src)).await?;
    }
    Ok(())
}

async fn close<S: AsyncStream>(stream: &mut S) {
    poll_fn(|cx| stream.poll_close(cx)).await.unwrap();
}

/// Polls once, as a future does that is dropped afterwards.
fn poll_once<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    poll(&mut Context::from_waker(Waker::noop()))
}

/// Copied and referenced pieces, more than the kernel buffers; what they are together.
fn large_queue() -> (SendBuf, Vec<u8>) {
    let mut queue = SendBuf::default();
    let mut whole = Vec::new();
    for number in 0..120_u32 {
        let header: Vec<u8> = number.to_be_bytes().repeat(1 + number as usize % 40);
        let body = Bytes::from(vec![number as u8; if number % 3 == 0 { 100 } else { 130_000 }]);
        queue.put(&header);
        queue.put_shared(&body);
        queue.end_message(Extent { size: body.len(), frames: 1 });
        whole.extend_from_slice(&header);
        whole.extend_from_slice(&body);
    }
    (queue, whole)
}

/// Gathered writes that the kernel cuts anywhere, and the end of the stream.
pub(super) async fn bytes_arrive_whole<S: AsyncStream>((mut left, mut right): (S, S)) {
    let (mut queue, whole) = large_queue();
    // Nobody reads yet: the kernel stops in the middle.
    let mut accepted = 0;
    let blocked = poll_fn(|cx| {
        loop {
            match left.poll_write(cx, &mut queue) {
                Poll::Ready(Ok(written)) => accepted += written,
                // The runtime has not looked at the stream yet.
                Poll::Pending if accepted == 0 => return Poll::Pending,
                end => return Poll::Ready(end),
            }
        }
    });
    assert!(blocked.await.is_pending());
    assert!(accepted > 0 && accepted + queue.remaining() == whole.len() && !queue.is_empty());

    let writing = async {
        write_all(&mut left, &mut queue).await.unwrap();
        close(&mut left).await;
    };
    let reading = async {
        let mut buf = RecvBuf::with_capacity(32 * 1024);
        let mut seen = Vec::new();
        while read(&mut right, &mut buf).await.unwrap() > 0 {
            seen.extend_from_slice(buf.filled());
            buf.clear();
        }
        seen
    };
    let ((), seen) = join(writing, reading).await;
    assert!(seen == whole);
    assert_eq!(read(&mut right, &mut RecvBuf::with_capacity(1)).await.unwrap(), 0, "it stays at its end");
}

/// Every second poll of either direction is dropped, together with its waker.
pub(super) async fn dropped_polls_lose_nothing<S: AsyncStream>((mut left, mut right): (S, S)) {
    let (mut queue, whole) = large_queue();
    let writing = async {
        while !queue.is_empty() {
            let _dropped = poll_once(|cx| left.poll_write(cx, &mut queue));
            if !queue.is_empty() {
                poll_fn(|cx| left.poll_write(cx, &mut queue)).await.unwrap();
            }
        }
        close(&mut left).await;
    };
    let reading = async {
        let mut buf = RecvBuf::with_capacity(whole.len() + 1);
        loop {
            let dropped = poll_once(|cx| right.poll_read(cx, &mut buf));
            let read = match dropped {
                Poll::Ready(read) => read,
                Poll::Pending => read(&mut right, &mut buf).await,
            };
            if read.unwrap() == 0 {
                return buf;
            }
        }
    };
    let ((), seen) = join(writing, reading).await;
    assert!(seen.filled() == whole);
}

/// Sends back all that comes.
pub(super) async fn echo<S: AsyncStream>(mut stream: S) {
    let mut buf = RecvBuf::with_capacity(1000);
    while read(&mut stream, &mut buf).await.unwrap() > 0 {
        let mut queue = SendBuf::default();
        queue.put(buf.filled());
        buf.clear();
        write_all(&mut stream, &mut queue).await.unwrap();
    }
}

/// The other end, `echo`, runs in the background.
pub(super) async fn an_echo_comes_back<R, F>(
    (mut left, right): (R::Stream, R::Stream),
    echo: fn(R::Stream) -> F,
) where
    R: Runtime + Spawn<F>,
{
    R::current().unwrap().spawn(echo(right));
    let mut buf = RecvBuf::with_capacity(100);
    for number in 0..50_u8 {
        let mut queue = SendBuf::default();
        queue.put(&[number; 100]);
        write_all(&mut left, &mut queue).await.unwrap();
        while !buf.unfilled().is_empty() {
            assert!(read(&mut left, &mut buf).await.unwrap() > 0);
        }
        assert_eq!(buf.filled(), [number; 100]);
        buf.clear();
    }
    close(&mut left).await;
    assert_eq!(read(&mut left, &mut buf).await.unwrap(), 0, "the echo ended");
}

pub(super) async fn pending_leaves_the_buffer_untouched<S: AsyncStream>((mut left, mut right): (S, S)) {
    let mut buf = RecvBuf::with_capacity(100);
    buf.extend_from_slice(b"before");
    buf.unfilled().fill(0xAA);
    assert!(poll_once(|cx| right.poll_read(cx, &mut buf)).is_pending());
    assert_eq!(buf.filled(), b"before");
    assert!(buf.unfilled().len() == 94 && buf.unfilled().iter().all(|byte| *byte == 0xAA));

    let mut queue = SendBuf::default();
    queue.put(b" and after");
    write_all(&mut left, &mut queue).await.unwrap();
    assert_eq!(read(&mut right, &mut buf).await.unwrap(), 10);
    assert_eq!(buf.filled(), b"before and after");
    assert!(buf.unfilled().iter().all(|byte| *byte == 0xAA), "nothing beyond what was read");
}

pub(super) async fn a_frame_is_not_read_beyond<S: AsyncStream>((mut left, mut right): (S, S)) {
    const FRAME: usize = 300_000;
    let mut queue = SendBuf::default();
    queue.put(&[1; FRAME]);
    queue.put(b"next");
    let reading = async {
        let mut frame = RecvBuf::for_frame(FRAME);
        while !frame.is_complete() {
            assert!(read(&mut right, &mut frame).await.unwrap() > 0);
        }
        assert!(frame.into_bytes() == [1; FRAME][..]);
        let mut rest = RecvBuf::with_capacity(100);
        while rest.filled().len() < 4 {
            assert!(read(&mut right, &mut rest).await.unwrap() > 0);
        }
        assert_eq!(rest.filled(), b"next");
    };
    let (written, ()) = join(write_all(&mut left, &mut queue), reading).await;
    written.unwrap();
}

/// Writing to a peer that is gone ends with an error, not with a signal or an endless wait.
pub(super) async fn a_lost_peer_is_an_error_or_the_end<S: AsyncStream>((mut left, right): (S, S)) {
    drop(right);
    let read = read(&mut left, &mut RecvBuf::with_capacity(10)).await;
    assert!(matches!(read, Ok(0) | Err(_)));
    let mut failed = false;
    for _ in 0..100 {
        let mut queue = SendBuf::default();
        queue.put(&[0; 100_000]);
        failed |= write_all(&mut left, &mut queue).await.is_err();
    }
    assert!(failed);
    // Whatever this says, it does not wait.
    assert!(poll_once(|cx| left.poll_close(cx)).is_ready());
}

pub(super) async fn listeners_say_where_they_are<R: Runtime>() {
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
pub(super) async fn interfaces_have_addresses<R: Runtime>() {
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
pub(super) async fn listeners_survive_dead_connections<R: Runtime>() {
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

pub(super) async fn nobody_there_is_an_error<R: Runtime>() {
    let listener = bind::<R>("tcp://127.0.0.1:0").await;
    let local = listener.local_endpoint().clone();
    drop(listener);
    assert_eq!(connect::<R>(&local).await.err().unwrap().kind(), io::ErrorKind::ConnectionRefused);
}

/// Read back off the live sockets.
pub(super) async fn options_reach_both_ends<R: OnSystem>() {
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
pub(super) async fn an_address_that_does_not_answer_is_not_waited_for<R: OnSystem>() {
    let mut listener = bind::<R>("tcp://127.0.0.1:0").await;
    let live = SocketAddr::from(([127, 0, 0, 1], listener.local_endpoint().port().unwrap()));
    let silent = SocketAddr::from(([127, 0, 0, 2], live.port()));
    let transport = SocketOptions::default().with_backlog(0).transport;
    let full = os::listen(&[silent], &transport).unwrap();
    let client = || {
        let socket = os::open(silent, &transport).unwrap();
        socket.connect_timeout(&silent.into(), Duration::from_millis(200)).map(|()| socket)
    };
    let mut fill = Vec::new();
    while let Ok(client) = client() {
        fill.push(client);
    }

    let runtime = R::current().unwrap();
    let start = runtime.now();
    let addresses = vec![silent, silent, live];
    let connecting = os::connect_first(&runtime, None, addresses, &transport);
    let (dialled, accepted) = join(connecting, accept(&mut listener)).await;
    accepted.unwrap();
    assert_eq!(dialled.unwrap().peer_endpoint(), Some(live.into()));
    // Two delays, and not all the time there is: TCP would have tried for two minutes.
    let took = runtime.now() - start;
    assert!((Duration::from_millis(500)..Duration::from_secs(30)).contains(&took), "{took:?}");
    drop(full);
}

pub(super) async fn zones_are_left_to_the_resolver<R: OnSystem>() {
    let zoned = endpoint("tcp://[fe80::1%1]:80");
    let Endpoint::Tcp(tcp) = &zoned else { panic!("{zoned}") };
    let resolved = os::addresses::<R>(tcp.host(), tcp.port()).await.unwrap();
    assert!(matches!(resolved[..], [SocketAddr::V6(v6)] if v6.scope_id() == 1 && v6.port() == 80));
    assert_eq!(Endpoint::from(resolved[0]), zoned);
}

/// On Linux all of 127.0.0.0/8 is the loopback interface's.
#[cfg(target_os = "linux")]
pub(super) async fn connections_come_from_their_source<R: Runtime>() {
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

pub(super) async fn sleeps_end_in_order<R: Runtime>() {
    let runtime = R::current().unwrap();
    let start = runtime.now();
    let later = start + Duration::from_millis(5);
    let mut sleep = runtime.sleep_until(later);
    assert!(poll_once(|cx| Pin::new(&mut sleep).poll(cx)).is_pending());
    runtime.sleep_until(start).await;
    sleep.await;
    assert!(runtime.now() >= later);
}
