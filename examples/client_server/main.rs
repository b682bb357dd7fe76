//! Many requests at once, and a server that answers them in any order: in one process, or in two.
//!
//! ```sh
//! cargo run --example client_server -- [--runtime tokio|compio]
//! cargo run --example client_server -- server tcp://127.0.0.1:5555
//! cargo run --example client_server -- client tcp://127.0.0.1:5555
//! ```
//!
//! The server serves for ever; without a command both are run until the client has its answers. The code is in `run.rs`.
#![cfg_attr(
    not(any(feature = "tokio", feature = "compio")),
    allow(dead_code, unused_imports, unused_macros, reason = "without a runtime there is nothing to run")
)]

mod args;

#[macro_use]
#[path = "../support/runtime.rs"]
mod runtime;

use args::Command;
use runtime::Runtime;

on_each_runtime!(run, "run.rs");

/// What `command` does on one of the runtimes.
macro_rules! on {
    ($runtime:ident, $module:ident, $command:expr) => {
        runtime::exit(runtime::$runtime::run(async {
            match $command {
                Command::Both => $module::run::both().await,
                Command::Server(endpoint) => $module::run::server(&endpoint).await,
                Command::Client(endpoint) => $module::run::client(&endpoint).await,
            }
        }))
    };
}

fn main() -> std::process::ExitCode {
    let (runtime, command) = args::parse();
    match runtime {
        #[cfg(feature = "tokio")]
        Runtime::Tokio => on!(tokio, on_tokio, command),
        #[cfg(feature = "compio")]
        Runtime::Compio => on!(compio, on_compio, command),
        #[allow(unreachable_patterns, reason = "reachable unless both runtimes are compiled in")]
        _ => {
            let _ = command;
            runtime.missing()
        }
    }
}
