//! Errors: whose fault it was, with the cause, and with the message that could not be sent.

use std::io;
use std::sync::Arc;

use crate::endpoint::{Endpoint, EndpointError};
use crate::message::Message;
use crate::options::OptionError;
use crate::protocol::ProtocolError;

/// `std::io::ErrorKind`, which [`Error::kind`] maps every error to.
pub type ErrorKind = io::ErrorKind;

/// The result of nearly everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation on a socket failed.
///
/// The variants name whose fault it was: misuse by the caller, the peer, or the environment. The loss
/// of one connection is none of them: it is an event of the monitor, and the socket goes on.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The endpoint is not well formed (the caller's fault).
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// An option has a value that cannot work (the caller's fault).
    #[error(transparent)]
    Option(#[from] OptionError),
    /// No runtime of the socket's kind runs here, or what is layered upon it has no configuration of its own (the caller's
    /// fault).
    #[error(
        "no {runtime} runtime is at hand: open the socket inside one, or on a value of it (`connect_on`, `bind_on`)"
    )]
    NoRuntime {
        /// Name of the runtime that was looked for.
        runtime: &'static str,
    },
    /// The socket has no endpoint or stream of this name (the caller's fault; `ENOENT` in libzmq).
    #[error("the socket is not bound or connected to {0}")]
    UnknownEndpoint(Endpoint),
    /// A message without frames cannot be sent, nor by a ROUTER one that is only an identity (the caller's
    /// fault).
    #[error("a message without frames cannot be sent")]
    EmptyMessage,
    /// The message, with the envelope that it goes in, is larger than `max_message_size` allows, or it is larger
    /// than its reservation (the caller's fault).
    #[error("a message of {size} bytes is over the limit of {max}")]
    MessageTooLarge {
        /// Payload bytes of the message.
        size: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// The message, with the envelope that it goes in, has more frames than `max_frames` allows, or it has more
    /// than its reservation (the caller's fault).
    #[error("a message of {frames} frames is over the limit of {max}")]
    TooManyFrames {
        /// Frames of the message, or that were to be reserved.
        frames: usize,
        /// The most that it may have.
        max: usize,
    },
    /// One subscription more would be over what a publisher with the socket's own options takes (the caller's
    /// fault).
    #[error("the subscription is over the limit of {max} ({option})")]
    SubscriptionLimit {
        /// `max_subscriptions` or `max_subscription_bytes`.
        option: &'static str,
        /// Its value.
        max: usize,
    },
    /// The socket was closed, by this handle or by a clone.
    #[error("the socket is closed")]
    Closed,
    /// The operation would have to wait: for room below a high-water mark, a permit, a peer, a message.
    #[error("the operation would have to wait")]
    WouldBlock,
    /// The peers that could take the message are at their high-water marks ([`OnFull::Fail`]), or the client of a
    /// [`Server`](crate::rpc::Server) is, and its reply was dropped.
    ///
    /// [`OnFull::Fail`]: crate::resilience::OnFull::Fail
    #[error("the peers that could take the message are at their high-water marks")]
    Full,
    /// It is not the socket's turn: a REQ sends and receives in turn, a REP receives and sends, and an XPUB
    /// decides about subscriptions only with `xpub_manual` (the caller's fault; `EFSM` in libzmq).
    #[error("the socket is not in the state for this operation")]
    InvalidState,
    /// The peer that a REQ or a [`Client`](crate::rpc::Client) awaits the reply of is gone, or the request was dropped
    /// (`OnFull::Drop`); the next request may be sent.
    #[error("the peer was lost before it replied")]
    PeerLost,
    /// No peer has the identity that the message is addressed to (`EHOSTUNREACH` in libzmq), or the client of a
    /// [`Server`](crate::rpc::Server) has left, and its reply was dropped.
    #[error("no peer has the identity that the message is addressed to")]
    Unroutable,
    /// Another peer or endpoint of the socket has the identity (the caller's fault).
    #[error("another peer or endpoint has the identity")]
    IdentityTaken,
    /// There is no connection, and none will come by itself; or the message is not to wait for one
    /// ([`WhileDisconnected::Fail`]).
    ///
    /// [`WhileDisconnected::Fail`]: crate::resilience::WhileDisconnected::Fail
    #[error("not connected")]
    NotConnected,
    /// The last connection attempt failed, and why.
    #[error("not connected: {0}")]
    ConnectFailed(#[source] Arc<Self>),
    /// Connecting was given up: after `max_attempts` failures, or one after which another attempt cannot help
    /// or is not wanted (`reconnect`, `reconnect_stop`). The last failure is the source.
    #[error("gave up connecting to {endpoint}: {cause}")]
    GaveUp {
        /// Where the attempts went.
        endpoint: Endpoint,
        /// Why the last attempt failed.
        #[source]
        cause: Arc<Self>,
    },
    /// A write was cancelled in the middle of a message, and its connection closed ([`OnCancel::Poison`]).
    ///
    /// [`OnCancel::Poison`]: crate::resilience::OnCancel::Poison
    #[error("the connection was poisoned by a write that was cancelled in the middle of a message")]
    Poisoned,
    /// A call has waited for as long as it may, or the peer did not do in time what the protocol asks of it.
    #[error("timed out: {0}")]
    Timeout(TimeoutKind),
    /// The peer broke the protocol or speaks another one.
    #[error(transparent)]
    Protocol(Arc<ProtocolError>),
    /// An endpoint could not be bound, and why not.
    #[error("cannot bind {endpoint}: {cause}")]
    CannotBind {
        /// As it was given.
        endpoint: Endpoint,
        /// What the operating system says.
        #[source]
        cause: Arc<io::Error>,
    },
    /// A connection could not be made, or was lost before the handshake was done, and why.
    #[error("cannot connect to {endpoint}: {cause}")]
    CannotConnect {
        /// As it was given.
        endpoint: Endpoint,
        /// What the operating system or the proxy says.
        #[source]
        cause: Arc<io::Error>,
    },
    /// The operating system or the network failed.
    #[error(transparent)]
    Io(Arc<io::Error>),
    /// The socket's companion task panicked, was aborted, or lost its runtime.
    #[error("the socket's companion task is gone: it panicked, was aborted, or its runtime ended")]
    CompanionGone,
}

/// What took too long.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TimeoutKind {
    /// Connecting to the endpoint (option `connect_timeout`).
    #[error("connecting")]
    Connect,
    /// A message to receive (option `recv_timeout`).
    #[error("waiting for a message")]
    Recv,
    /// Room or a peer for a message to send (option `send_timeout`).
    #[error("waiting to send")]
    Send,
    /// The ZMTP handshake (option `handshake_timeout`).
    #[error("the handshake")]
    Handshake,
    /// Any traffic after a heartbeat (option `heartbeat_timeout`).
    #[error("an answer to the heartbeat")]
    Heartbeat,
    /// Progress of a frame that was begun (option `frame_timeout`).
    #[error("the rest of a frame")]
    Frame,
    /// The reply to a request of a [`Client`](crate::rpc::Client), counted from the call.
    #[error("waiting for a reply")]
    Reply,
    /// The replies that a [`Server`](crate::rpc::Server) owes, before it stops.
    #[error("waiting for requests to be answered")]
    Drain,
    /// What the caller has bounded by [`timeout`](crate::runtime::timeout).
    #[error("the limit that the caller set")]
    Limit,
}

