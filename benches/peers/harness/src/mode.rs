//! The program of a contestant.

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::task::Scenario;
use crate::{Figures, ModeInfo, Outcome, Result, Task, Unsupported, children, zmtp};

/// One way of using a library.
pub struct Mode {
    /// How tables call it.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    pub kind: Kind,
    pub run: fn(Task) -> Result<Figures>,
}

/// In which comparisons a mode takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A call for each message: in all of them.
    Plain,
    /// A call for each message, each of which is a write of its own: in all of them, and in `eager`.
    PlainEager,
    /// Calls that take or give many messages: reported apart.
    Batch,
    /// One write for each message by choice: in `eager` only.
    Eager,
    /// A plain mode whose calls are made from within one more `async fn`: reported apart.
    Within,
}

/// Ends the names of modes that are called from within one more function.
const WITHIN: &str = ", within";

/// Does what the command line says: `modes` lists them, `run MODE TASK` runs a task (a line of JSON) and
/// prints its outcome (another).
pub fn main(modes: &[Mode]) -> ! {
    let args: Vec<String> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["modes"] => {
            let within = modes.iter().filter(|mode| mode.kind == Kind::Plain).map(Mode::within);
            let infos: Vec<ModeInfo> = modes.iter().map(Mode::info).chain(within).collect();
            println!("{}", serde_json::to_string(&infos).expect("modes are plain data"));
            std::process::exit(0);
        }
        ["run", name, task] => {
            let plain = name.strip_suffix(WITHIN).unwrap_or(name);
            let mode = modes.iter().find(|mode| mode.name == plain);
            let task: Result<Task, _> = serde_json::from_str(task);
            let (Some(mode), Ok(mut task)) = (mode, task) else { usage() };
            task.within = plain != name;
            children::remember(name);
            children::end_with_parent();
            run(mode, task)
        }
        _ => usage(),
    }
}

fn usage() -> ! {
    eprintln!("usage: modes | run MODE TASK");
    std::process::exit(2);
}

fn run(mode: &Mode, task: Task) -> ! {
    // A panic of any thread, that of a library's own as well, is a failure of the task.
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        default(panic);
        finish(&Outcome::Failed(without_registry(&panic.to_string().replace('\n', " "))));
    }));
    let result = match task.scenario {
        Scenario::IdlePeers { endpoint, connections } => zmtp::idle_peers(&endpoint, connections),
        _ => (mode.run)(task),
    };
    finish(&match result {
        Ok(figures) => Outcome::Done(figures),
        Err(error) => match error.downcast::<Unsupported>() {
            Ok(unsupported) => Outcome::Unsupported(unsupported.0),
            Err(error) => Outcome::Failed(error.to_string()),
        },
    });
}

/// Prints the outcome and ends the process as it stands: what is still open need not be waited for.
fn finish(outcome: &Outcome) -> ! {
    let mut out = std::io::stdout().lock();
    let line = serde_json::to_string(outcome).expect("outcomes are plain data");
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    std::process::exit(0);
}

impl Mode {
    /// The twin of a plain mode.
    fn within(&self) -> ModeInfo {
        let name = format!("{}{WITHIN}", self.name);
        ModeInfo { name, about: "the same from within one more `async fn`".into(), kind: Kind::Within }
    }

    fn info(&self) -> ModeInfo {
        ModeInfo { name: self.name.into(), about: self.about.into(), kind: self.kind }
    }
}

/// Says where a panic was without where this machine keeps its crates.
fn without_registry(panic: &str) -> String {
    let is_local = |word: &&str| word.contains("/registry/src/");
    let Some(path) = panic.split(' ').find(is_local) else { return panic.to_owned() };
    let place = path.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/'));
    place.map_or_else(|| panic.to_owned(), |(_, place)| panic.replace(path, place))
}

#[cfg(test)]
mod tests {
    use super::without_registry;

    #[test]
    fn places_are_told_from_the_crate_on() {
        let told = "panicked at /home/me/.cargo/registry/src/index-1/some-0.2.0/src/lib.rs:1:2: no";
        assert_eq!(without_registry(told), "panicked at some-0.2.0/src/lib.rs:1:2: no");
        assert_eq!(without_registry("panicked at src/main.rs:1:2: no"), "panicked at src/main.rs:1:2: no");
    }
}
