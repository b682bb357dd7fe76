//! What a message, a subscription and a connection cost as their number grows.
//!
//! ```sh
//! cargo bench --features compio --bench scale -- [--only WORD] [--most N]
//! ```
//!
//! Nanoseconds are wall-clock time of the side that is measured, pinned to a core of its own, over messages of
//! 64 B where it is not about their size; the other side of a PULL is raw TCP, that of a PUB our SUB, on another
//! core. Memory is resident memory. `--most` bounds the largest
//! number of peers, which take two descriptors each.

#[macro_use]
#[path = "../../examples/support/runtime.rs"]
mod runtime;

#[path = "../support/wire.rs"]
#[allow(dead_code, reason = "a part is used")]
mod wire;

#[path = "../../tests/support/stalled.rs"]
#[allow(dead_code, reason = "a part is used")]
mod stalled;

on_each_runtime!(measure, "measure.rs");

/// A figure for each number of things.
type Measure = fn(usize) -> f64;

struct Law {
    name: &'static str,
    unit: &'static str,
    numbers: &'static [usize],
    runtimes: Vec<(&'static str, Measure)>,
}

macro_rules! law {
    ($name:literal, $unit:literal, $numbers:expr, $measure:ident) => {
        Law {
            name: $name,
            unit: $unit,
            numbers: $numbers,
            runtimes: vec![
                #[cfg(feature = "tokio")]
                ("tokio", on_tokio::measure::$measure as Measure),
                #[cfg(feature = "compio")]
                ("compio", on_compio::measure::$measure as Measure),
            ],
        }
    };
}

fn laws() -> [Law; 6] {
    let peers: &[usize] = &[1, 10, 100, 1_000, 10_000];
    let connections: &[usize] = &[100, 1_000, 10_000];
    let subscriptions: &[usize] = &[1, 10, 100, 1_000, 10_000, 100_000];
    let sizes: &[usize] = &[16, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];
    [
        law!("PULL: a message, by peers of which ten send", "ns", &peers[1..], message_by_connections),
        law!("PULL: a message, by peers that all send", "ns", peers, message_by_peers),
        law!("PULL: an idle connection, by connections", "B", connections, memory_by_connections),
        law!("PUB: a copy, by subscribers that get everything", "ns", &[1, 8, 64, 500], copy_by_subscribers),
        law!(
            "PUB: a message, by subscriptions that 10 % of the messages match",
            "ns",
            subscriptions,
            message_by_subscriptions
        ),
        law!("one peer: a message that a PULL receives, by its bytes", "ns", sizes, message_by_size),
    ]
}

impl Law {
    /// Each figure comes from a process of its own, which no other has left anything in.
    fn print(&self, most: usize) {
        let columns: String =
            self.runtimes.iter().map(|(name, _)| format!(" {name}, {} |", self.unit)).collect();
        println!("\n### {}\n\n| number |{columns}\n|---|{}", self.name, "---|".repeat(self.runtimes.len()));
        for number in self.numbers {
            let number = if self.name.starts_with("PULL") { (*number).min(most) } else { *number };
            let figures: String = self
                .runtimes
                .iter()
                .map(|(runtime, _)| format!(" {} |", self.in_process(runtime, number)))
                .collect();
            println!("| {number} |{figures}");
        }
    }

    fn in_process(&self, runtime: &str, number: usize) -> String {
        let program = std::env::current_exe().expect("this program has a path");
        let child = std::process::Command::new(program)
            .args(["--one", self.name, runtime, &number.to_string()])
            .stderr(std::process::Stdio::inherit())
            .output();
        String::from_utf8_lossy(&child.expect("it can be run again").stdout).into_owned()
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = |flag: &str| args.iter().position(|arg| arg == flag).and_then(|at| args.get(at + 1));
    if let [_, flag, name, runtime, number] = &args[..] {
        if flag == "--one" {
            let laws = laws();
            let law = laws.iter().find(|law| law.name == name).expect("a law of this name");
            let measure = law.runtimes.iter().find(|(other, _)| other == runtime).expect("a runtime").1;
            return print!("{:.0}", measure(number.parse().expect("a number")));
        }
    }
    let most: usize = value("--most").map_or(9_500, |n| n.parse().expect("--most takes a number"));
    for law in laws() {
        if value("--only").is_none_or(|word| law.name.contains(word.as_str())) {
            law.print(most);
        }
    }
}
