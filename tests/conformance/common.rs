//! What several of these tests need.

use super::rt::{self, *};
use crate::support::handshake;
use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

pub const ANY: &str = "tcp://127.0.0.1:0";

/// A name of this process that nobody else uses.
pub fn inproc() -> String {
    format!("inproc://{:016x}", fastrand::u64(..))
}

/// Something to bind on every transport.
pub fn endpoints() -> Vec<String> {
    let mut endpoints = vec![ANY.to_owned(), inproc()];
    if cfg!(unix) {
        endpoints.push("ipc://*".to_owned());
    }
    endpoints
}

/// Endpoints that can be bound again and again, on every transport.
pub fn fixed_endpoints(folder: &Folder) -> Vec<String> {
    let mut endpoints = vec![rt::vacant(), inproc()];
    if cfg!(unix) {
        endpoints.push(folder.socket("socket").1);
    }
    endpoints
}

/// Tries again at once, and again.
pub fn quick() -> SocketOptions {
    let millis = Duration::from_millis;
    SocketOptions::default().with_reconnect_interval(millis(1)).with_reconnect_interval_max(millis(10))
}

pub fn named(identity: impl Into<Bytes>) -> SocketOptions {
    SocketOptions::default().with_identity(identity)
}

/// Lets the others run until something is so.
pub async fn until(mut so: impl FnMut() -> bool) {
    while !so() {
        rt::yield_now().await;
    }
}

/// The first event that `fits`.
pub async fn event<T>(monitor: &mut Monitor, fits: impl Fn(&SocketEvent) -> Option<T>) -> T {
    loop {
        let event = monitor.next().await.expect("the socket lives");
        if let Some(found) = fits(&event) {
            return found;
        }
    }
}

/// Why the next connection ends.
pub async fn disconnection(monitor: &mut Monitor) -> DisconnectReason {
    event(monitor, |event| match event {
        SocketEvent::Disconnected { reason, .. } => Some(reason.clone()),
        _ => None,
    })
    .await
}

/// Why the next handshake fails.
pub async fn failed_handshake(monitor: &mut Monitor) -> Error {
    event(monitor, |event| match event {
        SocketEvent::HandshakeFailed { cause, .. } => Some(cause.clone()),
        _ => None,
    })
    .await
}

/// The two equations that always hold.
#[track_caller]
pub fn assert_balanced(stats: &SocketStats) {
    assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total(), "{stats:?}");
    assert_eq!(stats.received, stats.delivered + stats.recv_queued + stats.recv_dropped, "{stats:?}");
}

/// What it takes to move on: the error, without its message.
#[track_caller]
pub fn refused<T>(result: Result<(), SendError<T>>) -> Error {
    result.expect_err("a refusal").into_parts().0
}

/// A peer made of a plain stream, at the other end of a finished handshake.
pub async fn raw(endpoint: &Endpoint, socket_type: &'static str, identity: &'static [u8]) -> TcpStream {
    let port = endpoint.port().unwrap();
    rt::blocking(move || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        handshake(&mut stream, socket_type, identity).unwrap();
        stream
    })
    .await
}

/// A short frame: flag 1 says that more follow, flag 4 that it is a command.
pub fn frame(flags: u8, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [&[flags, body.len() as u8], body].concat()
}

/// The flags and the body of the next short frame.
pub async fn read_frame(mut stream: TcpStream) -> (TcpStream, u8, Vec<u8>) {
    rt::blocking(move || {
        let mut header = [0; 2];
        stream.read_exact(&mut header).unwrap();
        let mut body = vec![0; usize::from(header[1])];
        stream.read_exact(&mut body).unwrap();
        (stream, header[0], body)
    })
    .await
}
