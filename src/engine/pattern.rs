//! The policy of a socket type: where messages go, and what becomes of those that come.

use crate::message::Message;
use crate::monitor::{DropCause, PeerId};
use crate::protocol::PeerInfo;

/// One socket type's rules, consulted by the engine; pure state, no I/O.
///
/// Boxed in the core, so that the machinery is compiled once per stream type and not once per socket
/// type; the socket types stay distinct in the handles.
pub(crate) trait Pattern: Send {
    /// A peer has completed the handshake.
    fn attach(&mut self, peer: PeerId, info: &PeerInfo) -> Admission;

    /// A peer that was admitted is gone.
    fn detach(&mut self, peer: PeerId);

    /// Chooses the peer for `message`; `room` says whether a peer can take it.
    ///
    /// Types that queue without a peer must not look at `message`.
    fn route(&mut self, message: &Message, room: &dyn Fn(PeerId) -> Room) -> Route;

    /// The one peer that every message goes to as it is, while that is so: asked after each change of
    /// peers, so that sending need not ask for each message.
    fn sole_peer(&self) -> Option<PeerId> {
        None
    }

    /// Takes the parts of `message` off that are for routing only; called once a peer was chosen.
    fn unwrap(&mut self, _message: &mut Message) {}

    /// A peer that had no room has some again.
    fn room_freed(&mut self, _peer: PeerId) {}

    /// Turns what `peer` sent into what the application receives; false discards it.
    fn accept(&mut self, peer: PeerId, message: &mut Message) -> bool;

    /// Whether messages may wait in the socket while no peer is connected, and return there from a
    /// lost peer: true for types that do not care which peer gets a message.
    fn queues_without_peer(&self) -> bool;

    /// Whether the application can receive; the companion reads and discards for those that cannot.
    fn receives(&self) -> bool;
}

/// What a peer can take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Room {
    /// The message.
    Enough,
    /// A smaller message.
    TooLittle,
    /// Nothing.
    None,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Route {
    /// To this peer, which has room.
    To(PeerId),
    /// Nowhere yet: the peers that could take it are at their marks.
    Full,
    /// Nowhere yet: there is no peer.
    NoPeer,
    /// Nowhere: it has an address and nothing else.
    NoBody,
    /// Nowhere: nobody has the identity that it is addressed to.
    Unroutable,
    /// Nowhere, and the type is configured to drop what cannot be delivered.
    Drop(DropCause),
}

/// The verdict on a new peer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Admission {
    /// Welcome.
    Admit,
    /// Welcome once this one, whose identity it claims, is gone: the engine ends that connection and
    /// asks again.
    Replace(PeerId),
    /// Its identity is in use by another connection: this one ends.
    IdentityTaken,
}
