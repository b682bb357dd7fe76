//! An in-memory stream of `futures_io`, in two ends, and an executor of one thread.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::{AsyncRead, AsyncWrite};
use monocoque::runtime::FuturesIo;

/// One end of a pipe with room for `capacity` bytes each way.
pub struct End {
    incoming: Arc<Mutex<Half>>,
    outgoing: Arc<Mutex<Half>>,
}

struct Half {
    bytes: VecDeque<u8>,
    capacity: usize,
    closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Both ends, ready for `from_stream`.
pub fn pair(capacity: usize) -> (FuturesIo<End>, FuturesIo<End>) {
    let half = || {
        let bytes = VecDeque::new();
        Arc::new(Mutex::new(Half { bytes, capacity, closed: false, reader: None, writer: None }))
    };
    let (one, other) = (half(), half());
    let left = End { incoming: Arc::clone(&one), outgoing: Arc::clone(&other) };
    (FuturesIo::new(left), FuturesIo::new(End { incoming: other, outgoing: one }))
}

impl Half {
    fn close(&mut self) {
        self.closed = true;
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

impl AsyncRead for End {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut half = self.incoming.lock().unwrap();
        let len = buf.len().min(half.bytes.len());
        if len == 0 && !half.closed {
            half.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        for (to, from) in buf.iter_mut().zip(half.bytes.drain(..len)) {
            *to = from;
        }
        if let Some(writer) = half.writer.take() {
            writer.wake();
        }
        Poll::Ready(Ok(len))
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut half = self.outgoing.lock().unwrap();
        if half.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let len = buf.len().min(half.capacity - half.bytes.len());
        if len == 0 {
            half.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        half.bytes.extend(&buf[..len]);
        if let Some(reader) = half.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.lock().unwrap().close();
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.incoming.lock().unwrap().close();
        self.outgoing.lock().unwrap().close();
    }
}

/// Runs a future, and panics where a kernel would wait for ever: nobody can wake it but itself.
pub fn run<F: Future>(future: F) -> F::Output {
    struct Flag(std::sync::atomic::AtomicBool);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, std::sync::atomic::Ordering::Release);
        }
    }
    let flag = Arc::new(Flag(std::sync::atomic::AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&flag));
    let mut future = pin!(future);
    while flag.0.swap(false, std::sync::atomic::Ordering::AcqRel) {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
    }
    panic!("nobody will ever wake this future");
}
