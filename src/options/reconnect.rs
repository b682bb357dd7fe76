//! Options of reconnection: when to try again, and when no more.

use std::time::Duration;

use super::{ReconnectStop, SocketOptions};
use crate::resilience::{Backoff, BackoffFn, RetryBudget};

/// Reconnection.
///
/// ```
/// use monocoque::SocketOptions;
/// use monocoque::options::ReconnectStop;
/// use monocoque::resilience::{Backoff, RetryBudget};
/// use std::time::Duration;
///
/// // When to try again, and when no more.
/// let options = SocketOptions::default()
///     .with_backoff(Backoff::new().with_max(Duration::from_secs(5)))
///     .with_retry_budget(RetryBudget::new(10, 1.0))
///     .with_max_attempts(100)
///     .with_reconnect_stop(ReconnectStop::new().on_handshake_failure());
/// assert_eq!(options.backoff().max(), Duration::from_secs(5));
/// ```
impl SocketOptions {
    /// The delay after the first failure, doubled by each further one; default 100 ms, never below 1 ms
    /// (RECONNECT_IVL).
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use monocoque::resilience::Backoff;
    /// use std::time::Duration;
    ///
    /// let (first, longest) = (Duration::from_millis(50), Duration::from_secs(5));
    /// let options = SocketOptions::default()
    ///     .with_reconnect_interval(first)
    ///     .with_reconnect_interval_max(longest)
    ///     .with_reconnect_jitter(0.5);
    /// assert_eq!(options.backoff(), &Backoff::new().with_initial(first).with_max(longest).with_jitter(0.5));
    /// ```
    #[must_use]
    pub fn with_reconnect_interval(mut self, initial: Duration) -> Self {
        self.backoff = self.backoff.with_initial(initial);
        self
    }

    /// Where the delays stop growing, before jitter; default 30 s (RECONNECT_IVL_MAX; libzmq: they do not
    /// grow).
    ///
    /// As [`Backoff::with_max`](Backoff::with_max) alone.
    #[must_use]
    pub fn with_reconnect_interval_max(mut self, max: Duration) -> Self {
        self.backoff = self.backoff.with_max(max);
        self
    }

    /// The fraction by which each delay is shortened or prolonged at random, from 0.0 to 1.0; default 0.25.
    ///
    /// As [`Backoff::with_jitter`](Backoff::with_jitter) alone.
    #[must_use]
    pub fn with_reconnect_jitter(mut self, jitter: f64) -> Self {
        self.backoff = self.backoff.with_jitter(jitter);
        self
    }

    /// All about the delays between connection attempts at once.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use monocoque::resilience::Backoff;
    /// use std::time::Duration;
    ///
    /// // libzmq's default: a tenth of a second, always.
    /// let steady = Backoff::new().with_factor(1.0).with_jitter(0.0);
    /// let options = SocketOptions::default().with_backoff(steady);
    /// assert_eq!(options.backoff().delay(1000, 0), Duration::from_millis(100));
    /// ```
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// The delays between connection attempts; see [`with_backoff`](Self::with_backoff).
    #[must_use]
    pub fn backoff(&self) -> &Backoff {
        &self.backoff
    }

    /// The delays between connection attempts, by a function of your own; default none: those of
    /// [`with_backoff`](Self::with_backoff). libzmq has none.
    ///
    /// It is given how many attempts have failed since the last connection of use: 0 when such a one is lost or the first
    /// attempt has failed, as for [`Backoff::delay`]. What it returns counts as at least 1 ms and at most a year. It
    /// spreads nothing by itself: draw a random number in it if many clients must not come at once. It is called by
    /// the socket's companion task without any lock, and should not block. If it panics, that delay is the one of
    /// [`with_backoff`](Self::with_backoff), and the socket goes on.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use std::time::Duration;
    ///
    /// // Three times at once, and then every ten seconds.
    /// let options = SocketOptions::default().with_backoff_fn(|failed| match failed {
    ///     0..3 => Duration::from_millis(10),
    ///     _ => Duration::from_secs(10),
    /// });
    /// assert!(options.has_backoff_fn());
    /// ```
    #[must_use]
    pub fn with_backoff_fn(mut self, delay: impl Fn(u32) -> Duration + Send + Sync + 'static) -> Self {
        self.backoff_fn = Some(BackoffFn::new(delay));
        self
    }

