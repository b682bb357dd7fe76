//! This repository's crate, on its runtimes.

#![allow(clippy::duplicate_mod, reason = "the point: the same sockets, once for each runtime")]

mod on_compio;
mod on_tokio;
mod on_tokio_local;
mod on_tokio_threads;

fn main() {
    let modes = [on_tokio::modes(), on_tokio_local::modes(), on_compio::modes(), on_tokio_threads::modes()];
    harness::main(modes.as_flattened());
}

/// How the sockets are used.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Style {
    /// A call for each message, with the default options.
    Plain,
    /// The same with a write for each message.
    Eager,
    /// A call for each message, of which many leave together, and calls that give many.
    Feed,
    /// The calls that take and give many messages.
    Many,
}

impl Style {
    fn takes_many(self) -> bool {
        matches!(self, Self::Feed | Self::Many)
    }
}
