//! What happens on a socket, as events and as figures.
//!
//! [`Socket::monitor`](crate::socket::Socket::monitor) gives a stream of [`SocketEvent`]s, which also read as
//! lines of a log; [`Socket::stats`](crate::socket::Socket::stats) gives [`SocketStats`], in which every
//! message is somewhere.

mod causes;
mod display;
mod event;
mod hub;
mod queue;
mod stats;

pub(crate) use self::causes::Counts;
pub use self::causes::{DisconnectKind, DropCause};
pub use self::event::{DisconnectReason, PeerId, SocketEvent};
pub use self::hub::Monitor;
pub(crate) use self::hub::MonitorHub;
pub(crate) use self::queue::Bounds as MonitorBounds;
pub use self::queue::Missed;
pub use self::stats::{EndpointStats, PeerStats, SocketStats};
