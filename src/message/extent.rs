//! How large messages are.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Frame;

/// How large a message is or may be, or several are together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Extent {
    /// Payload bytes.
    pub(crate) size: usize,
    pub(crate) frames: usize,
}

impl Extent {
    /// What it costs.
    #[inline(always)]
    pub(crate) const fn cost(self) -> usize {
        self.size + self.frames * Frame::COST
    }

    /// What it costs, where the numbers are what somebody asks for, and may be anything.
    pub(crate) const fn saturating_cost(self) -> usize {
        self.size.saturating_add(self.frames.saturating_mul(Frame::COST))
    }

    /// So many times as much.
    #[inline]
    pub(crate) const fn times(self, count: usize) -> Self {
        Self { size: self.size * count, frames: self.frames * count }
    }

    #[inline(always)]
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self { size: self.size + other.size, frames: self.frames + other.frames }
    }

    #[inline(always)]
    pub(crate) const fn minus(self, other: Self) -> Self {
        Self { size: self.size - other.size, frames: self.frames - other.frames }
    }
}

/// Messages, and how large they are together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Count {
    pub(crate) messages: usize,
    pub(crate) all: Extent,
}

impl Count {
    pub(crate) fn add(&mut self, extent: Extent) {
        self.messages += 1;
        self.all = self.all.plus(extent);
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { messages: self.messages - earlier.messages, all: self.all.minus(earlier.all) }
    }

    /// Whether there are fewer messages than in `other`, and of fewer bytes.
    pub(crate) fn is_below(self, other: Self) -> bool {
        self.messages < other.messages && self.all.size < other.all.size
    }
}

/// What one has counted, for others to see.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    messages: AtomicUsize,
    size: AtomicUsize,
    frames: AtomicUsize,
}

impl Tally {
    pub(crate) fn add(&self, extent: Extent) {
        let Count { messages, all } = self.count();
        let Extent { size, frames } = all.plus(extent);
        self.size.store(size, Ordering::Release);
        self.frames.store(frames, Ordering::Release);
        self.messages.store(messages + 1, Ordering::SeqCst);
    }

    /// The rest is that of the messages, or ahead of it.
    pub(crate) fn count(&self) -> Count {
        let messages = self.messages.load(Ordering::SeqCst);
        let (size, frames) = (self.size.load(Ordering::Acquire), self.frames.load(Ordering::Acquire));
        Count { messages, all: Extent { size, frames } }
    }
}
