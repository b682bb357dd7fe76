//! The policy of the types that do not care which peer gets a message: PUSH, DEALER and PAIR.

use crate::engine::{Admission, Commands, Delivery, Newcomer, Pattern, Room, Route, Verdict};
use crate::message::Message;
use crate::monitor::{DisconnectReason, DropCause, PeerId};
use crate::routing::LoadBalance;

/// Any peer will do, and each gets its turn.
#[derive(Debug, Default)]
pub(super) struct RoundRobin {
    peers: LoadBalance<PeerId>,
    receives: bool,
    /// One peer at a time.
    exclusive: bool,
}

impl RoundRobin {
    pub(super) fn sending() -> Self {
        Self::default()
    }

    pub(super) fn receiving() -> Self {
        Self { receives: true, ..Self::default() }
    }

    pub(super) fn exclusive() -> Self {
        Self { receives: true, exclusive: true, ..Self::default() }
    }
}

/// The peer whose turn it is, if it has room for the message, or else the next one that has.
pub(super) fn next_with_room(peers: &mut LoadBalance<PeerId>, room: &dyn Fn(PeerId) -> Room) -> Route {
    match peers.choose() {
        Some(peer) if room(peer) == Room::Enough => {
            peers.advance();
            Route::To(peer)
        }
        _ => search(peers, room),
    }
}

#[cold]
fn search(peers: &mut LoadBalance<PeerId>, room: &dyn Fn(PeerId) -> Room) -> Route {
    let mut first = None;
    while let Some(peer) = peers.choose().filter(|peer| first != Some(*peer)) {
        match room(peer) {
            Room::Enough => {
                peers.advance();
                return Route::To(peer);
            }
            // Passed over for this message only.
            Room::TooLittle => {
                first.get_or_insert(peer);
                peers.advance();
            }
            Room::None => peers.deactivate(peer),
        }
    }
    if peers.is_empty() { Route::NoPeer } else { Route::Full(None) }
}

impl Pattern for RoundRobin {
    fn attach(&mut self, peer: Newcomer<'_>, _commands: &mut Commands) -> Admission {
        if self.is_full() {
            return Admission::Refuse(DisconnectReason::Occupied);
        }
        self.peers.insert(peer.id);
        Admission::Admit
    }

    fn detach(&mut self, peer: PeerId, _commands: &mut Commands) {
        self.peers.remove(peer);
    }

    fn is_full(&self) -> bool {
        self.exclusive && !self.peers.is_empty()
    }

    fn route(
        &mut self,
        _message: &Message,
        room: &dyn Fn(PeerId) -> Room,
        _commands: &mut Commands,
    ) -> Route {
        next_with_room(&mut self.peers, room)
    }

    fn sole_peer(&self) -> Option<PeerId> {
        self.peers.sole_member()
    }

    fn room_freed(&mut self, peer: PeerId) {
        self.peers.activate(peer);
    }

    fn filter(&mut self, _peer: PeerId, _message: &mut Message, _commands: &mut Commands) -> Verdict {
        if self.receives { Verdict::Deliver } else { Verdict::Discard(DropCause::NotReceiving) }
    }

    fn delivery(&self) -> Delivery {
        if self.receives { Delivery::AsIs } else { Delivery::Filtered }
    }

    fn queues_without_peer(&self) -> bool {
        true
    }

    fn receives(&self) -> bool {
        self.receives
    }
}
