//! [`SocketOptions`]: one typed setter per option.

mod error;
mod transport;

use std::time::Duration;

use bytes::Bytes;

pub use self::error::OptionError;
pub use self::transport::{Keepalive, TransportOptions};
use crate::resilience::{Backoff, FlushPolicy, OnCancel};

const MIB: usize = 1024 * 1024;

/// How a socket behaves; given when it is opened.
///
/// Names follow libzmq in snake case, spelled out where libzmq abbreviates. Times are `Duration`s, and
/// "unlimited" is a setter of its own, never 0.
///
/// Worst-case memory with the defaults: 64 MiB and one message for each peer and direction, up to 64 MiB
/// and one message in the socket's own queue; use byte permits to bound sockets together.
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
    pub(crate) max_message_size: usize,
    pub(crate) max_frames: usize,
    pub(crate) identity: Bytes,
    pub(crate) connect_timeout: Duration,
    pub(crate) handshake_timeout: Duration,
    pub(crate) max_handshakes: usize,
    pub(crate) frame_timeout: Option<Duration>,
    pub(crate) heartbeat_interval: Option<Duration>,
    pub(crate) heartbeat_timeout: Duration,
    pub(crate) heartbeat_ttl: Option<Duration>,
    pub(crate) linger: Option<Duration>,
    pub(crate) backoff: Backoff,
    pub(crate) reconnect: bool,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) on_cancel: OnCancel,
    pub(crate) flush_policy: FlushPolicy,
    pub(crate) router_mandatory: bool,
    pub(crate) router_handover: bool,
    pub(crate) probe_router: bool,
    pub(crate) transport: TransportOptions,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            send_hwm: 1000,
            recv_hwm: 1000,
            send_hwm_bytes: 64 * MIB,
            recv_hwm_bytes: 64 * MIB,
            max_message_size: 256 * MIB,
            max_frames: 65_536,
            identity: Bytes::new(),
            connect_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(30),
            max_handshakes: 1024,
            frame_timeout: Some(Duration::from_secs(30)),
            heartbeat_interval: Some(Duration::from_secs(15)),
            heartbeat_timeout: Duration::from_secs(15),
            heartbeat_ttl: None,
            linger: Some(Duration::from_secs(30)),
            backoff: Backoff::default(),
            reconnect: true,
            max_attempts: None,
            on_cancel: OnCancel::default(),
            flush_policy: FlushPolicy::default(),
            router_mandatory: true,
            router_handover: true,
            probe_router: false,
            transport: TransportOptions::default(),
        }
    }
}

/// `None` for a mark that is not there.
fn limit(mark: usize) -> Option<usize> {
    (mark != usize::MAX).then_some(mark)
}

/// The high-water marks.
impl SocketOptions {
    /// Messages queued for one peer before senders wait; default 1000 (SNDHWM). Worst case: as many
    /// messages as fit below `send_hwm_bytes`.
    #[must_use]
    pub fn with_send_hwm(mut self, messages: usize) -> Self {
        self.send_hwm = messages;
        self
    }

    /// No limit on the number of messages queued for one peer (SNDHWM 0); bytes still count.
    #[must_use]
    pub fn with_unlimited_send_hwm(self) -> Self {
        self.with_send_hwm(usize::MAX)
    }

    /// Messages queued for one peer before senders wait; `None` for no limit.
    #[must_use]
    pub fn send_hwm(&self) -> Option<usize> {
        limit(self.send_hwm)
    }

    /// Messages of one peer read ahead of the application before reading pauses; default 1000 (RCVHWM).
    /// One read, of at most 32 KiB, may wait undecoded beside them.
    #[must_use]
    pub fn with_recv_hwm(mut self, messages: usize) -> Self {
        self.recv_hwm = messages;
        self
    }

    /// No limit on the number of messages read ahead (RCVHWM 0); bytes still count.
    #[must_use]
    pub fn with_unlimited_recv_hwm(self) -> Self {
        self.with_recv_hwm(usize::MAX)
    }

    /// Messages of one peer read ahead before reading pauses; `None` for no limit.
    #[must_use]
    pub fn recv_hwm(&self) -> Option<usize> {
        limit(self.recv_hwm)
    }

    /// Payload bytes queued for one peer before senders wait; default 64 MiB. A larger message is
    /// admitted alone. libzmq has no such mark.
    #[must_use]
    pub fn with_send_hwm_bytes(mut self, bytes: usize) -> Self {
        self.send_hwm_bytes = bytes;
        self
    }

    /// No limit on the bytes queued for one peer.
    #[must_use]
    pub fn with_unlimited_send_hwm_bytes(self) -> Self {
        self.with_send_hwm_bytes(usize::MAX)
    }

