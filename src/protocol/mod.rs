//! ZMTP 3.1 (RFC 37), and 3.0 (RFC 23) for peers that speak no more: bytes in, events out.
//!
//! Nothing here knows a socket, a clock or a random number. A [`Connection`] is the state of one
//! connection; the engine gives it what arrived and sends what it wrote to a [`WireSink`].
//!
//! What the RFC leaves open, or real peers do otherwise, is decided so:
//!
//! - Versions 1.x and 2.0 are refused, later ones than 3.1 are spoken to as 3.1.
//! - Padding, filler and as-server of a greeting have no meaning (libzmq fills the padding, and never
//!   sets as-server).
//! - Reserved bits of a frame's flags, and MORE on a command, are ignored, as in libzmq.
//! - A long frame may be shorter than 256 bytes.
//! - Limits hold for the announced length, before anything is stored. The one on message size is over
//!   all frames of a message, where libzmq's `MAXMSGSIZE` is per frame.
//! - READY of the side that accepted waits until the peer is welcome, so that one that is refused never
//!   sends what would be lost. ERROR is for what only a change of configuration can mend: libzmq's clients
//!   take any for the end.
//! - After the handshake a command that is unknown or malformed is skipped, and the connection stays.
mod clear;
mod command;
mod config;
mod connection;
mod error;
mod event;
mod frame;
mod greeting;
mod handshake;
mod key_work;
mod mechanism;
mod metadata;
mod recover;
mod socket_type;

#[cfg(test)]
mod tests;

pub use error::ProtocolError;
pub use socket_type::SocketType;

pub(crate) use clear::{PlainLimit, encode_in_clear, encode_plain, take_plain};
pub(crate) use command::Context;
pub(crate) use config::{Config, Limits};
pub(crate) use connection::{Connection, LARGE_FRAME, Role};
pub(crate) use event::Event;
pub(crate) use frame::{SHORT_HEADER, WireSink};
pub(crate) use handshake::PeerInfo;
pub(crate) use key_work::{KeyWork, KeysWorked};
