//! A queue between clients and workers, steered while it runs.
//!
//! ```sh
//! cargo run --example broker -- [--runtime tokio|compio]
//! ```
//!
//! The code is in `run.rs`.

#[macro_use]
#[path = "../support/runtime.rs"]
mod runtime;

example!("A queue between clients and workers, steered while it runs.");
