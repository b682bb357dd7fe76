//! The outbound queue of one connection.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;

/// Payloads from here on are referenced, smaller ones copied: below, a copy costs less than another
/// slice in the gathered write.
const REFERENCE_FROM: usize = 4096;

/// Written bytes in front of unwritten ones that are worth moving the latter for.
const COMPACT_FROM: usize = 64 * 1024;

/// Bytes waiting to be written: small pieces copied into one arena, large ones referenced.
///
/// The bytes of a message stay here until its last one is written, so that a message cut by the end of
/// a connection can be sent again whole. An empty queue owns no buffer.
#[derive(Debug, Default)]
pub struct SendBuf {
    /// All copied bytes in order.
    arena: Vec<u8>,
    /// What comes in which order; copied pieces refer to the arena by length.
    segments: VecDeque<Segment>,
    /// Where the next byte to write is.
    cursor: Cursor,
    /// Ends of messages and commands that are not wholly written.
    boundaries: VecDeque<Boundary>,
    /// Bytes put since the last boundary.
    open: usize,
    remaining_copied: usize,
    remaining_shared: usize,
    queued_total: u64,
    written_total: u64,
    /// Offset of the first byte of the front boundary's message.
    front_start: u64,
}

#[derive(Debug)]
enum Segment {
    Copied(usize),
    Shared(Bytes),
}

impl Segment {
    fn len(&self) -> usize {
        match self {
            Self::Copied(len) => *len,
            Self::Shared(bytes) => bytes.len(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    segment: usize,
    /// Within that segment.
    offset: usize,
    /// In the arena: the next copied byte to write.
    arena: usize,
}

#[derive(Clone, Copy, Debug)]
struct Boundary {
    len: usize,
    /// Payload bytes of a message; `None` for a command, which is not counted and not kept.
    payload: Option<usize>,
}

/// A message that was not wholly written.
#[derive(Debug)]
pub(crate) struct Unsent {
    /// Its bytes on the wire; a payload that was referenced is a piece of its own.
    pub(crate) pieces: Vec<Bytes>,
    pub(crate) payload: usize,
    /// Part of it was written.
    pub(crate) begun: bool,
}

impl SendBuf {
    /// Whether everything is written.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// Bytes to be written.
    #[inline]
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.remaining_copied + self.remaining_shared
    }

    /// The first contiguous bytes to be written; empty only if there are none at all.
    #[must_use]
    pub fn chunk(&self) -> &[u8] {
        self.slices().next().unwrap_or_default()
    }

    /// Fills `slices` from the front of the queue for a gathered write; returns how many were filled.
    pub fn io_slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slot, bytes) in slices.iter_mut().zip(self.slices()) {
            *slot = IoSlice::new(bytes);
            filled += 1;
        }
        filled
    }

    fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let (mut arena, mut skip) = (self.cursor.arena, self.cursor.offset);
        let slices =
            self.segments.range(self.cursor.segment.min(self.segments.len())..).map(move |segment| {
                let skipped = std::mem::take(&mut skip);
                match segment {
                    Segment::Copied(len) => {
                        let start = arena;
                        arena += len - skipped;
                        &self.arena[start..arena]
                    }
                    Segment::Shared(bytes) => &bytes[skipped..],
                }
            });
        slices.filter(|slice| !slice.is_empty())
    }

    /// Says that the first `written` bytes were accepted by the kernel.
    ///
    /// # Panics
    /// If that is more than there are.
    pub fn advance(&mut self, written: usize) {
        assert!(written <= self.remaining(), "advanced beyond the queue");
        self.written_total += written as u64;
        let mut left = written;
        while left > 0 {
            let segment = &self.segments[self.cursor.segment];
            let step = left.min(segment.len() - self.cursor.offset);
            match segment {
                Segment::Copied(_) => {
                    self.cursor.arena += step;
                    self.remaining_copied -= step;
                }
                Segment::Shared(_) => self.remaining_shared -= step,
            }
            self.cursor.offset += step;
            left -= step;
            // The last segment may still grow: the cursor stays on it.
            if self.cursor.offset == segment.len() && self.cursor.segment + 1 < self.segments.len() {
                self.cursor.segment += 1;
                self.cursor.offset = 0;
            }
        }
    }

    /// Appends a copy of `bytes`.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.arena.extend_from_slice(bytes);
        match self.segments.back_mut() {
            Some(Segment::Copied(len)) => *len += bytes.len(),
            _ => self.segments.push_back(Segment::Copied(bytes.len())),
        }
        self.remaining_copied += bytes.len();
        self.added(bytes.len());
    }

    /// Appends a payload, by reference if it is large.
    pub(crate) fn put_shared(&mut self, bytes: &Bytes) {
        if bytes.len() < REFERENCE_FROM {
            return self.put(bytes);
        }
        self.segments.push_back(Segment::Shared(bytes.clone()));
        self.remaining_shared += bytes.len();
        self.added(bytes.len());
    }

    #[inline]
    fn added(&mut self, len: usize) {
        self.open += len;
        self.queued_total += len as u64;
    }

    /// Ends a message with `payload` payload bytes.
    #[inline]
    pub(crate) fn end_message(&mut self, payload: usize) {
        self.end(Some(payload));
    }

    /// Ends a command, if anything was put since the last boundary.
    #[inline]
    pub(crate) fn end_control(&mut self) {
        if self.open > 0 {
            self.end(None);
        }
    }

    #[inline]
    fn end(&mut self, payload: Option<usize>) {
        self.boundaries.push_back(Boundary { len: self.open, payload });
        self.open = 0;
    }

    /// The payload bytes of the next message that has been wholly written, each reported once.
    #[inline]
    pub(crate) fn pop_written(&mut self) -> Option<usize> {
        while let Some(front) = self.boundaries.front() {
            let end = self.front_start + front.len as u64;
            if end > self.written_total {
                return None;
            }
            let payload = front.payload;
            self.front_start = end;
            self.boundaries.pop_front();
            self.reclaim();
            if payload.is_some() {
                return payload;
            }
        }
        None
    }

    /// Lets go of what no message needs any more.
    #[inline]
    fn reclaim(&mut self) {
        if !self.boundaries.is_empty() || self.open > 0 {
            if self.front_start == self.written_total {
                self.drop_written();
            }
            return;
        }
        self.arena.clear();
        self.segments.clear();
        self.cursor = Cursor::default();
    }

    /// Drops written segments and, now and then, the written part of the arena. The cursor stands at
    /// the start of a message.
    fn drop_written(&mut self) {
        self.segments.drain(..self.cursor.segment);
        self.cursor.segment = 0;
        if self.cursor.arena < COMPACT_FROM || self.cursor.arena < self.arena.len() / 2 {
            return;
        }
        self.arena.drain(..self.cursor.arena);
        self.cursor.arena = 0;
        if let Some(Segment::Copied(len)) = self.segments.front_mut() {
            *len -= self.cursor.offset;
            self.cursor.offset = 0;
        }
    }

    /// Whether the front message is written in part.
    pub(crate) fn is_mid_message(&self) -> bool {
        self.written_total > self.front_start
            && self.boundaries.front().is_some_and(|front| front.payload.is_some())
    }

    /// Copied bytes to be written.
    #[inline]
    pub(crate) fn remaining_copied(&self) -> usize {
        self.remaining_copied
    }

    /// Referenced bytes to be written.
    #[inline]
    pub(crate) fn remaining_shared(&self) -> usize {
        self.remaining_shared
    }

    /// Slices of the next gathered write, if it took all.
    #[inline]
    pub(crate) fn io_slice_count(&self) -> usize {
        self.segments.len() - self.cursor.segment.min(self.segments.len())
    }

    /// Bytes ever put: the position that a flush waits for.
    pub(crate) fn queued_total(&self) -> u64 {
        self.queued_total
    }

    /// Bytes ever written.
    pub(crate) fn written_total(&self) -> u64 {
        self.written_total
    }

    /// Takes the arena of an empty queue away, so that an idle connection holds no memory.
    pub(crate) fn take_arena(&mut self) -> Vec<u8> {
        debug_assert!(self.is_empty());
        self.segments = VecDeque::new();
        self.boundaries = VecDeque::new();
        std::mem::take(&mut self.arena)
    }

    /// Gives an empty queue an arena to work with.
    #[inline]
    pub(crate) fn give_arena(&mut self, arena: Vec<u8>) {
        debug_assert!(self.is_empty() && arena.is_empty());
        if self.arena.capacity() == 0 {
            self.arena = arena;
        }
    }

    /// Empties the queue; returns the messages that were not wholly written, in order.
    pub(crate) fn drain_unsent(&mut self) -> Vec<Unsent> {
        let Self { arena, mut segments, boundaries, cursor, front_start, written_total, .. } =
            std::mem::take(self);
        // Rewind to the start of the front message.
        let mut written = (written_total - front_start) as usize;
        let mut start = cursor;
        while written > 0 {
            let step = written.min(start.offset);
            start.offset -= step;
            written -= step;
            if matches!(segments.get(start.segment), Some(Segment::Copied(_))) {
                start.arena -= step;
            }
            if written > 0 {
                start.segment -= 1;
                start.offset = segments[start.segment].len();
            }
        }
        segments.drain(..start.segment.min(segments.len()));
        let mut source = Pieces { arena: &arena[start.arena..], segments, offset: start.offset };
        let mut unsent = Vec::new();
        for (index, boundary) in boundaries.iter().enumerate() {
            let pieces = source.take(boundary.len);
            if let Some(payload) = boundary.payload {
                unsent.push(Unsent { pieces, payload, begun: index == 0 && written_total > front_start });
            }
        }
        unsent
    }
}

