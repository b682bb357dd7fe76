//! What all connections of a socket have in common.

use bytes::Bytes;

use super::SocketType;
use crate::security::{Properties, Security};

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

/// What a [`Connection`](super::Connection) says about its socket, and what it accepts from the peer.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) socket_type: SocketType,
    /// At most 255 bytes, not beginning with a zero byte; empty lets the peer choose.
    pub(crate) identity: Bytes,
    /// Further metadata; names of 1 to 255 bytes.
    pub(crate) properties: Properties,
    pub(crate) limits: Limits,
    /// Which mechanism it asserts; a peer must assert the same.
    pub(crate) security: Security,
}

#[cfg(test)]
impl Config {
    /// That of a socket of which nothing but its type is said.
    pub(crate) fn new(socket_type: SocketType) -> Self {
        Self {
            socket_type,
            identity: Bytes::new(),
            properties: Properties::default(),
            limits: Limits::default(),
            security: Security::default(),
        }
    }
}
