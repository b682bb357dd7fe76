//! [`SocketOptions`]: one typed setter per option.
//!
//! # Coming from libzmq
//!
//! | libzmq | here |
//! |---|---|
//! | AFFINITY | not needed: a socket's I/O is done by its callers and one task of its runtime |
//! | BACKLOG | [`with_backlog`] |
//! | BINDTODEVICE | [`with_bind_to_device`] |
//! | BUSY_POLL | [`with_busy_poll`] |
//! | CONFLATE | [`with_conflate`] |
//! | CONNECT_ROUTING_ID | [`connect_to_as`] |
//! | CONNECT_TIMEOUT | [`with_connect_timeout`] |
//! | CURVE_SERVER, _SECRETKEY | `with_curve_server` (feature `curve`), which says who is admitted as well |
//! | CURVE_SERVERKEY, _PUBLICKEY, _SECRETKEY | `with_curve_client` (feature `curve`) |
//! | DISCONNECT_MSG | [`with_disconnect_message`] |
//! | EVENTS, FD | not needed: sockets are futures, `Stream`s and `Sink`s; [`try_recv`], [`try_send`] |
//! | GSSAPI_* | GSSAPI is not in this version |
//! | HANDSHAKE_IVL | [`with_handshake_timeout`]; there is always a limit |
//! | HEARTBEAT_IVL, _TIMEOUT, _TTL | [`with_heartbeat_interval`], [`with_heartbeat_timeout`], [`with_heartbeat_ttl`] |
//! | HELLO_MSG | [`with_hello_message`] |
//! | HICCUP_MSG | [`with_hiccup_message`] |
//! | IMMEDIATE | [`with_while_disconnected`]`(Wait)`; not needed for fairness: no message waits for a peer that is not connected while another is |
//! | IN_BATCH_SIZE, OUT_BATCH_SIZE | not needed: reads are of 64 KiB, and [`with_flush_policy`] says when is written |
//! | INVERT_MATCHING | [`with_invert_matching`] |
//! | IPC_FILTER_UID, _GID, _PID | deprecated in libzmq; permissions of the path's folder do it |
//! | IPV4ONLY, IPV6 | not needed: an address says which it is, names may be either, and `tcp://*` is both |
//! | LAST_ENDPOINT | [`local_endpoint`]; [`bind_to`] returns it |
//! | LINGER | [`with_linger`], [`with_unlimited_linger`] |
//! | LOOPBACK_FASTPATH | Windows' fast path is not in this version |
//! | MAXMSGSIZE | [`with_max_message_size`], of the whole message |
//! | MECHANISM | [`mechanism`]; see [`guide::security`](crate::guide::security) |
//! | METADATA | [`with_metadata`] |
//! | MULTICAST_HOPS, _LOOP, _MAXTPDU, RATE, RECOVERY_IVL | PGM and UDP multicast are not in this version |
//! | NORM_* | NORM is not in this version |
//! | ONLY_FIRST_SUBSCRIBE | [`with_only_first_subscribe`] |
//! | PLAIN_SERVER | `with_plain_server` (feature `plain`) |
//! | PLAIN_USERNAME, _PASSWORD | `with_plain_client` (feature `plain`) |
//! | PRIORITY | [`with_priority`] |
//! | PROBE_ROUTER | [`with_probe_router`] |
//! | RCVBUF, SNDBUF | [`with_recv_buffer`], [`with_send_buffer`] |
//! | RCVHWM, SNDHWM | [`with_recv_hwm`], [`with_send_hwm`]; 0 is [`with_unlimited_recv_hwm`], [`with_unlimited_send_hwm`] |
//! | RCVMORE | not needed: a [`Message`](crate::Message) has all its frames |
//! | RCVTIMEO, SNDTIMEO | [`with_recv_timeout`], [`with_send_timeout`], or your runtime's `timeout`; 0 is [`try_recv`], [`try_send`] |
//! | RECONNECT_IVL | [`with_reconnect_interval`], [`with_backoff`]; -1 is [`with_reconnect`]`(false)` |
//! | RECONNECT_IVL_MAX | [`with_reconnect_interval_max`] |
//! | RECONNECT_STOP | [`with_reconnect_stop`] |
//! | REQ_CORRELATE, REQ_RELAXED | [`with_req_correlate`], [`with_req_relaxed`] |
//! | ROUTER_HANDOVER, _MANDATORY, _NOTIFY | [`with_router_handover`], [`with_router_mandatory`], [`with_router_notify`] |
//! | ROUTER_RAW | the socket type STREAM is not in this version |
//! | ROUTING_ID | [`with_identity`] |
//! | SOCKS_PROXY | [`with_socks_proxy`] |
//! | SOCKS_USERNAME, SOCKS_PASSWORD | [`with_socks_credentials`] |
//! | STREAM_NOTIFY | the socket type STREAM is not in this version |
//! | SUBSCRIBE, UNSUBSCRIBE | [`subscribe`], [`unsubscribe`] |
//! | TCP_ACCEPT_FILTER | deprecated in libzmq; a firewall does it |
//! | TCP_KEEPALIVE, _CNT, _IDLE, _INTVL | [`with_tcp_keepalive`] |
//! | TCP_MAXRT | [`with_tcp_max_retransmission`] |
//! | THREAD_SAFE | not needed: all sockets are, as far as their runtime allows (`Send` and `Sync` on tokio) |
//! | TOPICS_COUNT | [`topic_count`] |
//! | TOS | [`with_tos`] |
//! | TYPE | not needed: it is the type of the socket in Rust; of a peer, [`PeerStats::socket_type`](crate::monitor::PeerStats) |
//! | USE_FD | `from_tcp` and `from_unix` for connected streams, `bind_listener` for listeners |
//! | VMCI_* | VMCI is not in this version |
//! | WSS_* | WebSocket is not in this version |
//! | XPUB_MANUAL, _MANUAL_LAST_VALUE | [`with_xpub_manual`], [`with_xpub_manual_last_value`] |
//! | XPUB_NODROP | [`with_xpub_nodrop`]; [`with_on_full`] for other types and answers |
//! | XPUB_VERBOSE, _VERBOSER | [`with_xpub_verbose`], [`with_xpub_verboser`] |
//! | XPUB_WELCOME_MSG | [`with_xpub_welcome_message`] |
//! | XSUB_VERBOSE_UNSUBSCRIBE | [`with_xsub_verbose_unsubscribe`] |
//! | ZAP_DOMAIN, ZAP_ENFORCE_DOMAIN | [`with_authenticator`], asked by this socket alone and for every mechanism; there is no handler at `inproc://zeromq.zap.01` |
//! | options of a context: IO_THREADS, MAX_SOCKETS, SOCKET_LIMIT, THREAD_*, MAX_MSGSZ, MSG_T_SIZE, BLOCKY, ZERO_COPY_RECV | not needed: there is no context |
//!
//! Options that libzmq has not: [`with_frame_timeout`], [`with_incomplete_bytes`], [`with_leftover_bytes`],
//! [`with_max_attempts`], [`with_max_connections`], [`with_max_connections_per_address`], [`with_max_frames`],
//! [`with_max_handshakes`], [`with_max_resends`], [`with_max_subscriptions`], [`with_max_subscription_bytes`], [`with_monitor_drops`],
//! [`with_monitor_events`], [`with_name`], [`with_on_cancel`], [`with_reconnect_jitter`], [`with_recv_hwm_bytes`],
//! [`with_send_hwm_bytes`], [`with_req_resend`], [`with_subscription_filter`], [`with_tcp_nodelay`].
//!
//! What differs by default stands in [`guide::delivery`](crate::guide::delivery#deviations-from-libzmq).
//!
//! [`bind_to`]: crate::socket::Socket::bind_to
//! [`connect_to_as`]: crate::socket::Socket::connect_to_as
//! [`mechanism`]: SocketOptions::mechanism
//! [`local_endpoint`]: crate::socket::Socket::local_endpoint
//! [`subscribe`]: crate::socket::Socket::subscribe
//! [`topic_count`]: crate::socket::Socket::topic_count
//! [`try_recv`]: crate::socket::Socket::try_recv
//! [`try_send`]: crate::socket::Socket::try_send
//! [`unsubscribe`]: crate::socket::Socket::unsubscribe
//! [`with_authenticator`]: SocketOptions::with_authenticator
//! [`with_backlog`]: SocketOptions::with_backlog
//! [`with_backoff`]: SocketOptions::with_backoff
//! [`with_bind_to_device`]: SocketOptions::with_bind_to_device
//! [`with_busy_poll`]: SocketOptions::with_busy_poll
//! [`with_conflate`]: SocketOptions::with_conflate
//! [`with_connect_timeout`]: SocketOptions::with_connect_timeout
//! [`with_disconnect_message`]: SocketOptions::with_disconnect_message
//! [`with_flush_policy`]: SocketOptions::with_flush_policy
//! [`with_frame_timeout`]: SocketOptions::with_frame_timeout
//! [`with_handshake_timeout`]: SocketOptions::with_handshake_timeout
//! [`with_heartbeat_interval`]: SocketOptions::with_heartbeat_interval
//! [`with_heartbeat_timeout`]: SocketOptions::with_heartbeat_timeout
//! [`with_heartbeat_ttl`]: SocketOptions::with_heartbeat_ttl
//! [`with_hello_message`]: SocketOptions::with_hello_message
//! [`with_hiccup_message`]: SocketOptions::with_hiccup_message
//! [`with_identity`]: SocketOptions::with_identity
//! [`with_incomplete_bytes`]: SocketOptions::with_incomplete_bytes
//! [`with_invert_matching`]: SocketOptions::with_invert_matching
//! [`with_leftover_bytes`]: SocketOptions::with_leftover_bytes
//! [`with_linger`]: SocketOptions::with_linger
//! [`with_max_attempts`]: SocketOptions::with_max_attempts
//! [`with_max_connections`]: SocketOptions::with_max_connections
//! [`with_max_connections_per_address`]: SocketOptions::with_max_connections_per_address
//! [`with_max_frames`]: SocketOptions::with_max_frames
//! [`with_max_handshakes`]: SocketOptions::with_max_handshakes
//! [`with_max_message_size`]: SocketOptions::with_max_message_size
//! [`with_max_resends`]: SocketOptions::with_max_resends
//! [`with_max_subscription_bytes`]: SocketOptions::with_max_subscription_bytes
//! [`with_max_subscriptions`]: SocketOptions::with_max_subscriptions
//! [`with_metadata`]: SocketOptions::with_metadata
//! [`with_monitor_drops`]: SocketOptions::with_monitor_drops
//! [`with_monitor_events`]: SocketOptions::with_monitor_events
//! [`with_name`]: SocketOptions::with_name
//! [`with_on_cancel`]: SocketOptions::with_on_cancel
//! [`with_on_full`]: SocketOptions::with_on_full
//! [`with_only_first_subscribe`]: SocketOptions::with_only_first_subscribe
//! [`with_priority`]: SocketOptions::with_priority
//! [`with_probe_router`]: SocketOptions::with_probe_router
//! [`with_reconnect`]: SocketOptions::with_reconnect
//! [`with_reconnect_interval`]: SocketOptions::with_reconnect_interval
//! [`with_reconnect_interval_max`]: SocketOptions::with_reconnect_interval_max
//! [`with_reconnect_jitter`]: SocketOptions::with_reconnect_jitter
//! [`with_reconnect_stop`]: SocketOptions::with_reconnect_stop
//! [`with_recv_buffer`]: SocketOptions::with_recv_buffer
//! [`with_recv_hwm`]: SocketOptions::with_recv_hwm
//! [`with_recv_hwm_bytes`]: SocketOptions::with_recv_hwm_bytes
//! [`with_recv_timeout`]: SocketOptions::with_recv_timeout
//! [`with_req_correlate`]: SocketOptions::with_req_correlate
//! [`with_req_relaxed`]: SocketOptions::with_req_relaxed
//! [`with_req_resend`]: SocketOptions::with_req_resend
//! [`with_router_handover`]: SocketOptions::with_router_handover
//! [`with_router_mandatory`]: SocketOptions::with_router_mandatory
//! [`with_router_notify`]: SocketOptions::with_router_notify
//! [`with_send_buffer`]: SocketOptions::with_send_buffer
//! [`with_send_hwm`]: SocketOptions::with_send_hwm
//! [`with_send_hwm_bytes`]: SocketOptions::with_send_hwm_bytes
//! [`with_send_timeout`]: SocketOptions::with_send_timeout
//! [`with_socks_credentials`]: SocketOptions::with_socks_credentials
//! [`with_socks_proxy`]: SocketOptions::with_socks_proxy
//! [`with_subscription_filter`]: SocketOptions::with_subscription_filter
//! [`with_tcp_keepalive`]: SocketOptions::with_tcp_keepalive
//! [`with_tcp_max_retransmission`]: SocketOptions::with_tcp_max_retransmission
//! [`with_tcp_nodelay`]: SocketOptions::with_tcp_nodelay
//! [`with_tos`]: SocketOptions::with_tos
//! [`with_unlimited_linger`]: SocketOptions::with_unlimited_linger
//! [`with_unlimited_recv_hwm`]: SocketOptions::with_unlimited_recv_hwm
//! [`with_unlimited_send_hwm`]: SocketOptions::with_unlimited_send_hwm
//! [`with_while_disconnected`]: SocketOptions::with_while_disconnected
//! [`with_xpub_manual`]: SocketOptions::with_xpub_manual
//! [`with_xpub_manual_last_value`]: SocketOptions::with_xpub_manual_last_value
//! [`with_xpub_nodrop`]: SocketOptions::with_xpub_nodrop
//! [`with_xpub_verbose`]: SocketOptions::with_xpub_verbose
//! [`with_xpub_verboser`]: SocketOptions::with_xpub_verboser
//! [`with_xpub_welcome_message`]: SocketOptions::with_xpub_welcome_message
//! [`with_xsub_verbose_unsubscribe`]: SocketOptions::with_xsub_verbose_unsubscribe

