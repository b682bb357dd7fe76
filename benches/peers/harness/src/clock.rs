//! The time and the work of some messages.

use std::time::Instant;

use crate::{Figures, system};

/// Runs from when it is started.
pub struct Clock {
    start: Instant,
    cpu: f64,
}

impl Clock {
    pub fn start() -> Self {
        Self { start: Instant::now(), cpu: system::cpu_seconds() }
    }

    /// Seconds, rate, and processor seconds per million, now that the last message is there.
    pub fn figures(&self, count: u64) -> Figures {
        let seconds = self.start.elapsed().as_secs_f64();
        let cpu = system::cpu_seconds() - self.cpu;
        let count = count as f64;
        Figures::from([
            ("seconds".into(), seconds),
            ("count".into(), count),
            ("per_second".into(), count / seconds),
            ("cpu_per_million".into(), cpu / count * 1e6),
        ])
    }
}

/// A clock that starts with the first message after the warm-up.
pub struct LateClock {
    warm_up: u64,
    count: u64,
    clock: Option<Clock>,
}

impl LateClock {
    pub fn new(warm_up: u64, count: u64) -> Self {
        Self { warm_up, count, clock: None }
    }

    /// To be told of each message, by its number.
    #[inline]
    pub fn tick(&mut self, number: u64) {
        if number == self.warm_up {
            self.clock = Some(Clock::start());
        }
    }

    /// The figures, now that the last message is there.
    pub fn figures(&self) -> Figures {
        self.clock.as_ref().expect("a warm-up that is shorter than the task").figures(self.count)
    }
}
