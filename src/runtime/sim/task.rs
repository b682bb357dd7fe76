//! A spawned task from outside: its waker, and the [`JoinHandle`] that waits for it.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use fastrand::Rng;

use super::config::TaskOrder;
use super::machine::{self, Host};

/// What a panic carries.
pub(super) type Payload = Box<dyn Any + Send>;

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct TaskId(pub(super) u64);

/// The tasks that were woken; wakers of any thread add to it.
#[derive(Debug, Default)]
pub(super) struct ReadyQueue(Mutex<VecDeque<TaskId>>);

impl ReadyQueue {
    pub(super) fn pop(&self, order: TaskOrder, rng: &mut Rng) -> Option<TaskId> {
        let mut queue = lock(&self.0);
        match order {
            TaskOrder::Shuffled if queue.len() > 1 => {
                let index = rng.usize(..queue.len());
                queue.swap_remove_back(index)
            }
            _ => queue.pop_front(),
        }
    }
}

/// What is left of a task outside of the executor; also its waker, which only queues it.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) host: Host,
    id: TaskId,
    join: Mutex<Join>,
    queued: AtomicBool,
    ready: Arc<ReadyQueue>,
}

#[derive(Debug, Default)]
struct Join {
    abort: bool,
    outcome: Option<Outcome>,
    waiter: Option<Waker>,
}

/// How a task ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Aborted,
    Finished,
    /// `None` once the panic was handed to somebody.
    Panicked(Option<Payload>),
}

impl Header {
    /// A task of the host that code runs on now.
    pub(super) fn new(id: TaskId, ready: Arc<ReadyQueue>) -> Arc<Self> {
        Arc::new(Self {
            host: machine::current(),
            id,
            join: Mutex::default(),
            queued: AtomicBool::new(false),
            ready,
        })
    }

    /// The task is about to run: a wake from now on queues it again.
    pub(super) fn unqueue(&self) {
        self.queued.store(false, Ordering::Release);
    }

    pub(super) fn abort(&self) {
        lock(&self.join).abort = true;
    }

    pub(super) fn is_aborted(&self) -> bool {
        lock(&self.join).abort
    }

    pub(super) fn finish(&self, outcome: Outcome) {
        let waiter = {
            let mut join = lock(&self.join);
            join.outcome = Some(outcome);
            join.waiter.take()
        };
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    /// The panic that the task ended with, if nobody has got it yet.
    pub(super) fn take_panic(&self) -> Option<Payload> {
        match &mut lock(&self.join).outcome {
            Some(Outcome::Panicked(payload)) => payload.take(),
            _ => None,
        }
    }
}

impl Wake for Header {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            lock(&self.ready.0).push_back(self.id);
        }
    }
}

/// Waits for a spawned task; dropping it lets the task run on.
pub struct JoinHandle<T> {
    header: Arc<Header>,
    output: Arc<Mutex<Option<T>>>,
}

impl<T> JoinHandle<T> {
    pub(super) const fn new(header: Arc<Header>, output: Arc<Mutex<Option<T>>>) -> Self {
        Self { header, output }
    }

    /// Drops the task's future the next time it would run, if it has not finished by then.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Sim};
    ///
    /// Sim::new(7).block_on(async {
    ///     let task = sim::spawn(std::future::pending::<()>());
    ///     task.abort();
    ///     assert!(task.await.unwrap_err().is_cancelled());
    /// });
    /// ```
    pub fn abort(&self) {
        self.header.abort();
        self.header.wake_by_ref();
    }

    /// Whether the task has come to an end, whichever.
    ///
    /// [`Sim::advance`](super::Sim::advance) shows when it changes.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        lock(&self.header.join).outcome.is_some()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut join = lock(&self.header.join);
        let cause = match &mut join.outcome {
            None => {
                let old = join.waiter.replace(cx.waker().clone());
                drop(join);
                drop(old);
                return Poll::Pending;
            }
            Some(Outcome::Finished) => {
                let output = lock(&self.output).take();
                return Poll::Ready(Ok(output.expect("a JoinHandle is not polled after it was ready")));
            }
            Some(Outcome::Aborted) => Cause::Aborted,
            Some(Outcome::Panicked(payload)) => {
                let payload = payload.take().unwrap_or_else(|| Box::new("the panic was taken before"));
                Cause::Panicked(Mutex::new(payload))
            }
        };
        Poll::Ready(Err(JoinError { cause }))
    }
}

/// Why a task has no result.
#[derive(Debug)]
pub struct JoinError {
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Aborted,
    /// The mutex makes the error `Sync`; nobody ever waits for it.
    Panicked(Mutex<Payload>),
}

impl JoinError {
    /// Whether the task was aborted.
    ///
    /// [`abort`](JoinHandle::abort) does that.
    #[must_use]
    pub const fn is_cancelled(&self) -> bool {
        matches!(self.cause, Cause::Aborted)
    }

    /// Whether the task panicked.
    ///
    /// See [`try_into_panic`](Self::try_into_panic).
    #[must_use]
    pub const fn is_panic(&self) -> bool {
        matches!(self.cause, Cause::Panicked(_))
    }

    /// What the panic of the task carried; the error back if it was none.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Sim};
    ///
    /// let sim = Sim::new(7);
    /// // Since somebody has asked for the panic, it ends nothing else.
    /// let failed = sim.block_on(async { sim::spawn(async { panic!("over") }).await }).unwrap_err();
    /// assert!(failed.is_panic());
    /// let payload = failed.try_into_panic().unwrap();
    /// assert_eq!(payload.downcast_ref(), Some(&"over"));
    /// ```
    ///
    /// # Errors
    /// If the task did not panic.
    pub fn try_into_panic(self) -> Result<Payload, Self> {
        match self.cause {
            Cause::Panicked(payload) => Ok(payload.into_inner().unwrap_or_else(PoisonError::into_inner)),
            Cause::Aborted => Err(self),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Aborted => f.write_str("the task was aborted"),
            Cause::Panicked(payload) => match message(&**lock(payload)) {
                Some(message) => write!(f, "the task panicked: {message}"),
                None => f.write_str("the task panicked"),
            },
        }
    }
}

impl std::error::Error for JoinError {}

fn message(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
