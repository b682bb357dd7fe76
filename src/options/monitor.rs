//! What those who watch a socket see of it: its name, and what monitors keep for readers that lag.

use std::sync::Arc;

use super::SocketOptions;
use crate::monitor::MonitorBounds;

/// Monitors.
impl SocketOptions {
    /// What the socket is called where figures and events of many are seen together; default none. It has no
    /// meaning to peers. libzmq has nothing like it.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(Arc::from(name.into()));
        self
    }

    /// What the socket is called.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Events of connections, and as many of endpoints, that each [`Monitor`](crate::monitor::Monitor) keeps
    /// until they are read; default 1024, at least 1. Of more the oldest are lost, which
    /// [`SocketEvent::Missed`](crate::monitor::SocketEvent::Missed) tells. Drops are not among them. libzmq
    /// queues as many as the monitor's socket takes.
    #[must_use]
    pub fn with_monitor_events(mut self, events: usize) -> Self {
        self.monitor_events = events.max(1);
        self
    }

    /// Events of connections and endpoints that each monitor keeps until they are read.
    #[must_use]
    pub fn monitor_events(&self) -> usize {
        self.monitor_events
    }

    /// Events of dropped messages that each [`Monitor`](crate::monitor::Monitor) keeps until they are read,
    /// one for each connection and cause; default 1024. Drops of further connections are merged by cause
    /// alone, and none is lost.
    #[must_use]
    pub fn with_monitor_drops(mut self, connections_and_causes: usize) -> Self {
        self.monitor_drops = connections_and_causes;
        self
    }

    /// Events of dropped messages that each monitor keeps until they are read.
    #[must_use]
    pub fn monitor_drops(&self) -> usize {
        self.monitor_drops
    }

    pub(crate) fn monitor_bounds(&self) -> MonitorBounds {
        MonitorBounds { events: self.monitor_events, drops: self.monitor_drops }
    }
}