/// Cuts a queue into the pieces of its messages.
struct Pieces<'a> {
    arena: &'a [u8],
    segments: VecDeque<Segment>,
    /// Bytes of the first segment that are gone.
    offset: usize,
}

impl Pieces<'_> {
    fn take(&mut self, mut len: usize) -> Vec<Bytes> {
        let mut pieces = Vec::new();
        while len > 0 {
            let Some(segment) = self.segments.front() else { break };
            let step = len.min(segment.len() - self.offset);
            if step > 0 {
                pieces.push(match segment {
                    Segment::Copied(_) => {
                        let (piece, rest) = self.arena.split_at(step);
                        self.arena = rest;
                        Bytes::copy_from_slice(piece)
                    }
                    Segment::Shared(bytes) => bytes.slice(self.offset..self.offset + step),
                });
            }
            len -= step;
            self.offset += step;
            if self.offset == segment.len() {
                self.segments.pop_front();
                self.offset = 0;
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of pieces: sizes from `REFERENCE_FROM` on become references.
    fn message(seed: u8, sizes: &[usize]) -> Vec<Vec<u8>> {
        sizes.iter().enumerate().map(|(i, size)| vec![seed.wrapping_add(i as u8); *size]).collect()
    }

    fn put(queue: &mut SendBuf, message: &[Vec<u8>]) {
        for piece in message {
            queue.put_shared(&Bytes::from(piece.clone()));
        }
        queue.end_message(message.concat().len());
    }

    /// What a kernel that takes `len` bytes sees.
    fn write(queue: &mut SendBuf, len: usize) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 64];
        let filled = queue.io_slices(&mut slices);
        let all: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
        let written = all[..len.min(all.len())].to_vec();
        queue.advance(written.len());
        written
    }

    #[test]
    fn copies_small_and_references_large() {
        let large = Bytes::from(vec![1; REFERENCE_FROM]);
        let mut queue = SendBuf::default();
        queue.put(b"head");
        queue.put_shared(&Bytes::from_static(b"small"));
        queue.put_shared(&large);
        queue.end_message(REFERENCE_FROM + 5);
        assert_eq!(queue.chunk(), b"headsmall");
        assert_eq!((queue.remaining_copied(), queue.remaining_shared()), (9, REFERENCE_FROM));
        assert_eq!(queue.io_slice_count(), 2);
        queue.advance(9);
        assert_eq!(queue.chunk().as_ptr(), large.as_ptr());
    }

    #[test]
    fn commands_are_neither_reported_nor_kept() {
        let mut queue = SendBuf::default();
        queue.put(b"greeting");
        queue.end_control();
        queue.end_control();
        queue.put(b"abc");
        queue.end_message(2);
        write(&mut queue, 9);
        assert_eq!(queue.pop_written(), None);
        assert!(queue.is_mid_message());
        let unsent = queue.drain_unsent();
        assert_eq!(unsent.len(), 1);
        assert_eq!(unsent[0].pieces.concat(), b"abc");
        assert!(unsent[0].begun);
        assert!(queue.is_empty() && !queue.is_mid_message());
    }

    #[test]
    fn an_empty_queue_owns_nothing() {
        let mut queue = SendBuf::default();
        put(&mut queue, &message(1, &[10, 5000]));
        let all = queue.remaining();
        write(&mut queue, all);
        assert_eq!(queue.pop_written(), Some(5010));
        assert!(queue.take_arena().capacity() > 0);
        assert_eq!(
            (queue.arena.capacity(), queue.segments.capacity(), queue.boundaries.capacity()),
            (0, 0, 0)
        );
    }

    /// Random puts and short writes against a plain byte queue; then the connection is lost. Kills:
    /// reporting early or twice, losing the cursor across kinds of segments, recovering from the
    /// wrong place, compacting away bytes that a begun message needs.
    #[test]
    fn random_scripts_match_the_model() {
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..400 {
            let mut queue = SendBuf::default();
            let mut model: VecDeque<Vec<u8>> = VecDeque::new();
            let mut done = 0;
            for step in 0..random.usize(1..60) {
                if random.bool() {
                    let sizes: Vec<usize> =
                        (0..random.usize(1..4))
                            .map(|_| {
                                if random.u8(..) < 200 {
                                    random.usize(..90)
                                } else {
                                    random.usize(4000..9000)
                                }
                            })
                            .collect();
                    let message = message(step as u8, &sizes);
                    put(&mut queue, &message);
                    model.push_back(message.concat());
                } else {
                    let len = random.usize(..queue.remaining() + 2);
                    let written = write(&mut queue, len);
                    let pending: Vec<u8> = model.iter().flatten().copied().skip(done).collect();
                    assert_eq!(written, pending[..written.len()]);
                    done += written.len();
                    while let Some(payload) = queue.pop_written() {
                        let whole = model.pop_front().unwrap();
                        assert_eq!(payload, whole.len());
                        done -= whole.len();
                    }
                    assert!(model.front().is_none_or(|front| done < front.len() || front.is_empty()));
                    assert_eq!(queue.is_mid_message(), done > 0);
                }
            }
            let unsent = queue.drain_unsent();
            assert_eq!(unsent.len(), model.len());
            for (index, (unsent, whole)) in unsent.iter().zip(&model).enumerate() {
                assert_eq!(unsent.pieces.concat(), *whole);
                assert_eq!(unsent.begun, index == 0 && done > 0);
            }
        }
    }

    #[test]
    fn a_long_stream_does_not_grow_the_arena() {
        let mut queue = SendBuf::default();
        let message = message(1, &[1000]);
        put(&mut queue, &message);
        for _ in 0..10_000 {
            put(&mut queue, &message);
            write(&mut queue, 1000);
            while queue.pop_written().is_some() {}
        }
        assert!(queue.arena.capacity() < 4 * COMPACT_FROM, "{}", queue.arena.capacity());
        assert!(queue.segments.len() < 4);
    }
}
