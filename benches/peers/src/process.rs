//! One run: a process, its line of JSON, and a limit on its time.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use harness::{Outcome, Task};

/// How often to look whether a process has ended.
const LOOK: Duration = Duration::from_millis(2);

/// Runs a task of a mode; one that takes longer than `limit` is killed, and has failed.
pub fn run(program: &Path, mode: &str, task: &Task, limit: Duration) -> Outcome {
    let task = serde_json::to_string(task).expect("tasks are plain data");
    let child = Command::new(program)
        .args(["run", mode, &task])
        // Open as long as this process lives: contestants end when it closes.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let outcome = match child {
        Ok(child) => outcome(child, limit),
        Err(error) => Outcome::Failed(error.to_string()),
    };
    if let Outcome::Failed(why) = &outcome {
        eprintln!("  {mode}: {why}\n    {} run '{mode}' '{task}'", program.display());
    }
    outcome
}

fn outcome(mut child: Child, limit: Duration) -> Outcome {
    let deadline = Instant::now() + limit;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(LOOK),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Outcome::Failed(format!("hung: killed after {} s", limit.as_secs()));
            }
        }
    };
    let mut output = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        let _ = stdout.read_to_string(&mut output);
    }
    let line = output.lines().last().and_then(|line| serde_json::from_str(line).ok());
    line.unwrap_or_else(|| Outcome::Failed(format!("ended with {status} and no outcome")))
}
