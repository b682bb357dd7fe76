//! The heap: bounded under load, small when idle, and back where it was afterwards.
//!
//! A binary and a test of its own, because it counts what the whole process allocates.
#![cfg(any(feature = "tokio", feature = "compio"))]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, once for each runtime")]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "support/counting.rs"]
mod counting;
#[path = "support/dropping.rs"]
#[allow(dead_code, reason = "the number of rounds is for others")]
mod dropping;
#[path = "support/mod.rs"]
mod support;
#[macro_use]
#[path = "support/process.rs"]
mod process;

mount!(cycles, heap, shapes, until);

use counting::{live, take_peak};

#[test]
fn heap() {
    #[cfg(feature = "tokio")]
    tokio::heap::all();
    #[cfg(feature = "tokio")]
    tokio::shapes::all();
    #[cfg(feature = "compio")]
    compio::heap::all();
    #[cfg(feature = "compio")]
    compio::shapes::all();
}
