//! When the time begins of a scenario whose sender may be far ahead of its receivers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::Contestant;
use crate::clock::Clock;
use crate::{Figures, Result};

/// How often to look whether the warm-up has arrived.
const LOOK: Duration = Duration::from_millis(1);

/// Starts the clock at the sender's first call after the warm-up, which it makes when the warm-up has arrived: what a
/// library does in `send`, and what it holds back until `flush`, takes its time like the rest.
pub struct Start {
    cold: AtomicUsize,
    clock: Mutex<Option<Clock>>,
}

impl Start {
    pub fn new(receivers: usize) -> Self {
        Self { cold: AtomicUsize::new(receivers), clock: Mutex::new(None) }
    }

    /// One of the receivers has got its warm-up.
    pub fn warm(&self) {
        self.cold.fetch_sub(1, Ordering::Release);
    }

    /// Waits until all have, and starts the clock.
    pub async fn wait(&self, contestant: impl Contestant) {
        while self.cold.load(Ordering::Acquire) > 0 {
            contestant.pause(LOOK).await;
        }
        *self.clock.lock().expect("no panic goes on") = Some(Clock::start());
    }

    /// The figures of that many messages, now that the last is there.
    pub fn figures(&self, count: u64) -> Result<Figures> {
        let clock = self.clock.lock().expect("no panic goes on");
        Ok(clock.as_ref().ok_or("all messages before the warm-up was over")?.figures(count))
    }
}
