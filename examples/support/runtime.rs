//! What the examples share: the same code on either runtime, chosen by `--runtime`.
#![allow(dead_code, reason = "each example uses a part")]

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command};

/// An async runtime.
#[derive(Clone, Copy)]
pub enum Runtime {
    Tokio,
    Compio,
}

impl Runtime {
    /// Asks the command line of an example that has no other options; explains it and exits if it has to.
    pub fn ask(name: &'static str, about: &'static str) -> Self {
        Self::chosen(&Command::new(name).about(about).arg(Self::option()).get_matches())
    }

    pub fn option() -> Arg {
        Arg::new("runtime")
            .long("runtime")
            .value_parser(PossibleValuesParser::new(["tokio", "compio"]))
            .default_value("tokio")
            .help("The async runtime of the sockets")
    }

    pub fn chosen(matches: &ArgMatches) -> Self {
        let compio = matches.get_one::<String>("runtime").is_some_and(|name| name == "compio");
        if compio { Self::Compio } else { Self::Tokio }
    }

    /// Says that the runtime is not compiled in.
    pub fn missing(self) -> ExitCode {
        let name = match self {
            Self::Tokio => "tokio",
            Self::Compio => "compio",
        };
        eprintln!("error: this example was built without the {name} runtime: add --features {name}");
        ExitCode::from(2)
    }
}

/// What an example that ran to its end exits with.
pub fn exit(result: monocoque::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The sockets of tokio, and what else the examples need of a runtime.
#[cfg(feature = "tokio")]
pub mod tokio {
    pub use monocoque::tokio::prelude::*;
    use std::future::Future;
    use std::time::Duration;

    pub fn run<F: Future>(future: F) -> F::Output {
        let mut builder = ::tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().expect("a tokio runtime").block_on(future)
    }

    /// Runs beside the caller until it is done, or the example is.
    pub fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) {
        ::tokio::spawn(future);
    }

    pub async fn sleep(time: Duration) {
        ::tokio::time::sleep(time).await;
    }

    /// Drops the future when the time is up.
    pub async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
        ::tokio::time::timeout(limit, future).await.ok()
    }
}

/// The same of compio.
#[cfg(feature = "compio")]
pub mod compio {
    pub use monocoque::compio::prelude::*;
    use std::future::Future;
    use std::time::Duration;

    pub fn run<F: Future>(future: F) -> F::Output {
        ::compio::runtime::Runtime::new().expect("a compio runtime").block_on(future)
    }

    pub fn spawn<F: Future + 'static>(future: F) {
        ::compio::runtime::spawn(future).detach();
    }

    pub async fn sleep(time: Duration) {
        ::compio::time::sleep(time).await;
    }

    pub async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
        ::compio::time::timeout(limit, future).await.ok()
    }
}

/// Compiles a file once for each runtime, in the modules `on_tokio` and `on_compio`; the file finds its
/// runtime as `super::rt`.
macro_rules! on_each_runtime {
    ($module:ident, $file:literal) => {
        #[cfg(feature = "tokio")]
        #[path = "."]
        mod on_tokio {
            #[path = $file]
            pub mod $module;
            use crate::runtime::tokio as rt;
        }

        #[cfg(feature = "compio")]
        #[path = "."]
        #[allow(clippy::duplicate_mod, reason = "the point: the same file, once for each runtime")]
        mod on_compio {
            #[path = $file]
            pub mod $module;
            use crate::runtime::compio as rt;
        }
    };
}

#[allow(unused_macros, reason = "the larger example has a `main` of its own")]
/// The `main` of an example whose code is `pub async fn run() -> Result<()>` in `run.rs`.
macro_rules! example {
    ($about:literal) => {
        on_each_runtime!(example, "run.rs");

        fn main() -> std::process::ExitCode {
            let chosen = runtime::Runtime::ask(env!("CARGO_CRATE_NAME"), $about);
            match chosen {
                #[cfg(feature = "tokio")]
                runtime::Runtime::Tokio => runtime::exit(runtime::tokio::run(on_tokio::example::run())),
                #[cfg(feature = "compio")]
                runtime::Runtime::Compio => runtime::exit(runtime::compio::run(on_compio::example::run())),
                #[allow(unreachable_patterns, reason = "reachable unless both runtimes are compiled in")]
                _ => chosen.missing(),
            }
        }
    };
}
