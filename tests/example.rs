//! The examples that have options, run as a user runs them.
#![cfg_attr(
    not(any(feature = "tokio", feature = "compio")),
    allow(dead_code, reason = "without a runtime there is less to look at")
)]

#[macro_use(test)]
extern crate monocoque_test_limit;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::sync::OnceLock;

#[path = "../examples/resilience/report.rs"]
mod report;

use report::Report;

/// An example as it is now; `cargo test` has built it, unless it was asked for this test alone.
fn example(name: &str) -> PathBuf {
    static EXAMPLES: OnceLock<PathBuf> = OnceLock::new();
    let examples = EXAMPLES.get_or_init(|| {
        let this = std::env::current_exe().unwrap();
        let profile = this.parent().and_then(Path::parent).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        cargo.args(["build", "--quiet", "--example", "resilience", "--example", "sharding", "--target-dir"]);
        cargo.arg(profile.parent().unwrap());
        if cfg!(feature = "tokio") {
            cargo.args(["--example", "server", "--example", "client"]);
        }
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        // The features that this test has.
        let features = [
            ("tokio", cfg!(feature = "tokio")),
            ("compio", cfg!(feature = "compio")),
            ("sim", cfg!(feature = "sim")),
        ];
        let features: Vec<&str> = features.iter().filter_map(|(name, on)| on.then_some(*name)).collect();
        if !cfg!(feature = "default") {
            cargo.arg("--no-default-features");
        }
        cargo.args(["--features", &features.join(",")]);
        assert!(cargo.status().unwrap().success());
        profile.join("examples")
    });
    examples.join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

fn run(arguments: &[&str]) -> Output {
    run_example("resilience", arguments)
}

fn run_example(name: &str, arguments: &[&str]) -> Output {
    Command::new(example(name)).args(arguments).output().unwrap()
}

/// What a row of the final table says.
fn row<'a>(output: &'a str, name: &str) -> &'a str {
    let line = output.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {output}")).trim()
}

fn number(text: &str) -> u64 {
    text.split(' ').next().unwrap().parse().unwrap()
}

#[track_caller]
fn assert_arrived(output: &Output, lines: u64) {
    let text = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{complaint}");
    assert_eq!(row(&text, "lines delivered"), format!("{lines} of {lines}"));
    assert_eq!(row(&text, "checksum in"), row(&text, "checksum out"));
    assert!(text.contains("input and output are equal"));
}

