//! What the tests of what is left over have in common, on every runtime.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use super::rt::{self, *};
use super::until::until;

/// Loses no time when it has to come back.
async fn eager_push(endpoint: Endpoint) -> PushSocket {
    let options = SocketOptions::default().with_backoff(
        Backoff::new().with_initial(Duration::from_millis(1)).with_max(Duration::from_millis(2)),
    );
    PushSocket::connect_with_options(endpoint, options).await.unwrap()
}

/// A PULL and a PUSH.
pub(crate) async fn pipeline() -> (PullSocket, PushSocket) {
    let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let push = eager_push(pull.local_endpoint().unwrap()).await;
    (pull, push)
}

/// A PUSH, and the listener that it connects to again and again.
pub(crate) async fn to_listener() -> (TcpListener, PushSocket) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
    let first = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&rt::opening("PULL", b"")).unwrap();
        (listener, stream)
    });
    let push = eager_push(endpoint).await;
    let (listener, _stream) = first.join().unwrap();
    listener.set_nonblocking(true).unwrap();
    (listener, push)
}

/// The other end completes the handshake and resets the connection, again and again.
pub(crate) async fn reset(count: u32, listener: &TcpListener, push: &PushSocket) {
    for n in 0..count {
        let mut accepted = None;
        let accept = || {
            accepted = listener.accept().ok();
            accepted.is_some()
        };
        until(accept, || format!("not connected in cycle {n}")).await;
        let (mut stream, _) = accepted.unwrap();
        stream.write_all(&rt::opening("PULL", b"")).unwrap();
        push.wait_for_peers(1).await.unwrap();
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        drop(stream);
        until(|| !push.is_connected(), || format!("connected in cycle {n}")).await;
    }
}

/// The PULL goes away and comes back, again and again on the same port, and the PUSH follows.
pub(crate) async fn reconnect(count: u32, pull: &PullSocket, push: &PushSocket) {
    let endpoint = pull.local_endpoint().unwrap();
    let before = push.stats().reconnects;
    let mut monitor = push.monitor();
    for n in 0..count {
        pull.unbind(&endpoint).unwrap();
        while push.is_connected() {
            monitor.next().await;
        }
        pull.bind_to(&endpoint).await.unwrap();
        push.send(vec![n as u8; 1000]).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], vec![n as u8; 1000]);
    }
    assert_eq!(push.stats().reconnects - before, u64::from(count));
}
