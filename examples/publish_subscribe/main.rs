//! Topics, subscribers that read and one that does not.
//!
//! ```sh
//! cargo run --example publish_subscribe -- [--runtime tokio|compio]
//! ```
//!
//! The code is in `run.rs`.

#[macro_use]
#[path = "../support/runtime.rs"]
mod runtime;

example!("Topics, subscribers that read and one that does not.");
