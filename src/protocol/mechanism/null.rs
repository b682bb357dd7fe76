//! NULL: both sides say READY, and that is all (RFC 37).

use super::{Done, Mechanism, Step};
use crate::protocol::command::{self, Command};
use crate::protocol::{Config, ProtocolError, metadata};

/// The RFC lets the connecting side speak first; like libzmq we do not wait for it, which saves a round
/// trip and the question of roles.
#[derive(Debug)]
pub(crate) struct Null;

impl Mechanism for Null {
    fn start(&mut self, config: &Config) -> Option<Vec<u8>> {
        Some(command::body("READY", &metadata::encode(config)))
    }

    fn handle_command(&mut self, _: &Config, command: Command<'_>) -> Result<Step, ProtocolError> {
        if command.name != b"READY" {
            return Err(ProtocolError::UnexpectedCommand);
        }
        Ok(Step::Done(Done { reply: None, metadata: command.data.to_vec(), seal: None }))
    }
}
