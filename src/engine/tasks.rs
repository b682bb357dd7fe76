//! What socket types ask of the engine.

use std::task::Waker;

use bytes::Bytes;

use super::changes::Change;
use super::core::Core;
use super::ends::Ends;
use super::pending::Queued;
use crate::message::Message;
use crate::monitor::{DisconnectReason, DropCause, PeerId, SocketEvent};
use crate::resilience::Permit;
use crate::runtime::AsyncStream;

/// Things to do, in order.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Vec<Task>);

#[derive(Debug)]
enum Task {
    Deliver(PeerId, Message),
    Notice(PeerId, Message),
    TellEnds(PeerId, Ends),
    Send(PeerId, Message),
    Tell(PeerId, Change),
    Disconnect(PeerId, DisconnectReason),
    RefuseSubscription(PeerId, Bytes),
    Resubmit(Message),
    DropPending(DropCause),
    WakeWatchers,
    Wake(Waker),
}

impl Tasks {
    /// Hands a message to the application, as if `peer` had sent it.
    pub(crate) fn deliver(&mut self, peer: PeerId, message: Message) {
        self.0.push(Task::Deliver(peer, message));
    }

    /// Tells the application, as it receives, that a peer came or went.
    pub(crate) fn notice(&mut self, peer: PeerId, message: Message) {
        self.0.push(Task::Notice(peer, message));
    }

    /// Tells the application, as it receives, that `peer` has these subscriptions no more.
    pub(crate) fn tell_ends(&mut self, peer: PeerId, ends: Ends) {
        if !ends.is_empty() {
            self.0.push(Task::TellEnds(peer, ends));
        }
    }

    /// Sends a message of the socket's own to `peer`, whatever its mark.
    pub(crate) fn send(&mut self, peer: PeerId, message: Message) {
        self.0.push(Task::Send(peer, message));
    }

    /// Tells `peer` of a change of our subscriptions.
    pub(crate) fn tell(&mut self, peer: PeerId, change: Change) {
        self.0.push(Task::Tell(peer, change));
    }

    /// Ends a connection.
    pub(crate) fn disconnect(&mut self, peer: PeerId, reason: DisconnectReason) {
        self.0.push(Task::Disconnect(peer, reason));
    }

    /// Counts and tells that a peer did not get a subscription to `topic`.
    pub(crate) fn refuse_subscription(&mut self, peer: PeerId, topic: &[u8]) {
        /// Enough to know it by; a topic may have a MiB.
        const TOLD: usize = 255;
        let told = Bytes::copy_from_slice(&topic[..topic.len().min(TOLD)]);
        self.0.push(Task::RefuseSubscription(peer, told));
    }

    /// Sends a message once more, to whichever peer comes next.
    pub(crate) fn resubmit(&mut self, message: Message) {
        self.0.push(Task::Resubmit(message));
    }

    /// Drops what waits for a peer.
    pub(crate) fn drop_pending(&mut self, cause: DropCause) {
        self.0.push(Task::DropPending(cause));
    }

    /// Wakes one who waits for something of the pattern's own.
    pub(crate) fn wake(&mut self, waker: Option<Waker>) {
        self.0.extend(waker.map(Task::Wake));
    }

    /// The table of subscriptions has changed.
    pub(crate) fn subscriptions_changed(&mut self) {
        self.0.push(Task::WakeWatchers);
    }
}

impl<S: AsyncStream> Core<S> {
    /// Does what the pattern asked for in the call that has just returned.
    #[inline]
    pub(crate) fn perform_tasks(&mut self) {
        if !self.tasks.0.is_empty() {
            self.perform_all_tasks();
        }
    }

    /// Tasks may lead to further ones; those come after.
    #[cold]
    fn perform_all_tasks(&mut self) {
        while !self.tasks.0.is_empty() {
            for task in std::mem::take(&mut self.tasks.0) {
                self.perform(task);
            }
        }
    }

    fn deliver(&mut self, peer: PeerId, message: Message) {
        self.count_received(peer, message.size());
        self.put_into_inbox(peer, message);
    }

    fn perform(&mut self, task: Task) {
        match task {
            Task::Deliver(peer, message) => self.deliver(peer, message),
            Task::Notice(peer, message) => {
                self.count_notice(peer);
                self.deliver(peer, message);
            }
            Task::TellEnds(peer, ends) => self.keep_ends(peer, ends),
            Task::Send(peer, message) => {
                self.ledger.accept();
                self.queue(peer, Queued::new(message, Permit::none()));
                self.answer(peer);
            }
            Task::Tell(peer, change) => self.send_change(peer, change),
            Task::Disconnect(peer, reason) => self.doom(peer, reason),
            Task::RefuseSubscription(peer, topic) => {
                self.ledger.refuse_subscription();
                let user = self.user_of(peer);
                self.emit(SocketEvent::SubscriptionRefused { peer, user, topic });
            }
            Task::Resubmit(message) => {
                self.queue_pending(message, Permit::none());
                self.offer_pending();
            }
            Task::DropPending(cause) => self.drop_pending(cause),
            Task::Wake(waker) => self.effects.wake(Some(waker)),
            Task::WakeWatchers => {
                self.wake_watchers();
                self.release_held_back();
            }
        }
    }
}
