//! Payloads that are shared, and what runs when the last reference to one goes.
//!
//! [`Bytes`] may have an owner of the user's (`Bytes::from_owner`), and that does what it likes when it is dropped, such
//! as calling the very socket whose lock is held meanwhile. A message can end in a hundred places, so it is not left to
//! those: while a lock is [held](Held) on a thread, payloads that end there are put aside until it is released.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::mem;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::recycled::Recycled;
use crate::foreign::each_quietly;

/// A payload that is referenced.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    bytes: Bytes,
    /// Where its memory goes with the last reference to it; that of most is freed.
    home: Option<Weak<Recycled>>,
}

thread_local! {
    /// How many locks this thread holds.
    static HELD: Cell<usize> = const { Cell::new(0) };
    /// Whether anything is put aside: one look on every way out of a lock.
    static ANY: Cell<bool> = const { Cell::new(false) };
    static ASIDE: RefCell<Vec<Bytes>> = const { RefCell::new(Vec::new()) };
}

impl Payload {
    pub(crate) fn into_bytes(mut self) -> Bytes {
        mem::take(&mut self.bytes)
    }

    /// Has its memory used again, which is its own.
    pub(super) fn recycle(&mut self, home: &Arc<Recycled>) {
        self.home = Some(Arc::downgrade(home));
    }

    /// Gives the memory back if this is the last reference to it.
    #[cold]
    fn go_home(&mut self, home: &Weak<Recycled>) {
        if self.bytes.is_unique() {
            if let Some(recycled) = home.upgrade() {
                recycled.keep(mem::take(&mut self.bytes));
            }
        }
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, home: None }
    }
}

impl Deref for Payload {
    type Target = Bytes;

    #[inline]
    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}

impl Drop for Payload {
    // Out of the way of small frames, which have none.
    #[inline(never)]
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            self.go_home(&home);
        }
        if HELD.get() > 0 {
            put_aside(mem::take(&mut self.bytes));
        }
    }
}

#[inline(never)]
fn put_aside(bytes: Bytes) {
    if bytes.is_empty() {
        return;
    }
    // Where the thread ends there is nobody left to wait for: it is dropped here.
    let _ = ASIDE.try_with(|aside| {
        aside.borrow_mut().push(bytes);
        ANY.set(true);
    });
}

/// A lock is held on this thread: to be dropped after it is released.
#[derive(Debug)]
pub(crate) struct Held {
    /// It counts for one thread.
    stays: PhantomData<*const ()>,
}

impl Held {
    #[inline]
    pub(crate) fn new() -> Self {
        HELD.set(HELD.get() + 1);
        Self { stays: PhantomData }
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        let others = HELD.get() - 1;
        HELD.set(others);
        if others == 0 && ANY.get() {
            drop_aside();
        }
    }
}

/// Each by itself: one that panics keeps no other from being dropped, and is not the end of whoever held the lock.
#[cold]
fn drop_aside() {
    ANY.set(false);
    let aside = ASIDE.try_with(RefCell::take).unwrap_or_default();
    each_quietly(aside.into_iter(), drop);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts its end, and panics if it is told to.
    struct Owner(Arc<AtomicUsize>, bool);

    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            b"payload"
        }
    }

    impl Drop for Owner {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
            assert!(!self.1, "told to panic");
        }
    }

    fn payload(ended: &Arc<AtomicUsize>, panics: bool) -> Payload {
        Bytes::from_owner(Owner(Arc::clone(ended), panics)).into()
    }

    #[test]
    fn what_ends_under_locks_goes_when_all_are_released() {
        let ended = Arc::<AtomicUsize>::default();
        let count = || ended.load(Ordering::SeqCst);
        drop(payload(&ended, false));
        assert_eq!(count(), 1);
        let (outer, inner) = (Held::new(), Held::new());
        drop(payload(&ended, true));
        drop(payload(&ended, false));
        let taken = payload(&ended, false).into_bytes();
        drop(inner);
        assert_eq!(count(), 1);
        drop(outer);
        assert_eq!(count(), 3, "one that panics keeps no other");
        drop(taken);
        assert_eq!(count(), 4);
    }

    /// An owner may hold a lock itself, and what ends under that goes after it.
    #[test]
    fn what_is_dropped_may_take_a_lock() {
        struct Nested(Option<Payload>);

        impl AsRef<[u8]> for Nested {
            fn as_ref(&self) -> &[u8] {
                b"nested"
            }
        }

        impl Drop for Nested {
            fn drop(&mut self) {
                let held = Held::new();
                drop(self.0.take());
                drop(held);
            }
        }

        let ended = Arc::<AtomicUsize>::default();
        let held = Held::new();
        drop(Payload::from(Bytes::from_owner(Nested(Some(payload(&ended, false))))));
        assert_eq!(ended.load(Ordering::SeqCst), 0);
        drop(held);
        assert_eq!(ended.load(Ordering::SeqCst), 1);
    }
}
