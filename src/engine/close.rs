//! Letting go: of one peer, of an endpoint, of the whole socket.

use std::task::Poll;
use std::time::Duration;

use super::base::Base;
use super::clock::Timer;
use super::core::Core;
use super::endpoints::{Binding, Departing, Endpoints};
use super::inbound::Inbound;
use super::life::{Companion, Phase};
use super::peer::{Origin, Peer, Stage};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::monitor::{DisconnectReason, DropCause, PeerId, SocketEvent};
use crate::runtime::AsyncStream;

/// How long the end of the stream is waited for after our half was shut down: a peer that is alive
/// answers within a round trip, and closing a socket with unread bytes would reset the connection and
/// could destroy what the peer has not read yet.
const DRAIN_TIME: Duration = Duration::from_secs(1);

impl Inbound {
    /// Takes a step of that: one is not enough for a stream that has a farewell of its own to write first.
    pub(super) fn go_on_leaving<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId) {
        let Some(peer) = base.peers.get_mut(id).filter(|peer| !peer.doomed) else { return };
        let shut_down = peer.poll_shutdown();
        // Nothing else is written here any more: if the stream wakes it for this, the shutdown is what goes on.
        peer.write_blocked = shut_down.is_pending();
        if matches!(shut_down, Poll::Ready(Err(_))) {
            self.doom(base, id, DisconnectReason::Replaced);
        }
    }

    /// Shuts a retiring peer's stream down once all messages are written, and waits for its end.
    pub(crate) fn shut_down_if_retired<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId) {
        let Some(peer) = base.peers.get_mut(id) else { return };
        // A command that could not leave is of no use to anybody: only messages are waited for.
        let waits = !peer.out.is_flushed() && peer.out_level.messages() > 0;
        if peer.stage != Stage::Retiring || waits {
            return;
        }
        if peer.link.inproc().is_some() {
            // What it has not taken yet it keeps.
            return self.doom(base, id, DisconnectReason::Closed);
        }
        match peer.poll_shutdown() {
            Poll::Pending => {}
            Poll::Ready(Err(_)) => self.doom(base, id, DisconnectReason::Closed),
            Poll::Ready(Ok(())) => {
                peer.stage = Stage::Draining;
                // Nothing is kept any more, so nothing has to wait for room.
                peer.paused = false;
                peer.wake();
                base.clock.begin(Timer::Depart(id), DRAIN_TIME);
                base.wake_companion();
                base.wake_watchers();
            }
        }
    }

    /// Why no endpoint may be added, if so.
    pub(crate) fn door_is_shut<S: AsyncStream>(&self, base: &Base<S>) -> Option<Error> {
        base.life.closed_error().or_else(|| self.draining.then_some(Error::Closed))
    }
}

impl Endpoints {
    /// A listener was let go: its address is free once the companion has closed it, where it holds any.
    fn let_go<S: AsyncStream>(&mut self, base: &mut Base<S>, listener: &Binding) {
        if base.life.companion == Companion::Running && listener.requested.inproc_name().is_none() {
            self.depart(listener);
        } else {
            base.report_unbound(listener.local().cloned());
        }
    }

    /// Listeners that were let go are closed; true if there were some.
    pub(crate) fn departed<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        is_closed: impl Fn(u32) -> bool,
    ) -> bool {
        let departed = self.take_departed(is_closed);
        let any = !departed.is_empty();
        for Departing { local, leaving, .. } in departed {
            base.effects.drop_leaving(leaving);
            base.report_unbound(local);
        }
        any
    }

    /// Nobody new comes in from now on.
    fn shut_the_door<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        while !self.listeners.is_empty() {
            let listener = self.remove_listener(0);
            self.let_go(base, &listener);
        }
        // After the names are free, so that none comes later.
        self.turn_down_offers(base);
    }
}

impl<S: AsyncStream> Base<S> {
    fn report_unbound(&mut self, local: Option<Endpoint>) {
        if let Some(endpoint) = local {
            self.emit(SocketEvent::Unbound { endpoint });
        }
    }
}

