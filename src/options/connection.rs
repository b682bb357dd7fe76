//! Options of connections: identity, limits on time, heartbeats.

use std::time::Duration;

use bytes::Bytes;

use super::SocketOptions;

/// Connections: identity, limits on time, heartbeats.
///
/// ```
/// use monocoque::SocketOptions;
/// use std::time::Duration;
///
/// let seconds = Duration::from_secs;
/// let options = SocketOptions::default()
///     // Who it is, for a ROUTER at the other end.
///     .with_identity("worker-7")
///     .with_metadata("X-Zone", "north")
///     // How long the parts of a connection may take.
///     .with_connect_timeout(seconds(5))
///     .with_handshake_timeout(seconds(5))
///     .with_frame_timeout(seconds(60))
///     .with_linger(seconds(1))
///     // How many a socket that binds has.
///     .with_max_connections(10_000)
///     .with_max_handshakes(100)
///     // Peers that hang are found, and not only hosts that are gone.
///     .with_heartbeat_interval(seconds(10))
///     .with_heartbeat_timeout(seconds(20))
///     .with_heartbeat_ttl(seconds(30));
/// assert_eq!(options.identity(), b"worker-7");
/// assert_eq!((options.connect_timeout(), options.linger()), (seconds(5), Some(seconds(1))));
/// ```
impl SocketOptions {
    /// The identity that ROUTER peers address this socket by: 1 to 255 bytes, not beginning with a zero
    /// byte; default none (ROUTING_ID).
    #[doc = example!(r#"let router = RouterSocket::bind("inproc://identity").await?;
let options = SocketOptions::default().with_identity("worker-7");
let worker = DealerSocket::connect_with_options("inproc://identity", options).await?;
worker.send("ready").await?;
let (identity, _) = router.recv_from().await?;
assert_eq!(identity, "worker-7");"#)]
    #[must_use]
    pub fn with_identity(mut self, identity: impl Into<Bytes>) -> Self {
        self.identity = identity.into();
        self
    }

    /// The identity that ROUTER peers address this socket by; empty for none;
    /// see [`with_identity`](Self::with_identity).
    #[must_use]
    pub fn identity(&self) -> &[u8] {
        &self.identity
    }

