//! Which peers want which topics.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::mem;

use super::prefix_tree::{NodeId, PrefixTree};
use super::subscribers::{PeerSlot, Subscriber, Subscribers, Subscription};
use crate::routing::{shrink_if_sparse, shrink_vec_if_sparse};

/// What PUB and XPUB know of the wishes of their peers (libzmq's `generic_mtrie`).
///
/// A peer has subscribed to a topic or not, however often it has said so. A peer becomes known with its
/// first subscription, or before.
///
/// Finding the peers that want a message takes time in proportion to the bytes that are looked at and the
/// peers that are found, however many others there are. Subscribing, cancelling and losing a peer take time
/// in proportion to the length of the topics that it concerns.
#[derive(Clone, Debug)]
pub(crate) struct Subscriptions<K> {
    topics: PrefixTree<Subscribers>,
    /// All that publishing needs of a peer, by slot.
    peers: Vec<Peer<K>>,
    /// The subscriptions of each peer, by slot.
    wishes: Vec<Wishes>,
    slots: HashMap<K, PeerSlot>,
    free: Vec<PeerSlot>,
    /// The subscriptions of all peers together.
    total: usize,
    /// How often matches were looked for; a peer that bears this number was found this time.
    turn: u64,
}

#[derive(Clone, Copy, Debug)]
struct Peer<K> {
    key: K,
    /// The turn in which it was found last.
    found: u64,
}

/// A slot that no peer has is never one that was not found.
const NOBODY: u64 = u64::MAX;

#[derive(Clone, Debug, Default)]
struct Wishes {
    list: Vec<Subscription>,
    /// The length of all its topics.
    bytes: usize,
}

/// What a subscription has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Inserted {
    /// The topic is new: no peer had it.
    First,
    /// Other peers have it too.
    More,
    /// Nothing: this peer has it already.
    Already,
}

/// What a cancellation has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Removed {
    /// The topic is gone: no other peer has it.
    Last,
    /// Other peers still have it.
    Others,
    /// Nothing: this peer does not have it.
    Absent,
}

impl<K: Copy + Eq + Hash> Subscriptions<K> {
    /// Makes a peer known that has no subscription yet; no change if it is known.
    pub(crate) fn insert_peer(&mut self, peer: K) {
        self.slot(peer);
    }

    /// Subscribes a peer to a topic.
    pub(crate) fn insert(&mut self, topic: &[u8], peer: K) -> Inserted {
        let slot = self.slot(peer);
        let wishes = &mut self.wishes[slot as usize];
        let subscriber = Subscriber { slot, place: wishes.list.len() as u32 };
        let (node, is_new) = self.topics.insert_with(topic, || Subscribers::One(subscriber));
        let mut place = 0;
        if !is_new {
            let Some(subscribers) = self.topics.value_mut(node) else { return Inserted::Already };
            if subscribers.find(slot).is_some() {
                return Inserted::Already;
            }
            place = subscribers.push(subscriber);
        }
        wishes.list.push(Subscription { topic: node, place });
        wishes.bytes += topic.len();
        self.total += 1;
        if is_new { Inserted::First } else { Inserted::More }
    }

    /// Cancels a peer's subscription to a topic.
    pub(crate) fn remove(&mut self, topic: &[u8], peer: K) -> Removed {
        let found = self.find(topic, peer);
        let Some((slot, Subscription { topic: node, place })) = found else { return Removed::Absent };
        let (removed, in_peer) = self.unsubscribe(node, place);
        let wishes = &mut self.wishes[slot as usize];
        wishes.bytes -= topic.len();
        wishes.list.swap_remove(in_peer as usize);
        let moved = wishes.list.get(in_peer as usize).copied();
        shrink_vec_if_sparse(&mut wishes.list);
        if let Some(moved) = moved {
            if let Some(subscribers) = self.topics.value_mut(moved.topic) {
                subscribers.set_place(moved.place, in_peer);
            }
        }
        self.give_back_topics();
        removed
    }

    /// Whether a peer is known: it was inserted, or has subscribed, and was not removed.
    pub(crate) fn contains_peer(&self, peer: K) -> bool {
        self.slots.contains_key(&peer)
    }

