//! Messages that were received and come back.

use super::core::Core;
use super::pattern::Delivery;
use crate::message::Message;
use crate::monitor::{DropCause, PeerId};
use crate::runtime::AsyncStream;

impl<S: AsyncStream> Core<S> {
    /// Takes the message back that was received last: it is received next, as if it had not been before.
    pub(crate) fn put_back(&mut self, peer: PeerId, mut message: Message) {
        self.ledger.take_back();
        if self.inbound.delivery == Delivery::ByTurns && !self.pattern.take_back(&mut message) {
            return self.count_recv_dropped(Some(peer), DropCause::Superseded, 1);
        }
        if self.closed_error().is_some() {
            return self.count_recv_dropped(Some(peer), self.cause_of_end(), 1);
        }
        self.inbound.returned.push_front((peer, message));
        self.wake_receiver();
    }
}
