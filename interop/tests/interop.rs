//! A real libzmq as the other end, for each runtime.
#![cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, once for each runtime")]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "../../tests/support/mod.rs"]
mod support;

macro_rules! mount {
    ($name:ident, $feature:literal) => {
        #[cfg(feature = $feature)]
        #[path = "interop"]
        mod $name {
            use crate::support::$name as rt;

            mod doubt;
            #[cfg(unix)]
            mod ipc;
            mod jeromq;
            mod jeromq_options;
            mod jeromq_slow;
            mod libzmq;
            mod matrix;
            mod program;
            mod pyzmq;
            mod pyzmq_auth;
            mod refused;
            mod rpc;
            mod security;
            mod slow;
            mod subscriptions;
            mod zmq_rs;
        }
    };
}

mount!(tokio, "tokio");
mount!(compio, "compio");
mount!(smol, "smol");
