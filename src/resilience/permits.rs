//! Byte permits: a budget for queued bytes, and the receipt that travels with each message.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::sync::Arc;

/// A budget of bytes that messages are charged to for as long as they are queued.
///
/// A socket acquires what a message costs ([`Message::cost`](crate::Message::cost)) before it queues the message, and the [`Permit`] moves
/// with the message: it returns its bytes when the last of them is with the kernel, or when the message
/// is dropped. Give clones of one budget to several sockets, and it bounds what they hold together.
///
/// In a burst of small messages a handle acquires with one of them up to 16 KiB for the next, and gives back what is left
/// when the burst is over. It asks for eight times as much, which is free only if there are plenty and nobody waits, and
/// gives the excess back at once.
///
/// [`NoOpPermits`] is the default, [`SemaphorePermits`](super::SemaphorePermits) a fair budget. One of
/// your own:
///
/// ```
/// use std::future::{Ready, ready};
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
/// use monocoque::resilience::{BytePermits, Permit, ReleaseBytes};
///
/// /// Limits nothing, but knows how much is queued.
/// #[derive(Clone, Default)]
/// struct Gauge(Arc<Queued>);
///
/// #[derive(Default)]
/// struct Queued(AtomicUsize);
///
/// impl ReleaseBytes for Queued {
///     fn release(&self, bytes: usize) {
///         self.0.fetch_sub(bytes, Relaxed);
///     }
/// }
///
/// impl BytePermits for Gauge {
///     type Acquire = Ready<Permit>;
///
///     fn acquire(&self, bytes: usize) -> Ready<Permit> {
///         self.0.0.fetch_add(bytes, Relaxed);
///         ready(Permit::new(self.0.clone(), bytes))
///     }
///
///     fn try_acquire(&self, bytes: usize) -> Option<Permit> {
///         Some(self.acquire(bytes).into_inner())
///     }
/// }
///
/// let gauge = Gauge::default();
/// let permit = gauge.try_acquire(100);
/// assert_eq!(gauge.0.0.load(Relaxed), 100);
/// drop(permit);
/// assert_eq!(gauge.0.0.load(Relaxed), 0);
/// ```
pub trait BytePermits: Clone + Unpin + 'static {
    /// Resolves with the permit; dropped before that, it must leave the budget as if it had never been.
    type Acquire: Future<Output = Permit> + Unpin + 'static;

    /// Waits until `bytes` bytes of the budget are free, and takes them in one step.
    fn acquire(&self, bytes: usize) -> Self::Acquire;

    /// Takes `bytes` bytes if they are free now and nobody waits for them.
    fn try_acquire(&self, bytes: usize) -> Option<Permit>;
}