mod connection;
mod error;
mod limits;
mod mechanism;
mod monitor;
mod policy;
mod pub_sub;
mod reconnect;
mod reconnect_stop;
mod security;
mod socks;
mod tcp;
mod transport;
mod types;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use self::error::OptionError;
pub use self::reconnect_stop::ReconnectStop;
pub use self::transport::{Keepalive, TransportOptions};
use self::types::TypeOptions;
pub use self::types::{RouterHandover, RouterNotify};
#[cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
pub(crate) use self::{socks::SocksCredentials, tcp::TcpOptions};
use crate::resilience::{Backoff, BackoffFn, FlushPolicy, OnCancel, OnFull, RetryBudget, WhileDisconnected};
use crate::security::{AnyAuthenticator, Properties, Security};

const MIB: usize = 1024 * 1024;

/// How a socket behaves; given when it is opened.
///
/// Names follow libzmq in snake case, spelled out where libzmq abbreviates. Times are `Duration`s, and
/// "unlimited" is a setter of its own, never 0.
///
/// Worst-case memory with the defaults: 64 MiB and one message for each peer and direction, up to 64 MiB
/// and one message in the socket's own queue, and 512 MiB of messages in the making; use byte permits to bound
/// sockets together, and see [`guide::bounds`](crate::guide::bounds).
///
/// An option that a socket type does not have, set to something other than its default, is refused when the socket
/// is opened ([`OptionError::NotOfType`]): it would be without effect. The docs of such options name the types. Marks,
/// time limits, and what concerns connections every type has, so that options can be made for any; where a type
/// does not send, or does not receive, those of that direction have nothing to act upon.
///
/// ```
/// use monocoque::SocketOptions;
/// use std::time::Duration;
///
/// let options = SocketOptions::default()
///     .with_send_hwm(100)
///     .with_identity("worker-7")
///     .with_linger(Duration::from_secs(1));
/// assert_eq!(options.send_hwm(), Some(100));
/// ```
#[derive(Clone, Debug)]
pub struct SocketOptions {
    /// `usize::MAX` stands for unlimited in all marks.
    pub(crate) send_hwm: usize,
    pub(crate) recv_hwm: usize,
    pub(crate) send_hwm_bytes: usize,
    pub(crate) recv_hwm_bytes: usize,
    pub(crate) leftover_bytes: Option<usize>,
    pub(crate) incomplete_bytes: usize,
    pub(crate) max_message_size: usize,
    pub(crate) max_frames: usize,
    pub(crate) identity: Bytes,
    pub(crate) connect_timeout: Duration,
    pub(crate) handshake_timeout: Duration,
    pub(crate) max_handshakes: usize,
    pub(crate) max_connections: usize,
    pub(crate) max_connections_per_address: usize,
    pub(crate) frame_timeout: Option<Duration>,
    pub(crate) heartbeat_interval: Option<Duration>,
    pub(crate) heartbeat_timeout: Duration,
    pub(crate) heartbeat_ttl: Option<Duration>,
    pub(crate) linger: Option<Duration>,
    pub(crate) backoff: Backoff,
    pub(crate) backoff_fn: Option<BackoffFn>,
    pub(crate) retry_budget: Option<RetryBudget>,
    pub(crate) reconnect: bool,
    pub(crate) reconnect_stop: ReconnectStop,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) on_cancel: OnCancel,
    pub(crate) flush_policy: FlushPolicy,
    /// `None` is what the socket type does by default.
    pub(crate) on_full: Option<OnFull>,
    pub(crate) while_disconnected: WhileDisconnected,
    pub(crate) max_resends: Option<u32>,
    pub(crate) router_mandatory: bool,
    pub(crate) router_handover: RouterHandover,
    pub(crate) probe_router: bool,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) monitor_events: usize,
    pub(crate) monitor_drops: usize,
    pub(crate) wait_times: bool,
    pub(crate) types: TypeOptions,
    pub(crate) metadata: Properties,
    pub(crate) recv_timeout: Option<Duration>,
    pub(crate) recv_spin: Duration,
    pub(crate) send_timeout: Option<Duration>,
    pub(crate) authenticator: Option<AnyAuthenticator>,
    pub(crate) security: Security,
    pub(crate) transport: TransportOptions,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            send_hwm: 1000,
            recv_hwm: 1000,
            send_hwm_bytes: 64 * MIB,
            recv_hwm_bytes: 64 * MIB,
            leftover_bytes: None,
            incomplete_bytes: 512 * MIB,
            max_message_size: 256 * MIB,
            max_frames: 65_536,
            identity: Bytes::new(),
            connect_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(30),
            max_handshakes: 1024,
            max_connections: usize::MAX,
            max_connections_per_address: usize::MAX,
            frame_timeout: Some(Duration::from_secs(30)),
            heartbeat_interval: None,
            heartbeat_timeout: Duration::from_secs(15),
            heartbeat_ttl: None,
            linger: Some(Duration::from_secs(30)),
            backoff: Backoff::default(),
            backoff_fn: None,
            retry_budget: None,
            reconnect: true,
            reconnect_stop: ReconnectStop::default(),
            max_attempts: None,
            on_cancel: OnCancel::default(),
            flush_policy: FlushPolicy::default(),
            on_full: None,
            while_disconnected: WhileDisconnected::default(),
            max_resends: Some(3),
            router_mandatory: false,
            router_handover: RouterHandover::default(),
            probe_router: false,
            name: None,
            monitor_events: 1024,
            monitor_drops: 1024,
            wait_times: false,
            types: TypeOptions::default(),
            metadata: Properties::default(),
            recv_timeout: None,
            recv_spin: Duration::ZERO,
            send_timeout: None,
            authenticator: None,
            security: Security::default(),
            transport: TransportOptions::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_documented_ones() {
        let seconds = Duration::from_secs;
        let options = SocketOptions::default();
        assert_eq!((options.send_hwm(), options.recv_hwm()), (Some(1000), Some(1000)));
        assert_eq!((options.send_hwm_bytes(), options.recv_hwm_bytes()), (Some(64 * MIB), Some(64 * MIB)));
        assert_eq!(options.leftover_bytes(), Some(64 * MIB));
        assert_eq!(options.incomplete_bytes(), Some(512 * MIB));
        assert_eq!((options.max_message_size(), options.max_frames()), (256 * MIB, 65_536));
        assert_eq!((options.max_connections(), options.max_connections_per_address()), (None, None));
        assert!(!options.has_authenticator() && !options.has_subscription_filter());
        assert_eq!((options.identity(), options.max_handshakes()), (&b""[..], 1024));
        assert_eq!((options.connect_timeout(), options.handshake_timeout()), (seconds(30), seconds(30)));
        assert_eq!((options.frame_timeout(), options.linger()), (Some(seconds(30)), Some(seconds(30))));
        assert_eq!(options.heartbeat_interval(), None);
        assert_eq!((options.heartbeat_timeout(), options.heartbeat_ttl()), (seconds(15), None));
        assert_eq!(options.backoff(), &Backoff::new());
        assert!(!options.has_backoff_fn() && options.retry_budget().is_none());
        assert_eq!((options.reconnect(), options.max_attempts()), (true, None));
        assert_eq!(options.reconnect_stop(), ReconnectStop::new());
        assert_eq!((options.monitor_events(), options.monitor_drops(), options.name()), (1024, 1024, None));
        assert!(!options.wait_times() && options.recv_spin().is_zero());
        assert_eq!((options.on_cancel(), options.flush_policy()), (OnCancel::Resume, FlushPolicy::Adaptive));
        assert!(!options.router_mandatory() && !options.probe_router());
        assert_eq!((options.router_handover(), options.max_resends()), (RouterHandover::SameOrigin, Some(3)));
        assert!(options.tcp_nodelay() && options.tcp_keepalive() == Some(&Keepalive::default()));
        assert_eq!((options.send_buffer(), options.recv_buffer(), options.backlog()), (None, None, 100));
        assert_eq!((options.tos(), options.bind_to_device(), options.priority()), (None, None, None));
        assert_eq!((options.tcp_max_retransmission(), options.busy_poll()), (None, None));
        assert_eq!((options.socks_proxy(), options.socks_username()), (None, None));
    }

    #[test]
    fn what_only_some_types_heed_can_be_looked_at() {
        let plain = SocketOptions::default();
        assert!(!plain.only_first_subscribe() && !plain.xsub_verbose_unsubscribe());
        assert_eq!(plain.xpub_welcome_message(), None);
        let options = plain
            .with_only_first_subscribe(true)
            .with_xsub_verbose_unsubscribe(true)
            .with_xpub_welcome_message("hello");
        assert!(options.only_first_subscribe() && options.xsub_verbose_unsubscribe());
        assert_eq!(options.xpub_welcome_message(), Some(&"hello".into()));
    }

    #[test]
    fn the_backoff_can_be_set_in_parts() {
        let options = SocketOptions::default()
            .with_reconnect_interval(Duration::from_millis(7))
            .with_reconnect_interval_max(Duration::from_secs(7))
            .with_reconnect_jitter(0.5);
        let whole = Backoff::new()
            .with_initial(Duration::from_millis(7))
            .with_max(Duration::from_secs(7))
            .with_jitter(0.5);
        assert_eq!(options.backoff(), &whole);
    }
}
