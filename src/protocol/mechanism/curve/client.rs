//! The side that knows the server's key.

use std::mem;

use zeroize::Zeroizing;

use super::boxes::SharedKey;
use super::seal::CurveSeal;
use super::{
    COOKIE, HELLO, INITIATE, NAME, READY, VOUCHED, WELCOME, draw, new_pair, numbered, random, split,
};
use crate::protocol::command::{self, Command};
use crate::protocol::mechanism::{Done, Mechanism, Step};
use crate::protocol::{Config, ProtocolError, metadata};
use crate::security::{Credentials, CurveKeypair, CurvePublicKey, Entropy};

pub(in crate::protocol::mechanism) struct CurveClient {
    server_key: CurvePublicKey,
    keypair: CurveKeypair,
    entropy: Entropy,
    state: State,
}

enum State {
    /// Nothing is said yet, or nothing more is to be said.
    Idle,
    AwaitingWelcome {
        transient: CurveKeypair,
        shared: SharedKey,
    },
    AwaitingReady {
        shared: SharedKey,
    },
}

impl CurveClient {
    pub(in crate::protocol::mechanism) fn new(
        server_key: CurvePublicKey,
        keypair: CurveKeypair,
        entropy: Entropy,
    ) -> Self {
        Self { server_key, keypair, entropy, state: State::Idle }
    }

    fn handle_welcome(
        &mut self,
        config: &Config,
        transient: &CurveKeypair,
        shared: &SharedKey,
        data: &[u8],
    ) -> Result<Step, ProtocolError> {
        let (nonce, sealed) = split(data)?;
        if sealed.len() != 32 + COOKIE + super::boxes::TAG {
            return Err(ProtocolError::MalformedCommand);
        }
        let opened = shared.open(&random(WELCOME, nonce), sealed).ok_or(ProtocolError::WrongServerKey)?;
        let (server_transient, cookie) = split::<32>(&opened)?;
        let shared = SharedKey::agree(transient.secret_key(), &server_transient)?;
        let vouch_nonce = draw(self.entropy)?;
        let vouch = SharedKey::agree(self.keypair.secret_key(), &server_transient)?.seal(
            &random(VOUCHED, vouch_nonce),
            &[*transient.public_key().as_bytes(), *self.server_key.as_bytes()].concat(),
        );
        let text = Zeroizing::new(
            [&self.keypair.public_key().as_bytes()[..], &vouch_nonce, &vouch, &metadata::encode(config)]
                .concat(),
        );
        let number = 2_u64.to_be_bytes();
        let sealed = shared.seal(&numbered(INITIATE, number), &text);
        self.state = State::AwaitingReady { shared };
        Ok(Step::Reply(command::body("INITIATE", &[cookie, &number, &sealed].concat())))
    }

    fn handle_ready(&self, shared: SharedKey, data: &[u8]) -> Result<Step, ProtocolError> {
        let (number, sealed) = split(data)?;
        let opened = shared.open(&numbered(READY, number), sealed).ok_or(ProtocolError::Tampered)?;
        Ok(Step::Done(Done {
            reply: None,
            metadata: opened.to_vec(),
            seal: Some(Box::new(CurveSeal::client(shared, u64::from_be_bytes(number)))),
            credentials: Credentials::Curve { public_key: self.server_key },
        }))
    }
}

impl Mechanism for CurveClient {
    fn start(&mut self, _: &Config) -> Result<Option<Vec<u8>>, ProtocolError> {
        let transient = new_pair(self.entropy)?;
        let shared = SharedKey::agree(transient.secret_key(), self.server_key.as_bytes())?;
        let number = 1_u64.to_be_bytes();
        let sealed = shared.seal(&numbered(HELLO, number), &[0; 64]);
        let public = transient.public_key();
        self.state = State::AwaitingWelcome { transient, shared };
        // The padding makes it longer than the answer.
        let data = [&[1, 0][..], &[0; 72], public.as_bytes(), &number, &sealed].concat();
        Ok(Some(command::body("HELLO", &data)))
    }

    /// Only READY takes no multiplication.
    fn takes_long(&self, _: bool) -> bool {
        !matches!(self.state, State::AwaitingReady { .. })
    }

    fn handle_command(&mut self, config: &Config, command: Command<'_>) -> Result<Step, ProtocolError> {
        match (command.name, mem::replace(&mut self.state, State::Idle)) {
            (b"WELCOME", State::AwaitingWelcome { transient, shared }) => {
                self.handle_welcome(config, &transient, &shared, command.data)
            }
            (b"READY", State::AwaitingReady { shared }) => self.handle_ready(shared, command.data),
            (b"HELLO", State::AwaitingWelcome { .. }) => Err(ProtocolError::BothClients { mechanism: NAME }),
            _ => Err(ProtocolError::UnexpectedCommand),
        }
    }
}

impl std::fmt::Debug for CurveClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CurveClient").field("server_key", &self.server_key).finish_non_exhaustive()
    }
}
