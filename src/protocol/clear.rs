//! Messages on a connection that seals nothing: written as they are, and taken whole from the front of the input.

use super::WireSink;
use super::frame::{self, Flags};
use crate::message::{Frame, FrameList, INLINE_CAPACITY, Message};

/// Frames up to which a message is taken as a whole; one of more is decoded frame by frame.
const SEVERAL: usize = 8;

/// How large a message may be that is taken as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PlainLimit {
    pub(super) size: usize,
    pub(super) frames: usize,
}

/// What a message was that was taken from the front of the input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// On the wire.
    pub(crate) bytes: usize,
    pub(crate) payload: usize,
}

/// Writes a message of one frame.
#[inline(always)]
pub(crate) fn encode_plain(frame: &Frame, out: &mut impl WireSink) {
    frame::encode_frame(Flags::LAST, frame, out);
}

/// Writes all frames of `message`.
#[inline(never)]
pub(crate) fn encode_in_clear(message: &Message, out: &mut impl WireSink) {
    for (flags, frame) in flagged(message) {
        frame::encode_frame(flags, frame, out);
    }
}

/// The frames of a message, each with its flags.
pub(super) fn flagged(message: &Message) -> impl Iterator<Item = (Flags, &Frame)> {
    let last = message.len().saturating_sub(1);
    message.frames().enumerate().map(move |(place, frame)| (Flags::more(place < last), frame))
}

/// Takes the message at the front of `input` into `into`, if it is whole, of a few frames at most, and within `limit`:
/// for a connection that [says so](super::Connection::plain_limit). `None` changes nothing.
#[inline(always)]
pub(crate) fn take_plain(input: &[u8], limit: PlainLimit, into: &mut Message) -> Option<Taken> {
    let Some((body, len)) = frame::complete_last_frame(input) else {
        return take_several(input, limit, into);
    };
    if len > limit.size {
        return None;
    }
    match body.first_chunk() {
        Some(window) if len <= INLINE_CAPACITY => into.set_window(window, len),
        _ => *into = copied_message(&body[..len]),
    }
    Some(Taken { bytes: input.len() - body.len() + len, payload: len })
}

#[inline(never)]
fn copied_message(payload: &[u8]) -> Message {
    Frame::copy_from_slice(payload).into()
}

/// The same for a message of several frames.
#[inline(never)]
fn take_several(input: &[u8], limit: PlainLimit, into: &mut Message) -> Option<Taken> {
    if !Flags::first(input)?.has_more() {
        return None;
    }
    let (mut frames, mut rest) = (FrameList::new(), input);
    loop {
        let (has_more, body, len) = frame::complete_message_frame(rest)?;
        if len > limit.size - frames.extent().size || frames.len() >= limit.frames.min(SEVERAL) {
            return None;
        }
        frames.push_back(match body.first_chunk() {
            Some(window) if len <= INLINE_CAPACITY => Frame::from_window(window, len),
            _ => Frame::copy_from_slice(&body[..len]),
        });
        rest = &body[len..];
        if !has_more {
            break;
        }
    }
    let payload = frames.extent().size;
    *into = frames.into();
    Some(Taken { bytes: input.len() - rest.len(), payload })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: PlainLimit = PlainLimit { size: 100, frames: 3 };

    fn encoded(message: &Message) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_in_clear(message, &mut bytes);
        bytes
    }

    /// Kills taking what is not whole, leaving something behind, and changing the message for nothing.
    #[test]
    fn a_message_is_taken_whole_or_not_at_all() {
        let bodies = ["", "b", &"c".repeat(64), &"d".repeat(65), &"e".repeat(97)];
        let mut messages: Vec<Message> = bodies.iter().map(|body| Message::from(*body)).collect();
        messages.extend(bodies.iter().map(|body| Message::from(("id", *body))));
        messages.extend(bodies.iter().map(|body| Message::from(("id", "", *body))));
        for message in messages {
            let bytes = encoded(&message);
            for end in 0..bytes.len() {
                let mut into = Message::from("before");
                assert!(take_plain(&bytes[..end], LIMIT, &mut into).is_none(), "{message:?} cut at {end}");
                assert_eq!(into, "before".into());
            }
            for behind in [0, 1, 100] {
                let input = [&bytes[..], &vec![7; behind]].concat();
                for mut into in [Message::BLANK, ("many", "frames").into()] {
                    let taken = take_plain(&input, LIMIT, &mut into).unwrap();
                    assert_eq!((taken.bytes, taken.payload), (bytes.len(), message.size()));
                    assert_eq!((&into, into.size()), (&message, message.size()));
                }
            }
        }
    }

    #[test]
    fn what_is_over_a_limit_or_not_of_messages_only_is_left() {
        let left = |bytes: &[u8], limit| take_plain(bytes, limit, &mut Message::new()).is_none();
        let wide = PlainLimit { size: 1000, frames: 1000 };
        let three = encoded(&("a", "b", vec![0; 98]).into());
        assert!(!left(&three, LIMIT));
        assert!(left(&three, PlainLimit { size: 99, ..LIMIT }), "of all frames together");
        assert!(left(&three, PlainLimit { frames: 2, ..LIMIT }));
        assert!(left(&encoded(&vec![1; 101].into()), LIMIT));
        let of = |frames| encoded(&Message::from(vec![""; frames]));
        assert!(!left(&of(SEVERAL), wide) && left(&of(SEVERAL + 1), wide));
        assert!(left(b"\x01\x01a\x04\x01c\0\x01b", wide), "a command in between");
        assert!(left(b"\x05\x01c\0\x01b", wide), "a command that says that there is more");
        assert!(left(b"\x01\x01a\x02\xff\xff\xff\xff\xff\xff\xff\xff", wide));
    }
}
