//! DEALER: sends to its peers in turn, receives from all of them (RFC 28).

use super::kind::socket_type;
use super::round_robin::RoundRobin;

socket_type! {
    /// A DEALER socket: an asynchronous client that talks to ROUTER, REP and DEALER peers.
    ///
    /// Messages go to the connected peers in turn, skipping those at their high-water mark, and come from
    /// all of them, fairly queued. While no peer is connected they wait in the socket, up to `send_hwm`, if
    /// it connects to at least one endpoint; a socket that only binds waits for a peer.
    Dealer, DealerSocket;
    |_| RoundRobin::receiving()
}