/// A file of its own for each test.
fn file(name: &str, content: &[u8]) -> String {
    let path = std::env::temp_dir().join(format!("monocoque-example-{}-{name}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

macro_rules! test_runtime {
    ($name:ident, $feature:literal) => {
        #[cfg(feature = $feature)]
        mod $name {
            use super::*;

            #[test]
            fn the_shipped_text_arrives() {
                let output = run(&["--runtime", $feature, "--seed", "7"]);
                let text = String::from_utf8_lossy(&output.stdout);
                let lines = number(row(&text, "lines delivered"));
                assert!(lines >= 10_000, "{lines}");
                assert_arrived(&output, lines);
                for happened in
                    ["link faults", "reconnects", "cancelled operations", "resent because in doubt"]
                {
                    assert!(number(row(&text, happened)) > 0, "{happened}\n{text}");
                }
                let (peak, budget) = row(&text, "peak queued bytes").split_once(" of ").unwrap();
                assert!(number(peak) > 0 && number(peak) <= number(budget), "{peak} of {budget}");
            }

            /// Empty lines, bytes that are no text, lines over the budget, and no line end at the end.
            #[test]
            fn any_file_arrives() {
                let mut content = b"\n\r\nfirst\n\n\xFF\xFE\0\n".repeat(200);
                content.extend_from_slice(&[b'x'; 100_000]);
                content.extend_from_slice(b"\nlast");
                let path = file($feature, &content);
                let output = run(&[&path, "--runtime", $feature]);
                std::fs::remove_file(path).unwrap();
                assert_arrived(&output, 1002);
                let checksum = format!("{:08x}", crc32fast::hash(&content));
                assert_eq!(row(&String::from_utf8_lossy(&output.stdout), "checksum out"), checksum);
            }

            /// A line larger than the budget is admitted alone, and than the distance of faults makes that larger:
            /// the report says so.
            #[test]
            fn one_large_line_arrives_and_explains_itself() {
                let path = file(concat!($feature, "-large"), &[b'x'; 5_000_000]);
                let output = run(&[&path, "--runtime", $feature]);
                std::fs::remove_file(path).unwrap();
                assert_arrived(&output, 1);
                let text = String::from_utf8_lossy(&output.stdout);
                let faults = row(&text, "link faults");
                assert!(faults.starts_with("0 (") && faults.contains("every 40000000 bytes"), "{faults}");
                // None but those whose cause is named.
                let reconnects = row(&text, "reconnects");
                assert!(reconnects == "0" || reconnects.contains('('), "{reconnects}");
                let peak = row(&text, "peak queued bytes");
                assert!(
                    peak.contains("of 4096 budgeted, exceeded by one line of up to 5000000 bytes"),
                    "{peak}"
                );
            }

            #[test]
            fn standard_input_arrives() {
                let mut child = Command::new(example("resilience"))
                    .args(["-", "--runtime", $feature])
                    .stdin(std::process::Stdio::piped())
                    .stdout(std::process::Stdio::piped())
                    .stderr(std::process::Stdio::piped())
                    .spawn()
                    .unwrap();
                std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"one\ntwo\nthree").unwrap();
                let output = child.wait_with_output().unwrap();
                assert_arrived(&output, 3);
                let text = String::from_utf8_lossy(&output.stdout);
                let checksum = format!("{:08x}", crc32fast::hash(b"one\ntwo\nthree"));
                assert_eq!(row(&text, "checksum out"), checksum);
            }

            #[test]
            fn an_empty_file_arrives() {
                let path = file(concat!($feature, "-empty"), b"");
                let output = run(&[&path, "--runtime", $feature]);
                std::fs::remove_file(path).unwrap();
                assert_arrived(&output, 0);
            }

            /// A line for each number of shards, up to more than a small machine has cores.
            #[test]
            fn shards_run_beside_each_other() {
                let output = run_example("sharding", &["--runtime", $feature, "--shards", "3"]);
                let text = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
                for shards in ["1 shard:", "2 shards:", "3 shards:"] {
                    assert!(number(row(&text, shards)) > 0, "{text}");
                }
                assert!(text.contains("every shard had its messages in order"), "{text}");
            }
        }

        /// Without the runtime the example says which feature is missing.
        #[cfg(not(feature = $feature))]
        #[test]
        fn $name() {
            for example in ["resilience", "sharding"] {
                let output = run_example(example, &["--runtime", $feature]);
                assert_eq!(output.status.code(), Some(2));
                let complaint = String::from_utf8(output.stderr).unwrap();
                assert!(complaint.contains(concat!("--features ", $feature)), "{complaint}");
            }
        }
    };
}

test_runtime!(tokio, "tokio");
test_runtime!(compio, "compio");

#[test]
fn mistakes_are_named() {
    let directory = std::env::temp_dir();
    for (arguments, named) in [
        (&["/no/such/file"][..], "/no/such/file"),
        (&[directory.to_str().unwrap()], "directory"),
        // There, and open to all, but nobody can read its beginning.
        #[cfg(target_os = "linux")]
        (&["/proc/self/mem"], "/proc/self/mem"),
        (&["--bogus"], "--bogus"),
        (&["--runtime", "smol"], "smol"),
        (&["--seed", "x"], "--seed"),
        (&["a", "b"], "b"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.starts_with("error:") && complaint.contains(named), "{complaint}");
        assert!(output.stdout.is_empty());
    }
    let help = run(&["--help"]);
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(["[FILE]", "--runtime", "--seed"].iter().all(|flag| help.contains(flag)), "{help}");
}

#[test]
fn there_is_at_least_one_shard() {
    for (arguments, named) in [(["--shards", "0"], "--shards"), (["--runtime", "smol"], "smol")] {
        let output = run_example("sharding", &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.starts_with("error:") && complaint.contains(named), "{complaint}");
    }
}

/// The exit status is 1 unless everything arrived, and arrived as it was.
#[test]
fn a_difference_is_a_failure() {
    let faithful =
        || Report { lines: 3, delivered: 3, sent_checksum: 5, received_checksum: 5, ..Report::default() };
    assert_eq!(faithful().exit_code(), ExitCode::SUCCESS);
    assert_eq!(Report { delivered: 2, ..faithful() }.exit_code(), ExitCode::from(1));
    assert_eq!(Report { received_checksum: 6, ..faithful() }.exit_code(), ExitCode::from(1));
    faithful().print();
}

/// Two processes: the client may come first, and the server stops at the end of its input.
#[cfg(feature = "tokio")]
#[test]
fn a_server_and_its_client() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::Stdio;

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("tcp://127.0.0.1:{port}");
    let piped = |name| {
        let mut command = Command::new(example(name));
        command.arg(&endpoint).stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    };
    let client = piped("client").args(["hello", "world"]).spawn().unwrap();
    let mut server = piped("server").spawn().unwrap();
    let mut said = BufReader::new(server.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line, format!("listening on {endpoint}\n"));
    let heard = client.wait_with_output().unwrap();
    assert!(heard.status.success());
    assert_eq!(String::from_utf8_lossy(&heard.stdout), "hello: HELLO\nworld: WORLD\n");
    drop(server.stdin.take());
    line.clear();
    said.read_to_string(&mut line).unwrap();
    assert_eq!(line, "answered 2, of which 0 did not leave\n");
    assert!(server.wait().unwrap().success());
}
