//! What a socket is bound and connected to.

use std::sync::Arc;
use std::time::Instant;

use super::base::Base;
use super::inproc::{Bound, Mailbox, Ticket};
use super::ledger::Attempts;
use super::peer::Origin;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::message::Frame;
use crate::monitor::{EndpointStats, PeerId};
use crate::resilience::{Backoff, ReconnectPhase, ReconnectState};
use crate::runtime::{AsyncStream, Leaving, Vacating};

/// The dials and listeners of a socket; the companion holds their futures and streams.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    pub(crate) dials: Vec<Dial>,
    pub(crate) listeners: Vec<Binding>,
    /// Listeners that were let go and that the companion has not closed yet.
    departing: Vec<Departing>,
    /// Where others learn of those.
    pub(crate) vacating: Vacating,
    /// There once the socket has an inproc endpoint.
    pub(crate) mailbox: Option<Arc<Mailbox>>,
    next_id: u32,
    /// Listeners were added or removed since the companion last looked.
    changed: bool,
    /// Dials that were just added, to be started at once.
    pub(crate) fresh: Vec<u32>,
    /// Why the handshake of the explicit stream failed.
    pub(crate) given_failure: Option<Error>,
    /// The socket was made from a stream, or had an endpoint: without any left it is at its end.
    pub(crate) used: bool,
}

/// One endpoint that the socket connects to, again and again.
#[derive(Debug)]
pub(crate) struct Dial {
    pub(crate) id: u32,
    pub(crate) endpoint: Endpoint,
    /// The identity that a ROUTER knows the peer by, whatever the peer says (CONNECT_ROUTING_ID).
    pub(crate) alias: Option<Frame>,
    pub(crate) reconnect: ReconnectState,
    pub(crate) attempts: Attempts,
    /// The endpoint, as its connections know it.
    name: Arc<Endpoint>,
    pub(crate) peer: Option<PeerId>,
    /// Attempts that ended, well or badly.
    pub(crate) outcomes: u64,
    /// There was a connection before.
    pub(crate) was_connected: bool,
    /// Why the last attempt failed, or the last connection ended.
    pub(crate) failure: Option<Arc<Error>>,
    /// A connection or an attempt ended and the companion has not yet scheduled the next.
    pub(crate) unscheduled: Option<Ended>,
    /// The user's function is being asked for the delay.
    pub(super) asked: bool,
    /// Its turn came while the socket had all the peers that it can have.
    pub(crate) held_back: bool,
    /// Fail for good if the first attempt fails.
    pub(crate) once: bool,
    /// `connect` promises an answer within `connect_timeout`: the handshake of that one attempt has only
    /// what is left of it.
    pub(crate) answer_by: Option<Instant>,
    /// Its place among those that wait for an inproc name.
    pub(crate) ticket: Option<Ticket>,
    /// Which binding of its inproc name it was connected to last.
    pub(crate) binding: Option<u64>,
}

/// What ended, which decides how the backoff goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ended {
    /// An attempt that never got through the handshake.
    Attempt,
    /// A connection that had, since when, and whether a message or a PONG came by it, or nothing can be
    /// concluded from that.
    Connection { live_since: Option<Instant>, received: bool },
}

/// One endpoint that the socket listens on.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) id: u32,
    /// As it was asked for, and as it is bound.
    pub(crate) requested: Endpoint,
    pub(crate) state: BindState,
    /// The inproc name that it holds.
    pub(crate) name: Option<Bound>,
    pub(crate) attempts: Attempts,
    /// Where it is bound, as its connections know it.
    local: Option<Arc<Endpoint>>,
}

/// A listener that was let go and is being closed.
#[derive(Debug)]
pub(crate) struct Departing {
    id: u32,
    /// Where it listens, unless it was let go before it did.
    pub(crate) local: Option<Endpoint>,
    /// Tells those who wait for the address when this is dropped.
    pub(crate) leaving: Option<Leaving>,
}

