//! What messages in the making take, for all connections of a socket together.
//!
//! Each connection has a bound of its own for a message, and there may be any number of connections. So the bytes
//! that have arrived of unfinished messages share a budget. While it is used up only the oldest of them goes on:
//! one always does, and its end makes room for others. One that goes on but brings next to nothing, while others
//! wait, is ended.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::base::Base;
use super::clock::Timer;
use super::core::Core;
use super::inbound::Inbound;
use super::peer::Peer;
use crate::error::TimeoutKind;
use crate::monitor::{DisconnectReason, PeerId};
use crate::options::SocketOptions;
use crate::runtime::AsyncStream;

/// What is less is outside of the budget: a connection costs about as much anyway.
const FREE: usize = 64 * 1024;

/// How long a connection that makes others wait is watched, and what it has to bring in that time.
const WINDOW: Duration = Duration::from_secs(10);
const LEAST: usize = 10 * 64 * 1024;

/// Who holds how much of the budget, and who waits for some.
#[derive(Debug)]
pub(crate) struct Incomplete {
    max: usize,
    held: usize,
    /// The oldest first.
    holders: BTreeMap<u64, Holder>,
    by_peer: HashMap<PeerId, u64>,
    next: u64,
    waiting: usize,
}

#[derive(Debug)]
struct Holder {
    peer: PeerId,
    bytes: usize,
    /// It was told not to read.
    waits: bool,
    /// What has arrived since others wait; `None` for one that waited itself, or came later.
    arrived: Option<usize>,
}

impl Incomplete {
    pub(crate) fn new(options: &SocketOptions) -> Self {
        Self {
            max: options.incomplete_bytes,
            held: 0,
            holders: BTreeMap::new(),
            by_peer: HashMap::new(),
            next: 0,
            waiting: 0,
        }
    }

    /// The message that a peer has begun takes so many bytes now; 0 when it is over. True if others may go on
    /// for that: then [`freed`](Self::freed) says who.
    fn hold(&mut self, peer: PeerId, bytes: usize) -> bool {
        let Some(&place) = self.by_peer.get(&peer) else {
            if bytes >= FREE {
                self.begin(peer, bytes);
            }
            return false;
        };
        let Some(holder) = self.holders.get_mut(&place).filter(|_| bytes >= FREE) else {
            return self.forget(peer);
        };
        if bytes < holder.bytes {
            // Another message, as large already: it stands behind all others.
            self.forget(peer);
            self.begin(peer, bytes);
            return self.waiting > 0;
        }
        let more = bytes - holder.bytes;
        holder.bytes = bytes;
        holder.arrived = holder.arrived.map(|arrived| arrived + more);
        self.held += more;
        false
    }

    fn begin(&mut self, peer: PeerId, bytes: usize) {
        self.by_peer.insert(peer, self.next);
        self.holders.insert(self.next, Holder { peer, bytes, waits: false, arrived: None });
        self.next += 1;
        self.held += bytes;
    }

    /// A peer holds nothing any more. True as from [`hold`](Self::hold).
    fn forget(&mut self, peer: PeerId) -> bool {
        let Some(holder) = self.by_peer.remove(&peer).and_then(|place| self.holders.remove(&place)) else {
            return false;
        };
        self.held -= holder.bytes;
        self.waiting -= usize::from(holder.waits);
        self.waiting > 0
    }

    /// Whether a peer may read more of its message; if not, it waits until [`freed`](Self::freed) names it.
    fn may_read(&mut self, peer: PeerId) -> bool {
        let oldest = self.holders.first_key_value().map(|(place, _)| *place);
        let Some(place) = self.by_peer.get(&peer) else { return true };
        if self.held < self.max || oldest == Some(*place) {
            return true;
        }
        if let Some(holder) = self.holders.get_mut(place) {
            self.waiting += usize::from(!holder.waits);
            holder.waits = true;
            holder.arrived = None;
        }
        false
    }

    /// Whether anybody waits.
    fn is_contended(&self) -> bool {
        self.waiting > 0
    }

