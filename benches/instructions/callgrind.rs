//! Counting the instructions of a run of this program.

use std::process::{Command, Stdio};
use std::{env, fs, process};

/// Valgrind counts an iteration of a string instruction as one, and the C library copies with those from some
/// size on: this has it copy in vectors, so that the count says something about time.
const NO_STRING_INSTRUCTIONS: (&str, &str) =
    ("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=0x40000000");

/// The instructions that the program executes to run `scenario` with `count` messages.
pub fn instructions(scenario: &str, count: u64) -> u64 {
    let out = env::temp_dir().join(format!("monocoque-callgrind-{}", process::id()));
    let mut valgrind = Command::new("valgrind");
    valgrind
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe().expect("a program knows its path"))
        .args(["--run", scenario, "--count", &count.to_string()])
        .env(NO_STRING_INSTRUCTIONS.0, NO_STRING_INSTRUCTIONS.1)
        .stderr(Stdio::null());
    let status = valgrind.status().expect("valgrind is installed");
    assert!(status.success(), "{scenario} failed: run it with `--run {scenario} --count {count}`");
    let profile = fs::read_to_string(&out).expect("callgrind has written its profile");
    fs::remove_file(&out).expect("the profile can be removed");
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|total| total.trim().parse().ok()).expect("a profile ends with its total")
}
