//! PLAIN: a name and a password in the clear (RFC 24).
//!
//! HELLO with both, WELCOME, INITIATE and READY with metadata. The server says WELCOME to everybody, and its READY
//! waits for whoever judges name and password; libzmq's clients take an ERROR at that point as well.

use super::{Done, Mechanism, Step};
use crate::protocol::command::{self, Command};
use crate::protocol::{Config, ProtocolError, metadata};
use crate::security::{Credentials, Password};

pub(super) const NAME: &str = "PLAIN";

/// The side that says who it is.
#[derive(Debug)]
pub(super) struct PlainClient {
    /// Until it is said.
    hello: Option<Vec<u8>>,
    is_welcome: bool,
}

impl PlainClient {
    pub(super) fn new(user: &str, password: &Password) -> Self {
        let mut data = Vec::with_capacity(2 + user.len() + password.as_bytes().len());
        for text in [user.as_bytes(), password.as_bytes()] {
            debug_assert!(text.len() < 256, "a name or a password of {} bytes", text.len());
            data.push(text.len() as u8);
            data.extend_from_slice(text);
        }
        Self { hello: Some(command::body("HELLO", &data)), is_welcome: false }
    }
}

impl Mechanism for PlainClient {
    fn start(&mut self, _: &Config) -> Result<Option<Vec<u8>>, ProtocolError> {
        Ok(self.hello.take())
    }

    fn handle_command(&mut self, config: &Config, command: Command<'_>) -> Result<Step, ProtocolError> {
        match (command.name, self.is_welcome) {
            (b"WELCOME", false) if command.data.is_empty() => {
                self.is_welcome = true;
                Ok(Step::Reply(command::body("INITIATE", &metadata::encode(config))))
            }
            (b"WELCOME", false) => Err(ProtocolError::MalformedCommand),
            (b"READY", true) => Ok(Step::Done(Done {
                reply: None,
                metadata: command.data.to_vec(),
                seal: None,
                credentials: Credentials::Null,
            })),
            (b"HELLO", false) => Err(ProtocolError::BothClients { mechanism: NAME }),
            _ => Err(ProtocolError::UnexpectedCommand),
        }
    }
}

/// The side that is told.
#[derive(Debug, Default)]
pub(super) struct PlainServer {
    credentials: Option<Credentials>,
}

impl Mechanism for PlainServer {
    fn start(&mut self, _: &Config) -> Result<Option<Vec<u8>>, ProtocolError> {
        Ok(None)
    }

    fn handle_command(&mut self, config: &Config, command: Command<'_>) -> Result<Step, ProtocolError> {
        match (command.name, self.credentials.take()) {
            (b"HELLO", None) => {
                self.credentials = Some(parse(command.data).ok_or(ProtocolError::MalformedCommand)?);
                Ok(Step::Reply(command::body("WELCOME", b"")))
            }
            (b"INITIATE", Some(credentials)) => Ok(Step::Done(Done {
                reply: Some(command::body("READY", &metadata::encode(config))),
                metadata: command.data.to_vec(),
                seal: None,
                credentials,
            })),
            _ => Err(ProtocolError::UnexpectedCommand),
        }
    }
}

/// The name, which must be text, and the password in the data of a HELLO.
fn parse(data: &[u8]) -> Option<Credentials> {
    let (user, rest) = split(data)?;
    let (password, rest) = split(rest)?;
    let user = std::str::from_utf8(user).ok().filter(|_| rest.is_empty())?;
    Some(Credentials::Plain { user: user.to_owned(), password: password.into() })
}

fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, rest) = data.split_first()?;
    rest.split_at_checked(usize::from(len))
}
