//! Writing to sockets of the system.

use std::io::{self, IoSlice};

use socket2::Socket;

use crate::runtime::{SLICES, SendBuf};

/// A peer that is gone is an error, and never a signal, whatever the program does with signals: what writes
/// without this flag, as `writev` does, raises SIGPIPE.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MSG_NOSIGNAL: i32 = 0x4000;
#[cfg(target_os = "freebsd")]
const MSG_NOSIGNAL: i32 = 0x2_0000;
#[cfg(any(target_os = "dragonfly", target_os = "netbsd", target_os = "openbsd"))]
const MSG_NOSIGNAL: i32 = 0x400;
/// Apple's sockets are made such that they need no flag, and Windows has no signals.
#[cfg(not(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "linux",
    target_os = "netbsd",
    target_os = "openbsd"
)))]
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
