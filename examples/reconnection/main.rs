//! A server that comes late, goes away and comes back.
//!
//! ```sh
//! cargo run --example reconnection -- [--runtime tokio|compio]
//! ```
//!
//! The code is in `run.rs`.

#[macro_use]
#[path = "../support/runtime.rs"]
mod runtime;

example!("A server that comes late, goes away and comes back.");
