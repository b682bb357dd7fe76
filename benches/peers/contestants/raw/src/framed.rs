//! Length-prefixed messages over a stream.

use std::io::{Read, Write};
use std::ops::Range;

use harness::Result;
use harness::local::{Echoes, MaybeSend, Receives, Sends};

use crate::stream::Stream;

/// The batches that our sockets write, of small messages and of large ones.
const SMALL_BATCH: usize = 32 * 1024;
const LARGE_BATCH: usize = 1024 * 1024;
const LARGE: usize = 4096;

/// Length-prefixed messages, written in batches and taken off the stream a read at a time.
pub struct Framed {
    stream: Stream,
    batched: bool,
    out: Vec<u8>,
    buffer: Vec<u8>,
    head: usize,
    filled: usize,
}

impl Framed {
    pub fn new(stream: Stream, batched: bool) -> Self {
        Self { stream, batched, out: Vec::new(), buffer: vec![0; SMALL_BATCH], head: 0, filled: 0 }
    }

    fn write(&mut self) -> Result<()> {
        self.stream.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// Where the next message stands in the buffer.
    fn next(&mut self) -> Result<Range<usize>> {
        self.require(4)?;
        let header = *self.buffer[self.head..].first_chunk().expect("required");
        let len = u32::from_be_bytes(header) as usize;
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
            let read = self.stream.read(&mut self.buffer[self.filled..])?;
            if read == 0 {
                return Err("the sender has gone".into());
            }
            self.filled += read;
        }
        Ok(())
    }
}

impl Sends for Framed {
    async fn send(&mut self, body: &[u8]) -> Result<()> {
        append(&mut self.out, body);
        let batch = match body.len() {
            _ if !self.batched => 0,
            ..LARGE => SMALL_BATCH,
            LARGE.. => LARGE_BATCH,
        };
        if self.out.len() >= batch { self.write() } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
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

fn append(out: &mut Vec<u8>, body: &[u8]) {
    out.extend_from_slice(&(body.len() as u32).to_be_bytes());
    out.extend_from_slice(body);
}
