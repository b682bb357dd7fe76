//! Connections coming and going.

use std::sync::Arc;
use std::time::Instant;

use super::clock::later;
use super::core::{Core, Phase, Timer};
use super::endpoints::{BindState, Ended};
use super::inproc::Link;
use super::pattern::{Admission, Newcomer};
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
    /// Starts to connect to an endpoint, again and again; `once` to give up if the first attempt fails.
    pub(crate) fn dial(&mut self, endpoint: Endpoint, once: bool) -> u32 {
        let (backoff, max_attempts) = (self.options.backoff.clone(), self.options.max_attempts);
        let id = self.endpoints.add_dial(endpoint, backoff, max_attempts, once);
        self.endpoints.fresh.push(id);
        self.wake_companion();
        id
    }

    /// The same for a socket that is open, which may connect there already.
    pub(crate) fn dial_once_more(&mut self, endpoint: Endpoint) {
        if !(self.config.socket_type.connects_once() && self.endpoints.is_dialled(&endpoint)) {
            self.dial(endpoint, false);
        }
    }

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
        let check_at = handshake_by.min(self.next_check(now));
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
        let Some(peer) = self.peers.get(id) else { return };
        let (address, local) = (peer.address.clone(), peer.link.local_endpoint());
        let event = match origin {
            Origin::Given => return,
            Origin::Dial(dial) => {
                let Some(dial) = self.endpoints.dial(dial) else { return };
                dial.peer = Some(id);
                dial.reconnect.handshaking();
                SocketEvent::Connected { peer: id, endpoint: dial.endpoint.clone(), local }
            }
            Origin::Listener(listener) => {
                let Some(listener) = self.endpoints.listener(listener) else { return };
                let endpoint = listener.local().unwrap_or(&listener.requested).clone();
                SocketEvent::Accepted { peer: id, address, endpoint }
            }
        };
        self.emit(event);
    }

    /// The handshake is done: the pattern decides about the peer.
    pub(crate) fn admit(&mut self, id: PeerId, info: PeerInfo) {
        let alias = self.alias_of(id);
        let newcomer = Newcomer { id, info: &info, alias: alias.as_ref() };
        let mut admission = self.pattern.attach(newcomer, &mut self.tasks);
        if let Admission::Replace(old) = admission {
            self.disconnect(old, DisconnectReason::Replaced);
            admission = self.pattern.attach(newcomer, &mut self.tasks);
        }
        match admission {
            Admission::Admit => {}
            Admission::Refuse(reason) => return self.disconnect(id, reason),
            Admission::Replace(_) => return self.disconnect(id, DisconnectReason::IdentityTaken),
        }
        self.outbound.sole_peer = self.pattern.sole_peer();
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.stage = Stage::Live;
        let origin = peer.origin;
        let event = SocketEvent::HandshakeSucceeded {
            peer: id,
            socket_type: info.socket_type,
            identity: info.identity.clone(),
        };
        peer.info = Some(Box::new(info));
        if let Some(from) = peer.came_from() {
            self.doorway.admit(from, id);
        }
        self.ledger.connect();
        if let Origin::Dial(dial) = origin {
            self.dial_connected(dial);
        }
        self.emit(event);
        self.greet(id);
        self.perform_tasks();
        self.drain_pending();
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

    /// The first messages of a connection.
    fn greet(&mut self, id: PeerId) {
        if self.options.probe_router && self.config.socket_type.probes() {
            self.enqueue_raw(id, &mut Frame::new().into(), Permit::none(), true);
        }
        let hello = self.options.types.hello_message.as_ref();
        if let Some(mut hello) = hello.filter(|_| self.config.socket_type.converses()).cloned() {
            self.enqueue_raw(id, &mut hello, Permit::none(), true);
        }
    }

    /// What the application wants to be told by a message when a connection is lost.
    fn say_farewell(&mut self, peer: &Peer<S>) {
        let farewell = match peer.origin {
            Origin::Dial(_) => &self.options.types.hiccup_message,
            Origin::Listener(_) | Origin::Given => &self.options.types.disconnect_message,
        };
        if let Some(mut message) = farewell.as_ref().filter(|_| self.config.socket_type.converses()).cloned()
        {
            if self.accept(peer.id, &mut message) {
                self.put_into_inbox(peer.id, message);
            }
        }
    }

    /// A peer takes no messages any more.
    pub(crate) fn pattern_detach(&mut self, id: PeerId) {
        self.release_senders(id);
        self.pattern.detach(id, &mut self.tasks);
        self.outbound.sole_peer = self.pattern.sole_peer();
    }

    fn dial_connected(&mut self, id: u32) {
        let Some(dial) = self.endpoints.dial(id) else { return };
        dial.once = false;
        dial.outcomes += 1;
        dial.reconnect.connected();
        if dial.failure.take().is_some() || dial.outcomes > 1 {
            self.ledger.reconnect();
        }
    }

    /// Ends a connection: settles what it had queued, tells everybody, and leaves redialling to the
    /// companion.
    pub(crate) fn disconnect(&mut self, id: PeerId, reason: DisconnectReason) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.doomed = true;
        if peer.stage == Stage::Live {
            self.salvage(id, &reason);
        }
        let Some(mut peer) = self.peers.remove(id) else { return };
        if let Some(from) = peer.came_from() {
            self.doorway.leave(from, id);
        }
        let bytes = self.take_undecoded(&mut peer);
        self.clock.cancel(Timer::Peer(id));
        self.clock.cancel(Timer::Depart(id));
        match peer.stage {
            Stage::Live => {
                self.say_farewell(&peer);
                self.pattern_detach(id);
            }
            Stage::Handshaking | Stage::Retiring | Stage::Draining => {}
        }
        // A peer that answers the end of our stream with its own has read what came before it.
        let proven = peer.stage == Stage::Draining && matches!(reason, DisconnectReason::EndOfStream);
        let in_doubt = if proven { 0 } else { peer.unproven() };
        if peer.origin == Origin::Given {
            self.endpoints.given_failure = Some(reason.clone().into());
        }
        self.settle_unsent(&mut peer, &reason);
        self.ledger.close(&peer.account, in_doubt);
        self.pattern.settled(&mut self.tasks);
        self.perform_tasks();
        self.keep_leftover(&mut peer, bytes);
        self.report_end(&peer, &reason);
        if let Origin::Dial(dial) = peer.origin {
            let ended = if peer.stage == Stage::Handshaking { Ended::Attempt } else { Ended::Connection };
            self.dial_ended(dial, ended, reason.into());
        }
        peer.senders.wake_all(self.effects.wakers());
        peer.flushers.wake_all(self.effects.wakers());
        self.effects.drop_link(peer.link);
        self.wake_companion();
        self.wake_a_sender();
        self.wake_flushers();
        self.wake_watchers();
        if self.inbound.gated || self.outbound.poisoned || self.hopeless().is_some() {
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
        let event = if peer.stage == Stage::Handshaking {
            self.ledger.fail_handshake(reason.kind());
            SocketEvent::HandshakeFailed { peer: peer.id, cause: reason.clone().into() }
        } else {
            self.ledger.disconnect(reason.kind());
            SocketEvent::Disconnected { peer: peer.id, reason: reason.clone() }
        };
        self.emit(event);
    }

    /// What the connection had queued: back to the socket where any peer will do, else dropped.
    fn settle_unsent(&mut self, peer: &mut Peer<S>, reason: &DisconnectReason) {
        let mut permits = std::mem::take(&mut peer.permits);
        let mut ordinal = peer.account.sent();
        let mut keep = Vec::new();
        let (mut lost, mut cancelled) = (0, 0);
        for unsent in peer.out.drain_unsent() {
            ordinal += 1;
            let permit = permits.take(ordinal, unsent.extent.cost());
            let abandoned = unsent.begun && matches!(reason, DisconnectReason::Poisoned);
            let mut message =
                if abandoned || !self.keeps_unsent() { None } else { peer.connection.recover(unsent.pieces) };
            match message.take_if(|message| self.pattern.returned(message)) {
                Some(message) => keep.push(Queued::new(message, permit)),
                None => {
                    self.effects.drop_permit(permit);
                    if abandoned { cancelled += 1 } else { lost += 1 }
                }
            }
        }
        let latest = peer.latest.take().map(|latest| *latest);
        for mut queued in self.close_inproc(peer, reason).into_iter().chain(latest) {
            if self.keeps_unsent() && self.pattern.returned(&mut queued.message) {
                keep.push(Queued::new(queued.message, queued.permit));
            } else {
                self.effects.drop_permit(queued.permit);
                lost += 1;
            }
        }
        self.count_dropped(Some(peer.id), DropCause::Cancelled, cancelled);
        let cause = if self.phase == Phase::Open { DropCause::PeerLost } else { DropCause::Closed };
        self.count_dropped(Some(peer.id), cause, lost);
        self.requeue(keep);
    }

    fn keeps_unsent(&self) -> bool {
        self.pattern.queues_without_peer() && !matches!(self.phase, Phase::Closed { .. })
    }

    /// An attempt ended before there was a connection.
    pub(crate) fn connect_failed(&mut self, id: u32, cause: Error) {
        let Some(dial) = self.endpoints.dial(id) else { return };
        let event = SocketEvent::ConnectFailed { endpoint: dial.endpoint.clone(), cause: cause.clone() };
        self.emit(event);
        self.dial_ended(id, Ended::Attempt, cause);
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

    /// An attempt or a connection of a dial ended.
    pub(crate) fn dial_ended(&mut self, id: u32, ended: Ended, cause: Error) {
        let stop = self.options.reconnect_stop;
        let Some(dial) = self.endpoints.dial(id) else { return };
        let stops = match (ended, dial.peer.take()) {
            (Ended::Connection, _) => false,
            (Ended::Attempt, Some(_)) => stop.after_handshake(),
            (Ended::Attempt, None) => stop.after_connecting(&dial.endpoint, &cause),
        };
        let permanent = stops || cause.is_permanent() || !self.options.reconnect;
        if ended == Ended::Attempt {
            dial.outcomes += 1;
        }
        let cause = Arc::new(cause);
        dial.failure = Some(Arc::clone(&cause));
        if permanent || dial.once {
            dial.reconnect.stop();
            let event =
                SocketEvent::ReconnectStopped { endpoint: dial.endpoint.clone(), cause: (*cause).clone() };
            if !matches!(*cause, Error::Closed) {
                self.emit(event);
            }
            self.wake_everybody_if_hopeless();
        } else {
            dial.unscheduled = Some(ended);
        }
        self.wake_companion();
        self.wake_watchers();
    }

    pub(crate) fn wake_everybody_if_hopeless(&mut self) {
        if self.hopeless().is_some() {
            self.wake_everybody();
        }
    }

    /// Connected peers: those that have completed the handshake.
    pub(crate) fn live_peers(&self) -> usize {
        self.peers.iter().filter(|peer| peer.stage == Stage::Live).count()
    }
}
