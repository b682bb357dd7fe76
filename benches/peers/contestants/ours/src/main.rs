//! This repository's crate, on both runtimes.

#![allow(clippy::duplicate_mod, reason = "the point: the same sockets, once for each runtime")]

mod on_compio;
mod on_tokio;
mod on_tokio_threads;

fn main() {
    let modes = [on_tokio::modes(), on_compio::modes(), on_tokio_threads::modes()];
    harness::main(modes.as_flattened());
}

/// How the sockets are used.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Style {
    /// A call for each message, with the default options.
    Plain,
    /// The same with a write for each message.
    Eager,
    /// The calls that take or give many messages.
    Batch,
}
