//! SUB: receives what it subscribed to (RFC 29).

use super::kind::socket_type;
use super::subscriber::Subscribing;

socket_type! {
    /// A SUB socket: receives the messages of PUB and XPUB peers that it has subscribed to; nothing before
    /// the first [`subscribe`](crate::socket::Socket::subscribe).
    ///
    /// Subscriptions belong to the socket and not to a connection: every peer that comes is told all of
    /// them.
    Sub, SubSocket;
    Subscribing::filtering
}
