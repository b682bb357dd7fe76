//! The envelope of a request (RFC 28): the frames up to the first empty one, which its reply has to repeat.

use crate::message::{Frame, Message};

/// Whether a message has an envelope, and something in it.
pub(super) fn has_envelope(message: &Message) -> bool {
    let delimiter = message.frames().position(|frame| frame.is_empty());
    delimiter.is_some_and(|place| place + 1 < message.len())
}

/// Takes the envelope off a message.
pub(in crate::socket) fn take_envelope(message: &mut Message) -> Vec<Frame> {
    let mut envelope = Vec::new();
    while let Some(frame) = message.pop_front() {
        let delimiter = frame.is_empty();
        envelope.push(frame);
        if delimiter {
            break;
        }
    }
    envelope
}

/// Puts a message into an envelope.
pub(in crate::socket) fn put_into_envelope(message: &mut Message, envelope: Vec<Frame>) {
    envelope.into_iter().rev().for_each(|frame| message.push_front(frame));
}
