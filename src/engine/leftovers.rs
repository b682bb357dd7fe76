//! What connections that have ended leave to the application.
//!
//! Messages that were decoded before the end stay messages. What was read and not decoded stays as it came, a
//! few bytes for each message, and is decoded only when the application takes it: decoded at once it could cost
//! seventy times as much, for each of any number of connections.

mod keeping;
mod share;
mod undecoded;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use self::share::Share;
use self::undecoded::Undecoded;
use super::base::Base;
use super::ends::Ends;
use super::inbound::Inbound;
use crate::fifo::Fifo;
use crate::message::Message;
use crate::monitor::PeerId;
use crate::options::SocketOptions;
use crate::resilience::HighWater;
use crate::runtime::AsyncStream;

/// The leftovers of all connections of a socket, oldest first.
#[derive(Debug)]
pub(crate) struct Leftovers {
    by_peer: HashMap<PeerId, Leftover>,
    order: VecDeque<PeerId>,
    /// Messages among them, against the marks that a living peer has.
    level: HighWater,
    /// Ends of subscriptions, against the same marks.
    ends: HighWater,
    /// Bytes that are not decoded, with the first message of each, and how many there may be.
    raw: usize,
    max_raw: usize,
    share: Share,
    /// Who they are, of those that were named.
    users: HashMap<PeerId, Arc<str>>,
}

/// The leftover of one connection, in the order in which it is received.
#[derive(Debug, Default)]
struct Leftover {
    /// Decoded before the end.
    inbox: Fifo<Message>,
    undecoded: Option<Undecoded>,
    /// What the socket itself says about the end.
    farewell: Fifo<Message>,
    /// Behind that: each is a message only when it is received.
    ends: Ends,
}

impl Leftover {
    fn decoded(&self) -> impl Iterator<Item = &Message> {
        self.inbox.iter().chain(self.farewell.iter())
    }
}

