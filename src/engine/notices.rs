//! What the socket itself tells the application about its connections (`router_notify`, `disconnect_message`,
//! `hiccup_message`).
//!
//! These messages wait with those of the peer, and past its mark. Connections that come and go while nobody receives
//! would pile them up, so there is a bound: while what ended connections have left is at the mark, the end of one that
//! the application has heard nothing of is no news, and nor is that it came.

use super::core::Core;
use super::inbound::Inbound;
use super::peer::Peer;
use crate::monitor::DropCause;
use crate::runtime::AsyncStream;

impl<S> Peer<S> {
    /// Whether all that there is to receive of it is what the socket itself has said, and nothing was received.
    fn is_unheard_of(&self) -> bool {
        // Ends of subscriptions can be dropped that were never received.
        let came = self.account.totals().received.checked_sub(self.account.recv_dropped().total());
        came == Some(self.notices) && self.inbox.len() as u64 == self.notices && self.ends.is_none()
    }
}

impl Inbound {
    /// Whether a connection that has ended, of which no message is left, came and went unheard of while there is no
    /// room to tell of it.
    pub(super) fn is_no_news<S>(&self, peer: &Peer<S>) -> bool {
        peer.is_unheard_of() && self.leftovers.are_full_without(peer.id)
    }
}

impl<S: AsyncStream> Core<S> {
    /// Drops what was to be told of it.
    pub(super) fn drop_news(&mut self, peer: &mut Peer<S>) {
        let dropped = peer.empty_inbox() + self.inbound.leftovers.retract(peer.id) as u64;
        self.base.count_recv_dropped(Some(peer.id), DropCause::Leftover, dropped);
        self.forget_pattern_sender(peer.id);
    }
}
