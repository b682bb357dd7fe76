//! PUB: publishes to subscribers (RFC 29).

use super::kind::socket_type;
use super::publisher::Publishing;

socket_type! {
    /// A PUB socket: sends each message to all SUB and XSUB peers that subscribed to a prefix of its first
    /// frame.
    ///
    /// A subscriber at its high-water mark goes without the message, which is counted, and delays nobody;
    /// with `xpub_nodrop` sending waits for it instead. Messages that nobody subscribed to are dropped and
    /// counted. [`wait_for_subscribers`](crate::socket::Socket::wait_for_subscribers) tells when it is worth starting.
    Pub, PubSocket;
    Publishing::quiet
}
