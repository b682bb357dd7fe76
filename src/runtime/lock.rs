//! What guards the state of a socket, and so whether it may be shared between threads.

use std::cell::{Cell, RefCell, RefMut};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard};
use std::thread;

use crate::security::{AnyAuthenticator, Claim};

/// Whether sockets on a kind of stream may be shared between threads: [`Shared`] or [`Local`].
pub trait Sharing: sealed::Locks + 'static {}

/// Sockets may be shared between threads, if the stream may be sent: their state is behind a [`Mutex`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Shared;

/// Sockets stay on their thread, like their streams: no atomic operation, which would be half of what a small message
/// costs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Local;

impl Sharing for Shared {}
impl Sharing for Local {}

/// Keeps the kinds of lock closed, and private.
pub(crate) mod sealed {
    use std::future::Future;

    use super::{Local, LocalLock, Lock, Mutex, Shared};
    use crate::security::{AnyAuthenticator, Claim, LocalJudgement, SendJudgement, Verdict};

    #[expect(unnameable_types, reason = "sealed")]
    pub trait Locks {
        #[doc(hidden)]
        type Lock<T>: Lock<T>;

        /// The answer of an authenticator, while it is waited for.
        #[doc(hidden)]
        type Judgement: Future<Output = Verdict> + Unpin + 'static;

        /// Whether sockets stay on their thread.
        #[doc(hidden)]
        const STAY: bool;

        /// `None` if the authenticator's answers stay on their thread, and these sockets do not.
        #[doc(hidden)]
        fn ask(authenticator: &AnyAuthenticator, claim: Claim) -> Option<Self::Judgement>;
    }

    impl Locks for Shared {
        type Lock<T> = Mutex<T>;
        type Judgement = SendJudgement;

        const STAY: bool = false;

        fn ask(authenticator: &AnyAuthenticator, claim: Claim) -> Option<SendJudgement> {
            authenticator.ask(claim)
        }
    }

    impl Locks for Local {
        type Lock<T> = LocalLock<T>;
        type Judgement = LocalJudgement;

        const STAY: bool = true;

        fn ask(authenticator: &AnyAuthenticator, claim: Claim) -> Option<LocalJudgement> {
            Some(authenticator.ask_here(claim))
        }
    }
}

/// The answer of an authenticator, as a kind of sharing awaits it.
pub(crate) type JudgementOf<K> = <K as sealed::Locks>::Judgement;

/// Whether an authenticator can be asked about peers of a socket of this kind of sharing.
pub(crate) fn can_ask<K: Sharing>(authenticator: &AnyAuthenticator) -> bool {
    <K as sealed::Locks>::STAY || authenticator.may_move()
}

/// Asks an authenticator about a peer of a socket of this kind of sharing, if it can.
pub(crate) fn asked<K: Sharing>(authenticator: &AnyAuthenticator, claim: Claim) -> Option<JudgementOf<K>> {
    <K as sealed::Locks>::ask(authenticator, claim)
}

/// The lock that a kind of sharing asks for.
pub(crate) type LockOf<K, T> = <K as sealed::Locks>::Lock<T>;

/// Exclusive access to a value: a [`Mutex`], or a [`LocalLock`] where nothing leaves its thread.
#[expect(unnameable_types, reason = "sealed")]
pub trait Lock<T>: Sized {
    /// Access to the value, until it is dropped.
    type Guard<'a>: DerefMut<Target = T>
    where
        Self: 'a;

    /// Puts `value` behind a lock.
    fn new(value: T) -> Self;

    /// Takes the lock; if whoever had it before panicked, `recover` mends the value first.
    fn lock(&self, recover: impl FnOnce(&mut T)) -> Self::Guard<'_>;
}

impl<T> Lock<T> for Mutex<T> {
    type Guard<'a>
        = MutexGuard<'a, T>
    where
        T: 'a;

    fn new(value: T) -> Self {
        Self::new(value)
    }

    #[inline]
    fn lock(&self, recover: impl FnOnce(&mut T)) -> MutexGuard<'_, T> {
        self.lock().unwrap_or_else(|poisoned| {
            self.clear_poison();
            let mut guard = poisoned.into_inner();
            recover(&mut guard);
            guard
        })
    }
}

/// The lock of what never leaves its thread.
#[derive(Default)]
#[expect(unnameable_types, reason = "sealed")]
pub struct LocalLock<T> {
    value: RefCell<T>,
    poisoned: Cell<bool>,
}

impl<T> Lock<T> for LocalLock<T> {
    type Guard<'a>
        = LocalGuard<'a, T>
    where
        T: 'a;

    fn new(value: T) -> Self {
        Self { value: RefCell::new(value), poisoned: Cell::new(false) }
    }

    /// # Panics
    /// If it is locked already, where a mutex would wait forever.
    #[inline]
    fn lock(&self, recover: impl FnOnce(&mut T)) -> LocalGuard<'_, T> {
        let mut value = self.value.borrow_mut();
        if self.poisoned.take() {
            recover(&mut value);
        }
        LocalGuard { value, poisoned: &self.poisoned, unwinding: thread::panicking() }
    }
}

impl<T> fmt::Debug for LocalLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalLock").field("poisoned", &self.poisoned).finish_non_exhaustive()
    }
}

/// Access to what a [`LocalLock`] guards.
#[expect(unnameable_types, reason = "sealed")]
pub struct LocalGuard<'a, T> {
    value: RefMut<'a, T>,
    poisoned: &'a Cell<bool>,
    /// A panic was under way before: it is not about this value.
    unwinding: bool,
}

impl<T> Deref for LocalGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for LocalGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for LocalGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if !self.unwinding && thread::panicking() {
            self.poisoned.set(true);
        }
    }
}

impl<T> fmt::Debug for LocalGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalGuard").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// Kills forgetting a panic, mending twice, and taking somebody else's panic for one's own.
    fn mends_what_a_panic_left<L: Lock<u32>>() {
        let lock = L::new(1);
        let unbroken = |_: &mut u32| panic!("nothing is broken");
        *lock.lock(unbroken) += 1;
        let broken = catch_unwind(AssertUnwindSafe(|| {
            *lock.lock(unbroken) = 7;
            let _guard = lock.lock(unbroken);
            panic!("half-way");
        }));
        assert!(broken.is_err());
        assert_eq!(*lock.lock(|value| *value += 1), 8);
        assert_eq!(*lock.lock(unbroken), 8);

        struct LocksOnDrop<'a, L: Lock<u32>>(&'a L);
        impl<L: Lock<u32>> Drop for LocksOnDrop<'_, L> {
            fn drop(&mut self) {
                *self.0.lock(|_| {}) += 1;
            }
        }
        let elsewhere = catch_unwind(AssertUnwindSafe(|| {
            let _locks = LocksOnDrop(&lock);
            panic!("somewhere else");
        }));
        assert!(elsewhere.is_err());
        assert_eq!(*lock.lock(unbroken), 9);
    }

    #[test]
    fn a_mutex_mends_what_a_panic_left() {
        mends_what_a_panic_left::<Mutex<u32>>();
    }

    #[test]
    fn a_local_lock_mends_what_a_panic_left() {
        mends_what_a_panic_left::<LocalLock<u32>>();
    }

    #[test]
    #[should_panic(expected = "already")]
    fn a_local_lock_does_not_nest() {
        let lock = LocalLock::new(());
        let _outer = lock.lock(|()| {});
        let _inner = lock.lock(|()| {});
    }
}
