//! Sockets on streams of the user's own, without a companion task and without any runtime: whoever polls
//! does the work.

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "support/dropping.rs"]
mod dropping;
#[path = "support/pipe.rs"]
mod pipe;
#[path = "support/stalled.rs"]
#[allow(dead_code, reason = "only the opening bytes are used")]
mod stalled;

#[path = "detached"]
mod detached {
    mod authenticator;
    mod cancel;
    mod proxy;
    mod reads;
    mod sockets;
    mod waits;
}