    /// One more property that peers are told in the handshake: a name of 2 to 255 bytes that begins with
    /// `X-`, and a value (METADATA). Peers see it in [`PeerStats`](crate::monitor::PeerStats).
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let options = SocketOptions::default().with_metadata("X-Zone", "north");
let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options).await?;
push.send("job").await?;
let (peer, _) = pull.recv_with_peer().await?;
let metadata = pull.peer(peer).unwrap().metadata;
assert!(metadata.iter().any(|(name, value)| name == "X-Zone" && value == "north"));"#)]
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.metadata.push((name.into(), value.into()));
        self
    }

    /// The properties that peers are told beside the socket's type and identity;
    /// see [`with_metadata`](Self::with_metadata).
    #[must_use]
    pub fn metadata(&self) -> &[(String, Bytes)] {
        &self.metadata
    }

    /// The limit of one connection attempt, for resolving the name and all its addresses together; default 30 s
    /// (CONNECT_TIMEOUT). An address is tried 250 ms after the one before it (RFC 8305).
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use std::time::Duration;
    ///
    /// let seconds = Duration::from_secs;
    /// // Within a data centre: what takes longer has failed.
    /// let options = SocketOptions::default()
    ///     .with_connect_timeout(seconds(2))
    ///     .with_handshake_timeout(seconds(2))
    ///     .with_frame_timeout(seconds(10));
    /// assert_eq!(SocketOptions::default().connect_timeout(), seconds(30));
    /// # assert_eq!((options.handshake_timeout(), options.frame_timeout()), (seconds(2), Some(seconds(10))));
    /// ```
    #[must_use]
    pub fn with_connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// The limit of one connection attempt; see [`with_connect_timeout`](Self::with_connect_timeout).
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// The limit of the whole ZMTP handshake, from the connection on; default 30 s (HANDSHAKE_IVL).
    ///
    /// It begins where [`with_connect_timeout`](Self::with_connect_timeout) ends.
    #[must_use]
    pub fn with_handshake_timeout(mut self, limit: Duration) -> Self {
        self.handshake_timeout = limit;
        self
    }

    /// The limit of the whole ZMTP handshake; see [`with_handshake_timeout`](Self::with_handshake_timeout).
    #[must_use]
    pub fn handshake_timeout(&self) -> Duration {
        self.handshake_timeout
    }

    /// Accepted connections that may be in the handshake at once, each with up to 8 KiB; default 1,024.
    ///
    /// When one more comes, the oldest handshake makes room of the address (IPv6: the /64 network) that holds
    /// most of them, whatever it has sent: whoever fills the slots shuts itself out, and nobody else. No
    /// address is limited while slots are free.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// let options = SocketOptions::default().with_max_handshakes(100).with_max_connections(10_000);
    /// // What strangers can have us hold before the handshake is done, all together.
    /// assert_eq!(options.max_handshakes() * 8 * 1024, 819_200);
    /// ```
    #[must_use]
    pub fn with_max_handshakes(mut self, connections: usize) -> Self {
        self.max_handshakes = connections;
        self
    }

    /// Accepted connections that may be in the handshake at once;
    /// see [`with_max_handshakes`](Self::with_max_handshakes).
    #[must_use]
    pub fn max_handshakes(&self) -> usize {
        self.max_handshakes
    }

    /// Accepted connections that there may be at once, in the handshake or after it; default no limit. While
    /// there are as many, a connection in the handshake makes room for a new one as with `max_handshakes`; when
    /// there is none, the new one is hung up on. Connections that the socket dials, and those over `inproc://`,
    /// do not count.
    #[doc = example!(r#"let options = SocketOptions::default().with_max_connections(1);
