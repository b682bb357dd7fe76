//! PULL: collects messages from its peers (RFC 30).

use super::kind::socket_type;
use crate::engine::{Admission, Commands, Delivery, Newcomer, Pattern, Room, Route, Verdict};
use crate::message::Message;
use crate::monitor::PeerId;

socket_type! {
    /// A PULL socket: receives the work that PUSH peers hand out, fairly queued.
    Pull, PullSocket;
    |_| Collector
}

/// The policy of PULL: everybody may send, nobody is sent to.
#[derive(Debug)]
struct Collector;

impl Pattern for Collector {
    fn attach(&mut self, _peer: Newcomer<'_>, _commands: &mut Commands) -> Admission {
        Admission::Admit
    }

    fn detach(&mut self, _peer: PeerId, _commands: &mut Commands) {}

    fn route(
        &mut self,
        _message: &Message,
        _room: &dyn Fn(PeerId) -> Room,
        _commands: &mut Commands,
    ) -> Route {
        Route::NoPeer
    }

    fn filter(&mut self, _peer: PeerId, _message: &mut Message, _commands: &mut Commands) -> Verdict {
        Verdict::Deliver
    }

    fn delivery(&self) -> Delivery {
        Delivery::AsIs
    }
}
