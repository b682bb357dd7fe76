//! Faults, schedules, marks and time, on the simulated network: no kernel, no waiting, every run the same.
#![cfg(feature = "sim")]

#[allow(dead_code, reason = "the rest is for real sockets")]
#[path = "support/stalled.rs"]
mod stalled;

#[path = "sim"]
mod sim {
    mod balance;
    mod close;
    mod cuts;
    mod cycles;
    mod give_up;
    mod handover;
    mod handshakes;
    mod heartbeats;
    mod inproc;
    mod marks;
    mod reconnect;
    mod seeds;
    mod support;
}
