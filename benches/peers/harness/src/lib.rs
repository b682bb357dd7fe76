//! What every contestant runs: the scenarios, the verification, and the line of JSON that tells the outcome.
//!
//! A contestant is a small program. It says how its library opens, sends and receives (a [`local::Contestant`]
//! or a [`sendable::Contestant`]), lists its ways of doing so as [`Mode`]s and hands them to [`main`]. One
//! process does one [`Task`] and ends.
//!
//! The scenarios are mounted twice, because a multi-threaded runtime takes futures that are `Send` only, and
//! a thread-per-core runtime has futures that are not.

#![allow(clippy::duplicate_mod, reason = "the point: the same scenarios, with and without `Send`")]

mod bind;
mod blocking;
mod children;
mod clock;
mod error;
mod mode;
mod payload;
mod system;
mod task;
#[cfg(feature = "tokio")]
pub mod tokio;
mod wire;
mod zmtp;

pub use bind::Bind;
pub use blocking::block_on;
pub use error::{Result, Unsupported, unsupported};
pub use mode::{Kind, Mode, main};
pub use payload::{Numbering, Payload, Payloads, Source};
pub use task::{Figures, ModeInfo, Outcome, Scenario, Task, Transport};

/// For contestants whose futures stay on their thread.
#[path = "."]
pub mod local {
    /// Holds for everything.
    pub trait MaybeSend {}
    impl<T: ?Sized> MaybeSend for T {}

    #[path = "contest/mod.rs"]
    mod contest;
    pub use contest::*;
}

/// For contestants whose futures may move between threads.
#[path = "."]
pub mod sendable {
    pub use std::marker::Send as MaybeSend;

    #[path = "contest/mod.rs"]
    mod contest;
    pub use contest::*;
}
