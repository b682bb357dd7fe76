//! Faults, schedules, marks and time, on the simulated network: no kernel, no waiting, every run the same.
#![cfg(feature = "sim")]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, with a layer and without")]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[allow(dead_code, reason = "the rest is for real sockets")]
#[path = "support/stalled.rs"]
mod stalled;

#[path = "support/dropping.rs"]
mod dropping;
#[path = "support/hold.rs"]
mod hold;
#[path = "support/simulated.rs"]
mod simulated;
#[path = "support/veil.rs"]
mod veil;
#[allow(dead_code, reason = "each test binary uses a part")]
#[path = "support/watched.rs"]
mod watched;

/// What holds on every runtime, on this one as well.
#[path = "suite"]
mod suite {
    use crate::simulated as rt;

    mod dropped;
}

/// And upon streams that hold what they took.
#[path = "suite"]
mod held {
    use crate::simulated::held as rt;

    mod dropped;
}

/// And with a layer upon its streams.
#[path = "suite"]
mod veiled {
    use crate::simulated::veiled as rt;

    mod dropped;
}

#[path = "sim"]
mod sim {
    mod authenticator;
    mod balance;
    mod batching;
    mod close;
    mod companion;
    mod cuts;
    mod cycles;
    mod disconnected;
    mod doubt;
    mod fairness;
    mod filters;
    mod fragile;
    mod give_up;
    mod guarantees;
    mod handover;
    mod handshakes;
    mod heartbeats;
    mod holding;
    mod hostile;
    mod incomplete;
    mod inproc;
    #[cfg(all(feature = "curve", feature = "plain"))]
    mod intruder;
    mod marks;
    mod names;
    mod newest;
    mod options;
    mod owners;
    mod publishing;
    mod reconnect;
    mod reconnect_stop;
    mod refusals;
    mod retries;
    mod seeds;
    mod subscriptions;
    mod support;
    mod useful;
    mod waits;
}
