//! What a peer's silence means: when to ask for a sign of life, and when to conclude that there will be none.
//!
//! A pure value. It is told what happened, when somebody looked, and it answers what to do now. Silence proves
//! nothing while the peer cannot have heard what it is to answer, so its patience with a PING begins when the PING
//! itself is with the system, and begins anew for as long as the system takes no more: then what stands before
//! the PING is not read, by a peer that may only be slow. Nor does it prove anything while nobody listened: a
//! look that comes late, since the runtime was busy with something else, concludes nothing either.

use std::time::{Duration, Instant};

use super::clock::later;
use crate::error::TimeoutKind;
use crate::options::SocketOptions;

/// How often a connection is looked at, at the most, only to see whether a message has begun: however short the limit
/// is for its progress, a connection that is silent must not keep a processor busy.
const LOOK: Duration = Duration::from_millis(1);

/// For how long silence is borne.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// How often a PING is sent, and how long after it there must be a sign of life.
    pub(crate) interval: Option<Duration>,
    pub(crate) timeout: Duration,
    /// How long a message that has begun to arrive may make no progress.
    pub(crate) frame: Option<Duration>,
}

impl Patience {
    pub(crate) fn of(options: &SocketOptions) -> Self {
        Self {
            interval: options.heartbeat_interval,
            timeout: options.heartbeat_timeout,
            frame: options.frame_timeout,
        }
    }

    /// When a connection that begins now is looked at, if nothing is known of it.
    pub(crate) fn first_look(&self, now: Instant) -> Instant {
        let limits = [self.interval, self.frame];
        later(now, limits.into_iter().flatten().min().unwrap_or(Duration::MAX))
    }
}

/// What is to be done about a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum WhatNow {
    /// Queue a PING, say [`asked`](Liveness::asked), and look again.
    Ping,
    /// Silence has lasted for longer than this limit.
    Dead(TimeoutKind),
    /// Nothing before this time, unless something happens.
    Wait(Instant),
}

/// How the last PING stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ping {
    /// There was a sign of life since.
    Answered,
    /// Some of it has not left.
    Queued,
    /// The system has it since then.
    Sent(Instant),
}

/// The signs of life of one connection, as of the last look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Liveness {
    /// When the peer was last heard, or the connection began.
    heard: Instant,
    /// When the system last took no more.
    blocked: Option<Instant>,
    /// It takes no more now.
    is_blocked: bool,
    ping: Ping,
    last_ping: Instant,
    /// When the next look was to be, and what for nobody was there to listen until then.
    planned: Instant,
    absent: Option<Instant>,
    /// The peer knows PINGs.
    pub(crate) answers: bool,
    /// It wants to be considered dead after so long a silence.
    pub(crate) ttl: Option<Duration>,
}

