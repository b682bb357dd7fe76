//! Every line of a file, from a DEALER to a ROUTER, over a link that keeps failing.
//!
//! A proxy cuts, stalls and restarts the link; sends and receives are cancelled at random; a byte budget
//! bounds what is queued. The ROUTER acknowledges each line, the DEALER sends again what a broken
//! connection left in doubt, and in the end both sides compare checksums.
//!
//! ```sh
//! cargo run --release --example resilience -- [FILE] [--runtime tokio|compio] [--seed N]
//! ```
#![cfg_attr(
    not(any(feature = "tokio", feature = "compio")),
    allow(dead_code, unused_imports, reason = "without a runtime it only says so")
)]
#![allow(clippy::duplicate_mod, reason = "the same transfer, once for each runtime")]

mod args;
mod proxy;
mod report;
mod text;

use std::process::ExitCode;

use args::{Args, Runtime};
use report::Report;

/// The transfer on one runtime: the same file, with that runtime's sockets.
macro_rules! on_runtime {
    ($name:ident, $feature:literal, $runtime:ident, $run:expr, $timeout:path) => {
        #[cfg(feature = $feature)]
        #[path = "."]
        mod $name {
            pub mod transfer;

            /// What the transfer needs of its runtime.
            mod rt {
                pub use monocoque::$runtime::prelude::*;
                use std::future::Future;
                use std::time::Duration;

                pub fn run<F: Future>(future: F) -> F::Output {
                    let run = $run;
                    run(future)
                }

                /// Drops the future when the time is up.
                pub async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
                    $timeout(limit, future).await.ok()
                }
            }
        }
    };
}

on_runtime!(
    on_tokio,
    "tokio",
    tokio,
    |future| {
        let mut builder = ::tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().expect("a tokio runtime").block_on(future)
    },
    ::tokio::time::timeout
);
on_runtime!(
    on_compio,
    "compio",
    compio,
    |future| ::compio::runtime::Runtime::new().expect("a compio runtime").block_on(future),
    ::compio::time::timeout
);

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
        eprintln!(
            "error: this example was built without the {0} runtime: add --features {0}",
            args.runtime.name()
        );
        return ExitCode::from(2);
    };
    report.print();
    if report.is_faithful() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
