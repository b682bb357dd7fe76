use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Wake;
use std::thread;

use super::*;

mod model;

/// Counts wake-ups, and notes whether one came, or the waker was dropped, under the semaphore's lock.
///
/// Only the waker owns it, so that it goes where the semaphore's waker goes.
struct Counter {
    wakes: Arc<AtomicUsize>,
    locked: Arc<AtomicBool>,
    semaphore: Weak<Semaphore>,
}

impl Counter {
    fn check_lock(&self) {
        if let Some(semaphore) = self.semaphore.upgrade() {
            if semaphore.state.try_lock().is_err() {
                self.locked.store(true, Ordering::SeqCst);
            }
        }
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.check_lock();
        self.wakes.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.check_lock();
    }
}

/// One message's way through the budget.
enum Stage {
    New(Acquire),
    Waiting(Acquire, Arc<AtomicUsize>),
    Holding(Permit),
    Gone,
}

/// The real semaphore with several messages that want bytes of it.
struct Scene {
    permits: SemaphorePermits,
    messages: Vec<Stage>,
    locked: Arc<AtomicBool>,
}

impl Scene {
    fn new(budget: usize, sizes: &[usize]) -> Self {
        let permits = SemaphorePermits::new(budget);
        let messages = sizes.iter().map(|size| Stage::New(permits.acquire(*size))).collect();
        Self { permits, messages, locked: Arc::default() }
    }

    /// Polls with a waker of its own, so that a stale one that is woken in its stead shows.
    fn poll(&mut self, index: usize) {
        let (Stage::New(mut acquire) | Stage::Waiting(mut acquire, _)) = self.take(index) else {
            panic!("nothing to poll");
        };
        let wakes = Arc::default();
        let waker = Waker::from(Arc::new(Counter {
            wakes: Arc::clone(&wakes),
            locked: Arc::clone(&self.locked),
            semaphore: Arc::downgrade(&self.permits.semaphore),
        }));
        self.messages[index] = match Pin::new(&mut acquire).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(permit) => Stage::Holding(permit),
            Poll::Pending => Stage::Waiting(acquire, wakes),
        };
    }

    /// Cancels the wait, or returns the bytes.
    fn drop(&mut self, index: usize) {
        self.take(index);
    }

    fn take(&mut self, index: usize) -> Stage {
        mem::replace(&mut self.messages[index], Stage::Gone)
    }

    fn holds(&self, index: usize) -> bool {
        matches!(self.messages[index], Stage::Holding(_))
    }

    fn wakes(&self, index: usize) -> usize {
        match &self.messages[index] {
            Stage::Waiting(_, wakes) => wakes.load(Ordering::SeqCst),
            _ => 0,
        }
    }
}

#[test]
fn first_come_first_served() {
    let mut scene = Scene::new(10, &[10, 6, 4, 1]);
    (0..4).for_each(|index| scene.poll(index));
    assert_eq!((scene.permits.available(), scene.permits.in_use(), scene.permits.waiters()), (0, 10, 3));
    scene.drop(0);
    assert_eq!([1, 2, 3].map(|index| scene.wakes(index)), [1, 1, 0], "10 bytes: 6 and 4, no more");
    scene.poll(2);
    scene.poll(1);
    assert!(scene.holds(1) && scene.holds(2));
    scene.drop(2);
    assert_eq!(scene.wakes(3), 1);
}

/// Kills byte-by-byte acquisition, and barging: 1 and `try_acquire` would fit, but the 8 came first.
#[test]
fn small_messages_do_not_starve_a_large_one() {
    let mut scene = Scene::new(10, &[5, 8, 1]);
    (0..3).for_each(|index| scene.poll(index));
    assert_eq!((scene.permits.available(), scene.permits.waiters()), (5, 2));
    assert!(scene.permits.try_acquire(1).is_none());
    scene.drop(0);
    assert_eq!((scene.wakes(1), scene.wakes(2)), (1, 1));
    assert_eq!(scene.permits.available(), 1);
}

#[test]
fn an_oversized_message_is_admitted_alone() {
    let mut scene = Scene::new(10, &[1, usize::MAX, 1]);
    (0..3).for_each(|index| scene.poll(index));
    assert!(!scene.holds(1), "waits until everything is free");
    scene.drop(0);
    scene.poll(1);
    assert!(scene.holds(1));
    assert_eq!((scene.permits.in_use(), scene.wakes(2)), (10, 0), "alone");
    assert!(scene.permits.try_acquire(usize::MAX).is_none());
    scene.drop(1);
    assert_eq!(scene.wakes(2), 1);
    scene.drop(2);
    assert_eq!(scene.permits.try_acquire(usize::MAX).map(|permit| permit.bytes()), Some(10));
    assert_eq!(scene.permits.available(), 10);
}

#[test]
fn a_budget_of_nothing_admits_one_at_a_time() {
    let permits = SemaphorePermits::new(0);
    let permit = permits.try_acquire(100);
    assert!(permit.is_some() && permits.try_acquire(1).is_none());
    drop(permit);
    assert!(permits.try_acquire(1).is_some());
}

#[test]
fn empty_messages_pass() {
    let mut scene = Scene::new(1, &[1, 1, 0]);
    (0..3).for_each(|index| scene.poll(index));
    assert!(scene.holds(2), "although the budget is spent and somebody waits");
    assert!(scene.permits.try_acquire(0).is_some_and(|permit| permit.is_none()));
}

