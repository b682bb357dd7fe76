//! Sockets with nothing to do let the processor rest.
//!
//! A binary and a test of its own, because it looks at the time that the whole process has used.
#![cfg(all(target_os = "linux", any(feature = "tokio", feature = "compio")))]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, once for each runtime")]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "support/mod.rs"]
mod support;
#[macro_use]
#[path = "support/process.rs"]
mod process;

mount!(idle);

#[test]
fn idle() {
    #[cfg(feature = "tokio")]
    tokio::idle::sockets_rest();
    #[cfg(feature = "compio")]
    compio::idle::sockets_rest();
}
