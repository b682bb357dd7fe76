//! What those who watch a socket see of it: its name, and what monitors keep for readers that lag.

use std::sync::Arc;

use super::SocketOptions;
use crate::monitor::MonitorBounds;

/// Monitors.
///
/// ```
/// use monocoque::SocketOptions;
///
/// let options = SocketOptions::default()
///     .with_name("orders")
///     .with_monitor_events(10_000)
///     .with_monitor_drops(100)
///     .with_wait_times(true);
/// assert_eq!((options.name(), options.monitor_events()), (Some("orders"), 10_000));
/// ```
impl SocketOptions {
    /// What the socket is called where figures and events of many are seen together; default none. It has no
    /// meaning to peers. libzmq has nothing like it.
    #[doc = example!(r#"let options = SocketOptions::default().with_name("orders");
let orders = PullSocket::new(options)?;
println!("{}: {}", orders.name().unwrap(), orders.stats());"#)]
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(Arc::from(name.into()));
        self
    }

    /// What the socket is called; see [`with_name`](Self::with_name).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Events of connections, and as many of endpoints, that each [`Monitor`](crate::monitor::Monitor) keeps
    /// until they are read; default 1024, at least 1. Of more the oldest are lost, which
    /// [`SocketEvent::Missed`](crate::monitor::SocketEvent::Missed) tells. Drops are not among them. libzmq
    /// queues as many as the monitor's socket takes.
    #[doc = example!(r#"let pull = PullSocket::new(SocketOptions::default().with_monitor_events(1))?;
let mut monitor = pull.monitor();
pull.bind_to("inproc://first-event").await?;
pull.bind_to("inproc://second-event").await?;
// The oldest are lost, and that is told.
assert!(matches!(monitor.next().await, Some(SocketEvent::Missed(missed)) if missed.total() == 1));"#)]
    #[must_use]
    pub fn with_monitor_events(mut self, events: usize) -> Self {
        self.monitor_events = events.max(1);
        self
    }

    /// Events of connections and endpoints that each monitor keeps until they are read;
    /// see [`with_monitor_events`](Self::with_monitor_events).
    #[must_use]
    pub fn monitor_events(&self) -> usize {
        self.monitor_events
    }

    /// Events of dropped messages that each [`Monitor`](crate::monitor::Monitor) keeps until they are read,
    /// one for each connection and cause; default 1024. Drops of further connections are merged by cause
    /// alone, and none is lost.
    ///
    /// Compare [`with_monitor_events`](Self::with_monitor_events).
    #[must_use]
    pub fn with_monitor_drops(mut self, connections_and_causes: usize) -> Self {
        self.monitor_drops = connections_and_causes;
        self
    }

    /// Events of dropped messages that each monitor keeps until they are read;
    /// see [`with_monitor_drops`](Self::with_monitor_drops).
    #[must_use]
    pub fn monitor_drops(&self) -> usize {
        self.monitor_drops
    }

    /// Whether it is measured how long calls wait to send and to receive; default false.
    ///
    /// [`SocketStats::send_waits`](crate::monitor::SocketStats::send_waits) and
    /// [`recv_waits`](crate::monitor::SocketStats::recv_waits) have the histograms. A call that waits reads the clock twice then;
    /// one that does not wait costs what it does without. libzmq has nothing like it.
    #[doc = example!(r#"# use std::time::Duration;
let options = SocketOptions::default().with_wait_times(true).with_recv_timeout(Duration::from_millis(5));
let pull = PullSocket::bind_with_options("inproc://waits", options).await?;
assert!(pull.recv().await.is_err());
let waits = pull.stats().recv_waits.unwrap();
println!("{} calls, one in a hundred longer than {:?}", waits.count(), waits.quantile(0.99));
# assert_eq!(waits.count(), 1);"#)]
    #[must_use]
    pub fn with_wait_times(mut self, measured: bool) -> Self {
        self.wait_times = measured;
        self
    }

    /// Whether it is measured how long calls wait; see [`with_wait_times`](Self::with_wait_times).
    #[must_use]
    pub fn wait_times(&self) -> bool {
        self.wait_times
    }

    pub(crate) fn monitor_bounds(&self) -> MonitorBounds {
        MonitorBounds { events: self.monitor_events, drops: self.monitor_drops }
    }
}
