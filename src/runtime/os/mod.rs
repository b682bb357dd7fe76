//! Sockets of the system, as the runtimes that have no sockets of their own share them: each runtime adds how it
//! waits for them.

mod connect;
#[cfg(unix)]
mod ipc;
mod listen;
mod socks;
mod tcp;
mod write;

pub(super) use self::connect::{Dial, connect};
#[cfg(test)]
pub(super) use self::connect::{addresses, connect_first};
#[cfg(unix)]
pub(super) use self::ipc::{SocketFile, configure as configure_unix};
pub(super) use self::listen::{Bound, bind, configure_accepted};
pub(super) use self::tcp::{check_not_self, local_endpoint, peer_endpoint, prepare as prepare_tcp};
#[cfg(test)]
pub(super) use self::tcp::{listen, open};
pub(super) use self::write::send;
