//! One budget in bytes for several sockets.
//!
//! ```sh
//! cargo run --example byte_budget -- [--runtime tokio|compio]
//! ```
//!
//! The code is in `run.rs`.

#[macro_use]
#[path = "../support/runtime.rs"]
mod runtime;

example!("One budget in bytes for several sockets.");