impl Error {
    /// The nearest `std::io::ErrorKind`, for code that matches on kinds.
    ///
    /// ```
    /// use monocoque::{Error, ErrorKind};
    ///
    /// // For code that knows the errors of the system only, and does not mind which of ours it is.
    /// for error in [Error::WouldBlock, Error::Full] {
    ///     assert_eq!(error.kind(), ErrorKind::WouldBlock);
    /// }
    /// assert_eq!(std::io::Error::from(Error::PeerLost).kind(), ErrorKind::ConnectionReset);
    /// ```
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Endpoint(_)
            | Self::Option(_)
            | Self::EmptyMessage
            | Self::MessageTooLarge { .. }
            | Self::TooManyFrames { .. }
            | Self::SubscriptionLimit { .. } => ErrorKind::InvalidInput,
            Self::NoRuntime { .. } => ErrorKind::Unsupported,
            Self::IdentityTaken => ErrorKind::AlreadyExists,
            Self::UnknownEndpoint(_) => ErrorKind::NotFound,
            Self::Closed | Self::NotConnected | Self::ConnectFailed(_) | Self::GaveUp { .. } => {
                ErrorKind::NotConnected
            }
            Self::CompanionGone | Self::Poisoned => ErrorKind::BrokenPipe,
            Self::WouldBlock | Self::Full => ErrorKind::WouldBlock,
            Self::InvalidState => ErrorKind::InvalidInput,
            Self::PeerLost => ErrorKind::ConnectionReset,
            Self::Unroutable => ErrorKind::HostUnreachable,
            Self::Timeout(_) => ErrorKind::TimedOut,
            Self::Protocol(_) => ErrorKind::InvalidData,
            Self::CannotBind { cause, .. } | Self::CannotConnect { cause, .. } | Self::Io(cause) => {
                cause.kind()
            }
        }
    }
}

