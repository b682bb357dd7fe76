//! The command line.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};

pub struct Args {
    pub rounds: usize,
    /// How long a run is meant to take.
    pub seconds: f64,
    pub only: Vec<String>,
    pub without: Vec<String>,
    pub out: Option<PathBuf>,
    pub unpinned: bool,
    pub redraw: bool,
    pub resume: bool,
}

impl Args {
    /// Parses the command line, or explains it and exits (status 2 for mistakes).
    pub fn parse() -> Self {
        let mut matches = command().get_matches();
        let quick = matches.get_flag("quick");
        Self {
            rounds: matches
                .get_one::<u64>("rounds")
                .map_or(if quick { 1 } else { 7 }, |&rounds| rounds as usize),
            seconds: matches.get_one("seconds").copied().unwrap_or(if quick { 0.02 } else { 1.0 }),
            only: matches.remove_many("only").map_or_else(Vec::new, Iterator::collect),
            without: matches.remove_many("without").map_or_else(Vec::new, Iterator::collect),
            out: matches.remove_one("out"),
            unpinned: matches.get_flag("unpinned"),
            redraw: matches.get_flag("redraw"),
            resume: matches.get_flag("resume"),
        }
    }
}

fn command() -> Command {
    Command::new("peers")
        .about("Compares our sockets with libzmq and its other implementations in Rust")
        .arg(
            Arg::new("rounds")
                .long("rounds")
                .value_name("N")
                .value_parser(value_parser!(u64).range(1..))
                .help("Rounds of each scenario [default: 7, or 1 if quick]"),
        )
        .arg(
            Arg::new("seconds")
                .long("seconds")
                .value_name("S")
                .value_parser(value_parser!(f64))
                .help("How long a run is meant to take [default: 1, or 0.02 if quick]"),
        )
        .arg(
            Arg::new("only")
                .long("only")
                .value_name("WORD")
                .action(ArgAction::Append)
                .help("Only scenarios whose name contains this, or one of several"),
        )
        .arg(
            Arg::new("without")
                .long("without")
                .value_name("WORD")
                .action(ArgAction::Append)
                .help("No modes whose name contains this, or one of several"),
        )
        .arg(
            Arg::new("quick")
                .long("quick")
                .action(ArgAction::SetTrue)
                .help("See that everything works; the figures mean nothing"),
        )
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("Where the report goes [default: target/report of this package]"),
        )
        .arg(
            Arg::new("unpinned")
                .long("unpinned")
                .action(ArgAction::SetTrue)
                .help("Let the system place all threads, instead of a core for each side"),
        )
        .arg(
            Arg::new("redraw")
                .long("redraw")
                .action(ArgAction::SetTrue)
                .help("Only make tables and charts again of what DIR holds"),
        )
        .arg(
            Arg::new("resume")
                .long("resume")
                .action(ArgAction::SetTrue)
                .help("Keep the scenarios that DIR holds, and measure the others"),
        )
}
