//! The high-water meter.

/// Counts queued messages and bytes against two marks. Exact: one message out makes room for one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HighWater {
    max_messages: usize,
    max_bytes: usize,
    messages: usize,
    bytes: usize,
    /// Room that is held for messages to come: counts against the marks, and is not queued.
    reserved_messages: usize,
    reserved_bytes: usize,
}

impl HighWater {
    /// A meter at zero; `usize::MAX` stands for no limit.
    pub(crate) const fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self { max_messages, max_bytes, messages: 0, bytes: 0, reserved_messages: 0, reserved_bytes: 0 }
    }

    /// Whether a message of `size` bytes may be added. One that is larger than the whole byte mark is
    /// admitted alone, so that it cannot wait for ever.
    #[inline]
    pub(crate) fn has_room(&self, size: usize) -> bool {
        let bytes = self.bytes + self.reserved_bytes;
        self.messages + self.reserved_messages < self.max_messages
            && (bytes == 0 || bytes.saturating_add(size) <= self.max_bytes)
    }

    /// Whether not even one more byte fits.
    pub(crate) fn is_full(&self) -> bool {
        self.messages >= self.max_messages || self.bytes >= self.max_bytes
    }

    #[inline]
    pub(crate) fn add(&mut self, size: usize) {
        self.messages += 1;
        self.bytes += size;
    }

    /// Holds room for a message of up to `size` bytes.
    pub(crate) fn reserve(&mut self, size: usize) {
        self.reserved_messages += 1;
        self.reserved_bytes += size;
    }

    /// Gives such room back.
    pub(crate) fn release(&mut self, size: usize) {
        self.reserved_messages -= 1;
        self.reserved_bytes -= size;
    }

    #[inline]
    pub(crate) fn remove(&mut self, size: usize) {
        debug_assert!(self.messages > 0 && self.bytes >= size, "removed what was never added");
        self.messages -= 1;
        self.bytes -= size;
    }

    pub(crate) fn messages(&self) -> usize {
        self.messages
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_out_makes_room_for_one() {
        let mut level = HighWater::new(2, usize::MAX);
        level.add(10);
        assert!(level.has_room(10));
        level.add(10);
        assert!(!level.has_room(0) && level.is_full());
        level.remove(10);
        assert!(level.has_room(0) && !level.is_full());
        assert_eq!((level.messages(), level.bytes()), (1, 10));
    }

    #[test]
    fn reserved_room_counts_against_the_marks_only() {
        let mut level = HighWater::new(2, 100);
        level.reserve(60);
        assert!(level.has_room(40) && !level.has_room(41));
        level.reserve(40);
        assert!(!level.has_room(0));
        assert_eq!((level.messages(), level.bytes()), (0, 0));
        level.release(60);
        level.release(40);
        assert!(level.has_room(100));
    }

    #[test]
    fn bytes_are_exact_and_a_giant_is_admitted_alone() {
        let mut level = HighWater::new(usize::MAX, 100);
        assert!(level.has_room(1000), "alone");
        level.add(60);
        assert!(level.has_room(40) && !level.has_room(41) && !level.has_room(usize::MAX));
        level.add(40);
        assert!(level.is_full() && level.has_room(0));
    }
}
