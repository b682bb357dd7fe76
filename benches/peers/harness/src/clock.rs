//! The time and the work of the messages after the warm-up.

use std::time::Instant;

use crate::{Figures, system};

/// Runs from the first message after the warm-up to the last.
pub struct Clock {
    warm_up: u64,
    count: u64,
    start: Option<(Instant, f64)>,
}

impl Clock {
    pub fn new(warm_up: u64, count: u64) -> Self {
        Self { warm_up, count, start: None }
    }

    /// To be told of each message, by its number.
    #[inline]
    pub fn tick(&mut self, number: u64) {
        if number == self.warm_up {
            self.start();
        }
    }

    /// Starts it, unless it runs already.
    pub fn start_once(&mut self) {
        if self.start.is_none() {
            self.start();
        }
    }

    fn start(&mut self) {
        self.start = Some((Instant::now(), system::cpu_seconds()));
    }

    /// Seconds, rate, and processor seconds per million, now that the last message is there.
    pub fn figures(&self) -> Figures {
        let (start, cpu) = self.start.expect("a warm-up that is shorter than the task");
        let seconds = start.elapsed().as_secs_f64();
        let cpu = system::cpu_seconds() - cpu;
        let count = self.count as f64;
        Figures::from([
            ("seconds".into(), seconds),
            ("count".into(), count),
            ("per_second".into(), count / seconds),
            ("cpu_per_million".into(), cpu / count * 1e6),
        ])
    }
}
