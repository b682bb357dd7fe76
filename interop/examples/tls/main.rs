//! A REP that shows a certificate and demands one, and a REQ that does the same, over TLS.
//!
//! ```sh
//! cargo run -p monocoque-interop --features tls --example tls              # both, in one program
//! cargo run -p monocoque-interop --features tls --example tls -- certificates /tmp/keys
//! cargo run -p monocoque-interop --features tls --example tls -- server /tmp/keys tcp://localhost:5555
//! cargo run -p monocoque-interop --features tls --example tls -- client /tmp/keys tcp://localhost:5555
//! ```
//!
//! `--runtime compio` runs it on compio (`--features compio,tls`). The sockets are in `run.rs`; the certificates, which
//! are made by rcgen and which only this program trusts, in `certificates.rs`.

#[path = "../../../examples/support/runtime.rs"]
#[allow(unused_macros, reason = "what has roles of its own uses a part")]
mod runtime;

mod certificates;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::runtime::Runtime;

#[cfg(feature = "tokio")]
#[path = "."]
mod on_tokio {
    use crate::runtime::tokio as rt;
    use monocoque::tokio::tls;

    #[path = "run.rs"]
    pub mod run;
}

#[cfg(feature = "compio")]
#[path = "."]
#[allow(clippy::duplicate_mod, reason = "the point: the same file, once for each runtime")]
mod on_compio {
    use crate::runtime::compio as rt;
    use monocoque::compio::tls;

    #[path = "run.rs"]
    pub mod run;
}

/// What the program is asked to be.
enum Role {
    Certificates,
    Server(String),
    Client(String),
    Both,
}

fn command() -> Command {
    let folder = || Arg::new("folder").required(true).value_parser(value_parser!(PathBuf));
    let endpoint = || Arg::new("endpoint").required(true);
    Command::new("tls")
        .about("A REP and a REQ that show each other certificates, over TLS.")
        .arg(Runtime::option().global(true))
        .subcommand(Command::new("certificates").arg(folder()).about("Writes certificates and keys"))
        .subcommand(
            Command::new("server").arg(folder()).arg(endpoint()).about("Answers, until it is stopped"),
        )
        .subcommand(Command::new("client").arg(folder()).arg(endpoint()).about("Asks three times"))
}

fn role(matches: &ArgMatches) -> (Role, PathBuf) {
    let Some((name, matches)) = matches.subcommand() else {
        return (Role::Both, std::env::temp_dir().join(format!("monocoque-tls-{}", std::process::id())));
    };
    let folder = matches.get_one::<PathBuf>("folder").cloned().unwrap_or_default();
    let endpoint = || matches.get_one::<String>("endpoint").cloned().unwrap_or_default();
    let role = match name {
        "server" => Role::Server(endpoint()),
        "client" => Role::Client(endpoint()),
        _ => Role::Certificates,
    };
    (role, folder)
}

macro_rules! play {
    ($runtime:ident, $module:ident, $role:expr, $folder:expr) => {
        runtime::$runtime::run(async {
            match $role {
                Role::Certificates => Ok(()),
                Role::Server(endpoint) => $module::run::server($folder, &endpoint).await,
                Role::Client(endpoint) => $module::run::client($folder, &endpoint).await,
                Role::Both => $module::run::both($folder).await,
            }
        })
    };
}

fn play(runtime: Runtime, role: Role, folder: &Path) -> Result<(), Box<dyn Error>> {
    match runtime {
        #[cfg(feature = "tokio")]
        Runtime::Tokio => play!(tokio, on_tokio, role, folder),
        #[cfg(feature = "compio")]
        Runtime::Compio => play!(compio, on_compio, role, folder),
        #[allow(unreachable_patterns, reason = "where both are compiled in")]
        other => {
            other.missing();
            let _ = (role, folder);
            Err("no such runtime".into())
        }
    }
}

fn main() -> ExitCode {
    let matches = command().get_matches();
    let (role, folder) = role(&matches);
    let temporary = matches!(role, Role::Both);
    let made = match role {
        Role::Certificates | Role::Both => certificates::write(&folder),
        Role::Server(_) | Role::Client(_) => Ok(()),
    };
    let result = made.and_then(|()| play(Runtime::chosen(&matches), role, &folder));
    if temporary {
        let _ = std::fs::remove_dir_all(&folder);
    }
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
