//! Sends that are dropped half-way, and what becomes of their messages.
//!
//! ```sh
//! cargo run --example cancellation -- [--runtime tokio|compio]
//! ```
//!
//! The code is in `run.rs`.

#[macro_use]
#[path = "../support/runtime.rs"]
mod runtime;

example!("Sends that are dropped half-way, and what becomes of their messages.");
