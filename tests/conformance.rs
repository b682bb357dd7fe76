//! What libzmq's own tests check, and the traps of its semantics, mounted once for each runtime.
//!
//! A test bears the name of libzmq's (`test_spec_req` is `spec_req`), or the number of the trap that it is
//! about; where this crate departs from libzmq on purpose it asserts what this crate does. The table of all
//! of libzmq's tests is `docs/conformance.md`.

#![cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, once for each runtime")]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[macro_use]
#[path = "support/mod.rs"]
mod support;

on_each_runtime!("conformance" {
    mod common;

    mod basic;
    mod bugs;
    mod churn;
    mod closing;
    mod endpoints;
    mod identities;
    mod lifecycle;
    mod marks;
    mod messages;
    mod metadata;
    mod monitor;
    mod pairs;
    mod pipes;
    mod reqrep;
    mod requests;
    mod router;
});
