//! Sockets of the system, as all runtimes share them: each adds how it waits for
//! them.

#[cfg(test)]
pub(super) mod conformance;
mod connect;
mod ending;
#[cfg(unix)]
mod ipc;
mod listen;
mod socket;
mod socks;
mod tcp;
#[cfg(any(feature = "compio", feature = "smol"))]
mod watch;
mod write;

pub(super) use self::connect::connect;
pub(super) use self::listen::bind;
pub(super) use self::socket::{Attempted, System, Watched, Way};
pub use self::socket::{SystemListener, SystemStream};
#[cfg(any(feature = "compio", feature = "smol"))]
pub(super) use self::watch::Drained;
