//! What has come from below and is not decrypted yet.

use std::io;
use std::task::{Poll, ready};

use crate::runtime::RecvBuf;

/// A buffer that grows with what comes at once, and is let go of when nothing does.
#[derive(Debug)]
pub(super) struct Incoming {
    buf: RecvBuf,
    /// How large the next one is.
    wanted: usize,
}

impl Default for Incoming {
    fn default() -> Self {
        Self { buf: RecvBuf::with_capacity(0), wanted: Self::FIRST }
    }
}

impl Incoming {
    const FIRST: usize = 4 * 1024;
    /// Several records are decrypted between two reads.
    const MOST: usize = 64 * 1024;
    /// Handshake messages may be longer than a record; rustls takes less of them than this.
    const LIMIT: usize = 128 * 1024;

    /// To be decrypted in place; [`consume`](Self::consume) then takes off what is done with.
    pub(super) fn filled_mut(&mut self) -> &mut [u8] {
        self.buf.filled_mut()
    }

    pub(super) fn consume(&mut self, len: usize) {
        self.buf.consume(len);
    }

    /// Has `read` fill the spare room, of which there is some.
    pub(super) fn poll_fill(
        &mut self,
        read: impl FnOnce(&mut RecvBuf) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.make_room()?;
        let room = self.buf.unfilled().len();
        let read = ready!(read(&mut self.buf))?;
        if read == room {
            self.wanted = Self::MOST.min(2 * self.wanted);
        }
        Poll::Ready(Ok(read))
    }

    fn make_room(&mut self) -> io::Result<()> {
        self.buf.compact();
        let filled = self.buf.filled().len();
        let capacity = filled + self.buf.unfilled().len();
        if filled >= Self::LIMIT {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a TLS message is too long"));
        }
        if filled == capacity || (filled == 0 && capacity < self.wanted) {
            let mut larger = RecvBuf::with_capacity(self.wanted.max(2 * filled));
            larger.extend_from_slice(self.buf.filled());
            self.buf = larger;
        }
        Ok(())
    }

    /// Nothing comes for now.
    pub(super) fn rest(&mut self) {
        if self.buf.filled().is_empty() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(incoming: &mut Incoming, len: usize) -> usize {
        let filled = incoming.poll_fill(|buf| {
            let len = len.min(buf.unfilled().len());
            buf.advance(len);
            Poll::Ready(Ok(len))
        });
        match filled {
            Poll::Ready(Ok(filled)) => filled,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_grows_with_what_comes_at_once() {
        let mut incoming = Incoming::default();
        assert_eq!(fill(&mut incoming, 100), 100);
        incoming.consume(100);
        let mut steps = Vec::new();
        for _ in 0..6 {
            let filled = fill(&mut incoming, usize::MAX);
            incoming.consume(filled);
            steps.push(filled / 1024);
        }
        assert_eq!(steps, [4, 8, 16, 32, 64, 64]);
        incoming.rest();
        assert_eq!(incoming.buf.unfilled().len(), 0, "an idle connection has none");
        assert_eq!(fill(&mut incoming, usize::MAX), 4096);
    }

    /// A record that is larger than the buffer keeps what has come of it.
    #[test]
    fn what_is_not_done_with_is_kept_and_bounded() {
        let mut incoming = Incoming::default();
        let mut total = 0;
        while total < Incoming::LIMIT {
            total += fill(&mut incoming, 3_000);
            assert_eq!(incoming.filled_mut().len(), total);
            incoming.rest();
        }
        assert!(matches!(incoming.poll_fill(|_| panic!("no more")), Poll::Ready(Err(_))));
    }
}
