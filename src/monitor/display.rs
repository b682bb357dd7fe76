//! Events as lines of a log.

use std::fmt;
use std::sync::Arc;

use super::event::{DisconnectReason, SocketEvent};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::protocol::SocketType;

impl fmt::Display for SocketEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening { endpoint } => write!(f, "listening on {endpoint}"),
            Self::BindFailed { endpoint, cause } => write!(f, "cannot bind {endpoint}: {cause}"),
            Self::Unbound { endpoint } => write!(f, "no longer listening on {endpoint}"),
            Self::Accepted { peer, address: Some(address), endpoint } => {
                write!(f, "peer {peer} accepted on {endpoint} from {address}")
            }
            Self::Accepted { peer, address: None, endpoint } => {
                write!(f, "peer {peer} accepted on {endpoint}")
            }
            Self::AcceptFailed { endpoint, cause, retry_in } => {
                write!(f, "cannot accept on {endpoint}, trying again in {retry_in:?}: {cause}")
            }
            Self::ConnectStarted { endpoint } => write!(f, "connecting to {endpoint}"),
            Self::Connected { peer, endpoint, local: Some(local), .. } => {
                write!(f, "peer {peer} connected to {endpoint} from {local}")
            }
            Self::Connected { peer, endpoint, local: None, .. } => {
                write!(f, "peer {peer} connected to {endpoint}")
            }
            Self::ConnectFailed { endpoint, cause } => write!(f, "cannot connect to {endpoint}: {cause}"),
            Self::ShortLived { endpoint, lasted, cause } => {
                write!(f, "the connection to {endpoint} was of no use for {lasted:?}: {cause}")
            }
            Self::RetryPutOff { endpoint, delay } => {
                write!(
                    f,
                    "the retry budget is empty: asking again in {delay:?} whether to connect to {endpoint}"
                )
            }
            Self::RetryIn { endpoint, delay } => write!(f, "connecting to {endpoint} again in {delay:?}"),
            Self::ReconnectStopped { endpoint, cause } => {
                write!(f, "no longer connecting to {endpoint}: {cause}")
            }
            Self::HandshakeSucceeded { peer, socket_type, identity, user } => {
                write!(f, "peer {peer} is {}{}", Named(*socket_type, identity), Of(user))
            }
            Self::HandshakeFailed { peer, address, cause, .. } => {
                write!(f, "handshake with peer {peer}{} failed: {cause}", At(address))
            }
            Self::Disconnected { peer, address, reason, .. } => {
                write!(f, "peer {peer}{} disconnected: {reason}", At(address))
            }
            Self::SubscriptionRefused { peer, user, topic } => {
                write!(f, "refused peer {peer}{} a subscription to \"{}\"", Of(user), topic.escape_ascii())
            }
            Self::MessagesDropped { peer: Some(peer), cause, count } => {
                write!(f, "dropped {count} messages of peer {peer}: {cause}")
            }
            Self::MessagesDropped { peer: None, cause, count } => {
                write!(f, "dropped {count} messages: {cause}")
            }
            Self::ReceivedDropped { peer: Some(peer), cause, count } => {
                write!(f, "dropped {count} messages that came from peer {peer}: {cause}")
            }
            Self::ReceivedDropped { peer: None, cause, count } => {
                write!(f, "dropped {count} messages that had come: {cause}")
            }
            Self::Missed(missed) => write!(f, "missed {missed}"),
            Self::CompanionGone => Error::CompanionGone.fmt(f),
            Self::Closed { unsent } => write!(f, "closed with {unsent} messages unsent"),
        }
    }
}

/// A peer's type and identity.
struct Named<'a>(SocketType, &'a [u8]);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(socket_type, identity) = self;
        match identity {
            [] => write!(f, "a {socket_type}"),
            identity => write!(f, "the {socket_type} \"{}\"", identity.escape_ascii()),
        }
    }
}

/// Whose a peer is, if that is known.
struct Of<'a>(&'a Option<Arc<str>>);

impl fmt::Display for Of<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |user| write!(f, " of the user {user:?}"))
    }
}

/// Where a peer is, if that is known.
struct At<'a>(&'a Option<Endpoint>);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |address| write!(f, " ({address})"))
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Error::from(self.clone()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::{DropCause, PeerId};
    use bytes::Bytes;

    #[test]
    fn events_read_as_lines() {
        let peer = PeerId::new(3, 1);
        let endpoint = "tcp://[::1]:5".parse().unwrap();
        let anonymous = SocketEvent::HandshakeSucceeded {
            peer,
            socket_type: SocketType::Dealer,
            identity: Bytes::new(),
            user: None,
        };
        assert_eq!(anonymous.to_string(), "peer 3.1 is a DEALER");
        let (identity, user) = (Bytes::from_static(b"a\n\xff"), Some("ann\n".into()));
        let named = SocketEvent::HandshakeSucceeded { peer, socket_type: SocketType::Router, identity, user };
        assert_eq!(
            named.to_string(),
            r#"peer 3.1 is the ROUTER "a\n\xff" of the user "ann\n""#,
            "one line whatever a peer sends"
        );
        let reason = DisconnectReason::EndOfStream;
        let ended = SocketEvent::Disconnected { peer, endpoint: None, address: None, reason };
        assert_eq!(ended.to_string(), "peer 3.1 disconnected: the peer closed the connection");
        let (address, cause) = (Some("tcp://[::1]:6".parse().unwrap()), Error::Closed);
        let failed = SocketEvent::HandshakeFailed { peer, endpoint: None, address, cause };
        let line = "handshake with peer 3.1 (tcp://[::1]:6) failed: the socket is closed";
        assert_eq!(failed.to_string(), line);
        let accepted = SocketEvent::Accepted { peer, address: None, endpoint };
        assert_eq!(accepted.to_string(), "peer 3.1 accepted on tcp://[::1]:5");
        let dropped = SocketEvent::MessagesDropped { peer: None, cause: DropCause::Closed, count: 2 };
        assert_eq!(dropped.to_string(), "dropped 2 messages: the socket was closed");
    }
}
