//! What the comparison runs on, and with what.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// The crates whose versions matter.
const CRATES: [&str; 10] = [
    "zmq",
    "zeromq-src",
    "zeromq",
    "rzmq",
    "omq-tokio",
    "omq-proto",
    "monocoque-rs",
    "monocoque-rs-zmtp",
    "tokio",
    "compio",
];

#[derive(Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub kernel: String,
    /// How many threads wanted to run when the comparison began, by the system's average over a minute.
    #[serde(default)]
    pub load: String,
    pub rustc: String,
    /// When the comparison began, in UTC.
    pub date: String,
    /// The state of this repository.
    pub revision: String,
    /// Crates and their versions, of the lock file.
    pub versions: Vec<(String, String)>,
}

pub fn look(root: &Path) -> Machine {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let model = information.lines().find(|line| line.starts_with("model name"));
    let processor = model.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, name)| name);
    Machine {
        processor: processor.into(),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        kernel: said("uname", &["-sr"], root),
        load: load.split(' ').next().unwrap_or_default().into(),
        rustc: said("rustc", &["--version"], root),
        date: said("date", &["-u", "+%Y-%m-%d"], root),
        revision: said("git", &["describe", "--always", "--dirty"], root),
        versions: versions(&fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default()),
    }
}

fn said(program: &str, args: &[&str], root: &Path) -> String {
    let output = Command::new(program).args(args).current_dir(root).output();
    output.map_or_else(|_| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().into())
}

/// All versions of the crates that matter.
fn versions(lock: &str) -> Vec<(String, String)> {
    let field = |line: &str, name: &str| {
        let value = line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"')?;
        Some(value.to_owned())
    };
    let lines: Vec<&str> = lock.lines().collect();
    let found =
        lines.windows(2).filter_map(|pair| Some((field(pair[0], "name")?, field(pair[1], "version")?)));
    found.filter(|(name, _)| CRATES.contains(&name.as_str())).collect()
}
