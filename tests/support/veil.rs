//! A layer that does what encryption does, without any: both ends come to terms first, bytes travel in records that
//! count only when they are whole, and an end that is not announced is an error.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, ready};

use monocoque::Endpoint;
use monocoque::runtime::{AsyncStream, Layer, RecvBuf, SendBuf, Side};

/// What each end says first, with its key behind it.
const HELLO: &[u8] = b"veil";

/// Hides what passes behind its key: bytes and their exclusive or with it.
#[derive(Clone, Copy, Debug)]
pub struct Veil {
    pub key: u8,
}

impl Layer for Veil {
    type Stream<S: AsyncStream> = Veiled<S>;
    const NAME: &'static str = "veil";

    fn wrap<S: AsyncStream>(&self, stream: S, side: Side, _: &Endpoint) -> io::Result<Veiled<S>> {
        Ok(Veiled {
            stream,
            side,
            key: self.key,
            spoken: false,
            heard: None,
            incoming: RecvBuf::with_capacity(512),
            open: 0,
            ended: false,
            outgoing: SendBuf::default(),
            sealed: VecDeque::new(),
            left: false,
        })
    }

    /// Port 1 is out of bounds.
    fn check(&self, _: Side, endpoint: &Endpoint) -> io::Result<()> {
        let allowed = endpoint.port() != Some(1);
        if allowed { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "no veil for port 1")) }
    }

    fn current() -> Option<Self> {
        Some(Self { key: 0x55 })
    }
}

/// A stream under a veil.
#[derive(Debug)]
pub struct Veiled<S> {
    stream: S,
    side: Side,
    key: u8,
    /// Our hello is in the queue.
    spoken: bool,
    /// The other end's key.
    heard: Option<u8>,
    incoming: RecvBuf,
    /// Bytes at the front of it that a whole record has brought.
    open: usize,
    ended: bool,
    outgoing: SendBuf,
    /// Records in there that hold bytes at the front of the socket's queue: how many each. Only `poll_write` writes
    /// those, and tells of each that is whole.
    sealed: VecDeque<usize>,
    left: bool,
}

impl<S: AsyncStream> Veiled<S> {
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            ready!(self.stream.poll_write(cx, &mut self.outgoing))?;
            self.outgoing.forget_written();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.incoming.compact();
        match ready!(self.stream.poll_read(cx, &mut self.incoming))? {
            0 => Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the veil is torn"))),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Whoever was dialled waits for the other to speak first.
    fn poll_terms(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.side == Side::Dialled && !self.spoken {
            self.speak();
        }
        while self.heard.is_none() {
            self.drain_meanwhile(cx);
            ready!(self.poll_fill(cx))?;
            self.hear()?;
        }
        Poll::Ready(Ok(()))
    }

    /// Reading waits for no room to write, and what cannot be written is a matter of writing.
    fn drain_meanwhile(&mut self, cx: &mut Context<'_>) {
        if self.sealed.is_empty() && self.poll_drain(cx).is_ready() {
            let _ = self.stream.poll_flush(cx);
        }
    }

    fn speak(&mut self) {
        self.spoken = true;
        self.outgoing.put(HELLO);
        self.outgoing.put(&[self.key]);
    }

    fn hear(&mut self) -> io::Result<()> {
        let heard = self.incoming.filled();
        if !heard.iter().zip(HELLO).all(|(heard, hello)| heard == hello) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the peer wears no veil"));
        }
        if let Some(key) = heard.get(HELLO.len()) {
            self.heard = Some(*key);
            self.incoming.consume(HELLO.len() + 1);
            if !self.spoken {
                self.speak();
            }
        }
        Ok(())
    }

    /// Lifts the veil from what has come.
    fn reveal(&mut self, buf: &mut RecvBuf) -> usize {
        if let ([len, rest @ ..], 0) = (self.incoming.filled(), self.open) {
            let len = usize::from(*len);
            if rest.len() >= len {
                self.incoming.consume(1);
                (self.open, self.ended) = (len, len == 0);
            }
        }
        let room = buf.unfilled();
        let len = self.open.min(room.len());
        let key = self.heard.unwrap_or_default();
        for (to, from) in room.iter_mut().zip(&self.incoming.filled()[..len]) {
            *to = from ^ key;
        }
        buf.advance(len);
        self.incoming.consume(len);
        self.open -= len;
        len
    }

    fn seal(&mut self, src: &SendBuf) {
        let chunk = src.chunk();
        let chunk = &chunk[..chunk.len().min(10_000)];
        for record in chunk.chunks(255) {
            let veiled: Vec<u8> = record.iter().map(|byte| byte ^ self.key).collect();
            self.outgoing.put(&[record.len() as u8]);
            self.outgoing.put(&veiled);
            self.sealed.push_back(record.len());
        }
    }

    /// What records hold that are whole below, each told once.
    fn take_written(&mut self) -> usize {
        let all: usize = self.sealed.iter().map(|len| 1 + len).sum();
        let (mut written, mut told) = (all - self.outgoing.remaining().min(all), 0);
        while self.sealed.front().is_some_and(|len| len < &written) {
            let len = self.sealed.pop_front().unwrap();
            (written, told) = (written - 1 - len, told + len);
        }
        told
    }
}

impl<S: AsyncStream> AsyncStream for Veiled<S> {
    type Runtime = S::Runtime;
    type Sharing = S::Sharing;

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        ready!(self.poll_terms(cx))?;
        self.drain_meanwhile(cx);
        loop {
            let read = self.reveal(buf);
            if read > 0 || self.ended {
                return Poll::Ready(Ok(read));
            }
            ready!(self.poll_fill(cx))?;
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        ready!(self.poll_terms(cx))?;
        if self.sealed.is_empty() {
            ready!(self.poll_drain(cx))?;
            self.seal(src);
        }
        let drained = self.poll_drain(cx);
        let told = self.take_written();
        src.advance(told);
        match drained {
            Poll::Pending if told == 0 => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending | Poll::Ready(Ok(())) => Poll::Ready(Ok(told)),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.sealed.is_empty() {
            ready!(self.poll_drain(cx))?;
        }
        self.stream.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The other half of what was not told must not arrive.
        if self.sealed.is_empty() {
            if self.heard.is_some() && !std::mem::replace(&mut self.left, true) {
                self.outgoing.put(&[0]);
            }
            ready!(self.poll_drain(cx))?;
        }
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
