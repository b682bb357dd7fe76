//! Events.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::causes::{DisconnectKind, DropCause};
use super::queue::Missed;
use crate::endpoint::Endpoint;
use crate::error::{Error, TimeoutKind};
use crate::protocol::{ProtocolError, SocketType};

/// One connection of a socket; not reused by later ones.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PeerId {
    index: u32,
    generation: u32,
}

impl PeerId {
    pub(crate) const fn new(index: u32, generation: u32) -> Self {
        Self { index, generation }
    }

    pub(crate) const fn index(self) -> u32 {
        self.index
    }

    pub(crate) const fn generation(self) -> u32 {
        self.generation
    }

    /// What it may stand as in a frame of this process.
    pub(crate) fn to_bytes(self) -> [u8; 8] {
        (u64::from(self.index) << 32 | u64::from(self.generation)).to_be_bytes()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let both = u64::from_be_bytes(bytes.try_into().ok()?);
        Some(Self { index: (both >> 32) as u32, generation: both as u32 })
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}

/// Something that happened to a socket (compare `zmq_socket_monitor`).
///
/// Every connection that reports `HandshakeSucceeded` reports `Disconnected` exactly once; one that never
/// gets there reports `HandshakeFailed` instead.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SocketEvent {
    /// The socket listens on an endpoint.
    Listening {
        /// With the port that the system chose.
        endpoint: Endpoint,
    },
    /// An endpoint could not be bound.
    BindFailed {
        /// As asked for.
        endpoint: Endpoint,
        /// Why.
        cause: Error,
    },
    /// The socket stopped listening on an endpoint, which is free now.
    Unbound {
        /// Where it listened.
        endpoint: Endpoint,
    },
    /// A connection was accepted, and its handshake begins.
    Accepted {
        /// The connection.
        peer: PeerId,
        /// The other end.
        address: Option<Endpoint>,
        /// Where the socket listens.
        endpoint: Endpoint,
    },
    /// Accepting failed, for instance for want of descriptors; it goes on after a pause.
    AcceptFailed {
        /// Where the socket listens.
        endpoint: Endpoint,
        /// Why.
        cause: Error,
        /// The pause.
        retry_in: Duration,
    },
    /// An attempt to connect began.
    ConnectStarted {
        /// Where to.
        endpoint: Endpoint,
    },
    /// The transport is connected, and the handshake begins.
    Connected {
        /// The connection.
        peer: PeerId,
        /// The other end, where the transport knows it: of a name, the address that was reached.
        address: Option<Endpoint>,
        /// Where to.
        endpoint: Endpoint,
        /// This end, where the stream has an address.
        local: Option<Endpoint>,
    },
    /// An attempt to connect failed.
    ConnectFailed {
        /// Where to.
        endpoint: Endpoint,
        /// Why.
        cause: Error,
    },
    /// A connection was lost that had been of no use: no message or PONG had come by it, and it had lasted
    /// for less than a second, or than the delay before it. It counts as a failed attempt, and makes the next
    /// delay longer.
    ShortLived {
        /// Where to.
        endpoint: Endpoint,
        /// From the handshake to the end.
        lasted: Duration,
        /// Why it ended.
        cause: Error,
    },
    /// The retry budget was empty when an attempt was due: it asks again after this delay (`with_retry_budget`).
    RetryPutOff {
        /// Where to.
        endpoint: Endpoint,
        /// How long until then.
        delay: Duration,
    },
    /// The next attempt is scheduled.
    RetryIn {
        /// Where to.
        endpoint: Endpoint,
        /// The backoff delay.
        delay: Duration,
    },
    /// No further attempt will be made.
    ReconnectStopped {
        /// Where to.
        endpoint: Endpoint,
        /// Why the last attempt or connection ended.
        cause: Error,
    },
    /// The handshake is done: messages flow.
    HandshakeSucceeded {
        /// The connection.
        peer: PeerId,
        /// The peer's socket type.
        socket_type: SocketType,
        /// The identity that the peer gave itself; empty for none.
        identity: Bytes,
        /// Who it is, as the authenticator says.
        user: Option<Arc<str>>,
    },
    /// The handshake failed, and the connection is closed.
    HandshakeFailed {
        /// The connection.
        peer: PeerId,
        /// Where it was accepted or connected to; `None` for a stream that was given.
        endpoint: Option<Endpoint>,
        /// The other end.
        address: Option<Endpoint>,
        /// Why.
        cause: Error,
    },
    /// A connection ended.
    Disconnected {
        /// The connection.
        peer: PeerId,
        /// Where it was accepted or connected to; `None` for a stream that was given.
        endpoint: Option<Endpoint>,
        /// The other end.
        address: Option<Endpoint>,
        /// Why.
        reason: DisconnectReason,
    },
    /// A peer wanted a subscription that it may not have (`subscription_filter`).
    SubscriptionRefused {
        /// The connection.
        peer: PeerId,
        /// Who it is, as the authenticator says.
        user: Option<Arc<str>>,
        /// What it wanted to see: the first 255 bytes of it.
        topic: Bytes,
    },
    /// Accepted messages will not be sent. Drops of one connection for one cause are one event until it is
    /// read.
    MessagesDropped {
        /// The connection that they were for; `None` for messages without one, and where more connections
        /// drop than a lagging monitor can tell apart (option `monitor_drops`).
        peer: Option<PeerId>,
        /// Why.
        cause: DropCause,
        /// How many.
        count: u64,
    },
    /// Messages that arrived, or had begun to, will not be received.
    ReceivedDropped {
        /// The connection that they came from; `None` as in `MessagesDropped`.
        peer: Option<PeerId>,
        /// Why.
        cause: DropCause,
        /// How many.
        count: u64,
    },
    /// This monitor was not read in time, and lost events (option `monitor_events`).
    Missed(Missed),
    /// The companion task panicked, was aborted, or lost its runtime: the socket is dead.
    CompanionGone,
    /// The socket is closed.
    Closed {
        /// Messages that could not be sent.
        unsent: u64,
    },
}

