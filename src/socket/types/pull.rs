//! PULL: collects messages from its peers (RFC 30).

use super::kind::socket_type;
use crate::engine::{Admission, Newcomer, Pattern, Room, Route, Tasks, Verdict};
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
    fn attach(&mut self, _peer: Newcomer<'_>, _tasks: &mut Tasks) -> Admission {
        Admission::Admit
    }

    fn detach(&mut self, _peer: PeerId, _tasks: &mut Tasks) {}

    fn route(&mut self, _message: &Message, _room: &dyn Fn(PeerId) -> Room, _tasks: &mut Tasks) -> Route {
        Route::NoPeer
    }

    fn accept(&mut self, _peer: PeerId, _message: &mut Message, _tasks: &mut Tasks) -> Verdict {
        Verdict::Deliver
    }

    fn accepts_all(&self) -> bool {
        true
    }
}
