//! A fair semaphore over bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::permits::{BytePermits, Permit, ReleaseBytes};

/// A budget of bytes that is given out first come, first served; clones share it.
///
/// - A message gets all of its bytes in one step, and no message overtakes another: a large one is never
///   starved by small ones.
/// - A message that costs more than the whole budget waits until everything is free and takes it all: it is
///   admitted alone, instead of never. So a budget below one [`Frame::COST`](crate::Frame::COST), 0 included,
///   admits one message at a time.
/// - Who stops waiting wakes the next, whether or not its turn had come.
/// - While eight times as much is free and nobody waits, a socket in a burst of small messages takes up to 16 KiB
///   with one of them for the next, which [`in_use`](Self::in_use) shows, and gives back what is left when the burst is
///   over. Nothing exceeds the budget.
///
/// Sockets acquire what a message costs, its payload and [`Frame::COST`](crate::Frame::COST) for each frame, where
/// one might expect `acquire(len)` of the payload alone: a million messages of one byte take a hundred times their
/// payloads, and a budget is to bound the memory. It does: the queued messages that a budget admitted take at
/// most twice its bytes of the heap, and a MiB and a half for each connection. What is published counts once, for as
/// long as any subscriber's copy is queued; the copies count against the mark of each subscriber.
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
    semaphore: Arc<Semaphore>,
}

impl SemaphorePermits {
    /// A budget of `bytes` bytes, all of them free.
    #[doc = example!(r#"let budget = SemaphorePermits::new(1024 * 1024);
let push = PushSocket::new(SocketOptions::default())?.with_permits(budget.clone());
let other = PushSocket::new(SocketOptions::default())?.with_permits(budget.clone());
push.connect_to("inproc://nobody-is-there-yet")?;
push.send(vec![0; 1000]).await?;
// What both of them have queued, together.
assert_eq!(budget.in_use(), 1000 + Frame::COST);
# drop(other);"#)]
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let budget = bytes.max(1);
        let state = State { free: budget, waiters: BTreeMap::new(), next_ticket: 0 };
        Self { semaphore: Arc::new(Semaphore { budget, state: Mutex::new(state) }) }
    }

    /// The whole budget, in bytes.
    ///
    /// See [`available`](Self::available).
    #[must_use]
    pub fn budget(&self) -> usize {
        self.semaphore.budget
    }

    /// Bytes that nobody holds now. Those who wait may have a claim to them.
    ///
    /// ```
    /// use monocoque::resilience::{BytePermits, SemaphorePermits};
    ///
    /// let budget = SemaphorePermits::new(1000);
    /// let permit = budget.try_acquire(300);
    /// assert_eq!((budget.budget(), budget.in_use(), budget.available()), (1000, 300, 700));
    /// assert_eq!(budget.waiters(), 0);
    /// drop(permit);
    /// assert_eq!(budget.in_use(), 0);
    /// ```
    #[must_use]
    pub fn available(&self) -> usize {
        self.semaphore.lock().free
    }

    /// Bytes that permits hold now, or that were granted to a future that has yet to be polled.
    ///
    /// See [`available`](Self::available).
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.budget() - self.available()
    }

    /// How many messages wait.
    ///
    /// See [`available`](Self::available).
    #[must_use]
    pub fn waiters(&self) -> usize {
        self.semaphore.lock().waiters.len()
    }
}

impl BytePermits for SemaphorePermits {
    type Acquire = Acquire;

    /// Waits for `bytes` bytes; the place in the queue is taken by the first poll.
    fn acquire(&self, bytes: usize) -> Acquire {
        Acquire { need: self.semaphore.need(bytes), stage: Stage::New(Arc::clone(&self.semaphore)) }
    }

    #[inline]
    fn try_acquire(&self, bytes: usize) -> Option<Permit> {
        let need = self.semaphore.need(bytes);
        let taken = self.semaphore.lock().take(need);
        taken.then(|| permit(Arc::clone(&self.semaphore), need))
    }
}

impl fmt::Debug for SemaphorePermits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemaphorePermits")
            .field("budget", &self.budget())
            .field("available", &self.available())
            .field("waiters", &self.waiters())
            .finish()
    }
}

/// Waiting for bytes of a [`SemaphorePermits`].
///
/// # Cancel safety
/// Cancel safe: dropped before it is ready, it has taken nothing. It loses its place in the queue.
#[must_use = "futures do nothing unless polled"]
pub struct Acquire {
    need: usize,
    stage: Stage,
}

