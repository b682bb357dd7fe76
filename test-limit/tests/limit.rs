//! A test that hangs ends its process, and is named.

#[macro_use(test)]
extern crate monocoque_test_limit;

use std::process::{Command, Output};

/// Runs one of the tests below, with a limit of a second.
fn run(test: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", test]).env("MONOCOQUE_TEST_SECONDS", "1");
    command.output().unwrap()
}

fn assert_named(test: &str) {
    let output = run(test);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(complaint.contains(&format!("test limit::{test} hangs: it has taken 1s")), "{complaint}");
}

#[test]
#[ignore = "hangs, for the test that runs it"]
fn blocks() {
    loop {
        std::thread::park();
    }
}

mod inner {
    #[test]
    #[ignore = "hangs, for the test that runs it"]
    fn computes() -> Result<(), std::io::Error> {
        loop {
            std::hint::spin_loop();
        }
    }
}

#[test]
fn what_hangs_is_named() {
    assert_named("blocks");
    assert_named("inner::computes");
}
