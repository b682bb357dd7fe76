//! What happens because time passes: handshake limits, heartbeats, departures, redialling.
//!
//! Only the companion knows the time. Between its looks no clock is read: a connection counts its
//! reads, and a deadline that comes due compares the count with what it was.

use std::time::{Duration, Instant};

use super::clock::later;
use super::core::{Core, Phase, Timer};
use super::peer::{Peer, Stage};
use super::read_ahead::ReadAhead;
use crate::endpoint::Endpoint;
use crate::error::TimeoutKind;
use crate::monitor::{DisconnectReason, DropCause, PeerId};
use crate::runtime::AsyncStream;

/// How long a look at unread bytes is put off while the application is receiving by itself.
const READ_AHEAD_DELAY: Duration = Duration::from_millis(20);

/// What a turn of the companion leaves to the companion itself.
#[derive(Debug)]
pub(crate) struct Step {
    /// The socket is closed: the companion ends.
    pub(crate) closed: bool,
    /// Dials to start connecting now.
    pub(crate) start: Vec<u32>,
    /// More is to be done as soon as other tasks have had their turn.
    pub(crate) again: bool,
    /// All listeners that there should be, if that changed.
    pub(crate) listeners: Option<Vec<(u32, Endpoint)>>,
    /// Listeners were let go that may not be closed yet.
    pub(crate) departing: bool,
    /// When to look again if nothing happens before.
    pub(crate) deadline: Option<Instant>,
}

/// What to do about a connection whose deadline came.
enum Verdict {
    Dead(TimeoutKind),
    Ping,
    Fine,
}

impl<S: AsyncStream> Core<S> {
    /// One turn of the companion: everything that nobody else is there to do.
    pub(crate) fn drive(&mut self, now: Instant) -> Step {
        let (start, again) = self.turn(|core| {
            core.collect_ready();
            core.answer_calls(now);
            let start = core.tick(now);
            let start = core.connect_to_names(start, now);
            core.bind_names();
            let flushed = core.flush_turn();
            let read = core.read_ahead();
            if read == ReadAhead::Later {
                core.clock.set(Timer::ReadAhead, later(now, READ_AHEAD_DELAY));
            }
            core.close_step();
            (start, flushed || read == ReadAhead::Again)
        });
        Step {
            closed: matches!(self.phase, Phase::Closed { .. }),
            start,
            again,
            listeners: self.endpoints.take_changes(),
            departing: self.endpoints.is_departing(),
            deadline: self.clock.next(),
        }
    }

    /// Acts on everything that is due, and returns the dials to start now.
    pub(crate) fn tick(&mut self, now: Instant) -> Vec<u32> {
        self.start_ageing(now);
        for id in std::mem::take(&mut self.unclocked) {
            self.start_life(id, now);
            self.advance_check(id, now);
        }
        self.clock.look(now);
        self.schedule_dials(now);
        let fresh = std::mem::take(&mut self.endpoints.fresh);
        let mut start: Vec<u32> = fresh.into_iter().filter_map(|id| self.begin_attempt(id)).collect();
        while let Some(timer) = self.clock.pop_due(now) {
            match timer {
                Timer::Peer(id) => self.check_peer(id, now),
                Timer::Depart(id) => self.disconnect(id, DisconnectReason::Closed),
                Timer::Dial(id) if self.end_wait_for_name(id, now) => {}
                Timer::Dial(id) => start.extend(self.begin_attempt(id)),
                Timer::ReadAhead => self.end_read_delay(),
                Timer::Linger => self.linger_over(),
                Timer::Expire => self.expire_pending(now),
                Timer::Limit(id) => self.limit_reached(id),
            }
        }
        start
    }

    /// When a live connection is next looked at.
    pub(crate) fn next_check(&self, now: Instant) -> Instant {
        let frame = self.options.frame_timeout.unwrap_or(Duration::MAX);
        let heartbeat = self.options.heartbeat_interval.unwrap_or(Duration::MAX);
        later(now, frame.min(heartbeat))
    }

