//! What happens because time passes: handshake limits, heartbeats, departures, redialling.
//!
//! Only the companion knows the time. Between its looks no clock is read: a connection notes that bytes came, and
//! the next look takes them for as late as can be.

use std::time::{Duration, Instant};

use super::authentication::Questions;
use super::base::Base;
use super::clock::{Timer, later};
use super::core::Core;
use super::life::Phase;
use super::liveness::{Patience, WhatNow};
use super::peer::{Peer, Stage};
use super::read_ahead::Look;
use super::retry::Question;
use crate::endpoint::Endpoint;
use crate::error::TimeoutKind;
use crate::monitor::{DisconnectReason, DropCause, PeerId};
use crate::runtime::AsyncStream;

/// How long a look at unread bytes is put off while the application is receiving by itself.
const READ_AHEAD_DELAY: Duration = Duration::from_millis(20);

/// How often memory that is kept for large payloads is looked at, and let go of if none has come meanwhile.
pub(super) const KEPT_IDLE: Duration = Duration::from_secs(1);

/// What a turn of the companion leaves to the companion itself.
#[derive(Debug)]
pub(crate) struct Step {
    /// The socket is closed: the companion ends.
    pub(crate) closed: bool,
    /// Dials to start connecting now.
    pub(crate) start: Vec<u32>,
    /// Dials whose delay the user's function is to say.
    pub(crate) delays: Vec<Question>,
    /// More is to be done as soon as other tasks have had their turn.
    pub(crate) again: bool,
    /// All listeners that there should be, if that changed.
    pub(crate) listeners: Option<Vec<(u32, Endpoint)>>,
    /// Listeners were let go that may not be closed yet.
    pub(crate) departing: bool,
    /// What the authenticator is to be asked.
    pub(crate) questions: Questions,
    /// When to look again if nothing happens before.
    pub(crate) deadline: Option<Instant>,
}

impl<S: AsyncStream> Base<S> {
    /// Whoever was told of events may not come: looks again, at all that is still there then, before long.
    fn mind_others(&mut self, now: Instant) {
        if self.ready.has_told() && !std::mem::replace(&mut self.minding, true) {
            self.clock.set(Timer::Told, later(now, READ_AHEAD_DELAY));
        }
    }

    /// This turn has taken up all that anybody was told of, and from now on the first is minded again.
    fn stop_minding(&mut self) {
        self.minding = false;
        self.ready.forget_told();
    }
}

impl<S: AsyncStream> Core<S> {
    /// One turn of the companion: everything that nobody else is there to do.
    pub(crate) fn drive(&mut self, now: Instant) -> Step {
        let (start, delays, again) = self.turn(|core| {
            core.collect_ready();
            core.base.mind_others(now);
            core.answer_calls(now);
            let (start, delays) = core.tick(now);
            let start = core.connect_to_names(start, now);
            core.endpoints.bind_names(&mut core.base);
            let flushed = core.flush_turn();
            let read = core.read_ahead();
            if read == Look::Later {
                core.base.clock.set(Timer::ReadAhead, later(now, READ_AHEAD_DELAY));
            }
            core.close_step();
            (start, delays, flushed || read == Look::Again)
        });
        Step {
            closed: matches!(self.base.life.phase, Phase::Closed { .. }),
            start,
            delays,
            again,
            listeners: self.endpoints.take_changes(),
            departing: self.endpoints.is_departing(),
            questions: self.asked.take_questions(&mut self.base),
            deadline: self.base.clock.next(),
        }
    }

