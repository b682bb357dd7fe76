//! What all connections of a socket have in common.

use bytes::Bytes;

use super::SocketType;
use super::connection::Role;
use super::mechanism::{Mechanism, Null};

/// The longest topic that goes into a command, in bytes; a longer one goes into a message.
pub(super) const MAX_COMMAND_TOPIC: usize = 1024 * 1024;

/// Bounds on what a peer may send; they hold for announced lengths, before anything is stored.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Payload bytes of a message, all frames together (libzmq's `MAXMSGSIZE` is per frame).
    pub(crate) max_message_size: usize,
    /// Frames of a message: each costs memory even when it is empty.
    pub(crate) max_frames: usize,
    /// Bytes of all handshake commands together: the peer is still unknown. The greeting is not counted.
    pub(crate) max_handshake_bytes: usize,
    /// Bytes of a command after the handshake.
    pub(crate) max_command_size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_size: 256 * 1024 * 1024,
            max_frames: 65_536,
            max_handshake_bytes: 8 * 1024,
            // Nothing but subscriptions is long; what is announced is allocated as it arrives.
            max_command_size: MAX_COMMAND_TOPIC + "\x09SUBSCRIBE".len(),
        }
    }
}

/// Which security mechanism the socket asserts; a peer must assert the same.
#[derive(Clone, Debug, Default)]
pub(crate) enum Security {
    /// No authentication, no encryption (RFC 37).
    #[default]
    Null,
    /// Seals every frame; proves that a mechanism can.
    #[cfg(test)]
    Toy { key: u8 },
}

impl Security {
    /// The name in the greeting, at most 20 bytes.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            #[cfg(test)]
            Self::Toy { .. } => "TOY",
        }
    }

    /// Begins the handshake of one connection.
    pub(super) fn mechanism(&self, role: Role) -> Box<dyn Mechanism> {
        match self {
            Self::Null => Box::new(Null::new(role)),
            #[cfg(test)]
            Self::Toy { key } => Box::new(super::mechanism::Toy::new(*key)),
        }
    }
}

/// What a [`Connection`](super::Connection) says about its socket, and what it accepts from the peer.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) socket_type: SocketType,
    /// At most 255 bytes, not beginning with a zero byte; empty lets the peer choose.
    pub(crate) identity: Bytes,
    /// Further metadata; names of 1 to 255 bytes.
    pub(crate) properties: Vec<(String, Bytes)>,
    pub(crate) limits: Limits,
    pub(crate) security: Security,
}
