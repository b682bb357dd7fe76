//! A mechanism for tests: two rounds, then every frame is enciphered, numbered and checked.
//!
//! It has the demands on the seam that CURVE has: state per direction, payloads that grow, flags that
//! travel inside, strictly rising numbers, and own frames that can be opened again out of order.

use super::{Done, Mechanism, Seal, Step, WireFrame};
use crate::protocol::command::{self, Command};
use crate::protocol::frame::Flags;
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
    fn start(&mut self, _: &Config) -> Option<Vec<u8>> {
        Some(command::body("HELLO", &[self.key]))
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

    fn seal(&mut self, flags: Flags, payload: &[u8]) -> WireFrame {
        self.sent += 1;
        let inner = u8::from(flags.has_more()) | u8::from(flags.is_command()) << 1;
        let check = payload.iter().fold(inner, |sum, byte| sum.wrapping_add(*byte));
        let hidden = cipher(self.key, self.sent, &[&[inner, check], payload].concat());
        WireFrame { flags: Flags::LAST, payload: [&self.sent.to_be_bytes(), &hidden[..]].concat().into() }
    }

    fn open(&mut self, _: Flags, payload: &[u8]) -> Result<WireFrame, ProtocolError> {
        let (number, opened) = open(self.peer_key, payload).ok_or(ProtocolError::Tampered)?;
        if number <= self.received {
            return Err(ProtocolError::Tampered);
        }
        self.received = number;
        Ok(opened)
    }

    fn open_own(&self, _: Flags, payload: &[u8]) -> Option<WireFrame> {
        open(self.key, payload).map(|(_, opened)| opened)
    }
}

fn open(key: u8, payload: &[u8]) -> Option<(u32, WireFrame)> {
    let (number, hidden) = payload.split_first_chunk()?;
    let number = u32::from_be_bytes(*number);
    let plain = cipher(key, number, hidden);
    let (&[inner, check], payload) = plain.split_first_chunk()?;
    let flags = match inner {
        0 => Flags::LAST,
        1 => Flags::MORE,
        2 => Flags::COMMAND,
        _ => return None,
    };
    let is_intact = payload.iter().fold(inner, |sum, byte| sum.wrapping_add(*byte)) == check;
    is_intact.then(|| (number, WireFrame { flags, payload: payload.to_vec().into() }))
}

fn cipher(key: u8, number: u32, bytes: &[u8]) -> Vec<u8> {
    let number = number as u8;
    let stream = (0_u8..=255).cycle().map(|i| key.wrapping_mul(31) ^ number.wrapping_mul(17) ^ i);
    bytes.iter().zip(stream).map(|(byte, mask)| byte ^ mask ^ 0xA5).collect()
}
