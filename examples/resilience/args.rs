//! The command line.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, value_parser};

pub struct Args {
    pub file: Option<PathBuf>,
    pub runtime: Runtime,
    pub seed: u64,
}

#[derive(Clone, Copy)]
pub enum Runtime {
    Tokio,
    Compio,
}

impl Runtime {
    pub fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::Compio => "compio",
        }
    }
}

impl Args {
    /// Parses the command line, or explains it and exits (status 2 for mistakes).
    pub fn parse() -> Self {
        let matches = Command::new("resilience")
            .about("Sends every line of a file over a link that keeps failing, and checks that all arrive")
            .arg(
                Arg::new("FILE")
                    .value_parser(value_parser!(PathBuf))
                    .help("The file to send [default: text that ships with this example]"),
            )
            .arg(
                Arg::new("runtime")
                    .long("runtime")
                    .value_parser(PossibleValuesParser::new(["tokio", "compio"]))
                    .default_value("tokio")
                    .help("The async runtime of both sockets"),
            )
            .arg(
                Arg::new("seed")
                    .long("seed")
                    .value_parser(value_parser!(u64))
                    .default_value("1")
                    .help("Seed of the faults and cancellations"),
            )
            .get_matches();
        let compio = matches.get_one::<String>("runtime").is_some_and(|name| name == "compio");
        Self {
            file: matches.get_one("FILE").cloned(),
            runtime: if compio { Runtime::Compio } else { Runtime::Tokio },
            seed: matches.get_one("seed").copied().unwrap_or(1),
        }
    }
}