#[derive(Clone, Debug)]
pub(crate) enum BindState {
    Pending,
    Bound(Endpoint),
    Failed(Error),
}

impl Endpoints {
    pub(crate) fn add_dial(
        &mut self,
        endpoint: Endpoint,
        backoff: Backoff,
        max_attempts: Option<u32>,
        once: bool,
    ) -> u32 {
        let id = self.fresh_id();
        self.dials.push(Dial {
            id,
            name: Arc::new(endpoint.clone()),
            endpoint,
            attempts: Attempts::default(),
            alias: None,
            reconnect: ReconnectState::new(backoff, max_attempts),
            peer: None,
            outcomes: 0,
            was_connected: false,
            failure: None,
            unscheduled: None,
            asked: false,
            held_back: false,
            once,
            answer_by: None,
            ticket: None,
            binding: None,
        });
        id
    }

    pub(crate) fn add_listener(&mut self, requested: Endpoint) -> u32 {
        let id = self.fresh_id();
        self.changed = true;
        self.listeners.push(Binding::new(id, requested, BindState::Pending));
        id
    }

    /// A listener that is bound already.
    pub(crate) fn adopt_listener(&mut self, local: Endpoint) -> u32 {
        let id = self.fresh_id();
        let state = BindState::Bound(local.clone());
        self.listeners.push(Binding::new(id, local, state));
        id
    }

    /// Lets a listener go; the companion closes it.
    pub(crate) fn remove_listener(&mut self, index: usize) -> Binding {
        self.changed = true;
        self.listeners.remove(index)
    }

    /// The companion is to close this listener; whoever binds its address next waits for that.
    pub(crate) fn depart(&mut self, listener: &Binding) {
        let local = listener.local().cloned();
        let leaving = self.vacating.leave(local.as_ref().unwrap_or(&listener.requested));
        self.departing.push(Departing { id: listener.id, local, leaving });
    }

    pub(crate) fn is_departing(&self) -> bool {
        !self.departing.is_empty()
    }

    /// Takes out those listeners that were let go and are closed by now.
    pub(crate) fn take_departed(&mut self, is_closed: impl Fn(u32) -> bool) -> Vec<Departing> {
        let (closed, departing) =
            std::mem::take(&mut self.departing).into_iter().partition(|departing| is_closed(departing.id));
        self.departing = departing;
        closed
    }

    pub(crate) fn forget_listener(&mut self, id: u32) {
        self.changed = true;
        self.listeners.retain(|listener| listener.id != id);
    }

    /// All listeners that the runtime should have, if that changed since the last call.
    pub(crate) fn take_changes(&mut self) -> Option<Vec<(u32, Endpoint)>> {
        let listeners = || {
            let streams = self.listeners.iter().filter(|listener| listener.requested.inproc_name().is_none());
            streams.map(|listener| (listener.id, listener.requested.clone()))
        };
        std::mem::take(&mut self.changed).then(|| listeners().collect())
    }

    fn fresh_id(&mut self) -> u32 {
        self.used = true;
        self.next_id += 1;
        self.next_id
    }

    pub(crate) fn dial(&mut self, id: u32) -> Option<&mut Dial> {
        self.dials.iter_mut().find(|dial| dial.id == id)
    }

    /// Why there is no connection, as far as the dials know.
    pub(super) fn last_failure(&self) -> Error {
        let cause = self.dials.iter().find_map(Dial::last_failure);
        cause.map_or(Error::NotConnected, |cause| Error::ConnectFailed(Arc::new(cause)))
    }

    /// A connection that was accepted there never got through the handshake.
    pub(super) fn fail_accepted(&mut self, listener: u32, cause: Error) {
        if let Some(listener) = self.listener(listener) {
            listener.attempts.fail(cause);
        }
    }

