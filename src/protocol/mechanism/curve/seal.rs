//! MESSAGE: every frame after the handshake.

use bytes::{Buf as _, Bytes};

use super::boxes::{SharedKey, TAG};
use super::numbered;
use crate::message::{Frame, INLINE_CAPACITY};
use crate::protocol::ProtocolError;
use crate::protocol::frame::{self, Flags, Payload, WireSink};
use crate::protocol::mechanism::{Opened, Seal};

const COMMAND: &[u8; 8] = b"\x07MESSAGE";
/// How the nonces of each side begin.
const CLIENT: &[u8; 16] = b"CurveZMQMESSAGEC";
const SERVER: &[u8; 16] = b"CurveZMQMESSAGES";

/// Name and number, in front of the box.
const FRONT: usize = COMMAND.len() + 8;
/// The flags are the first byte of the text.
const OVERHEAD: usize = FRONT + TAG + 1;

#[derive(Debug)]
pub(super) struct CurveSeal {
    key: SharedKey,
    ours: &'static [u8; 16],
    /// The number of the last box.
    sent: u64,
    theirs: &'static [u8; 16],
    received: u64,
}

impl CurveSeal {
    pub(super) const fn client(key: SharedKey, received: u64) -> Self {
        // HELLO and INITIATE.
        Self { key, ours: CLIENT, sent: 2, theirs: SERVER, received }
    }

    pub(super) const fn server(key: SharedKey, received: u64) -> Self {
        // READY.
        Self { key, ours: SERVER, sent: 1, theirs: CLIENT, received }
    }

    /// What is in a MESSAGE of the side whose nonces begin like this.
    fn unseal(&self, prefix: &[u8; 16], number: u64, payload: Payload<'_>) -> Option<Opened> {
        let nonce = numbered(prefix, number.to_be_bytes());
        match payload {
            // Where nobody else has the bytes, as is the rule, they are not copied.
            Payload::Shared(bytes) => match bytes.try_into_mut() {
                Ok(mut bytes) => {
                    if !self.key.open_in_place(&nonce, &mut bytes[FRONT..]) {
                        return None;
                    }
                    let flags = Flags::within(bytes[OVERHEAD - 1]);
                    bytes.advance(OVERHEAD);
                    Some(Opened { flags, frame: bytes.freeze().into() })
                }
                Err(bytes) => self.unseal_copy(&nonce, &bytes[FRONT..]),
            },
            other => self.unseal_copy(&nonce, &other.as_slice()[FRONT..]),
        }
    }

    fn unseal_copy(&self, nonce: &[u8; 24], sealed: &[u8]) -> Option<Opened> {
        let len = sealed.len() - TAG;
        if len <= 1 + INLINE_CAPACITY {
            let mut text = [0; 1 + INLINE_CAPACITY];
            let text = &mut text[..len];
            let (&mut flags, payload) =
                self.key.open_into(nonce, sealed, text).then(|| text.split_first_mut())??;
            return Some(Opened { flags: Flags::within(flags), frame: Frame::copy_from_slice(payload) });
        }
        let mut text = vec![0; len];
        if !self.key.open_into(nonce, sealed, &mut text) {
            return None;
        }
        let mut payload = Bytes::from(text);
        let flags = Flags::within(payload.get_u8());
        Some(Opened { flags, frame: payload.into() })
    }
}

/// The number of a MESSAGE, if it has a number and a box with something in it.
fn number(payload: &[u8]) -> Option<u64> {
    let rest = payload.strip_prefix(COMMAND)?;
    let (number, sealed) = rest.split_first_chunk()?;
    (sealed.len() > TAG).then_some(u64::from_be_bytes(*number))
}

impl Seal for CurveSeal {
    fn overhead(&self) -> usize {
        OVERHEAD
    }

    /// When all 2^64 numbers are used, what is sealed is nothing that the peer would open.
    fn seal(&mut self, flags: Flags, payload: &[u8], out: &mut dyn WireSink) {
        let number = self.sent.checked_add(1);
        self.sent = number.unwrap_or(self.sent);
        frame::encode_with(Flags::LAST, OVERHEAD + payload.len(), out, &mut |room| {
            let Some(number) = number.map(u64::to_be_bytes) else { return room.fill(0) };
            room[..COMMAND.len()].copy_from_slice(COMMAND);
            room[COMMAND.len()..FRONT].copy_from_slice(&number);
            room[OVERHEAD - 1] = flags.inside();
            room[OVERHEAD..].copy_from_slice(payload);
            self.key.seal_in_place(&numbered(self.ours, number), &mut room[FRONT..]);
        });
    }

    fn open(&mut self, payload: Payload<'_>) -> Result<Opened, ProtocolError> {
        let number = number(payload.as_slice()).ok_or(ProtocolError::Tampered)?;
        if number <= self.received {
            return Err(ProtocolError::Tampered);
        }
        let opened = self.unseal(self.theirs, number, payload).ok_or(ProtocolError::Tampered)?;
        self.received = number;
        Ok(opened)
    }

    fn open_own(&self, payload: Bytes) -> Option<Opened> {
        self.unseal(self.ours, number(&payload)?, Payload::Shared(payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::CurveSecretKey;

    fn pair() -> (CurveSeal, CurveSeal) {
        let shared = || SharedKey::agree(&CurveSecretKey::from_bytes([1; 32]), &[9; 32]).unwrap();
        (CurveSeal::client(shared(), 1), CurveSeal::server(shared(), 2))
    }

    fn sealed(seal: &mut CurveSeal, flags: Flags, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        seal.seal(flags, payload, &mut out);
        out
    }

    /// The end of the numbers is reached by nobody, and harms nobody.
    #[test]
    fn the_last_number_is_used_once() {
        let (mut a, mut b) = pair();
        a.sent = u64::MAX - 2;
        for _ in 0..2 {
            let wire = sealed(&mut a, Flags::LAST, b"x");
            assert_eq!(b.open(Payload::Borrowed(&wire[2..])).unwrap().frame, "x");
        }
        for _ in 0..2 {
            let wire = sealed(&mut a, Flags::LAST, b"x");
            assert!(b.open(Payload::Borrowed(&wire[2..])).is_err());
            assert!(!wire.contains(&b'x'), "nothing leaves unsealed");
        }
    }

    #[test]
    fn frames_of_any_size_open_wherever_they_are() {
        for len in [0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 1000, 70_000] {
            for flags in [Flags::LAST, Flags::MORE, Flags::COMMAND] {
                let (mut a, mut b) = pair();
                let payload: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
                let wire = sealed(&mut a, flags, &payload);
                let body = Bytes::from(wire).split_off(if OVERHEAD + len < 256 { 2 } else { 9 });
                let own = a.open_own(body.clone()).unwrap();
                let shared = body.clone();
                for opened in [own, b.open(Payload::Shared(shared)).unwrap()] {
                    assert_eq!((opened.flags, &opened.frame[..]), (flags, &payload[..]));
                }
                let (_, mut b) = pair();
                assert_eq!(b.open(Payload::Borrowed(&body)).unwrap().frame[..], payload);
                let (_, mut b) = pair();
                assert_eq!(b.open(Payload::Shared(Bytes::from(body.to_vec()))).unwrap().frame[..], payload);
            }
        }
    }
}
