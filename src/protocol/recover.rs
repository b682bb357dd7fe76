//! Back from encoded bytes to the message, for those that a lost connection left unsent.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

use super::frame::{Header, LONG_HEADER};

/// The bytes of a message in the pieces that a sink made of them.
pub(super) struct Pieces {
    pieces: VecDeque<Bytes>,
    remaining: usize,
    /// Whether nothing was taken of the first piece yet.
    is_front_whole: bool,
}

impl Pieces {
    pub(super) fn new(pieces: Vec<Bytes>) -> Self {
        let pieces: VecDeque<_> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        let remaining = pieces.iter().map(Bytes::len).sum();
        Self { pieces, remaining, is_front_whole: true }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.remaining == 0
    }

    pub(super) fn take_header(&mut self) -> Option<Header> {
        let front: Vec<u8> = self.pieces.iter().flatten().take(LONG_HEADER).copied().collect();
        let (header, len) = Header::parse(&front).ok()??;
        self.skip(len);
        Some(header)
    }

    /// The next `len` bytes: a reference if they are a piece of their own, else a copy, so that nothing
    /// keeps a piece alive that holds other messages too.
    pub(super) fn take(&mut self, len: u64) -> Option<Bytes> {
        let len = usize::try_from(len).ok().filter(|&len| len <= self.remaining)?;
        if self.is_front_whole && self.pieces.front().is_some_and(|piece| piece.len() == len) {
            self.remaining -= len;
            return self.pieces.pop_front();
        }
        let mut copy = Vec::with_capacity(len);
        for piece in &self.pieces {
            let part = piece.len().min(len - copy.len());
            copy.extend_from_slice(&piece[..part]);
        }
        self.skip(len);
        Some(copy.into())
    }

    /// Drops `len` bytes, of which there are as many.
    fn skip(&mut self, mut len: usize) {
        self.remaining -= len;
        while let Some(front) = self.pieces.front_mut() {
            if len < front.len() {
                self.is_front_whole &= len == 0;
                front.advance(len);
                return;
            }
            len -= front.len();
            self.pieces.pop_front();
            self.is_front_whole = true;
        }
    }
}
