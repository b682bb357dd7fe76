//! One runtime for each core, with sockets of its own: how a program scales beyond one thread.
//!
//! Shards have nothing in common: no socket, no lock, no queue. So their rates add up, by as many times as
//! there are cores, until something below them is shared after all: the bandwidth of the memory, or the
//! kernel's loopback (between machines, the network). More shards than cores gain nothing.
//!
//! Order holds within a connection, and so within a shard; between shards there is none. What has to stay in
//! order goes to one shard: one producer, or one key (`hash(key) % shards`), always to the same.
//!
//! ```sh
//! cargo run --release --example sharding -- [--runtime tokio|compio] [--shards N]
//! ```
//!
//! The code of a shard is in `shard.rs`.
#![cfg_attr(
    not(any(feature = "tokio", feature = "compio")),
    allow(dead_code, unused_imports, reason = "without a runtime it only says so")
)]

#[macro_use]
#[path = "../support/runtime.rs"]
mod runtime;

mod args;

use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;

use args::Args;
use monocoque::Result;
use runtime::Runtime;

on_each_runtime!(shard, "shard.rs");

/// Runs one shard in the calling thread, from when all are ready; returns its messages per second.
type Shard = fn(&Barrier) -> Result<f64>;

fn main() -> ExitCode {
    let args = Args::parse();
    let Some(shard) = shard_on(args.runtime) else {
        return args.runtime.missing();
    };
    runtime::exit(scale(shard, args.shards))
}

/// `None` if the runtime is not compiled in.
fn shard_on(runtime: Runtime) -> Option<Shard> {
    match runtime {
        #[cfg(feature = "tokio")]
        Runtime::Tokio => Some(on_tokio::shard::run),
        #[cfg(feature = "compio")]
        Runtime::Compio => Some(on_compio::shard::run),
        #[allow(unreachable_patterns, reason = "reachable unless both runtimes are compiled in")]
        _ => None,
    }
}

/// Runs 1, 2, 4 shards and so on, up to `most`.
fn scale(shard: Shard, most: usize) -> Result<()> {
    let one = run_beside(shard, 1)?;
    println!("1 shard: {one:.0} messages/s");
    let doubled = (1..).map(|power| 1 << power).take_while(|shards| *shards < most);
    for shards in doubled.chain((most > 1).then_some(most)) {
        let all = run_beside(shard, shards)?;
        println!("{shards} shards: {all:.0} messages/s, {:.2} times one shard", all / one);
    }
    println!("every shard had its messages in order");
    Ok(())
}

/// Runs shards in as many threads, on a core each while there are enough; returns the sum of their rates.
fn run_beside(shard: Shard, shards: usize) -> Result<f64> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let start = Barrier::new(shards);
    thread::scope(|scope| {
        let thread = |number| {
            let core = cores.get(number).filter(|_| shards <= cores.len()).copied();
            let start = &start;
            scope.spawn(move || {
                // Where the system does not let it be pinned, the system places it.
                core.map(core_affinity::set_for_current);
                shard(start)
            })
        };
        let threads: Vec<_> = (0..shards).map(thread).collect();
        threads.into_iter().map(|thread| thread.join().expect("a shard does not panic")).sum()
    })
}