/// Why a connection ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The peer closed it.
    EndOfStream,
    /// The transport failed.
    Io(Arc<io::Error>),
    /// The peer broke the protocol, or refused us.
    Protocol(Arc<ProtocolError>),
    /// The peer was silent for too long.
    Timeout(TimeoutKind),
    /// A cancelled write left it in the middle of a message (`OnCancel::Poison`).
    Poisoned,
    /// A new connection took over its identity (`router_handover`).
    Replaced,
    /// Its identity belongs to another connection (`router_handover` off).
    IdentityTaken,
    /// A PAIR socket talks to another peer already.
    Occupied,
    /// It subscribed to more than `max_subscriptions` or `max_subscription_bytes` allow.
    TooManySubscriptions,
    /// There was no room for it: its handshake made room for that of another (`max_handshakes`), or the socket
    /// or its address has as many connections as it may (`max_connections`, `max_connections_per_address`).
    Crowded,
    /// It was at its mark when a message was sent to it (`OnFull::Disconnect`).
    TooSlow,
    /// The authenticator denied it, with this reason ([`Verdict::Deny`](crate::security::Verdict::Deny)).
    Denied(Arc<str>),
    /// The authenticator had no answer for now, for this reason
    /// ([`Verdict::TryLater`](crate::security::Verdict::TryLater)).
    PutOff(Arc<str>),
    /// The authenticator could not tell, for this reason, or panicked
    /// ([`Verdict::Broken`](crate::security::Verdict::Broken)).
    AuthenticatorFailed(Arc<str>),
    /// A new request was sent while its reply was outstanding, and could have been mistaken for the reply
    /// to the new one (REQ without `req_correlate`).
    RequestAbandoned,
    /// `disconnect_peer` ended it.
    Dismissed,
    /// We closed it.
    Closed,
    /// The socket's companion task is gone.
    CompanionGone,
}

