//! XPUB: a PUB that receives the subscriptions of its peers (RFC 29).

use super::kind::socket_type;
use super::publisher::Publishing;

socket_type! {
    /// An XPUB socket: a PUB whose application receives subscriptions as messages, a byte 1 and the topic,
    /// and their ends, a byte 0 and the topic.
    ///
    /// Only the first subscription to a topic and the end of the last are seen, unless `xpub_verbose` or
    /// `xpub_verboser` is on; other messages of XSUB peers are received as they are. With `xpub_manual` the
    /// application decides what its peers get: `subscribe` and `unsubscribe` are then for the peer whose
    /// message was received last. Subscriptions wait to be received within `recv_hwm`, beyond which a peer
    /// is not read.
    XPub, XPubSocket;
    Publishing::open
}
