//! ROUTER: addresses each message to one peer, and says whom each message came from (RFC 28).

use super::kind::{Addressed, Kind, Receives, Sends, sealed};
use super::{Sending, Socket};
use crate::engine::{Admission, Pattern, Room, Route};
use crate::error::Result;
use crate::message::{Frame, Message};
use crate::monitor::{DropCause, PeerId};
use crate::options::SocketOptions;
use crate::protocol::{PeerInfo, SocketType};
use crate::resilience::BytePermits;
use crate::routing::{AutoIdentity, ByIdentity};
use crate::runtime::AsyncStream;

/// The marker of [`RouterSocket`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Router;

/// A ROUTER socket: the first frame of each message is the identity of the peer that it goes to or
/// came from.
///
/// A peer's identity is the one that it gave itself (option `identity`), or else one made here: a zero
/// byte and a 32-bit number. Unlike libzmq's defaults, a message to an unknown identity is an error
/// (option `router_mandatory`), and a new connection takes over the identity of an old one (option
/// `router_handover`).
pub type RouterSocket<S, P = crate::resilience::NoOpPermits> = Socket<Router, S, P>;

impl Kind for Router {
    const TYPE: SocketType = SocketType::Router;
}

impl Sends for Router {}
impl Receives for Router {}
impl Addressed for Router {}

impl sealed::Policy for Router {
    #[expect(private_interfaces, reason = "sealed")]
    fn pattern(options: &SocketOptions) -> Box<dyn Pattern> {
        Box::new(Addressing {
            peers: ByIdentity::default(),
            automatic: AutoIdentity::new(fastrand::u32(..)),
            mandatory: options.router_mandatory,
            handover: options.router_handover,
        })
    }
}

impl<T: Addressed, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Sends `message` to the peer with this identity: `send` of the two put together.
    ///
    /// # Errors
    /// As [`send`](Self::send); the message comes back with the identity in front.
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    pub fn send_to(&self, identity: impl Into<Frame>, message: impl Into<Message>) -> Sending<'_, T, S, P> {
        let mut message = message.into();
        message.push_front(identity);
        self.send(message)
    }

    /// Receives a message and the identity of the peer that it came from.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// As [`recv`](Self::recv): dropped before it is ready, no message was received.
    pub async fn recv_from(&self) -> Result<(Frame, Message)> {
        let mut message = self.recv().await?;
        // The pattern puts the identity in front of everything that it accepts.
        let identity = message.pop_front().unwrap_or_default();
        Ok((identity, message))
    }
}

/// The policy of ROUTER.
#[derive(Debug)]
struct Addressing {
    peers: ByIdentity<PeerId>,
    automatic: AutoIdentity,
    mandatory: bool,
    handover: bool,
}

impl Addressing {
    fn automatic_identity(&mut self) -> Frame {
        loop {
            let identity = self.automatic.next();
            if self.peers.find(&identity).is_none() {
                return identity;
            }
        }
    }

    fn refuse(&self, mandatory: Route, cause: DropCause) -> Route {
        if self.mandatory { mandatory } else { Route::Drop(cause) }
    }
}

impl Pattern for Addressing {
    fn attach(&mut self, peer: PeerId, info: &PeerInfo) -> Admission {
        let identity = if info.identity.is_empty() {
            self.automatic_identity()
        } else {
            Frame::from(info.identity.clone())
        };
        match self.peers.insert(identity, peer) {
            Ok(()) => Admission::Admit,
            Err(taken) if self.handover => Admission::Replace(taken.by),
            Err(_) => Admission::IdentityTaken,
        }
    }

    fn detach(&mut self, peer: PeerId) {
        self.peers.remove(peer);
    }

    fn route(&mut self, message: &Message, room: &dyn Fn(PeerId) -> Room) -> Route {
        if message.len() < 2 {
            return Route::NoBody;
        }
        match message.get(0).and_then(|identity| self.peers.find(identity)) {
            None => self.refuse(Route::Unroutable, DropCause::Unroutable),
            Some(peer) if room(peer) == Room::Enough => Route::To(peer),
            Some(_) => self.refuse(Route::Full, DropCause::PeerFull),
        }
    }

    fn unwrap(&mut self, message: &mut Message) {
        message.pop_front();
    }

    fn accept(&mut self, peer: PeerId, message: &mut Message) -> bool {
        let Some(identity) = self.peers.identity_of(peer) else { return false };
        message.push_front(identity.clone());
        true
    }

    fn queues_without_peer(&self) -> bool {
        false
    }

    fn receives(&self) -> bool {
        true
    }
}
