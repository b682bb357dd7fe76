//! Writing to sockets of the system.

use std::io::{self, IoSlice};

use socket2::Socket;

use crate::runtime::{SLICES, SendBuf};

/// A peer that is gone is an error, and never a signal, whatever the program does with signals: what writes
/// without this flag, as `writev` does, raises SIGPIPE.
#[cfg(all(unix, not(target_vendor = "apple")))]
const MSG_NOSIGNAL: i32 = libc::MSG_NOSIGNAL;
/// Apple's sockets are made such that they need no flag, and Windows has no signals.
#[cfg(any(not(unix), target_vendor = "apple"))]
const MSG_NOSIGNAL: i32 = 0;

/// Writes what the system takes now, from the front of `src`, which stays as it is.
pub(in crate::runtime) fn send(socket: &Socket, src: &SendBuf) -> io::Result<usize> {
    if src.io_slice_count() == 1 {
        return socket.send_with_flags(src.chunk(), MSG_NOSIGNAL);
    }
    let mut slices = [IoSlice::new(&[]); SLICES];
    let filled = src.io_slices(&mut slices);
    socket.send_vectored_with_flags(&slices[..filled], MSG_NOSIGNAL)
}
