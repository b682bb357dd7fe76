//! The command line.

use std::path::PathBuf;

use clap::{Arg, Command, value_parser};

use crate::runtime::Runtime;

pub struct Args {
    pub file: Option<PathBuf>,
    pub runtime: Runtime,
    pub seed: u64,
}

impl Args {
    /// Parses the command line, or explains it and exits (status 2 for mistakes).
    pub fn parse() -> Self {
        let matches = Command::new("resilience")
            .about("Sends every line of a file over a link that keeps failing, and checks that all arrive")
            .arg(Arg::new("FILE").value_parser(value_parser!(PathBuf)).help(
                "The file to send, `-` for standard input [default: text that ships with this example]",
            ))
            .arg(Runtime::option())
            .arg(
                Arg::new("seed")
                    .long("seed")
                    .value_parser(value_parser!(u64))
                    .default_value("1")
                    .help("Seed of the faults and cancellations"),
            )
            .get_matches();
        Self {
            file: matches.get_one("FILE").cloned(),
            runtime: Runtime::chosen(&matches),
            seed: matches.get_one("seed").copied().unwrap_or(1),
        }
    }
}