#[test]
fn cancelling_the_head_wakes_the_next() {
    let mut scene = Scene::new(10, &[5, 8, 5, 5]);
    (0..4).for_each(|index| scene.poll(index));
    scene.drop(1);
    assert_eq!((scene.wakes(2), scene.wakes(3)), (1, 0), "5 were free all the time");
    // Granted, but dropped before it was polled.
    scene.drop(2);
    assert_eq!(scene.wakes(3), 1);
    scene.drop(3);
    scene.drop(0);
    assert_eq!((scene.permits.available(), scene.permits.waiters()), (10, 0));
}

#[test]
fn a_place_in_the_queue_is_taken_by_the_first_poll() {
    let mut scene = Scene::new(1, &[1, 1, 1]);
    [0, 2, 1].iter().for_each(|index| scene.poll(*index));
    scene.drop(0);
    assert_eq!((scene.wakes(1), scene.wakes(2)), (0, 1));
}

/// Kills queueing without a second look: nobody would wake a waiter that could go on all along.
#[test]
fn bytes_that_come_back_just_before_queueing_are_taken() {
    let permits = SemaphorePermits::new(5);
    assert!(permits.semaphore.take_or_queue(5, Waker::noop().clone()).is_err());
    assert!(permits.semaphore.take_or_queue(5, Waker::noop().clone()).is_ok());
    assert_eq!((permits.available(), permits.waiters()), (0, 1));
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn polling_again_is_a_bug_of_the_caller() {
    let mut acquire = SemaphorePermits::new(1).acquire(1);
    for _ in 0..2 {
        let _ = Pin::new(&mut acquire).poll(&mut Context::from_waker(Waker::noop()));
    }
}

#[test]
fn futures_cross_threads() {
    fn assert_send_sync<T: Send + Sync>() {}
    assert_send_sync::<SemaphorePermits>();
    assert_send_sync::<Acquire>();
}

/// A waker that drops another waiter when it is woken: foreign code that comes back in.
#[test]
fn a_waker_may_use_the_budget_itself() {
    thread_local!(static VICTIM: RefCell<Option<Acquire>> = const { RefCell::new(None) });
    struct Cancels;
    impl Wake for Cancels {
        fn wake(self: Arc<Self>) {
            drop(VICTIM.take());
        }
    }
    let permits = SemaphorePermits::new(2);
    let held = permits.try_acquire(2);
    let mut first = permits.acquire(1);
    let mut second = permits.acquire(2);
    let mut third = permits.acquire(1);
    let waker = Waker::from(Arc::new(Cancels));
    for acquire in [&mut first, &mut second, &mut third] {
        assert!(Pin::new(acquire).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    VICTIM.set(Some(second));
    drop(held);
    assert_eq!((permits.waiters(), permits.in_use()), (0, 2), "the third was granted its byte too");
    drop((first, third));
    assert_eq!(permits.available(), 2);
}

#[test]
fn a_million_random_cancels_leak_nothing() {
    const CANCELS: usize = 1_000_000;
    let mut random = fastrand::Rng::with_seed(6);
    let permits = SemaphorePermits::new(1000);
    let mut context = Context::from_waker(Waker::noop());
    let mut acquires: Vec<Acquire> = Vec::new();
    let mut held = VecDeque::new();
    let mut cancelled = 0;
    while cancelled < CANCELS {
        if acquires.len() < 8 {
            acquires.push(permits.acquire(random.usize(..1200)));
        }
        let index = random.usize(..acquires.len());
        match Pin::new(&mut acquires[index]).poll(&mut context) {
            Poll::Ready(permit) => {
                drop(acquires.swap_remove(index));
                held.push_back(permit);
            }
            Poll::Pending => {
                drop(acquires.swap_remove(random.usize(..acquires.len())));
                cancelled += 1;
                if random.u8(..4) == 0 {
                    held.pop_front();
                }
            }
        }
    }
    drop((acquires, held));
    assert_eq!((permits.available(), permits.waiters()), (1000, 0));
}

/// Waits by parking, and gives up after `patience` polls that were not ready.
fn wait(mut acquire: Acquire, patience: usize) -> Option<Permit> {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    for attempt in 0.. {
        match Pin::new(&mut acquire).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(permit) => return Some(permit),
            Poll::Pending if attempt == patience => break,
            Poll::Pending => thread::park(),
        }
    }
    None
}

/// Kills a race between a grant and a cancellation: a lost wake-up would hang, a lost byte would show.
#[test]
fn threads_neither_hang_nor_leak() {
    const BUDGET: usize = 100;
    let permits = SemaphorePermits::new(BUDGET);
    let in_use = AtomicUsize::new(0);
    thread::scope(|scope| {
        for seed in 0..4 {
            let (permits, in_use) = (permits.clone(), &in_use);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                for _ in 0..5_000 {
                    let patience = if random.bool() { usize::MAX } else { 0 };
                    if let Some(permit) = wait(permits.acquire(random.usize(1..150)), patience) {
                        let used = in_use.fetch_add(permit.bytes(), Ordering::SeqCst) + permit.bytes();
                        assert!(used <= BUDGET);
                        if random.u8(..8) == 0 {
                            thread::yield_now();
                        }
                        in_use.fetch_sub(permit.bytes(), Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!((permits.available(), permits.waiters()), (BUDGET, 0));
}
