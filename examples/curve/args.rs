//! The command line.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::runtime::Runtime;

pub struct Args {
    pub runtime: Runtime,
    pub task: Task,
}

pub enum Task {
    /// A server, a client that it knows and one that it does not.
    All,
    /// A new key pair, in the files `name.public` and `name.secret`.
    Keys { name: PathBuf },
    /// With the secret key of this file, and those whose public keys are in these.
    Server { secret: PathBuf, allowed: Vec<PathBuf> },
    /// With the secret key of this file, to the server whose public key is in that.
    Client { secret: PathBuf, server: PathBuf, text: String },
}

fn path(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).required(true).value_parser(value_parser!(PathBuf)).help(help)
}

fn command() -> Command {
    let secret = || path("secret", "The file of one's own secret key");
    Command::new("curve")
        .about("CURVE: keys in files, a server that lets in whom it knows, and clients.")
        .arg(Runtime::option().global(true))
        .subcommand(
            Command::new("keys")
                .about("Makes a key pair")
                .arg(path("name", "What the two files are called, without .public and .secret")),
        )
        .subcommand(
            Command::new("server")
                .about("Answers, at tcp://127.0.0.1:5599, those whom it knows")
                .arg(secret())
                .arg(path("allowed", "The files of their public keys").num_args(1..)),
        )
        .subcommand(
            Command::new("client")
                .about("Asks the server")
                .arg(secret())
                .arg(path("server", "The file of the server's public key"))
                .arg(Arg::new("text").default_value("hello").help("What to ask")),
        )
}

impl Args {
    /// Explains it and exits if it has to.
    pub fn parse() -> Self {
        let matches = command().get_matches();
        let task = match matches.subcommand() {
            Some(("keys", given)) => Task::Keys { name: one(given, "name") },
            Some(("server", given)) => Task::Server {
                secret: one(given, "secret"),
                allowed: given.get_many("allowed").into_iter().flatten().cloned().collect(),
            },
            Some(("client", given)) => Task::Client {
                secret: one(given, "secret"),
                server: one(given, "server"),
                text: one(given, "text"),
            },
            _ => Task::All,
        };
        Self { runtime: Runtime::chosen(&matches), task }
    }
}

/// What clap has made sure to be there.
fn one<T: Clone + Default + Send + Sync + 'static>(given: &ArgMatches, name: &str) -> T {
    given.get_one(name).cloned().unwrap_or_default()
}
