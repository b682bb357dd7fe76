//! Binding, connecting and waiting for names: the companion's work, done under the lock.

use std::sync::Arc;
use std::time::Instant;

use super::mailbox::{Call, Hello, Mailbox};
use super::pipe::Incoming;
use super::registry::{self, Connected};
use super::{End, Link};
use crate::engine::base::Base;
use crate::engine::clock::{Timer, later};
use crate::engine::core::Core;
use crate::engine::endpoints::{BindState, Dial, Endpoints};
use crate::engine::life::Phase;
use crate::engine::peer::Origin;
use crate::error::{Error, TimeoutKind};
use crate::monitor::{DisconnectReason, PeerId};
use crate::protocol::PeerInfo;
use crate::runtime::AsyncStream;

impl Endpoints {
    /// Binds the names that the socket is to listen on and does not yet.
    pub(crate) fn bind_names<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        for index in 0..self.listeners.len() {
            let listener = &self.listeners[index];
            if !matches!(listener.state, BindState::Pending) {
                continue;
            }
            let Some(name) = listener.requested.inproc_name().map(str::to_owned) else { continue };
            let (id, endpoint) = (listener.id, listener.requested.clone());
            let (mailbox, hello) = (self.mailbox(base), base.hello());
            let result = match registry::bind(&name, &mailbox, id, hello) {
                Some((bound, wakers)) => {
                    self.listeners[index].name = Some(bound);
                    base.effects.wakers().extend(wakers);
                    Ok(endpoint)
                }
                None => Err(std::io::Error::from(std::io::ErrorKind::AddrInUse).into()),
            };
            self.bound(base, id, result);
        }
    }

    /// Frees all names, and lets nobody connect any more.
    pub(crate) fn leave_names<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        for listener in &mut self.listeners {
            listener.name = None;
        }
        for dial in &mut self.dials {
            dial.ticket = None;
        }
        self.turn_down_offers(base);
    }

    /// Nobody connects to this socket any more: its names are free. Those that have, and were not taken in
    /// yet, learn it here and now, and not when the companion comes to it: until then they would leave to us
    /// what nobody will ever take.
    pub(crate) fn turn_down_offers<S: AsyncStream>(&self, base: &mut Base<S>) {
        for end in self.mailbox.as_ref().map(|mailbox| mailbox.take_offers()).unwrap_or_default() {
            base.turn_down(end);
        }
    }

    fn mailbox<S: AsyncStream>(&mut self, base: &Base<S>) -> Arc<Mailbox> {
        Arc::clone(self.mailbox.get_or_insert_with(|| Mailbox::new(&base.ready)))
    }
}

impl<S: AsyncStream> Base<S> {
    /// Ends a connection that was not taken in: the other side gets back what it sent, unless it has gone.
    fn turn_down(&mut self, mut end: End) {
        let closed = end.close(false);
        self.effects.wake(closed.waker);
        self.count_abandoned(None, closed.abandoned);
        self.effects.drop_link(Link::Inproc(end));
    }

    fn hello(&self) -> Hello {
        Hello::new(&self.config, &self.options)
    }
}

impl Endpoints {
    /// A dial's time has come: if it has been waiting for a name, and promised an answer by now, it fails.
    /// False for one that does not wait.
    pub(crate) fn end_wait_for_name<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        id: u32,
        now: Instant,
    ) -> bool {
        let Some(dial) = self.dial(id).filter(|dial| dial.ticket.is_some()) else { return false };
        if dial.once && dial.answer_by.is_some_and(|by| by <= now) {
            dial.ticket = None;
            self.connect_failed(base, id, Error::Timeout(TimeoutKind::Connect));
        }
        true
    }
}

impl<S: AsyncStream> Core<S> {
    /// Acts on what other sockets told the companion.
    pub(crate) fn answer_calls(&mut self, now: Instant) {
        for call in self.endpoints.mailbox.as_ref().map(|mailbox| mailbox.take()).unwrap_or_default() {
            match call {
                Call::Offered { listener, end, hello } => self.take_offer(listener, end, &hello, now),
                Call::Bound { dial: id } => {
                    if self.endpoints.dial(id).is_some_and(|dial| dial.ticket.is_some()) {
                        self.connect_to_name(id, now);
                    }
                }
            }
        }
    }

