//! [`Sim`], which tests hold, and [`SimRuntime`], which sockets hold.

use std::future::{Future, Ready, ready};
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::config::SimConfig;
use super::executor::Executor;
use super::network::Network;
use super::stream::SimListener;
use super::task::JoinHandle;
use super::time;
use super::world::Shared;
use crate::endpoint::Endpoint;
use crate::options::TransportOptions;
use crate::runtime::{Runtime, Sleeper, Spawn, Vacating};

/// A simulation: executor, clock and network; see the [module](super).
///
/// Dropping it drops all spawned tasks.
#[derive(Debug)]
pub struct Sim {
    executor: Rc<Executor>,
}

impl Sim {
    /// A simulation with default settings in which all chance comes from `seed`.
    ///
    /// [`for_seeds`](super::for_seeds) makes one for each of many seeds.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with_config(seed, SimConfig::new())
    }

    /// A simulation with settings.
    ///
    /// [`SimConfig`] shows it.
    #[must_use]
    pub fn with_config(seed: u64, config: SimConfig) -> Self {
        Self { executor: Executor::new(seed, Arc::new(Shared::new(seed, config))) }
    }

    /// Runs until `future` is done. Spawned tasks run meanwhile, and stay for the next call.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Sim};
    /// use std::time::Duration;
    ///
    /// let sim = Sim::new(7);
    /// let task = sim.spawn(sim::yield_now());
    /// // A year is over at once, and tasks have run.
    /// sim.block_on(async { sim::sleep(Duration::from_secs(365 * 24 * 3600)).await });
    /// assert!(task.is_finished() && sim.elapsed().as_secs() == 365 * 24 * 3600);
    /// ```
    ///
    /// # Panics
    /// If nothing can make progress; if tasks wake each other in circles
    /// ([`SimConfig::with_poll_limit`]); with the panic of a spawned task that no [`JoinHandle`] has
    /// reported; inside of another simulation on the same thread.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.executor.block_on(future)
    }

    /// Runs the spawned tasks for `duration` of virtual time.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Sim};
    /// use std::time::Duration;
    ///
    /// let sim = Sim::new(7);
    /// let task = sim.spawn(async { sim::sleep(Duration::from_secs(60)).await });
    /// sim.advance(Duration::from_secs(59));
    /// assert!(!task.is_finished() && sim.tasks() == 1);
    /// sim.advance(Duration::from_secs(2));
    /// assert!(task.is_finished() && sim.tasks() == 0);
    /// ```
    ///
    /// # Panics
    /// As [`block_on`](Self::block_on).
    pub fn advance(&self, duration: Duration) {
        self.block_on(async { time::sleep(duration).await });
    }

    /// Spawns a task that runs during the next [`block_on`](Self::block_on).
    ///
    /// See [`advance`](Self::advance).
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.executor.spawn(future, Location::caller())
    }

    /// Control over the network.
    ///
    /// [`Network::cut`] shows what it is for.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::new(Arc::clone(self.executor.shared()))
    }

    /// What sockets run on; inside of [`block_on`](Self::block_on) they find it by themselves.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use monocoque::runtime::sim::{Sim, SimStream};
    /// use monocoque::socket::PullSocket;
    ///
    /// let sim = Sim::new(7);
    /// let runtime = sim.handle();
    /// let pull = sim.block_on(async move {
    ///     PullSocket::<SimStream>::bind_on(&runtime, "tcp://server:5555", SocketOptions::default()).await
    /// });
    /// assert!(pull.is_ok());
    /// ```
    #[must_use]
    pub fn handle(&self) -> SimRuntime {
        SimRuntime { shared: Arc::clone(self.executor.shared()) }
    }

    /// The current virtual time.
    ///
    /// [`advance`](Self::advance) moves it.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.handle().now()
    }

    /// The virtual time since the simulation was made: the same in every run, unlike [`now`](Self::now).
    ///
    /// See [`block_on`](Self::block_on).
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.executor.elapsed()
    }

    /// Spawned tasks that have not ended.
    ///
    /// See [`advance`](Self::advance).
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.executor.tasks()
    }

    /// How often a task was polled: what idles must not add to it.
    ///
    /// ```
    /// use monocoque::runtime::sim::{Sim, SimStream};
    /// use monocoque::socket::PullSocket;
    /// use std::time::Duration;
    ///
    /// let sim = Sim::new(7);
    /// let _idle = sim.block_on(async { PullSocket::<SimStream>::bind("tcp://server:5555").await }).unwrap();
    /// let polls_within = |time| {
    ///     let before = sim.polls();
    ///     sim.advance(time);
    ///     sim.polls() - before
    /// };
    /// // Only who waits for the time is woken by it.
    /// assert_eq!(polls_within(Duration::from_secs(60)), polls_within(Duration::from_secs(3600)));
    /// ```
    #[must_use]
    pub fn polls(&self) -> u64 {
        self.executor.polls()
    }

    /// A number over everything that has happened, and when: two runs with equal fingerprints went the
    /// same way. Not stable between versions of this crate.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Sim};
    ///
    /// let run = |seed| {
    ///     let sim = Sim::new(seed);
    ///     sim.block_on(async {
    ///         let _listener = sim::raw_listen("tcp://server:5555").await.unwrap();
    ///         sim::raw_connect("tcp://server:5555").await.unwrap().write_all(b"hello").await.unwrap();
    ///     });
    ///     sim.fingerprint()
    /// };
    /// assert_eq!(run(7), run(7));
    /// assert_ne!(run(7), run(8));
    /// ```
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.executor.shared().with(|world| world.core.fingerprint())
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.executor.close();
    }
}

