//! The choices that a socket offers about cancellation and flushing.

/// What a cancelled write does to its connection.
///
/// It matters only when a `send` or `flush` that is pending is dropped while its connection is in the
/// middle of a message. A panic or an error there costs the connection in both modes.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OnCancel {
    /// The write is resumed at the exact byte, by the next operation or in the background; the default.
    ///
    /// Nothing is torn or lost, but what a `flush` that timed out was writing may still be delivered.
    #[default]
    Resume,
    /// The connection is closed at once: for those who need "timed out means not delivered".
    ///
    /// The half-written message is abandoned and counted, and the peer never sees it whole; messages that
    /// were not begun survive. `is_poisoned()` is true, the next call on the sending side fails once with
    /// [`Error::Poisoned`](crate::Error::Poisoned) (`ErrorKind::BrokenPipe`), and reconnection takes over
    /// where it is configured.
    Poison,
}

/// When a message that was accepted is written to its connection.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FlushPolicy {
    /// An isolated message leaves at once, a burst in large writes; the default.
    ///
    /// A write takes place whenever 32 KiB have been copied or about 1 MiB is referenced. The tail of a
    /// burst leaves when the task that sent it next yields to its runtime.
    #[default]
    Adaptive,
    /// Every message is written before its `send` is done: one system call each.
    Eager,
    /// Nothing is written but by `flush`, or by a `send` that has to make room. Messages on `inproc://` are
    /// not written, and pass at once.
    Manual,
}
