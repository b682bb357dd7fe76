//! [`SimConfig`]: what holds for a whole simulation.

use super::fault::Plan;

/// Polls at one instant of virtual time after which the simulation is taken to run in circles: far more
/// than any test does, a few seconds in a debug build.
const DEFAULT_POLL_LIMIT: u64 = 10_000_000;

/// Settings of a [`Sim`](super::Sim).
///
/// ```
/// use monocoque::runtime::sim::{Plan, Sim, SimConfig};
/// use std::time::Duration;
///
/// let slow = Plan::new().with_latency(Duration::from_millis(40)..=Duration::from_millis(90));
/// let sim = Sim::with_config(7, SimConfig::new().with_links(slow).with_spurious_wakes(true));
/// ```
#[derive(Clone, Debug)]
pub struct SimConfig {
    pub(super) links: Plan,
    pub(super) order: TaskOrder,
    pub(super) poll_limit: u64,
    pub(super) spurious_pending: bool,
    pub(super) spurious_wakes: bool,
}

/// Which of several woken tasks runs next.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum TaskOrder {
    /// The one that was woken first.
    Fifo,
    /// One drawn by the seed: other seeds try other interleavings.
    #[default]
    Shuffled,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            links: Plan::new(),
            order: TaskOrder::default(),
            poll_limit: DEFAULT_POLL_LIMIT,
            spurious_pending: false,
            spurious_wakes: false,
        }
    }
}

impl SimConfig {
    /// The defaults.
    ///
    /// [`SimConfig`] shows what is made of them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What every connection is like, unless its own plan says otherwise. Default: as
    /// [`Plan`](super::Plan) describes.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Plan, Sim, SimConfig};
    /// use std::time::Duration;
    ///
    /// let latency = Duration::from_millis(50);
    /// let sim = Sim::with_config(7, SimConfig::new().with_links(Plan::new().with_latency(latency..=latency)));
    /// sim.block_on(async {
    ///     let _listener = sim::raw_listen("tcp://server:5555").await?;
    ///     sim::raw_connect("tcp://server:5555").await
    /// })?;
    /// assert_eq!(sim.elapsed(), latency);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    #[must_use]
    pub fn with_links(mut self, plan: Plan) -> Self {
        self.links = plan;
        self
    }

    /// Which of several woken tasks runs next. Default: [`TaskOrder::Shuffled`].
    ///
    /// ```
    /// use monocoque::runtime::sim::{SimConfig, TaskOrder, Sim};
    ///
    /// // To follow a test step by step: tasks run in the order in which they were woken, whatever the seed.
    /// let sim = Sim::with_config(7, SimConfig::new().with_order(TaskOrder::Fifo));
    /// ```
    #[must_use]
    pub const fn with_order(mut self, order: TaskOrder) -> Self {
        self.order = order;
        self
    }

    /// Polls at one instant of virtual time after which [`Sim::block_on`](super::Sim::block_on) panics
    /// because tasks wake each other in circles. Default: 10 million.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Sim, SimConfig};
    ///
    /// // What runs in circles is found out at once, and not ten million polls later.
    /// let sim = Sim::with_config(7, SimConfig::new().with_poll_limit(1000));
    /// sim.block_on(async {
    ///     for _ in 0..100 {
    ///         sim::yield_now().await;
    ///     }
    /// });
    /// ```
    #[must_use]
    pub const fn with_poll_limit(mut self, polls: u64) -> Self {
        self.poll_limit = polls;
        self
    }

    /// Wakes every fourth task that waits for a stream, listener or connection although nothing has
    /// happened. Default: no.
    ///
    /// ```
    /// use monocoque::runtime::sim::{Sim, SimConfig};
    ///
    /// // Against code that takes each wake for its event, or each `Pending` for nothing being there.
    /// let hostile = SimConfig::new().with_spurious_wakes(true).with_spurious_pending(true);
    /// let sim = Sim::with_config(7, hostile);
    /// ```
    #[must_use]
    pub const fn with_spurious_wakes(mut self, enabled: bool) -> Self {
        self.spurious_wakes = enabled;
        self
    }

    /// Lets every fourth read, write and accept answer `Pending` although it could go on, and wakes its
    /// task at once: what runtimes do whose tasks have a budget. Default: no.
    ///
    /// See [`with_spurious_wakes`](Self::with_spurious_wakes).
    #[must_use]
    pub const fn with_spurious_pending(mut self, enabled: bool) -> Self {
        self.spurious_pending = enabled;
        self
    }
}
