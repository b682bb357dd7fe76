//! What a monitor has not read yet.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use super::causes::DropCause;
use super::event::{PeerId, SocketEvent};

/// How much is kept for a reader that lags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Events other than drops.
    pub(crate) events: usize,
    /// Connections and causes that drops are told by.
    pub(crate) drops: usize,
}

/// Events that a [`Monitor`](super::Monitor) lost because they were not read in time, by kind.
///
/// Drops are never among them: they are merged.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Missed {
    /// Of connections: accepted, connected, shaken hands, ended.
    pub connections: u64,
    /// Of endpoints and of the socket itself: attempts, failures, retries, listeners.
    pub endpoints: u64,
    /// Of subscriptions that were refused.
    pub refusals: u64,
}

impl Missed {
    /// Events of any kind.
    ///
    /// [`with_monitor_events`](crate::SocketOptions::with_monitor_events) shows when there are any.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.connections + self.endpoints + self.refusals
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events of connections and {} of endpoints", self.connections, self.endpoints)?;
        match self.refusals {
            0 => Ok(()),
            refusals => write!(f, ", and {refusals} refused subscriptions"),
        }
    }
}

/// Events in order, within bounds: those of one kind do not push those of another out.
#[derive(Debug)]
pub(super) struct EventQueue {
    connections: Ring,
    endpoints: Ring,
    /// Of these peers can make any number.
    refusals: Ring,
    drops: Drops,
    /// All that ever happened: gives each event its place.
    happened: u64,
}

impl EventQueue {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            connections: Ring::new(bounds.events),
            endpoints: Ring::new(bounds.events),
            refusals: Ring::new(bounds.events),
            drops: Drops { capacity: bounds.drops, ..Drops::default() },
            happened: 0,
        }
    }

    pub(super) fn missed(&self) -> Missed {
        Missed {
            connections: self.connections.missed,
            endpoints: self.endpoints.missed,
            refusals: self.refusals.missed,
        }
    }

    pub(super) fn push(&mut self, event: &SocketEvent) {
        self.happened += 1;
        let at = self.happened;
        match *event {
            SocketEvent::MessagesDropped { peer, cause, count } => {
                self.drops.add(at, Drop { peer, cause, arrived: false }, count);
            }
            SocketEvent::ReceivedDropped { peer, cause, count } => {
                self.drops.add(at, Drop { peer, cause, arrived: true }, count);
            }
            SocketEvent::Accepted { .. }
            | SocketEvent::Connected { .. }
            | SocketEvent::HandshakeSucceeded { .. }
            | SocketEvent::HandshakeFailed { .. }
            | SocketEvent::Disconnected { .. } => self.connections.push(at, event.clone()),
            SocketEvent::SubscriptionRefused { .. } => self.refusals.push(at, event.clone()),
            _ => self.endpoints.push(at, event.clone()),
        }
    }

    pub(super) fn pop(&mut self) -> Option<SocketEvent> {
        let [connection, endpoint] = [self.connections.first(), self.endpoints.first()];
        let (refusal, drop) = (self.refusals.first(), self.drops.first());
        let first = [connection, endpoint, refusal, drop].into_iter().flatten().min();
        if drop.is_some() && drop == first {
            return self.drops.pop();
        }
        // What was lost is older than all that is left of its kind.
        let untold = Missed {
            connections: std::mem::take(&mut self.connections.untold),
            endpoints: std::mem::take(&mut self.endpoints.untold),
            refusals: std::mem::take(&mut self.refusals.untold),
        };
        if untold.total() > 0 {
            return Some(SocketEvent::Missed(untold));
        }
        let rings = [(connection, &mut self.connections), (refusal, &mut self.refusals)];
        let ring = rings.into_iter().find(|(at, _)| at.is_some() && *at == first).map(|(_, ring)| ring);
        ring.unwrap_or(&mut self.endpoints).pop()
    }
}

/// The newest events of one kind, each with its place in the order of all that happened.
#[derive(Debug)]
struct Ring {
    capacity: usize,
    events: VecDeque<(u64, SocketEvent)>,
    missed: u64,
    /// The part of `missed` that the reader was not told of.
    untold: u64,
}

