//! One suite of behaviour, mounted once for each runtime.
#![cfg(any(feature = "tokio", feature = "compio"))]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, once for each runtime")]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "support/dropping.rs"]
mod dropping;
#[path = "support/mod.rs"]
mod support;
#[path = "support/watched.rs"]
mod watched;

/// Mounts the files of `suite/` for one runtime: each says `use super::rt` and names no runtime.
macro_rules! mount {
    ($name:ident, $feature:literal $(, $more:ident)*) => {
        #[cfg(feature = $feature)]
        #[path = "suite"]
        mod $name {
            use crate::support::$name as rt;

            mod adopt;
            mod bad_input;
            mod blueprint;
            mod cancel;
            mod dropped;
            mod doubt;
            mod dropped_patterns;
            mod endpoints;
            mod floods;
            mod handles;
            mod heartbeats;
            mod hostile;
            mod incomplete;
            mod inproc;
            #[cfg(unix)]
            mod ipc;
            mod marks;
            mod monitor;
            mod opening;
            mod patterns;
            mod permits;
            mod probe;
            mod proxy;
            mod rebind;
            mod sockets;
            mod socks;
            mod tcp;
            $(mod $more;)*
        }
    };
}

// Those at the end move what only one thread may have.
mount!(tokio, "tokio", drain, handover, isolation, limits, refused, resends, sink, waits);
mount!(tokio_threads, "tokio");
mount!(compio, "compio", drain, handover, isolation, limits, refused, resends, sink, waits);