    /// Acts on everything that is due; returns the dials to start now, and those to ask about.
    pub(super) fn tick(&mut self, now: Instant) -> (Vec<u32>, Vec<Question>) {
        self.outbound.start_ageing(&mut self.base, now);
        for id in std::mem::take(&mut self.unclocked) {
            self.base.peers.get_mut(id).into_iter().for_each(|peer| peer.begin_life(now));
            self.check_peer(id, now);
        }
        self.base.clock.look(now);
        let delays = self.endpoints.schedule_dials(&mut self.base, now);
        let fresh = std::mem::take(&mut self.endpoints.fresh);
        let mut start: Vec<u32> = fresh
            .into_iter()
            .filter_map(|id| self.endpoints.begin_attempt(&mut self.base, &*self.pattern, id))
            .collect();
        while let Some(timer) = self.base.clock.pop_due(now) {
            match timer {
                Timer::Peer(id) => self.check_peer(id, now),
                Timer::Depart(id) => self.disconnect(id, DisconnectReason::Closed),
                Timer::Ending(id) => self.endings.look_at_ending(&mut self.base, id, now),
                Timer::Dial(id) if self.endpoints.end_wait_for_name(&mut self.base, id, now) => {}
                Timer::Dial(id) => {
                    start.extend(self.endpoints.retry(&mut self.base, &*self.pattern, id, now))
                }
                Timer::ReadAhead => self.inbound.read_ahead.resume(),
                Timer::Told => self.base.stop_minding(),
                Timer::Linger => self.linger_over(),
                Timer::Starved => self.end_slow(),
                Timer::Expire => self.outbound.expire_pending(&mut self.base, now),
                Timer::Recycled if self.inbound.recycled.look() => {
                    self.base.clock.set(timer, later(now, KEPT_IDLE));
                }
                Timer::Recycled => {}
                Timer::Limit(id) => self.outbound.limit_reached(&mut self.base, id),
            }
        }
        (start, delays)
    }

    fn check_peer(&mut self, id: PeerId, now: Instant) {
        let Some(peer) = self.base.peers.get(id) else { return };
        let next = match peer.stage {
            Stage::Handshaking if now >= peer.handshake_by => {
                return self.time_out(id, TimeoutKind::Handshake);
            }
            Stage::Handshaking => Some(peer.handshake_by),
            Stage::Live => self.look_at(id, now),
            Stage::Succeeded | Stage::Retiring | Stage::Draining => None,
        };
        if let Some(next) = next {
            self.base.clock.set(Timer::Peer(id), next);
        }
    }

    /// Looks at a live connection: when to look again, unless this was the end of it.
    fn look_at(&mut self, id: PeerId, now: Instant) -> Option<Instant> {
        let (patience, begun) =
            (Patience::of(&self.base.options), self.inbound.has_begun_message(&self.base, id));
        loop {
            let peer = self.base.peers.get_mut(id)?;
            peer.tell(now);
            match peer.liveness.what_now(patience, begun, now) {
                WhatNow::Wait(next) => return Some(next),
                WhatNow::Ping => self.send_ping(id, now),
                WhatNow::Dead(kind) => {
                    self.time_out(id, kind);
                    return None;
                }
            }
        }
    }

    fn time_out(&mut self, id: PeerId, kind: TimeoutKind) {
        self.disconnect(id, DisconnectReason::Timeout(kind));
    }

    fn send_ping(&mut self, id: PeerId, now: Instant) {
        let ttl = self.base.options.ping_ttl();
        if let Some(peer) = self.base.peers.get_mut(id) {
            peer.ask_for_life(ttl, now);
        }
        self.turn(|core| core.flush_peer(id));
    }

    /// Linger ran out: what is left is counted and dropped.
    fn linger_over(&mut self) {
        for id in self.base.peers.ids(|peer| peer.stage != Stage::Draining) {
            self.disconnect(id, DisconnectReason::Closed);
        }
        self.outbound.drop_pending(&mut self.base, DropCause::Closed);
    }
}

impl<S> Peer<S> {
    /// From the first look at a connection after its handshake it is known how long it lasts.
    fn begin_life(&mut self, now: Instant) {
        if self.stage == Stage::Live {
            self.live_since.get_or_insert(now);
        }
    }

    /// Tells what has happened since the last look. A reader that is paused or busy is no sign of a dead peer.
    fn tell(&mut self, now: Instant) {
        if std::mem::take(&mut self.heard) || self.paused || self.starved || self.readable {
            self.liveness.heard(now);
        }
        if std::mem::take(&mut self.held_up) || self.write_blocked {
            self.liveness.blocked(now);
        }
        if !self.write_blocked {
            self.liveness.unblocked();
        }
        if self.out.written_total() >= self.heartbeat_end {
            self.liveness.sent(now);
        }
    }
}
