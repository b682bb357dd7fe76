//! Changes of our subscriptions that a publisher is still to be told.
//!
//! A change is encoded at once while little waits to be written. For a publisher that does not read, only the
//! outcome for each topic is kept until there is room: what the application has taken back by then is never
//! sent, and however often it changes its mind, no more is kept than there are topics.

use std::collections::{BTreeMap, HashMap};

use super::base::Base;
use super::inbound::Inbound;
use super::outbound::Outbound;
use super::peer::Peer;
use crate::message::{Frame, Message};
use crate::monitor::PeerId;
use crate::protocol::Connection;
use crate::resilience::{HighWater, Permit};
use crate::runtime::{AsyncStream, SendBuf};

/// Bytes that wait to be written, from which on changes are put off: what one write takes.
const ENOUGH: usize = 64 * 1024;

/// The same for the messages in a pipe.
const ENOUGH_PASSED: usize = 64;

/// One change of one topic.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) topic: Frame,
    /// What the publisher is told: to send it, or to send it no more.
    pub(crate) subscribe: bool,
    /// Whether the topic was subscribed to before.
    pub(crate) was_wanted: bool,
    /// Whether it still is: an XSUB may pass on the end of one subscription of several.
    pub(crate) is_wanted: bool,
}

/// What one publisher is still to be told, in the order in which the topics came up.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    by_topic: HashMap<Frame, u64>,
    in_order: BTreeMap<u64, Change>,
    next: u64,
    /// Of all topics.
    bytes: usize,
}

impl Changes {
    /// Takes note of a change: of each topic the last counts, and nothing is kept of one that the publisher
    /// never heard of and is not to hear of any more.
    ///
    /// What is wanted again before its end was told is subscribed to once more: an XPUB may show that.
    pub(crate) fn note(&mut self, change: Change) {
        let place = self.by_topic.get(&change.topic).copied();
        // What the publisher knows is what was wanted when the first of these changes came.
        let known =
            place.and_then(|place| self.in_order.get(&place)).map_or(change.was_wanted, |old| old.was_wanted);
        match place {
            _ if known || change.is_wanted => self.keep(place, Change { was_wanted: known, ..change }),
            Some(place) => drop(self.remove(place)),
            None => {}
        }
    }

    fn keep(&mut self, place: Option<u64>, change: Change) {
        let place = place.unwrap_or_else(|| {
            self.next += 1;
            self.bytes += change.topic.len();
            self.by_topic.insert(change.topic.clone(), self.next);
            self.next
        });
        self.in_order.insert(place, change);
    }

    /// Takes the oldest.
    pub(crate) fn pop(&mut self) -> Option<Change> {
        let place = *self.in_order.first_key_value()?.0;
        self.remove(place)
    }

    fn remove(&mut self, place: u64) -> Option<Change> {
        let change = self.in_order.remove(&place)?;
        self.by_topic.remove(&change.topic);
        self.bytes -= change.topic.len();
        Some(change)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.in_order.is_empty()
    }

    /// What they take on the wire, about.
    fn len_on_wire(&self) -> usize {
        const COMMAND: usize = 16;
        self.bytes + COMMAND * self.in_order.len()
    }
}

fn encode(change: &Change, connection: &mut Connection, out: &mut SendBuf) {
    if change.subscribe {
        connection.encode_subscribe(&change.topic, out);
    } else {
        connection.encode_cancel(&change.topic, out);
    }
    out.end_control();
}

impl<S> Peer<S> {
    /// Encodes changes that were put off until `enough` bytes wait to be written.
    pub(super) fn encode_changes(&mut self, enough: usize) {
        let Some(changes) = &mut self.changes else { return };
        while self.out.remaining() < enough {
            let Some(change) = changes.pop() else { break };
            encode(&change, &mut self.connection, &mut self.out);
        }
        self.changes.take_if(|changes| changes.is_empty());
    }

    /// Encodes changes as far as there is room.
    #[inline]
    pub(super) fn encode_due_changes(&mut self) {
        if self.changes.is_some() && self.link.inproc().is_none() {
            self.encode_changes(ENOUGH);
        }
    }

    /// Whether a message may be queued, which takes all changes before it along: what a publisher is told stays
    /// in the order of the application's calls, and changes that wait to be written have a bound as well.
    pub(super) fn lets_by(&self) -> bool {
        let Some(changes) = &self.changes else { return true };
        let unwritten = self.out.remaining().saturating_sub(self.out_level.bytes());
        self.link.inproc().is_some() || unwritten + changes.len_on_wire() <= self.max_changes
    }

    /// Whether the next change need not be put off; if not, the reader of a pipe says when that changes.
    fn takes_changes(&self) -> bool {
        let few = |level: HighWater| level.messages() < ENOUGH_PASSED;
        match self.link.inproc() {
            Some(_) => (few(self.level()) || few(self.await_room())) && self.link_has_room(Frame::COST),
            None => self.out.remaining() < ENOUGH,
        }
    }
}