    /// Forgets a peer, if it is known; calls `last` for each topic that no other peer has.
    pub(crate) fn remove_peer(&mut self, peer: K, mut last: impl FnMut(&[u8])) {
        let Some(&slot) = self.slots.get(&peer) else { return };
        let mut topic = Vec::new();
        while let Some(Subscription { topic: node, place }) = self.wishes[slot as usize].list.pop() {
            if self.topics.value(node).is_some_and(|subscribers| subscribers.len() == 1) {
                self.topics.key(node, &mut topic);
                self.unsubscribe(node, place);
                last(&topic);
            } else {
                self.unsubscribe(node, place);
            }
        }
        self.wishes[slot as usize] = Wishes::default();
        self.slots.remove(&peer);
        self.peers[slot as usize].found = NOBODY;
        self.free.push(slot);
        self.give_back_topics();
        self.give_back_peers();
    }

    /// Calls `has` for each topic that a peer has.
    pub(crate) fn for_each_topic(&self, peer: K, mut has: impl FnMut(&[u8])) {
        let Some(&slot) = self.slots.get(&peer) else { return };
        let mut topic = Vec::new();
        for subscription in &self.wishes[slot as usize].list {
            self.topics.key(subscription.topic, &mut topic);
            has(&topic);
        }
    }

    /// Calls `found` once for each peer that has a topic that `first_frame` begins with, in an order that
    /// stays the same until something else is called.
    #[inline]
    pub(crate) fn for_each_match(&mut self, first_frame: &[u8], mut found: impl FnMut(K)) {
        let mut matches = self.topics.prefixes_of(first_frame);
        let Some(first) = matches.next() else { return };
        let peers = &mut self.peers;
        let Some(second) = matches.next() else {
            // By far the most frequent, and nobody can be found twice.
            for subscriber in first.as_slice() {
                found(peers[subscriber.slot as usize].key);
            }
            return;
        };
        self.turn += 1;
        for subscribers in [first, second].into_iter().chain(matches) {
            for subscriber in subscribers.as_slice() {
                let peer = &mut peers[subscriber.slot as usize];
                if mem::replace(&mut peer.found, self.turn) != self.turn {
                    found(peer.key);
                }
            }
        }
    }

    /// Calls `found` once for each known peer that has no topic that `first_frame` begins with.
    pub(crate) fn for_each_mismatch(&mut self, first_frame: &[u8], mut found: impl FnMut(K)) {
        self.turn += 1;
        for subscribers in self.topics.prefixes_of(first_frame) {
            for subscriber in subscribers.as_slice() {
                self.peers[subscriber.slot as usize].found = self.turn;
            }
        }
        for peer in &self.peers {
            if peer.found != self.turn && peer.found != NOBODY {
                found(peer.key);
            }
        }
    }

    /// How many peers want a message whose first frame is `prefix`, and thus every one that begins with it.
    pub(crate) fn subscribers(&mut self, prefix: &[u8]) -> usize {
        let mut count = 0;
        self.for_each_match(prefix, |_| count += 1);
        count
    }

    /// How many different topics there are.
    pub(crate) fn topics(&self) -> usize {
        self.topics.len()
    }

    /// How many topics a peer has, and how many bytes they are in all.
    pub(crate) fn usage(&self, peer: K) -> (usize, usize) {
        self.slots.get(&peer).map_or((0, 0), |slot| {
            let Wishes { list, bytes } = &self.wishes[*slot as usize];
            (list.len(), *bytes)
        })
    }

