//! Every line of a file, from a DEALER to a ROUTER, over a link that keeps failing.
//!
//! A proxy cuts, stalls and restarts the link; sends and receives are cancelled at random; a byte budget
//! bounds what is queued. The ROUTER acknowledges each line, the DEALER sends again what a broken
//! connection left in doubt, and in the end both sides compare checksums.
//!
//! ```sh
//! cargo run --release --example resilience -- [FILE | -] [--runtime tokio|compio] [--seed N]
//! ```
#![cfg_attr(
    not(any(feature = "tokio", feature = "compio")),
    allow(dead_code, unused_imports, reason = "without a runtime it only says so")
)]

#[macro_use]
#[path = "../support/runtime.rs"]
mod runtime;

mod args;
mod proxy;
mod report;
mod text;

use std::process::ExitCode;

use args::Args;
use report::Report;
use runtime::Runtime;

on_each_runtime!(transfer, "transfer.rs");

fn main() -> ExitCode {
    let args = Args::parse();
    let input = match text::load(args.file.as_deref()) {
        Ok(input) => input,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let Some(report) = transfer(&args, &input) else {
        return args.runtime.missing();
    };
    report.print();
    report.exit_code()
}

/// `None` if the runtime is not compiled in.
fn transfer(args: &Args, input: &[Vec<u8>]) -> Option<Report> {
    match args.runtime {
        #[cfg(feature = "tokio")]
        Runtime::Tokio => Some(on_tokio::transfer::run(input, args.seed)),
        #[cfg(feature = "compio")]
        Runtime::Compio => Some(on_compio::transfer::run(input, args.seed)),
        #[allow(unreachable_patterns, reason = "reachable unless both runtimes are compiled in")]
        _ => {
            let _ = input;
            None
        }
    }
}
