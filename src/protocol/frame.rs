//! Frames on the wire: flags, length, payload.

use bytes::Bytes;

use super::ProtocolError;
use crate::message::{Frame, INLINE_CAPACITY};

/// Where encoded bytes go: the outbound queue of a connection.
pub(crate) trait WireSink {
    /// Appends a copy of `bytes`.
    fn put(&mut self, bytes: &[u8]);
    /// Appends `bytes`, a whole payload, and may keep a reference instead of a copy.
    fn put_shared(&mut self, bytes: &Bytes);

    /// Appends `len` bytes, a whole payload, that `fill` writes in the place where they are to be.
    #[cfg(any(test, feature = "curve"))]
    fn put_with(&mut self, len: usize, fill: &mut dyn FnMut(&mut [u8])) {
        let mut bytes = vec![0; len];
        fill(&mut bytes);
        self.put_shared(&bytes.into());
    }

    /// Appends `header` and the first `len` bytes of `padded`: a small frame, and what lies behind its
    /// payload, since a copy of fixed size takes a few instructions where one of any size takes a call.
    fn put_padded(&mut self, header: [u8; SHORT_HEADER], padded: &[u8; INLINE_CAPACITY], len: usize) {
        self.put(&header);
        self.put(&padded[..len]);
    }
}

/// The first byte of a frame. Bits 3 to 7 are reserved, and ignored as libzmq does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Flags(u8);

impl Flags {
    /// The last frame of a message.
    pub(super) const LAST: Self = Self(0);
    /// A frame of a message that has more.
    pub(super) const MORE: Self = Self(1);
    /// The length takes eight bytes.
    const LONG: u8 = 2;
    /// A command; it is one frame, whatever its MORE bit says.
    pub(super) const COMMAND: Self = Self(4);

    pub(super) const fn more(more: bool) -> Self {
        if more { Self::MORE } else { Self::LAST }
    }

    pub(super) const fn is_command(self) -> bool {
        self.0 & Self::COMMAND.0 != 0
    }

    pub(super) const fn has_more(self) -> bool {
        self.0 & Self::MORE.0 != 0
    }

    /// The flags as they travel inside a sealed frame, MORE and COMMAND only: there COMMAND is 2.
    #[cfg(any(test, feature = "curve"))]
    pub(super) const fn inside(self) -> u8 {
        self.0 & Self::MORE.0 | (self.0 & Self::COMMAND.0) >> 1
    }

    /// The flags that travelled inside a sealed frame.
    #[cfg(any(test, feature = "curve"))]
    pub(super) const fn within(inside: u8) -> Self {
        Self(inside & Self::MORE.0 | inside << 1 & Self::COMMAND.0)
    }

