//! Several frames, and how large they are together.

use std::collections::VecDeque;
use std::collections::vec_deque::{IntoIter, Iter};

use super::{Extent, Frame};

/// Frames that there is room for in a list that gets its first: an envelope's two do not make it grow, and
/// room for more would cost more than is counted for two.
pub(super) const ROOM: usize = 3;

/// The frames of a message that has, or had, more than one. What they are together is counted as they come and go: it
/// is asked for several times on the way of each message.
#[derive(Clone, Debug, Default)]
pub(crate) struct FrameList {
    frames: VecDeque<Frame>,
    size: usize,
}

impl FrameList {
    pub(crate) const fn new() -> Self {
        Self { frames: VecDeque::new(), size: 0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.frames.len()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    #[inline]
    pub(crate) fn extent(&self) -> Extent {
        Extent { size: self.size, frames: self.frames.len() }
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<&Frame> {
        self.frames.get(index)
    }

    #[inline]
    pub(super) fn iter(&self) -> Iter<'_, Frame> {
        self.frames.iter()
    }

    pub(super) fn push_front(&mut self, frame: Frame) {
        self.make_room();
        self.size += frame.payload_len();
        self.frames.push_front(frame);
    }

    #[inline]
    pub(crate) fn push_back(&mut self, frame: Frame) {
        self.make_room();
        self.size += frame.payload_len();
        self.frames.push_back(frame);
    }

    pub(super) fn pop_front(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.size -= frame.payload_len();
        Some(frame)
    }

    pub(super) fn pop_back(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_back()?;
        self.size -= frame.payload_len();
        Some(frame)
    }

    #[inline]
    pub(super) fn last_mut(&mut self) -> Option<&mut Frame> {
        self.frames.back_mut()
    }

    /// Takes memory for the common shapes at once.
    #[inline]
    fn make_room(&mut self) {
        if self.frames.capacity() == 0 {
            self.frames = VecDeque::with_capacity(ROOM);
        }
    }

    /// Lets go of memory that it has for frames and does not need.
    pub(super) fn trim(&mut self) {
        if self.frames.capacity() > ROOM.max(2 * self.frames.len()) {
            self.frames.shrink_to_fit();
        }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.frames.capacity()
    }
}

impl From<VecDeque<Frame>> for FrameList {
    fn from(frames: VecDeque<Frame>) -> Self {
        Self { size: frames.iter().map(Frame::payload_len).sum(), frames }
    }
}

impl Extend<Frame> for FrameList {
    fn extend<I: IntoIterator<Item = Frame>>(&mut self, frames: I) {
        let size = &mut self.size;
        self.frames.extend(frames.into_iter().inspect(|frame| *size += frame.payload_len()));
    }
}

impl IntoIterator for FrameList {
    type Item = Frame;
    type IntoIter = IntoIter<Frame>;

    fn into_iter(self) -> IntoIter<Frame> {
        self.frames.into_iter()
    }
}
