//! A mechanism for tests: two rounds, then every frame is enciphered, numbered and checked.
//!
//! It has the demands on the seam that CURVE has: state per direction, payloads that grow, flags that
//! travel inside, strictly rising numbers, and own frames that can be opened again out of order.

use bytes::Bytes;

use super::{Done, Mechanism, Opened, Seal, Step};
use crate::protocol::command::{self, Command};
use crate::protocol::frame::{self, Flags, Payload, WireSink};
use crate::protocol::{Config, ProtocolError, metadata};
use crate::security::Credentials;

#[derive(Debug)]
pub(crate) struct Toy {
    key: u8,
    peer_key: Option<u8>,
}

impl Toy {
    pub(crate) const fn new(key: u8) -> Self {
        Self { key, peer_key: None }
    }
}

impl Mechanism for Toy {
    fn start(&mut self, _: &Config) -> Result<Option<Vec<u8>>, ProtocolError> {
        Ok(Some(command::body("HELLO", &[self.key])))
    }

    fn handle_command(&mut self, config: &Config, command: Command<'_>) -> Result<Step, ProtocolError> {
        match (command.name, command.data, self.peer_key) {
            (b"HELLO", &[peer_key], None) => {
                self.peer_key = Some(peer_key);
                let hidden = cipher(self.key, 0, &metadata::encode(config));
                Ok(Step::Reply(command::body("READY", &hidden)))
            }
            (b"READY", hidden, Some(peer_key)) => Ok(Step::Done(Done {
                reply: None,
                metadata: cipher(peer_key, 0, hidden),
                seal: Some(Box::new(ToySeal { key: self.key, sent: 0, peer_key, received: 0 })),
                credentials: Credentials::Null,
            })),
            _ => Err(ProtocolError::UnexpectedCommand),
        }
    }
}

#[derive(Debug)]
struct ToySeal {
    key: u8,
    sent: u32,
    peer_key: u8,
    received: u32,
}

/// Number, flags and check byte.
const OVERHEAD: usize = 6;

impl Seal for ToySeal {
    fn overhead(&self) -> usize {
        OVERHEAD
    }

    fn seal(&mut self, flags: Flags, payload: &[u8], out: &mut dyn WireSink) {
        self.sent += 1;
        let inner = flags.inside();
        let check = payload.iter().fold(inner, |sum, byte| sum.wrapping_add(*byte));
        let hidden = cipher(self.key, self.sent, &[&[inner, check], payload].concat());
        let sealed = [&self.sent.to_be_bytes(), &hidden[..]].concat();
        frame::encode_with(Flags::LAST, sealed.len(), out, &mut |room| room.copy_from_slice(&sealed));
    }

    fn open(&mut self, payload: Payload<'_>) -> Result<Opened, ProtocolError> {
        let (number, opened) = open(self.peer_key, payload.as_slice()).ok_or(ProtocolError::Tampered)?;
        if number <= self.received {
            return Err(ProtocolError::Tampered);
        }
        self.received = number;
        Ok(opened)
    }

    fn open_own(&self, payload: Bytes) -> Option<Opened> {
        open(self.key, &payload).map(|(_, opened)| opened)
    }
}

fn open(key: u8, payload: &[u8]) -> Option<(u32, Opened)> {
    let (number, hidden) = payload.split_first_chunk()?;
    let number = u32::from_be_bytes(*number);
    let plain = cipher(key, number, hidden);
    let (&[inner, check], payload) = plain.split_first_chunk()?;
    let flags = Flags::within(inner);
    let is_intact = payload.iter().fold(inner, |sum, byte| sum.wrapping_add(*byte)) == check;
    is_intact.then(|| (number, Opened { flags, frame: payload.into() }))
}

fn cipher(key: u8, number: u32, bytes: &[u8]) -> Vec<u8> {
    let number = number as u8;
    let stream = (0_u8..=255).cycle().map(|i| key.wrapping_mul(31) ^ number.wrapping_mul(17) ^ i);
    bytes.iter().zip(stream).map(|(byte, mask)| byte ^ mask ^ 0xA5).collect()
}
