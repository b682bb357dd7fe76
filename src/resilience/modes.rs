//! The choices that sockets offer about cancelled writes and about batching.

/// What dropping a pending `send` or `flush` means for a connection that is in the middle of a message.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OnCancel {
    /// Nothing: the write goes on at the exact byte with the next operation or in the background.
    #[default]
    Resume,
    /// The connection is closed at once and the half-written message abandoned (and counted): for those
    /// who need "timed out" to mean "not delivered". The next send-side call fails with
    /// [`Error::Poisoned`](crate::Error::Poisoned) once, and reconnection takes over where it is
    /// configured.
    Poison,
}

/// When accepted messages are written.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FlushPolicy {
    /// An isolated message at once; the messages of a burst together, as soon as 32 KiB have gathered or
    /// the sending task yields to its runtime.
    #[default]
    Adaptive,
    /// Every message at once: one system call for each.
    Eager,
    /// Only by `flush`, and by a `send` that waits at the mark.
    Manual,
}
