//! How a connection has ended, as the system knows.

use std::io;

use socket2::Socket;

/// Whether the peer's system has confirmed the end of both halves.
///
/// Over TCP a socket has no peer any more once both ends of the stream are acknowledged, or after a reset, which
/// leaves an error. A Unix socket goes on having one, but learns at once when that is closed with something unread.
pub(in crate::runtime) fn has_ended(socket: &Socket) -> io::Result<bool> {
    // Before the error: a reset in between must not look like a confirmation.
    let peer = socket.peer_addr();
    match socket.take_error()? {
        Some(error) => Err(error),
        None => Ok(peer.map_or(true, |peer| peer.is_unix())),
    }
}
