//! Tests of whole connections; `Side` plays the caller as the engine does.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::message::{Frame, Message};
use crate::security::Security;

#[cfg(feature = "curve")]
mod curve;
#[cfg(feature = "curve")]
mod curve_answers;
#[cfg(feature = "curve")]
mod curve_traffic;
mod fragmentation;
mod fuzz;
#[cfg(any(feature = "plain", feature = "curve"))]
mod mechanisms;
#[cfg(feature = "plain")]
mod plain;
mod recover;
mod sealed;
mod transcripts;
mod traps;

/// Keeps pieces apart as a queue does: copies are glued, shared payloads stand alone.
#[derive(Debug, Default)]
struct Wire {
    pieces: Vec<Bytes>,
    tail: Vec<u8>,
}

impl Wire {
    fn take(&mut self) -> Vec<Bytes> {
        self.cut();
        std::mem::take(&mut self.pieces)
    }

    fn take_bytes(&mut self) -> Vec<u8> {
        self.take().concat()
    }

    fn cut(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push(std::mem::take(&mut self.tail).into());
        }
    }
}

impl WireSink for Wire {
    fn put(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
    }

    fn put_shared(&mut self, bytes: &Bytes) {
        self.cut();
        self.pieces.push(bytes.clone());
    }
}

fn ping(ttl: Option<Duration>, context: &[u8]) -> Event {
    Event::Ping { ttl, context: context.into() }
}

/// One end: a connection, what it could not yet decode, and what it wants to send.
#[derive(Debug)]
struct Side {
    connection: Connection,
    unread: Vec<u8>,
    /// A large frame that is being collected: its length, and what is there.
    large: Option<(usize, Vec<u8>)>,
    out: Wire,
}

impl Side {
    /// A side that speaks first, and has its greeting in `out`.
    fn new(config: &Arc<Config>) -> Self {
        Self::with_role(config, Role::First)
    }

    fn with_role(config: &Arc<Config>, role: Role) -> Self {
        let connection = Connection::new(config, role);
        let mut side = Self { connection, unread: vec![], large: None, out: Wire::default() };
        side.connection.start(&mut side.out);
        side
    }

    /// A side that has shaken hands with a peer of `minor` version; nothing is left in `out`.
    fn ready(socket_type: SocketType, peer: SocketType, minor: u8) -> Self {
        Self::ready_with(&config(socket_type), peer, minor)
    }

    fn ready_with(config: &Arc<Config>, peer: SocketType, minor: u8) -> Self {
        let mut side = Self::new(config);
        let events = side.receive(&[greeting(minor), ready(peer.as_str(), b"")].concat()).unwrap();
        assert!(matches!(events[..], [Event::Handshaken(_)]), "{events:?}");
        side.out.take();
        side
    }

    /// All events that `bytes` lead to but for those about large frames, which it collects itself; every peer
    /// is welcome.
    fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Event>, ProtocolError> {
        let mut events = vec![];
        self.receive_into(bytes, &mut events).map(|()| events)
    }

    fn receive_into(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), ProtocolError> {
        self.unread.extend_from_slice(bytes);
        let arrived = std::mem::take(&mut self.unread);
        let mut input = &arrived[..];
        loop {
            let event = if let Some((len, mut payload)) = self.large.take() {
                let (part, rest) = input.split_at(input.len().min(len - payload.len()));
                payload.extend_from_slice(part);
                input = rest;
                if payload.len() < len {
                    self.large = Some((len, payload));
                    return Ok(());
                }
                self.connection.handle_large_frame(payload.into(), &mut self.out)?
            } else {
                let before = input;
                let mut event = self.connection.handle_input(&mut input, &mut self.out)?;
                assert!(before.ends_with(input), "consumed from elsewhere than the front");
                if event == Some(Event::KeyWork) {
                    let work = self.connection.take_work().expect("there is a work");
                    event = self.connection.worked(work.run(), &mut self.out)?;
                    if event.is_none() {
                        continue;
                    }
                }
                if event.is_none() {
                    self.unread = input.to_vec();
                    return Ok(());
                }
                event
            };
            match event {
                Some(Event::LargeFrame { len }) => {
                    assert!(input.len() < len, "a complete frame was announced as large");
                    self.large = Some((len, vec![]));
                }
                Some(event) => {
                    match &event {
                        Event::Handshaken(_) => self.connection.welcome(&mut self.out),
                        Event::Ping { context, .. } => self.connection.encode_pong(context, &mut self.out),
                        _ => {}
                    }
                    events.push(event);
                }
                None => {}
            }
        }
    }

    fn encode(&mut self, message: &Message) -> Vec<u8> {
        self.connection.encode_message(message, &mut self.out);
        self.out.take_bytes()
    }
}

fn config(socket_type: SocketType) -> Arc<Config> {
    Arc::new(Config::new(socket_type))
}

/// The greeting of a peer with NULL.
fn greeting(minor: u8) -> Vec<u8> {
    let mut greeting = greeting::encode("NULL").to_vec();
    greeting[11] = minor;
    greeting
}

/// A command frame in its shortest form.
fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let body = command::body(name, data);
    frame(4, &body)
}

/// A frame in its shortest form.
fn frame(flags: u8, payload: &[u8]) -> Vec<u8> {
    match u8::try_from(payload.len()) {
        Ok(len) => [&[flags, len], payload].concat(),
        Err(_) => [&[flags | 2][..], &(payload.len() as u64).to_be_bytes(), payload].concat(),
    }
}

fn property(name: &str, value: &[u8]) -> Vec<u8> {
    [&[name.len() as u8], name.as_bytes(), &(value.len() as u32).to_be_bytes(), value].concat()
}

fn ready(socket_type: &str, more_metadata: &[u8]) -> Vec<u8> {
    command("READY", &[&property("Socket-Type", socket_type.as_bytes()), more_metadata].concat())
}

fn message(frames: &[&[u8]]) -> Message {
    frames.iter().map(|frame| Frame::copy_from_slice(frame)).collect()
}
