//! Connections coming and going.

use std::time::Instant;

use super::base::Base;
use super::clock::{Timer, later};
use super::core::Core;
use super::doorway::Doorway;
use super::endpoints::{BindState, Endpoints};
use super::inbound::Inbound;
use super::inproc::Link;
use super::life::Phase;
use super::liveness::Patience;
use super::outbound::Outbound;
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

impl Endpoints {
    /// Starts to listen on an endpoint.
    pub(crate) fn listen<S: AsyncStream>(&mut self, base: &mut Base<S>, endpoint: Endpoint) -> u32 {
        let id = self.add_listener(endpoint);
        base.wake_companion();
        id
    }

    /// When the handshake of a fresh stream has to be done.
    fn handshake_by<S: AsyncStream>(&mut self, base: &Base<S>, origin: Origin, now: Instant) -> Instant {
        let by = later(now, base.options.handshake_timeout);
        let answer_by = match origin {
            Origin::Dial(id) => self.dial(id).and_then(|dial| dial.answer_by),
            _ => None,
        };
        answer_by.map_or(by, |answer_by| by.min(answer_by))
    }

    pub(crate) fn announce<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId, origin: Origin) {
        let name = self.name_of(origin);
        let Some(peer) = base.peers.get_mut(id) else { return };
        peer.endpoint = name;
        let (address, local) = (peer.address.clone(), peer.link.local_endpoint());
        let endpoint = peer.endpoint.as_deref().cloned();
        let event = match origin {
            Origin::Given => return,
            Origin::Dial(dial) => {
                let Some(dial) = self.dial(dial) else { return };
                dial.peer = Some(id);
                dial.reconnect.handshaking();
                SocketEvent::Connected { peer: id, address, endpoint: dial.endpoint.clone(), local }
            }
            Origin::Listener(listener) => {
                if let Some(listener) = self.listener(listener) {
                    listener.attempts.begin();
                }
                // A name of this process that was given up meanwhile is what both sides know it by.
                let Some(endpoint) = endpoint.or_else(|| address.clone()) else { return };
                SocketEvent::Accepted { peer: id, address, endpoint }
            }
        };
        base.emit(event);
    }

    /// The identity that the application chose for the peer of a dial.
    fn alias_of<S: AsyncStream>(&mut self, base: &Base<S>, id: PeerId) -> Option<Frame> {
        match base.peers.get(id)?.origin {
            Origin::Dial(dial) => self.dial(dial)?.alias.clone(),
            Origin::Listener(_) | Origin::Given => None,
        }
    }

    fn report_end<S: AsyncStream>(&mut self, base: &mut Base<S>, peer: &Peer<S>, reason: &DisconnectReason) {
        let (endpoint, address) = (peer.endpoint.as_deref().cloned(), peer.address.clone());
        let event = if peer.stage == Stage::Handshaking {
            base.ledger.fail_handshake(reason.kind());
            if let Origin::Listener(id) = peer.origin {
                self.fail_accepted(id, reason.clone().into());
            }
            SocketEvent::HandshakeFailed { peer: peer.id, endpoint, address, cause: reason.clone().into() }
        } else {
            base.ledger.disconnect(reason.kind());
            SocketEvent::Disconnected { peer: peer.id, endpoint, address, reason: reason.clone() }
        };
        base.emit(event);
    }

    /// A listener was opened, or could not be.
    pub(crate) fn bound<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        id: u32,
        result: Result<Endpoint, Error>,
    ) {
        let Some(listener) = self.listener(id) else { return };
        match result {
            Ok(endpoint) => {
                listener.state = BindState::Bound(endpoint.clone());
                base.emit(SocketEvent::Listening { endpoint });
            }
            Err(cause) => {
                listener.state = BindState::Failed(cause.clone());
                let endpoint = listener.requested.clone();
                base.emit(SocketEvent::BindFailed { endpoint, cause });
            }
        }
        base.wake_watchers();
    }
}

impl Doorway {
    /// Makes a peer of a fresh connection.
    pub(crate) fn take_in<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        endpoints: &mut Endpoints,
        link: Link<S>,
        origin: Origin,
        now: Instant,
        handshake_by: Instant,
    ) -> PeerId {
        let common = Common { ready: &base.ready, config: &base.config, options: &base.options };
        let id = base.peers.insert(|id| Peer::new(id, link, origin, common, now, handshake_by));
        endpoints.used = true;
        if let Some(from) = base.peers.get(id).and_then(Peer::came_from) {
            self.enter(from, id);
        }
        id
    }
}

impl Outbound {
    /// The first messages of a connection. Nothing leaves yet: room would be freed for those that wait for a
    /// peer, and they must not come in between.
    fn greet<S: AsyncStream>(&mut self, base: &mut Base<S>, inbound: &Inbound, id: PeerId) {
        let probe = base.options.probe_router.then(|| Frame::new().into());
        let hello = base.options.types.hello_message.clone();
        for greeting in probe.into_iter().chain(hello) {
            base.ledger.accept();
            self.queue(base, inbound, id, Queued::new(greeting, Permit::none()));
        }
        if let Some(peer) = base.peers.get_mut(id) {
            peer.greetings = peer.enqueued;
        }
        if !self.dirty.is_empty() {
            base.wake_companion();
        }
    }
}

impl<S: AsyncStream> Base<S> {
    /// A message that had begun to arrive never will.
    pub(super) fn count_cut(&mut self, id: PeerId) {
        self.ledger.cut();
        let cause = DropCause::Incomplete;
        self.emit(SocketEvent::ReceivedDropped { peer: Some(id), cause, count: 1 });
    }
}

