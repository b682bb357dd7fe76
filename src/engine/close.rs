//! Letting go: of one peer, of an endpoint, of the whole socket.

use std::task::Poll;
use std::time::Duration;

use super::core::{Companion, Core, Phase, Timer};
use super::endpoints::{Binding, Departing};
use super::peer::{Origin, Peer, Stage};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::monitor::{DisconnectReason, DropCause, PeerId, SocketEvent};
use crate::runtime::AsyncStream;

/// How long the end of the stream is waited for after our half was shut down: a peer that is alive
/// answers within a round trip, and closing a socket with unread bytes would reset the connection and
/// could destroy what the peer has not read yet.
const DRAIN_TIME: Duration = Duration::from_secs(1);

impl<S: AsyncStream> Core<S> {
    /// Nothing more goes to this peer; what is queued leaves first, then the connection ends.
    pub(crate) fn retire(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id).filter(|peer| !peer.doomed) else { return };
        match peer.stage {
            Stage::Handshaking => self.disconnect(id, DisconnectReason::Closed),
            Stage::Live => {
                self.take_rest(id);
                let Some(peer) = self.peers.get_mut(id) else { return };
                peer.stage = Stage::Retiring;
                self.pattern_detach(id);
                self.perform_commands();
                self.clock.begin(Timer::Depart(id), self.options.linger.unwrap_or(Duration::MAX));
                self.wake_companion();
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
        self.go_on_leaving(id);
        let Some(peer) = self.peers.get(id) else { return };
        let origin = peer.origin;
        peer.wake();
        self.say_farewell(id, origin);
        self.clock.begin(Timer::Depart(id), DRAIN_TIME);
        self.wake_companion();
    }

    /// Takes a step of that: one is not enough for a stream that has a farewell of its own to write first.
    pub(super) fn go_on_leaving(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id).filter(|peer| !peer.doomed) else { return };
        let shut_down = peer.poll_shutdown();
        // Nothing else is written here any more: if the stream wakes it for this, the shutdown is what goes on.
        peer.write_blocked = shut_down.is_pending();
        if matches!(shut_down, Poll::Ready(Err(_))) {
            self.doom(id, DisconnectReason::Replaced);
        }
    }

    /// The application wants to be rid of a peer: what leaves without waiting still leaves.
    pub(crate) fn dismiss(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.dismissed = true;
        self.retire(id);
        if self.peers.get(id).is_some_and(|peer| peer.stage != Stage::Draining) {
            self.doom(id, DisconnectReason::Dismissed);
        }
    }

    /// Shuts a retiring peer's stream down once all messages are written, and waits for its end.
    pub(crate) fn shut_down_if_retired(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        // A command that could not leave is of no use to anybody: only messages are waited for.
        let waits = !peer.out.is_flushed() && peer.out_level.messages() > 0;
        if peer.stage != Stage::Retiring || waits {
            return;
        }
        if peer.link.inproc().is_some() {
            // What it has not taken yet it keeps.
            return self.doom(id, DisconnectReason::Closed);
        }
        match peer.poll_shutdown() {
            Poll::Pending => {}
            Poll::Ready(Err(_)) => self.doom(id, DisconnectReason::Closed),
            Poll::Ready(Ok(())) => {
                peer.stage = Stage::Draining;
                // Nothing is kept any more, so nothing has to wait for room.
                peer.paused = false;
                peer.wake();
                self.clock.begin(Timer::Depart(id), DRAIN_TIME);
                self.wake_companion();
                self.wake_watchers();
            }
        }
    }

    /// Undoes `connect_to`: the dial ends, and its connection once its queue is written.
    pub(crate) fn remove_dial(&mut self, endpoint: &Endpoint) -> Result<(), Error> {
        let index = self.endpoints.dials.iter().position(|dial| dial.endpoint == *endpoint);
        let Some(index) = index else { return Err(Error::UnknownEndpoint(endpoint.clone())) };
        let dial = self.endpoints.dials.remove(index);
        self.clock.cancel(Timer::Dial(dial.id));
        if let Some(peer) = dial.peer {
            self.retire(peer);
        }
        self.wake_companion();
        self.wake_everybody_if_no_connection_will_come();
        Ok(())
    }

    /// Undoes `bind_to`: the listener closes, and the connections accepted there end as above.
    pub(crate) fn remove_listener(&mut self, endpoint: &Endpoint) -> Result<(), Error> {
        let index = self.endpoints.listeners.iter().position(|listener| listener.answers_to(endpoint));
        let Some(index) = index else { return Err(Error::UnknownEndpoint(endpoint.clone())) };
        let mut listener = self.endpoints.remove_listener(index);
        // Free before anybody is let go, who would ask at once whose it is.
        listener.name = None;
        for id in self.peers.ids(|peer| peer.origin == Origin::Listener(listener.id)) {
            self.retire(id);
        }
        self.depart(&listener);
        self.wake_companion();
        self.wake_everybody_if_no_connection_will_come();
        Ok(())
    }

    /// A listener was let go: its address is free once the companion has closed it, where it holds any.
    fn depart(&mut self, listener: &Binding) {
        if self.companion == Companion::Running && listener.requested.inproc_name().is_none() {
            self.endpoints.depart(listener);
        } else {
            self.report_unbound(listener.local().cloned());
        }
    }

