//! DEALER: sends to its peers in turn, receives from all of them (RFC 28).

use super::kind::{Kind, Receives, Sends, SendsToAny, sealed};
use super::push::RoundRobin;
use crate::engine::Pattern;
use crate::options::SocketOptions;
use crate::protocol::SocketType;

/// The marker of [`DealerSocket`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Dealer;

/// A DEALER socket: an asynchronous client that talks to ROUTER, REP and DEALER peers.
///
/// Messages go to the connected peers in turn, skipping those at their high-water mark, and come from
/// all of them, fairly queued. While no peer is connected they wait in the socket, up to `send_hwm`, if
/// it connects to at least one endpoint; a socket that only binds waits for a peer.
pub type DealerSocket<S, P = crate::resilience::NoOpPermits> = super::Socket<Dealer, S, P>;

impl Kind for Dealer {
    const TYPE: SocketType = SocketType::Dealer;
}

impl Sends for Dealer {}
impl SendsToAny for Dealer {}
impl Receives for Dealer {}

impl sealed::Policy for Dealer {
    #[expect(private_interfaces, reason = "sealed")]
    fn pattern(_options: &SocketOptions) -> Box<dyn Pattern> {
        Box::new(RoundRobin::receiving())
    }
}
