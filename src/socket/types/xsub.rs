//! XSUB: a SUB that subscribes by sending messages (RFC 29).

use super::kind::socket_type;
use super::subscriber::Subscribing;

socket_type! {
    /// An XSUB socket: a SUB that subscribes by sending a byte 1 and a topic, and unsubscribes by a byte 0
    /// and the topic, so that it can pass on what an XPUB received; other messages go to all its peers.
    ///
    /// It receives whatever its peers send.
    XSub, XSubSocket;
    Subscribing::raw
}