impl Ring {
    fn new(capacity: usize) -> Self {
        Self { capacity, events: VecDeque::new(), missed: 0, untold: 0 }
    }

    fn push(&mut self, at: u64, event: SocketEvent) {
        if self.events.len() == self.capacity {
            self.events.pop_front();
            self.missed += 1;
            self.untold += 1;
        }
        self.events.push_back((at, event));
    }

    fn first(&self) -> Option<u64> {
        self.events.front().map(|(at, _)| *at)
    }

    fn pop(&mut self) -> Option<SocketEvent> {
        self.events.pop_front().map(|(_, event)| event)
    }
}

/// Drops that are told together.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Drop {
    peer: Option<PeerId>,
    cause: DropCause,
    /// It was received, and not to be sent.
    arrived: bool,
}

/// Drops by connection and cause, in the order of the first of each.
#[derive(Debug, Default)]
struct Drops {
    capacity: usize,
    entries: VecDeque<Entry>,
    /// Entries by number; that of the first is `popped`.
    numbers: HashMap<Drop, u64>,
    popped: u64,
}

#[derive(Debug)]
struct Entry {
    at: u64,
    drop: Drop,
    count: u64,
}

impl Drops {
    fn add(&mut self, at: u64, drop: Drop, count: u64) {
        let full = self.entries.len() >= self.capacity && !self.numbers.contains_key(&drop);
        // Causes are few: those without a connection are always told.
        let drop = if full { Drop { peer: None, ..drop } } else { drop };
        let next = self.popped + self.entries.len() as u64;
        let number = *self.numbers.entry(drop).or_insert(next);
        if number == next {
            self.entries.push_back(Entry { at, drop, count });
        } else {
            self.entries[(number - self.popped) as usize].count += count;
        }
    }

