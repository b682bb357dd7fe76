//! A peer that completes the handshake and then reads nothing more.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use monocoque::Endpoint;

/// The listener's endpoint; connections stay open, and unread, until this is dropped.
pub struct StalledPeer {
    endpoint: Endpoint,
    streams: mpsc::Receiver<TcpStream>,
}

impl StalledPeer {
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The next connection that has completed its handshake.
    pub fn stream(&self) -> TcpStream {
        self.streams.recv().unwrap()
    }
}

/// A ROUTER as the wire sees it, on a thread of its own.
pub fn stalled_peer() -> StalledPeer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = listener.local_addr().unwrap().into();
    let (send, streams) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            if handshake(&mut stream, "ROUTER", b"").is_ok() && send.send(stream).is_err() {
                break;
            }
        }
    });
    StalledPeer { endpoint, streams }
}

/// A DEALER with this identity that completes the handshake and reads nothing more.
pub fn dealer_that_never_reads(endpoint: &Endpoint, identity: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
    let identity = identity.to_vec();
    // The other end may need this very thread to answer: only our half is written here.
    stream.write_all(&opening("DEALER", &identity)).unwrap();
    stream
}

/// The greeting of ZMTP 3.1, byte by byte.
pub fn greeting(mechanism: &str) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[0] = 0xFF;
    bytes[9] = 0x7F;
    bytes[10..12].copy_from_slice(&[3, 1]);
    bytes[12..][..mechanism.len()].copy_from_slice(mechanism.as_bytes());
    bytes
}

/// Greeting and READY of the NULL handshake, byte by byte.
pub fn opening(socket_type: &str, identity: &[u8]) -> Vec<u8> {
    let mut bytes = greeting("NULL");
    let mut ready = b"\x05READY".to_vec();
    for (name, value) in [("Socket-Type", socket_type.as_bytes()), ("Identity", identity)] {
        ready.push(name.len() as u8);
        ready.extend_from_slice(name.as_bytes());
        ready.extend_from_slice(&(value.len() as u32).to_be_bytes());
        ready.extend_from_slice(value);
    }
    bytes.extend_from_slice(&[4, ready.len() as u8]);
    bytes.extend_from_slice(&ready);
    bytes
}

/// The whole handshake, both ways.
pub fn handshake<S: Read + Write>(stream: &mut S, socket_type: &str, identity: &[u8]) -> std::io::Result<()> {
    stream.write_all(&opening(socket_type, identity))?;
    stream.read_exact(&mut [0; 64])?;
    let mut header = [0; 2];
    stream.read_exact(&mut header)?;
    let mut body = vec![0; usize::from(header[1])];
    stream.read_exact(&mut body)
}

/// A peer that sends for as long as it may, and never reads.
pub struct Flooder {
    stream: TcpStream,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Flooder {
    /// Sends `frames`, as they are on the wire, again and again, on a thread of its own.
    pub fn new(endpoint: &Endpoint, socket_type: &str, identity: &[u8], frames: &[u8]) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
        let (mut writer, opening) = (stream.try_clone().unwrap(), opening(socket_type, identity));
        let many = frames.repeat(32 * 1024 / frames.len() + 1);
        stream.write_all(&opening).unwrap();
        let thread = std::thread::spawn(move || while writer.write_all(&many).is_ok() {});
        Self { stream, thread: Some(thread) }
    }
}

impl Drop for Flooder {
    fn drop(&mut self) {
        // Ends the write that it waits in; the other end may have been faster.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        self.thread.take().map(std::thread::JoinHandle::join);
    }
}
