//! What holds on every runtime.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::rt::{self, *};

/// Fewer where the process may not have so many descriptors.
fn size_of_the_crowd() -> usize {
    let (_, hard) = rlimit::getrlimit(rlimit::Resource::NOFILE).unwrap();
    rlimit::setrlimit(rlimit::Resource::NOFILE, hard, hard).unwrap();
    usize::try_from(hard / 2).unwrap_or(usize::MAX).min(10_000)
}

pub(crate) fn all() {
    rt::run(silence_shuts_nobody_out());
    rt::run(a_port_scan_leaves_nothing());
    rt::run(dripping_peers_hold_nobody_up());
}

/// A PULL that gives up on silent peers soon, and a PUSH that is connected to it.
async fn pipeline() -> (PullSocket, PushSocket, Endpoint) {
    let options = SocketOptions::default()
        .with_handshake_timeout(Duration::from_millis(200))
        .with_frame_timeout(Some(Duration::from_millis(500)));
    let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
    let endpoint = pull.local_endpoint().unwrap();
    let push = PushSocket::connect(&endpoint).await.unwrap();
    (pull, push, endpoint)
}

/// The pair still works, and takes no longer for it than a machine under load does.
async fn still_works(push: &PushSocket, pull: &PullSocket) {
    let round = async {
        push.send("x").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
    };
    rt::timeout(Duration::from_secs(5), round).await.expect("the live peer is served");
}

fn address(endpoint: &Endpoint) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, endpoint.port().unwrap()).into()
}

async fn silence_shuts_nobody_out() {
    let (pull, push, endpoint) = pipeline().await;
    let mut crowd = Vec::new();
    for n in 0..size_of_the_crowd() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        // Under way: some are accepted, some wait in the backlog, some for the backlog.
        let _ = socket.connect(&address(&endpoint).into());
        crowd.push(socket);
        if n % 100 == 0 {
            still_works(&push, &pull).await;
        }
    }
    // Whoever comes with something to say gets in, though the crowd stays.
    let late = PushSocket::connect_with_reconnect(&endpoint).await.unwrap();
    late.send("late").await.unwrap();
    let mut rounds = 0;
    loop {
        push.send("x").await.unwrap();
        match &pull.recv().await.unwrap()[0][..] {
            b"late" => break,
            other => assert_eq!(other, b"x"),
        }
        rounds += 1;
        rt::timeout(Duration::from_millis(1), std::future::pending::<()>()).await;
    }
    assert!(rounds < 100_000);
    assert_eq!(pull.stats().reconnects + push.stats().reconnects, 0, "the live peer was never lost");
    drop(crowd);
}

/// Connections that end as soon as they are made, by reset.
async fn a_port_scan_leaves_nothing() {
    let (pull, push, endpoint) = pipeline().await;
    for n in 0..2_000 {
        let stream = Socket::from(TcpStream::connect(address(&endpoint)).unwrap());
        if n % 2 == 0 {
            stream.set_linger(Some(Duration::ZERO)).unwrap();
        }
        drop(stream);
        // Before the backlog is full: this thread is also the one that accepts.
        if n % 32 == 0 {
            still_works(&push, &pull).await;
        }
    }
    while pull.stats().handshakes_failed < 1_000 {
        still_works(&push, &pull).await;
    }
    assert_eq!((pull.peers().len(), push.stats().reconnects), (1, 0));
}

/// One byte now and then: in the greeting until the time for it is over, and in a message as long as it
/// grows.
async fn dripping_peers_hold_nobody_up() {
    const DRIPS: usize = 40;
    let (pull, push, endpoint) = pipeline().await;
    let mut monitor = pull.monitor();
    let opening = rt::opening("PUSH", b"");
    let mut greeting = TcpStream::connect(address(&endpoint)).unwrap();
    let mut slow = TcpStream::connect(address(&endpoint)).unwrap();
    slow.write_all(&opening).unwrap();
    slow.write_all(&[0, DRIPS as u8 + 1]).unwrap();
    for byte in &opening[..DRIPS] {
        // The first is hung up on before it is through.
        let _ = greeting.write_all(&[*byte]);
        slow.write_all(b"s").unwrap();
        still_works(&push, &pull).await;
        rt::timeout(Duration::from_millis(10), std::future::pending::<()>()).await;
    }
    slow.write_all(b"s").unwrap();
    assert_eq!(pull.recv().await.unwrap()[0], [b's'; DRIPS + 1]);
    loop {
        if let SocketEvent::HandshakeFailed { cause, .. } = monitor.next().await.unwrap() {
            assert_eq!(cause.kind(), ErrorKind::TimedOut);
            break;
        }
    }
}
