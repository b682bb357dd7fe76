//! A limit for each session in real time: most take milliseconds. One that turns within a single poll, where the
//! simulation sees nothing of it, ends the process, with its seed.

use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use crate::plan::Plan;

const LIMIT: Duration = Duration::from_secs(60);

/// The session under way; it is over when this is dropped.
pub struct Watch {
    _over: Sender<()>,
}

impl Watch {
    pub fn new(plan: &Plan) -> Self {
        let (_over, over) = mpsc::channel();
        let text = plan.to_string();
        std::thread::spawn(move || {
            if over.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                // Directly: what is printed is shown only of tests that end.
                let message = format!("\na session hangs: it has taken {LIMIT:?}\n{text}\n");
                let _ = std::io::stderr().write_all(message.as_bytes());
                std::process::abort();
            }
        });
        Self { _over }
    }
}
