//! ZeroMQ sockets in safe Rust that survive the real world.
#![forbid(unsafe_code)]
#![warn(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unnameable_types,
    unused_qualifications,
    clippy::use_self,
    clippy::or_fun_call,
    clippy::manual_let_else,
    clippy::redundant_clone,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs
)]

#[cfg(feature = "compio")]
pub mod compio;
pub mod endpoint;
mod engine;
pub mod error;
pub mod message;
pub mod monitor;
pub mod options;
pub mod prelude;
mod protocol;
pub mod resilience;
mod routing;
pub mod runtime;
pub mod socket;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use bytes::Bytes;
pub use endpoint::Endpoint;
pub use error::{Error, ErrorKind, Result, SendError};
pub use message::{Frame, Message};
pub use monitor::SocketEvent;
pub use options::SocketOptions;
pub use protocol::{ProtocolError, SocketType};
