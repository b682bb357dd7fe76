//! Ten thousand connections that say nothing, or not much, beside one that works.
//!
//! A binary of its own, because it takes most of the descriptors that the process may have.
#![cfg(any(feature = "tokio", feature = "compio"))]
#![cfg(unix)]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, once for each runtime")]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "support/mod.rs"]
mod support;
#[macro_use]
#[path = "support/process.rs"]
mod process;

mount!(crowd);

#[test]
fn crowd() {
    #[cfg(feature = "tokio")]
    tokio::crowd::all();
    #[cfg(feature = "compio")]
    compio::crowd::all();
}
