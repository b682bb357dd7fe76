//! What libzmq's own tests check of publish/subscribe and of flow control, once for each runtime.
//!
//! A test bears the name of the libzmq test that it stands for (`tests/test_NAME.cpp`), and checks the same
//! facts; `trap_NN` is number NN in the list of semantics that are easy to get wrong.
//!
//! Options are given when a socket is opened and typed. Where libzmq's tests change one on an open socket,
//! these open another one.

#![cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, once for each runtime")]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[macro_use]
#[path = "support/mod.rs"]
mod support;

on_each_runtime!("conformance_pubsub" {
    mod bugs;
    mod floods;
    mod flow;
    mod mock_pub_sub;
    mod pubsub;
    mod support;
    mod traps;
    mod xpub_manual;
    mod xpub_verbose;
});