impl Outbound {
    /// Tells a peer about a change of our subscriptions: outside of its mark, and not counted as a message.
    pub(super) fn send_change<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        inbound: &Inbound,
        id: PeerId,
        change: Change,
    ) {
        let Some(peer) = base.peers.get_mut(id) else { return };
        if peer.changes.is_some() || !peer.takes_changes() {
            let changes = peer.changes.get_or_insert_default();
            changes.note(change);
            peer.changes.take_if(|changes| changes.is_empty());
            return;
        }
        if peer.link.inproc().is_some() {
            return self.pass_change(base, inbound, id, &change);
        }
        self.lend_arena(peer);
        encode(&change, &mut peer.connection, &mut peer.out);
        self.mark_dirty(peer);
        if base.writes_by_hand() {
            base.answer(id);
        } else {
            self.begin_burst(base, inbound, false);
        }
    }

    /// Over inproc there are no commands.
    fn pass_change<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        inbound: &Inbound,
        id: PeerId,
        Change { topic, subscribe, .. }: &Change,
    ) {
        let message: Message = Frame::from([&[u8::from(*subscribe)], &topic[..]].concat()).into();
        base.ledger.accept();
        self.pass(base, inbound, id, message, Permit::none());
    }

    /// Passes changes that were put off, as far as there is room.
    pub(crate) fn pass_due_changes<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        inbound: &Inbound,
        id: PeerId,
    ) {
        while let Some(peer) = base.peers.get_mut(id).filter(|peer| peer.takes_changes()) {
            let Some(change) = peer.next_change() else { return };
            self.pass_change(base, inbound, id, &change);
        }
    }

    /// Queues all changes that were put off, in front of a message.
    pub(super) fn queue_changes<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        inbound: &Inbound,
        id: PeerId,
    ) {
        let Some(peer) = base.peers.get_mut(id) else { return };
        if peer.link.inproc().is_none() {
            return peer.encode_changes(usize::MAX);
        }
        while let Some(change) = base.peers.get_mut(id).and_then(Peer::next_change) {
            self.pass_change(base, inbound, id, &change);
        }
    }
}

impl<S> Peer<S> {
    fn next_change(&mut self) -> Option<Change> {
        let change = self.changes.as_mut()?.pop();
        self.changes.take_if(|changes| changes.is_empty());
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscribe(topic: &str, was_wanted: bool) -> Change {
        Change { topic: topic.into(), subscribe: true, was_wanted, is_wanted: true }
    }

    fn cancel(topic: &str) -> Change {
        Change { topic: topic.into(), subscribe: false, was_wanted: true, is_wanted: false }
    }

    fn told(mut changes: Changes) -> String {
        let mut told = String::new();
        while let Some(Change { topic, subscribe, .. }) = changes.pop() {
            told += if subscribe { "+" } else { "-" };
            told += topic.to_str().unwrap();
        }
        assert!(changes.by_topic.is_empty() && changes.bytes == 0);
        told
    }

    #[test]
    fn what_cancels_out_is_not_told() {
        let mut changes = Changes::default();
        for _ in 0..1000 {
            changes.note(subscribe("a", false));
            changes.note(cancel("a"));
        }
        assert!(changes.is_empty() && changes.by_topic.is_empty() && changes.bytes == 0);
        changes.note(subscribe("b", false));
        changes.note(cancel("c"));
        changes.note(subscribe("a", false));
        assert_eq!(told(changes), "+b-c+a");
    }

    /// Kills taking a topic that the publisher knows for one that it has never heard of.
    #[test]
    fn the_last_change_of_a_known_topic_is_told() {
        let mut changes = Changes::default();
        changes.note(cancel("a"));
        changes.note(subscribe("a", false));
        changes.note(cancel("a"));
        changes.note(cancel("b"));
        changes.note(subscribe("b", false));
        assert_eq!(told(changes), "-a+b");
    }

    /// A topic that is subscribed to twice and given up once is still wanted.
    #[test]
    fn of_repetitions_one_is_told() {
        let mut changes = Changes::default();
        changes.note(subscribe("a", false));
        changes.note(subscribe("a", true));
        changes.note(subscribe("b", true));
        changes.note(subscribe("b", true));
        assert_eq!(told(changes), "+a+b");
    }

    /// An XSUB that passes every end on: of topics nobody knows, none is kept.
    #[test]
    fn ends_of_several_subscriptions_do_not_pile_up() {
        let end = |was_wanted, is_wanted| Change { was_wanted, is_wanted, ..cancel("a") };
        let mut changes = Changes::default();
        changes.note(end(false, false));
        changes.note(subscribe("a", false));
        changes.note(subscribe("a", true));
        changes.note(end(true, true));
        assert!(!changes.is_empty());
        changes.note(end(true, false));
        assert!(changes.is_empty());
    }

    /// Against a list of all changes: the outcome of each topic is what a publisher makes of the list.
    #[test]
    fn the_outcome_is_that_of_all_changes() {
        let mut random = fastrand::Rng::with_seed(9);
        for _ in 0..2000 {
            let (mut changes, mut known, mut wanted) = (Changes::default(), [false; 4], [0_u32; 4]);
            for _ in 0..random.usize(..40) {
                let topic = random.usize(..4);
                let (was, name) = (wanted[topic] > 0, topic.to_string());
                match random.u8(..5) {
                    0 | 1 => {
                        wanted[topic] += 1;
                        changes.note(subscribe(&name, was));
                    }
                    2 | 3 if was => {
                        wanted[topic] -= 1;
                        if wanted[topic] == 0 {
                            changes.note(cancel(&name));
                        }
                    }
                    _ => {
                        let Some(change) = changes.pop() else { continue };
                        known[change.topic.to_str().unwrap().parse::<usize>().unwrap()] = change.subscribe;
                    }
                }
                assert!(changes.in_order.len() <= 4 && changes.in_order.len() == changes.by_topic.len());
            }
            while let Some(change) = changes.pop() {
                known[change.topic.to_str().unwrap().parse::<usize>().unwrap()] = change.subscribe;
            }
            assert_eq!(known, wanted.map(|count| count > 0));
        }
    }
}
