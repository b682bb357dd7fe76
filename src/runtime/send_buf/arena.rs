//! The memory that a queue works with.

use super::boundaries::Boundaries;

/// Copied bytes in order, and what they are: recycled between the connections of a socket.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    /// Initialised throughout, so that what is appended is only copied; `filled <= bytes.len()`.
    bytes: Vec<u8>,
    filled: usize,
    /// The messages and commands that are in the queue.
    pub(super) boundaries: Boundaries,
}

impl Arena {
    /// What it begins with, and the least it grows by.
    const STEP: usize = 1024;

    /// Up to here it doubles, and keeps what it has. The backlog of a stuck connection may be much larger:
    /// that takes little more memory than its bytes, and gives back what it no longer needs, so that beyond
    /// this never more than twice of what is to be kept is allocated.
    const AMPLE: usize = 1024 * 1024;

    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.filled
    }

    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).copy_from_slice(bytes);
        self.filled += bytes.len();
    }

    /// Appends `len` bytes that `fill` writes; what it finds there means nothing.
    #[cfg(any(test, feature = "curve"))]
    pub(super) fn extend_with(&mut self, len: usize, fill: &mut dyn FnMut(&mut [u8])) {
        fill(self.room(len));
        self.filled += len;
    }

    /// Appends `header` and the first `len` of `padded`, by a copy of all of it, which is of fixed size.
    #[inline(always)]
    pub(super) fn extend_padded<const H: usize, const N: usize>(
        &mut self,
        header: [u8; H],
        padded: &[u8; N],
        len: usize,
    ) {
        let end = self.filled + H + N;
        if end > self.bytes.len() {
            self.grow(end);
        }
        debug_assert!(len <= N);
        let (front, behind) = self.bytes[self.filled..].split_first_chunk_mut().expect("room was made");
        *front = header;
        *behind.first_chunk_mut().expect("room was made") = *padded;
        self.filled += H + len;
    }

    /// The first `len` bytes of the room are filled.
    #[cfg(feature = "tls")]
    pub(super) fn fill(&mut self, len: usize) {
        debug_assert!(self.filled + len <= self.bytes.len());
        self.filled += len;
    }

    /// The next `len` bytes behind those that are filled.
    #[inline(always)]
    pub(super) fn room(&mut self, len: usize) -> &mut [u8] {
        let end = self.filled + len;
        if end > self.bytes.len() {
            self.grow(end);
        }
        &mut self.bytes[self.filled..end]
    }

    #[inline(never)]
    fn grow(&mut self, end: usize) {
        let len = self.bytes.len();
        let more = if len < Self::AMPLE { len } else { len / 8 };
        let len = end.max(len + more).max(Self::STEP);
        // By itself a vector doubles.
        self.bytes.reserve_exact(len - self.bytes.len());
        self.bytes.resize(len, 0);
    }

    /// Whether so many bytes in front that nobody needs are worth moving the rest for.
    pub(super) fn is_worth_discarding(&self, unneeded: usize) -> bool {
        unneeded >= self.filled / if self.filled > 2 * Self::AMPLE { 4 } else { 2 }
    }

    /// Takes `len` bytes off the front.
    pub(super) fn discard(&mut self, len: usize) {
        self.bytes.copy_within(len..self.filled, 0);
        self.filled -= len;
        if self.bytes.len() > Self::AMPLE + self.filled + self.filled / 2 {
            self.bytes.truncate(Self::AMPLE.max(self.filled + self.filled / 8));
            self.bytes.shrink_to_fit();
        }
    }

    pub(super) fn clear(&mut self) {
        self.filled = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0 && self.boundaries.is_empty()
    }

    /// The bytes that it occupies.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity() + self.boundaries.capacity()
    }
}
