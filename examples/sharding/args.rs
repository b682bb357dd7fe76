//! The command line.

use std::thread::available_parallelism;

use clap::{Arg, Command, value_parser};

use crate::runtime::Runtime;

pub struct Args {
    pub runtime: Runtime,
    pub shards: usize,
}

impl Args {
    /// Parses the command line, or explains it and exits (status 2 for mistakes).
    pub fn parse() -> Self {
        let matches = Command::new("sharding")
            .about("Runs sockets in 1 to N threads that share nothing, and shows how their rates add up")
            .arg(Runtime::option())
            .arg(
                Arg::new("shards")
                    .long("shards")
                    .value_name("N")
                    .value_parser(value_parser!(u16).range(1..))
                    .help("The most threads [default: one for each core]"),
            )
            .get_matches();
        let cores = || available_parallelism().map_or(1, usize::from);
        Self {
            runtime: Runtime::chosen(&matches),
            shards: matches.get_one::<u16>("shards").map_or_else(cores, |&shards| shards.into()),
        }
    }
}
