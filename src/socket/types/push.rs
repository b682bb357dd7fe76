//! PUSH: distributes messages over its peers (RFC 30).

use super::kind::socket_type;
use super::round_robin::RoundRobin;

socket_type! {
    /// A PUSH socket: hands work to PULL peers, one after the other.
    ///
    /// Messages go to the connected peers in turn, skipping those at their high-water mark. While no peer is
    /// connected they wait in the socket, up to `send_hwm`, if it connects to at least one endpoint; a socket
    /// that only binds waits for a peer.
    Push, PushSocket;
    |_| RoundRobin::sending()
}
