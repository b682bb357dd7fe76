//! What happens on a socket, as events and as figures.
//!
//! [`Socket::monitor`](crate::socket::Socket::monitor) gives a stream of [`SocketEvent`]s, which also read as
//! lines of a log; [`Socket::stats`](crate::socket::Socket::stats) gives [`SocketStats`], in which every
//! message is somewhere.

mod causes;
mod display;
mod event;
#[cfg(any(feature = "tracing", feature = "serde"))]
mod facts;
mod hub;
mod queue;
#[cfg(feature = "serde")]
mod serialize;
mod stats;
#[cfg(feature = "tracing")]
mod trace;
mod wait_times;

pub(crate) use self::causes::Counts;
pub use self::causes::{DisconnectKind, DropCause};
pub use self::event::{DisconnectReason, PeerId, SocketEvent};
pub use self::hub::Monitor;
pub(crate) use self::hub::{MonitorHub, Source as MonitorSource};
pub(crate) use self::queue::Bounds as MonitorBounds;
pub use self::queue::Missed;
pub use self::stats::{EndpointStats, PeerStats, SocketStats};
pub use self::wait_times::WaitTimes;
