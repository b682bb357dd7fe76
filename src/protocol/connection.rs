//! One connection: greeting, handshake, traffic.

mod encoding;
mod joining;

use std::mem;
use std::sync::Arc;

use bytes::Bytes;

pub(crate) use self::joining::Role;
use self::joining::Welcome;
use super::clear::{PlainLimit, Taken, take_plain};
use super::command::{self, Command, MAX_CONTEXT, Ping};
use super::frame::{Flags, Header, Payload};
use super::key_work::KeyWork;
use super::mechanism::{Mechanism, Opened, Seal};
use super::{Config, Event, ProtocolError, WireSink};
use crate::message::{Frame, FrameList, Message};

/// Payloads above this many bytes are collected by the caller when they are incomplete.
///
/// Below, an incomplete frame waits in the read buffer; an eighth of the shared slab is what a
/// peer may move to the front again with every read, which costs less than a buffer of its own.
pub(crate) const LARGE_FRAME: usize = 8 * 1024;

/// The protocol state of one connection.
///
/// An error from a `handle_*` method is final: send what the sink holds, then close.
#[derive(Debug)]
pub(crate) struct Connection {
    config: Arc<Config>,
    phase: Phase,
    role: Role,
    /// Minor version of the peer's dialect: 0 for ZMTP 3.0, 1 for 3.1.
    minor: u8,
    partial: Partial,
    /// The frame whose payload the caller is collecting.
    large: Option<Header>,
}

#[derive(Debug)]
enum Phase {
    /// The peer's greeting is not complete.
    Greeting,
    Handshake {
        mechanism: Box<dyn Mechanism>,
        /// Bytes of the handshake so far.
        spent: usize,
    },
    /// The same while the caller has the mechanism, or is to [take it](Connection::take_work): whatever is behind
    /// what it works on stays undecoded.
    Working { work: Option<KeyWork>, spent: usize },
    /// The peer has said who it is, and the caller has not yet said that it is welcome: whatever is behind
    /// that stays undecoded.
    Judged(Box<Welcome>),
    /// Traffic, as it is.
    Clear,
    /// Traffic, every frame of it sealed by the security mechanism.
    Sealed(Box<dyn Seal>),
}

/// The frames so far of a message that has more.
#[derive(Debug, Default)]
struct Partial(FrameList);

impl Connection {
    pub(crate) fn new(config: &Arc<Config>, role: Role) -> Self {
        Self {
            config: Arc::clone(config),
            phase: Phase::Greeting,
            role,
            minor: 0,
            partial: Partial::default(),
            large: None,
        }
    }

    /// Takes the state out of a connection that nothing more is written to or read from.
    pub(crate) fn take(&mut self) -> Self {
        let blank = Self::new(&self.config, self.role);
        mem::replace(self, blank)
    }