impl DisconnectReason {
    /// What kind of reason it is, as [`SocketStats`](super::SocketStats) counts them.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let mut events = pull.monitor();
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.close().await;
while let Some(event) = events.next().await {
    if let SocketEvent::Disconnected { reason, .. } = event {
        assert_eq!(pull.stats().disconnects_by(reason.kind()), 1);
        break;
    }
}"#)]
    #[must_use]
    pub fn kind(&self) -> DisconnectKind {
        match self {
            Self::EndOfStream => DisconnectKind::EndOfStream,
            Self::Io(_) => DisconnectKind::Io,
            Self::Protocol(_) => DisconnectKind::Protocol,
            Self::Timeout(_) => DisconnectKind::Timeout,
            Self::Poisoned => DisconnectKind::Poisoned,
            Self::Replaced => DisconnectKind::Replaced,
            Self::IdentityTaken => DisconnectKind::IdentityTaken,
            Self::Occupied => DisconnectKind::Occupied,
            Self::TooManySubscriptions => DisconnectKind::TooManySubscriptions,
            Self::Crowded => DisconnectKind::Crowded,
            Self::TooSlow => DisconnectKind::TooSlow,
            Self::Denied(_) => DisconnectKind::Denied,
            Self::PutOff(_) => DisconnectKind::PutOff,
            Self::AuthenticatorFailed(_) => DisconnectKind::AuthenticatorFailed,
            Self::RequestAbandoned => DisconnectKind::RequestAbandoned,
            Self::Dismissed => DisconnectKind::Dismissed,
            Self::Closed => DisconnectKind::Closed,
            Self::CompanionGone => DisconnectKind::CompanionGone,
        }
    }

    /// Whether the peer broke the rules: what it sent afterwards is of no use.
    pub(crate) const fn is_violation(&self) -> bool {
        matches!(self, Self::Protocol(_) | Self::TooManySubscriptions)
    }
}

impl From<io::Error> for DisconnectReason {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

impl From<ProtocolError> for DisconnectReason {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(Arc::new(error))
    }
}

impl From<DisconnectReason> for Error {
    fn from(reason: DisconnectReason) -> Self {
        let io = |kind: io::ErrorKind, text: &str| Self::from(io::Error::new(kind, text));
        match reason {
            DisconnectReason::EndOfStream => {
                io(io::ErrorKind::UnexpectedEof, "the peer closed the connection")
            }
            DisconnectReason::Io(error) => Self::Io(error),
            DisconnectReason::Protocol(error) => Self::Protocol(error),
            DisconnectReason::Timeout(kind) => Self::Timeout(kind),
            DisconnectReason::Poisoned => Self::Poisoned,
            DisconnectReason::Replaced => {
                io(io::ErrorKind::ConnectionAborted, "another connection took over the identity")
            }
            DisconnectReason::IdentityTaken => {
                io(io::ErrorKind::ConnectionAborted, "another connection has the identity")
            }
            DisconnectReason::Occupied => {
                io(io::ErrorKind::ConnectionAborted, "the PAIR socket has a peer already")
            }
            DisconnectReason::Crowded => {
                io(io::ErrorKind::ConnectionRefused, "there is no room for the connection")
            }
            DisconnectReason::TooSlow => io(io::ErrorKind::ConnectionAborted, "the peer was at its mark"),
            DisconnectReason::TooManySubscriptions => {
                io(io::ErrorKind::ConnectionAborted, "the peer has too many subscriptions")
            }
            DisconnectReason::Denied(reason) => {
                io(io::ErrorKind::PermissionDenied, &format!("the authenticator denied the peer: {reason}"))
            }
            DisconnectReason::PutOff(reason) => {
                let text = format!("the authenticator had no answer for now: {reason}");
                io(io::ErrorKind::ConnectionRefused, &text)
            }
            DisconnectReason::AuthenticatorFailed(reason) => {
                io(io::ErrorKind::ConnectionRefused, &format!("the authenticator failed: {reason}"))
            }
            DisconnectReason::RequestAbandoned => {
                io(io::ErrorKind::ConnectionAborted, "a new request was sent before the reply to the last")
            }
            DisconnectReason::Dismissed => {
                io(io::ErrorKind::ConnectionAborted, "the application disconnected the peer")
            }
            DisconnectReason::Closed => Self::Closed,
            DisconnectReason::CompanionGone => Self::CompanionGone,
        }
    }
}
