//! A server that is asked to stop: it takes no more requests, answers those that it has, and goes.
//!
//! ```sh
//! cargo run --example shutdown -- [--runtime tokio|compio]
//! ```
//!
//! The code is in `run.rs`.

#[macro_use]
#[path = "../support/runtime.rs"]
mod runtime;

example!("A server that is asked to stop: it takes no more requests, answers those that it has, and goes.");
