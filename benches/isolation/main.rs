//! What an attack on a socket costs the good peers of that socket, and of another one.
//!
//! ```sh
//! cargo bench --features compio,curve --bench isolation -- [--only WORD] [--rounds N]
//! ```
//!
//! A server has two sockets that answer, in one thread on a core of its own. A good peer of the first is
//! measured while an attacker does its worst to the second, and then to the first: round trips, and messages
//! with many under way. Both times the server does the work of the attack and the attacker takes the same part
//! of the other core, so that what differs is what the attack does to the socket that it is on. Peers and
//! attackers are raw TCP, but for the calls that wait, which are the server's own, and what speaks CURVE. Each
//! figure comes from a process of its own, the two of a ratio one after the other; medians of the rounds.

#[macro_use]
#[path = "../../examples/support/runtime.rs"]
mod runtime;

#[path = "../support/wire.rs"]
#[allow(dead_code, reason = "a part is used")]
mod wire;

#[path = "../../tests/support/stalled.rs"]
#[allow(dead_code, reason = "a part is used")]
mod stalled;

mod attack;
mod peer;

on_each_runtime!(server, "server.rs");

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use attack::Attack;
use monocoque::Endpoint;
use peer::GoodPeer;

/// What there is once for each runtime.
#[derive(Clone, Copy)]
struct On {
    name: &'static str,
    /// Serves on two sockets, whose endpoints it announces; the attack is on the one with this number.
    serve: fn(Attack, usize, mpsc::Sender<[Endpoint; 2]>),
    /// The figures of a good peer of the first socket, beside an attack on the one with this number, if both speak
    /// CURVE.
    #[cfg(feature = "curve")]
    measure_sealed: fn(Attack, usize, &[Endpoint; 2]) -> Figures,
}

fn runtimes() -> Vec<On> {
    vec![
        #[cfg(feature = "tokio")]
        On {
            name: "tokio",
            serve: on_tokio::server::serve,
            #[cfg(feature = "curve")]
            measure_sealed: on_tokio::server::sealed::measure,
        },
        #[cfg(feature = "compio")]
        On {
            name: "compio",
            serve: on_compio::server::serve,
            #[cfg(feature = "curve")]
            measure_sealed: on_compio::server::sealed::measure,
        },
    ]
}

/// Before the clock starts the attack has been under way for this long.
const WARM_UP: Duration = Duration::from_millis(150);

/// Requests under way at once where many are.
const MANY: usize = 128;

/// Answers in a second to one request at a time, and to many.
type Figures = [f64; 2];

/// The figures of a good peer of the first socket, beside an attack on the socket with this number.
fn measure(attack: Attack, attacked: usize, on: On) -> Figures {
    let (announce, endpoints) = mpsc::channel();
    thread::spawn(move || {
        wire::pin(1);
        (on.serve)(attack, attacked, announce);
    });
    wire::pin(0);
    let endpoints = endpoints.recv().expect("the server serves");
    #[cfg(feature = "curve")]
    if attack.is_sealed() {
        return (on.measure_sealed)(attack, attacked, &endpoints);
    }
    let [mut good, _as_good] = [0, 1].map(|n| GoodPeer::new(&endpoints[n], attack.is_on_publishers()));
    attack.begin(endpoints[attacked].clone());
    thread::sleep(WARM_UP);
    [1, MANY].map(|under_way| good.answers_in_a_second(under_way))
}

fn in_process(attack: Attack, attacked: usize, runtime: &str) -> Figures {
    let program = std::env::current_exe().expect("this program has a path");
    let mut child = Command::new(program);
    child.args(["--one", attack.name(), &attacked.to_string(), runtime]).stderr(Stdio::inherit());
    let output = child.output().expect("it can be run again").stdout;
    let text = String::from_utf8_lossy(&output);
    let mut figures = text.split(' ').map(|figure| figure.parse().unwrap_or(f64::NAN));
    [(); 2].map(|()| figures.next().unwrap_or(f64::NAN))
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// One row: for one request at a time and for many, both rates and their ratio.
fn row(attack: Attack, runtime: &str, rounds: usize) -> String {
    let runs: Vec<[Figures; 2]> =
        (0..rounds).map(|_| [1, 0].map(|attacked| in_process(attack, attacked, runtime))).collect();
    let columns = [0, 1].map(|which| {
        let of = |figure: &dyn Fn(f64, f64) -> f64| {
            median(runs.iter().map(|[other, same]| figure(other[which], same[which])).collect())
        };
        let (other, same) = (of(&|other, _| other), of(&|_, same| same));
        format!(" {other:.0} | {same:.0} | {:.2} |", of(&|other, same| same / other))
    });
    format!("| {} |{}", attack.name(), columns.concat())
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = |flag: &str| args.iter().position(|arg| arg == flag).and_then(|at| args.get(at + 1));
    if let [_, flag, attack, attacked, runtime] = &args[..] {
        if flag == "--one" {
            let attack = Attack::ALL.iter().find(|other| other.name() == attack).expect("an attack");
            let on = runtimes().into_iter().find(|on| on.name == runtime).expect("a runtime");
            let [one, many] = measure(*attack, attacked.parse().expect("a number"), on);
            print!("{one:.0} {many:.0}");
            std::process::exit(0);
        }
    }
    let rounds = value("--rounds").map_or(5, |n| n.parse().expect("--rounds takes a number"));
    for On { name, .. } in runtimes() {
        println!("\n### {name}\n");
        println!(
            "| attack | round trips/s, on another socket | on the same | ratio | messages/s, on another socket | on the same | ratio |"
        );
        println!("|---|---|---|---|---|---|---|");
        for attack in Attack::ALL {
            if value("--only").is_none_or(|word| attack.name().contains(word.as_str())) {
                println!("{}", row(*attack, name, rounds));
            }
        }
    }
}
