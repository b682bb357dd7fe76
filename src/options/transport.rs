//! Options of the transport under a socket.

use std::time::Duration;

use super::SocketOptions;
use super::socks::SocksOptions;
use super::tcp::TcpOptions;

/// The part of [`SocketOptions`] that runtimes apply to their streams and listeners.
#[derive(Clone, Debug)]
pub struct TransportOptions {
    pub(crate) nodelay: bool,
    /// `None` leaves it as it is.
    pub(crate) keepalive: Option<Keepalive>,
    pub(crate) send_buffer: Option<usize>,
    pub(crate) recv_buffer: Option<usize>,
    pub(crate) backlog: u32,
    pub(crate) tcp: TcpOptions,
    pub(crate) socks: SocksOptions,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            nodelay: true,
            keepalive: Some(Keepalive::new()),
            send_buffer: None,
            recv_buffer: None,
            backlog: 100,
            tcp: TcpOptions::default(),
            socks: SocksOptions::default(),
        }
    }
}

/// Probes of idle TCP connections.
///
/// The system sends them, and the system at the other end answers: they find hosts that are gone and cables
/// that are cut, however slow the application there is. Behind a proxy or a balancer it is the next hop that
/// answers.
///
/// ```
/// use monocoque::options::{Keepalive, SocketOptions};
/// use std::time::Duration;
///
/// let sooner = Keepalive::new().with_idle(Duration::from_secs(5)).with_retries(2);
/// for keepalive in [sooner, Keepalive::system(), Keepalive::off()] {
///     let options = SocketOptions::default().with_tcp_keepalive(keepalive);
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Keepalive {
    pub(crate) on: bool,
    pub(crate) idle: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) retries: Option<u32>,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self::new()
    }
}

impl Keepalive {
    /// Probes after 15 s of silence, every 5 s; three without an answer, and the connection is dead.
    ///
    /// ```
    /// use monocoque::options::Keepalive;
    /// use std::time::Duration;
    ///
    /// let (seconds, probes) = (Duration::from_secs, Keepalive::new());
    /// let found_within = probes.idle().unwrap() + probes.interval().unwrap() * probes.retries().unwrap();
    /// assert_eq!(found_within, seconds(30));
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::system()
            .with_idle(Duration::from_secs(15))
            .with_interval(Duration::from_secs(5))
            .with_retries(3)
    }

    /// Probes as often as the system has it, mostly after two hours (TCP_KEEPALIVE 1).
    ///
    /// ```
    /// use monocoque::options::Keepalive;
    ///
    /// let probes = Keepalive::system();
    /// assert!(probes.is_on() && probes.idle().is_none());
    /// // None of our own, but whatever a given stream has: that is no `Keepalive` at all.
    /// let options = monocoque::SocketOptions::default().with_tcp_keepalive(None);
    /// assert_eq!(options.tcp_keepalive(), None);
    /// ```
    #[must_use]
    pub fn system() -> Self {
        Self { on: true, idle: None, interval: None, retries: None }
    }

    /// No probes (TCP_KEEPALIVE 0).
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use monocoque::options::Keepalive;
    ///
    /// // Heartbeats find hosts that are gone, too.
    /// let options = SocketOptions::default()
    ///     .with_tcp_keepalive(Keepalive::off())
    ///     .with_heartbeat_interval(std::time::Duration::from_secs(10));
    /// assert!(!options.tcp_keepalive().unwrap().is_on());
    /// ```
    #[must_use]
    pub fn off() -> Self {
        Self { on: false, ..Self::system() }
    }

    /// Whether there are probes.
    ///
    /// [`off`](Self::off) has none.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Silence before the first probe: 1 s to 32,767 s (TCP_KEEPALIVE_IDLE).
    ///
    /// ```
    /// use monocoque::options::Keepalive;
    /// use std::time::Duration;
    ///
    /// // Behind a firewall that forgets what was silent for five minutes; three probes, as by default.
    /// let probes = Keepalive::new().with_idle(Duration::from_secs(240)).with_interval(Duration::from_secs(20));
    /// assert_eq!(probes.retries(), Some(3));
    /// ```
    #[must_use]
    pub fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// Time between probes: 1 s to 32,767 s (TCP_KEEPALIVE_INTVL).
    ///
    /// See [`with_idle`](Self::with_idle).
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Probes without answer before the connection is dead: 1 to 127 (TCP_KEEPALIVE_CNT).
    ///
    /// ```
    /// use monocoque::options::Keepalive;
    ///
    /// // One answer that is lost on the way is no reason.
    /// assert_eq!(Keepalive::system().with_retries(2).retries(), Some(2));
    /// ```
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Silence before the first probe; `None` for the system's; see [`with_idle`](Self::with_idle).
    #[must_use]
    pub fn idle(&self) -> Option<Duration> {
        self.idle
    }

    /// Time between probes; `None` for the system's; see [`with_interval`](Self::with_interval).
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// Probes without answer before the connection is dead; `None` for the system's;
    /// see [`with_retries`](Self::with_retries).
    #[must_use]
    pub fn retries(&self) -> Option<u32> {
        self.retries
    }
}

