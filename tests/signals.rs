//! A peer that is gone is an error for whoever writes to it, and never the signal that ends programs which
//! leave SIGPIPE at its default, as command line tools do.
//!
//! Rust ignores the signal when a program starts, and what is ignored leaves no trace. So the test runs itself
//! once more with the signal blocked, where it would stay pending for all to see.
#![cfg(any(feature = "tokio", feature = "compio"))]
#![cfg(target_os = "linux")]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, once for each runtime")]

#[macro_use(test)]
extern crate monocoque_test_limit;

use std::io::Write;
use std::process::{Command, Stdio};

#[path = "support/mod.rs"]
mod support;
#[macro_use]
#[path = "support/process.rs"]
mod process;

mount!(signals);

/// Set where the signal is blocked.
const BLOCKED: &str = "MONOCOQUE_SIGPIPE_IS_BLOCKED";

#[test]
fn writing_to_a_lost_peer_raises_no_signal() {
    if std::env::var_os(BLOCKED).is_none() {
        let status = Command::new("env")
            .arg("--block-signal=PIPE")
            .arg(std::env::current_exe().unwrap())
            .arg("--nocapture")
            .env(BLOCKED, "1")
            .status();
        return assert!(status.unwrap().success());
    }
    #[cfg(feature = "tokio")]
    tokio::signals::writing_to_a_lost_peer_raises_none();
    #[cfg(feature = "compio")]
    compio::signals::writing_to_a_lost_peer_raises_none();
    raises_one();
    assert!(is_pending(), "it would have been seen");
}

/// Writes to a pipe that nobody reads from.
fn raises_one() {
    let mut gone = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = gone.stdin.take().unwrap();
    gone.wait().unwrap();
    pipe.write_all(b"x").unwrap_err();
}

/// Whether SIGPIPE waits for a thread of this process.
fn is_pending() -> bool {
    const SIGPIPE: u32 = 13;
    std::fs::read_dir("/proc/self/task").unwrap().any(|task| {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        let pending = status.lines().find_map(|line| line.strip_prefix("SigPnd:\t")).unwrap();
        u64::from_str_radix(pending, 16).unwrap() & 1 << (SIGPIPE - 1) != 0
    })
}
