//! What code that uses sockets of any runtime needs: types, no modules.

pub use crate::endpoint::Endpoint;
pub use crate::error::{Error, ErrorKind, Result, SendError, TimeoutKind};
pub use crate::message::{Frame, Message};
pub use crate::monitor::{
    DisconnectKind, DisconnectReason, DropCause, EndpointStats, Missed, Monitor, PeerId, PeerStats,
    SocketEvent, SocketStats,
};
pub use crate::options::{Keepalive, ReconnectStop, RouterHandover, RouterNotify, SocketOptions};
pub use crate::proxy::{Proxy, ProxyControl, ProxyStats, proxy};
pub use crate::resilience::{
    Backoff, BytePermits, FlushPolicy, NoOpPermits, OnCancel, OnFull, Permit, PoisonGuard, ReconnectState,
    RetryBudget, SemaphorePermits, WhileDisconnected,
};
pub use crate::rpc::{ClientOptions, OnServerLost, ServerOptions};
pub use bytes::Bytes;
