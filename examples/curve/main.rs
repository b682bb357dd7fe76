//! CURVE: keys in files, a server that lets in whom it knows, and clients.
//!
//! ```sh
//! cargo run --features curve --example curve          # all of it at once, in one process
//! cargo run --features curve --example curve -- keys server
//! cargo run --features curve --example curve -- keys client
//! cargo run --features curve --example curve -- server server.secret client.public
//! cargo run --features curve --example curve -- client client.secret server.public "hello"
//! ```
//!
//! Of the sockets the code is in `run.rs`, of the files in `keys.rs`. A server of the fourth line goes after 8 s.
#![cfg_attr(
    not(any(feature = "tokio", feature = "compio")),
    allow(dead_code, unused_imports, unused_variables, reason = "without a runtime it only makes keys")
)]

#[macro_use]
#[path = "../support/runtime.rs"]
mod runtime;

mod args;
mod keys;

use std::error::Error;
use std::process::ExitCode;

use args::{Args, Task};
use runtime::Runtime;

on_each_runtime!(sockets, "run.rs");

fn main() -> ExitCode {
    let Args { runtime, task } = Args::parse();
    let result = match task {
        Task::Keys { name } => keys::write(&name).map(Some),
        task => perform(runtime, task),
    };
    match result {
        Ok(Some(text)) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Ok(None) => runtime.missing(),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What came of it; `None` if the runtime is not compiled in.
fn perform(runtime: Runtime, task: Task) -> Result<Option<String>, Box<dyn Error>> {
    match runtime {
        #[cfg(feature = "tokio")]
        Runtime::Tokio => runtime::tokio::run(on_tokio::sockets::perform(task)).map(Some),
        #[cfg(feature = "compio")]
        Runtime::Compio => runtime::compio::run(on_compio::sockets::perform(task)).map(Some),
        #[allow(unreachable_patterns, reason = "reachable unless both runtimes are compiled in")]
        _ => Ok(None),
    }
}
