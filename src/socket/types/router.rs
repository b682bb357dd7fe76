//! ROUTER: addresses each message to one peer, and says whom each message came from (RFC 28).

use super::envelope::has_envelope;
use super::kind::{Addressed, socket_type};
use crate::endpoint::IntoEndpoint;
use crate::engine::{Admission, Commands, Newcomer, Pattern, Room, Route, Verdict};
use crate::error::{Error, Result};
use crate::message::{Extent, Frame, Message};
use crate::monitor::{DisconnectReason, DropCause, PeerId};
use crate::options::{RouterHandover, RouterNotify, SocketOptions};
use crate::resilience::BytePermits;
use crate::routing::{AutoIdentity, ByIdentity};
use crate::runtime::AsyncStream;
use crate::socket::open::{Host, connectable};
use crate::socket::{SendingTo, Socket};

socket_type! {
    /// A ROUTER socket: the first frame of each message is the identity of the peer that it goes to or
    /// came from.
    ///
    /// A peer's identity is the one that this socket gave it when it connected to it
    /// ([`connect_to_as`](Socket::connect_to_as)), or that it gave itself (option `identity`), or else one made
    /// here: a zero byte and a 32-bit number. Unlike libzmq's defaults, a new connection takes over the identity
    /// of an old one of the same origin (option `router_handover`).
    ///
    /// No peer can stop a server: what is for one that is not there, or is at its mark since it does not read, is
    /// dropped, as in libzmq, and, unlike there, counted by cause and told by an event. `try_send` and
    /// `send_buffered` give such a message back instead; so does `send` with the option `router_mandatory`, which
    /// makes an unknown identity an error, and waits at the mark. See the table in
    /// [`guide::delivery`](crate::guide::delivery).
    Router, RouterSocket;
    Addressing::new
}

impl<T: Addressed, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Sends `message` to the peer with this identity: `send` of the two put together.
    ///
    /// # Errors
    /// As [`send`](Self::send); the message comes back with the identity in front.
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    #[doc = example!(r#"let router = RouterSocket::bind("tcp://127.0.0.1:0").await?;
let options = SocketOptions::default().with_identity("worker-7");
let worker = DealerSocket::connect_with_options(router.local_endpoint().unwrap(), options).await?;
router.wait_for_peers(1).await?;
router.send_to("worker-7", "job").await?;
assert_eq!(worker.recv().await?[0], "job");"#)]
    pub fn send_to(&self, identity: impl Into<Frame>, message: impl Into<Message>) -> SendingTo<'_, T, S, P> {
        SendingTo::new(self.send(message), identity.into())
    }

    /// Receives a message and the identity of the peer that it came from.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// As [`recv`](Self::recv): dropped before it is ready, no message was received.
    #[doc = example!(r#"let router = RouterSocket::bind("tcp://127.0.0.1:0").await?;
let client = DealerSocket::connect(router.local_endpoint().unwrap()).await?;
client.send("question").await?;
let (who, question) = router.recv_from().await?;
router.send_to(who, question).await?;
assert_eq!(client.recv().await?[0], "question");"#)]
    pub async fn recv_from(&self) -> Result<(Frame, Message)> {
        self.receive_apart().await
    }
}

impl<T: Addressed, S: AsyncStream, P: BytePermits> Socket<T, S, P>
where
    S::Runtime: Host<S>,
{
    /// Connects to one more endpoint, whose peer is to have this identity whatever it says itself, now and
    /// after each reconnection; returns at once (CONNECT_ROUTING_ID).
    ///
    /// # Errors
    /// A malformed endpoint, [`Error::IdentityTaken`] if a peer or another endpoint has the identity,
    /// [`Error::Closed`].
    #[doc = example!(r#"let worker = DealerSocket::bind("tcp://127.0.0.1:0").await?;
let router = RouterSocket::new(SocketOptions::default())?;
router.connect_to_as(worker.local_endpoint().unwrap(), "worker-7")?;
router.wait_for_peers(1).await?;
router.send_to("worker-7", "job").await?;
assert_eq!(worker.recv().await?[0], "job");"#)]
    pub fn connect_to_as(&self, endpoint: impl IntoEndpoint, identity: impl Into<Frame>) -> Result<()> {
        let (endpoint, identity) = (connectable(endpoint)?, identity.into());
        self.shared.with(|core| {
            core.inbound.door_is_shut(&core.base).map_or(Ok(()), Err)?;
            let promised = core.endpoints.dials.iter().any(|dial| dial.alias.as_ref() == Some(&identity));
            if promised || core.pattern.peer_of(&identity).is_some() {
                return Err(Error::IdentityTaken);
            }
            let dial = core.endpoints.start_dial(&mut core.base, endpoint, false);
            if let Some(dial) = core.endpoints.dial(dial) {
                dial.alias = Some(identity);
            }
            Ok(())
        })
    }
}

/// The policy of ROUTER.
#[derive(Debug)]
pub(super) struct Addressing {
    peers: ByIdentity<PeerId>,
    automatic: AutoIdentity,
    mandatory: bool,
    handover: RouterHandover,
    notify: RouterNotify,
    /// Only messages with an envelope and a body are received: requests. Whom they are from, and replies are for, is the
    /// connection and not the identity, which another may have by the time of the reply.
    serves: bool,
}