    /// Payload bytes queued for one peer before senders wait; `None` for no limit.
    #[must_use]
    pub fn send_hwm_bytes(&self) -> Option<usize> {
        limit(self.send_hwm_bytes)
    }

    /// Payload bytes of one peer read ahead of the application before reading pauses; default 64 MiB. The
    /// message that reaches the mark is still taken whole.
    #[must_use]
    pub fn with_recv_hwm_bytes(mut self, bytes: usize) -> Self {
        self.recv_hwm_bytes = bytes;
        self
    }

    /// No limit on the bytes read ahead.
    #[must_use]
    pub fn with_unlimited_recv_hwm_bytes(self) -> Self {
        self.with_recv_hwm_bytes(usize::MAX)
    }

    /// Payload bytes of one peer read ahead before reading pauses; `None` for no limit.
    #[must_use]
    pub fn recv_hwm_bytes(&self) -> Option<usize> {
        limit(self.recv_hwm_bytes)
    }

    /// The largest message sent or accepted, in payload bytes over all frames; default 256 MiB. A peer
    /// that announces more is disconnected before anything is allocated. libzmq's MAXMSGSIZE is for each
    /// frame, and for receiving only.
    #[must_use]
    pub fn with_max_message_size(mut self, bytes: usize) -> Self {
        self.max_message_size = bytes;
        self
    }

    /// The largest message sent or accepted, in payload bytes.
    #[must_use]
    pub fn max_message_size(&self) -> usize {
        self.max_message_size
    }

    /// The most frames that an incoming message may have; default 65,536.
    #[must_use]
    pub fn with_max_frames(mut self, frames: usize) -> Self {
        self.max_frames = frames;
        self
    }

    /// The most frames that an incoming message may have.
    #[must_use]
    pub fn max_frames(&self) -> usize {
        self.max_frames
    }
}

/// Connections: identity, limits on time, heartbeats, reconnection.
impl SocketOptions {
    /// The identity that ROUTER peers address this socket by: 1 to 255 bytes, not beginning with a zero
    /// byte; default none (ROUTING_ID).
    #[must_use]
    pub fn with_identity(mut self, identity: impl Into<Bytes>) -> Self {
        self.identity = identity.into();
        self
    }

    /// The identity that ROUTER peers address this socket by; empty for none.
    #[must_use]
    pub fn identity(&self) -> &[u8] {
        &self.identity
    }

    /// The limit of one connection attempt, name resolution included; default 30 s (CONNECT_TIMEOUT).
    #[must_use]
    pub fn with_connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// The limit of one connection attempt.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// The limit of the whole ZMTP handshake, from the connection on; default 30 s (HANDSHAKE_IVL).
    #[must_use]
    pub fn with_handshake_timeout(mut self, limit: Duration) -> Self {
        self.handshake_timeout = limit;
        self
    }

    /// The limit of the whole ZMTP handshake.
    #[must_use]
    pub fn handshake_timeout(&self) -> Duration {
        self.handshake_timeout
    }

    /// Accepted connections that may be in the handshake at once, each with up to 8 KiB; default 1,024.
    /// Further ones wait in the backlog.
    #[must_use]
    pub fn with_max_handshakes(mut self, connections: usize) -> Self {
        self.max_handshakes = connections;
        self
    }

    /// Accepted connections that may be in the handshake at once.
    #[must_use]
    pub fn max_handshakes(&self) -> usize {
        self.max_handshakes
    }

    /// How long a message that has begun to arrive may make no progress; default 30 s, `None` for ever.
    #[must_use]
    pub fn with_frame_timeout(mut self, limit: Option<Duration>) -> Self {
        self.frame_timeout = limit;
        self
    }

    /// How long a message that has begun to arrive may make no progress.
    #[must_use]
    pub fn frame_timeout(&self) -> Option<Duration> {
        self.frame_timeout
    }

    /// How often a PING is sent, to peers that speak ZMTP 3.1; default 15 s, `None` for no
    /// heartbeats (HEARTBEAT_IVL; libzmq: off).
    #[must_use]
    pub fn with_heartbeat_interval(mut self, interval: Option<Duration>) -> Self {
        self.heartbeat_interval = interval;
        self
    }

    /// How often a PING is sent.
    #[must_use]
    pub fn heartbeat_interval(&self) -> Option<Duration> {
        self.heartbeat_interval
    }

    /// How long after a PING any traffic must come for the peer not to be dead; default 15 s
    /// (HEARTBEAT_TIMEOUT).
    #[must_use]
    pub fn with_heartbeat_timeout(mut self, timeout: Duration) -> Self {
        self.heartbeat_timeout = timeout;
        self
    }

