//! The outbound queue of one connection.

mod arena;
mod boundaries;
mod cursor;

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;

pub(crate) use self::arena::Arena;
use self::cursor::{Cursor, Piece, Shared};
use crate::message::Extent;

/// Payloads from here on are referenced, smaller ones copied, which keeps what is written in a buffer that
/// stays in the caches: measured over loopback with a fresh payload for each message, copying takes a third
/// less time at 4 KiB, a sixth less at 8 KiB, and more from 16 KiB on.
const REFERENCE_FROM: usize = 16 * 1024;

/// Bytes in front that no message needs any more and that are worth moving the rest for.
const COMPACT_FROM: usize = 64 * 1024;

/// An arena that grew beyond this is freed once it is empty: what one backlog took is not kept for good.
const RECYCLE_UP_TO: usize = 256 * 1024;

/// Bytes waiting to be written: small pieces copied into one arena, large ones referenced.
///
/// The bytes of a message stay here until its last one is written, so that a message cut by the end of
/// a connection can be sent again whole. An empty queue owns no buffer.
///
/// Positions are counted in bytes since the beginning of the connection.
#[derive(Debug, Default)]
pub struct SendBuf {
    arena: Arena,
    /// Payloads between the copied bytes, in order; those in front of the cursor belong to the message
    /// that is being written.
    shared: VecDeque<Shared>,
    /// The next byte to write.
    cursor: Cursor,
    remaining_shared: usize,
    /// Where the next byte goes that is put.
    end: u64,
    /// Up to where the stream has flushed what it took.
    flushed: u64,
    /// Where the first message starts whose end was not reported; nothing before it is kept.
    front: u64,
    /// Where the last message or command ends whose end is known.
    bounded: u64,
}

/// Messages that were wholly written, and flushed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Written {
    pub(crate) messages: usize,
    /// How large they are together.
    pub(crate) all: Extent,
}

/// A message that was not wholly written.
#[derive(Debug)]
pub(crate) struct Unsent {
    /// Its bytes on the wire; a payload that was referenced is a piece of its own.
    pub(crate) pieces: Vec<Bytes>,
    /// How large the message is.
    pub(crate) extent: Extent,
    /// Part of it was written.
    pub(crate) begun: bool,
}

/// What streams need.
impl SendBuf {
    /// Whether everything is written; see [`put`](Self::put).
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cursor.position == self.end
    }

    /// Bytes to be written; see [`put`](Self::put).
    #[inline]
    #[must_use]
    pub fn remaining(&self) -> usize {
        (self.end - self.cursor.position) as usize
    }

    /// The first contiguous bytes to be written; empty only if there are none at all; see [`put`](Self::put).
    #[must_use]
    pub fn chunk(&self) -> &[u8] {
        let mut cursor = self.cursor;
        self.slice(cursor.step(&self.shared, self.remaining()))
    }

    /// Fills `slices` from the front for a gathered write; returns how many; see [`put`](Self::put).
    pub fn io_slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut cursor = self.cursor;
        let mut filled = 0;
        for slot in slices {
            let left = (self.end - cursor.position) as usize;
            if left == 0 {
                break;
            }
            *slot = IoSlice::new(self.slice(cursor.step(&self.shared, left)));
            filled += 1;
        }
        filled
    }

    fn slice(&self, piece: Piece) -> &[u8] {
        match piece {
            Piece::Copied(range) => &self.arena.filled()[range],
            Piece::Shared(index, range) => &self.shared[index].bytes[range],
        }
    }

    /// Says that the first `written` bytes were accepted by the stream; see [`put`](Self::put).
    ///
    /// # Panics
    /// If that is more than there are.
    pub fn advance(&mut self, written: usize) {
        assert!(written <= self.remaining(), "advanced beyond the queue");
        let end = self.cursor.position + written as u64;
        while self.cursor.position < end {
            let left = (end - self.cursor.position) as usize;
            if let Piece::Shared(_, range) = self.cursor.step(&self.shared, left) {
                self.remaining_shared -= range.len();
            }
        }
    }
}

