//! Who may import whom: the layers of the crate, enforced on its sources.

#[macro_use(test)]
extern crate monocoque_test_limit;

use std::fs;
use std::path::{Path, PathBuf};

/// For each folder or file of `src/`, the modules of this crate that it must not use.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("message", &["engine", "socket", "runtime", "protocol", "routing", "resilience"]),
    ("endpoint", &["engine", "socket", "runtime", "protocol", "routing"]),
    ("options", &["engine", "socket", "runtime", "protocol", "routing"]),
    ("protocol", &["engine", "socket", "runtime", "routing", "resilience", "options", "endpoint", "monitor"]),
    ("routing", &["engine", "socket", "runtime", "protocol", "resilience", "options", "endpoint", "monitor"]),
    ("resilience", &["engine", "socket", "runtime", "protocol", "routing", "options", "endpoint", "monitor"]),
    ("runtime", &["engine", "socket", "protocol", "routing", "monitor"]),
    ("engine", &["socket", "proxy", "rpc", "tokio", "tokio_local", "compio", "smol"]),
    ("socket", &["proxy", "rpc", "tokio", "tokio_local", "compio", "smol"]),
    ("proxy", &["engine", "protocol", "routing", "tokio", "tokio_local", "compio", "smol", "rpc"]),
    ("rpc", &["engine", "protocol", "routing", "tokio", "tokio_local", "compio", "smol", "proxy"]),
];

/// The only files that name a runtime.
const NAMES_RUNTIMES: &[&str] = &[
    "tokio.rs",
    "tokio_local.rs",
    "compio.rs",
    "smol.rs",
    "runtime/tokio.rs",
    "runtime/tokio_local.rs",
    "runtime/compio.rs",
    "runtime/smol.rs",
    "runtime/os/conformance.rs",
    // What stands around examples.
    "example.rs",
];

/// What would be I/O, a clock or randomness in the layers that must be pure.
const IMPURE: &[&str] = &["std::net", "std::thread", "Instant::now", "fastrand::", "async fn", ".await"];
const PURE: &[&str] =
    &["protocol/", "routing/", "message.rs", "message/", "endpoint.rs", "endpoint/", "options/"];

fn violations(file: &str, source: &str) -> Vec<String> {
    // Tests may use anything, and comments may name anything.
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code = without_examples(code);
    let lines = || code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut found = Vec::new();
    let layer = file.split('/').next().unwrap_or(file).trim_end_matches(".rs");
    if let Some((_, forbidden)) =
        FORBIDDEN.iter().find(|(name, _)| *name == layer && !NAMES_RUNTIMES.contains(&file))
    {
        for module in *forbidden {
            let path = format!("crate::{module}");
            let uses = |line: &&str| {
                line.split(&path)
                    .skip(1)
                    .any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
            };
            found.extend(lines().filter(uses).map(|line| format!("{file}: {}", line.trim())));
        }
    }
    if !NAMES_RUNTIMES.contains(&file) {
        let names =
            |line: &&str| ["::tokio::", "::compio::", "::smol::"].iter().any(|name| line.contains(name));
        found.extend(
            lines()
                .filter(names)
                .filter(|line| !line.contains("crate::"))
                .map(|line| format!("{file}: {line}")),
        );
    }
    if PURE.iter().any(|prefix| file.starts_with(prefix)) {
        let impure = |line: &&str| IMPURE.iter().any(|what| line.contains(what));
        let allowed = |line: &&str| file.starts_with("endpoint") && line.contains("std::net");
        found.extend(
            lines().filter(impure).filter(|line| !allowed(line)).map(|line| format!("{file}: {line}")),
        );
    }
    found
}

/// An example of a method is documentation, and names the runtime that it runs on.
fn without_examples(code: &str) -> String {
    let mut parts = code.split("example!(r#\"");
    let first = parts.next().unwrap_or_default();
    let behind = |part| str::split_once(part, "\"#)").map_or(part, |(_, behind)| behind);
    first.chars().chain(parts.flat_map(|part| behind(part).chars())).collect()
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "tests") {
                sources(&path, into);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            into.push(path);
        }
    }
}

#[test]
fn layers_import_only_what_they_may() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 40, "the sources were found");
    let found: Vec<String> = files
        .iter()
        .flat_map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            violations(&name, &fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_check_itself_finds_violations() {
    assert_eq!(violations("protocol/x.rs", "use crate::engine::Core;").len(), 1);
    assert_eq!(violations("engine/x.rs", "use crate::socket::Dealer;").len(), 1);
    assert_eq!(violations("engine/x.rs", "use ::tokio::net::TcpStream;").len(), 1);
    assert_eq!(violations("routing/x.rs", "let now = Instant::now();").len(), 1);
    let example = "#[doc = example!(r#\"use monocoque::tokio::prelude::*;\"#)]\n";
    assert!(violations("socket/x.rs", example).is_empty());
    assert_eq!(violations("socket/x.rs", &format!("{example}use ::tokio::net::TcpStream;")).len(), 1);
    assert!(violations("runtime/tokio.rs", "use ::tokio::net::TcpStream;").is_empty());
    assert!(violations("engine/x.rs", "use crate::protocol::Event; // crate::socket").len() <= 1);
    assert!(violations("engine/x.rs", "use crate::protocol::Event;").is_empty());
}
