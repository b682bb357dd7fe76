//! Ends of subscriptions that an application is still to be told of (XPUB).
//!
//! A peer that is lost may have had a million topics. The application gets the end of each as a message, which
//! is made when it is received: until then the topics are kept as they are, and no mark is passed.

use super::base::Base;
use super::inbound::Inbound;
use super::peer::Peer;
use crate::message::{Frame, Message};
use crate::monitor::PeerId;
use crate::runtime::AsyncStream;

/// In front of a topic stands how long it is.
const LEN: usize = size_of::<u32>();

/// Topics, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    packed: Vec<u8>,
    /// How much of `packed` was taken.
    used: usize,
    count: usize,
}

impl Ends {
    pub(crate) fn push(&mut self, topic: &[u8]) {
        let len = u32::try_from(topic.len()).expect("a topic came in a frame within our limits");
        self.packed.extend(len.to_le_bytes());
        self.packed.extend(topic);
        self.count += 1;
    }

    /// The message that the next topic stands for.
    pub(super) fn next(&mut self) -> Option<Message> {
        let (len, rest) = self.packed[self.used..].split_first_chunk::<LEN>()?;
        let topic = &rest[..u32::from_le_bytes(*len) as usize];
        let message = notice(false, topic);
        self.used += LEN + topic.len();
        self.count -= 1;
        self.reclaim();
        Some(message)
    }

    /// Gives memory back each time half of it is taken.
    fn reclaim(&mut self) {
        if self.used > self.packed.len() / 2 {
            self.packed.drain(..self.used);
            self.packed.shrink_to_fit();
            self.used = 0;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// What they would cost as messages.
    pub(super) fn cost(&self) -> usize {
        self.payload() + self.count * Frame::COST
    }

    fn payload(&self) -> usize {
        self.packed.len() - self.used - self.count * LEN + self.count
    }
}

/// A subscription or its end as the application sees it: a byte 1 or 0, and the topic.
pub(crate) fn notice(subscribe: bool, topic: &[u8]) -> Message {
    Frame::from([&[u8::from(subscribe)], topic].concat()).into()
}

impl Inbound {
    /// The application is to be told that a peer has no subscriptions any more.
    pub(super) fn keep_ends<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId, ends: Ends) {
        if base.life.closed_error().is_some() {
            return base.drop_ends(id, &ends);
        }
        match base.peers.get_mut(id) {
            Some(peer) => {
                peer.ends = Some(Box::new(ends));
                self.tell_next_end(base, id);
            }
            None => self.add_ends_to_leftover(base, id, ends),
        }
    }

    /// Makes the next message of a peer that is on its way out; only while it has none, so that one at most of
    /// them waits.
    pub(super) fn tell_next_end<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId) {
        let Some(message) = base.peers.get_mut(id).and_then(Peer::next_end) else { return };
        base.count_received(id, message.size());
        self.put_into_inbox(base, id, message);
    }
}

impl<S: AsyncStream> Base<S> {
    /// Counts what nobody is there to be told.
    pub(super) fn drop_ends(&mut self, id: PeerId, ends: &Ends) {
        self.ledger.receive_late(ends.len() as u64, ends.payload() as u64);
        self.count_recv_dropped(Some(id), self.life.cause_of_end(), ends.len() as u64);
    }
}

impl<S> Peer<S> {
    fn next_end(&mut self) -> Option<Message> {
        let ends = self.ends.as_mut().filter(|_| self.inbox.is_empty())?;
        let message = ends.next();
        self.ends.take_if(|ends| ends.is_empty());
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_come_back_in_order_and_give_their_memory_back() {
        let mut ends = Ends::default();
        let topics: Vec<_> = (0..10_000).map(|n| "x".repeat(n % 40) + &n.to_string()).collect();
        topics.iter().for_each(|topic| ends.push(topic.as_bytes()));
        let cost: usize = topics.iter().map(|topic| notice(false, topic.as_bytes()).cost()).sum();
        assert_eq!((ends.len(), ends.cost()), (10_000, cost));
        for (n, topic) in topics.iter().enumerate() {
            assert_eq!(ends.next().unwrap()[0], format!("\0{topic}"));
            assert_eq!(ends.len(), 9_999 - n);
            assert!(ends.packed.capacity() <= 2 * (ends.cost() + 100));
        }
        assert!(ends.next().is_none() && ends.is_empty() && ends.cost() == 0);
        assert_eq!(ends.packed.capacity(), 0);
    }
}
