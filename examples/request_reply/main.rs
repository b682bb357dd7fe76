//! Requests and replies, one that comes too late, and a server that goes away.
//!
//! ```sh
//! cargo run --example request_reply -- [--runtime tokio|compio]
//! ```
//!
//! The code is in `run.rs`.

#[macro_use]
#[path = "../support/runtime.rs"]
mod runtime;

example!("Requests and replies, one that comes too late, and a server that goes away.");
