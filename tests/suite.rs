//! One suite of behaviour, mounted once for each runtime.
#![cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, once for each runtime")]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "support/dropping.rs"]
mod dropping;
#[macro_use]
#[path = "support/mod.rs"]
mod support;
#[path = "support/watched.rs"]
mod watched;

on_each_runtime!("suite" {
    mod addressed;
    mod adopt;
    mod authenticator;
    mod bad_input;
    mod blueprint;
    mod cancel;
    mod doubt;
    mod drain;
    mod dropped;
    mod dropped_patterns;
    #[cfg(feature = "curve")]
    mod dropped_sealed;
    mod endpoints;
    mod floods;
    mod handles;
    mod handover;
    mod heartbeats;
    mod hostile;
    mod incomplete;
    mod inproc;
    #[cfg(unix)]
    mod ipc;
    #[cfg(all(feature = "plain", feature = "curve"))]
    mod intruder;
    mod isolation;
    mod limits;
    mod marks;
    mod monitor;
    mod newest;
    mod opening;
    mod patterns;
    mod permits;
    mod probe;
    mod proxy;
    mod rebind;
    mod refused;
    mod resends;
    #[cfg(all(feature = "plain", feature = "curve"))]
    mod security;
    mod retries;
    mod send_many;
    mod sink;
    mod sockets;
    mod socks;
    mod tcp;
    mod time_limits;
    mod waits;
});
