//! The other end of a connection, played with ready-made bytes, so that only one of our sockets is counted.

use monocoque::runtime::sim::RawStream;

/// What a peer of this type begins with: its greeting and READY.
fn opening(socket_type: &str) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 1];
    bytes.extend_from_slice(b"NULL");
    bytes.resize(64, 0);
    let mut ready = b"\x05READY\x0bSocket-Type\0\0\0".to_vec();
    ready.push(socket_type.len() as u8);
    ready.extend_from_slice(socket_type.as_bytes());
    bytes.extend_from_slice(&[4, ready.len() as u8]);
    bytes.extend_from_slice(&ready);
    bytes
}

/// A message of `frames` frames of `size` bytes each, as it goes over the wire.
pub fn encoded(size: usize, frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for frame in 1..=frames {
        let more = u8::from(frame < frames);
        match u8::try_from(size) {
            Ok(short) => bytes.extend_from_slice(&[more, short]),
            Err(_) => {
                bytes.push(2 | more);
                bytes.extend_from_slice(&(size as u64).to_be_bytes());
            }
        }
        bytes.resize(bytes.len() + size, 0x5A);
    }
    bytes
}

/// Completes the handshake as a `socket_type`, adds `more` to it, and discards whatever comes.
pub async fn swallow(mut stream: RawStream, socket_type: &str, more: &[u8]) {
    stream.write_all(&[&opening(socket_type)[..], more].concat()).await.unwrap();
    let mut buffer = vec![0; 256 * 1024];
    while stream.read_some(&mut buffer).await.unwrap() > 0 {}
}

/// Completes the handshake as a `socket_type` and sends `message` so many times.
pub async fn pour(mut stream: RawStream, socket_type: &str, message: &[u8], count: u64) {
    stream.write_all(&opening(socket_type)).await.unwrap();
    let batch = (64 * 1024 / message.len()).max(1) as u64;
    let bytes = message.repeat(batch as usize);
    let mut left = count;
    while left > 0 {
        let messages = left.min(batch);
        stream.write_all(&bytes[..messages as usize * message.len()]).await.unwrap();
        left -= messages;
    }
    // Until the receiver has had enough.
    while stream.read_some(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
}