impl Addressing {
    fn new(options: &SocketOptions) -> Self {
        Self {
            peers: ByIdentity::default(),
            automatic: AutoIdentity::new(fastrand::u32(..)),
            mandatory: options.router_mandatory,
            handover: options.router_handover,
            notify: options.router_notify(),
            serves: false,
        }
    }

    /// The policy of a ROUTER that serves requests.
    pub(super) fn serving(options: &SocketOptions) -> Self {
        Self { serves: true, ..Self::new(options) }
    }

    fn automatic_identity(&mut self) -> Frame {
        loop {
            let identity = self.automatic.next();
            if self.peers.find(&identity).is_none() {
                return identity;
            }
        }
    }

    /// Whether a newcomer gets the identity of another peer. What the application itself named needs no other
    /// right to the name.
    fn may_take_over(&self, newcomer: Newcomer<'_>, from: PeerId) -> bool {
        match self.handover {
            RouterHandover::Never => false,
            RouterHandover::SameOrigin => newcomer.alias.is_some() || (newcomer.same_origin)(from),
            RouterHandover::Always => true,
        }
    }

    /// Tells the application that a peer came or went: its identity and an empty frame.
    fn notify(&self, when: RouterNotify, peer: PeerId, commands: &mut Commands) {
        if self.notify != when && self.notify != RouterNotify::Both {
            return;
        }
        if let Some(identity) = self.peers.identity_of(peer) {
            commands.notice(peer, [identity.clone(), Frame::new()].into());
        }
    }
}

impl Pattern for Addressing {
    fn attach(&mut self, peer: Newcomer<'_>, commands: &mut Commands) -> Admission {
        let identity = match peer.alias {
            Some(alias) => alias.clone(),
            None if peer.info.identity.is_empty() => self.automatic_identity(),
            None => Frame::from(peer.info.identity.clone()),
        };
        match self.peers.insert(identity.clone(), peer.id) {
            Ok(()) => {
                self.notify(RouterNotify::Connect, peer.id, commands);
                Admission::Admit
            }
            Err(taken) if self.may_take_over(peer, taken.by) => {
                self.notify(RouterNotify::Disconnect, taken.by, commands);
                self.peers.take_over(identity, peer.id);
                self.notify(RouterNotify::Connect, peer.id, commands);
                Admission::Succeed(taken.by)
            }
            Err(_) => Admission::Refuse(DisconnectReason::IdentityTaken),
        }
    }

    fn detach(&mut self, peer: PeerId, commands: &mut Commands) {
        if self.peers.identity_of(peer).is_some_and(|identity| self.peers.find(identity) == Some(peer)) {
            self.notify(RouterNotify::Disconnect, peer, commands);
        }
        self.peers.retire(peer);
    }

    fn forget(&mut self, peer: PeerId, _commands: &mut Commands) {
        self.peers.remove(peer);
    }

    fn on_wire(&self, Extent { size, frames }: Extent, message: &Message) -> Extent {
        let identity = message.get(0).map_or(0, |identity| identity.len());
        Extent { size: size - identity, frames: frames.saturating_sub(1) }
    }

    fn route(&mut self, message: &Message, room: &dyn Fn(PeerId) -> Room, _commands: &mut Commands) -> Route {
        if message.len() < 2 {
            return Route::NoBody;
        }
        match self.addressee(message) {
            None => Route::Unroutable,
            Some(peer) if room(peer) == Room::Enough => Route::To(peer),
            Some(peer) => Route::Full(Some(peer)),
        }
    }

    fn addressee(&self, message: &Message) -> Option<PeerId> {
        self.named(message.get(0)?)
    }

    fn named(&self, name: &[u8]) -> Option<PeerId> {
        match self.serves {
            true => PeerId::from_bytes(name).filter(|peer| self.peers.is_found(*peer)),
            false => self.peers.find(name),
        }
    }

    fn drops_when_full(&self) -> bool {
        !self.mandatory
    }

    fn drops_unroutable(&self) -> bool {
        !self.mandatory
    }

    fn outgoing(&mut self, _peer: PeerId, message: &mut Message) {
        message.pop_front();
    }

    fn filter(&mut self, peer: PeerId, message: &mut Message, _commands: &mut Commands) -> Verdict {
        let from = match self.serves {
            true => self.peers.identity_of(peer).map(|_| Frame::from(peer.to_bytes())),
            false => self.peers.recall(peer).cloned(),
        };
        let Some(from) = from else { return Verdict::Discard(DropCause::Departing) };
        if self.serves && !has_envelope(message) {
            return Verdict::Discard(DropCause::Unexpected);
        }
        message.push_front(from);
        Verdict::Deliver
    }

    fn envelope(&self, peer: PeerId) -> Option<&Frame> {
        if self.serves { None } else { self.peers.identity_of(peer) }
    }

    fn peer_of(&self, identity: &[u8]) -> Option<PeerId> {
        self.peers.find(identity)
    }
}
