//! Streams of any runtime, or of none.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::futures_io::{AsyncRead, AsyncWrite};

use super::{AsyncStream, Detached, RecvBuf, SendBuf};

/// Makes any `futures_io` stream an [`AsyncStream`]: smol's, a TLS session, an in-memory pipe.
///
/// Sockets on such a stream have no companion task; see
/// [`from_stream_with_options`](crate::socket::Socket::from_stream_with_options).
#[derive(Debug)]
pub struct FuturesIo<T> {
    stream: T,
    /// Bytes were written since the last flush: wrappers such as TLS may still hold them.
    unflushed: bool,
}

impl<T> FuturesIo<T> {
    /// Wraps `stream`.
    pub fn new(stream: T) -> Self {
        Self { stream, unflushed: false }
    }

    /// The stream again.
    pub fn into_inner(self) -> T {
        self.stream
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + 'static> AsyncStream for FuturesIo<T> {
    type Runtime = Detached;

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        if self.unflushed && Pin::new(&mut self.stream).poll_flush(cx)?.is_ready() {
            self.unflushed = false;
        }
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf.unfilled()))?;
        buf.advance(read);
        Poll::Ready(Ok(read))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); 64];
        let filled = src.io_slices(&mut slices);
        let stream = Pin::new(&mut self.stream);
        let written = ready!(stream.poll_write_vectored(cx, &slices[..filled]))?;
        src.advance(written);
        self.unflushed = Pin::new(&mut self.stream).poll_flush(cx)?.is_pending();
        Poll::Ready(Ok(written))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}