/// The simulated runtime, as sockets see it.
#[derive(Clone, Debug)]
pub struct SimRuntime {
    shared: Arc<Shared>,
}

impl SimRuntime {
    /// The virtual time since the simulation was made.
    ///
    /// As [`Sim::elapsed`].
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.shared.with(|world| world.core.now())
    }

    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn try_current() -> io::Result<Self> {
        Self::current().ok_or_else(|| io::Error::other(OUTSIDE))
    }

    #[track_caller]
    pub(super) fn expect_current() -> Self {
        Self::current().expect(OUTSIDE)
    }
}

pub(super) const OUTSIDE: &str = "no simulation runs here: call it inside Sim::block_on";

impl Runtime for SimRuntime {
    type Listener = SimListener;
    type Binding = Ready<io::Result<SimListener>>;
    const NAME: &'static str = "sim";

    fn current() -> Option<Self> {
        Executor::current().map(|executor| Self { shared: Arc::clone(executor.shared()) })
    }

    fn bind(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Binding {
        ready(SimListener::new(Arc::clone(&self.shared), endpoint, options.backlog))
    }

    fn vacating(&self) -> Vacating {
        self.shared.with(|world| world.vacating.clone())
    }
}

impl<F: Future<Output = ()> + 'static> Spawn<F> for SimRuntime {
    /// # Panics
    /// Outside of the simulation that this is the runtime of.
    #[track_caller]
    fn spawn(&self, future: F) {
        let executor = Executor::current().expect(OUTSIDE);
        assert!(Arc::ptr_eq(executor.shared(), &self.shared), "another simulation runs here");
        executor.spawn(future, Location::caller());
    }
}

/// Spawns a task; it need not be `Send`.
///
/// ```
/// use monocoque::runtime::sim::{self, Sim};
/// use std::rc::Rc;
///
/// Sim::new(7).block_on(async {
///     let shared = Rc::new(7);
///     let task = sim::spawn({
///         let shared = Rc::clone(&shared);
///         async move { *shared }
///     });
///     assert_eq!(task.await.unwrap(), 7);
/// });
/// ```
///
/// # Panics
/// Outside of [`Sim::block_on`].
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    Executor::current().expect(OUTSIDE).spawn(future, Location::caller())
}
