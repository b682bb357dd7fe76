//! What these tests have in common.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::rt::{self, *};
use crate::support::opening;

pub const TCP: &str = "tcp://127.0.0.1:0";

/// A name within the process that nobody else has.
pub fn inproc() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("inproc://{}/{}", module_path!(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Where to bind, for each transport.
pub fn endpoints() -> Vec<String> {
    let mut endpoints = vec![TCP.to_owned(), inproc()];
    if cfg!(unix) {
        endpoints.push("ipc://*".to_owned());
    }
    endpoints
}

/// An XPUB and where it is.
pub async fn xpub(endpoint: &str, options: SocketOptions) -> (XPubSocket, Endpoint) {
    let xpub = XPubSocket::bind_with_options(endpoint, options).await.unwrap();
    let endpoint = xpub.local_endpoint().unwrap();
    (xpub, endpoint)
}

/// A PUB, and a SUB that is subscribed to everything.
pub async fn pub_sub(
    endpoint: &str,
    publisher: SocketOptions,
    subscriber: SocketOptions,
) -> (PubSocket, SubSocket) {
    let publisher = PubSocket::bind_with_options(endpoint, publisher).await.unwrap();
    let sub = SubSocket::connect_with_options(publisher.local_endpoint().unwrap(), subscriber).await.unwrap();
    sub.subscribe("").unwrap();
    publisher.wait_for_subscribers("", 1).await.unwrap();
    (publisher, sub)
}

/// A subscription, or its end, as an application sees it.
pub fn notice(mark: u8, topic: impl AsRef<[u8]>) -> Message {
    [&[mark], topic.as_ref()].concat().into()
}

/// What the XPUB receives next is that subscription.
#[track_caller]
pub fn expect(xpub: &XPubSocket, mark: u8, topic: impl AsRef<[u8]>) -> impl Future<Output = ()> {
    let (caller, expected) = (std::panic::Location::caller(), notice(mark, topic));
    async move {
        let received = xpub.recv().await.unwrap();
        assert!(received == expected, "{received:?} at {caller}, not {expected:?}");
    }
}

/// A peer whose bytes the test reads and writes itself.
pub struct Raw(TcpStream);

impl Raw {
    /// Connects, and sends greeting and READY of ZMTP 3.`minor`.
    pub fn connect(endpoint: &Endpoint, socket_type: &str, minor: u8) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
        Self::open(stream, socket_type, minor)
    }

    pub fn open(stream: TcpStream, socket_type: &str, minor: u8) -> Self {
        stream.set_nonblocking(true).unwrap();
        let mut raw = Self(stream);
        let mut bytes = opening(socket_type, b"");
        bytes[11] = minor;
        raw.write_now(&bytes);
        raw
    }

    /// Writes what the kernel surely takes at once.
    pub fn write_now(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// Writes, and lets the other side run while it has to be waited for; false if the other side hung up.
    pub async fn write(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            match self.0.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => rt::yield_now().await,
                Err(_) => return false,
            }
        }
        true
    }

    pub async fn read(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let mut filled = 0;
        while filled < len {
            match self.0.read(&mut bytes[filled..]) {
                Ok(0) => panic!("the other side hung up"),
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => rt::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
        bytes
    }

    /// Reads greeting and READY.
    pub async fn shake(&mut self) {
        self.read(64).await;
        let (flags, _) = self.frame().await;
        assert_eq!(flags, 4, "READY");
    }

    /// The flags and the body of the next frame, short or long, but for PINGs that ask what has arrived.
    pub async fn frame(&mut self) -> (u8, Vec<u8>) {
        loop {
            let (flags, body) = self.any_frame().await;
            if flags & 4 == 0 || !body.starts_with(b"\x04PING") {
                return (flags, body);
            }
        }
    }

    async fn any_frame(&mut self) -> (u8, Vec<u8>) {
        let flags = self.read(1).await[0];
        let header = self.read(if flags & 2 == 0 { 1 } else { 8 }).await;
        let len = header.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
        (flags, self.read(len).await)
    }

    /// Waits until the other side has closed the connection.
    pub async fn closed(&mut self) {
        let mut bytes = [0; 4096];
        loop {
            match self.0.read(&mut bytes) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => rt::yield_now().await,
                Ok(0) | Err(_) => return,
            }
        }
    }
}

/// A frame as on the wire.
pub fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(len) => [&[flags, len], body].concat(),
        Err(_) => [&[flags | 2][..], &(body.len() as u64).to_be_bytes(), body].concat(),
    }
}

/// A SUBSCRIBE command as on the wire.
pub fn subscribe(topic: &[u8]) -> Vec<u8> {
    frame(4, &[b"\x09SUBSCRIBE", topic].concat())
}

/// A CANCEL command as on the wire.
pub fn cancel(topic: &[u8]) -> Vec<u8> {
    frame(4, &[b"\x06CANCEL", topic].concat())
}

/// A listener for publishers and subscribers to connect to, whose connections the test plays.
pub struct RawListener(std::net::TcpListener);

impl RawListener {
    pub fn bind() -> (Self, Endpoint) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let endpoint = listener.local_addr().unwrap().into();
        (Self(listener), endpoint)
    }

    /// The next connection, its handshake done.
    pub async fn accept(&self, socket_type: &str, minor: u8) -> Raw {
        loop {
            match self.0.accept() {
                Ok((stream, _)) => {
                    let mut raw = Raw::open(stream, socket_type, minor);
                    raw.shake().await;
                    return raw;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => rt::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    }
}
