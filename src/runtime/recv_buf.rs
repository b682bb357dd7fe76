//! The read buffer that streams fill.

use std::sync::Arc;

use bytes::Bytes;

/// A buffer of initialised memory: streams append to it, the engine takes from its front.
///
/// The memory is zeroed once, so that reading into it needs no unsafe code; afterwards it is reused.
#[derive(Debug)]
pub struct RecvBuf {
    /// Initialised throughout. `head <= filled <= bytes.len()`.
    bytes: Vec<u8>,
    head: usize,
    filled: usize,
    /// The whole length of the one frame that it is for; `usize::MAX` for a buffer of any bytes.
    frame_len: usize,
    /// How much of the spare room is offered.
    offered: usize,
    /// Its memory is lent to it for as long as it is there.
    _loan: Option<Arc<()>>,
}

impl RecvBuf {
    /// What a large frame's buffer starts with, and the least it grows by: what a peer announces is
    /// believed only as its bytes arrive.
    const FIRST_STEP: usize = 64 * 1024;

    /// A buffer of `capacity` bytes.
    ///
    /// ```
    /// use monocoque::runtime::RecvBuf;
    ///
    /// // What a stream does with it, and then its reader.
    /// let mut buf = RecvBuf::with_capacity(8);
    /// buf.unfilled()[..5].copy_from_slice(b"hello");
    /// buf.advance(5);
    /// buf.consume(2);
    /// buf.compact();
    /// assert_eq!(buf.filled(), b"llo");
    /// assert_eq!(buf.unfilled().len(), 5);
    /// ```
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: vec![0; capacity],
            head: 0,
            filled: 0,
            frame_len: usize::MAX,
            offered: usize::MAX,
            _loan: None,
        }
    }

    /// A buffer for one frame of `len` bytes, which grows as they arrive and takes no more. It begins with `memory`
    /// that was used before.
    pub(crate) fn for_frame(len: usize, mut memory: Vec<u8>) -> Self {
        memory.truncate(len);
        let mut buffer =
            Self { bytes: memory, head: 0, filled: 0, frame_len: len, offered: usize::MAX, _loan: None };
        buffer.grow();
        buffer
    }

    /// The same with memory that is lent to it.
    pub(crate) fn on_loan(self, loan: Option<Arc<()>>) -> Self {
        Self { _loan: loan, ..self }
    }

    /// The bytes that were read and not consumed.
    ///
    /// See [`with_capacity`](Self::with_capacity).
    #[inline]
    #[must_use]
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.head..self.filled]
    }

    /// The same, to be decrypted in place.
    #[cfg(feature = "tls")]
    pub(crate) fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.head..self.filled]
    }

    /// The spare room: write to its front, then call [`advance`](Self::advance).
    ///
    /// See [`with_capacity`](Self::with_capacity).
    #[inline]
    #[must_use]
    pub fn unfilled(&mut self) -> &mut [u8] {
        let end = self.bytes.len().min(self.filled.saturating_add(self.offered));
        &mut self.bytes[self.filled..end]
    }

    /// Offers no more than so much of the spare room.
    pub(crate) fn offer(&mut self, most: usize) {
        self.offered = most;
    }

    /// Says that the first `read` bytes of the spare room were written.
    ///
    /// See [`with_capacity`](Self::with_capacity).
    ///
    /// # Panics
    /// If that is more than the spare room.
    #[inline]
    pub fn advance(&mut self, read: usize) {
        assert!(read <= self.bytes.len() - self.filled, "advanced beyond the buffer");
        self.filled += read;
        self.offered = self.offered.saturating_sub(read);
        if self.filled == self.bytes.len() {
            self.grow();
        }
    }

    /// Takes `len` bytes off the front of those that were read, of which there are as many. A buffer that becomes
    /// empty by that has all its room again.
    ///
    /// See [`with_capacity`](Self::with_capacity).
    #[inline]
    pub fn consume(&mut self, len: usize) {
        self.head += len;
        debug_assert!(self.head <= self.filled);
        if self.head == self.filled {
            self.clear();
        }
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        self.head = 0;
        self.filled = 0;
    }

    /// Moves what is left to the front, so that the room behind it can be used.
    ///
    /// See [`with_capacity`](Self::with_capacity).
    pub fn compact(&mut self) {
        if self.head > 0 {
            self.bytes.copy_within(self.head..self.filled, 0);
            self.filled -= self.head;
            self.head = 0;
        }
    }

    /// Appends bytes that were read elsewhere.
    ///
    /// Grows by no more than they need: a buffer that is emptied into another and filled again, over
    /// and over, keeps its size.
    pub(crate) fn extend_from_slice(&mut self, bytes: &[u8]) {
        let end = self.filled + bytes.len();
        debug_assert!(end <= self.frame_len);
        if end > self.bytes.len() {
            self.bytes.resize(end, 0);
        }
        self.bytes[self.filled..end].copy_from_slice(bytes);
        self.filled = end;
        self.grow();
    }

    /// Whether all bytes of the frame are there.
    pub(crate) fn is_complete(&self) -> bool {
        self.filled == self.frame_len
    }

    fn is_for_frame(&self) -> bool {
        self.frame_len < usize::MAX
    }

    /// The frame, without copying.
    pub(crate) fn into_bytes(mut self) -> Bytes {
        self.bytes.truncate(self.filled);
        Bytes::from(self.bytes)
    }

    /// Makes room for more of the frame once the buffer is full: doubles, never beyond the frame.
    fn grow(&mut self) {
        if self.is_for_frame() && self.filled == self.bytes.len() && self.filled < self.frame_len {
            let target = (self.filled * 2).max(Self::FIRST_STEP).min(self.frame_len);
            self.bytes.reserve_exact(target - self.filled);
            self.bytes.resize(target, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffer: &mut RecvBuf, bytes: &[u8]) {
        buffer.unfilled()[..bytes.len()].copy_from_slice(bytes);
        buffer.advance(bytes.len());
    }

    #[test]
    fn takes_from_the_front_and_compacts() {
        let mut buffer = RecvBuf::with_capacity(8);
        fill(&mut buffer, b"abcdef");
        buffer.consume(4);
        assert_eq!(buffer.filled(), b"ef");
        assert_eq!(buffer.unfilled().len(), 2);
        buffer.compact();
        assert_eq!(buffer.unfilled().len(), 6);
        fill(&mut buffer, b"gh");
        assert_eq!(buffer.filled(), b"efgh");
        buffer.consume(4);
        assert!(buffer.filled().is_empty());
        assert_eq!(buffer.unfilled().len(), 8, "an empty buffer starts over");
    }

    #[test]
    fn a_frame_is_not_allocated_before_it_arrives() {
        let mut buffer = RecvBuf::for_frame(usize::MAX / 2, Vec::new());
        assert_eq!(buffer.unfilled().len(), RecvBuf::FIRST_STEP);
        let room = buffer.unfilled().len();
        buffer.advance(room);
        assert_eq!(buffer.unfilled().len(), RecvBuf::FIRST_STEP, "doubled");
        assert!(!buffer.is_complete());
    }

    #[test]
    fn a_frame_ends_exactly() {
        let len = 3 * RecvBuf::FIRST_STEP + 17;
        let mut buffer = RecvBuf::for_frame(len, Vec::new());
        buffer.extend_from_slice(&[1; 100]);
        let mut total = 100;
        while !buffer.is_complete() {
            let step = buffer.unfilled().len().min(50_000);
            buffer.unfilled()[..step].fill(1);
            buffer.advance(step);
            total += step;
        }
        assert_eq!(total, len);
        assert!(buffer.unfilled().is_empty());
        let bytes = buffer.into_bytes();
        assert_eq!(bytes.len(), len);
        assert!(bytes.iter().all(|byte| *byte == 1));
    }

    /// Kills zeroing it, growing what is enough, and a payload with more than the frame.
    #[test]
    fn memory_that_was_used_before_is_written_to_as_it_is() {
        let len = 3 * RecvBuf::FIRST_STEP;
        for before in [1, RecvBuf::FIRST_STEP, len, len + 1000] {
            let mut buffer = RecvBuf::for_frame(len, vec![9; before]);
            assert_eq!(buffer.unfilled(), vec![9; before.min(len)]);
            while !buffer.is_complete() {
                let room = buffer.unfilled();
                room.fill(1);
                let room = room.len();
                buffer.advance(room);
            }
            assert_eq!(buffer.into_bytes(), vec![1; len]);
        }
    }

    #[test]
    fn parking_bytes_elsewhere_does_not_grow_it() {
        let mut buffer = RecvBuf::with_capacity(8);
        for _ in 0..100 {
            fill(&mut buffer, b"abcdefgh");
            let parked = buffer.filled().to_vec();
            buffer.clear();
            buffer.extend_from_slice(&parked);
            buffer.consume(parked.len());
        }
        assert_eq!(buffer.unfilled().len(), 8);
    }

    #[test]
    fn a_frame_is_handed_over_without_copying() {
        for len in [0, 1, RecvBuf::FIRST_STEP, 5 * RecvBuf::FIRST_STEP + 1] {
            let mut buffer = RecvBuf::for_frame(len, Vec::new());
            while !buffer.is_complete() {
                let room = buffer.unfilled().len();
                buffer.advance(room);
                assert!(buffer.bytes.len() <= len && buffer.bytes.len() <= 2 * buffer.filled.max(1));
            }
            let address = buffer.filled().as_ptr();
            let bytes = buffer.into_bytes();
            assert_eq!(bytes.len(), len);
            assert!(len == 0 || bytes.as_ptr() == address);
        }
    }

    #[test]
    #[should_panic(expected = "advanced beyond")]
    fn a_stream_that_lies_is_caught() {
        RecvBuf::with_capacity(4).advance(5);
    }
}
