//! PAIR: two sockets that talk to each other and to nobody else (RFC 31).

use super::kind::socket_type;
use super::round_robin::RoundRobin;

socket_type! {
    /// A PAIR socket: one end of an exclusive connection.
    ///
    /// While it has a peer, further connections are closed at once; a connecting PAIR that is turned away
    /// keeps trying. Messages that find no peer wait in the socket, up to `send_hwm`, if it connects to an
    /// endpoint.
    Pair, PairSocket;
    |_| RoundRobin::exclusive()
}