    /// Whether the delays come from a function of your own; see [`with_backoff_fn`](Self::with_backoff_fn).
    #[must_use]
    pub fn has_backoff_fn(&self) -> bool {
        self.backoff_fn.is_some()
    }

    /// A budget of attempts to reconnect that sockets share; default none. libzmq has none.
    ///
    /// The first attempt of each endpoint is free, as is waiting for a name of `inproc://`; each further one takes a
    /// retry out of the budget. While it is empty an attempt that is due is put off by the longest delay of
    /// [`backoff`](Self::backoff), jitter included, told by
    /// [`SocketEvent::RetryPutOff`](crate::SocketEvent::RetryPutOff), and asks again; it does not count as failed.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use monocoque::resilience::RetryBudget;
    ///
    /// // All sockets that talk to one cluster, together.
    /// let budget = RetryBudget::new(10, 1.0);
    /// let orders = SocketOptions::default().with_name("orders").with_retry_budget(budget.clone());
    /// let prices = SocketOptions::default().with_name("prices").with_retry_budget(budget);
    /// assert!(orders.retry_budget().is_some() && prices.retry_budget().is_some());
    /// ```
    #[must_use]
    pub fn with_retry_budget(mut self, budget: RetryBudget) -> Self {
        self.retry_budget = Some(budget);
        self
    }

    /// The budget of attempts to reconnect; see [`with_retry_budget`](Self::with_retry_budget).
    #[must_use]
    pub fn retry_budget(&self) -> Option<&RetryBudget> {
        self.retry_budget.as_ref()
    }

    /// Whether a lost connection, or an attempt that failed, is followed by another; default true (false
    /// is RECONNECT_IVL -1).
    #[doc = example!(r#"let push = PushSocket::bind("tcp://127.0.0.1:0").await?;
let options = SocketOptions::default().with_reconnect(false);
let pull = PullSocket::connect_with_options(push.local_endpoint().unwrap(), options).await?;
push.close().await;
// It does not wait for what would never come.
assert!(pull.recv().await.is_err());"#)]
    #[must_use]
    pub fn with_reconnect(mut self, reconnect: bool) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// Whether a lost connection is followed by another attempt; see [`with_reconnect`](Self::with_reconnect).
    #[must_use]
    pub fn reconnect(&self) -> bool {
        self.reconnect
    }

    /// Failures after which an endpoint is given up at once; default none (RECONNECT_STOP).
    #[doc = example!(r#"use monocoque::options::ReconnectStop;

let stop = ReconnectStop::new().on_connection_refused();
let pull = PullSocket::new(SocketOptions::default().with_reconnect_stop(stop))?;
// Nobody listens there.
pull.connect_to("tcp://127.0.0.1:1")?;
assert!(matches!(pull.recv().await, Err(Error::GaveUp { .. })));"#)]
    #[must_use]
    pub fn with_reconnect_stop(mut self, stop: ReconnectStop) -> Self {
        self.reconnect_stop = stop;
        self
    }

    /// Failures after which an endpoint is given up at once; see [`with_reconnect_stop`](Self::with_reconnect_stop).
    #[must_use]
    pub fn reconnect_stop(&self) -> ReconnectStop {
        self.reconnect_stop
    }

    /// Failures in a row after which an endpoint is given up, connections of no use among them; default `None`:
    /// never.
    #[doc = example!(r#"# use std::time::Duration;
let soon = Duration::from_millis(1);
let options = SocketOptions::default().with_max_attempts(2).with_reconnect_interval(soon);
let pull = PullSocket::new(options)?;
// Nobody listens there.
pull.connect_to("tcp://127.0.0.1:1")?;
assert!(matches!(pull.recv().await, Err(Error::GaveUp { .. })));
assert_eq!(pull.stats().endpoints[0].failed_attempts, 2);"#)]
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: impl Into<Option<u32>>) -> Self {
        self.max_attempts = attempts.into();
        self
    }

    /// Failures in a row after which an endpoint is given up; see [`with_max_attempts`](Self::with_max_attempts).
    #[must_use]
    pub fn max_attempts(&self) -> Option<u32> {
        self.max_attempts
    }
}
