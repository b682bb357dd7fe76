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

pub mod message;
mod protocol;
pub mod resilience;
mod routing;
pub mod runtime;

pub use bytes::Bytes;
pub use message::{Frame, Message};