impl<S: AsyncStream> Core<S> {
    /// Nothing more goes to this peer; what is queued leaves first, then the connection ends.
    pub(crate) fn retire(&mut self, id: PeerId) {
        let Some(peer) = self.base.peers.get_mut(id).filter(|peer| !peer.doomed) else { return };
        match peer.stage {
            Stage::Handshaking => self.disconnect(id, DisconnectReason::Closed),
            Stage::Live => {
                self.take_rest(id);
                let Some(peer) = self.base.peers.get_mut(id) else { return };
                peer.stage = Stage::Retiring;
                self.pattern_detach(id);
                self.perform_commands();
                self.base.clock.begin(Timer::Depart(id), self.base.options.linger.unwrap_or(Duration::MAX));
                self.base.wake_companion();
                self.turn(|core| core.flush_peer(id));
            }
            // What it still sends nobody waits for any more.
            Stage::Succeeded => peer.stage = Stage::Draining,
            Stage::Retiring | Stage::Draining => {}
        }
    }

    /// Shuts a connection down whose identity another has taken over. It is the same peer: what it has sent, and
    /// sends until it learns of its end, is received.
    pub(super) fn leave_to_successor(&mut self, id: PeerId) {
        // What is queued is settled with the end of the stream.
        self.inbound.go_on_leaving(&mut self.base, id);
        let Some(peer) = self.base.peers.get(id) else { return };
        let origin = peer.origin;
        peer.wake();
        self.say_farewell(id, origin);
        self.base.clock.begin(Timer::Depart(id), DRAIN_TIME);
        self.base.wake_companion();
    }

    /// The application wants to be rid of a peer: what leaves without waiting still leaves.
    pub(crate) fn dismiss(&mut self, id: PeerId) {
        let Some(peer) = self.base.peers.get_mut(id) else { return };
        peer.dismissed = true;
        self.retire(id);
        if self.base.peers.get(id).is_some_and(|peer| peer.stage != Stage::Draining) {
            self.inbound.doom(&mut self.base, id, DisconnectReason::Dismissed);
        }
    }

    /// Undoes `connect_to`: the dial ends, and its connection once its queue is written.
    pub(crate) fn remove_dial(&mut self, endpoint: &Endpoint) -> Result<(), Error> {
        let index = self.endpoints.dials.iter().position(|dial| dial.endpoint == *endpoint);
        let Some(index) = index else { return Err(Error::UnknownEndpoint(endpoint.clone())) };
        let dial = self.endpoints.dials.remove(index);
        self.base.clock.cancel(Timer::Dial(dial.id));
        if let Some(peer) = dial.peer {
            self.retire(peer);
        }
        self.base.wake_companion();
        self.base.none_may_come();
        Ok(())
    }

    /// Undoes `bind_to`: the listener closes, and the connections accepted there end as above.
    pub(crate) fn remove_listener(&mut self, endpoint: &Endpoint) -> Result<(), Error> {
        let index = self.endpoints.listeners.iter().position(|listener| listener.answers_to(endpoint));
        let Some(index) = index else { return Err(Error::UnknownEndpoint(endpoint.clone())) };
        let mut listener = self.endpoints.remove_listener(index);
        // Free before anybody is let go, who would ask at once whose it is.
        listener.name = None;
        for id in self.base.peers.ids(|peer| peer.origin == Origin::Listener(listener.id)) {
            self.retire(id);
        }
        self.endpoints.let_go(&mut self.base, &listener);
        self.base.wake_companion();
        self.base.none_may_come();
        Ok(())
    }

    /// Starts to close for all handles: nothing is accepted or delivered any more.
    pub(crate) fn begin_close(&mut self) {
        if self.base.life.phase != Phase::Open {
            return;
        }
        self.base.life.phase = Phase::Closing;
        self.base.clock.begin(Timer::Linger, self.base.options.linger.unwrap_or(Duration::MAX));
        // Before the socket can be found closed.
        self.endpoints.shut_the_door(&mut self.base);
        self.drop_received();
        self.end_pattern();
        self.close_step();
        self.base.wake_companion();
        self.outbound.wake_everybody(&mut self.base);
    }

