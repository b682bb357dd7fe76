//! The high-water meter of one queue.

use crate::message::Frame;

/// Counts queued messages, and in bytes what they cost, against two marks (libzmq: SNDHWM, RCVHWM; in messages
/// only).
///
/// Exact in both units: one message out makes room for one (libzmq waits until half of the queue has
/// drained), and nothing is rounded or saturated. Pure arithmetic: waiting for room is the business of
/// the queue's owner.
///
/// Invariant, provided that the owner asks [`has_room`](Self::has_room) before it adds:
/// `messages <= max_messages`, and `bytes <= max_bytes` unless all bytes are those of one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HighWater {
    messages: usize,
    bytes: usize,
    max_messages: usize,
    max_bytes: usize,
    /// Room held for messages to come: it counts against the marks, and nothing is queued for it.
    reserved_messages: usize,
    reserved_bytes: usize,
}

impl HighWater {
    /// An empty meter; `usize::MAX` stands for "unlimited".
    pub(crate) const fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self { messages: 0, bytes: 0, max_messages, max_bytes, reserved_messages: 0, reserved_bytes: 0 }
    }

    /// Whether a message that costs `cost` may be added.
    ///
    /// One that costs more than the whole byte mark is admitted when nothing is queued: alone, instead of
    /// never.
    #[inline]
    pub(crate) const fn has_room(&self, cost: usize) -> bool {
        // After an oversized message `bytes` is over the mark, and there is nothing to subtract.
        let bytes = self.bytes + self.reserved_bytes;
        self.messages + self.reserved_messages < self.max_messages
            && (bytes == 0 || (bytes < self.max_bytes && cost <= self.max_bytes - bytes))
    }

    /// The messages, and the bytes that they may cost together, for which there is room; more than the byte mark
    /// for one that stands alone is not told.
    #[inline]
    pub(crate) const fn room(&self) -> (usize, usize) {
        let messages = self.max_messages.saturating_sub(self.messages + self.reserved_messages);
        (messages, self.max_bytes.saturating_sub(self.bytes + self.reserved_bytes))
    }

    /// Whether there is no room for any message, since each costs as much as an empty frame at least.
    #[inline]
    pub(crate) const fn is_full(&self) -> bool {
        !self.has_room(Frame::COST)
    }

    /// A message that costs `cost` was queued.
    #[inline]
    pub(crate) fn add(&mut self, cost: usize) {
        self.add_all(1, cost);
    }

    /// Several messages, that cost so many bytes together, were queued.
    #[inline]
    pub(crate) fn add_all(&mut self, messages: usize, bytes: usize) {
        self.messages = self.messages.checked_add(messages).expect("fewer messages than addresses");
        self.bytes = self.bytes.checked_add(bytes).expect("queued bytes fit into the address space");
    }

    /// A message that costs `cost` has left the queue; `cost` must be what it was added with.
    ///
    /// # Panics
    /// If more leaves than was added: a count that wraps around shuts the queue for ever.
    #[inline]
    pub(crate) fn remove(&mut self, cost: usize) {
        self.remove_all(1, cost);
    }

    /// Several messages, that cost so many bytes together, have left the queue.
    ///
    /// # Panics
    /// As [`remove`](Self::remove).
    #[inline]
    pub(crate) fn remove_all(&mut self, messages: usize, bytes: usize) {
        self.messages = self.messages.checked_sub(messages).expect("every message leaves once");
        self.bytes = self.bytes.checked_sub(bytes).expect("a message leaves with the cost it came with");
    }

    /// Holds room for a message that costs up to `cost`.
    pub(crate) fn reserve(&mut self, cost: usize) {
        self.reserved_messages += 1;
        self.reserved_bytes += cost;
    }

    /// The same for several messages, of so many bytes together.
    pub(crate) fn reserve_all(&mut self, messages: usize, bytes: usize) {
        self.reserved_messages += messages;
        self.reserved_bytes += bytes;
    }

    /// Gives room back that was held.
    ///
    /// # Panics
    /// If more is given back than was held.
    pub(crate) fn release(&mut self, cost: usize) {
        self.reserved_messages = self.reserved_messages.checked_sub(1).expect("every room is held once");
        self.reserved_bytes = self.reserved_bytes.checked_sub(cost).expect("room goes back as it was held");
    }

    /// Messages queued now.
    #[inline]
    pub(crate) const fn messages(&self) -> usize {
        self.messages
    }

    /// Bytes queued now.
    #[inline]
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_room_counts_against_the_marks_only() {
        let mut meter = HighWater::new(2, 100);
        meter.reserve(60);
        assert!(meter.has_room(40) && !meter.has_room(41));
        meter.reserve(40);
        assert!(!meter.has_room(0));
        assert_eq!((meter.messages(), meter.bytes()), (0, 0));
        meter.release(60);
        meter.release(40);
        assert!(meter.has_room(100));
    }

    /// Kills `<=` for `<` in the message mark, and hysteresis.
    #[test]
    fn one_message_out_makes_room_for_one() {
        let mut meter = HighWater::new(2, usize::MAX);
        for _ in 0..3 {
            while meter.has_room(10) {
                meter.add(10);
            }
            assert_eq!((meter.messages(), meter.bytes()), (2, 20));
            assert!(meter.is_full() && !meter.has_room(0));
            meter.remove(10);
            assert_eq!((meter.messages(), meter.bytes()), (1, 10));
            assert!(!meter.is_full());
        }
    }

    #[test]
    fn byte_mark_is_exact() {
        let mut meter = HighWater::new(usize::MAX, 100);
        meter.add(60);
        assert!(meter.has_room(40) && !meter.has_room(41) && !meter.has_room(usize::MAX));
        meter.add(40);
        assert!(meter.is_full());
        assert!(!meter.has_room(0), "full is full, for an empty message too");
        meter.remove(60);
        assert!(meter.has_room(60) && !meter.has_room(61));
    }

    /// Kills a refusal of oversized messages (a deadlock), and an underflow after one was admitted.
    #[test]
    fn a_message_over_the_byte_mark_is_admitted_alone() {
        let mut meter = HighWater::new(10, 100);
        meter.add(0);
        assert!(meter.has_room(1_000), "empty messages are no company");
        meter.add(1_000);
        assert!(meter.is_full() && !meter.has_room(0) && !meter.has_room(1));
        meter.remove(1_000);
        meter.add(1);
        assert!(!meter.has_room(1_000) && meter.has_room(99));
    }

    #[test]
    fn unlimited_is_unlimited() {
        let mut meter = HighWater::new(usize::MAX, usize::MAX);
        meter.add(usize::MAX - 1);
        assert!(meter.has_room(1) && !meter.has_room(2));
        assert!(!HighWater::new(0, 1).has_room(0), "a mark of zero admits nothing");
    }

    #[test]
    #[should_panic(expected = "cost it came with")]
    fn losing_count_is_loud() {
        let mut meter = HighWater::new(2, 2);
        meter.add(1);
        meter.remove(2);
    }
}
