//! What socket types ask of the engine.

use std::task::Waker;

use bytes::Bytes;

use super::base::Base;
use super::changes::Change;
use super::core::Core;
use super::ends::Ends;
use super::inbound::Inbound;
use super::pending::Queued;
use crate::message::Message;
use crate::monitor::{DisconnectReason, DropCause, PeerId, SocketEvent};
use crate::resilience::Permit;
use crate::runtime::AsyncStream;

/// Things to do, in order.
#[derive(Debug, Default)]
pub(crate) struct Commands(Vec<Command>);

#[derive(Debug)]
enum Command {
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

impl Commands {
    /// Hands a message to the application, as if `peer` had sent it.
    pub(crate) fn deliver(&mut self, peer: PeerId, message: Message) {
        self.0.push(Command::Deliver(peer, message));
    }

    /// Tells the application, as it receives, that a peer came or went.
    pub(crate) fn notice(&mut self, peer: PeerId, message: Message) {
        self.0.push(Command::Notice(peer, message));
    }

    /// Tells the application, as it receives, that `peer` has these subscriptions no more.
    pub(crate) fn tell_ends(&mut self, peer: PeerId, ends: Ends) {
        if !ends.is_empty() {
            self.0.push(Command::TellEnds(peer, ends));
        }
    }

    /// Sends a message of the socket's own to `peer`, whatever its mark.
    pub(crate) fn send(&mut self, peer: PeerId, message: Message) {
        self.0.push(Command::Send(peer, message));
    }

    /// Tells `peer` of a change of our subscriptions.
    pub(crate) fn tell(&mut self, peer: PeerId, change: Change) {
        self.0.push(Command::Tell(peer, change));
    }

    /// Ends a connection.
    pub(crate) fn disconnect(&mut self, peer: PeerId, reason: DisconnectReason) {
        self.0.push(Command::Disconnect(peer, reason));
    }

    /// Counts and tells that a peer did not get a subscription to `topic`.
    pub(crate) fn refuse_subscription(&mut self, peer: PeerId, topic: &[u8]) {
        /// Enough to know it by; a topic may have a MiB.
        const TOLD: usize = 255;
        let told = Bytes::copy_from_slice(&topic[..topic.len().min(TOLD)]);
        self.0.push(Command::RefuseSubscription(peer, told));
    }

    /// Sends a message once more, to whichever peer comes next.
    pub(crate) fn resubmit(&mut self, message: Message) {
        self.0.push(Command::Resubmit(message));
    }

    /// Drops what waits for a peer.
    pub(crate) fn drop_pending(&mut self, cause: DropCause) {
        self.0.push(Command::DropPending(cause));
    }

    /// Wakes one who waits for something of the pattern's own.
    pub(crate) fn wake(&mut self, waker: Option<Waker>) {
        self.0.extend(waker.map(Command::Wake));
    }

    /// The table of subscriptions has changed.
    pub(crate) fn subscriptions_changed(&mut self) {
        self.0.push(Command::WakeWatchers);
    }
}

impl Inbound {
    fn deliver<S: AsyncStream>(&mut self, base: &mut Base<S>, peer: PeerId, message: Message) {
        base.count_received(peer, message.size());
        self.put_into_inbox(base, peer, message);
    }
}

impl<S: AsyncStream> Core<S> {
    /// Does what the pattern asked for in the call that has just returned.
    #[inline]
    pub(crate) fn perform_commands(&mut self) {
        if !self.commands.0.is_empty() {
            self.perform_all_commands();
        }
    }

    /// None leads to further ones: the pattern is not called from here.
    #[cold]
    fn perform_all_commands(&mut self) {
        for command in std::mem::take(&mut self.commands.0) {
            self.perform(command);
        }
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Deliver(peer, message) => self.inbound.deliver(&mut self.base, peer, message),
            Command::Notice(peer, message) => {
                self.base.peers.get_mut(peer).into_iter().for_each(|peer| peer.notices += 1);
                self.inbound.deliver(&mut self.base, peer, message);
            }
            Command::TellEnds(peer, ends) => self.inbound.keep_ends(&mut self.base, peer, ends),
            Command::Send(peer, message) => {
                self.base.ledger.accept();
                self.outbound.queue(
                    &mut self.base,
                    &self.inbound,
                    peer,
                    Queued::new(message, Permit::none()),
                );
                self.base.answer(peer);
            }
            Command::Tell(peer, change) => {
                self.outbound.send_change(&mut self.base, &self.inbound, peer, change)
            }
            Command::Disconnect(peer, reason) => self.inbound.doom(&mut self.base, peer, reason),
            Command::RefuseSubscription(peer, topic) => {
                self.base.ledger.refuse_subscription();
                let user = self.inbound.user_of(&self.base, peer);
                self.base.emit(SocketEvent::SubscriptionRefused { peer, user, topic });
            }
            Command::Resubmit(message) => {
                self.outbound.queue_pending(&mut self.base, &mut *self.pattern, message, Permit::none());
                self.outbound.offer_pending(&mut self.base);
            }
            Command::DropPending(cause) => self.outbound.drop_pending(&mut self.base, cause),
            Command::Wake(waker) => self.base.effects.wake(Some(waker)),
            Command::WakeWatchers => {
                self.base.wake_watchers();
                self.base.release_held_back();
            }
        }
    }
}
