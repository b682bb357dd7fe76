//! Policies that keep a socket bounded and alive: byte permits, poisoning, backoff, reconnection.
//!
//! All of them are small values that do no I/O and never ask for the time or a random number: both are
//! arguments, so that every one of them can be tested alone and used outside a socket.
//!
//! - How much may be queued: [`BytePermits`], a budget that sockets share, beside the high-water marks
//!   that each peer has for itself.
//! - What a full queue and a missing peer mean: [`OnFull`], [`WhileDisconnected`].
//! - What a cancelled write means: [`OnCancel`], and the [`PoisonGuard`] behind it.
//! - When queued messages are written: [`FlushPolicy`].
//! - When to try again: [`Backoff`], [`ReconnectState`] that applies it to one endpoint, and [`RetryBudget`] that
//!   bounds what many do together.

mod backoff;
mod high_water;
mod modes;
mod permits;
mod poison;
mod reconnect;
mod retry_budget;
mod semaphore;

pub use self::backoff::Backoff;
pub(crate) use self::backoff::BackoffFn;
pub(crate) use self::high_water::HighWater;
pub use self::modes::{FlushPolicy, OnCancel, OnFull, WhileDisconnected};
pub use self::permits::{BytePermits, NoOpPermits, Permit, ReleaseBytes};
pub use self::poison::PoisonGuard;
pub use self::reconnect::{LostConnection, ReconnectPhase, ReconnectState};
pub use self::retry_budget::RetryBudget;
pub use self::semaphore::{Acquire, SemaphorePermits};
