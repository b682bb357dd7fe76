//! One message for many peers, and the subscriptions that decide for whom.

use super::core::Core;
use super::outbound::queue_message;
use super::pattern::TopicPattern;
use crate::error::Error;
use crate::message::{Frame, Message};
use crate::monitor::{DropCause, PeerId};
use crate::resilience::{FlushPolicy, Permit};
use crate::runtime::AsyncStream;

impl<S: AsyncStream> Core<S> {
    /// Queues a message for all peers that the pattern chose; one that has no room goes without.
    ///
    /// Each copy is a message of its own in the accounts; all of them hold one permit.
    pub(super) fn fan_out(&mut self, message: &mut Message, size: usize, permit: Permit, write: bool) {
        let targets = std::mem::take(self.pattern.targets());
        let permit = permit.into_shared();
        if targets.is_empty() {
            self.counters.accepted += 1;
            self.counters.dropped[DropCause::NoSubscriber as usize] += 1;
        }
        let mut left_over = false;
        for &id in &targets {
            self.counters.accepted += 1;
            if self.queue_copy(id, message, size, &permit) {
                left_over |= self.flush_if_due(id, write);
            } else {
                self.count_dropped(Some(id), DropCause::PeerFull, 1);
            }
        }
        if left_over {
            self.heat_up(write);
        }
        self.effects.drop_permit(permit);
        *self.pattern.targets() = targets;
    }

    /// Whether the peer had room for the message.
    #[inline]
    fn queue_copy(&mut self, id: PeerId, message: &Message, size: usize, permit: &Permit) -> bool {
        let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.has_room(size)) else { return false };
        if self.conflates && peer.has_unsent() {
            self.conflate(id, message.clone(), permit.duplicate());
            return true;
        }
        if peer.link.inproc().is_some() {
            self.pass(id, message.clone(), permit.duplicate());
            return true;
        }
        queue_message(peer, message, permit.duplicate());
        self.mark_dirty(id);
        true
    }

    /// A peer subscribed or unsubscribed by a command.
    pub(super) fn handle_subscription(&mut self, id: PeerId, topic: &[u8], subscribe: bool) {
        self.pattern.subscription(id, topic, subscribe, &mut self.tasks);
        self.perform_tasks();
    }

    /// Tells a peer about one of our subscriptions: outside of its mark, and not counted as a message.
    pub(super) fn send_subscription(&mut self, id: PeerId, topic: &[u8], subscribe: bool) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if peer.link.inproc().is_some() {
            let message = Frame::from([&[u8::from(subscribe)], topic].concat()).into();
            self.counters.accepted += 1;
            return self.pass(id, message, Permit::none());
        }
        if subscribe {
            peer.connection.encode_subscribe(topic, &mut peer.out);
        } else {
            peer.connection.encode_cancel(topic, &mut peer.out);
        }
        peer.out.end_control();
        self.mark_dirty(id);
        if self.options.flush_policy == FlushPolicy::Manual || self.is_detached() {
            self.turn(|core| core.flush_peer(id));
        } else {
            self.heat_up(false);
        }
    }

    /// Has the pattern change the socket's subscriptions.
    pub(crate) fn change_topics<R>(
        &mut self,
        change: impl FnOnce(&mut dyn TopicPattern, &mut super::tasks::Tasks) -> R,
    ) -> Result<R, Error> {
        if let Some(error) = self.ended() {
            return Err(error);
        }
        let topics = self.pattern.topics().ok_or(Error::InvalidState)?;
        let result = change(topics, &mut self.tasks);
        self.perform_tasks();
        Ok(result)
    }
}