let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await?;
let endpoint = pull.local_endpoint().unwrap();
let first = PushSocket::connect(&endpoint).await?;
assert!(PushSocket::connect(&endpoint).await.is_err());
# drop(first);"#)]
    #[must_use]
    pub fn with_max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Accepted connections that there may be at once; `None` for no limit;
    /// see [`with_max_connections`](Self::with_max_connections).
    #[must_use]
    pub fn max_connections(&self) -> Option<usize> {
        (self.max_connections != usize::MAX).then_some(self.max_connections)
    }

    /// How long a message that has begun to arrive may make no progress; default 30 s, `None` for ever. Limits
    /// below a millisecond are looked at every millisecond.
    ///
    /// See [`with_connect_timeout`](Self::with_connect_timeout), with which it is set.
    #[must_use]
    pub fn with_frame_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.frame_timeout = limit.into();
        self
    }

    /// How long a message that has begun to arrive may make no progress;
    /// see [`with_frame_timeout`](Self::with_frame_timeout).
    #[must_use]
    pub fn frame_timeout(&self) -> Option<Duration> {
        self.frame_timeout
    }

    /// How often a PING is sent, to peers that speak ZMTP 3.1; default `None`, no heartbeats (HEARTBEAT_IVL).
    ///
    /// Hosts that are gone are found without, by [`with_tcp_keepalive`](Self::with_tcp_keepalive). Heartbeats
    /// find applications that hang, and peers behind a proxy or on a stream of your own. Nothing is concluded
    /// while the kernel takes no more bytes for the peer, or has not taken the PING and all before it; nor from
    /// a silence for which this socket's own runtime was too busy to listen. But what the kernel has taken the peer
    /// may still have to read, and so those are cut off who are only slow with little to read: a libzmq peer that
    /// has come to its RCVHWM reads and answers no PING, and a peer of this crate answers none while it blocks its
    /// runtime for longer than interval and timeout together.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use std::time::Duration;
    ///
    /// let seconds = Duration::from_secs;
    /// let options = SocketOptions::default()
    ///     // An application that hangs is found within half a minute,
    ///     .with_heartbeat_interval(seconds(10))
    ///     .with_heartbeat_timeout(seconds(20))
    ///     // and one of libzmq finds us as soon, which may send no PING of its own.
    ///     .with_heartbeat_ttl(seconds(30));
    /// assert_eq!(options.heartbeat_interval().unwrap() + options.heartbeat_timeout(), seconds(30));
    /// ```
    #[must_use]
    pub fn with_heartbeat_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.heartbeat_interval = interval.into();
        self
    }

    /// How often a PING is sent; see [`with_heartbeat_interval`](Self::with_heartbeat_interval).
    #[must_use]
    pub fn heartbeat_interval(&self) -> Option<Duration> {
        self.heartbeat_interval
    }

    /// How long after a PING any traffic must come for the peer not to be dead; default 15 s
    /// (HEARTBEAT_TIMEOUT; libzmq: the interval). It runs while the kernel takes what there is for the peer, from
    /// when it has taken the PING. Longer than a libzmq peer may rest at its RCVHWM, or it is cut off.
    ///
    /// It matters only with [`with_heartbeat_interval`](Self::with_heartbeat_interval).
    #[must_use]
    pub fn with_heartbeat_timeout(mut self, timeout: Duration) -> Self {
        self.heartbeat_timeout = timeout;
        self
    }

    /// How long after a PING any traffic must come; see [`with_heartbeat_timeout`](Self::with_heartbeat_timeout).
    #[must_use]
    pub fn heartbeat_timeout(&self) -> Duration {
        self.heartbeat_timeout
    }

    /// What the PING tells the peer: consider us dead after so long a silence. Up to 6553.5 s, rounded up to
    /// tenths of a second; default `None` (HEARTBEAT_TTL). A libzmq peer at its RCVHWM hears nothing, and hangs up
    /// when it has rested for so long. A peer's own TTL is heeded unless the kernel takes no more bytes for it.
    ///
    /// It goes with the PINGs of [`with_heartbeat_interval`](Self::with_heartbeat_interval).
    #[must_use]
    pub fn with_heartbeat_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.heartbeat_ttl = ttl.into();
        self
    }

    /// What the PING tells the peer; see [`with_heartbeat_ttl`](Self::with_heartbeat_ttl).
    #[must_use]
    pub fn heartbeat_ttl(&self) -> Option<Duration> {
        self.heartbeat_ttl
    }

    /// The same for a PING sent now: none where none is sent regularly, which would have the peer give us up.
    pub(crate) fn ping_ttl(&self) -> Option<Duration> {
        self.heartbeat_interval.and(self.heartbeat_ttl)
    }

    /// How long a closed or dropped socket goes on sending what is queued; default 30 s, zero to drop it
    /// at once (LINGER; libzmq: for ever).
    #[doc = example!(r#"# use std::time::Duration;
let push = PushSocket::new(SocketOptions::default().with_linger(Duration::ZERO))?;
push.connect_to("inproc://nobody-is-there-yet")?;
push.send("worth nothing later").await?;
// Does not wait, and says what was left.
assert_eq!(push.close().await, 1);"#)]
    #[must_use]
    pub fn with_linger(mut self, linger: Duration) -> Self {
        self.linger = Some(linger);
        self
    }

    /// Goes on until everything is sent, or the runtime ends (LINGER -1).
    ///
    /// With [`with_linger`](Self::with_linger) there is a limit.
    #[must_use]
    pub fn with_unlimited_linger(mut self) -> Self {
        self.linger = None;
        self
    }

    /// How long a closed socket goes on sending; `None` for no limit; see [`with_linger`](Self::with_linger).
    #[must_use]
    pub fn linger(&self) -> Option<Duration> {
        self.linger
    }
}
