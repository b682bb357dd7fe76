//! PULL: collects messages from its peers (RFC 30).

use super::kind::{Kind, Receives, sealed};
use crate::engine::{Admission, Pattern, Room, Route};
use crate::message::Message;
use crate::monitor::PeerId;
use crate::options::SocketOptions;
use crate::protocol::{PeerInfo, SocketType};

/// The marker of [`PullSocket`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Pull;

/// A PULL socket: receives the work that PUSH peers hand out, fairly queued.
pub type PullSocket<S, P = crate::resilience::NoOpPermits> = super::Socket<Pull, S, P>;

impl Kind for Pull {
    const TYPE: SocketType = SocketType::Pull;
}

impl Receives for Pull {}

impl sealed::Policy for Pull {
    #[expect(private_interfaces, reason = "sealed")]
    fn pattern(_options: &SocketOptions) -> Box<dyn Pattern> {
        Box::new(Collector)
    }
}

/// The policy of PULL: everybody may send, nobody is sent to.
#[derive(Debug)]
struct Collector;

impl Pattern for Collector {
    fn attach(&mut self, _peer: PeerId, _info: &PeerInfo) -> Admission {
        Admission::Admit
    }

    fn detach(&mut self, _peer: PeerId) {}

    fn route(&mut self, _message: &Message, _room: &dyn Fn(PeerId) -> Room) -> Route {
        Route::NoPeer
    }

    fn accept(&mut self, _peer: PeerId, _message: &mut Message) -> bool {
        true
    }

    fn queues_without_peer(&self) -> bool {
        false
    }

    fn receives(&self) -> bool {
        true
    }
}