    /// Whether the handshake is over, and messages may be sent.
    pub(crate) const fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Clear | Phase::Sealed(_))
    }

    /// Whether the peer may be sent heartbeats: they came with ZMTP 3.1.
    pub(crate) const fn speaks_heartbeats(&self) -> bool {
        self.is_ready() && self.minor >= 1
    }

    /// Whether some frames of an unfinished message are held.
    pub(crate) fn has_partial_message(&self) -> bool {
        !self.partial.0.is_empty()
    }

    /// What the frames of an unfinished message cost.
    #[inline]
    pub(crate) fn partial_cost(&self) -> usize {
        self.partial.0.extent().cost()
    }

    /// Whether a message has begun and not ended; `undecoded` is what `handle_input` left over.
    pub(crate) fn has_begun_message(&self, undecoded: &[u8]) -> bool {
        let begins = |flags: Flags| self.is_ready() && !flags.is_command();
        self.has_partial_message() || Flags::first(undecoded).is_some_and(begins)
    }

    /// Decodes from the front of `input`, advancing it, until there is one event, or `None`: then
    /// whatever is left of `input` has to be presented again, with more behind it.
    ///
    /// What the handshake demands of us (READY, ERROR) goes to `out`: no more than a few commands in the life
    /// of a connection. PINGs are for the caller to answer, since a peer may send any number of them.
    #[inline]
    pub(crate) fn handle_input(
        &mut self,
        input: &mut &[u8],
        out: &mut impl WireSink,
    ) -> Result<Option<Event>, ProtocolError> {
        let mut message = Message::BLANK;
        if let Some(taken) = self.take_message(input, &mut message) {
            *input = &input[taken.bytes..];
            return Ok(Some(Event::Message(message)));
        }
        self.handle_other_input(input, out)
    }

    /// Takes the message at the front of `input` into `into`, if it is whole, not sealed, and of a few frames: the
    /// commonest case by far.
    #[inline(always)]
    pub(crate) fn take_message(&self, input: &[u8], into: &mut Message) -> Option<Taken> {
        take_plain(input, self.plain_limit()?, into)
    }

    /// How large a message that is not sealed may be that comes next; `None` if what comes next may not be the
    /// beginning of one.
    #[inline(always)]
    pub(crate) fn plain_limit(&self) -> Option<PlainLimit> {
        let plain = matches!(self.phase, Phase::Clear) && self.partial.0.is_empty() && self.large.is_none();
        let limits = &self.config.limits;
        plain.then_some(PlainLimit { size: limits.max_message_size, frames: limits.max_frames })
    }

    /// The same as [`handle_input`](Self::handle_input), for input that does not begin with a message that could be
    /// [taken](Self::take_message).
    #[inline(never)]
    pub(crate) fn handle_other_input(
        &mut self,
        input: &mut &[u8],
        out: &mut dyn WireSink,
    ) -> Result<Option<Event>, ProtocolError> {
        if matches!(self.phase, Phase::Greeting) {
            let Some(mechanism) = self.handle_greeting(input)? else { return Ok(None) };
            let event = self.go_on(KeyWork::begin(mechanism, &self.config), 0, out)?;
            if event.is_some() {
                return Ok(event);
            }
        }
        if self.is_waiting() {
            return Ok(None);
        }
        if let Some(header) = self.large {
            return Ok(Some(Event::LargeFrame { len: header.payload_len as usize }));
        }
        while let Some((header, header_len)) = Header::parse(input)? {
            self.check_announced(header)?;
            // Every limit is a usize, and the length is within one.
            let len = header.payload_len as usize;
            let body = &input[header_len..];
            let Some((payload, rest)) = body.split_at_checked(len) else {
                if len <= LARGE_FRAME {
                    return Ok(None);
                }
                *input = body;
                self.large = Some(header);
                return Ok(Some(Event::LargeFrame { len }));
            };
            *input = rest;
            let event = self.handle_frame(header, Payload::Borrowed(payload), out)?;
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    /// Takes the payload of the frame that [`Event::LargeFrame`] announced.
    pub(crate) fn handle_large_frame(
        &mut self,
        payload: Bytes,
        out: &mut impl WireSink,
    ) -> Result<Option<Event>, ProtocolError> {
        let header = self.large.take();
        debug_assert_eq!(header.map(|header| header.payload_len), Some(payload.len() as u64));
        header.map_or(Ok(None), |header| self.handle_frame(header, Payload::Shared(payload), out))
    }

    /// Judges a frame by its header alone.
    fn check_announced(&self, Header { flags, payload_len }: Header) -> Result<(), ProtocolError> {
        let limits = &self.config.limits;
        match &self.phase {
            Phase::Handshake { .. } if !flags.is_command() => Err(ProtocolError::MessageDuringHandshake),
            Phase::Handshake { spent, .. } => {
                let max = limits.max_handshake_bytes;
                let fits = payload_len <= max.saturating_sub(*spent) as u64;
                if fits { Ok(()) } else { Err(ProtocolError::HandshakeTooLarge { max }) }
            }
            Phase::Greeting | Phase::Working { .. } | Phase::Judged(_) | Phase::Clear => {
                self.check_frame(flags, payload_len)
            }
            Phase::Sealed(seal) => {
                // What it is shows when it is open; then it is judged again.
                let max = limits.max_message_size.max(limits.max_command_size);
                let fits = payload_len <= max.saturating_add(seal.overhead()) as u64;
                if fits { Ok(()) } else { Err(ProtocolError::MessageTooLarge { size: payload_len, max }) }
            }
        }
    }

    fn check_frame(&self, flags: Flags, len: u64) -> Result<(), ProtocolError> {
        let limits = &self.config.limits;
        if flags.is_command() {
            let max = limits.max_command_size;
            return if len <= max as u64 {
                Ok(())
            } else {
                Err(ProtocolError::CommandTooLarge { size: len, max })
            };
        }
        let size = len.saturating_add(self.partial.0.extent().size as u64);
        if size > limits.max_message_size as u64 {
            return Err(ProtocolError::MessageTooLarge { size, max: limits.max_message_size });
        }
        if self.partial.0.len() >= limits.max_frames {
            return Err(ProtocolError::TooManyFrames { max: limits.max_frames });
        }
        Ok(())
    }

    fn handle_frame(
        &mut self,
        header: Header,
        payload: Payload<'_>,
        out: &mut dyn WireSink,
    ) -> Result<Option<Event>, ProtocolError> {
        match &mut self.phase {
            Phase::Greeting | Phase::Handshake { .. } | Phase::Working { .. } | Phase::Judged(_) => {
                self.handle_handshake_command(payload.as_slice(), out)
            }
            Phase::Clear => self.handle_traffic(header.flags, payload),
            Phase::Sealed(seal) => {
                // What its header says of a sealed frame is nothing that could be relied on.
                let Opened { flags, frame } = seal.open(payload)?;
                self.check_frame(flags, frame.len() as u64)?;
                self.handle_traffic(flags, Payload::Opened(frame))
            }
        }
    }

    /// A frame after the handshake. Commands may come between the frames of a message.
    fn handle_traffic(&mut self, flags: Flags, payload: Payload<'_>) -> Result<Option<Event>, ProtocolError> {
        if flags.is_command() {
            return Self::handle_command(payload.as_slice()).map(Some);
        }
        Ok(self.partial.add(flags.has_more(), payload.into_frame()).map(Event::Message))
    }

    fn handle_command(body: &[u8]) -> Result<Event, ProtocolError> {
        let Some(Command { name, data }) = Command::parse(body) else { return Ok(Event::Ignored) };
        Ok(match name {
            b"PING" => match Ping::parse(data) {
                Some(Ping { ttl, context }) => Event::Ping { ttl, context },
                None => Event::Ignored,
            },
            b"PONG" if data.len() <= MAX_CONTEXT => Event::Pong { context: Frame::from(data) },
            b"SUBSCRIBE" => Event::Subscribe { topic: Frame::from(data) },
            b"CANCEL" => Event::Cancel { topic: Frame::from(data) },
            b"READY" => return Err(ProtocolError::UnexpectedReady),
            b"ERROR" => match command::parse_error(data) {
                Some(reason) => return Err(ProtocolError::PeerRefused { reason }),
                None => Event::Ignored,
            },
            _ => Event::Ignored,
        })
    }
}

impl Partial {
    /// The message, if `frame` is its last one.
    fn add(&mut self, has_more: bool, frame: Frame) -> Option<Message> {
        if !has_more && self.0.is_empty() {
            return Some(frame.into());
        }
        self.0.push_back(frame);
        if has_more { None } else { Some(mem::take(&mut self.0).into()) }
    }
}
