//! Connections coming and going.

use std::time::Instant;

use super::clock::later;
use super::core::{Core, Phase, Timer};
use super::endpoints::BindState;
use super::inproc::Link;
use super::liveness::Patience;
use super::pattern::{Admission, Delivery, Newcomer};
use super::peer::{Common, Origin, Peer, Stage};
use super::pending::Queued;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::message::Frame;
use crate::monitor::{DisconnectReason, DropCause, PeerId, SocketEvent};
use crate::protocol::PeerInfo;
use crate::resilience::Permit;
use crate::runtime::AsyncStream;

impl<S: AsyncStream> Core<S> {
    /// Starts to listen on an endpoint.
    pub(crate) fn listen(&mut self, endpoint: Endpoint) -> u32 {
        let id = self.endpoints.add_listener(endpoint);
        self.wake_companion();
        id
    }

    /// Takes a fresh stream in and starts its handshake.
    pub(crate) fn attach(&mut self, stream: S, origin: Origin, now: Instant) -> PeerId {
        let handshake_by = self.handshake_by(origin, now);
        let id = self.take_in(Link::Stream(stream), origin, now, handshake_by);
        let check_at = handshake_by.min(Patience::of(&self.options).first_look(now));
        self.clock.set(Timer::Peer(id), check_at);
        self.announce(id, origin);
        self.turn(|core| core.peers.get(id).into_iter().for_each(Peer::wake));
        self.wake_companion();
        id
    }

    /// Makes a peer of a fresh connection.
    pub(crate) fn take_in(
        &mut self,
        link: Link<S>,
        origin: Origin,
        now: Instant,
        handshake_by: Instant,
    ) -> PeerId {
        let common = Common { ready: &self.ready, config: &self.config, options: &self.options };
        let id = self.peers.insert(|id| Peer::new(id, link, origin, common, now, handshake_by));
        self.endpoints.used = true;
        if let Some(from) = self.peers.get(id).and_then(Peer::came_from) {
            self.doorway.enter(from, id);
        }
        id
    }

    /// When the handshake of a fresh stream has to be done.
    fn handshake_by(&mut self, origin: Origin, now: Instant) -> Instant {
        let by = later(now, self.options.handshake_timeout);
        let answer_by = match origin {
            Origin::Dial(id) => self.endpoints.dial(id).and_then(|dial| dial.answer_by),
            _ => None,
        };
        answer_by.map_or(by, |answer_by| by.min(answer_by))
    }

    pub(crate) fn announce(&mut self, id: PeerId, origin: Origin) {
        let name = self.endpoints.name_of(origin);
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.endpoint = name;
        let (address, local) = (peer.address.clone(), peer.link.local_endpoint());
        let endpoint = peer.endpoint.as_deref().cloned();
        let event = match origin {
            Origin::Given => return,
            Origin::Dial(dial) => {
                let Some(dial) = self.endpoints.dial(dial) else { return };
                dial.peer = Some(id);
                dial.reconnect.handshaking();
                SocketEvent::Connected { peer: id, address, endpoint: dial.endpoint.clone(), local }
            }
            Origin::Listener(listener) => {
                if let Some(listener) = self.endpoints.listener(listener) {
                    listener.attempts.begin();
                }
                // A name of this process that was given up meanwhile is what both sides know it by.
                let Some(endpoint) = endpoint.or_else(|| address.clone()) else { return };
                SocketEvent::Accepted { peer: id, address, endpoint }
            }
        };
        self.emit(event);
    }

    /// The peer has said who it is, the authenticator has nothing against it, and the pattern decides about it.
    pub(crate) fn admit(&mut self, id: PeerId, info: Box<PeerInfo>) {
        let alias = self.alias_of(id);
        let own = self.peers.get(id).and_then(|peer| peer.caller(&info, &self.endpoints));
        let caller = |id| self.peers.get(id).and_then(|peer| peer.known_caller(&self.endpoints));
        let same_origin = |other| own.is_some() && own == caller(other);
        let newcomer = Newcomer { id, info: &info, alias: alias.as_ref(), same_origin: &same_origin };
        match self.pattern.attach(newcomer, &mut self.commands) {
            Admission::Admit => {}
            Admission::Succeed(old) => self.succeed(old),
            Admission::Refuse(reason) => return self.doom(id, reason),
        }
        self.outbound.sole_peer = self.pattern.sole_peer();
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.stage = Stage::Live;
        // Here and not before: a peer that is refused must not have been told that it may send.
        peer.connection.welcome(&mut peer.out);
        peer.out.end_control();
        peer.begin_to_ask();
        let origin = peer.origin;
        let event = SocketEvent::HandshakeSucceeded {
            peer: id,
            socket_type: info.socket_type,
            identity: info.identity.clone(),
            user: info.user.clone(),
        };
        peer.info = Some(info);
        if let Some(from) = peer.came_from() {
            self.doorway.admit(from, id);
        }
        self.ledger.connect();
        if let Origin::Dial(dial) = origin {
            self.dial_connected(dial);
            self.unclocked.push(id);
            self.wake_companion();
        }
        self.emit(event);
        self.greet(id);
        self.perform_commands();
        self.offer_pending();
        self.wake_for_room(id);
        self.wake_watchers();
    }

    /// The identity that the application chose for the peer of a dial.
    fn alias_of(&mut self, id: PeerId) -> Option<Frame> {
        match self.peers.get(id)?.origin {
            Origin::Dial(dial) => self.endpoints.dial(dial)?.alias.clone(),
            Origin::Listener(_) | Origin::Given => None,
        }
    }