impl<S: AsyncStream> Core<S> {
    /// Takes a fresh stream in and starts its handshake.
    pub(crate) fn attach(&mut self, stream: S, origin: Origin, now: Instant) -> PeerId {
        let handshake_by = self.endpoints.handshake_by(&self.base, origin, now);
        let id = self.doorway.take_in(
            &mut self.base,
            &mut self.endpoints,
            Link::Stream(stream),
            origin,
            now,
            handshake_by,
        );
        let check_at = handshake_by.min(Patience::of(&self.base.options).first_look(now));
        self.base.clock.set(Timer::Peer(id), check_at);
        self.endpoints.announce(&mut self.base, id, origin);
        self.turn(|core| core.base.peers.get(id).into_iter().for_each(Peer::wake));
        self.base.wake_companion();
        id
    }

    /// The peer has said who it is, the authenticator has nothing against it, and the pattern decides about it.
    pub(crate) fn admit(&mut self, id: PeerId, info: Box<PeerInfo>) {
        let alias = self.endpoints.alias_of(&self.base, id);
        let own = self.base.peers.get(id).and_then(|peer| peer.caller(&info, &self.endpoints));
        let caller = |id| self.base.peers.get(id).and_then(|peer| peer.known_caller(&self.endpoints));
        let same_origin = |other| own.is_some() && own == caller(other);
        let newcomer = Newcomer { id, info: &info, alias: alias.as_ref(), same_origin: &same_origin };
        match self.pattern.attach(newcomer, &mut self.commands) {
            Admission::Admit => {}
            Admission::Succeed(old) => self.inbound.succeed(&mut self.base, old),
            Admission::Refuse(reason) => return self.inbound.doom(&mut self.base, id, reason),
        }
        self.outbound.sole_peer = self.pattern.sole_peer();
        let Some(peer) = self.base.peers.get_mut(id) else { return };
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
        self.base.ledger.connect();
        if let Origin::Dial(dial) = origin {
            self.endpoints.dial_connected(&mut self.base, dial);
            self.unclocked.push(id);
            self.base.wake_companion();
        }
        self.base.emit(event);
        self.outbound.greet(&mut self.base, &self.inbound, id);
        self.perform_commands();
        self.outbound.offer_pending(&mut self.base);
        self.outbound.wake_for_room(&mut self.base, id);
        self.base.wake_watchers();
    }

    /// What the application wants to be told by a message when a connection is lost.
    pub(super) fn say_farewell(&mut self, id: PeerId, origin: Origin) {
        let farewell = match origin {
            Origin::Dial(_) => &self.base.options.types.hiccup_message,
            Origin::Listener(_) | Origin::Given => &self.base.options.types.disconnect_message,
        };
        if let Some(mut message) = farewell.clone() {
            if self.filter(id, &mut message) {
                self.inbound.put_into_inbox(&mut self.base, id, message);
            }
        }
    }

    /// A peer takes no messages any more.
    pub(crate) fn pattern_detach(&mut self, id: PeerId) {
        self.base.release_senders(id);
        self.pattern.detach(id, &mut self.commands);
        self.outbound.sole_peer = self.pattern.sole_peer();
        self.endpoints.release_dials(&*self.pattern);
    }

    /// Ends a connection: settles what it had queued, tells everybody, and leaves redialling to the
    /// companion.
    pub(crate) fn disconnect(&mut self, id: PeerId, reason: DisconnectReason) {
        let Some(peer) = self.base.peers.get_mut(id) else { return };
        peer.doomed = true;
        if peer.stage.is_for_application() {
            self.salvage(id, &reason);
        }
        let Some(mut peer) = self.base.peers.remove(id) else { return };
        if let Some(from) = peer.came_from() {
            self.doorway.leave(from, id);
        }
        self.inbound.forget_incomplete(&mut self.base, &peer);
        self.asked.forget(&peer);
        let bytes = self.inbound.take_undecoded(&mut peer);
        self.base.clock.cancel(Timer::Peer(id));
        self.base.clock.cancel(Timer::Depart(id));
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
        self.outbound.settle_unsent(&mut self.base, &mut *self.pattern, &mut peer, &reason);
        self.base.ledger.close(&peer.account, peer.unproven());
        // The reply to what was sent is waited for until the socket closes: from then on nothing is sent again.
        if self.base.life.phase == Phase::Open {
            self.pattern.settled(peer.refused_the_only_one(&reason), &mut self.commands);
        }
        self.perform_commands();
        self.keep_leftover(&mut peer, bytes);
        self.endpoints.report_end(&mut self.base, &peer, &reason);
        if let Origin::Dial(dial) = peer.origin {
            self.endpoints.dial_ended(&mut self.base, dial, peer.ended(&reason), reason.into());
        }
        peer.senders.wake_all(self.base.effects.wakers());
        peer.flushers.wake_all(self.base.effects.wakers());
        self.endings.part_with(&mut self.base, *peer, &how);
        self.base.wake_companion();
        self.outbound.wake_a_sender(&mut self.base);
        self.outbound.wake_flushers(&mut self.base);
        self.base.wake_watchers();
        if self.inbound.delivery == Delivery::ByTurns
            || self.outbound.poisoned
            || self.endpoints.no_connection_will_come(&self.base).is_some()
        {
            self.outbound.wake_everybody(&mut self.base);
        }
    }
}
