//! Length-prefixed messages over a stream.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::ops::Range;

use bytes::Bytes;
use harness::local::{Echoes, MaybeSend, Receives, Sends};
use harness::{Payload, Result};

use crate::Style;
use crate::stream::Stream;
use crate::waiting::Waiting;

/// The batches that our sockets write, of small messages and of large ones.
pub const SMALL_BATCH: usize = 32 * 1024;
const LARGE_BATCH: usize = 256 * 1024;
const LARGE: usize = 4096;

/// Length-prefixed messages, written in batches and taken off the stream a read at a time.
pub struct Framed {
    stream: Stream,
    style: Style,
    out: Vec<u8>,
    /// Headers and payloads that are not copied.
    gathered: Vec<Bytes>,
    gathered_len: usize,
    buffer: Vec<u8>,
    head: usize,
    filled: usize,
    waiting: Option<Waiting>,
    /// Whether the last read took all that was there: only then is there an edge to wait for.
    drained: bool,
}

impl Framed {
    pub fn new(stream: Stream, style: Style) -> Result<Self> {
        let waiting = if style == Style::Epoll { Some(Waiting::new(&stream)?) } else { None };
        let (out, gathered) = Default::default();
        let buffer = vec![0; SMALL_BATCH];
        Ok(Self {
            stream,
            style,
            out,
            gathered,
            gathered_len: 0,
            buffer,
            head: 0,
            filled: 0,
            waiting,
            drained: true,
        })
    }

    fn write(&mut self) -> Result<()> {
        let mut rest = &self.out[..];
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => return Err(error.into()),
            }
        }
        self.out.clear();
        Ok(())
    }

    fn write_gathered(&mut self) -> Result<()> {
        let mut slices: Vec<_> = self.gathered.iter().map(|bytes| IoSlice::new(bytes)).collect();
        let mut rest = &mut slices[..];
        while !rest.is_empty() {
            let written = self.stream.write_vectored(rest)?;
            IoSlice::advance_slices(&mut rest, written);
        }
        self.gathered.clear();
        self.gathered_len = 0;
        Ok(())
    }

    /// Where the next message stands in the buffer.
    fn next(&mut self) -> Result<Range<usize>> {
        self.require(4)?;
        let header = *self.buffer[self.head..].first_chunk().expect("required");
        let len = u32::from_be_bytes(header) as usize;
        if len >= LARGE && self.buffer.len() < LARGE_BATCH {
            self.buffer.resize(LARGE_BATCH, 0);
        }
        self.require(4 + len)?;
        let start = self.head + 4;
        self.head = start + len;
        Ok(start..self.head)
    }

    /// Whether a whole message has been read already.
    fn has_next(&self) -> bool {
        let read = &self.buffer[self.head..self.filled];
        read.first_chunk().is_some_and(|header| read.len() - 4 >= u32::from_be_bytes(*header) as usize)
    }

    fn require(&mut self, len: usize) -> Result<()> {
        if self.filled - self.head >= len {
            return Ok(());
        }
        self.buffer.copy_within(self.head..self.filled, 0);
        self.filled -= self.head;
        self.head = 0;
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
        while self.filled < len {
            if let Some(waiting) = self.waiting.as_ref().filter(|_| self.drained) {
                waiting.wait()?;
            }
            let room = self.buffer.len() - self.filled;
            match self.stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Err("the sender has gone".into()),
                Ok(read) => {
                    self.filled += read;
                    self.drained = read < room;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.drained = true,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Sends for Framed {
    async fn send(&mut self, payload: Payload<'_>) -> Result<()> {
        let body = payload.as_slice();
        if self.style == Style::Gathered && body.len() >= LARGE {
            self.gathered.push(Bytes::copy_from_slice(&(body.len() as u32).to_be_bytes()));
            self.gathered.push(payload.to_bytes());
            self.gathered_len += body.len();
            return if self.gathered_len >= LARGE_BATCH { self.write_gathered() } else { Ok(()) };
        }
        append(&mut self.out, body);
        let batch = match body.len() {
            _ if self.style == Style::Each => 0,
            ..LARGE => SMALL_BATCH,
            LARGE.. => LARGE_BATCH,
        };
        if self.out.len() >= batch { self.write() } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        if !self.gathered.is_empty() {
            self.write_gathered()?;
        }
        if self.out.is_empty() { Ok(()) } else { self.write() }
    }
}

impl Receives for Framed {
    /// Takes all that one read brought.
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        loop {
            let message = self.next()?;
            each(&self.buffer[message]);
            if !self.has_next() {
                return Ok(());
            }
        }
    }
}

impl Echoes for Framed {
    /// Answers all that one read brought with one write.
    async fn echo<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        loop {
            let message = self.next()?;
            let body = &self.buffer[message];
            each(body);
            append(&mut self.out, body);
            if !self.has_next() {
                return self.write();
            }
        }
    }
}

pub fn append(out: &mut Vec<u8>, body: &[u8]) {
    out.extend_from_slice(&(body.len() as u32).to_be_bytes());
    out.extend_from_slice(body);
}
