//! Streams of any runtime, or of none.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::futures_io::{AsyncRead, AsyncWrite};

use super::{AsyncStream, Detached, RecvBuf, SLICES, SendBuf, Shared};

/// Makes any `futures_io` stream an [`AsyncStream`]: smol's, a TLS session, an in-memory pipe.
///
/// Sockets on such a stream have no companion task; see
/// [`from_stream_with_options`](crate::socket::Socket::from_stream_with_options).
#[derive(Debug)]
pub struct FuturesIo<T> {
    stream: T,
}

impl<T> FuturesIo<T> {
    /// Wraps `stream`.
    #[doc = example!(r#"use monocoque::runtime::FuturesIo;
use monocoque::socket;

let here = FuturesIo::new(futures_util::io::Cursor::new(vec![0; 10]));
// What says nothing of ZMTP is no peer.
assert!(socket::PairSocket::from_stream(here).await.is_err());"#)]
    pub fn new(stream: T) -> Self {
        Self { stream }
    }

    /// The stream again.
    ///
    /// ```
    /// use monocoque::runtime::FuturesIo;
    ///
    /// let stream = FuturesIo::new(futures_util::io::Cursor::new(vec![1, 2, 3]));
    /// assert_eq!(stream.into_inner().into_inner(), [1, 2, 3]);
    /// ```
    pub fn into_inner(self) -> T {
        self.stream
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + 'static> AsyncStream for FuturesIo<T> {
    type Runtime = Detached;
    type Sharing = Shared;

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf.unfilled()))?;
        buf.advance(read);
        Poll::Ready(Ok(read))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        let written = if src.io_slice_count() == 1 {
            ready!(stream.poll_write(cx, src.chunk()))?
        } else {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let filled = src.io_slices(&mut slices);
            ready!(stream.poll_write_vectored(cx, &slices[..filled]))?
        };
        src.advance(written);
        Poll::Ready(Ok(written))
    }

    /// Wrappers such as TLS hold what was written.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    /// A wrapper that holds what was written until it is flushed, as TLS does, over a full socket.
    #[derive(Default)]
    struct Holding {
        held: Vec<u8>,
        sent: Vec<u8>,
        incoming: Vec<u8>,
        blocked: bool,
        closed: bool,
    }

    impl AsyncRead for Holding {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            if self.incoming.is_empty() {
                return Poll::Pending;
            }
            let len = buf.len().min(self.incoming.len());
            for (to, from) in buf.iter_mut().zip(self.incoming.drain(..len)) {
                *to = from;
            }
            Poll::Ready(Ok(len))
        }
    }

    impl AsyncWrite for Holding {
        /// Takes five bytes at most.
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            let len = buf.len().min(5);
            self.held.extend_from_slice(&buf[..len]);
            Poll::Ready(Ok(len))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            if self.blocked {
                return Poll::Pending;
            }
            let held = std::mem::take(&mut self.held);
            self.sent.extend(held);
            Poll::Ready(Ok(()))
        }

        fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.closed = true;
            Poll::Ready(Ok(()))
        }
    }

    fn queue(bytes: &[u8]) -> SendBuf {
        let mut queue = SendBuf::default();
        queue.put(bytes);
        queue
    }

    #[test]
    fn short_writes_go_on_where_they_stopped() {
        let mut cx = Context::from_waker(Waker::noop());
        let mut stream = FuturesIo::new(Holding::default());
        let mut queue = queue(b"hello world");
        for left in [6, 1, 0] {
            assert!(stream.poll_write(&mut cx, &mut queue).is_ready());
            assert_eq!(queue.remaining(), left);
        }
        assert!(stream.poll_flush(&mut cx).is_ready());
        assert!(stream.poll_close(&mut cx).is_ready());
        let inner = stream.into_inner();
        assert_eq!(inner.sent, b"hello world");
        assert!(inner.held.is_empty() && inner.closed);
    }

    #[test]
    fn what_a_wrapper_holds_is_flushed_when_it_is_asked_to() {
        let mut cx = Context::from_waker(Waker::noop());
        let mut stream = FuturesIo::new(Holding { blocked: true, ..Holding::default() });
        let mut queue = queue(b"abc");
        assert!(stream.poll_write(&mut cx, &mut queue).is_ready());
        assert!(queue.is_empty() && stream.poll_flush(&mut cx).is_pending());
        assert!(stream.stream.sent.is_empty());

        stream.stream.blocked = false;
        assert!(stream.poll_flush(&mut cx).is_ready());
        assert_eq!(stream.stream.sent, b"abc");
    }

    #[test]
    fn reads_fill_the_spare_room() {
        let mut cx = Context::from_waker(Waker::noop());
        let mut stream = FuturesIo::new(Holding { incoming: b"abcdef".to_vec(), ..Holding::default() });
        let mut buf = RecvBuf::with_capacity(4);
        assert!(matches!(stream.poll_read(&mut cx, &mut buf), Poll::Ready(Ok(4))));
        assert_eq!(buf.filled(), b"abcd");
        buf.consume(4);
        assert!(matches!(stream.poll_read(&mut cx, &mut buf), Poll::Ready(Ok(2))));
        assert_eq!(buf.filled(), b"ef");
    }
}
