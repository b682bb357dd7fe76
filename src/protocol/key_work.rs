//! The steps of a handshake, apart from the connection: some compute with keys, which takes longer than anything else
//! that a connection does, and so whoever drives the connection does it where nobody waits.

use std::sync::Arc;

use super::command::Command;
use super::mechanism::{Mechanism, Step};
use super::{Config, ProtocolError};

/// What a mechanism is to do next.
#[derive(Debug)]
pub(crate) struct KeyWork {
    mechanism: Box<dyn Mechanism>,
    config: Arc<Config>,
    /// The body of the peer's command; `None`: the greetings fit.
    command: Option<Vec<u8>>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct KeysWorked {
    pub(super) mechanism: Box<dyn Mechanism>,
    pub(super) step: Result<Option<Step>, ProtocolError>,
}

impl KeyWork {
    /// The greetings fit.
    pub(super) fn begin(mechanism: Box<dyn Mechanism>, config: &Arc<Config>) -> Self {
        Self { mechanism, config: Arc::clone(config), command: None }
    }

    /// The peer's next command.
    pub(super) fn on(mechanism: Box<dyn Mechanism>, config: &Arc<Config>, body: &[u8]) -> Self {
        Self { mechanism, config: Arc::clone(config), command: Some(body.to_vec()) }
    }

    /// Whether others are better not kept waiting for it.
    pub(super) fn takes_long(&self) -> bool {
        self.mechanism.takes_long(self.command.is_none())
    }

    /// Does it.
    pub(crate) fn run(self) -> KeysWorked {
        let Self { mut mechanism, config, command } = self;
        let step = match &command {
            None => mechanism.start(&config).map(|reply| reply.map(Step::Reply)),
            Some(body) => match Command::parse_handshake(body) {
                Some(command) => mechanism.handle_command(&config, command).map(Some),
                None => Err(ProtocolError::MalformedCommand),
            },
        };
        KeysWorked { mechanism, step }
    }
}
