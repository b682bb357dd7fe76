//! The contestants: which there are, and building them.

use std::path::{Path, PathBuf};
use std::process::Command;

use harness::ModeInfo;
use serde::{Deserialize, Serialize};

use crate::Result;

/// A library on a runtime, that is one program with one or more modes.
struct Family {
    name: &'static str,
    package: &'static str,
    features: &'static [&'static str],
    binary: &'static str,
}

const FAMILIES: [Family; 8] = [
    Family { name: "raw", package: "contestant-raw", features: &[], binary: "contestant-raw" },
    Family { name: "libzmq", package: "contestant-libzmq", features: &[], binary: "contestant-libzmq" },
    Family { name: "ours", package: "contestant-ours", features: &[], binary: "contestant-ours" },
    Family { name: "zeromq", package: "contestant-zeromq", features: &[], binary: "contestant-zeromq" },
    Family { name: "rzmq", package: "contestant-rzmq", features: &[], binary: "contestant-rzmq" },
    Family { name: "omq", package: "contestant-omq", features: &[], binary: "contestant-omq" },
    Family {
        name: "monocoque-rs tokio",
        package: "contestant-monocoque-rs",
        features: &["tokio"],
        binary: "monocoque-rs-tokio",
    },
    Family {
        name: "monocoque-rs compio",
        package: "contestant-monocoque-rs",
        features: &["compio"],
        binary: "monocoque-rs-compio",
    },
];

/// One mode of one program.
#[derive(Clone, Serialize, Deserialize)]
pub struct Contestant {
    pub family: String,
    pub mode: ModeInfo,
    #[serde(skip)]
    pub program: PathBuf,
}

/// What could not be built, and the compiler's last words on it.
#[derive(Serialize, Deserialize)]
pub struct Unbuilt {
    pub family: String,
    pub why: String,
}

/// Builds all programs, each with its own features only, and asks them for their modes.
pub fn build(root: &Path) -> Result<(Vec<Contestant>, Vec<Unbuilt>)> {
    let mut contestants = Vec::new();
    let mut unbuilt = Vec::new();
    for family in &FAMILIES {
        eprintln!("building {}", family.binary);
        match build_one(root, family)? {
            Ok(program) => {
                let modes = Command::new(&program).arg("modes").output()?.stdout;
                let modes: Vec<ModeInfo> = serde_json::from_slice(&modes)?;
                let family = family.name;
                contestants.extend(modes.into_iter().map(|mode| Contestant {
                    family: family.into(),
                    mode,
                    program: program.clone(),
                }));
            }
            Err(why) => unbuilt.push(Unbuilt { family: family.name.into(), why }),
        }
    }
    Ok((contestants, unbuilt))
}

fn build_one(root: &Path, family: &Family) -> Result<Result<PathBuf, String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = root.join("target");
    let output = Command::new(cargo)
        .args(["build", "--release", "--locked", "--package", family.package, "--bin", family.binary])
        .args(["--features", &family.features.join(",")])
        .arg("--manifest-path")
        .arg(root.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .output()?;
    if output.status.success() {
        return Ok(Ok(target.join("release").join(family.binary)));
    }
    let words = String::from_utf8_lossy(&output.stderr);
    eprintln!("{words}");
    let error = words.lines().find(|line| line.starts_with("error")).unwrap_or("no error was told");
    Ok(Err(error.into()))
}