    pub(crate) fn listener(&mut self, id: u32) -> Option<&mut Binding> {
        self.listeners.iter_mut().find(|listener| listener.id == id)
    }

    /// The endpoint that a new connection belongs to.
    pub(crate) fn name_of(&mut self, origin: Origin) -> Option<Arc<Endpoint>> {
        match origin {
            Origin::Dial(id) => self.dial(id).map(|dial| Arc::clone(&dial.name)),
            Origin::Listener(id) => self.listener(id).and_then(Binding::shared_local),
            Origin::Given => None,
        }
    }

    /// What came of each endpoint, the connecting ones first.
    pub(crate) fn stats(&self) -> Vec<EndpointStats> {
        let dials = self.dials.iter().map(Dial::stats);
        dials.chain(self.listeners.iter().map(Binding::stats)).collect()
    }

    /// The endpoint of the last successful bind: libzmq's LAST_ENDPOINT.
    pub(crate) fn last_bound(&self) -> Option<&Endpoint> {
        self.listeners.iter().rev().find_map(Binding::local)
    }

    /// Whether some dial is connected or still trying.
    pub(crate) fn has_dials(&self) -> bool {
        self.dials.iter().any(|dial| !dial.is_stopped())
    }

    /// Whether some dial is connected to this endpoint or still trying.
    pub(crate) fn is_dialled(&self, endpoint: &Endpoint) -> bool {
        self.dials.iter().any(|dial| dial.endpoint == *endpoint && !dial.is_stopped())
    }

    /// Why no connection is there and none will come: the error that pending and later calls end with.
    pub(crate) fn no_connection_will_come<S: AsyncStream>(&self, base: &Base<S>) -> Option<Error> {
        if base.peers.is_empty() { self.nothing_will_connect() } else { None }
    }

    /// Why no connection can come from here any more.
    pub(crate) fn nothing_will_connect(&self) -> Option<Error> {
        let listening = self.listeners.iter().any(|listener| !matches!(listener.state, BindState::Failed(_)));
        if !self.used || listening || self.has_dials() {
            return None;
        }
        let gave_up = self.dials.iter().rev().find_map(Dial::gave_up);
        Some(gave_up.unwrap_or(Error::NotConnected))
    }
}

impl Dial {
    pub(crate) fn is_stopped(&self) -> bool {
        self.reconnect.phase() == ReconnectPhase::Stopped
    }

    /// Why the last attempt or connection ended, for those who were not told where it led.
    pub(crate) fn last_failure(&self) -> Option<Error> {
        let cause = self.failure.clone()?;
        Some(Arc::unwrap_or_clone(cause).connecting(&self.endpoint))
    }

    fn stats(&self) -> EndpointStats {
        self.attempts.stats(self.endpoint.clone(), false, self.is_stopped())
    }

    fn gave_up(&self) -> Option<Error> {
        let cause = self.failure.clone()?;
        Some(Error::GaveUp { endpoint: self.endpoint.clone(), cause })
    }
}

impl Binding {
    fn new(id: u32, requested: Endpoint, state: BindState) -> Self {
        Self { id, requested, state, name: None, attempts: Attempts::default(), local: None }
    }

    pub(crate) fn local(&self) -> Option<&Endpoint> {
        match &self.state {
            BindState::Bound(local) => Some(local),
            BindState::Pending | BindState::Failed(_) => None,
        }
    }

    fn shared_local(&mut self) -> Option<Arc<Endpoint>> {
        if self.local.is_none() {
            self.local = self.local().cloned().map(Arc::new);
        }
        self.local.clone()
    }

    fn stats(&self) -> EndpointStats {
        let failed = matches!(self.state, BindState::Failed(_));
        self.attempts.stats(self.local().unwrap_or(&self.requested).clone(), true, failed)
    }

    pub(crate) fn answers_to(&self, endpoint: &Endpoint) -> bool {
        self.local() == Some(endpoint) || (self.requested == *endpoint)
    }
}
