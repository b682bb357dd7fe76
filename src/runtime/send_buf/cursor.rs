//! Where the next byte of a queue is.

use std::collections::VecDeque;
use std::ops::Range;

use crate::message::Payload;

/// A referenced payload, and where it stands.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) start: u64,
    pub(super) bytes: Payload,
}

/// A place in the queue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    pub(super) position: u64,
    /// The next copied byte.
    pub(super) arena: usize,
    /// The referenced payload that comes next, or that the position is in.
    pub(super) shared: usize,
}

/// Where contiguous bytes are.
pub(super) enum Piece {
    /// In the arena.
    Copied(Range<usize>),
    /// In the referenced payload of this index.
    Shared(usize, Range<usize>),
}

impl Cursor {
    /// Moves over the next contiguous bytes, at most `max`, and says where they are.
    pub(super) fn step(&mut self, shared: &VecDeque<Shared>, max: usize) -> Piece {
        let next = shared.get(self.shared);
        if let Some(Shared { start, bytes }) = next.filter(|next| next.start <= self.position) {
            let from = (self.position - start) as usize;
            let len = max.min(bytes.len() - from);
            let piece = Piece::Shared(self.shared, from..from + len);
            self.position += len as u64;
            self.shared += usize::from(from + len == bytes.len());
            return piece;
        }
        let len = next.map_or(max, |next| max.min((next.start - self.position) as usize));
        let piece = Piece::Copied(self.arena..self.arena + len);
        self.position += len as u64;
        self.arena += len;
        piece
    }
}
