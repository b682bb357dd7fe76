//! Byte permits: a budget for what is queued.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::sync::Arc;

/// A budget of bytes that messages are charged to while they are queued.
///
/// A socket acquires a permit for a message's payload bytes before it queues the message; the [`Permit`]
/// moves with the message and returns the bytes when the message's last byte is with the kernel, or the
/// message is dropped. One budget may serve any number of sockets.
pub trait BytePermits: Clone + Unpin + 'static {
    /// Resolves with the permit; dropping it gives up the place in the queue, and nothing else.
    type Acquire: Future<Output = Permit> + Unpin + 'static;

    /// Waits for `bytes` bytes of the budget.
    fn acquire(&self, bytes: usize) -> Self::Acquire;

    /// Takes `bytes` bytes of the budget if they are free and nobody waits.
    fn try_acquire(&self, bytes: usize) -> Option<Permit>;
}

/// Where the bytes of a [`Permit`] go back to.
pub trait ReleaseBytes: Send + Sync {
    /// Takes `bytes` bytes back.
    fn release(&self, bytes: usize);
}

/// Bytes of a budget, given back on drop.
#[must_use = "dropping the permit gives its bytes back"]
pub struct Permit {
    budget: Option<Arc<dyn ReleaseBytes>>,
    bytes: usize,
}

impl Permit {
    /// A permit of no budget.
    #[inline]
    pub const fn none() -> Self {
        Self { budget: None, bytes: 0 }
    }

    /// A permit for `bytes` bytes, to be returned to `budget`.
    pub fn new(budget: Arc<dyn ReleaseBytes>, bytes: usize) -> Self {
        Self { budget: Some(budget), bytes }
    }

    /// The bytes it stands for.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it belongs to no budget.
    #[inline]
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.budget.is_none()
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        if let Some(budget) = &self.budget {
            budget.release(self.bytes);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// No budget: every permit is granted, without an allocation or an atomic operation. The default.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NoOpPermits;

impl BytePermits for NoOpPermits {
    type Acquire = Ready<Permit>;

    #[inline]
    fn acquire(&self, _bytes: usize) -> Self::Acquire {
        ready(Permit::none())
    }

    #[inline]
    fn try_acquire(&self, _bytes: usize) -> Option<Permit> {
        Some(Permit::none())
    }
}
