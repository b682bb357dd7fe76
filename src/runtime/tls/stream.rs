//! TLS upon a stream.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;

use super::session::{Connection, Session};
use crate::endpoint::Endpoint;
use crate::runtime::{AsyncStream, RecvBuf, SendBuf};

/// Plaintext that is encrypted at once, and so kept until all of it is written below: four records.
const SEALED: usize = 64 * 1024;
/// Its pieces: headers and small messages lie between large payloads.
const PIECES: usize = 16;
/// Reads in a row that bring nothing to be received, such as new keys; then others get a turn.
const READS: usize = 16;
/// What the queue to the stream below may keep allocated while nothing leaves.
const IDLE: usize = 4 * 1024;

/// A stream with TLS upon it.
///
/// It shakes hands when it is first read or written. Bytes count as sent when the record that they are in is whole with
/// the stream below: from then on the peer can read them, whatever becomes of the records behind it. The end of that stream is an error unless the peer has said in TLS that it comes
/// (close_notify), as this end does when it is closed: nobody else can cut a connection unnoticed.
#[derive(Debug)]
pub struct TlsStream<S> {
    stream: S,
    session: Session,
    /// Records for the stream below.
    outgoing: SendBuf,
    /// Those of them that hold bytes at the front of the socket's queue, which do not count as sent yet. They are only
    /// written by `poll_write`, which tells at once of each that is whole.
    sealed: VecDeque<Record>,
    /// Plaintext that goes into one record.
    fragment: usize,
    certificates: Vec<Bytes>,
    /// The peer has sent something under the keys of the session.
    heard: bool,
    /// Our end is about to be told.
    closing: bool,
}

/// A record that holds so many bytes of the socket's queue, and where it ends in the queue to the stream below.
#[derive(Clone, Copy, Debug)]
struct Record {
    plain: usize,
    end: u64,
}

impl<S: AsyncStream> TlsStream<S> {
    pub(super) fn new(stream: S, connection: Connection, fragment: usize) -> Self {
        Self {
            stream,
            session: Session::new(connection),
            outgoing: SendBuf::default(),
            sealed: VecDeque::new(),
            fragment,
            certificates: Vec::new(),
            heard: false,
            closing: false,
        }
    }

    /// Writes all records to the stream below.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let written = ready!(self.stream.poll_write(cx, &mut self.outgoing));
            match written {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => self.outgoing.forget_written(),
                Err(error) => return Poll::Ready(Err(self.last_word(cx).unwrap_or(error))),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The same by the way: reading waits for no room to write, and what cannot be written is told by whoever writes,
    /// or by the end of what is read. What stands behind bytes of the socket's leaves with them.
    fn drain_meanwhile(&mut self, cx: &mut Context<'_>) {
        if self.sealed.is_empty() && self.poll_drain(cx).is_ready() {
            let _ = self.stream.poll_flush(cx);
        }
    }

    /// Why the peer went away, if it has said so: a refused certificate is told after its owner's handshake is done.
    fn last_word(&mut self, cx: &mut Context<'_>) -> Option<io::Error> {
        if self.heard {
            return None;
        }
        let Poll::Ready(Ok(())) = self.poll_fill(cx) else { return None };
        self.session.shake(&mut SendBuf::default()).err()
    }

    /// Reads from the stream below.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, session, .. } = self;
        match ready!(session.incoming().poll_fill(|buf| stream.poll_read(cx, buf)))? {
            0 => Poll::Ready(Err(self.cut_off())),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// The stream below has ended before that was said in TLS.
    fn cut_off(&self) -> io::Error {
        let reason = if self.session.is_handshaking() {
            "the connection ended during the TLS handshake"
        } else {
            "the connection ended without close_notify of TLS: what came last may be cut off"
        };
        io::Error::new(io::ErrorKind::UnexpectedEof, reason)
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.is_handshaking() {
            let shaken = self.session.shake(&mut self.outgoing);
            // An answer, or what the peer is to be told of the error.
            self.drain_meanwhile(cx);
            shaken?;
            if self.session.is_handshaking() {
                ready!(self.poll_fill(cx))?;
            }
        }
        if self.certificates.is_empty() {
            self.certificates = self.session.peer_certificates();
        }
        Poll::Ready(Ok(()))
    }

    /// Decrypts what has come.
    fn open(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> io::Result<usize> {
        let opened = self.session.open(buf, &mut self.outgoing);
        // New keys are answered, and errors told.
        self.drain_meanwhile(cx);
        let read = opened?;
        self.heard |= read > 0;
        Ok(read)
    }

    /// Encrypts the front of `src`.
    fn seal(&mut self, src: &SendBuf) -> io::Result<()> {
        let mut pieces = [IoSlice::new(&[]); PIECES];
        let filled = src.io_slices(&mut pieces);
        let mut room = SEALED;
        for piece in &pieces[..filled] {
            let piece = &piece[..piece.len().min(room)];
            room -= piece.len();
            for plain in piece.chunks(self.fragment) {
                self.session.seal(plain, &mut self.outgoing)?;
                self.sealed.push_back(Record { plain: plain.len(), end: self.outgoing.queued_total() });
            }
        }
        Ok(())
    }

    /// The plaintext of records that are whole with the stream below, each told once.
    fn take_written(&mut self) -> usize {
        let written = self.outgoing.queued_total() - self.outgoing.remaining() as u64;
        let mut plain = 0;
        while self.sealed.front().is_some_and(|record| record.end <= written) {
            plain += self.sealed.pop_front().map_or(0, |record| record.plain);
        }
        plain
    }

    /// Nothing comes for now: an idle connection keeps next to no buffers.
    fn rest(&mut self) {
        self.session.rest();
        if self.outgoing.is_empty() && self.outgoing.allocated() > IDLE {
            self.outgoing = SendBuf::default();
        }
    }
}

impl<S: AsyncStream> AsyncStream for TlsStream<S> {
    type Runtime = S::Runtime;
    type Sharing = S::Sharing;

    fn clock() -> Instant {
        S::clock()
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        ready!(self.poll_handshake(cx))?;
        for _ in 0..READS {
            let read = self.open(cx, buf)?;
            if read > 0 || self.session.has_ended() {
                return Poll::Ready(Ok(read));
            }
            let Poll::Ready(filled) = self.poll_fill(cx) else {
                self.rest();
                return Poll::Pending;
            };
            filled?;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        ready!(self.poll_handshake(cx))?;
        if self.sealed.is_empty() {
            // Answers of the session's own come first.
            ready!(self.poll_drain(cx))?;
            self.seal(src)?;
        }
        let drained = self.poll_drain(cx);
        let written = self.take_written();
        src.advance(written);
        match drained {
            Poll::Pending if written == 0 => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending | Poll::Ready(Ok(())) => Poll::Ready(Ok(written)),
        }
    }

    /// Bytes are accepted when their records are with the stream below, which may hold them; what answers the peer's
    /// handshake, or tells it of an error, may still be here.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.sealed.is_empty() {
            ready!(self.poll_drain(cx))?;
        }
        self.stream.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Half of what does not count as sent may be: it will go to another, so its other half must not arrive.
        if self.sealed.is_empty() {
            if !std::mem::replace(&mut self.closing, true) {
                self.session.farewell(&mut self.outgoing)?;
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

    fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    fn peer_certificates(&self) -> &[Bytes] {
        &self.certificates
    }
}