/// Where the bytes of a [`Permit`] go back to.
///
/// A limiter of another crate needs this and no more to be one for sockets. Here one of messages, whatever their sizes:
///
/// ```
/// use async_lock::Semaphore;
/// use monocoque::resilience::{BytePermits, Permit, ReleaseBytes};
/// use std::future::Future;
/// use std::pin::Pin;
/// use std::sync::Arc;
///
/// /// So many messages at once.
/// #[derive(Clone)]
/// struct Slots(Arc<OneEach>);
///
/// struct OneEach(Arc<Semaphore>);
///
/// impl ReleaseBytes for OneEach {
///     fn release(&self, slots: usize) {
///         self.0.add_permits(slots);
///     }
/// }
///
/// impl BytePermits for Slots {
///     type Acquire = Pin<Box<dyn Future<Output = Permit> + Send + Sync>>;
///
///     fn acquire(&self, _bytes: usize) -> Self::Acquire {
///         let slots = self.0.clone();
///         Box::pin(async move {
///             slots.0.acquire_arc().await.forget();
///             Permit::new(slots, 1)
///         })
///     }
///
///     fn try_acquire(&self, _bytes: usize) -> Option<Permit> {
///         self.0.0.try_acquire()?.forget();
///         Some(Permit::new(self.0.clone(), 1))
///     }
/// }
///
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> monocoque::Result<()> {
/// use monocoque::tokio::prelude::*;
///
/// let slots = Slots(Arc::new(OneEach(Arc::new(Semaphore::new(2)))));
/// let pull = PullSocket::bind("inproc://slots").await?;
/// let push = PushSocket::connect("inproc://slots").await?.with_permits(slots);
/// push.send(vec![0; 100_000]).await?;
/// push.send("small").await?;
/// assert!(push.try_send("one too many").is_err());
/// pull.recv().await?;
/// push.send("another").await?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
pub trait ReleaseBytes: Send + Sync {
    /// Takes `bytes` bytes back, as many as [`Permit::new`] was told of, at once or in parts; called when a permit is
    /// dropped, so it must not panic.
    fn release(&self, bytes: usize);
}

/// Bytes of a budget, given back on drop.
///
/// A concrete type, so that queues of messages do not depend on whose permits they hold.
#[must_use = "dropping the permit gives its bytes back"]
pub struct Permit {
    bytes: usize,
    owner: Option<Arc<dyn ReleaseBytes>>,
}

impl Permit {
    /// A permit that costs nothing and returns nothing.
    ///
    /// ```
    /// use monocoque::resilience::Permit;
    ///
    /// let permit = Permit::none();
    /// assert!(permit.is_none() && permit.bytes() == 0);
    /// ```
    #[inline]
    pub const fn none() -> Self {
        Self { bytes: 0, owner: None }
    }

    /// A permit for `bytes` bytes, which `owner` has already taken off its budget.
    ///
    /// [`BytePermits`] and [`ReleaseBytes`] show budgets of your own that make them.
    pub fn new(owner: Arc<dyn ReleaseBytes>, bytes: usize) -> Self {
        Self { bytes, owner: Some(owner) }
    }

    /// The bytes that will be returned: 0 for [`none`](Self::none), and less than the message costs if
    /// that is more than the whole budget.
    ///
    /// ```
    /// use monocoque::resilience::{BytePermits, SemaphorePermits};
    ///
    /// // More than there is of the budget: all of it, and so the message is admitted alone.
    /// let permit = SemaphorePermits::new(1000).try_acquire(5000).unwrap();
    /// assert_eq!(permit.bytes(), 1000);
    /// ```
    #[inline]
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether no budget stands behind it.
    ///
    /// [`none`](Self::none) makes such a one.
    #[inline]
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.owner.is_none()
    }

    /// Takes `bytes` bytes, or all if there are fewer, into a permit of their own.
    ///
    /// ```
    /// use monocoque::resilience::{BytePermits, SemaphorePermits};
    ///
    /// let budget = SemaphorePermits::new(1000);
    /// let mut reserved = budget.try_acquire(500).unwrap();
    /// let used = reserved.split(120);
    /// drop(reserved);
    /// assert_eq!((used.bytes(), budget.in_use()), (120, 120));
    /// ```
    pub fn split(&mut self, bytes: usize) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self { bytes, owner: self.owner.clone() }
    }

    /// What it has beyond `bytes` bytes, as a permit of its own.
    #[inline]
    pub(crate) fn split_excess(&mut self, bytes: usize) -> Self {
        let excess = self.bytes.saturating_sub(bytes);
        if excess > 0 { self.split(excess) } else { Self::none() }
    }

    /// Moves `bytes` bytes from `other` here; false if they are not of one budget, or `other` has fewer.
    #[inline]
    pub(crate) fn take_over(&mut self, other: &mut Self, bytes: usize) -> bool {
        let same = match (&self.owner, &other.owner) {
            (Some(own), Some(its)) => std::ptr::addr_eq(Arc::as_ptr(own), Arc::as_ptr(its)),
            _ => false,
        };
        if !same || other.bytes < bytes {
            return false;
        }
        other.bytes -= bytes;
        self.bytes += bytes;
        true
    }

    /// A permit of which [`duplicates`](Self::duplicate) can be made: its bytes return with the last.
    pub(crate) fn into_shared(self) -> Self {
        if self.is_none() { self } else { Self::new(Arc::new(Whole(self)), 0) }
    }

    /// Another hold on the bytes of a shared permit.
    #[inline]
    pub(crate) fn duplicate(&self) -> Self {
        Self { bytes: 0, owner: self.owner.clone() }
    }
}

/// What the duplicates of a permit hold together. They have no bytes of their own to return.
struct Whole(#[expect(dead_code, reason = "held to be dropped")] Permit);

impl ReleaseBytes for Whole {
    fn release(&self, _bytes: usize) {}
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        if let Some(owner) = &self.owner {
            if self.bytes > 0 {
                owner.release(self.bytes);
            }
        }
    }
}

impl Default for Permit {
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// No budget, the default: every permit is granted at once, without an allocation or an atomic operation.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "users write it as a value")]
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Released(Mutex<Vec<usize>>);

    impl ReleaseBytes for Released {
        fn release(&self, bytes: usize) {
            self.0.lock().unwrap().push(bytes);
        }
    }

    #[test]
    fn bytes_come_back_once() {
        let owner = Arc::new(Released::default());
        let permit = Permit::new(Arc::<Released>::clone(&owner), 7);
        assert_eq!((permit.bytes(), permit.is_none()), (7, false));
        assert!(owner.0.lock().unwrap().is_empty());
        drop(permit);
        assert_eq!(*owner.0.lock().unwrap(), [7]);
        assert_eq!(Arc::strong_count(&owner), 1);
    }

    #[test]
    fn splitting_conserves_bytes() {
        let owner = Arc::new(Released::default());
        let mut permit = Permit::new(Arc::<Released>::clone(&owner), 7);
        let part = permit.split(3);
        assert_eq!((permit.bytes(), part.bytes()), (4, 3));
        let rest = permit.split(usize::MAX);
        assert_eq!((permit.bytes(), rest.bytes()), (0, 4));
        drop((permit, part, rest));
        assert_eq!(*owner.0.lock().unwrap(), [3, 4]);
        assert!(Permit::none().split(3).is_none());
    }

    #[test]
    fn no_op_permits_cost_nothing() {
        let permit = NoOpPermits.acquire(usize::MAX).into_inner();
        assert!(permit.is_none() && permit.bytes() == 0);
        assert!(NoOpPermits.try_acquire(usize::MAX).is_some_and(|permit| permit.is_none()));
        assert_eq!(size_of::<NoOpPermits>(), 0);
    }

    #[test]
    fn permits_cross_threads() {
        fn assert_send_sync<T: Send + Sync>() {}
        assert_send_sync::<Permit>();
        assert_send_sync::<NoOpPermits>();
    }
}