    /// The flags of the frame that begins with `input`, once their byte is there.
    pub(super) fn first(input: &[u8]) -> Option<Self> {
        input.first().copied().map(Self)
    }
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Header {
    pub(super) flags: Flags,
    /// Announced payload bytes, below 2^63; nothing has been checked or stored on the strength of it.
    pub(super) payload_len: u64,
}

/// Bytes of a header with a one-byte, and with an eight-byte length.
pub(crate) const SHORT_HEADER: usize = 2;
pub(super) const LONG_HEADER: usize = 9;

impl Header {
    /// The header at the front of `input` and its own length in bytes, if it is complete.
    pub(super) fn parse(input: &[u8]) -> Result<Option<(Self, usize)>, ProtocolError> {
        let Some((&flags, rest)) = input.split_first() else { return Ok(None) };
        if flags & Flags::LONG == 0 {
            let header = rest.first().map(|&len| Self { flags: Flags(flags), payload_len: u64::from(len) });
            return Ok(header.map(|header| (header, SHORT_HEADER)));
        }
        let Some(len) = rest.first_chunk() else { return Ok(None) };
        let payload_len = u64::from_be_bytes(*len);
        if payload_len >> 63 != 0 {
            return Err(ProtocolError::InvalidFrameLength);
        }
        Ok(Some((Self { flags: Flags(flags), payload_len }, LONG_HEADER)))
    }
}

/// What follows the header at the front of `input`, and how much of it is payload, if that is a
/// message frame, complete, and the last of its message: the case that has to be quick.
#[inline]
pub(super) fn complete_last_frame(input: &[u8]) -> Option<(&[u8], usize)> {
    const DECISIVE: u8 = Flags::MORE.0 | Flags::LONG | Flags::COMMAND.0;
    let (&flags, rest) = input.split_first()?;
    let (body, len) = match flags & DECISIVE {
        0 => {
            let (&len, body) = rest.split_first()?;
            (body, usize::from(len))
        }
        Flags::LONG => {
            let (len, body) = rest.split_first_chunk()?;
            (body, usize::try_from(u64::from_be_bytes(*len)).ok()?)
        }
        _ => return None,
    };
    (len <= body.len()).then_some((body, len))
}

/// Whether more frames follow the one at the front of `input`, what follows its header, and how much of that is
/// payload, if it is a message frame, and complete.
#[inline]
pub(super) fn complete_message_frame(input: &[u8]) -> Option<(bool, &[u8], usize)> {
    let (header, header_len) = Header::parse(input).ok()??;
    let (body, len) = (&input[header_len..], usize::try_from(header.payload_len).ok()?);
    let complete = !header.flags.is_command() && len <= body.len();
    complete.then_some((header.flags.has_more(), body, len))
}

#[inline]
fn encode_header<S: WireSink + ?Sized>(flags: Flags, payload_len: usize, out: &mut S) {
    if let Ok(len) = u8::try_from(payload_len) {
        out.put(&[flags.0, len]);
    } else {
        let mut header = [flags.0 | Flags::LONG; LONG_HEADER];
        header[1..].copy_from_slice(&(payload_len as u64).to_be_bytes());
        out.put(&header);
    }
}

/// Writes a frame of which `payload` stays with the caller.
#[inline]
pub(super) fn encode<S: WireSink + ?Sized>(flags: Flags, payload: &[u8], out: &mut S) {
    encode_header(flags, payload.len(), out);
    out.put(payload);
}

/// Writes a frame whose payload of `len` bytes `fill` makes.
#[cfg(any(test, feature = "curve"))]
pub(super) fn encode_with(flags: Flags, len: usize, out: &mut dyn WireSink, fill: &mut dyn FnMut(&mut [u8])) {
    encode_header(flags, len, out);
    out.put_with(len, fill);
}

/// Writes a frame; a shared payload is not copied here.
#[inline(always)]
pub(super) fn encode_frame<S: WireSink + ?Sized>(flags: Flags, frame: &Frame, out: &mut S) {
    if let Some((window, len)) = frame.window() {
        out.put_padded([flags.0, len], window, usize::from(len));
    } else if let Some(payload) = frame.shared() {
        encode_shared(flags, payload, out);
    }
}

#[inline(never)]
fn encode_shared<S: WireSink + ?Sized>(flags: Flags, payload: &Bytes, out: &mut S) {
    encode_header(flags, payload.len(), out);
    out.put_shared(payload);
}

/// A payload that arrived: part of the input, or gathered by the caller because it was large.
#[derive(Debug)]
pub(super) enum Payload<'a> {
    Borrowed(&'a [u8]),
    Shared(Bytes),
    /// Opened, after it was sealed.
    Opened(Frame),
}

impl Payload<'_> {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Shared(bytes) => bytes,
            Self::Opened(frame) => frame,
        }
    }

    pub(super) fn into_frame(self) -> Frame {
        match self {
            Self::Borrowed(bytes) => Frame::copy_from_slice(bytes),
            Self::Shared(bytes) => Frame::from(bytes),
            Self::Opened(frame) => frame,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trap_46_lengths() {
        let parse = |bytes: &[u8]| Header::parse(bytes);
        let header = |flags, payload_len, size| Ok(Some((Header { flags: Flags(flags), payload_len }, size)));
        assert_eq!(parse(&[]), Ok(None));
        assert_eq!(parse(&[0]), Ok(None));
        assert_eq!(parse(&[0, 255]), header(0, 255, 2));
        assert_eq!(parse(&[2, 0, 0, 0, 0, 0, 0, 1]), Ok(None));
        assert_eq!(parse(&[2, 0, 0, 0, 0, 0, 0, 1, 0]), header(2, 256, 9));
        // A long form for a small size.
        assert_eq!(parse(&[2, 0, 0, 0, 0, 0, 0, 0, 3]), header(2, 3, 9));
        assert_eq!(parse(&[2, 127, 255, 255, 255, 255, 255, 255, 255]), header(2, u64::MAX >> 1, 9));
        assert_eq!(parse(&[2, 128, 0, 0, 0, 0, 0, 0, 0]), Err(ProtocolError::InvalidFrameLength));
        assert_eq!(
            parse(&[6, 255, 255, 255, 255, 255, 255, 255, 255]),
            Err(ProtocolError::InvalidFrameLength)
        );
    }

    #[test]
    fn quick_path_takes_whole_last_message_frames_only() {
        assert_eq!(complete_last_frame(b"\0\x03abcd"), Some((&b"abcd"[..], 3)));
        assert_eq!(complete_last_frame(b"\0\0"), Some((&b""[..], 0)));
        assert_eq!(complete_last_frame(b"\x02\0\0\0\0\0\0\0\x01ab"), Some((&b"ab"[..], 1)));
        // Reserved bits.
        assert_eq!(complete_last_frame(b"\xf8\x01a"), Some((&b"a"[..], 1)));
        for other in [
            &b""[..],
            b"\0",
            b"\0\x03ab",
            b"\x01\x01a",
            b"\x04\x01a",
            b"\x02\0\0\0\0\0\0\0\x02a",
            b"\x02\xff\xff\xff\xff\xff\xff\xff\xffa",
        ] {
            assert_eq!(complete_last_frame(other), None, "{other:?}");
        }
    }
}