    /// Takes those who may go on, the oldest first: all while there is room, and the oldest in any case.
    fn freed(&mut self) -> Vec<PeerId> {
        let some = if self.held < self.max { usize::MAX } else { 1 };
        let waiting = self.holders.values_mut().take(some).filter(|holder| holder.waits);
        let freed: Vec<_> = waiting
            .map(|holder| {
                holder.waits = false;
                holder.peer
            })
            .collect();
        self.waiting -= freed.len();
        freed
    }

    /// Begins to watch those who do not wait.
    fn watch(&mut self) {
        for holder in self.holders.values_mut() {
            holder.arrived = (!holder.waits).then_some(0);
        }
    }

    /// The slowest of those who brought less than they have to, if others wait; `is_held_up` says who could not.
    fn slowest(&self, is_held_up: impl Fn(PeerId) -> bool) -> Option<PeerId> {
        let slow = |holder: &&Holder| {
            holder.arrived.is_some_and(|arrived| arrived < LEAST) && !is_held_up(holder.peer)
        };
        let slowest = self.holders.values().filter(slow).min_by_key(|holder| holder.arrived)?;
        self.is_contended().then_some(slowest.peer)
    }
}

impl Inbound {
    /// Accounts for what a peer's unfinished message takes.
    #[inline]
    pub(super) fn weigh<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId) {
        let Some(peer) = base.peers.get_mut(id) else { return };
        let bytes = peer.in_the_making();
        let before = std::mem::replace(&mut peer.making, bytes);
        if before != bytes && before.max(bytes) >= FREE && self.incomplete.hold(id, bytes) {
            self.let_go_on(base);
        }
    }

    /// A peer is gone, with what it had begun.
    pub(super) fn forget_incomplete<S: AsyncStream>(&mut self, base: &mut Base<S>, peer: &Peer<S>) {
        if peer.making >= FREE && self.incomplete.forget(peer.id) {
            self.let_go_on(base);
        }
    }

    /// Whether a peer has to wait with its message; then its stream is not read.
    pub(super) fn is_starved<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId) -> bool {
        let Some(peer) = base.peers.get_mut(id) else { return false };
        if peer.making < FREE || self.incomplete.may_read(id) {
            return false;
        }
        peer.readable = false;
        peer.starved = true;
        if !std::mem::replace(&mut self.watches_slow, true) {
            self.watch_slow(base);
        }
        true
    }

    fn let_go_on<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        for id in self.incomplete.freed() {
            let Some(peer) = base.peers.get_mut(id) else { continue };
            peer.starved = false;
            // As an event of its stream: whoever reads next looks at it.
            let waker = peer.waker();
            base.effects.wake(Some(waker));
        }
        if !self.incomplete.is_contended() {
            self.watches_slow = false;
            base.clock.cancel(Timer::Starved);
        }
    }

    fn watch_slow<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        self.incomplete.watch();
        base.clock.begin(Timer::Starved, WINDOW);
        base.wake_companion();
    }
}

impl<S: AsyncStream> Core<S> {
    /// Others have waited for long enough: ends those who make them wait, the slowest first, until somebody may
    /// go on. Who waits for the application, or has bytes that nobody has read, is not slow.
    pub(super) fn end_slow(&mut self) {
        let held_up = |peer: &Peer<S>| peer.paused || peer.readable;
        let slowest = |core: &Self| {
            let is_held_up = |id| core.base.peers.get(id).is_some_and(held_up);
            core.inbound.incomplete.slowest(is_held_up)
        };
        while let Some(id) = slowest(self) {
            self.disconnect(id, DisconnectReason::Timeout(TimeoutKind::Frame));
        }
        if self.inbound.incomplete.is_contended() {
            self.inbound.watch_slow(&mut self.base);
        }
    }
}

