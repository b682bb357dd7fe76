//! Virtual time: a clock that stands still until the executor moves it, and the events on it.

use std::collections::BTreeMap;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::fault::{Direction, LinkId};
use super::hosts::DialId;

/// What happens at a point in virtual time.
#[derive(Debug)]
pub(super) enum Event {
    /// A timer runs out, or a task is woken for no reason.
    Wake(Waker),
    /// Something that was sent on a link reaches the other end.
    Arrive(LinkId, Direction),
    /// A system has tried for long enough to get something through.
    GiveUp(LinkId, Direction),
    /// A connection attempt reaches its destination.
    Connect(DialId),
}

/// The place of an event: by time, and among those of one instant in the order of scheduling.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct EventKey {
    at: Duration,
    sequence: u64,
}

/// The clock of one simulation; times are offsets from its origin.
#[derive(Debug)]
pub(super) struct Clock {
    origin: Instant,
    now: Duration,
    sequence: u64,
    events: BTreeMap<EventKey, Event>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { origin: Instant::now(), now: Duration::ZERO, sequence: 0, events: BTreeMap::new() }
    }

    pub(super) const fn now(&self) -> Duration {
        self.now
    }

    /// The instant of an offset, which is what the users of the clock see.
    pub(super) fn instant(&self, offset: Duration) -> Instant {
        self.origin + offset
    }

    /// The offset of an instant; instants before the origin have passed anyway.
    pub(super) fn offset(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.origin)
    }

    /// Schedules `event`; what lies in the past happens next.
    pub(super) fn schedule(&mut self, at: Duration, event: Event) -> EventKey {
        let key = EventKey { at, sequence: self.sequence };
        self.sequence += 1;
        self.events.insert(key, event);
        key
    }

    /// Takes an event back, if it has not happened yet.
    pub(super) fn cancel(&mut self, key: EventKey) -> Option<Event> {
        self.events.remove(&key)
    }

    pub(super) fn event_mut(&mut self, key: EventKey) -> Option<&mut Event> {
        self.events.get_mut(&key)
    }

    /// The next event whose time has come.
    pub(super) fn pop_due(&mut self) -> Option<Event> {
        let entry = self.events.first_entry()?;
        (entry.key().at <= self.now).then(|| entry.remove())
    }

    /// Moves to the next event; `false` if there is none.
    pub(super) fn advance(&mut self) -> bool {
        let Some((next, _)) = self.events.first_key_value() else { return false };
        self.now = self.now.max(next.at);
        true
    }

    /// Leaps by `by`, over whatever lies in between.
    pub(super) fn skip(&mut self, by: Duration) {
        self.now += by;
    }

    /// Takes all events away: the simulation is over.
    pub(super) fn clear(&mut self) -> BTreeMap<EventKey, Event> {
        std::mem::take(&mut self.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn wake() -> Event {
        Event::Wake(Waker::noop().clone())
    }

    #[test]
    fn events_come_in_order_of_time_then_of_scheduling() {
        let mut clock = Clock::new();
        let late = clock.schedule(2 * MS, wake());
        clock.schedule(MS, Event::Connect(DialId(1)));
        clock.schedule(MS, Event::Connect(DialId(2)));
        assert!(clock.pop_due().is_none());
        assert!(clock.advance());
        assert_eq!(clock.now(), MS);
        assert!(matches!(clock.pop_due(), Some(Event::Connect(DialId(1)))));
        assert!(matches!(clock.pop_due(), Some(Event::Connect(DialId(2)))));
        assert!(clock.pop_due().is_none());
        assert!(clock.cancel(late).is_some());
        assert!(!clock.advance());
    }

    #[test]
    fn time_never_runs_backwards() {
        let mut clock = Clock::new();
        clock.schedule(MS, wake());
        clock.skip(5 * MS);
        assert!(clock.advance());
        assert_eq!(clock.now(), 5 * MS);
        assert!(clock.pop_due().is_some());
    }
}
