//! The same batches to many streams.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;

use harness::local::{MaybeSend, Receives, Sends};
use harness::{Bind, Payload, Result, unsupported};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::framed::{SMALL_BATCH, append};
use crate::stream::Stream;

/// The streams of all subscribers, which get all that is sent.
pub struct Publisher {
    streams: Vec<Stream>,
    out: Vec<u8>,
}

impl Publisher {
    pub fn bind(bind: Bind) -> Result<Self> {
        let Some(address) = bind.endpoint.strip_prefix("tcp://") else { return unsupported("TCP only") };
        let listener = TcpListener::bind(address)?;
        let peers = bind.peers;
        bind.announce(format!("tcp://{}", listener.local_addr()?));
        let streams: Result<_> = (0..peers).map(|_| Stream::tcp(listener.accept()?.0)).collect();
        Ok(Self { streams: streams?, out: Vec::new() })
    }
}

impl Sends for Publisher {
    async fn send(&mut self, payload: Payload<'_>) -> Result<()> {
        append(&mut self.out, payload.as_slice());
        if self.out.len() >= SMALL_BATCH { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        for stream in &mut self.streams {
            stream.write_all(&self.out)?;
        }
        self.out.clear();
        Ok(())
    }
}

/// A stream that is read when there is something, and what is left of the last read.
pub struct Subscriber {
    stream: Stream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Subscriber {
    pub fn connect(endpoint: &str) -> Result<Self> {
        Ok(Self { stream: Stream::connect(endpoint)?, buffer: vec![0; 2 * SMALL_BATCH], filled: 0 })
    }

    /// One read; false if there was nothing to read.
    fn read(&mut self) -> Result<bool> {
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => Err("the publisher has gone".into()),
            Ok(read) => {
                self.filled += read;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Shows the whole messages that are here until `each` has had enough, which it says; how many there were.
    fn show(&mut self, each: &mut impl FnMut(&[u8]) -> bool) -> (usize, bool) {
        let (mut head, mut shown, mut more) = (0, 0, true);
        while more {
            let read = &self.buffer[head..self.filled];
            let Some((header, read)) = read.split_first_chunk() else { break };
            let Some(body) = read.get(..u32::from_be_bytes(*header) as usize) else { break };
            more = each(body);
            head += 4 + body.len();
            shown += 1;
        }
        self.buffer.copy_within(head..self.filled, 0);
        self.filled -= head;
        (shown, more)
    }
}

impl Receives for Subscriber {
    /// Blocks until a message is there.
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        let mut once = |message: &[u8]| {
            each(message);
            false
        };
        while self.show(&mut once).0 == 0 {
            self.read()?;
        }
        Ok(())
    }
}

/// Reads from all as long as each wants more.
pub fn recv_all(
    mut subs: Vec<Subscriber>,
    mut each: Vec<impl FnMut(&[u8]) -> bool>,
) -> Result<Vec<Subscriber>> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut open = vec![true; subs.len()];
    for (index, sub) in subs.iter_mut().enumerate() {
        sub.stream.set_nonblocking()?;
        epoll.add(&sub.stream, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
        open[index] = sub.show(&mut each[index]).1;
    }
    let mut events = [EpollEvent::empty(); 256];
    while open.contains(&true) {
        let ready = epoll.wait(&mut events, EpollTimeout::NONE)?;
        for event in &events[..ready] {
            let index = event.data() as usize;
            if subs[index].read()? {
                open[index] = subs[index].show(&mut each[index]).1;
            }
        }
    }
    Ok(subs)
}
