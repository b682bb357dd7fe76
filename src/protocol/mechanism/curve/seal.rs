//! MESSAGE: every frame after the handshake.

use bytes::{Buf as _, Bytes};
use salsa20::Salsa20;
use salsa20::cipher::StreamCipher as _;

use super::boxes::{PrefixedKey, SharedKey, TAG};
use crate::message::{Frame, INLINE_CAPACITY};
use crate::protocol::ProtocolError;
use crate::protocol::frame::{self, Flags, Payload, WireSink};
use crate::protocol::mechanism::{Opened, Seal};

const COMMAND: &[u8; 8] = b"\x07MESSAGE";
const FROM_CLIENT: &[u8; 16] = b"CurveZMQMESSAGEC";
const FROM_SERVER: &[u8; 16] = b"CurveZMQMESSAGES";

/// Name, number and tag, in front of the box's text.
const FRONT: usize = COMMAND.len() + 8 + TAG;
/// The flags are the first byte of the text.
const OVERHEAD: usize = FRONT + 1;

#[derive(Debug)]
pub(super) struct CurveSeal {
    ours: PrefixedKey,
    /// The number of the last box.
    sent: u64,
    theirs: PrefixedKey,
    received: u64,
}

impl CurveSeal {
    pub(super) fn client(shared: &SharedKey, received: u64) -> Self {
        let (ours, theirs) = (shared.for_prefix(FROM_CLIENT), shared.for_prefix(FROM_SERVER));
        // HELLO and INITIATE.
        Self { ours, sent: 2, theirs, received }
    }

    pub(super) fn server(shared: &SharedKey, received: u64) -> Self {
        let (ours, theirs) = (shared.for_prefix(FROM_SERVER), shared.for_prefix(FROM_CLIENT));
        // READY.
        Self { ours, sent: 1, theirs, received }
    }
}

/// The number of a MESSAGE, and its box.
fn parse(payload: &[u8]) -> Option<(u64, &[u8])> {
    let rest = payload.strip_prefix(COMMAND)?;
    let (number, sealed) = rest.split_first_chunk()?;
    (sealed.len() > TAG).then_some((u64::from_be_bytes(*number), sealed))
}

/// Turns the text of a verified box into a frame.
fn decipher(mut stream: Salsa20, payload: Payload<'_>) -> Opened {
    let mut flags = [payload.as_slice()[FRONT]];
    stream.apply_keystream(&mut flags);
    let flags = Flags::within(flags[0]);
    let frame = match payload {
        Payload::Shared(bytes) => decipher_in_place(stream, bytes),
        other => decipher_copy(stream, &other.as_slice()[OVERHEAD..]),
    };
    Opened { flags, frame }
}

fn decipher_copy(mut stream: Salsa20, text: &[u8]) -> Frame {
    if text.len() <= INLINE_CAPACITY {
        let mut copy = [0; INLINE_CAPACITY];
        let copy = &mut copy[..text.len()];
        copy.copy_from_slice(text);
        stream.apply_keystream(copy);
        return Frame::copy_from_slice(copy);
    }
    let mut copy = text.to_vec();
    stream.apply_keystream(&mut copy);
    copy.into()
}

/// Where nobody else has the bytes, as is the rule, they are not copied.
fn decipher_in_place(mut stream: Salsa20, bytes: Bytes) -> Frame {
    match bytes.try_into_mut() {
        Ok(mut bytes) => {
            bytes.advance(OVERHEAD);
            stream.apply_keystream(&mut bytes);
            bytes.freeze().into()
        }
        Err(bytes) => decipher_copy(stream, &bytes[OVERHEAD..]),
    }
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
            room[..FRONT].fill(0);
            let Some(number) = number.map(u64::to_be_bytes) else { return };
            room[..COMMAND.len()].copy_from_slice(COMMAND);
            room[COMMAND.len()..][..8].copy_from_slice(&number);
            room[FRONT] = flags.inside();
            room[OVERHEAD..].copy_from_slice(payload);
            self.ours.seal(number, &mut room[COMMAND.len() + 8..]);
        });
    }

    fn open(&mut self, payload: Payload<'_>) -> Result<Opened, ProtocolError> {
        let (number, sealed) = parse(payload.as_slice()).ok_or(ProtocolError::Tampered)?;
        if number <= self.received {
            return Err(ProtocolError::Tampered);
        }
        let (stream, _) = self.theirs.verify(number.to_be_bytes(), sealed).ok_or(ProtocolError::Tampered)?;
        self.received = number;
        Ok(decipher(stream, payload))
    }

    fn open_own(&self, payload: Bytes) -> Option<Opened> {
        let (number, sealed) = parse(&payload)?;
        let (stream, _) = self.ours.verify(number.to_be_bytes(), sealed)?;
        Some(decipher(stream, Payload::Shared(payload)))
    }
}

#[cfg(test)]
mod tests {
    use x25519_dalek::StaticSecret;

    use super::*;

    fn pair() -> (CurveSeal, CurveSeal) {
        let shared = SharedKey::agree(&StaticSecret::from([1; 32]), &[9; 32]).unwrap();
        (CurveSeal::client(&shared, 1), CurveSeal::server(&shared, 2))
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
