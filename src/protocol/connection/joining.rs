//! How a connection begins: greeting, handshake, and what the peer is let in with.

use super::{Connection, Phase};
use crate::protocol::command::{self, Command};
use crate::protocol::frame::{self, Flags};
use crate::protocol::greeting::{self, GREETING_LEN};
use crate::protocol::key_work::{KeyWork, KeysWorked};
use crate::protocol::mechanism::{self, Done, Mechanism, Seal, Step};
use crate::protocol::{Event, PeerInfo, ProtocolError, WireSink};

/// Who speaks first in a handshake, where that is open.
///
/// Whoever answers can look at the peer before it says a word about itself: a peer that is refused then has
/// never been told that it may send, and keeps what it has. At least one side must speak first, and under
/// NULL libzmq always does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// The side that dialled; a stream that was given, of which nobody knows what the other end is.
    First,
    /// The side that accepted.
    Answering,
}

/// What a peer gets and what it leads to once it is welcome.
#[derive(Debug)]
pub(super) struct Welcome {
    reply: Option<Vec<u8>>,
    seal: Option<Box<dyn Seal>>,
}

impl Connection {
    /// Writes our greeting, all 64 bytes: we demand 3.x, so there is nothing to wait for.
    pub(crate) fn start(&mut self, out: &mut impl WireSink) {
        out.put(&greeting::encode(self.config.security.name()));
    }

    /// Whom the handshake begins with, once the greeting is complete.
    pub(super) fn handle_greeting(
        &mut self,
        input: &mut &[u8],
    ) -> Result<Option<Box<dyn Mechanism>>, ProtocolError> {
        let Some(minor) = greeting::parse(input, self.config.security.name())? else { return Ok(None) };
        *input = &input[GREETING_LEN..];
        self.minor = minor;
        Ok(Some(mechanism::begin(&self.config.security, self.role)))
    }

    pub(super) fn handle_handshake_command(
        &mut self,
        body: &[u8],
        out: &mut dyn WireSink,
    ) -> Result<Option<Event>, ProtocolError> {
        let command = Command::parse_handshake(body).ok_or(ProtocolError::MalformedCommand)?;
        if command.name == b"ERROR" {
            let reason = command::parse_error(command.data).ok_or(ProtocolError::MalformedCommand)?;
            return Err(ProtocolError::PeerRefused { reason });
        }
        let nobody = Phase::Working { work: None, spent: 0 };
        match std::mem::replace(&mut self.phase, nobody) {
            Phase::Handshake { mechanism, spent } => {
                self.go_on(KeyWork::on(mechanism, &self.config, body), spent + body.len(), out)
            }
            other => {
                self.phase = other;
                Ok(None)
            }
        }
    }

    /// Does what is to be done next, or has it done if it takes long.
    pub(super) fn go_on(
        &mut self,
        work: KeyWork,
        spent: usize,
        out: &mut dyn WireSink,
    ) -> Result<Option<Event>, ProtocolError> {
        let takes_long = work.takes_long();
        self.phase = Phase::Working { work: Some(work), spent };
        match takes_long {
            true => Ok(Some(Event::KeyWork)),
            false => self.take_work().map_or(Ok(None), |work| self.worked(work.run(), out)),
        }
    }

    /// What [`Event::KeyWork`] tells of, once.
    pub(crate) const fn take_work(&mut self) -> Option<KeyWork> {
        match &mut self.phase {
            Phase::Working { work, .. } => work.take(),
            _ => None,
        }
    }

    /// Whether a work is to be done, or being done, for what the peer said last.
    pub(crate) const fn is_working(&self) -> bool {
        matches!(self.phase, Phase::Working { .. })
    }

    /// Whether nothing is decoded until the caller has done something: a work, or a decision.
    pub(crate) const fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Working { .. } | Phase::Judged(_))
    }

    /// Takes back what the work led to; then the input is to be presented again.
    pub(crate) fn worked(
        &mut self,
        done: KeysWorked,
        out: &mut dyn WireSink,
    ) -> Result<Option<Event>, ProtocolError> {
        let Phase::Working { spent, .. } = self.phase else { return Ok(None) };
        let KeysWorked { mechanism, step } = done;
        self.phase = Phase::Handshake { mechanism, spent };
        let result = step.and_then(|step| self.take_step(step, out));
        if let Some(reason) = result.as_ref().err().and_then(ProtocolError::reason_for_peer) {
            frame::encode(Flags::COMMAND, &command::error(reason), out);
        }
        result
    }

    fn take_step(
        &mut self,
        step: Option<Step>,
        out: &mut dyn WireSink,
    ) -> Result<Option<Event>, ProtocolError> {
        match step {
            None => Ok(None),
            Some(Step::Reply(body)) => {
                frame::encode(Flags::COMMAND, &body, out);
                Ok(None)
            }
            Some(Step::Done(Done { reply, metadata, seal, credentials })) => {
                let peer = PeerInfo::parse(&self.config, self.minor, &metadata, credentials)?;
                self.phase = Phase::Judged(Box::new(Welcome { reply, seal }));
                Ok(Some(Event::Handshaken(Box::new(peer))))
            }
        }
    }

    /// Lets the peer of [`Event::Handshaken`] in: only now the side that accepted says its READY, and both
    /// may send messages. One that is not wanted is [refused](Self::refuse), or hung up on without a word.
    pub(crate) fn welcome(&mut self, out: &mut dyn WireSink) {
        let Phase::Judged(welcome) = &mut self.phase else { return };
        if let Some(body) = welcome.reply.take() {
            frame::encode(Flags::COMMAND, &body, out);
        }
        self.phase = welcome.seal.take().map_or(Phase::Clear, Phase::Sealed);
    }

    /// Tells the peer of [`Event::Handshaken`] why it is not let in, for it not to come again; then the connection
    /// is to be closed. One that we spoke to first has our READY already, and takes no ERROR any more.
    pub(crate) fn refuse(&mut self, reason: &str, out: &mut impl WireSink) {
        if matches!(&self.phase, Phase::Judged(welcome) if welcome.reply.is_some()) {
            self.encode_error(reason, out);
        }
    }
}
