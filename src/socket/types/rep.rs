//! REP: receives a request, sends the reply, in turn (RFC 28).

use std::collections::HashSet;

use super::envelope::{has_envelope, put_into_envelope, take_envelope};
use super::kind::socket_type;
use crate::engine::{Admission, Arrived, Commands, Delivery, Newcomer, Pattern, Room, Route, Verdict};
use crate::error::Error;
use crate::message::{Extent, Frame, Message};
use crate::monitor::{DropCause, PeerId};

socket_type! {
    /// A REP socket: answers the requests of REQ and DEALER peers, one at a time, fairly queued.
    ///
    /// Receiving and sending alternate, otherwise they fail with
    /// [`Error::InvalidState`](crate::Error::InvalidState). The envelope of a request, up to its first empty
    /// frame, is kept and put back in front of the reply; requests without one are discarded. A reply to a
    /// peer that is gone, or at its mark since it does not read its replies, is dropped and counted, and the next
    /// request may be received: no peer can stop the service (option `on_full` to wait instead).
    Rep, RepSocket;
    |_| Replying::default()
}

/// The policy of REP.
#[derive(Debug, Default)]
struct Replying {
    peers: HashSet<PeerId>,
    /// Whose request the application has, and its envelope.
    request: Option<(PeerId, Vec<Frame>)>,
}

impl Pattern for Replying {
    fn attach(&mut self, peer: Newcomer<'_>, _commands: &mut Commands) -> Admission {
        self.peers.insert(peer.id);
        Admission::Admit
    }

    fn detach(&mut self, peer: PeerId, _commands: &mut Commands) {
        self.peers.remove(&peer);
    }

    fn may_send(&mut self, _commands: &mut Commands) -> Result<Arrived, Error> {
        if self.request.is_some() { Ok(Arrived::Stays) } else { Err(Error::InvalidState) }
    }

    fn on_wire(&self, Extent { size, frames }: Extent, _message: &Message) -> Extent {
        let Some((_, envelope)) = &self.request else { return Extent { size, frames } };
        let more: usize = envelope.iter().map(|frame| frame.len()).sum();
        Extent { size: size + more, frames: frames + envelope.len() }
    }

    fn route(
        &mut self,
        _message: &Message,
        room: &dyn Fn(PeerId) -> Room,
        _commands: &mut Commands,
    ) -> Route {
        match self.request {
            Some((peer, _)) if self.peers.contains(&peer) => {
                if room(peer) == Room::Enough {
                    Route::To(peer)
                } else {
                    Route::Full(Some(peer))
                }
            }
            _ => Route::Drop(DropCause::PeerLost),
        }
    }

    fn addressee(&self, _message: &Message) -> Option<PeerId> {
        self.request.as_ref().map(|(peer, _)| *peer)
    }

    fn drops_when_full(&self) -> bool {
        true
    }

    fn dropped(&mut self) {
        self.request = None;
    }

    fn outgoing(&mut self, _peer: PeerId, message: &mut Message) {
        let Some((_, envelope)) = self.request.take() else { return };
        put_into_envelope(message, envelope);
    }

    fn filter(&mut self, _peer: PeerId, message: &mut Message, _commands: &mut Commands) -> Verdict {
        if has_envelope(message) { Verdict::Deliver } else { Verdict::Discard(DropCause::Unexpected) }
    }

    fn delivery(&self) -> Delivery {
        Delivery::ByTurns
    }

    fn may_receive(&mut self) -> Result<(), Error> {
        if self.request.is_none() { Ok(()) } else { Err(Error::InvalidState) }
    }

    fn deliver(&mut self, peer: PeerId, message: &mut Message) {
        self.request = Some((peer, take_envelope(message)));
    }

    fn take_back(&mut self, message: &mut Message) -> bool {
        let Some((_, envelope)) = self.request.take() else { return false };
        put_into_envelope(message, envelope);
        true
    }
}