/// TCP, and the kernel's queues of any transport.
///
/// ```
/// use monocoque::SocketOptions;
/// use monocoque::options::Keepalive;
/// use std::time::Duration;
///
/// let keepalive = Keepalive::new().with_idle(Duration::from_secs(60)).with_retries(5);
/// let options = SocketOptions::default()
///     .with_tcp_keepalive(keepalive.clone())
///     .with_tcp_nodelay(false)
///     .with_send_buffer(256 * 1024)
///     .with_recv_buffer(256 * 1024)
///     .with_backlog(1000);
/// assert_eq!(options.tcp_keepalive(), Some(&keepalive));
/// ```
impl SocketOptions {
    /// Whether small writes leave at once (TCP_NODELAY); default true, as in libzmq, where it cannot be
    /// changed.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use monocoque::resilience::FlushPolicy;
    ///
    /// // Few packets rather than soon: the system waits for more, and we do as well.
    /// let options = SocketOptions::default().with_tcp_nodelay(false).with_flush_policy(FlushPolicy::Manual);
    /// assert!(!options.tcp_nodelay());
    /// ```
    #[must_use]
    pub fn with_tcp_nodelay(mut self, nodelay: bool) -> Self {
        self.transport.nodelay = nodelay;
        self
    }

    /// Probes of idle connections, those of given streams too (TCP_KEEPALIVE and its family); default
    /// [`Keepalive::new`], [`Keepalive::off`] for none. `None` sets nothing: new connections are as the system has
    /// them (libzmq's default), given streams as they are. Streams of your own and `ipc://` have no probes; the
    /// latter needs none.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use monocoque::options::Keepalive;
    ///
    /// assert_eq!(SocketOptions::default().tcp_keepalive(), Some(&Keepalive::new()));
    /// // As libzmq does.
    /// let options = SocketOptions::default().with_tcp_keepalive(None);
    /// assert_eq!(options.tcp_keepalive(), None);
    /// ```
    #[must_use]
    pub fn with_tcp_keepalive(mut self, keepalive: impl Into<Option<Keepalive>>) -> Self {
        self.transport.keepalive = keepalive.into();
        self
    }

    /// The kernel's send buffer of each connection, in bytes, up to 2 GiB (SNDBUF); default the system's,
    /// which grows as needed. What is in it counts as sent.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// // For a peer that does not read: little waits here, and little counts as sent that it has not got.
    /// let options = SocketOptions::default().with_send_hwm(10).with_send_buffer(16 * 1024);
    /// assert_eq!(options.send_buffer(), Some(16 * 1024));
    /// ```
    #[must_use]
    pub fn with_send_buffer(mut self, bytes: usize) -> Self {
        self.transport.send_buffer = Some(bytes);
        self
    }

    /// The kernel's receive buffer of each connection, in bytes, up to 2 GiB (RCVBUF); default the system's,
    /// which grows as needed. A peer can fill it beyond `recv_hwm`.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// // A long line: as many bytes as are on their way, 100 MB/s for 80 ms.
    /// let options = SocketOptions::default().with_recv_buffer(8 * 1024 * 1024);
    /// assert_eq!(options.recv_buffer(), Some(8 * 1024 * 1024));
    /// ```
    #[must_use]
    pub fn with_recv_buffer(mut self, bytes: usize) -> Self {
        self.transport.recv_buffer = Some(bytes);
        self
    }

    /// Connections that may wait in the kernel to be accepted; default 100 (BACKLOG). The system has a limit
    /// of its own.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// // Where a thousand clients come back at once.
    /// let options = SocketOptions::default().with_backlog(1000).with_max_handshakes(2000);
    /// assert_eq!((options.backlog(), SocketOptions::default().backlog()), (1000, 100));
    /// ```
    #[must_use]
    pub fn with_backlog(mut self, connections: u32) -> Self {
        self.transport.backlog = connections;
        self
    }
}

/// Getters that [`SocketOptions`] and [`TransportOptions`] have alike.
macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident -> $type:ty: |$options:ident| $value:expr;)+) => {
        /// What was chosen, for runtimes that apply it.
        impl TransportOptions {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(&self) -> $type {
                    let $options = self;
                    $value
                }
            )+
        }

        /// The transport.
        impl SocketOptions {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(&self) -> $type {
                    self.transport.$name()
                }
            )+
        }
    };
}

