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
            if handshake(&mut stream).is_ok() && send.send(stream).is_err() {
                break;
            }
        }
    });
    StalledPeer { endpoint, streams }
}

/// The NULL handshake of a ROUTER, byte by byte.
pub fn handshake(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut greeting = [0; 64];
    greeting[0] = 0xFF;
    greeting[9] = 0x7F;
    greeting[10..12].copy_from_slice(&[3, 1]);
    greeting[12..16].copy_from_slice(b"NULL");
    stream.write_all(&greeting)?;
    let ready = b"\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06ROUTER";
    assert_eq!(usize::from(ready[1]), ready.len() - 2);
    stream.write_all(ready)?;
    stream.read_exact(&mut greeting)?;
    let mut header = [0; 2];
    stream.read_exact(&mut header)?;
    let mut body = vec![0; usize::from(header[1])];
    stream.read_exact(&mut body)
}