    /// How long after a PING any traffic must come.
    #[must_use]
    pub fn heartbeat_timeout(&self) -> Duration {
        self.heartbeat_timeout
    }

    /// What the PING tells the peer: consider us dead after so long a silence. Tenths of a second up to
    /// 6553.5 s; default `None` (HEARTBEAT_TTL).
    #[must_use]
    pub fn with_heartbeat_ttl(mut self, ttl: Option<Duration>) -> Self {
        self.heartbeat_ttl = ttl;
        self
    }

    /// What the PING tells the peer.
    #[must_use]
    pub fn heartbeat_ttl(&self) -> Option<Duration> {
        self.heartbeat_ttl
    }

    /// How long a closed or dropped socket goes on sending what is queued; default 30 s, zero to drop it
    /// at once (LINGER; libzmq: for ever).
    #[must_use]
    pub fn with_linger(mut self, linger: Duration) -> Self {
        self.linger = Some(linger);
        self
    }

    /// Goes on until everything is sent, or the runtime ends (LINGER -1).
    #[must_use]
    pub fn with_unlimited_linger(mut self) -> Self {
        self.linger = None;
        self
    }

    /// How long a closed socket goes on sending; `None` for no limit.
    #[must_use]
    pub fn linger(&self) -> Option<Duration> {
        self.linger
    }

    /// The delays between connection attempts; default 100 ms doubling to 30 s, +-25 % (RECONNECT_IVL,
    /// RECONNECT_IVL_MAX).
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// The delays between connection attempts.
    #[must_use]
    pub fn backoff(&self) -> &Backoff {
        &self.backoff
    }

    /// Whether a lost connection, or an attempt that failed, is followed by another; default true (false
    /// is RECONNECT_IVL -1).
    #[must_use]
    pub fn with_reconnect(mut self, reconnect: bool) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// Whether a lost connection is followed by another attempt.
    #[must_use]
    pub fn reconnect(&self) -> bool {
        self.reconnect
    }

    /// Failures in a row after which an endpoint is given up; default `None`: never.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: Option<u32>) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Failures in a row after which an endpoint is given up.
    #[must_use]
    pub fn max_attempts(&self) -> Option<u32> {
        self.max_attempts
    }
}

/// Sending, and what the types do.
impl SocketOptions {
    /// What dropping a pending `send` or `flush` means; default [`OnCancel::Resume`].
    #[must_use]
    pub fn with_on_cancel(mut self, on_cancel: OnCancel) -> Self {
        self.on_cancel = on_cancel;
        self
    }

    /// What dropping a pending `send` or `flush` means.
    #[must_use]
    pub fn on_cancel(&self) -> OnCancel {
        self.on_cancel
    }

    /// When accepted messages are written; default [`FlushPolicy::Adaptive`].
    #[must_use]
    pub fn with_flush_policy(mut self, policy: FlushPolicy) -> Self {
        self.flush_policy = policy;
        self
    }

    /// When accepted messages are written.
    #[must_use]
    pub fn flush_policy(&self) -> FlushPolicy {
        self.flush_policy
    }

    /// Whether a ROUTER refuses messages that no peer can get: with an error for an unknown identity, by
    /// waiting for one at its mark. Default true; if false they are dropped and counted
    /// (ROUTER_MANDATORY; libzmq: off).
    #[must_use]
    pub fn with_router_mandatory(mut self, mandatory: bool) -> Self {
        self.router_mandatory = mandatory;
        self
    }

    /// Whether a ROUTER refuses messages that no peer can get.
    #[must_use]
    pub fn router_mandatory(&self) -> bool {
        self.router_mandatory
    }

    /// Whether a new connection takes over an identity that another one has; default true. If false the
    /// new connection is closed (ROUTER_HANDOVER; libzmq: off, and the new one is ignored).
    #[must_use]
    pub fn with_router_handover(mut self, handover: bool) -> Self {
        self.router_handover = handover;
        self
    }

    /// Whether a new connection takes over an identity that another one has.
    #[must_use]
    pub fn router_handover(&self) -> bool {
        self.router_handover
    }

    /// Whether each new connection is greeted with one empty message, so that a ROUTER learns of this
    /// socket; DEALER and ROUTER; default false (PROBE_ROUTER).
    #[must_use]
    pub fn with_probe_router(mut self, probe: bool) -> Self {
        self.probe_router = probe;
        self
    }

    /// Whether each new connection is greeted with one empty message.
    #[must_use]
    pub fn probe_router(&self) -> bool {
        self.probe_router
    }
}
