//! What goes out on a connection: messages and commands.

use std::time::Duration;

use bytes::Bytes;

use super::{Connection, Partial, Phase};
use crate::message::{Frame, Message};
use crate::protocol::WireSink;
use crate::protocol::clear::{encode_in_clear, encode_plain, flagged};
use crate::protocol::command::{self, MAX_CONTEXT};
use crate::protocol::config::MAX_COMMAND_TOPIC;
use crate::protocol::frame::{self, Flags, Header, LONG_HEADER};
use crate::protocol::mechanism::Opened;
use crate::protocol::recover::Pieces;

impl Connection {
    /// Writes all frames of `message`; only after the handshake.
    #[inline(always)]
    pub(crate) fn encode_message(&mut self, message: &Message, out: &mut impl WireSink) {
        debug_assert!(self.is_ready(), "a message before the handshake is over");
        if let (Some(frame), Phase::Clear) = (message.only_frame(), &self.phase) {
            return encode_plain(frame, out);
        }
        match &mut self.phase {
            Phase::Sealed(seal) => {
                for (flags, frame) in flagged(message) {
                    seal.seal(flags, frame, out);
                }
            }
            _ => encode_in_clear(message, out),
        }
    }

    /// Whether messages leave as they are, the same on every such connection.
    pub(crate) const fn is_clear(&self) -> bool {
        matches!(self.phase, Phase::Clear)
    }

    /// The most bytes that `message` takes on the wire, unsealed.
    pub(crate) fn wire_bound(message: &Message) -> usize {
        message.size() + message.len() * LONG_HEADER
    }

    /// Asks the peer for a sign of life, and to give us up after `ttl` without one (zero: never).
    ///
    /// The PONG brings `context` back, of which 16 bytes count. Only for a peer that
    /// [speaks heartbeats](Self::speaks_heartbeats).
    pub(crate) fn encode_ping(&mut self, ttl: Duration, context: &[u8], out: &mut impl WireSink) {
        debug_assert!(self.speaks_heartbeats(), "a PING to a peer that may not know it");
        self.encode_command(&command::ping(ttl, &context[..context.len().min(MAX_CONTEXT)]), out);
    }

    /// Answers a PING with its context.
    pub(crate) fn encode_pong(&mut self, context: &[u8], out: &mut impl WireSink) {
        self.encode_command(&command::body("PONG", context), out);
    }

    /// Subscribes to `topic`, in the form that the peer's version knows: any peer takes a message, which may
    /// be longer.
    pub(crate) fn encode_subscribe(&mut self, topic: &[u8], out: &mut impl WireSink) {
        self.encode_subscription("SUBSCRIBE", 1, topic, out);
    }

    /// Ends a subscription to `topic`, in the form that the peer's version knows.
    pub(crate) fn encode_cancel(&mut self, topic: &[u8], out: &mut impl WireSink) {
        self.encode_subscription("CANCEL", 0, topic, out);
    }

    fn encode_subscription(&mut self, command: &str, mark: u8, topic: &[u8], out: &mut impl WireSink) {
        if self.minor >= 1 && topic.len() <= MAX_COMMAND_TOPIC {
            self.encode_command(&command::body(command, topic), out);
        } else {
            self.encode_message(&Frame::from([&[mark], topic].concat()).into(), out);
        }
    }

    /// Tells the peer why it is refused; then the connection is to be closed.
    pub(crate) fn encode_error(&mut self, reason: &str, out: &mut impl WireSink) {
        self.encode_command(&command::error(reason), out);
    }

    fn encode_command(&mut self, body: &[u8], out: &mut dyn WireSink) {
        match &mut self.phase {
            Phase::Sealed(seal) => seal.seal(Flags::COMMAND, body, out),
            _ => frame::encode(Flags::COMMAND, body, out),
        }
    }

    /// Turns what [`encode_message`](Self::encode_message) wrote back into the message, sealed or not:
    /// `pieces` are its bytes, and nothing but them.
    pub(crate) fn recover(&self, pieces: Vec<Bytes>) -> Option<Message> {
        let mut pieces = Pieces::new(pieces);
        let mut partial = Partial::default();
        loop {
            let Header { flags, payload_len } = pieces.take_header()?;
            let payload = pieces.take(payload_len)?;
            let Opened { flags, frame } = match &self.phase {
                Phase::Sealed(seal) => seal.open_own(payload)?,
                _ => Opened { flags, frame: payload.into() },
            };
            if flags.is_command() {
                return None;
            }
            if let Some(message) = partial.add(flags.has_more(), frame) {
                return pieces.is_empty().then_some(message);
            }
        }
    }
}