getters! {
    /// Whether small writes leave at once; see [`with_tcp_nodelay`](SocketOptions::with_tcp_nodelay).
    tcp_nodelay -> bool: |options| options.nodelay;
    /// The probes of idle connections; `None` if they are left as the system has them; see [`with_tcp_keepalive`](SocketOptions::with_tcp_keepalive).
    tcp_keepalive -> Option<&Keepalive>: |options| options.keepalive.as_ref();
    /// The kernel's send buffer in bytes; `None` for the system's choice; see [`with_send_buffer`](SocketOptions::with_send_buffer).
    send_buffer -> Option<usize>: |options| options.send_buffer;
    /// The kernel's receive buffer in bytes; `None` for the system's choice; see [`with_recv_buffer`](SocketOptions::with_recv_buffer).
    recv_buffer -> Option<usize>: |options| options.recv_buffer;
    /// Connections that may wait in the kernel to be accepted; see [`with_backlog`](SocketOptions::with_backlog).
    backlog -> u32: |options| options.backlog;
    /// The type of service; `None` for the system's; see [`with_tos`](SocketOptions::with_tos).
    tos -> Option<u8>: |options| options.tcp.tos;
    /// The network interface that connections are made and accepted through; `None` for any; see [`with_bind_to_device`](SocketOptions::with_bind_to_device).
    bind_to_device -> Option<&str>: |options| options.tcp.device.as_deref();
    /// How long data may stay unacknowledged; `None` for the system's limit; see [`with_tcp_max_retransmission`](SocketOptions::with_tcp_max_retransmission).
    tcp_max_retransmission -> Option<Duration>: |options| options.tcp.max_retransmission;
    /// The priority of packets; `None` for the system's; see [`with_priority`](SocketOptions::with_priority).
    priority -> Option<u32>: |options| options.tcp.priority;
    /// How long the kernel polls the network card; `None` for the system's choice; see [`with_busy_poll`](SocketOptions::with_busy_poll).
    busy_poll -> Option<Duration>: |options| options.tcp.busy_poll;
    /// The proxy that `tcp://` connections are made through; `None` for none; see [`with_socks_proxy`](SocketOptions::with_socks_proxy).
    socks_proxy -> Option<&str>: |options| options.socks.proxy.as_deref();
    /// The user name for the proxy; `None` for none; see [`with_socks_credentials`](SocketOptions::with_socks_credentials).
    socks_username -> Option<&str>: |options| options.socks.credentials.as_ref().map(|credentials| &*credentials.user);
}

impl TransportOptions {
    /// The password for the proxy; `None` for none.
    ///
    /// [`with_socks_credentials`](SocketOptions::with_socks_credentials) sets it.
    #[must_use]
    pub fn socks_password(&self) -> Option<&str> {
        self.socks.credentials.as_ref().map(|credentials| &*credentials.password)
    }
}

impl SocketOptions {
    /// The part that runtimes apply to their streams and listeners.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// // What a runtime of your own is given by `bind` and `connect`.
    /// let options = SocketOptions::default().with_backlog(7);
    /// assert_eq!(options.transport().backlog(), 7);
    /// ```
    #[must_use]
    pub fn transport(&self) -> &TransportOptions {
        &self.transport
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_sees_what_was_chosen() {
        let default = SocketOptions::default();
        assert!(default.transport().tcp_nodelay());
        assert_eq!(default.transport().tcp_keepalive(), Some(&Keepalive::new()));
        assert_eq!((default.transport().backlog(), default.transport().tos()), (100, None));
        let options = default
            .with_tcp_nodelay(false)
            .with_tcp_keepalive(None)
            .with_send_buffer(1)
            .with_recv_buffer(2)
            .with_backlog(3)
            .with_tos(4)
            .with_bind_to_device("lo")
            .with_tcp_max_retransmission(Duration::from_secs(5))
            .with_priority(6)
            .with_busy_poll(Duration::from_secs(7))
            .with_socks_proxy("proxy:8")
            .with_socks_credentials("user", "password");
        let seen = options.transport();
        assert!(!seen.tcp_nodelay() && seen.tcp_keepalive().is_none());
        assert_eq!((seen.send_buffer(), seen.recv_buffer(), seen.backlog()), (Some(1), Some(2), 3));
        assert_eq!((seen.tos(), seen.priority(), seen.bind_to_device()), (Some(4), Some(6), Some("lo")));
        let times = (seen.tcp_max_retransmission(), seen.busy_poll());
        assert_eq!(times, (Some(Duration::from_secs(5)), Some(Duration::from_secs(7))));
        assert_eq!(seen.socks_proxy(), Some("proxy:8"));
        assert_eq!((seen.socks_username(), seen.socks_password()), (Some("user"), Some("password")));
    }
}
