//! One dial, from asked for to given up: attempts, and what their connections were good for.
//!
//! That a handshake was done says nothing about a connection: a peer may let go of it at once, again and
//! again. Only what it was good for ([`LostConnection`](crate::resilience::LostConnection)) tells whether the next attempt is a fresh start or
//! one more in a row of failures; that rule is [`ReconnectState::lost`](crate::resilience::ReconnectState::lost),
//! and here is what it is told. When is said in `retry.rs`.

use std::sync::Arc;
use std::time::Instant;

use super::base::Base;
use super::core::Core;
use super::endpoints::{Dial, Ended, Endpoints};
use super::pattern::Pattern;
use super::peer::{Origin, Peer, Stage};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::monitor::{DisconnectReason, SocketEvent};
use crate::runtime::AsyncStream;

impl Endpoints {
    /// Starts to connect to an endpoint, again and again; `once` to give up if the first attempt fails.
    pub(crate) fn start_dial<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        endpoint: Endpoint,
        once: bool,
    ) -> u32 {
        let (backoff, max_attempts) = (base.options.backoff.clone(), base.options.max_attempts);
        let id = self.add_dial(endpoint, backoff, max_attempts, once);
        self.fresh.push(id);
        base.wake_companion();
        id
    }

    /// The same for a socket that is open, which may connect there already.
    pub(crate) fn dial_once_more<S: AsyncStream>(&mut self, base: &mut Base<S>, endpoint: Endpoint) {
        if !(base.config.socket_type.connects_once() && self.is_dialled(&endpoint)) {
            self.start_dial(base, endpoint, false);
        }
    }

    /// Keeps a dial from connecting while the socket has all the peers that it can have: what its peer would
    /// have sent by the time that we refuse it would be lost.
    pub(super) fn hold_back(&mut self, pattern: &dyn Pattern, id: u32) -> bool {
        let full = pattern.is_full();
        if let Some(dial) = self.dial(id) {
            dial.held_back = full;
        }
        full
    }

    /// A peer has gone: what waited for its place may try.
    pub(super) fn release_dials(&mut self, pattern: &dyn Pattern) {
        if pattern.is_full() {
            return;
        }
        for dial in self.dials.iter_mut().filter(|dial| dial.held_back) {
            dial.held_back = false;
            self.fresh.push(dial.id);
        }
    }

    /// The peer of a dial has been let in.
    pub(super) fn dial_connected<S: AsyncStream>(&mut self, base: &mut Base<S>, id: u32) {
        let Some(dial) = self.dial(id) else { return };
        dial.once = false;
        dial.outcomes += 1;
        dial.reconnect.connected();
        if let Some(budget) = &base.options.retry_budget {
            budget.deposit();
        }
        dial.failure = None;
        // Attempts that failed before the first connection have lost none.
        if std::mem::replace(&mut dial.was_connected, true) {
            base.ledger.reconnect();
        }
    }

    /// Marks a dial as under way, unless it was stopped or removed meanwhile, or has to wait.
    pub(crate) fn begin_attempt<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        pattern: &dyn Pattern,
        id: u32,
    ) -> Option<u32> {
        let dial = self.dial(id)?;
        if !dial.wants_attempt() {
            return None;
        }
        if self.hold_back(pattern, id) {
            return None;
        }
        let dial = self.dial(id)?;
        dial.reconnect.begin_attempt();
        dial.attempts.begin();
        let endpoint = dial.endpoint.clone();
        base.emit(SocketEvent::ConnectStarted { endpoint });
        Some(id)
    }

    /// An attempt ended before there was a connection.
    pub(crate) fn connect_failed<S: AsyncStream>(&mut self, base: &mut Base<S>, id: u32, cause: Error) {
        let Some(dial) = self.dial(id) else { return };
        let event = SocketEvent::ConnectFailed { endpoint: dial.endpoint.clone(), cause: cause.clone() };
        base.emit(event);
        self.dial_ended(base, id, Ended::Attempt, cause);
    }

    /// An attempt or a connection of a dial ended.
    pub(crate) fn dial_ended<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        id: u32,
        ended: Ended,
        cause: Error,
    ) {
        let stop = base.options.reconnect_stop;
        let Some(dial) = self.dial(id) else { return };
        let stops = match (ended, dial.peer.take()) {
            (Ended::Connection { .. }, _) => false,
            (Ended::Attempt, Some(_)) => stop.after_handshake(),
            (Ended::Attempt, None) => stop.after_connecting(&dial.endpoint, &cause),
        };
        let permanent = stops || cause.is_permanent() || !base.options.reconnect;
        if matches!(ended, Ended::Attempt) {
            dial.outcomes += 1;
            dial.attempts.fail(cause.clone());
        } else {
            dial.attempts.lose(cause.clone());
        }
        let cause = Arc::new(cause);
        dial.failure = Some(Arc::clone(&cause));
        if permanent || dial.once {
            dial.reconnect.stop();
            let event =
                SocketEvent::ReconnectStopped { endpoint: dial.endpoint.clone(), cause: (*cause).clone() };
            if !matches!(*cause, Error::Closed) {
                base.emit(event);
            }
            base.none_may_come();
        } else {
            dial.unscheduled = Some(ended);
        }
        base.wake_companion();
        base.wake_watchers();
    }
}

impl<S: AsyncStream> Core<S> {
    /// A dial has its stream; one that was removed meanwhile wants it no more, one that has to wait wants
    /// another later.
    pub(super) fn connected(&mut self, dial: u32, stream: S, now: Instant) {
        if self.endpoints.dial(dial).is_some() && !self.endpoints.hold_back(&*self.pattern, dial) {
            self.attach(stream, Origin::Dial(dial), now);
        } else {
            self.base.effects.drop_stream(stream);
        }
    }
}

impl Dial {
    /// Whether there is no connection, and is to be one.
    pub(super) fn wants_attempt(&self) -> bool {
        !self.is_stopped() && self.peer.is_none()
    }
}

impl<S> Peer<S> {
    /// What the end of this connection means to its dial.
    pub(super) fn ended(&self, reason: &DisconnectReason) -> Ended {
        if self.stage == Stage::Handshaking {
            return Ended::Attempt;
        }
        let live_since = self.live_since;
        match reason {
            // Its peer has connected to us, and takes back whatever we take: the longer we leave it at that
            // the better, whatever this connection has brought.
            DisconnectReason::Replaced => Ended::Connection { live_since: None, received: false },
            // The peer has no part in that: it has not refused anything.
            DisconnectReason::Poisoned | DisconnectReason::RequestAbandoned => {
                Ended::Connection { live_since, received: true }
            }
            _ => Ended::Connection {
                live_since,
                received: self.account.totals().received > 0 || self.proof.answered,
            },
        }
    }
}
