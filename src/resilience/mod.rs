//! Policies that keep a socket alive and bounded: high-water marks, byte permits, poisoning, backoff.
//!
//! All of them are small values without I/O, clocks or randomness; the engine brings those.

mod backoff;
mod deadlines;
mod high_water;
mod modes;
mod permits;
mod poison;
mod reconnect;
mod semaphore;

pub use self::backoff::Backoff;
pub(crate) use self::deadlines::Deadlines;
pub(crate) use self::high_water::HighWater;
pub use self::modes::{FlushPolicy, OnCancel};
pub use self::permits::{BytePermits, NoOpPermits, Permit, ReleaseBytes};
pub use self::poison::PoisonGuard;
pub use self::reconnect::{ReconnectPhase, ReconnectState};
pub use self::semaphore::{Acquire, SemaphorePermits};