    fn end_pattern(&mut self) {
        self.pattern.end(&mut self.commands);
        self.perform_commands();
    }

    /// Lets nobody new in, and takes nothing more from those who are there: what has arrived is still received,
    /// and what is sent still leaves.
    pub(crate) fn drain(&mut self) -> Result<(), Error> {
        self.base.life.closed_error().map_or(Ok(()), Err)?;
        if std::mem::replace(&mut self.inbound.draining, true) {
            return Ok(());
        }
        self.endpoints.shut_the_door(&mut self.base);
        let accepted = |peer: &Peer<S>| matches!(peer.origin, Origin::Listener(_));
        for id in self.base.peers.ids(|peer| peer.stage == Stage::Handshaking && accepted(peer)) {
            self.disconnect(id, DisconnectReason::Closed);
        }
        if self.pattern.receives() {
            for id in self.base.peers.ids(|peer| peer.stage == Stage::Live && peer.link.inproc().is_some()) {
                self.take_arrived(id);
            }
        }
        self.base.wake_companion();
        self.outbound.wake_everybody(&mut self.base);
        Ok(())
    }

    /// Goes on closing; the socket is closed once no peer, no message and no listener is left.
    pub(crate) fn close_step(&mut self) {
        if !matches!(self.base.life.phase, Phase::Closing) {
            return;
        }
        if !self.endpoints.has_dials() && self.base.peers.live().next().is_none() {
            self.outbound.drop_pending(&mut self.base, DropCause::Closed);
        }
        if self.outbound.pending.is_empty() {
            for id in self.base.peers.ids(|peer| !matches!(peer.stage, Stage::Retiring | Stage::Draining)) {
                self.retire(id);
            }
        }
        // What a peer did not take after all has come back, and waits for another.
        if self.outbound.pending.is_empty() {
            self.endpoints.dials.clear();
            let listens = self.endpoints.is_departing();
            if self.base.life.is_detached() || (self.base.peers.is_empty() && !listens) {
                self.finish_close();
            }
        }
    }

    /// A detached socket has nobody to wait for the end of its streams: they are dropped once drained
    /// into the kernel.
    fn finish_close(&mut self) {
        if self.base.peers.iter().any(|peer| peer.stage != Stage::Draining) {
            return;
        }
        for id in self.base.peers.ids(|_| true) {
            self.disconnect(id, DisconnectReason::Closed);
        }
        self.endings.drop_endings(&mut self.base);
        let unsent = self.base.ledger.unsent();
        self.base.life.phase = Phase::Closed { unsent };
        self.base.emit(SocketEvent::Closed { unsent });
        self.base.monitor.close(self.base.effects.wakers());
        self.outbound.wake_everybody(&mut self.base);
    }

    /// One step of `close`: the number of messages that could not be sent, once that is known.
    pub(crate) fn closed(&mut self) -> Poll<u64> {
        self.close_step();
        match self.base.life.phase {
            Phase::Closed { unsent } => Poll::Ready(unsent),
            Phase::Open | Phase::Closing => Poll::Pending,
        }
    }

    /// The companion is gone without having closed the socket: nothing can go on.
    pub(crate) fn companion_gone(&mut self) {
        if matches!(self.base.life.phase, Phase::Closed { .. }) {
            return;
        }
        self.base.life.companion = Companion::Gone;
        self.endpoints.leave_names(&mut self.base);
        self.endpoints.departed(&mut self.base, |_| true);
        self.drop_received();
        self.end_pattern();
        for id in self.base.peers.ids(|_| true) {
            self.disconnect(id, DisconnectReason::CompanionGone);
        }
        self.endings.drop_endings(&mut self.base);
        self.outbound.drop_pending(&mut self.base, DropCause::CompanionGone);
        self.outbound.return_ahead(&mut self.base);
        self.base.emit(SocketEvent::CompanionGone);
        self.base.monitor.close(self.base.effects.wakers());
        if self.base.life.phase != Phase::Open {
            self.base.life.phase = Phase::Closed { unsent: self.base.ledger.unsent() };
        }
        self.outbound.wake_everybody(&mut self.base);
    }
}