impl Leftovers {
    pub(crate) fn new(options: &SocketOptions) -> Self {
        Self {
            by_peer: HashMap::new(),
            order: VecDeque::new(),
            level: HighWater::new(options.recv_hwm, options.recv_hwm_bytes),
            ends: HighWater::new(options.recv_hwm, options.recv_hwm_bytes),
            raw: 0,
            max_raw: options.leftover_bytes.unwrap_or(options.recv_hwm_bytes),
            share: Share::default(),
            users: HashMap::new(),
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Whether the next message comes from them.
    #[inline]
    pub(super) fn have_turn(&self) -> bool {
        !self.order.is_empty() && !self.share.living
    }

    /// The living have nothing: the turn is theirs.
    pub(super) fn take_turn(&mut self) {
        self.share = Share::default();
    }

    /// A message was received, of whoever had the turn.
    #[inline]
    pub(super) fn count_turn(&mut self) {
        if !self.order.is_empty() {
            self.share.count();
        }
    }

    /// Whether there are as many messages as a living peer may have waiting: then nobody is read ahead.
    pub(super) fn are_full(&self) -> bool {
        self.level.is_full() || self.ends.is_full()
    }

    /// Messages that wait to be received, as far as they are decoded.
    pub(super) fn messages(&self) -> usize {
        self.level.messages()
    }

    /// What those cost.
    pub(super) fn bytes(&self) -> usize {
        self.level.bytes()
    }

    fn push(&mut self, id: PeerId, message: Message) {
        self.level.add(message.cost());
        self.entry(id).inbox.push_back(message);
    }

    fn push_ends(&mut self, id: PeerId, ends: Ends) {
        self.ends.add_all(ends.len(), ends.cost());
        self.entry(id).ends = ends;
    }

    fn entry(&mut self, id: PeerId) -> &mut Leftover {
        self.by_peer.entry(id).or_insert_with(|| {
            self.order.push_back(id);
            Leftover::default()
        })
    }

    /// Puts what a connection has left in front of what the socket has said about its end by now.
    fn put_in_front(&mut self, id: PeerId, inbox: Fifo<Message>, undecoded: Option<Undecoded>) {
        if inbox.is_empty() && undecoded.is_none() {
            return;
        }
        self.raw += undecoded.as_ref().map_or(0, Undecoded::cost);
        inbox.iter().for_each(|message| self.level.add(message.cost()));
        let entry = self.entry(id);
        let mut farewell = std::mem::replace(&mut entry.inbox, inbox);
        if undecoded.is_some() {
            entry.farewell = farewell;
        } else {
            entry.inbox.append(&mut farewell);
        }
        entry.undecoded = undecoded;
    }

    /// A message that costs more than all may is admitted alone.
    fn has_room_for(&self, raw: &Undecoded) -> bool {
        let cost = if self.raw == 0 { raw.cost_without_first() } else { raw.cost() };
        cost <= self.max_raw.saturating_sub(self.raw)
    }

    /// Whether what others have left is as much as a living peer may have waiting.
    pub(super) fn are_full_without(&self, id: PeerId) -> bool {
        let own = self.by_peer.get(&id).map_or((0, 0), |own| {
            own.decoded().fold((0, 0), |(count, cost), message| (count + 1, cost + message.cost()))
        });
        let mut others = self.level;
        others.remove_all(own.0, own.1);
        others.is_full()
    }

    /// Takes back what was said about a connection just now; how many messages.
    pub(super) fn retract(&mut self, id: PeerId) -> usize {
        match self.order.back() {
            Some(last) if *last == id => {
                self.order.pop_back();
                self.take(id).map_or(0, |left| left.decoded().count())
            }
            _ => 0,
        }
    }

    /// All that the oldest connection has left.
    fn pop(&mut self) -> Option<(PeerId, Leftover)> {
        let id = self.order.pop_front()?;
        Some((id, self.take(id)?))
    }

    fn take(&mut self, id: PeerId) -> Option<Leftover> {
        let leftover = self.by_peer.remove(&id)?;
        leftover.decoded().for_each(|message| self.level.remove(message.cost()));
        self.raw -= leftover.undecoded.as_ref().map_or(0, Undecoded::cost);
        self.ends.remove_all(leftover.ends.len(), leftover.ends.cost());
        Some(leftover)
    }

    /// The next message of the oldest leftover that is decoded.
    fn pop_decoded(&mut self) -> Option<(PeerId, Message)> {
        let id = *self.order.front()?;
        let message = self.by_peer.get_mut(&id)?.inbox.pop_front()?;
        self.level.remove(message.cost());
        Some((id, message))
    }
}

/// What is next of the oldest leftover.
enum Next {
    /// A message that the socket has not judged yet.
    Undecided(PeerId, Message),
    /// The end of a subscription.
    End(PeerId, Message),
    /// All its bytes are decoded; whether they end in the middle of a message.
    Decoded(PeerId, bool),
    /// Nothing is left of it.
    Over(PeerId),
}

impl Leftovers {
    fn next(&mut self) -> Option<Next> {
        let id = *self.order.front()?;
        let entry = self.by_peer.get_mut(&id)?;
        if let Some(undecoded) = &mut entry.undecoded {
            if let Some(message) = undecoded.next() {
                return Some(Next::Undecided(id, message));
            }
            let (cut, cost) = (undecoded.is_cut(), undecoded.cost());
            self.raw -= cost;
            entry.undecoded = None;
            entry.inbox = std::mem::take(&mut entry.farewell);
            return Some(Next::Decoded(id, cut));
        }
        if entry.inbox.is_empty() && !entry.farewell.is_empty() {
            // There were no bytes in between.
            entry.inbox = std::mem::take(&mut entry.farewell);
            return Some(Next::Decoded(id, false));
        }
        if !entry.inbox.is_empty() {
            return None;
        }
        if let Some(message) = entry.ends.next() {
            self.ends.remove(message.cost());
            return Some(Next::End(id, message));
        }
        self.by_peer.remove(&id);
        self.order.pop_front();
        Some(Next::Over(id))
    }
}

impl Inbound {
    /// Whom the authenticator has named at the other end of a connection that there is, or that has left something.
    pub(crate) fn user_of<S: AsyncStream>(&self, base: &Base<S>, id: PeerId) -> Option<Arc<str>> {
        match base.peers.get(id) {
            Some(peer) => peer.info.as_ref()?.user.clone(),
            None => self.leftovers.users.get(&id).cloned(),
        }
    }

    /// Adds the ends of the subscriptions that it had.
    pub(super) fn add_ends_to_leftover<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        id: PeerId,
        ends: Ends,
    ) {
        self.leftovers.push_ends(id, ends);
        base.wake_receiver();
    }

    /// Adds what the socket itself has to say about a connection that has ended.
    pub(super) fn add_to_leftover<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        id: PeerId,
        message: Message,
    ) {
        self.leftovers.push(id, message);
        base.wake_receiver();
    }
}

#[cfg(test)]
mod tests;
