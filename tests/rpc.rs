//! Many requests at once: clients, servers, and the sockets that may be at the other end of them; on each runtime, on
//! several threads, and on the simulated network.
#![cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, once for each runtime")]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[allow(dead_code, reason = "each test binary uses a part")]
#[path = "support/dropping.rs"]
mod dropping;
#[macro_use]
#[path = "support/mod.rs"]
mod support;

on_each_runtime!("rpc" {
    mod cancel;
    mod clients;
    mod common;
    mod hostile;
    mod loss;
    mod servers;
});

#[cfg(feature = "sim")]
#[path = "rpc/simulated.rs"]
mod simulated;
#[cfg(feature = "tokio")]
#[path = "rpc/threads.rs"]
mod threads;
