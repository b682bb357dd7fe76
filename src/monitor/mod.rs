//! What happens on a socket, as events and as figures.

mod event;
mod hub;
mod stats;

pub use self::event::{DisconnectReason, DropCause, PeerId, SocketEvent};
pub use self::hub::Monitor;
pub(crate) use self::hub::MonitorHub;
pub use self::stats::{PeerStats, SocketStats};
