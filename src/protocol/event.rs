//! What a connection tells its caller.

use std::time::Duration;

use super::{Context, PeerInfo};
use crate::message::{Frame, Message};

/// What the bytes of a peer amount to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// The handshake goes on with a [work](super::Connection::take_work) that takes long.
    KeyWork,
    /// The peer has said who it is; once it is [welcome](super::Connection::welcome), messages may be sent, and
    /// arrive.
    Handshaken(Box<PeerInfo>),
    /// A message arrived, with all its frames.
    Message(Message),
    /// The header of a large frame was consumed, and the input begins with part of its payload: collect
    /// `len` bytes, growing with what arrives, and pass them to `handle_large_frame`.
    LargeFrame { len: usize },
    /// The peer asked for a sign of life, to be answered by `encode_pong` with its context. If the peer then
    /// sends nothing for `ttl`, it wants the connection closed.
    Ping { ttl: Option<Duration>, context: Context },
    /// The peer answered the ping of this context.
    Pong { context: Frame },
    /// The peer subscribed, in the form of ZMTP 3.1; a 3.0 peer sends a message (1, topic) instead.
    Subscribe { topic: Frame },
    /// The peer ended a subscription; a 3.0 peer sends a message (0, topic) instead.
    Cancel { topic: Frame },
    /// A command that is unknown or malformed; it was skipped.
    Ignored,
}
