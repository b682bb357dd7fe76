//! Sockets without a companion task: their callers do its work while they wait.

use std::task::Waker;
use std::time::Instant;

use super::core::{Companion, Core};
use super::wait::WaitKey;
use crate::runtime::AsyncStream;

impl<S: AsyncStream> Core<S> {
    /// Whether the socket must be driven by its callers.
    pub(crate) fn is_detached(&self) -> bool {
        self.companion == Companion::None
    }

    /// What a caller that waits for something other than a message does meanwhile: write, answer, read
    /// ahead up to the marks, so that two ends that only send cannot block each other.
    pub(crate) fn detached_turn(&mut self) {
        self.turn(|core| {
            core.collect_ready();
            core.read_ahead_now();
        });
        self.detached_tick();
    }

    /// A caller waits, and drives the socket meanwhile if nobody else does.
    pub(crate) fn park_helper(&mut self, key: &mut WaitKey, waker: &Waker) {
        if self.is_detached() {
            let next = self.ready.park_helper(key, waker);
            self.effects.wake(next);
        }
    }

    /// A caller no longer waits as the one that drives; another may have to take over.
    pub(crate) fn unpark_helper(&mut self, key: &mut WaitKey) {
        if key.is_some() {
            let next = self.ready.unpark_helper(key);
            self.effects.wake(next);
        }
    }

    /// Deadlines are looked at when the socket is polled.
    pub(crate) fn detached_tick(&mut self) {
        self.turn(|core| {
            // Without an endpoint there is nothing to dial.
            let _dials = core.tick(Instant::now());
            core.close_step();
        });
    }
}