/// What layers need as well, for the queues that they give to the streams below them.
impl SendBuf {
    /// Appends a copy of `bytes`.
    ///
    /// ```
    /// use monocoque::runtime::SendBuf;
    /// use std::io::{IoSlice, Write};
    ///
    /// let mut queue = SendBuf::default();
    /// queue.put(b"hello, world");
    /// let mut slices = [IoSlice::new(&[]); 8];
    /// let filled = queue.io_slices(&mut slices);
    /// let written = (&mut [0; 5][..]).write_vectored(&slices[..filled])?;
    /// queue.advance(written);
    /// assert_eq!((queue.chunk(), queue.remaining()), (&b", world"[..], 7));
    /// # Ok::<_, std::io::Error>(())
    /// ```
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.arena.extend(bytes);
        self.end += bytes.len() as u64;
    }

    /// Appends what `fill` writes into `room` bytes, if it does.
    #[cfg(feature = "tls")]
    pub(crate) fn put_with<E>(
        &mut self,
        room: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        let len = fill(self.arena.room(room))?;
        self.arena.fill(len);
        self.end += len as u64;
        Ok(())
    }

    /// The memory that it has taken, in bytes.
    #[cfg(feature = "tls")]
    pub(crate) fn allocated(&self) -> usize {
        self.arena.capacity()
    }

    /// Lets go of what was written and its memory, for a queue of a layer's own: that of a socket keeps the bytes
    /// of each message until all of it is written, to be able to send it again. See [`put`](Self::put).
    pub fn forget_written(&mut self) {
        self.end_control();
        self.flush();
        while self.pop_written().is_some() {}
    }
}

/// What the engine puts in and takes out.
impl SendBuf {
    /// Appends `header` and the first `len` of `padded`, by a copy of all of it, which is of fixed size.
    #[inline(always)]
    pub(crate) fn put_padded<const H: usize, const N: usize>(
        &mut self,
        header: [u8; H],
        padded: &[u8; N],
        len: usize,
    ) {
        self.arena.extend_padded(header, padded, len);
        self.end += (H + len) as u64;
    }

    /// Appends a payload, by reference if it is large.
    pub(crate) fn put_shared(&mut self, bytes: &Bytes) {
        if Self::references(bytes.len()) {
            self.reference(bytes.clone());
        } else {
            self.put(bytes);
        }
    }

    /// Whether a payload of so many bytes is referenced, and not copied.
    #[inline]
    pub(crate) const fn references(len: usize) -> bool {
        len >= REFERENCE_FROM
    }

    /// Appends a payload of `len` bytes that `fill` writes: among the copied bytes if it is small.
    #[cfg(any(test, feature = "curve"))]
    pub(crate) fn put_payload(&mut self, len: usize, fill: &mut dyn FnMut(&mut [u8])) {
        if len < REFERENCE_FROM {
            self.arena.extend_with(len, fill);
            self.end += len as u64;
        } else {
            let mut bytes = vec![0; len];
            fill(&mut bytes);
            self.reference(bytes.into());
        }
    }

    fn reference(&mut self, bytes: Bytes) {
        let len = bytes.len();
        self.shared.push_back(Shared { start: self.end, bytes: bytes.into() });
        self.remaining_shared += len;
        self.end += len as u64;
    }

    /// Ends a message of this extent.
    #[inline]
    pub(crate) fn end_message(&mut self, extent: Extent) {
        self.end_piece(Some(extent));
    }

    /// Ends a command, if anything was put since the last boundary.
    #[inline]
    pub(crate) fn end_control(&mut self) {
        if self.bounded < self.end {
            self.end_piece(None);
        }
    }

    #[inline]
    fn end_piece(&mut self, message: Option<Extent>) {
        self.arena.boundaries.push((self.end - self.bounded) as usize, message);
        self.bounded = self.end;
    }

    /// The stream has flushed all that it took, or will never say so: it was handed over.
    #[inline]
    pub(crate) fn flush(&mut self) {
        self.flushed = self.cursor.position;
    }

    /// Whether the stream has taken something since it was last flushed.
    #[inline]
    pub(crate) fn awaits_flush(&self) -> bool {
        self.flushed < self.cursor.position
    }

    /// Whether everything is written, and flushed.
    #[inline]
    pub(crate) fn is_flushed(&self) -> bool {
        self.flushed == self.end
    }

    /// The next messages that have been wholly written and flushed, each reported once.
    ///
    /// To be called until `None` after writing: only then is memory let go of.
    #[inline]
    pub(crate) fn pop_written(&mut self) -> Option<Written> {
        while let Some(run) = self.arena.boundaries.pop_written((self.flushed - self.front) as usize) {
            self.front += (run.count * run.len) as u64;
            if let Some(each) = run.message() {
                return Some(Written { messages: run.count, all: each.times(run.count) });
            }
        }
        self.reclaim();
        None
    }

