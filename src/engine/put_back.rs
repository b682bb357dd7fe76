//! Messages that were received and come back.

use super::core::Core;
use crate::message::Message;
use crate::monitor::PeerId;
use crate::runtime::AsyncStream;

impl<S: AsyncStream> Core<S> {
    /// Takes the message back that was received last: it is received next, as if it had not been before.
    pub(crate) fn put_back(&mut self, mut message: Message) {
        let owner =
            if self.inbound.gated { self.pattern.take_back(&mut message) } else { Some(PeerId::NOBODY) };
        self.counters.delivered -= 1;
        let Some(owner) = owner else {
            self.counters.recv_dropped += 1;
            return;
        };
        self.inbound.orphan_level.add(message.size());
        self.inbound.orphans.push_front((owner, message));
        let receiver = self.ready.pop_receiver();
        self.effects.wake(receiver);
    }
}