    fn check_peer(&mut self, id: PeerId, now: Instant) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let next = match peer.stage {
            Stage::Handshaking if now >= peer.liveness.handshake_by => {
                return self.time_out(id, TimeoutKind::Handshake);
            }
            Stage::Handshaking => peer.liveness.handshake_by,
            Stage::Live => match self.check_live(id, now) {
                Verdict::Dead(kind) => return self.time_out(id, kind),
                Verdict::Ping => {
                    self.send_ping(id, now);
                    later(now, self.options.heartbeat_timeout).min(self.next_check(now))
                }
                Verdict::Fine => self.next_check(now),
            },
            Stage::Succeeded | Stage::Retiring | Stage::Draining => return,
        };
        let Some(peer) = self.peers.get(id) else { return };
        let next = peer.liveness.remote_ttl.map_or(next, |ttl| next.min(later(now, ttl)));
        self.clock.set(Timer::Peer(id), next);
    }

    /// A peer may have asked to be looked at sooner than was planned.
    fn advance_check(&mut self, id: PeerId, now: Instant) {
        let Some(peer) = self.peers.get(id).filter(|peer| peer.stage == Stage::Live) else { return };
        if let Some(ttl) = peer.liveness.remote_ttl {
            self.clock.advance(Timer::Peer(id), later(now, ttl));
        }
    }

    /// From the first look at a connection after its handshake it is known how long it lasts.
    fn start_life(&mut self, id: PeerId, now: Instant) {
        if let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.stage == Stage::Live) {
            peer.liveness.live_since.get_or_insert(now);
        }
    }

    fn time_out(&mut self, id: PeerId, kind: TimeoutKind) {
        self.disconnect(id, DisconnectReason::Timeout(kind));
    }

    fn check_live(&mut self, id: PeerId, now: Instant) -> Verdict {
        let Some(peer) = self.peers.get_mut(id) else { return Verdict::Fine };
        let ping_due = self.options.heartbeat_interval.is_some_and(|interval| peer.ping_due(interval, now));
        if peer.has_news(now) {
            // PINGs behind a full queue would only pile up.
            return if ping_due && !peer.write_blocked { Verdict::Ping } else { Verdict::Fine };
        }
        let quiet = now.saturating_duration_since(peer.liveness.quiet_since);
        if self.options.frame_timeout.is_some_and(|limit| quiet >= limit) && self.has_begun_message(id) {
            return Verdict::Dead(TimeoutKind::Frame);
        }
        let Some(peer) = self.peers.get(id) else { return Verdict::Fine };
        if peer.liveness.remote_ttl.is_some_and(|ttl| quiet >= ttl) {
            return Verdict::Dead(TimeoutKind::Heartbeat);
        }
        match peer.liveness.pinged_at {
            Some(pinged) if now.saturating_duration_since(pinged) >= self.options.heartbeat_timeout => {
                Verdict::Dead(TimeoutKind::Heartbeat)
            }
            None if ping_due => Verdict::Ping,
            _ => Verdict::Fine,
        }
    }

    fn send_ping(&mut self, id: PeerId, now: Instant) {
        let ttl = self.options.heartbeat_ttl;
        if let Some(peer) = self.peers.get_mut(id) {
            peer.ping(ttl, now);
        }
        self.turn(|core| core.flush_peer(id));
    }

    /// Linger ran out: what is left is counted and dropped.
    fn linger_over(&mut self) {
        for id in self.peers.ids(|peer| peer.stage != Stage::Draining) {
            self.disconnect(id, DisconnectReason::Closed);
        }
        self.drop_pending(DropCause::Closed);
    }
}

impl<S> Peer<S> {
    /// Whether bytes came since the last look, or may be waiting unread: a reader that is paused or busy
    /// is no sign of a dead peer.
    fn has_news(&mut self, now: Instant) -> bool {
        let news = self.liveness.reads != self.liveness.seen_reads || self.paused || self.readable;
        if news {
            self.liveness.seen_reads = self.liveness.reads;
            self.liveness.quiet_since = now;
            self.liveness.pinged_at = None;
        }
        news
    }
}

impl<S: AsyncStream> Peer<S> {
    /// Whether it is time for a PING: every interval, traffic or not. A peer that is paused at its mark
    /// answers nothing, and knows by our PINGs that we live, as we do by its; and a busy connection has
    /// what it sent proven now and then.
    fn ping_due(&self, interval: Duration, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.liveness.last_ping);
        since >= interval && self.connection.speaks_heartbeats()
    }
}
