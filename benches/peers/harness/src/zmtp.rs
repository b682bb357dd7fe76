//! Peers of no library: just enough ZMTP 3.0, so that only one side is that of the contestant.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::{Figures, Result, system, wire};

/// The size of the messages that [`idle_peers`] sends.
pub const NOTE: usize = 16;

/// How long a library may tidy up after the last handshake, before its memory counts.
const SETTLE: Duration = Duration::from_millis(300);

/// Connects many PUSH sockets one after the other. When all are there, the first sends one message that has
/// their number; then all stay until the process that started this one has gone.
pub fn idle_peers(endpoint: &str, connections: usize) -> Result<Figures> {
    system::raise_descriptors();
    let address = endpoint.strip_prefix("tcp://").unwrap_or(endpoint);
    let mut peers = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut peer = TcpStream::connect(address)?;
        shake_hands(&mut peer, "PUSH")?;
        peers.push(peer);
    }
    std::thread::sleep(SETTLE);
    let mut message = [0; 2 + NOTE];
    message[1] = NOTE as u8;
    wire::fill(&mut message[2..], connections as u64);
    peers[0].write_all(&message)?;
    loop {
        std::thread::park();
    }
}

/// Listens for a PUSH, greets it, and never reads again. Returns the endpoint.
pub fn stalled_pull() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let endpoint = format!("tcp://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("an accept");
        shake_hands(&mut stream, "PULL").expect("a handshake");
        std::thread::park();
        drop(stream);
    });
    Ok(endpoint)
}

fn shake_hands(stream: &mut TcpStream, socket_type: &str) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut greeting = [0; 64];
    greeting[0] = 0xFF;
    greeting[9] = 0x7F;
    greeting[10] = 3;
    greeting[12..16].copy_from_slice(b"NULL");
    stream.write_all(&greeting)?;
    stream.read_exact(&mut greeting)?;
    if greeting[10] < 3 {
        return Err("the other side does not speak ZMTP 3".into());
    }
    let mut ready = b"\x05READY\x0bSocket-Type\0\0\0\x04".to_vec();
    ready.extend_from_slice(socket_type.as_bytes());
    stream.write_all(&[0x04, ready.len() as u8])?;
    stream.write_all(&ready)?;
    let mut header = [0; 2];
    stream.read_exact(&mut header)?;
    let mut answer = vec![0; usize::from(header[1])];
    stream.read_exact(&mut answer)?;
    if header[0] != 0x04 || !answer.starts_with(b"\x05READY") {
        return Err("the other side did not get ready".into());
    }
    Ok(())
}
