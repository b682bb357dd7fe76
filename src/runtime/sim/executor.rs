//! The executor: one thread, tasks in an order that the seed decides, and a clock that moves only when
//! nobody can run.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fastrand::Rng;

use super::config::TaskOrder;
use super::machine::Here;
use super::task::{Header, JoinHandle, Outcome, ReadyQueue, TaskId, lock};
use super::world::Shared;

/// The future given to `block_on`.
const MAIN: TaskId = TaskId(0);

/// Tasks that a deadlock message lists.
const LISTED: usize = 16;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Executor>>> = const { RefCell::new(None) };
}

pub(super) struct Executor {
    /// Tasks that are spawned now would never run.
    closing: Cell<bool>,
    /// The state of this thread's `fastrand` generator inside of the simulation.
    entropy: Cell<u64>,
    next_id: Cell<u64>,
    order: TaskOrder,
    panicked: RefCell<Vec<Arc<Header>>>,
    poll_limit: u64,
    polls: Cell<u64>,
    ready: Arc<ReadyQueue>,
    rng: RefCell<Rng>,
    seed: u64,
    shared: Arc<Shared>,
    tasks: RefCell<BTreeMap<TaskId, Task>>,
}

type BoxFuture = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    /// `None` while it runs.
    future: Option<BoxFuture>,
    header: Arc<Header>,
    spawned_at: &'static Location<'static>,
}

impl Executor {
    pub(super) fn new(seed: u64, shared: Arc<Shared>) -> Rc<Self> {
        let (order, poll_limit) =
            shared.with(|world| (world.core.config.order, world.core.config.poll_limit));
        Rc::new(Self {
            closing: Cell::new(false),
            entropy: Cell::new(seed.rotate_left(32)),
            next_id: Cell::new(MAIN.0 + 1),
            order,
            panicked: RefCell::default(),
            poll_limit,
            polls: Cell::new(0),
            ready: Arc::default(),
            // Apart from the network's, so that a change of one leaves the other alone.
            rng: RefCell::new(Rng::with_seed(!seed)),
            seed,
            shared,
            tasks: RefCell::default(),
        })
    }

    /// The executor that runs on this thread.
    pub(super) fn current() -> Option<Rc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Spawned tasks that have not ended.
    pub(super) fn tasks(&self) -> usize {
        self.tasks.borrow().len()
    }

    pub(super) fn polls(&self) -> u64 {
        self.polls.get()
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.shared.with(|world| world.core.now())
    }

