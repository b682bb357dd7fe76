//! Its sockets, each a type of its own, most of them for one stream.

use std::mem;
use std::ops::Range;

use bytes::Bytes;
use harness::local::{Echoes, MaybeSend, Receives, Sends};
use harness::{Payload, Payloads, Result};
use monocoque::rt::UnixStream;
use monocoque::zmq::{DealerSocket, PubSocket, PullFanIn, PullSocket, PushSocket, RouterSocket, SubSocket};

use crate::contestant::Style;

/// The most messages that a batch call takes.
const BATCH: usize = 256;

const GONE: &str = "the peer has gone";

/// A PUSH, and the messages of the next batch.
pub struct Push {
    socket: PushStream,
    style: Style,
    batch: Vec<Vec<Bytes>>,
}

enum PushStream {
    Tcp(PushSocket),
    Unix(PushSocket<UnixStream>),
}

/// Does the same on either kind of stream.
macro_rules! on_either {
    ($streams:ident, $stream:expr, $socket:ident => $do:expr) => {
        match $stream {
            $streams::Tcp($socket) => $do,
            $streams::Unix($socket) => $do,
        }
    };
}

impl Push {
    pub fn tcp(socket: PushSocket, style: Style) -> Self {
        Self { socket: PushStream::Tcp(socket), style, batch: Vec::new() }
    }

    pub fn unix(socket: PushSocket<UnixStream>, style: Style) -> Self {
        Self { socket: PushStream::Unix(socket), style, batch: Vec::new() }
    }
}

impl Sends for Push {
    async fn send(&mut self, payload: Payload<'_>) -> Result<()> {
        let body = payload.to_bytes();
        if self.style != Style::Batch {
            return Ok(on_either!(PushStream, &mut self.socket, socket => socket.send_one(body).await)?);
        }
        self.batch.push(vec![body]);
        if self.batch.len() < BATCH { Ok(()) } else { self.flush().await }
    }

    async fn send_run(&mut self, payloads: &mut Payloads, mut numbers: Range<u64>) -> Result<()> {
        if self.style != Style::Batch {
            for number in numbers {
                self.send(payloads.get(number)).await?;
            }
            return Ok(());
        }
        while !numbers.is_empty() {
            let some = numbers.by_ref().take(BATCH).map(|number| vec![payloads.get(number).to_bytes()]);
            on_either!(PushStream, &mut self.socket, socket => socket.send_batch(some).await)?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        let batch = mem::take(&mut self.batch);
        if !batch.is_empty() {
            on_either!(PushStream, &mut self.socket, socket => socket.send_batch(batch).await)?;
        }
        Ok(on_either!(PushStream, &mut self.socket, socket => socket.flush().await)?)
    }

    async fn send_again(&mut self, payload: Payload<'_>) -> Result<()> {
        match &mut self.socket {
            PushStream::Tcp(socket) => Ok(socket.send_with_reconnect(vec![payload.to_bytes()]).await?),
            PushStream::Unix(_) => Err("it reconnects over TCP only".into()),
        }
    }
}

/// A PULL, and the message that it receives into.
pub struct Pull {
    socket: PullStream,
    style: Style,
    message: Vec<Bytes>,
}

enum PullStream {
    Tcp(PullSocket),
    Unix(PullSocket<UnixStream>),
    Many(PullFanIn),
}

impl Pull {
    pub fn tcp(socket: PullSocket, style: Style) -> Self {
        Self { socket: PullStream::Tcp(socket), style, message: Vec::new() }
    }

    pub fn unix(socket: PullSocket<UnixStream>, style: Style) -> Self {
        Self { socket: PullStream::Unix(socket), style, message: Vec::new() }
    }

    pub fn many(socket: PullFanIn, style: Style) -> Self {
        Self { socket: PullStream::Many(socket), style, message: Vec::new() }
    }

    async fn recv_batch(&mut self) -> Result<Vec<Vec<Bytes>>> {
        let batch = match &mut self.socket {
            PullStream::Tcp(socket) => socket.recv_batch().await,
            PullStream::Unix(socket) => socket.recv_batch().await,
            PullStream::Many(socket) => socket.recv_batch().await,
        };
        Ok(batch?.ok_or(GONE)?)
    }

