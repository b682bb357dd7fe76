//! Sockets of the system, as the runtimes that have no sockets of their own share them: each runtime adds how it
//! waits for them.

mod connect;
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
#[cfg(test)]
pub(super) use self::connect::{addresses, connect_first};
pub(super) use self::listen::bind;
pub(super) use self::socket::{Attempted, System, Watched, Way};
pub use self::socket::{SystemListener, SystemStream};
#[cfg(test)]
pub(super) use self::tcp::{listen, open};
#[cfg(any(feature = "compio", feature = "smol"))]
pub(super) use self::watch::Drained;
