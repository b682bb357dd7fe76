//! Bytes that an ended connection has left, and that are decoded when the application takes them.

use crate::engine::peer::Peer;
use crate::message::Message;
use crate::protocol::{Connection, Event};

/// What is kept of a connection besides its bytes, at the most; it counts against the same bound.
pub(super) const ENTRY: usize = 1024;

/// Bytes that were read, and the state of the protocol in front of them.
#[derive(Debug)]
pub(super) struct Undecoded {
    connection: Connection,
    bytes: Vec<u8>,
    used: usize,
    /// The first message among them: without one there is nothing to keep.
    pub(super) first: Option<Message>,
    /// What that costs: it is decoded, and the connection may have held most of it before.
    first_cost: usize,
}

impl Undecoded {
    /// What is left undecoded of a connection that has ended.
    pub(super) fn new<S>(peer: &mut Peer<S>, bytes: Vec<u8>) -> Self {
        Self::of(peer.connection.take(), bytes)
    }

    pub(super) fn of(connection: Connection, bytes: Vec<u8>) -> Self {
        let mut undecoded = Self { connection, bytes, used: 0, first: None, first_cost: 0 };
        undecoded.first = undecoded.decode();
        undecoded.first_cost = undecoded.first.as_ref().map_or(0, Message::cost);
        undecoded
    }

    /// What it counts for, from its beginning to its end.
    pub(super) fn cost(&self) -> usize {
        self.cost_without_first() + self.first_cost
    }

    pub(super) fn cost_without_first(&self) -> usize {
        ENTRY + self.bytes.len()
    }

    /// The next whole message.
    pub(super) fn next(&mut self) -> Option<Message> {
        self.first.take().or_else(|| self.decode())
    }

    /// Commands of a connection that has ended have nothing to act upon.
    pub(super) fn decode(&mut self) -> Option<Message> {
        loop {
            let mut input = &self.bytes[self.used..];
            let before = input.len();
            let event = self.connection.handle_input(&mut input, &mut Vec::new());
            self.used += before - input.len();
            match event {
                Ok(Some(Event::Message(message))) => return Some(message),
                Ok(None | Some(Event::LargeFrame { .. })) | Err(_) => return None,
                Ok(Some(_)) => {}
            }
        }
    }

    /// Whether a message has begun that does not end.
    pub(super) fn is_cut(&self) -> bool {
        self.connection.has_begun_message(&self.bytes[self.used..])
    }
}