    /// Takes in what has connected to one of our names, if only for what it has sent: since it connected, the
    /// name may have been given up, and the other side have closed.
    fn take_offer(&mut self, listener: u32, mut end: End, peer: &Hello, now: Instant) {
        let bound = self.endpoints.listener(listener).is_some();
        if !bound {
            // Asked once and for all: what the other side leaves from now on goes back to it.
            let left = end.stop_reading() && end.look() == (Incoming::Ended { empty: false });
            if !left || self.base.life.phase != Phase::Open {
                return self.base.turn_down(end);
            }
        }
        let id = self.attach_inproc(end, peer, Origin::Listener(listener), now);
        if !bound {
            self.retire(id);
        }
    }

    /// Takes the dials that need no runtime out of those that are to begin.
    pub(crate) fn connect_to_names(&mut self, mut dials: Vec<u32>, now: Instant) -> Vec<u32> {
        dials.retain(|id| !self.connect_to_name(*id, now));
        dials
    }

    /// One attempt of a dial: connects it, or lets it wait for its name for as long as it takes; only one
    /// that promised an answer gives up after `connect_timeout`. False if it goes somewhere else.
    fn connect_to_name(&mut self, id: u32, now: Instant) -> bool {
        let answer_by = later(now, self.base.options.connect_timeout);
        let Some(dial) = self.endpoints.dial(id) else { return false };
        let Some(name) = dial.endpoint.inproc_name().map(str::to_owned) else { return false };
        dial.ticket = None;
        if self.endpoints.hold_back(&*self.pattern, id) {
            return true;
        }
        let Some(dial) = self.endpoints.dial(id) else { return true };
        if dial.once && dial.answer_by.is_none() {
            dial.answer_by = Some(answer_by);
            self.base.clock.set(Timer::Dial(id), answer_by);
        }
        let (mailbox, hello) = (self.endpoints.mailbox(&self.base), self.base.hello());
        let connected = registry::connect(&name, &mailbox, id, hello);
        let Some(dial) = self.endpoints.dial(id) else { return true };
        match connected {
            Connected::Waiting(ticket) => dial.ticket = Some(ticket),
            Connected::To { end, hello, binding, waker } => {
                dial.binding = Some(binding);
                self.base.effects.wake(waker);
                self.attach_inproc(end, &hello, Origin::Dial(id), now);
            }
        }
        true
    }

    /// Takes a fresh connection in. There is nothing to wait for: both sides know each other.
    fn attach_inproc(&mut self, end: End, peer: &Hello, origin: Origin, now: Instant) -> PeerId {
        let level = peer.level(&self.base.options);
        let id =
            self.doorway.take_in(&mut self.base, &mut self.endpoints, Link::Inproc(end), origin, now, now);
        if let Some(peer) = self.base.peers.get_mut(id) {
            peer.out_level = level;
            peer.register();
        }
        self.endpoints.announce(&mut self.base, id, origin);
        match PeerInfo::of(&peer.config, &self.base.config) {
            Ok(info) => self.admit(id, Box::new(info)),
            Err(error) => self.inbound.doom(&mut self.base, id, DisconnectReason::Protocol(Arc::new(error))),
        }
        // What came before there was anybody to wake.
        self.turn(|core| core.handle_inproc(id));
        self.base.wake_companion();
        id
    }
}

impl Dial {
    /// Whether it need not wait out a delay before it tries again: its name is free, and it will wait for
    /// that, or bound anew. A socket that is still there and lets go of us is none of these.
    pub(crate) fn may_redial_at_once(&self) -> bool {
        match (self.endpoint.inproc_name(), self.binding) {
            (Some(name), Some(binding)) => !registry::is_bound_since(name, binding),
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
}
