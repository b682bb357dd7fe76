//! Descriptors: none is lost, and running out of them is survived.
//!
//! A binary and a test of its own, because it reads and limits what belongs to the whole process.
#![cfg(any(feature = "tokio", feature = "compio"))]
#![cfg(target_os = "linux")]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, once for each runtime")]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "support/mod.rs"]
mod support;
#[macro_use]
#[path = "support/process.rs"]
mod process;

mount!(cycles, descriptors, until);

#[test]
fn descriptors() {
    #[cfg(feature = "tokio")]
    {
        tokio::descriptors::cycles_leave_none_open();
        tokio::descriptors::reconnections_leave_none_open();
        tokio::descriptors::resets_leave_none_open();
        tokio::descriptors::running_out_is_survived();
    }
    #[cfg(feature = "compio")]
    {
        compio::descriptors::cycles_leave_none_open();
        compio::descriptors::reconnections_leave_none_open();
        compio::descriptors::resets_leave_none_open();
        compio::descriptors::running_out_is_survived();
    }
}