    /// Lets go of what no message needs any more.
    fn reclaim(&mut self) {
        if self.front == self.end {
            self.arena.clear();
            self.shared.clear();
            self.cursor.arena = 0;
            self.cursor.shared = 0;
            return;
        }
        while self.shared.front().is_some_and(|shared| shared.start < self.front) {
            self.shared.pop_front();
            self.cursor.shared -= 1;
        }
        // What has been written bounds what can be dropped: look closer only where it may pay.
        if self.cursor.arena >= COMPACT_FROM {
            let unneeded = self.front_cursor().arena;
            if unneeded >= COMPACT_FROM && self.arena.is_worth_discarding(unneeded) {
                self.arena.discard(unneeded);
                self.cursor.arena -= unneeded;
            }
        }
    }

    /// The start of the front message. Nothing referenced before it may be left.
    fn front_cursor(&self) -> Cursor {
        let written = (self.cursor.position - self.front) as usize;
        let whole: usize = self.shared.range(..self.cursor.shared).map(|shared| shared.bytes.len()).sum();
        let begun = self.shared.get(self.cursor.shared);
        let part = begun.map_or(0, |shared| self.cursor.position.saturating_sub(shared.start) as usize);
        Cursor { position: self.front, arena: self.cursor.arena - (written - whole - part), shared: 0 }
    }

    /// Whether a part of the front message is written, or all of it and not flushed.
    pub(crate) fn is_mid_message(&self) -> bool {
        let front = self.arena.boundaries.front();
        self.cursor.position > self.front && front.is_some_and(|front| front.message().is_some())
    }

    /// Copied bytes to be written.
    #[inline]
    pub(crate) fn remaining_copied(&self) -> usize {
        self.arena.len() - self.cursor.arena
    }

    /// Referenced bytes to be written.
    #[inline]
    pub(crate) fn remaining_shared(&self) -> usize {
        self.remaining_shared
    }

    /// The most slices that a gathered write of everything takes: one for each referenced payload, and
    /// one for the copied bytes on either side.
    #[inline]
    pub(crate) fn io_slice_count(&self) -> usize {
        2 * (self.shared.len() - self.cursor.shared) + 1
    }

    /// Bytes ever put: the position that a flush waits for.
    pub(crate) fn queued_total(&self) -> u64 {
        self.end
    }

    /// Bytes ever written and flushed.
    pub(crate) fn written_total(&self) -> u64 {
        self.flushed
    }

    /// Takes the memory of an empty queue away, so that an idle connection holds none. Nothing comes of a
    /// queue that still needs it, or whose arena is too large to be kept.
    pub(crate) fn take_arena(&mut self) -> Arena {
        if self.front < self.end {
            return Arena::default();
        }
        self.shared = VecDeque::new();
        let arena = std::mem::take(&mut self.arena);
        if arena.capacity() > RECYCLE_UP_TO { Arena::default() } else { arena }
    }

    /// Gives an empty queue memory to work with.
    #[inline]
    pub(crate) fn give_arena(&mut self, arena: Arena) {
        debug_assert!(arena.is_empty());
        if self.front == self.end && self.arena.capacity() < arena.capacity() {
            self.arena = arena;
        }
    }

    /// Empties the queue; returns the messages that were not wholly written, in order.
    ///
    /// Written messages that [`pop_written`](Self::pop_written) has not reported never will be.
    pub(crate) fn drain_unsent(&mut self) -> Vec<Unsent> {
        self.flush();
        while self.pop_written().is_some() {}
        let queue = std::mem::take(self);
        let written = queue.cursor.position;
        let mut cursor = queue.front_cursor();
        let mut unsent = Vec::new();
        for (len, message) in queue.arena.boundaries.iter() {
            let begun = cursor.position < written;
            let end = cursor.position + len as u64;
            let mut pieces = Vec::new();
            while cursor.position < end {
                let left = (end - cursor.position) as usize;
                pieces.push(match cursor.step(&queue.shared, left) {
                    Piece::Copied(range) => Bytes::copy_from_slice(&queue.arena.filled()[range]),
                    Piece::Shared(index, range) => queue.shared[index].bytes.slice(range),
                });
            }
            unsent.extend(message.map(|extent| Unsent { pieces, extent, begun }));
        }
        unsent
    }
}

#[cfg(test)]
mod tests;