    async fn recv_one(&mut self) -> Result<()> {
        let received = match &mut self.socket {
            PullStream::Tcp(socket) => socket.recv_into(&mut self.message).await?,
            PullStream::Unix(socket) => socket.recv_into(&mut self.message).await?,
            PullStream::Many(socket) => {
                self.message = socket.recv().await?.ok_or(GONE)?;
                true
            }
        };
        if received { Ok(()) } else { Err(GONE.into()) }
    }

    /// Takes one more message if it is there already; whether it was.
    fn try_recv_one(&mut self) -> Result<bool> {
        Ok(match &mut self.socket {
            PullStream::Tcp(socket) => socket.try_recv_into(&mut self.message)?,
            PullStream::Unix(socket) => socket.try_recv_into(&mut self.message)?,
            PullStream::Many(socket) => match socket.try_recv()? {
                Some(message) => {
                    self.message = message;
                    true
                }
                None => false,
            },
        })
    }
}

impl Receives for Pull {
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        if self.style == Style::Batch {
            for message in self.recv_batch().await? {
                each(last(&message));
            }
        } else {
            self.recv_one().await?;
            each(last(&self.message));
            while self.style.drains() && self.try_recv_one()? {
                each(last(&self.message));
            }
        }
        Ok(())
    }
}

/// A DEALER or a ROUTER, and the message that it receives into.
pub struct Side<T> {
    socket: T,
    style: Style,
    message: Vec<Bytes>,
}

pub type Dealer = Side<DealerSocket>;
pub type Router = Side<RouterSocket>;

impl<T> Side<T> {
    pub fn new(socket: T, style: Style) -> Self {
        Self { socket, style, message: Vec::new() }
    }
}

impl Sends for Dealer {
    async fn send(&mut self, payload: Payload<'_>) -> Result<()> {
        let message = vec![payload.to_bytes()];
        if self.style == Style::Batch {
            return Ok(self.socket.send_buffered(message)?);
        }
        Ok(self.socket.send(message).await?)
    }

    async fn flush(&mut self) -> Result<()> {
        if self.style == Style::Eager { Ok(()) } else { Ok(self.socket.flush().await?) }
    }
}

impl Receives for Dealer {
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        let mut received = self.socket.recv_into(&mut self.message).await?;
        if !received {
            return Err(GONE.into());
        }
        while received {
            each(last(&self.message));
            received = self.style != Style::Eager && self.socket.try_recv_into(&mut self.message)?;
        }
        Ok(())
    }
}

impl Echoes for Router {
    async fn echo<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        let mut received = self.socket.recv_into(&mut self.message).await?;
        if !received {
            return Err(GONE.into());
        }
        while received {
            each(last(&self.message));
            let message = mem::take(&mut self.message);
            match self.style {
                Style::Eager => return Ok(self.socket.send(message).await?),
                Style::Batch => self.socket.send_buffered(message)?,
                _ => self.socket.send(message).await?,
            }
            received = self.socket.try_recv_into(&mut self.message)?;
        }
        Ok(self.socket.flush().await?)
    }
}

/// A PUB, which hands messages to its own threads.
pub struct Pub(pub PubSocket);

impl Sends for Pub {
    async fn send(&mut self, payload: Payload<'_>) -> Result<()> {
        Ok(self.0.send_frames(&[payload.to_bytes()]).await?)
    }
}

/// A SUB, and the message that it receives into.
pub struct Sub {
    socket: SubSocket,
    style: Style,
    message: Vec<Bytes>,
}

impl Sub {
    pub fn new(socket: SubSocket, style: Style) -> Self {
        Self { socket, style, message: Vec::new() }
    }
}

impl Receives for Sub {
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        if !self.socket.recv_into(&mut self.message).await? {
            return Err(GONE.into());
        }
        each(last(&self.message));
        while self.style.drains() && self.socket.try_recv_into(&mut self.message)? {
            each(last(&self.message));
        }
        Ok(())
    }
}

fn last(message: &[Bytes]) -> &[u8] {
    message.last().expect("no message is empty")
}
