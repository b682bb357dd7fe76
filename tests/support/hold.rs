//! A layer that holds what it has taken until it is flushed, which it is only while its gate is open.

use std::io;
use std::mem;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

use monocoque::Endpoint;
use monocoque::runtime::{AsyncStream, Layer, RecvBuf, SendBuf, Side};

/// How many bytes a stream holds.
pub const ROOM: usize = 1000;

/// The gate of all streams of a runtime; open at first.
#[derive(Clone, Debug, Default)]
pub struct Hold(Arc<Mutex<Gate>>);

#[derive(Debug, Default)]
struct Gate {
    shut: bool,
    waiting: Vec<Waker>,
}

impl Hold {
    pub fn shut(&self) {
        self.0.lock().unwrap().shut = true;
    }

    pub fn open(&self) {
        let waiting = mem::take(&mut *self.0.lock().unwrap()).waiting;
        waiting.into_iter().for_each(Waker::wake);
    }

    fn poll_open(&self, cx: &Context<'_>) -> Poll<()> {
        let mut gate = self.0.lock().unwrap();
        if !gate.shut {
            return Poll::Ready(());
        }
        gate.waiting.push(cx.waker().clone());
        Poll::Pending
    }
}

impl Layer for Hold {
    type Stream<S: AsyncStream> = Held<S>;
    const NAME: &'static str = "hold";

    fn wrap<S: AsyncStream>(&self, stream: S, _: Side, _: &Endpoint) -> io::Result<Held<S>> {
        Ok(Held { stream, gate: self.clone(), held: SendBuf::default() })
    }

    fn current() -> Option<Self> {
        Some(Self::default())
    }
}

#[derive(Debug)]
pub struct Held<S> {
    stream: S,
    gate: Hold,
    held: SendBuf,
}

impl<S: AsyncStream> AsyncStream for Held<S> {
    type Runtime = S::Runtime;
    type Sharing = S::Sharing;

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        self.stream.poll_read(cx, buf)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        if self.held.remaining() >= ROOM {
            ready!(self.poll_flush(cx))?;
        }
        let chunk = src.chunk();
        let taken = chunk.len().min(ROOM - self.held.remaining());
        self.held.put(&chunk[..taken]);
        src.advance(taken);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.gate.poll_open(cx));
        while !self.held.is_empty() {
            ready!(self.stream.poll_write(cx, &mut self.held))?;
            self.held.forget_written();
        }
        self.stream.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        self.stream.poll_close(cx)
    }

    fn has_ended(&self) -> io::Result<bool> {
        self.stream.has_ended()
    }

    fn peer_endpoint(&self) -> Option<Endpoint> {
        self.stream.peer_endpoint()
    }

    fn local_endpoint(&self) -> Option<Endpoint> {
        self.stream.local_endpoint()
    }
}
