//! Messages that were received and come back.

use super::base::Base;
use super::inbound::Inbound;
use super::pattern::{Delivery, Pattern};
use crate::message::Message;
use crate::monitor::{DropCause, PeerId};
use crate::runtime::AsyncStream;

impl Inbound {
    /// Takes the message back that was received last: it is received next, as if it had not been before.
    pub(crate) fn put_back<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        pattern: &mut dyn Pattern,
        peer: PeerId,
        mut message: Message,
    ) {
        base.ledger.take_back();
        if self.delivery == Delivery::ByTurns && !pattern.take_back(&mut message) {
            return base.count_recv_dropped(Some(peer), DropCause::Superseded, 1);
        }
        if base.life.closed_error().is_some() {
            return base.count_recv_dropped(Some(peer), base.life.cause_of_end(), 1);
        }
        self.returned.push_front((peer, message));
        base.wake_receiver();
    }
}