    fn first(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.at)
    }

    fn pop(&mut self) -> Option<SocketEvent> {
        let Entry { drop, count, at: _ } = self.entries.pop_front()?;
        self.numbers.remove(&drop);
        self.popped += 1;
        let Drop { peer, cause, arrived } = drop;
        Some(if arrived {
            SocketEvent::ReceivedDropped { peer, cause, count }
        } else {
            SocketEvent::MessagesDropped { peer, cause, count }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(events: usize, drops: usize) -> EventQueue {
        EventQueue::new(Bounds { events, drops })
    }

    fn dropped(peer: u32, cause: DropCause, count: u64) -> SocketEvent {
        SocketEvent::MessagesDropped { peer: Some(PeerId::new(peer, 0)), cause, count }
    }

    fn rest(queue: &mut EventQueue) -> Vec<String> {
        std::iter::from_fn(|| queue.pop()).map(|event| event.to_string()).collect()
    }

    #[test]
    fn drops_are_merged_at_the_place_of_the_first() {
        let mut queue = queue(8, 8);
        queue.push(&SocketEvent::Closed { unsent: 1 });
        for _ in 0..1_000 {
            queue.push(&dropped(1, DropCause::PeerFull, 1));
            queue.push(&dropped(2, DropCause::PeerFull, 2));
        }
        queue.push(&dropped(1, DropCause::PeerLost, 3));
        queue.push(&SocketEvent::Closed { unsent: 2 });
        queue.push(&dropped(1, DropCause::PeerFull, 1));
        let told = rest(&mut queue);
        assert_eq!(
            told,
            [
                "closed with 1 messages unsent",
                "dropped 1001 messages of peer 1.0: the peer is at its mark",
                "dropped 2000 messages of peer 2.0: the peer is at its mark",
                "dropped 3 messages of peer 1.0: the peer is gone",
                "closed with 2 messages unsent",
            ]
        );
        queue.push(&dropped(1, DropCause::PeerFull, 1));
        assert_eq!(rest(&mut queue), ["dropped 1 messages of peer 1.0: the peer is at its mark"]);
        assert_eq!(queue.missed(), Missed::default());
    }

    #[test]
    fn what_was_to_be_sent_and_what_arrived_are_told_apart() {
        let mut queue = queue(8, 8);
        let cause = DropCause::Closed;
        queue.push(&SocketEvent::MessagesDropped { peer: None, cause, count: 1 });
        queue.push(&SocketEvent::ReceivedDropped { peer: None, cause, count: 2 });
        assert_eq!(
            rest(&mut queue),
            [
                "dropped 1 messages: the socket was closed",
                "dropped 2 messages that had come: the socket was closed"
            ]
        );
    }

    #[test]
    fn past_the_bound_drops_are_told_by_cause_alone_and_none_is_lost() {
        let mut queue = queue(8, 2);
        for peer in 0..10 {
            queue.push(&dropped(peer, DropCause::PeerFull, 1));
            queue.push(&dropped(0, DropCause::PeerFull, 1));
        }
        queue.push(&dropped(3, DropCause::PeerLost, 1));
        assert_eq!(
            rest(&mut queue),
            [
                "dropped 11 messages of peer 0.0: the peer is at its mark",
                "dropped 1 messages of peer 1.0: the peer is at its mark",
                "dropped 8 messages: the peer is at its mark",
                "dropped 1 messages: the peer is gone",
            ]
        );
    }

    #[test]
    fn a_lagging_reader_loses_the_oldest_and_is_told_what_by_kind() {
        let mut queue = queue(4, 8);
        queue.push(&dropped(1, DropCause::PeerFull, 1));
        let ended = |peer| SocketEvent::Disconnected {
            peer: PeerId::new(peer, 0),
            endpoint: None,
            address: None,
            reason: crate::monitor::DisconnectReason::Closed,
        };
        (0..5).for_each(|peer| queue.push(&ended(peer)));
        (0..6).for_each(|unsent| queue.push(&SocketEvent::Closed { unsent }));
        let missed = Missed { connections: 1, endpoints: 2, refusals: 0 };
        assert_eq!((queue.missed(), missed.total()), (missed, 3));
        let told = rest(&mut queue);
        assert_eq!(told.len(), 2 + 4 + 4);
        assert_eq!(
            told[..3],
            [
                "dropped 1 messages of peer 1.0: the peer is at its mark",
                "missed 1 events of connections and 2 of endpoints",
                "peer 1.0 disconnected: the socket is closed",
            ]
        );
        assert_eq!(told[6], "closed with 2 messages unsent");
        queue.push(&SocketEvent::Closed { unsent: 9 });
        assert_eq!(rest(&mut queue), ["closed with 9 messages unsent"], "told once");
        assert_eq!(queue.missed(), missed, "and counted for good");
    }

    #[test]
    fn attempts_do_not_push_out_the_life_of_connections() {
        let mut queue = queue(2, 2);
        queue.push(&SocketEvent::HandshakeFailed {
            peer: PeerId::new(1, 0),
            endpoint: None,
            address: None,
            cause: crate::error::Error::NotConnected,
        });
        (0..100).for_each(|unsent| queue.push(&SocketEvent::Closed { unsent }));
        assert_eq!(queue.missed(), Missed { connections: 0, endpoints: 98, refusals: 0 });
        assert_eq!(rest(&mut queue).len(), 1 + 1 + 2);
    }

    #[test]
    fn exactly_as_many_as_the_bound_are_kept() {
        for events in [1, 3] {
            let mut queue = queue(events, 0);
            (0..events as u64).for_each(|unsent| queue.push(&SocketEvent::Closed { unsent }));
            assert_eq!((queue.missed().total(), rest(&mut queue).len()), (0, events));
        }
    }

    /// Any peer can make any number of them.
    #[test]
    fn refused_subscriptions_push_out_only_each_other() {
        let mut queue = queue(2, 2);
        queue.push(&SocketEvent::Closed { unsent: 1 });
        let refused = |topic: &'static str| SocketEvent::SubscriptionRefused {
            peer: PeerId::new(1, 0),
            user: Some("ann".into()),
            topic: topic.into(),
        };
        ["a", "b", "c\n"].into_iter().for_each(|topic| queue.push(&refused(topic)));
        assert_eq!(queue.missed(), Missed { connections: 0, endpoints: 0, refusals: 1 });
        assert_eq!(
            rest(&mut queue),
            [
                "missed 0 events of connections and 0 of endpoints, and 1 refused subscriptions",
                "closed with 1 messages unsent",
                r#"refused peer 1.0 of the user "ann" a subscription to "b""#,
                r#"refused peer 1.0 of the user "ann" a subscription to "c\n""#,
            ]
        );
    }
}
