//! The lock around a core, and how to work under it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::core::Core;
use super::ready::ReadyQueue;
use crate::message::Held;
use crate::runtime::{AsyncStream, Lock, LockOf};

type CoreLock<S> = LockOf<<S as AsyncStream>::Sharing, Core<S>>;
type Guard<'a, S> = <CoreLock<S> as Lock<Core<S>>>::Guard<'a>;

/// A socket's core, as its handles and its companion task share it.
pub(crate) struct Shared<S: AsyncStream> {
    core: CoreLock<S>,
    /// Those who receive wait here, with a lock of their own.
    pub(super) ready: Arc<ReadyQueue>,
    /// Handles in the user's hands; the companion does not count.
    handles: AtomicUsize,
    /// There is no companion task: whoever calls must drive.
    detached: bool,
}

impl<S: AsyncStream> Shared<S> {
    pub(crate) fn new(core: Core<S>) -> Arc<Self> {
        let detached = core.base.life.is_detached();
        let ready = Arc::clone(&core.base.ready);
        Arc::new(Self { core: Lock::new(core), ready, handles: AtomicUsize::new(1), detached })
    }

    /// Runs `work` under the lock, and afterwards, without it, what `work` left to be woken or dropped.
    ///
    /// The lock is never held across an await, and `work` must not call foreign code other than the
    /// stream's poll functions.
    #[inline]
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Core<S>) -> R) -> R {
        Self::work(self.lock(), work)
    }

    /// Has `value` go through a lane, and answers `None`; or if that is closed, does what [`with`](Self::with) would.
    ///
    /// What is not the lane is out of line, so that the lane needs few registers and little of the stack.
    #[inline(always)]
    pub(crate) fn express<T, R>(
        &self,
        value: &mut T,
        lane: impl FnOnce(&mut Core<S>, &mut T) -> bool,
        work: impl FnOnce(&mut Core<S>, &mut T) -> R,
    ) -> Option<R> {
        let mut core = self.lock();
        if !lane(&mut core, value) {
            return Some(Self::work_apart(core, |core| work(core, value)));
        }
        Self::release(core);
        None
    }

    /// Tries a way that is as short as a lane.
    #[inline(always)]
    pub(crate) fn shortly(&self, way: impl FnOnce(&mut Core<S>) -> bool) -> bool {
        let mut core = self.lock();
        let gone = way(&mut core);
        Self::release(core);
        gone
    }

    #[inline(never)]
    fn work_apart<R>(core: Guard<'_, S>, work: impl FnOnce(&mut Core<S>) -> R) -> R {
        Self::work(core, work)
    }

    #[inline]
    fn work<R>(core: Guard<'_, S>, work: impl FnOnce(&mut Core<S>) -> R) -> R {
        // Before the core, and so dropped after it: what payloads do that end meanwhile, they do without the lock.
        let _held = Held::new();
        let mut core = core;
        core.close_lanes();
        let result = work(&mut core);
        #[cfg(debug_assertions)]
        core.check_books();
        Self::release(core);
        result
    }

    /// Lets go of the lock, and does what is left to be done without it.
    #[inline(always)]
    fn release(core: Guard<'_, S>) {
        if !core.base.effects.is_empty() {
            Self::run_effects(core);
        }
    }

    #[inline(never)]
    fn run_effects(mut core: Guard<'_, S>) {
        core.close_lanes();
        if !core.base.happened.is_empty() {
            // Noted outside of a turn; an empty one acts on it.
            core.turn(|_| ());
        }
        let effects = std::mem::take(&mut core.base.effects);
        drop(core);
        effects.run();
    }

    pub(crate) fn add_handle(&self) {
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    /// A handle was dropped; with the last one the socket closes, and lingers in the background.
    pub(crate) fn remove_handle(&self) {
        if self.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.with(Core::begin_close);
        }
    }

    pub(crate) fn is_detached(&self) -> bool {
        self.detached
    }

    #[inline]
    fn lock(&self) -> Guard<'_, S> {
        // A stream panicked while it was polled: it has poisoned its own connection, the rest is whole.
        self.core.lock(Core::recover_from_panic)
    }
}

impl<S: AsyncStream> std::fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("handles", &self.handles).finish_non_exhaustive()
    }
}
