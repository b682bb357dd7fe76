//! What all contestants send, and how it is checked.

/// The number of messages that only find out whether the other side is there.
pub const PROBE: u64 = u64::MAX;

const TAIL: u8 = 0x5A;

/// Numbers a message of at least 9 bytes: the number at its head, a mark at its end.
#[inline]
pub fn fill(message: &mut [u8], number: u64) {
    message[..8].copy_from_slice(&number.to_le_bytes());
    *message.last_mut().expect("a message of at least 9 bytes") = TAIL;
}

/// The number of a message, whose length and end are checked.
#[inline]
pub fn number(message: &[u8], size: usize) -> u64 {
    assert_eq!(message.len(), size, "a message of the wrong length");
    assert_eq!(message[size - 1], TAIL, "a message with the wrong end");
    u64::from_le_bytes(*message.first_chunk().expect("a message of at least 9 bytes"))
}

/// Checks a message whole: its length, its number and its end.
#[inline]
pub fn check(message: &[u8], size: usize, expected: u64) {
    let number = number(message, size);
    assert_eq!(number, expected, "a message lost or out of order");
}