impl Liveness {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            heard: now,
            blocked: None,
            is_blocked: false,
            ping: Ping::Answered,
            last_ping: now,
            planned: later(now, Duration::MAX),
            absent: None,
            answers: false,
            ttl: None,
        }
    }

    /// Bytes came since the last look, or may be waiting for us to read them.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.ping = Ping::Answered;
    }

    /// The system took no more, now or at some time since the last look.
    pub(crate) fn blocked(&mut self, now: Instant) {
        self.blocked = Some(now);
        self.is_blocked = true;
    }

    /// The system takes what there is.
    pub(crate) fn unblocked(&mut self) {
        self.is_blocked = false;
    }

    /// A PING was queued.
    pub(crate) fn asked(&mut self, now: Instant) {
        self.ping = Ping::Queued;
        self.last_ping = now;
    }

    /// The last PING, if there is one, and all before it, is with the system.
    pub(crate) fn sent(&mut self, now: Instant) {
        if self.ping == Ping::Queued {
            self.ping = Ping::Sent(now);
        }
    }

    /// What to do, given whether a message has `begun` to arrive and not ended.
    pub(crate) fn what_now(&mut self, patience: Patience, begun: bool, now: Instant) -> WhatNow {
        let limits = self.limits(patience, begun);
        if limits.into_iter().flatten().any(|(since, limit, _)| self.comes_late(since, limit, now)) {
            self.absent = Some(now);
        }
        let limits = self.limits(patience, begun).into_iter().flatten();
        let deadlines = limits.map(|(since, limit, kind)| (later(since, limit), kind));
        let ping_at = self.next_ping(patience, now);
        match deadlines.min_by_key(|(at, _)| *at) {
            Some((at, kind)) if at <= now => WhatNow::Dead(kind),
            _ if ping_at.is_some_and(|at| at <= now) => WhatNow::Ping,
            first => {
                let idle = patience.frame.map(|limit| later(now, limit.max(LOOK)));
                let next = [first.map(|(at, _)| at), ping_at, idle].into_iter().flatten().min();
                self.planned = next.unwrap_or_else(|| later(now, Duration::MAX));
                WhatNow::Wait(self.planned)
            }
        }
    }

    /// The limits that apply, and since when.
    fn limits(&self, patience: Patience, begun: bool) -> [Option<(Instant, Duration, TimeoutKind)>; 3] {
        let heard = Some(self.heard).max(self.absent);
        let pinged = match self.ping {
            Ping::Sent(at) => Some(at).max(self.blocked).max(self.absent),
            Ping::Answered | Ping::Queued => None,
        };
        let limit = |since: Option<Instant>, limit: Option<Duration>, kind| Some((since?, limit?, kind));
        [
            limit(heard.filter(|_| begun), patience.frame, TimeoutKind::Frame),
            limit(heard.max(self.blocked), self.ttl, TimeoutKind::Heartbeat),
            limit(pinged, Some(patience.timeout), TimeoutKind::Heartbeat),
        ]
    }

    /// Whether a limit has passed, but what is known of the silence is that nobody listened: a quarter of the
    /// limit is a delay that any runtime may have.
    fn comes_late(&self, since: Instant, limit: Duration, now: Instant) -> bool {
        later(since, limit) <= now && now.saturating_duration_since(self.planned) > limit / 4
    }

    /// When the next PING is due: every interval, traffic or not. A peer that is paused at its mark answers
    /// nothing, and knows by our PINGs that we live, as we do by its. Behind what the system does not take they
    /// would only pile up.
    fn next_ping(&self, patience: Patience, now: Instant) -> Option<Instant> {
        let at = later(self.last_ping, patience.interval.filter(|_| self.answers)?);
        match self.ping {
            Ping::Answered if !self.is_blocked => Some(at),
            // Not asked again, but looked at: it may have been heard since.
            _ if at > now => Some(at),
            _ => Some(later(now, patience.interval?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    const PATIENCE: Patience = Patience { interval: Some(ms(100)), timeout: ms(250), frame: None };
    const DEAD: WhatNow = WhatNow::Dead(TimeoutKind::Heartbeat);

    fn beating(start: Instant) -> Liveness {
        Liveness { answers: true, ..Liveness::new(start) }
    }

    /// Sends PINGs that leave at once, at every look that asks for one.
    fn look(liveness: &mut Liveness, now: Instant) -> WhatNow {
        match liveness.what_now(PATIENCE, false, now) {
            WhatNow::Ping => {
                liveness.asked(now);
                liveness.sent(now);
                liveness.what_now(PATIENCE, false, now)
            }
            other => other,
        }
    }

    /// Looks whenever it is to be looked, until it is found dead or for 10 s.
    fn death(
        liveness: &mut Liveness,
        start: Instant,
        mut happens: impl FnMut(&mut Liveness, u64),
    ) -> Option<u64> {
        let mut now = start;
        while now < start + ms(10_000) {
            happens(liveness, (now - start).as_millis() as u64);
            match look(liveness, now) {
                WhatNow::Wait(at) => {
                    assert!(at > now, "it would turn in circles");
                    now = at;
                }
                what => {
                    assert_eq!(what, DEAD);
                    return Some((now - start).as_millis() as u64);
                }
            }
        }
        None
    }

    #[test]
    fn silence_after_a_ping_is_death_and_any_sign_of_life_is_not() {
        let start = Instant::now();
        assert_eq!(death(&mut beating(start), start, |_, _| ()), Some(350));
        let heard = |liveness: &mut Liveness, at| {
            if at < 5_000 {
                liveness.heard(start + ms(at))
            }
        };
        let dead = death(&mut beating(start), start, heard).unwrap();
        assert!((5_000..=5_450).contains(&dead), "{dead}");
        assert_eq!(death(&mut beating(start), start, |liveness, at| liveness.heard(start + ms(at))), None);
    }

    #[test]
    fn one_that_was_never_asked_is_alive() {
        let start = Instant::now();
        assert_eq!(death(&mut Liveness::new(start), start, |_, _| ()), None, "it does not know PINGs");
        let mut liveness = beating(start);
        let none = Patience { interval: None, ..PATIENCE };
        let WhatNow::Wait(at) = liveness.what_now(none, true, start) else {
            panic!("nothing is asked of it")
        };
        assert!(at > start + Duration::from_secs(1_000_000));
    }

    /// Kills a patience that begins when the PING is queued.
    #[test]
    fn patience_begins_when_the_ping_has_left() {
        let start = Instant::now();
        let mut liveness = beating(start);
        assert_eq!(liveness.what_now(PATIENCE, false, start + ms(100)), WhatNow::Ping);
        liveness.asked(start + ms(100));
        let mut now = start + ms(100);
        while now < start + ms(5_000) {
            let WhatNow::Wait(at) = liveness.what_now(PATIENCE, false, now) else {
                panic!("at {:?}", now - start)
            };
            now = at;
        }
        liveness.sent(now);
        let left = now;
        while let WhatNow::Wait(at) = liveness.what_now(PATIENCE, false, now) {
            now = at;
        }
        assert_eq!(now - left, ms(250));
    }

    #[test]
    fn nothing_is_concluded_while_the_system_takes_no_more() {
        let start = Instant::now();
        for until in [50, 1_050, 5_050] {
            let blocked = |liveness: &mut Liveness, at| match at {
                // One PING has left before.
                0..=100 => {}
                at if at < until => liveness.blocked(start + ms(at)),
                _ => liveness.unblocked(),
            };
            let dead = death(&mut beating(start), start, blocked).unwrap();
            assert!(dead >= until.max(100) + 150 && dead <= until.max(100) + 550, "{until}: {dead}");
        }
        let for_ever = |liveness: &mut Liveness, at| liveness.blocked(start + ms(at));
        assert_eq!(death(&mut beating(start), start, for_ever), None);
        let mut dies_by_ttl = Liveness { ttl: Some(ms(300)), ..Liveness::new(start) };
        assert_eq!(death(&mut dies_by_ttl, start, for_ever), None);
        assert_eq!(
            death(&mut Liveness { ttl: Some(ms(300)), ..Liveness::new(start) }, start, |_, _| ()),
            Some(300)
        );
    }

    #[test]
    fn no_ping_goes_behind_another_that_has_not_left_or_into_a_full_system() {
        let start = Instant::now();
        let mut liveness = beating(start);
        liveness.blocked(start);
        assert_ne!(liveness.what_now(PATIENCE, false, start + ms(100)), WhatNow::Ping);
        liveness.unblocked();
        assert_eq!(liveness.what_now(PATIENCE, false, start + ms(200)), WhatNow::Ping);
        liveness.asked(start + ms(200));
        assert_ne!(liveness.what_now(PATIENCE, false, start + ms(300)), WhatNow::Ping);
    }

    /// Kills taking our own absence for the peer's silence.
    #[test]
    fn a_look_that_comes_late_concludes_nothing() {
        let start = Instant::now();
        let mut liveness = beating(start);
        let WhatNow::Wait(planned) = look(&mut liveness, start + ms(100)) else { panic!("it was asked") };
        assert_eq!(planned, start + ms(200));
        let WhatNow::Wait(planned) = look(&mut liveness, start + ms(3_000)) else {
            panic!("nobody listened")
        };
        assert!(planned <= start + ms(3_100));
        let WhatNow::Wait(planned) = look(&mut liveness, planned) else { panic!("it has time") };
        let WhatNow::Wait(planned) = look(&mut liveness, planned) else { panic!("it has time") };
        assert_eq!((planned, look(&mut liveness, planned + ms(60))), (start + ms(3_250), DEAD));
    }

    #[test]
    fn a_message_that_makes_no_progress_is_over_and_only_that() {
        let start = Instant::now();
        let patience = Patience { interval: None, timeout: ms(250), frame: Some(ms(100)) };
        let mut liveness = Liveness::new(start);
        liveness.blocked(start + ms(50));
        let at = start + ms(100);
        assert_eq!(liveness.what_now(patience, false, at), WhatNow::Wait(start + ms(200)));
        assert_eq!(liveness.what_now(patience, true, at), WhatNow::Dead(TimeoutKind::Frame));
        liveness.heard(at);
        assert_eq!(liveness.what_now(patience, true, at), WhatNow::Wait(start + ms(200)));
    }

    #[test]
    fn whether_a_message_has_begun_is_looked_at_every_millisecond_at_the_most() {
        let start = Instant::now();
        let patience = Patience { interval: None, timeout: ms(250), frame: Some(Duration::from_micros(4)) };
        let mut liveness = Liveness::new(start);
        assert_eq!(liveness.what_now(patience, false, start), WhatNow::Wait(start + LOOK));
        liveness.heard(start + LOOK / 2);
        assert_eq!(liveness.what_now(patience, true, start + LOOK), WhatNow::Dead(TimeoutKind::Frame));
    }
}