    pub(super) fn spawn<F>(&self, future: F, spawned_at: &'static Location<'static>) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let output = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&output);
        let id = TaskId(self.next_id.replace(self.next_id.get() + 1));
        let header = Header::new(id, Arc::clone(&self.ready));
        if self.closing.get() {
            header.finish(Outcome::Aborted);
            return JoinHandle::new(header, output);
        }
        let future = Box::pin(async move {
            let result = future.await;
            *lock(&slot) = Some(result);
        });
        let task = Task { future: Some(future), header: Arc::clone(&header), spawned_at };
        self.tasks.borrow_mut().insert(id, task);
        Waker::from(Arc::clone(&header)).wake();
        JoinHandle::new(header, output)
    }

    /// Runs until `future` is done, and the spawned tasks as far as they come meanwhile.
    pub(super) fn block_on<F: Future>(self: &Rc<Self>, future: F) -> F::Output {
        assert!(Self::current().is_none(), "a simulation runs on this thread already");
        let _entered = Entered::new(self);
        let mut future = pin!(future);
        let header = Header::new(MAIN, Arc::clone(&self.ready));
        let waker = Waker::from(Arc::clone(&header));
        waker.wake_by_ref();
        loop {
            let id = self.next_task();
            if id != MAIN {
                self.run(id);
                continue;
            }
            header.unqueue();
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                self.rethrow();
                return output;
            }
        }
    }

    /// The task to run next; moves the clock until there is one.
    fn next_task(&self) -> TaskId {
        loop {
            self.shared.with(|world| world.fire_due());
            if let Some(id) = self.ready.pop(self.order, &mut self.rng.borrow_mut()) {
                self.count_poll(id);
                return id;
            }
            if !self.shared.with(|world| world.core.advance()) {
                self.rethrow();
                panic!("{}", self.deadlock());
            }
        }
    }

    fn count_poll(&self, id: TaskId) {
        self.polls.set(self.polls.get() + 1);
        let here = self.shared.with(|world| world.core.count_poll(id));
        assert!(
            here <= self.poll_limit,
            "livelock: {here} polls at one instant of virtual time ({:?}): tasks wake each other in circles",
            self.elapsed(),
        );
    }

    fn run(&self, id: TaskId) {
        let (mut future, header) = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(task) = tasks.get_mut(&id) else { return };
            let Some(future) = task.future.take() else { return };
            (future, Arc::clone(&task.header))
        };
        header.unqueue();
        let waker = Waker::from(Arc::clone(&header));
        let _here = Here::on(header.host.clone());
        // The future is dropped in here where it ends: that may panic as well.
        let polled = catch_unwind(AssertUnwindSafe(move || {
            if header.is_aborted() {
                return Err(Outcome::Aborted);
            }
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(()) => Err(Outcome::Finished),
                Poll::Pending => Ok(future),
            }
        }));
        match polled {
            Ok(Ok(future)) => {
                if let Some(task) = self.tasks.borrow_mut().get_mut(&id) {
                    task.future = Some(future);
                }
            }
            Ok(Err(outcome)) => self.end(id, outcome),
            Err(payload) => self.end(id, Outcome::Panicked(Some(payload))),
        }
    }

    /// Drops all tasks of a host, but for the one that runs, which does not run again.
    pub(super) fn crash(&self, host: &str) {
        let _here = Here::on(host.into());
        while let Some((id, future)) = self.take_task_of(host) {
            match catch_unwind(AssertUnwindSafe(|| drop(future))) {
                Ok(()) => self.end(id, Outcome::Aborted),
                Err(payload) => self.end(id, Outcome::Panicked(Some(payload))),
            }
        }
        let tasks = self.tasks.borrow();
        tasks.values().filter(|task| *task.header.host == *host).for_each(|task| task.header.abort());
    }

    fn take_task_of(&self, host: &str) -> Option<(TaskId, BoxFuture)> {
        let mut tasks = self.tasks.borrow_mut();
        let mut of_host = tasks.iter_mut().filter(|(_, task)| *task.header.host == *host);
        of_host.find_map(|(id, task)| Some((*id, task.future.take()?)))
    }

    fn end(&self, id: TaskId, outcome: Outcome) {
        let Some(task) = self.tasks.borrow_mut().remove(&id) else { return };
        if matches!(outcome, Outcome::Panicked(_)) {
            self.panicked.borrow_mut().push(Arc::clone(&task.header));
        }
        task.header.finish(outcome);
    }

    /// Goes on with the first panic of a task that nobody has asked for.
    fn rethrow(&self) {
        let panicked = self.panicked.take();
        if let Some(payload) = panicked.iter().find_map(|header| header.take_panic()) {
            resume_unwind(payload);
        }
    }

    fn deadlock(&self) -> String {
        let tasks = self.tasks.borrow();
        let mut text = format!(
            "deadlock after {:?} of virtual time: nothing can make progress. No task is woken, no timer \
             runs and nothing is under way; the future given to block_on and {} spawned tasks wait.",
            self.elapsed(),
            tasks.len(),
        );
        for task in tasks.values().take(LISTED) {
            let _ = write!(text, "\n  task spawned at {}", task.spawned_at);
        }
        self.shared.with(|world| {
            if world.core.held {
                text.push_str("\n  the network is held");
            }
            for link in world.links.values() {
                let _ = write!(text, "\n  {}", link.info());
            }
        });
        text
    }

    /// Drops all tasks and lets go of all wakers.
    pub(super) fn close(self: &Rc<Self>) {
        self.closing.set(true);
        let _entered = Entered::new(self);
        let tasks = self.tasks.take();
        drop(tasks);
        self.shared.with(|world| world.clear());
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor")
            .field("seed", &self.seed)
            .field("elapsed", &self.elapsed())
            .field("tasks", &self.tasks())
            .finish_non_exhaustive()
    }
}

/// Makes an executor the one of this thread until it is dropped, and lets what the thread draws from
/// `fastrand`, such as the jitter of reconnection, come from the seed.
struct Entered<'a> {
    before: Option<Rc<Executor>>,
    entropy_before: u64,
    executor: &'a Rc<Executor>,
}

impl<'a> Entered<'a> {
    fn new(executor: &'a Rc<Executor>) -> Self {
        let before = CURRENT.replace(Some(Rc::clone(executor)));
        let entropy_before = fastrand::get_seed();
        fastrand::seed(executor.entropy.get());
        Self { before, entropy_before, executor }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.executor.entropy.set(fastrand::get_seed());
        fastrand::seed(self.entropy_before);
        CURRENT.set(self.before.take());
        if std::thread::panicking() && !self.executor.closing.get() {
            let (seed, elapsed) = (self.executor.seed, self.executor.elapsed());
            eprintln!("simulation with seed {seed} failed after {elapsed:?} of virtual time");
        }
    }
}
