//! Processes that a scenario starts: this program again, with another task.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver};

use crate::{Result, Task};

static MODE: OnceLock<String> = OnceLock::new();

/// Notes the mode of this process, which is also that of those it starts.
pub fn remember(mode: &str) {
    let _ = MODE.set(mode.to_owned());
}

/// Ends this process when the one that started it does, however that comes about: its end of the pipe that is
/// our input closes.
pub fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(1);
    });
}

/// A process that ends with this one: by its end of input, or killed when dropped.
pub struct Process {
    child: Child,
    _input: Option<ChildStdin>,
    /// What it prints.
    pub lines: Receiver<String>,
}

impl Process {
    pub fn start(task: &Task) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["run", MODE.get().expect("remembered by main"), &serde_json::to_string(task)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { _input: child.stdin.take(), child, lines })
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