    /// The first messages of a connection. Nothing leaves yet: room would be freed for those that wait for a
    /// peer, and they must not come in between.
    fn greet(&mut self, id: PeerId) {
        let probe = self.options.probe_router.then(|| Frame::new().into());
        let hello = self.options.types.hello_message.clone();
        for greeting in probe.into_iter().chain(hello) {
            self.ledger.accept();
            self.queue(id, Queued::new(greeting, Permit::none()));
        }
        if let Some(peer) = self.peers.get_mut(id) {
            peer.greetings = peer.enqueued;
        }
        if !self.outbound.dirty.is_empty() {
            self.wake_companion();
        }
    }

    /// What the application wants to be told by a message when a connection is lost.
    pub(super) fn say_farewell(&mut self, id: PeerId, origin: Origin) {
        let farewell = match origin {
            Origin::Dial(_) => &self.options.types.hiccup_message,
            Origin::Listener(_) | Origin::Given => &self.options.types.disconnect_message,
        };
        if let Some(mut message) = farewell.clone() {
            if self.filter(id, &mut message) {
                self.put_into_inbox(id, message);
            }
        }
    }

    /// A peer takes no messages any more.
    pub(crate) fn pattern_detach(&mut self, id: PeerId) {
        self.release_senders(id);
        self.pattern.detach(id, &mut self.commands);
        self.outbound.sole_peer = self.pattern.sole_peer();
        self.release_dials();
    }

    /// Ends a connection: settles what it had queued, tells everybody, and leaves redialling to the
    /// companion.
    pub(crate) fn disconnect(&mut self, id: PeerId, reason: DisconnectReason) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.doomed = true;
        if peer.stage.is_for_application() {
            self.salvage(id, &reason);
        }
        let Some(mut peer) = self.peers.remove(id) else { return };
        if let Some(from) = peer.came_from() {
            self.doorway.leave(from, id);
        }
        self.forget_incomplete(&peer);
        self.asked.forget(&peer);
        let bytes = self.inbound.take_undecoded(&mut peer);
        self.clock.cancel(Timer::Peer(id));
        self.clock.cancel(Timer::Depart(id));
        match peer.stage {
            Stage::Live => {
                self.say_farewell(id, peer.origin);
                self.pattern_detach(id);
            }
            Stage::Succeeded => self.pattern_detach(id),
            Stage::Handshaking | Stage::Retiring | Stage::Draining => {}
        }
        let how = reason.clone();
        let reason = if peer.stage == Stage::Succeeded { DisconnectReason::Replaced } else { reason };
        let reason = if peer.dismissed { DisconnectReason::Dismissed } else { reason };
        if peer.origin == Origin::Given && peer.stage == Stage::Handshaking {
            self.endpoints.given_failure = Some(reason.clone().into());
        }
        self.settle_unsent(&mut peer, &reason);
        self.ledger.close(&peer.account, peer.unproven());
        // The reply to what was sent is waited for until the socket closes: from then on nothing is sent again.
        if self.phase == Phase::Open {
            self.pattern.settled(peer.refused_the_only_one(&reason), &mut self.commands);
        }
        self.perform_commands();
        self.keep_leftover(&mut peer, bytes);
        self.report_end(&peer, &reason);
        if let Origin::Dial(dial) = peer.origin {
            self.dial_ended(dial, peer.ended(&reason), reason.into());
        }
        peer.senders.wake_all(self.effects.wakers());
        peer.flushers.wake_all(self.effects.wakers());
        self.part_with(*peer, &how);
        self.wake_companion();
        self.wake_a_sender();
        self.wake_flushers();
        self.wake_watchers();
        if self.inbound.delivery == Delivery::ByTurns
            || self.outbound.poisoned
            || self.no_connection_will_come().is_some()
        {
            self.wake_everybody();
        }
    }

    /// A message that had begun to arrive never will.
    pub(super) fn count_cut(&mut self, id: PeerId) {
        self.ledger.cut();
        let cause = DropCause::Incomplete;
        self.emit(SocketEvent::ReceivedDropped { peer: Some(id), cause, count: 1 });
    }

    fn report_end(&mut self, peer: &Peer<S>, reason: &DisconnectReason) {
        let (endpoint, address) = (peer.endpoint.as_deref().cloned(), peer.address.clone());
        let event = if peer.stage == Stage::Handshaking {
            self.ledger.fail_handshake(reason.kind());
            if let Origin::Listener(id) = peer.origin {
                self.endpoints.fail_accepted(id, reason.clone().into());
            }
            SocketEvent::HandshakeFailed { peer: peer.id, endpoint, address, cause: reason.clone().into() }
        } else {
            self.ledger.disconnect(reason.kind());
            SocketEvent::Disconnected { peer: peer.id, endpoint, address, reason: reason.clone() }
        };
        self.emit(event);
    }

    /// A listener was opened, or could not be.
    pub(crate) fn bound(&mut self, id: u32, result: Result<Endpoint, Error>) {
        let Some(listener) = self.endpoints.listener(id) else { return };
        match result {
            Ok(endpoint) => {
                listener.state = BindState::Bound(endpoint.clone());
                self.emit(SocketEvent::Listening { endpoint });
            }
            Err(cause) => {
                listener.state = BindState::Failed(cause.clone());
                let endpoint = listener.requested.clone();
                self.emit(SocketEvent::BindFailed { endpoint, cause });
            }
        }
        self.wake_watchers();
    }

    pub(crate) fn wake_everybody_if_no_connection_will_come(&mut self) {
        if self.no_connection_will_come().is_some() {
            self.wake_everybody();
        }
    }
}
