//! Work handed out to workers, and results collected.
//!
//! ```sh
//! cargo run --example pipeline -- [--runtime tokio|compio]
//! ```
//!
//! The code is in `run.rs`.

#[macro_use]
#[path = "../support/runtime.rs"]
mod runtime;

example!("Work handed out to workers, and results collected.");
