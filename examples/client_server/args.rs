//! The command line.

use clap::{Arg, ArgMatches, Command as Program};

use crate::runtime::Runtime;

/// What is to be done.
#[cfg_attr(
    not(any(feature = "tokio", feature = "compio")),
    allow(dead_code, reason = "there is no runtime for it")
)]
pub enum Command {
    Both,
    Server(String),
    Client(String),
}

pub fn parse() -> (Runtime, Command) {
    let matches = program().get_matches();
    let command = match matches.subcommand() {
        Some(("server", of)) => Command::Server(endpoint(of)),
        Some(("client", of)) => Command::Client(endpoint(of)),
        _ => Command::Both,
    };
    (Runtime::chosen(&matches), command)
}

fn program() -> Program {
    let endpoint = || Arg::new("ENDPOINT").default_value("tcp://127.0.0.1:5555");
    Program::new("client_server")
        .about("Many requests at once, and a server that answers them in any order.")
        .arg(Runtime::option())
        .subcommand(Program::new("server").about("Serves until it is stopped").arg(endpoint()))
        .subcommand(Program::new("client").about("Asks, and ends").arg(endpoint()))
}

fn endpoint(matches: &ArgMatches) -> String {
    matches.get_one::<String>("ENDPOINT").cloned().unwrap_or_default()
}