    /// The slot of a peer, which is known from now on.
    fn slot(&mut self, peer: K) -> PeerSlot {
        let entry = match self.slots.entry(peer) {
            Entry::Occupied(entry) => return *entry.get(),
            Entry::Vacant(entry) => entry,
        };
        let state = Peer { key: peer, found: self.turn };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.peers[slot as usize] = state;
                slot
            }
            None => {
                self.peers.push(state);
                self.wishes.push(Wishes::default());
                (self.peers.len() - 1) as PeerSlot
            }
        };
        *entry.insert(slot)
    }

    /// A peer's slot, and its subscription to a topic.
    fn find(&self, topic: &[u8], peer: K) -> Option<(PeerSlot, Subscription)> {
        let slot = *self.slots.get(&peer)?;
        let topic = self.topics.find(topic)?;
        let place = self.topics.value(topic)?.find(slot)?;
        Some((slot, Subscription { topic, place }))
    }

    /// Takes the peer at a place off a topic; returns also where the peer's list has it still.
    fn unsubscribe(&mut self, node: NodeId, place: u32) -> (Removed, u32) {
        self.total -= 1;
        let Some(subscribers) = self.topics.value_mut(node) else { return (Removed::Absent, 0) };
        let in_peer = subscribers.as_slice()[place as usize].place;
        if subscribers.len() == 1 {
            self.topics.remove(node);
            return (Removed::Last, in_peer);
        }
        if let Some(moved) = subscribers.swap_remove(place) {
            self.wishes[moved.slot as usize].list[moved.place as usize].place = place;
        }
        (Removed::Others, in_peer)
    }

    fn give_back_topics(&mut self) {
        let wishes = &mut self.wishes;
        self.topics.compact_if_sparse(self.total, |subscribers, node| {
            for subscriber in subscribers.as_slice() {
                wishes[subscriber.slot as usize].list[subscriber.place as usize].topic = node;
            }
        });
    }

    /// Gives the memory of a burst of peers back, if that costs no more than losing them has.
    fn give_back_peers(&mut self) {
        const KEPT_PEERS: usize = 64;
        if self.free.len() < KEPT_PEERS.max(3 * self.slots.len()).max(self.total / 4) {
            return;
        }
        self.free = Vec::new();
        shrink_if_sparse(&mut self.slots);
        let peers = mem::take(&mut self.peers).into_iter().zip(mem::take(&mut self.wishes));
        for (slot, (peer, wishes)) in (0..).zip(peers.filter(|(peer, _)| peer.found != NOBODY)) {
            for Subscription { topic, place } in &wishes.list {
                if let Some(subscribers) = self.topics.value_mut(*topic) {
                    subscribers.set_slot(*place, slot);
                }
            }
            self.slots.insert(peer.key, slot);
            self.peers.push(peer);
            self.wishes.push(wishes);
        }
        // Each topic once, in the place of its first subscriber.
        let firsts = self.wishes.iter().flat_map(|wishes| &wishes.list).filter(|wish| wish.place == 0);
        for Subscription { topic, .. } in firsts {
            if let Some(subscribers) = self.topics.value_mut(*topic) {
                subscribers.slots_changed();
            }
        }
    }
}

impl<K> Default for Subscriptions<K> {
    fn default() -> Self {
        Self {
            topics: PrefixTree::default(),
            peers: Vec::new(),
            wishes: Vec::new(),
            slots: HashMap::new(),
            free: Vec::new(),
            total: 0,
            turn: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kills lists of peers that are not told where their topics went, and the other way round.
    #[test]
    fn memory_of_a_burst_is_given_back() {
        let mut table = Subscriptions::default();
        for peer in 0..10_000_u32 {
            for topic in [&b"all"[..], &peer.to_be_bytes()] {
                table.insert(topic, peer);
            }
        }
        for peer in (0..10_000).filter(|peer| peer % 100 != 0) {
            table.remove_peer(peer, |topic| assert_eq!(topic, peer.to_be_bytes()));
        }
        table.topics.check();
        assert!(table.topics.capacity() <= 512 && table.peers.capacity() <= 512);
        assert!(table.wishes.capacity() <= 512 && table.slots.capacity() <= 1024);
        assert_eq!((table.topics(), table.subscribers(b"all")), (101, 100));
        for peer in (0..10_000_u32).step_by(100) {
            assert_eq!(table.usage(peer), (2, 7));
            assert_eq!(table.insert(b"all", peer), Inserted::Already);
            assert_eq!(table.remove(&peer.to_be_bytes(), peer), Removed::Last);
            assert_eq!(table.remove(b"all", peer) == Removed::Last, peer == 9_900);
        }
    }

    /// Kills a list that stays as long as it was, for a peer that stays.
    #[test]
    fn memory_of_one_peer_is_given_back() {
        let mut table = Subscriptions::default();
        (0..50_000_u32).for_each(|topic| _ = table.insert(&topic.to_be_bytes(), "peer"));
        (0..49_990_u32).for_each(|topic| _ = table.remove(&topic.to_be_bytes(), "peer"));
        assert!(table.topics.capacity() <= 256 && table.wishes[0].list.capacity() <= 64);
        assert_eq!(table.usage("peer"), (10, 40));
        let mut last = 0;
        table.remove_peer("peer", |_| last += 1);
        assert_eq!((last, table.topics()), (10, 0));
    }
}