impl<S> Peer<S> {
    /// What has arrived of a message that has not ended, but for undecoded bytes.
    fn in_the_making(&self) -> usize {
        let large = self.large.as_ref().map_or(0, |large| large.filled().len());
        self.connection.partial_cost() + large
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    fn budget(kib: usize) -> Incomplete {
        Incomplete::new(&SocketOptions::default().with_incomplete_bytes(kib * KIB))
    }

    fn peer(number: u32) -> PeerId {
        PeerId::new(number, 0)
    }

    fn nobody(_: PeerId) -> bool {
        false
    }

    #[test]
    fn what_is_small_is_outside() {
        let mut budget = budget(0);
        for n in 0..1000 {
            assert!(budget.may_read(peer(n)));
            assert!(!budget.hold(peer(n), FREE - 1));
        }
        assert_eq!((budget.held, budget.holders.len()), (0, 0));
    }

    #[test]
    fn beyond_the_budget_the_oldest_goes_on_and_the_others_wait() {
        let mut budget = budget(200);
        for n in 0..3 {
            assert!(budget.may_read(peer(n)));
            budget.hold(peer(n), 100 * KIB);
        }
        assert_eq!([0, 1, 2].map(|n| budget.may_read(peer(n))), [true, false, false]);
        budget.hold(peer(0), 500 * KIB);
        assert!(budget.may_read(peer(0)) && budget.freed().is_empty());
        // Still over the budget: one goes on, and that is the oldest.
        budget.hold(peer(2), 200 * KIB);
        assert!(budget.hold(peer(0), 0));
        assert_eq!(budget.freed(), [peer(1)]);
        assert!(budget.forget(peer(1)));
        assert_eq!(budget.freed(), [peer(2)]);
        assert!(!budget.is_contended() && !budget.forget(peer(2)));
        assert_eq!((budget.held, budget.waiting, budget.by_peer.len()), (0, 0, 0));
    }

    #[test]
    fn all_go_on_when_there_is_room() {
        let mut budget = budget(250);
        for n in 0..3 {
            budget.hold(peer(n), 100 * KIB);
        }
        assert!(!budget.may_read(peer(2)) && !budget.may_read(peer(1)));
        assert!(budget.hold(peer(0), 0));
        assert_eq!(budget.freed(), [peer(1), peer(2)]);
    }

    #[test]
    fn the_next_message_of_a_peer_is_the_youngest() {
        let mut budget = budget(100);
        budget.hold(peer(0), 200 * KIB);
        budget.hold(peer(1), 200 * KIB);
        assert!(!budget.may_read(peer(1)));
        assert!(budget.hold(peer(0), 100 * KIB), "another message");
        assert_eq!(budget.freed(), [peer(1)]);
        assert!(!budget.may_read(peer(0)) && budget.may_read(peer(1)));
        assert_eq!(budget.held, 300 * KIB);
    }

    #[test]
    fn the_slowest_is_named_first_while_others_wait() {
        let mut budget = budget(100);
        for n in 0..4 {
            budget.hold(peer(n), 100 * KIB);
        }
        budget.watch();
        assert_eq!(budget.slowest(nobody), None, "nobody waits");
        assert!(!budget.may_read(peer(3)));
        budget.hold(peer(0), 100 * KIB + LEAST - 1);
        budget.hold(peer(1), 100 * KIB + LEAST);
        budget.hold(peer(2), 100 * KIB + LEAST - 2);
        assert_eq!(budget.slowest(nobody), Some(peer(2)));
        assert_eq!(budget.slowest(|id| id == peer(2)), Some(peer(0)));
        budget.forget(peer(2));
        assert_eq!(budget.slowest(nobody), Some(peer(0)));
        budget.forget(peer(0));
        assert_eq!(budget.slowest(nobody), None, "one is fast enough, the other waits");
        budget.watch();
        assert_eq!(budget.slowest(nobody), Some(peer(1)), "another window");
    }

    /// Kills counting what came before others had to wait, and judging who could not read.
    #[test]
    fn who_has_waited_is_not_judged_by_that_time() {
        let mut budget = budget(100);
        budget.hold(peer(0), 100 * KIB);
        budget.hold(peer(1), 100 * KIB);
        assert!(!budget.may_read(peer(1)));
        budget.watch();
        budget.hold(peer(2), 100 * KIB);
        budget.forget(peer(0));
        assert_eq!(budget.freed(), [peer(1)]);
        assert!(!budget.may_read(peer(2)));
        assert_eq!(budget.slowest(nobody), None);
        budget.watch();
        assert_eq!(budget.slowest(nobody), Some(peer(1)));
    }
}