impl Error {
    /// The error of a call that binds `endpoint`, which the system's does not name.
    pub(crate) fn binding(self, endpoint: &Endpoint) -> Self {
        match self {
            Self::Io(cause) => Self::CannotBind { endpoint: endpoint.clone(), cause },
            other => other,
        }
    }

    /// The error of a call that connects to `endpoint`, which the system's does not name.
    pub(crate) fn connecting(self, endpoint: &Endpoint) -> Self {
        match self {
            Self::Io(cause) => Self::CannotConnect { endpoint: endpoint.clone(), cause },
            other => other,
        }
    }

    /// Whether trying to connect again cannot help: another mechanism, an incompatible socket type.
    pub(crate) fn is_permanent(&self) -> bool {
        matches!(self, Self::Protocol(error) if error.is_permanent())
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

impl From<ProtocolError> for Error {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(Arc::new(error))
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), error)
    }
}

/// A message that was not accepted, and why.
#[doc = example!(r#"let push = PushSocket::new(SocketOptions::default())?;
let refused = push.try_send("nobody is there").unwrap_err();
assert!(matches!(refused.error(), Error::WouldBlock | Error::NotConnected));
// To be tried again, later or elsewhere.
let (error, message) = refused.into_parts();
assert_eq!(message[0], "nobody is there");
// With `?` the message is let go of, and the reason is left.
let error: Error = push.try_send(message).unwrap_err().into();
println!("{error}: {:?}", error.kind());"#)]
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", self.error())]
pub struct SendError<T = Message> {
    /// Boxed, so that the result of a successful send is one word.
    refused: Box<(Error, T)>,
}

impl<T> SendError<T> {
    pub(crate) fn new(error: Error, message: T) -> Self {
        Self { refused: Box::new((error, message)) }
    }

    /// Why the message was not accepted.
    ///
    /// [`SendError`] shows it, and what can be done with the message.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.refused.0
    }

    /// The nearest `std::io::ErrorKind`.
    ///
    /// [`SendError`] shows it, and what can be done with the message.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.error().kind()
    }

    /// The message, unchanged.
    #[doc = example!(r#"let push = PushSocket::new(SocketOptions::default())?;
let mut message = Message::from("job");
for _ in 0..3 {
    match push.try_send(message) {
        Ok(()) => return Ok(()),
        // Not copied: the same one, to be tried again.
        Err(refused) => message = refused.into_message(),
    }
}
# assert_eq!(message[0], "job");"#)]
    #[must_use]
    pub fn into_message(self) -> T {
        self.refused.1
    }

    /// The reason and the message.
    ///
    /// [`SendError`] shows it.
    #[must_use]
    pub fn into_parts(self) -> (Error, T) {
        *self.refused
    }
}

impl<T> From<SendError<T>> for Error {
    fn from(refused: SendError<T>) -> Self {
        refused.into_parts().0
    }
}

impl<T> From<SendError<T>> for io::Error {
    fn from(refused: SendError<T>) -> Self {
        Error::from(refused).into()
    }
}
