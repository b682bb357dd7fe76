//! PUSH: distributes messages over its peers (RFC 30).

use super::kind::{Kind, Sends, SendsToAny, sealed};
use crate::engine::{Admission, Pattern, Room, Route};
use crate::message::Message;
use crate::monitor::PeerId;
use crate::options::SocketOptions;
use crate::protocol::{PeerInfo, SocketType};
use crate::routing::LoadBalance;

/// The marker of [`PushSocket`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Push;

/// A PUSH socket: hands work to PULL peers, one after the other.
///
/// Messages go to the connected peers in turn, skipping those at their high-water mark. While no peer is
/// connected they wait in the socket, up to `send_hwm`, if it connects to at least one endpoint; a socket
/// that only binds waits for a peer.
pub type PushSocket<S, P = crate::resilience::NoOpPermits> = super::Socket<Push, S, P>;

impl Kind for Push {
    const TYPE: SocketType = SocketType::Push;
}

impl Sends for Push {}
impl SendsToAny for Push {}

impl sealed::Policy for Push {
    #[expect(private_interfaces, reason = "sealed")]
    fn pattern(_options: &SocketOptions) -> Box<dyn Pattern> {
        Box::new(RoundRobin::default())
    }
}

/// The policy of PUSH and DEALER: any peer will do, and each gets its turn.
#[derive(Debug, Default)]
pub(super) struct RoundRobin {
    peers: LoadBalance<PeerId>,
    receives: bool,
}

impl RoundRobin {
    pub(super) fn receiving() -> Self {
        Self { receives: true, ..Self::default() }
    }
}

impl RoundRobin {
    /// The first peer with room for the message, starting with the one whose turn it is.
    #[cold]
    fn route_around(&mut self, room: &dyn Fn(PeerId) -> Room) -> Route {
        let mut first = None;
        while let Some(peer) = self.peers.choose().filter(|peer| first != Some(*peer)) {
            match room(peer) {
                Room::Enough => {
                    self.peers.advance();
                    return Route::To(peer);
                }
                // Passed over for this message only.
                Room::TooLittle => {
                    first.get_or_insert(peer);
                    self.peers.advance();
                }
                Room::None => self.peers.deactivate(peer),
            }
        }
        if self.peers.is_empty() { Route::NoPeer } else { Route::Full }
    }
}

impl Pattern for RoundRobin {
    fn attach(&mut self, peer: PeerId, _info: &PeerInfo) -> Admission {
        self.peers.insert(peer);
        Admission::Admit
    }

    fn detach(&mut self, peer: PeerId) {
        self.peers.remove(peer);
    }

    fn route(&mut self, _message: &Message, room: &dyn Fn(PeerId) -> Room) -> Route {
        match self.peers.choose() {
            Some(peer) if room(peer) == Room::Enough => {
                self.peers.advance();
                Route::To(peer)
            }
            _ => self.route_around(room),
        }
    }

    fn sole_peer(&self) -> Option<PeerId> {
        self.peers.sole_member()
    }

    fn room_freed(&mut self, peer: PeerId) {
        self.peers.activate(peer);
    }

    fn accept(&mut self, _peer: PeerId, _message: &mut Message) -> bool {
        self.receives
    }

    fn queues_without_peer(&self) -> bool {
        true
    }

    fn receives(&self) -> bool {
        self.receives
    }
}