enum Stage {
    /// Not polled yet: no place in the queue.
    New(Arc<Semaphore>),
    /// In the queue under this ticket, or no longer there because its bytes were granted.
    Queued(Arc<Semaphore>, Ticket),
    /// The bytes have been handed over.
    Done,
}

impl Future for Acquire {
    type Output = Permit;

    /// # Panics
    /// If it is polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        let need = self.need;
        match mem::replace(&mut self.stage, Stage::Done) {
            Stage::New(semaphore) => {
                if semaphore.lock().take(need) {
                    return Poll::Ready(permit(semaphore, need));
                }
                match semaphore.take_or_queue(need, cx.waker().clone()) {
                    Err(_unused_waker) => Poll::Ready(permit(semaphore, need)),
                    Ok(ticket) => {
                        self.stage = Stage::Queued(semaphore, ticket);
                        Poll::Pending
                    }
                }
            }
            Stage::Queued(semaphore, ticket) => match semaphore.replace_waker(ticket, cx.waker().clone()) {
                Err(_unused_waker) => Poll::Ready(permit(semaphore, need)),
                Ok(_old_waker) => {
                    self.stage = Stage::Queued(semaphore, ticket);
                    Poll::Pending
                }
            },
            Stage::Done => panic!("polled after it was ready"),
        }
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        if let Stage::Queued(semaphore, ticket) = &self.stage {
            let waiter = semaphore.lock().waiters.remove(ticket);
            // If it was not in the queue any more, its bytes were granted and go back; if it was, it may
            // have been what kept the next one waiting.
            semaphore.release(if waiter.is_some() { 0 } else { self.need });
        }
    }
}

impl fmt::Debug for Acquire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire").field("bytes", &self.need).finish_non_exhaustive()
    }
}

fn permit(semaphore: Arc<Semaphore>, need: usize) -> Permit {
    if need == 0 { Permit::none() } else { Permit::new(semaphore, need) }
}

/// Never reused: 2^64 of them last longer than any process.
type Ticket = u64;

struct Semaphore {
    budget: usize,
    state: Mutex<State>,
}

/// Invariants, outside the lock: `free` + what was granted = `budget`; `free` < the first waiter's need,
/// but while [`Semaphore::release`] is at work.
struct State {
    free: usize,
    /// The queue: tickets rise, and a waiter can leave from anywhere. A waiter whose turn has come is
    /// granted its bytes at once and taken out, so that nobody can get in between.
    waiters: BTreeMap<Ticket, Waiter>,
    next_ticket: Ticket,
}

struct Waiter {
    need: usize,
    waker: Waker,
}

/// A waker can run any code when it is cloned, woken or dropped, that of this module included: all three
/// happen outside the lock.
impl Semaphore {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing foreign runs under the lock, so that a panic cannot leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a message of `bytes` bytes takes: at most everything.
    fn need(&self, bytes: usize) -> usize {
        bytes.min(self.budget)
    }

    /// Takes the last place in the queue, or the bytes and gives the waker back if they are free after all.
    fn take_or_queue(&self, need: usize, waker: Waker) -> Result<Ticket, Waker> {
        let mut state = self.lock();
        if state.take(need) {
            return Err(waker);
        }
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.waiters.insert(ticket, Waiter { need, waker });
        Ok(ticket)
    }

    /// The old waker of a waiter, or the new one back if the waiter has been granted its bytes.
    fn replace_waker(&self, ticket: Ticket, waker: Waker) -> Result<Waker, Waker> {
        match self.lock().waiters.get_mut(&ticket) {
            Some(waiter) => Ok(mem::replace(&mut waiter.waker, waker)),
            None => Err(waker),
        }
    }
}

impl ReleaseBytes for Semaphore {
    /// Takes bytes back and grants them to whoever is next, one lock per waiter: no list is needed.
    fn release(&self, bytes: usize) {
        let mut next = self.lock().put(bytes);
        while let Some(waker) = next {
            waker.wake();
            next = self.lock().put(0);
        }
    }
}

impl State {
    /// Takes `need` bytes if they are free and nobody is before us; empty messages have nothing to wait for.
    fn take(&mut self, need: usize) -> bool {
        let granted = need == 0 || (self.waiters.is_empty() && need <= self.free);
        if granted {
            self.free -= need;
        }
        granted
    }

    /// Puts `bytes` bytes back, and grants the first waiter its bytes if there are enough now.
    fn put(&mut self, bytes: usize) -> Option<Waker> {
        self.free += bytes;
        let first = self.waiters.first_entry()?;
        if first.get().need > self.free {
            return None;
        }
        let waiter = first.remove();
        self.free -= waiter.need;
        Some(waiter.waker)
    }
}

#[cfg(test)]
mod tests;