    fn report_unbound(&mut self, local: Option<Endpoint>) {
        if let Some(endpoint) = local {
            self.emit(SocketEvent::Unbound { endpoint });
        }
    }

    /// Listeners that were let go are closed; true if there were some.
    pub(crate) fn departed(&mut self, is_closed: impl Fn(u32) -> bool) -> bool {
        let departed = self.endpoints.take_departed(is_closed);
        let any = !departed.is_empty();
        for Departing { local, leaving, .. } in departed {
            self.effects.drop_leaving(leaving);
            self.report_unbound(local);
        }
        any
    }

    /// Starts to close for all handles: nothing is accepted or delivered any more.
    pub(crate) fn begin_close(&mut self) {
        if self.phase != Phase::Open {
            return;
        }
        self.phase = Phase::Closing;
        self.clock.begin(Timer::Linger, self.options.linger.unwrap_or(Duration::MAX));
        // Before the socket can be found closed.
        self.shut_the_door();
        self.drop_received();
        self.end_pattern();
        self.close_step();
        self.wake_companion();
        self.wake_everybody();
    }

    fn end_pattern(&mut self) {
        self.pattern.end(&mut self.commands);
        self.perform_commands();
    }

    /// Nobody new comes in from now on.
    fn shut_the_door(&mut self) {
        while !self.endpoints.listeners.is_empty() {
            let listener = self.endpoints.remove_listener(0);
            self.depart(&listener);
        }
        // After the names are free, so that none comes later.
        self.turn_down_offers();
    }

    /// Lets nobody new in, and takes nothing more from those who are there: what has arrived is still received,
    /// and what is sent still leaves.
    pub(crate) fn drain(&mut self) -> Result<(), Error> {
        self.closed_error().map_or(Ok(()), Err)?;
        if std::mem::replace(&mut self.inbound.draining, true) {
            return Ok(());
        }
        self.shut_the_door();
        let accepted = |peer: &Peer<S>| matches!(peer.origin, Origin::Listener(_));
        for id in self.peers.ids(|peer| peer.stage == Stage::Handshaking && accepted(peer)) {
            self.disconnect(id, DisconnectReason::Closed);
        }
        if self.pattern.receives() {
            for id in self.peers.ids(|peer| peer.stage == Stage::Live && peer.link.inproc().is_some()) {
                self.take_arrived(id);
            }
        }
        self.wake_companion();
        self.wake_everybody();
        Ok(())
    }

    /// Why no endpoint may be added, if so.
    pub(crate) fn door_is_shut(&self) -> Option<Error> {
        self.closed_error().or_else(|| self.inbound.draining.then_some(Error::Closed))
    }

    /// Goes on closing; the socket is closed once no peer, no message and no listener is left.
    pub(crate) fn close_step(&mut self) {
        if !matches!(self.phase, Phase::Closing) {
            return;
        }
        if !self.endpoints.has_dials() && self.peers.live().next().is_none() {
            self.drop_pending(DropCause::Closed);
        }
        if self.outbound.pending.is_empty() {
            for id in self.peers.ids(|peer| !matches!(peer.stage, Stage::Retiring | Stage::Draining)) {
                self.retire(id);
            }
        }
        // What a peer did not take after all has come back, and waits for another.
        if self.outbound.pending.is_empty() {
            self.endpoints.dials.clear();
            let listens = self.endpoints.is_departing();
            if self.is_detached() || (self.peers.is_empty() && !listens) {
                self.finish_close();
            }
        }
    }

    /// A detached socket has nobody to wait for the end of its streams: they are dropped once drained
    /// into the kernel.
    fn finish_close(&mut self) {
        if self.peers.iter().any(|peer| peer.stage != Stage::Draining) {
            return;
        }
        for id in self.peers.ids(|_| true) {
            self.disconnect(id, DisconnectReason::Closed);
        }
        self.drop_endings();
        let unsent = self.ledger.unsent();
        self.phase = Phase::Closed { unsent };
        self.emit(SocketEvent::Closed { unsent });
        self.monitor.close(self.effects.wakers());
        self.wake_everybody();
    }

    /// One step of `close`: the number of messages that could not be sent, once that is known.
    pub(crate) fn closed(&mut self) -> Poll<u64> {
        self.close_step();
        match self.phase {
            Phase::Closed { unsent } => Poll::Ready(unsent),
            Phase::Open | Phase::Closing => Poll::Pending,
        }
    }

    /// The companion is gone without having closed the socket: nothing can go on.
    pub(crate) fn companion_gone(&mut self) {
        if matches!(self.phase, Phase::Closed { .. }) {
            return;
        }
        self.companion = Companion::Gone;
        self.leave_names();
        self.departed(|_| true);
        self.drop_received();
        self.end_pattern();
        for id in self.peers.ids(|_| true) {
            self.disconnect(id, DisconnectReason::CompanionGone);
        }
        self.drop_endings();
        self.drop_pending(DropCause::CompanionGone);
        self.return_ahead();
        self.emit(SocketEvent::CompanionGone);
        self.monitor.close(self.effects.wakers());
        if self.phase != Phase::Open {
            self.phase = Phase::Closed { unsent: self.ledger.unsent() };
        }
        self.wake_everybody();
    }
}
