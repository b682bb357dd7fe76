//! A fair budget of bytes.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::permits::{BytePermits, Permit, ReleaseBytes};

/// A budget of bytes, shared by all clones: first come, first served.
///
/// A request is granted in one step, never byte by byte, and never overtaken: a large message is not
/// starved by small ones. A message larger than the whole budget is admitted alone, once everything
/// else has been returned, instead of waiting for ever. A request that is dropped, granted or not, passes
/// its chance on to the next.
///
/// ```
/// use monocoque::resilience::{BytePermits, SemaphorePermits};
///
/// let budget = SemaphorePermits::new(1000);
/// let permit = budget.try_acquire(600).unwrap();
/// assert!(budget.try_acquire(600).is_none());
/// drop(permit);
/// assert_eq!(budget.available(), 1000);
/// ```
#[derive(Clone)]
pub struct SemaphorePermits {
    budget: Arc<Budget>,
}

struct Budget {
    total: usize,
    state: Mutex<State>,
}

struct State {
    available: usize,
    /// Requests in order of arrival. Granted ones leave the queue, and are found granted by their
    /// futures through `granted`.
    waiters: VecDeque<Waiter>,
    /// Keys of requests that were granted and not yet picked up.
    granted: Vec<u64>,
    next_key: u64,
}

struct Waiter {
    key: u64,
    /// What is taken from the budget: a giant takes all of it.
    charge: usize,
    waker: Waker,
}

impl SemaphorePermits {
    /// A budget of `bytes` bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let state = State { available: bytes, waiters: VecDeque::new(), granted: Vec::new(), next_key: 0 };
        Self { budget: Arc::new(Budget { total: bytes, state: Mutex::new(state) }) }
    }

    /// The whole budget, in bytes.
    #[must_use]
    pub fn budget(&self) -> usize {
        self.budget.total
    }

    /// Bytes that are free now.
    #[must_use]
    pub fn available(&self) -> usize {
        self.budget.lock().available
    }

    /// Requests that wait.
    #[must_use]
    pub fn waiters(&self) -> usize {
        self.budget.lock().waiters.len()
    }

    fn charge(&self, bytes: usize) -> usize {
        bytes.min(self.budget.total)
    }

    fn permit(&self, charge: usize) -> Permit {
        if charge == 0 { Permit::none() } else { Permit::new(Arc::clone(&self.budget) as _, charge) }
    }
}

impl Budget {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives `bytes` back and wakes whoever can go on, outside the lock.
    fn give_back(&self, bytes: usize) {
        let woken = {
            let mut state = self.lock();
            state.available += bytes;
            state.grant()
        };
        woken.into_iter().for_each(Waker::wake);
    }
}

impl State {
    /// Grants requests from the front for as long as the budget lasts.
    fn grant(&mut self) -> Vec<Waker> {
        let mut woken = Vec::new();
        while self.waiters.front().is_some_and(|first| first.charge <= self.available) {
            let Some(waiter) = self.waiters.pop_front() else { break };
            self.available -= waiter.charge;
            self.granted.push(waiter.key);
            woken.push(waiter.waker);
        }
        woken
    }

    /// Takes `charge` bytes at once if nobody is ahead.
    fn take(&mut self, charge: usize) -> bool {
        let free = self.waiters.is_empty() && charge <= self.available;
        if free {
            self.available -= charge;
        }
        free
    }

    fn pick_up(&mut self, key: u64) -> bool {
        let index = self.granted.iter().position(|granted| *granted == key);
        index.map(|index| self.granted.swap_remove(index)).is_some()
    }
}

impl ReleaseBytes for Budget {
    fn release(&self, bytes: usize) {
        self.give_back(bytes);
    }
}

impl BytePermits for SemaphorePermits {
    type Acquire = Acquire;

    fn acquire(&self, bytes: usize) -> Acquire {
        Acquire { permits: self.clone(), charge: self.charge(bytes), key: None }
    }

    #[inline]
    fn try_acquire(&self, bytes: usize) -> Option<Permit> {
        let charge = self.charge(bytes);
        let taken = charge == 0 || self.budget.lock().take(charge);
        taken.then(|| self.permit(charge))
    }
}

impl fmt::Debug for SemaphorePermits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemaphorePermits")
            .field("budget", &self.budget())
            .field("available", &self.available())
            .finish_non_exhaustive()
    }
}

/// A request for bytes of a [`SemaphorePermits`].
///
/// # Cancel safety
/// Dropped before it is ready, nothing is taken from the budget, and the request loses its place.
#[derive(Debug)]
pub struct Acquire {
    permits: SemaphorePermits,
    charge: usize,
    /// The place in the queue, while there is one.
    key: Option<u64>,
}

impl Future for Acquire {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        let budget = Arc::clone(&self.permits.budget);
        // A replaced waker is dropped outside the lock.
        let mut fresh = Some(cx.waker().clone());
        let mut state = budget.lock();
        let ready = match self.key {
            Some(key) => match state.waiters.iter_mut().find(|waiter| waiter.key == key) {
                Some(waiter) => {
                    fresh = fresh.map(|fresh| std::mem::replace(&mut waiter.waker, fresh));
                    false
                }
                None => state.pick_up(key),
            },
            None if self.charge == 0 || state.take(self.charge) => true,
            None => {
                let key = state.next_key;
                state.next_key += 1;
                let waker = fresh.take().unwrap_or_else(|| cx.waker().clone());
                state.waiters.push_back(Waiter { key, charge: self.charge, waker });
                self.key = Some(key);
                false
            }
        };
        drop(state);
        drop(fresh);
        if !ready {
            return Poll::Pending;
        }
        self.key = None;
        Poll::Ready(self.permits.permit(self.charge))
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let (removed, woken) = {
            let mut state = self.permits.budget.lock();
            let removed = match state.waiters.iter().position(|waiter| waiter.key == key) {
                Some(index) => state.waiters.remove(index),
                None => {
                    if state.pick_up(key) {
                        state.available += self.charge;
                    }
                    None
                }
            };
            // Whoever stood behind may fit now.
            (removed, state.grant())
        };
        drop(removed);
        woken.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests;
