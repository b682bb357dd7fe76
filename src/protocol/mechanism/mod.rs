//! The seam for security mechanisms: a handshake, and what it leaves behind to seal later frames.
//!
//! A [`Mechanism`] lives during the handshake only. It may end in a [`Seal`], through which every later
//! frame of the connection passes in both directions, commands and heartbeats included; NULL and PLAIN
//! end without one, and their traffic never meets this module again.
//!
//! Who is client and who is server has nothing to do with who bound and who connected.
//!
//! Entropy is an argument here as everywhere in `protocol`: a mechanism that needs it gets its source
//! with the settings that [`Security`] carries.

use std::fmt;

use bytes::Bytes;

use super::command::Command;
use super::frame::{Flags, Payload, WireSink};
use super::{Config, ProtocolError, Role};
use crate::message::Frame;
use crate::security::{Credentials, Security};

#[cfg(feature = "curve")]
mod curve;
mod null;
#[cfg(feature = "plain")]
mod plain;
#[cfg(test)]
mod toy;

/// Begins the handshake of one connection.
pub(super) fn begin(security: &Security, role: Role) -> Box<dyn Mechanism> {
    match security {
        Security::Null => Box::new(null::Null::new(role)),
        #[cfg(feature = "plain")]
        Security::PlainClient { user, password } => Box::new(plain::PlainClient::new(user, password)),
        #[cfg(feature = "plain")]
        Security::PlainServer => Box::new(plain::PlainServer::default()),
        #[cfg(feature = "curve")]
        Security::CurveClient { server_key, keypair, entropy } => {
            Box::new(curve::CurveClient::new(*server_key, keypair.clone(), *entropy))
        }
        #[cfg(feature = "curve")]
        Security::CurveServer { keys, entropy } => Box::new(curve::CurveServer::new(keys.clone(), *entropy)),
        #[cfg(test)]
        Security::Toy { key } => Box::new(toy::Toy::new(*key)),
    }
}

/// One side of a handshake.
///
/// Replies are bodies of commands. ERROR never gets here: it ends the connection. An error that has a
/// [`reason_for_peer`](ProtocolError::reason_for_peer) is told to the peer before the connection closes.
pub(super) trait Mechanism: fmt::Debug + Send {
    /// The greetings fit: the command that this side sends unasked, if it does.
    fn start(&mut self, config: &Config) -> Result<Option<Vec<u8>>, ProtocolError>;

    /// Whether its next step takes longer than others should wait for: that of the `first` one, or of a command.
    fn takes_long(&self, first: bool) -> bool {
        let _ = first;
        false
    }

    /// The peer's next command.
    fn handle_command(&mut self, config: &Config, command: Command<'_>) -> Result<Step, ProtocolError>;
}

/// What a command of the handshake led to.
#[derive(Debug)]
pub(super) enum Step {
    /// It goes on, after this reply.
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

    /// Writes the frame that goes on the wire; called in the order of sending.
    fn seal(&mut self, flags: Flags, payload: &[u8], out: &mut dyn WireSink);

    /// Makes the frame that the peer sealed; called in the order of arrival.
    fn open(&mut self, payload: Payload<'_>) -> Result<Opened, ProtocolError>;

    /// Makes the frame that [`seal`](Self::seal) sealed, at any time.
    fn open_own(&self, payload: Bytes) -> Option<Opened>;
}

/// A frame that was sealed.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) flags: Flags,
    pub(super) frame: Frame,
}
