//! Options of the transport under a socket.

use std::time::Duration;

use super::SocketOptions;

/// The part of [`SocketOptions`] that runtimes apply to their streams and listeners.
#[derive(Clone, Debug)]
pub struct TransportOptions {
    pub(crate) nodelay: bool,
    pub(crate) keepalive: Option<Keepalive>,
    pub(crate) send_buffer: Option<usize>,
    pub(crate) recv_buffer: Option<usize>,
    pub(crate) backlog: u32,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self { nodelay: true, keepalive: None, send_buffer: None, recv_buffer: None, backlog: 100 }
    }
}

/// TCP keepalive; what is not set stays as the system has it.
///
/// ```
/// use monocoque::options::Keepalive;
/// use std::time::Duration;
///
/// let keepalive = Keepalive::new().with_idle(Duration::from_secs(60)).with_retries(3);
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Keepalive {
    pub(crate) idle: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) retries: Option<u32>,
}

impl Keepalive {
    /// Keepalive with the system's settings (TCP_KEEPALIVE).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Silence before the first probe (TCP_KEEPALIVE_IDLE).
    #[must_use]
    pub fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// Time between probes (TCP_KEEPALIVE_INTVL).
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Probes without answer before the connection is dead (TCP_KEEPALIVE_CNT).
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }
}

/// TCP.
impl SocketOptions {
    /// Whether small writes leave at once (TCP_NODELAY); default true, as in libzmq, where it cannot be
    /// changed.
    #[must_use]
    pub fn with_tcp_nodelay(mut self, nodelay: bool) -> Self {
        self.transport.nodelay = nodelay;
        self
    }

    /// Probes idle connections (TCP_KEEPALIVE and its family); default off: ZMTP heartbeats do better.
    #[must_use]
    pub fn with_tcp_keepalive(mut self, keepalive: Keepalive) -> Self {
        self.transport.keepalive = Some(keepalive);
        self
    }

    /// The kernel's send buffer in bytes (SNDBUF); default the system's.
    #[must_use]
    pub fn with_send_buffer(mut self, bytes: usize) -> Self {
        self.transport.send_buffer = Some(bytes);
        self
    }

    /// The kernel's receive buffer in bytes (RCVBUF); default the system's.
    #[must_use]
    pub fn with_recv_buffer(mut self, bytes: usize) -> Self {
        self.transport.recv_buffer = Some(bytes);
        self
    }

    /// Connections that may wait to be accepted; default 100 (BACKLOG).
    #[must_use]
    pub fn with_backlog(mut self, connections: u32) -> Self {
        self.transport.backlog = connections;
        self
    }
}
