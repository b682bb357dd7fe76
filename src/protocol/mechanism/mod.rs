//! The seam for security mechanisms: a handshake, and what it leaves behind to seal later frames.
//!
//! A [`Mechanism`] lives during the handshake only. It may end in a [`Seal`], through which every later
//! frame of the connection passes in both directions, commands and heartbeats included; NULL and PLAIN
//! end without one, and their traffic never meets this module again.
//!
//! Entropy is an argument here as everywhere in `protocol`: a mechanism that needs it gets its source
//! with the settings that [`Security`](super::Security) carries.

use std::fmt;

use bytes::Bytes;

use super::command::Command;
use super::frame::Flags;
use super::{Config, ProtocolError};
use crate::security::Credentials;

mod null;
#[cfg(test)]
mod toy;

pub(super) use null::Null;
#[cfg(test)]
pub(super) use toy::Toy;

/// One side of a handshake.
///
/// Replies are bodies of commands. ERROR never gets here: it ends the connection. An error that has a
/// [`reason_for_peer`](ProtocolError::reason_for_peer) is told to the peer before the connection closes.
pub(super) trait Mechanism: fmt::Debug + Send {
    /// The greetings fit: the command that this side sends unasked, if it does.
    fn start(&mut self, config: &Config) -> Option<Vec<u8>>;

    /// The peer's next command.
    fn handle_command(&mut self, config: &Config, command: Command<'_>) -> Result<Step, ProtocolError>;
}

/// What a command of the handshake led to.
#[derive(Debug)]
pub(super) enum Step {
    /// It goes on, after this reply.
    #[cfg_attr(not(test), expect(dead_code, reason = "NULL is done in one step"))]
    Reply(Vec<u8>),
    /// It is over once the caller has let the peer in: then the reply leaves. If the metadata turn out wrong,
    /// an ERROR takes its place.
    Done(Done),
}

/// The end of a handshake.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) reply: Option<Vec<u8>>,
    /// The peer's properties, as encoded in READY.
    pub(super) metadata: Vec<u8>,
    /// `None`: frames travel as they are.
    pub(super) seal: Option<Box<dyn Seal>>,
    /// Who the peer says it is, as far as the mechanism proves or carries it.
    pub(super) credentials: Credentials,
}

/// What keeps the frames of a connection secret or authentic after the handshake.
pub(super) trait Seal: fmt::Debug + Send {
    /// By how many bytes a sealed payload is longer, at most.
    fn overhead(&self) -> usize;

    /// Makes the frame that goes on the wire; called in the order of sending.
    fn seal(&mut self, flags: Flags, payload: &[u8]) -> WireFrame;

    /// Makes the frame that the peer sealed; called in the order of arrival.
    fn open(&mut self, flags: Flags, payload: &[u8]) -> Result<WireFrame, ProtocolError>;

    /// Makes the frame that [`seal`](Self::seal) sealed, at any time.
    fn open_own(&self, flags: Flags, payload: &[u8]) -> Option<WireFrame>;
}

/// A frame, sealed or opened.
#[derive(Debug)]
pub(super) struct WireFrame {
    pub(super) flags: Flags,
    pub(super) payload: Bytes,
}
