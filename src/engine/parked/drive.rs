//! Driving a socket that has no companion: whoever waits does its work.

use crate::engine::core::Core;
use crate::runtime::AsyncStream;

impl<S: AsyncStream> Core<S> {
    /// What a caller that waits for something other than a message does meanwhile: write, answer, read
    /// ahead up to the marks, so that two ends that only send cannot block each other.
    pub(crate) fn detached_turn(&mut self) {
        self.turn(|core| {
            core.collect_ready();
            core.read_ahead_now();
        });
        self.detached_tick();
    }

    /// Deadlines are looked at when the socket is polled.
    pub(super) fn detached_tick(&mut self) {
        self.turn(|core| {
            // Without an endpoint there is nothing to dial.
            let _nothing_to_dial = core.tick(std::time::Instant::now());
            core.close_step();
        });
    }
}
