//! NULL: both sides say READY, and that is all (RFC 37).

use super::{Done, Mechanism, Step};
use crate::protocol::command::{self, Command};
use crate::protocol::{Config, ProtocolError, Role, metadata};
use crate::security::Credentials;

/// READY of the side that [speaks first](Role::First) leaves with the greetings, that of the other is the
/// reply; libzmq says it at once on either side, so neither waits for ever.
#[derive(Debug)]
pub(crate) struct Null {
    role: Role,
}

impl Null {
    pub(crate) const fn new(role: Role) -> Self {
        Self { role }
    }
}

fn ready(config: &Config) -> Vec<u8> {
    command::body("READY", &metadata::encode(config))
}

impl Mechanism for Null {
    fn start(&mut self, config: &Config) -> Result<Option<Vec<u8>>, ProtocolError> {
        Ok((self.role == Role::First).then(|| ready(config)))
    }

    fn handle_command(&mut self, config: &Config, command: Command<'_>) -> Result<Step, ProtocolError> {
        if command.name != b"READY" {
            return Err(ProtocolError::UnexpectedCommand);
        }
        let reply = (self.role == Role::Answering).then(|| ready(config));
        Ok(Step::Done(Done {
            reply,
            metadata: command.data.to_vec(),
            seal: None,
            credentials: Credentials::Null,
        }))
    }
}
