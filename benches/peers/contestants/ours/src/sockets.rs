//! Our sockets, on one of the runtimes.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use harness::{Bind, Figures, Mode, Payload, Payloads, Result, Task, Unsupported};
use monocoque::SocketType;
use monocoque::prelude::{Error, ErrorKind, FlushPolicy, Message, Monitor, SocketEvent, SocketOptions};
use monocoque::socket::{
    Dealer, Kind, Pub, Pull, Push, Receives as CanReceive, Router, Sends as CanSend, Socket, Sub,
};

use super::rt;
use super::rt::contest::{self, Contestant, Echoes, MaybeSend, Receives, Sends};
use crate::Style;

/// The most messages that a batch call takes or gives.
const BATCH: usize = 256;

pub fn modes() -> [Mode; 4] {
    [
        Mode {
            name: rt::NAMES[0],
            about: "`send` and `recv` with the default options",
            kind: harness::Kind::Plain,
            run: |task| run(Style::Plain, task),
        },
        Mode {
            name: rt::NAMES[1],
            about: "the same with `FlushPolicy::Eager`",
            kind: harness::Kind::Eager,
            run: |task| run(Style::Eager, task),
        },
        Mode {
            name: rt::NAMES[2],
            about: "`feed` and `flush`, `recv_many`",
            kind: harness::Kind::Batch,
            run: |task| run(Style::Feed, task),
        },
        Mode {
            name: rt::NAMES[3],
            about: "`send_many` and `recv_many`",
            kind: harness::Kind::Batch,
            run: |task| run(Style::Many, task),
        },
    ]
}

fn run(style: Style, task: Task) -> Result<Figures> {
    contest::run(Ours { style }, task)
}

#[derive(Clone, Copy)]
struct Ours {
    style: Style,
}

impl Ours {
    /// The defaults, but for a PUB, which waits for slow subscribers.
    fn options<T: Kind>(self) -> SocketOptions {
        let policy = if self.style == Style::Eager { FlushPolicy::Eager } else { FlushPolicy::default() };
        SocketOptions::default().with_flush_policy(policy).with_xpub_nodrop(T::TYPE == SocketType::Pub)
    }

    async fn bind<T: Kind>(self, bind: Bind) -> Result<Side<T>> {
        let opened = Socket::bind_with_options(&bind.endpoint, self.options::<T>()).await;
        let socket = opened.map_err(unsupported_or_wrong)?;
        bind.announce(socket.local_endpoint().ok_or("bound nowhere")?.to_string());
        Ok(Side::new(socket, self.style))
    }

    async fn connect<T: Kind>(self, endpoint: &str) -> Result<Side<T>> {
        let opened = Socket::connect_with_options(endpoint, self.options::<T>()).await;
        Ok(Side::new(opened.map_err(unsupported_or_wrong)?, self.style))
    }

    async fn connect_all<T: Kind>(self, endpoint: &str, count: usize) -> Result<Vec<Side<T>>> {
        let mut sides = Vec::with_capacity(count);
        for _ in 0..count {
            sides.push(self.connect(endpoint).await?);
        }
        Ok(sides)
    }
}

/// A transport that a version does not have yet is no failure.
fn unsupported_or_wrong(error: Error) -> Box<dyn std::error::Error + Send + Sync> {
    if error.kind() == ErrorKind::Unsupported { Unsupported(error.to_string()).into() } else { error.into() }
}

impl Contestant for Ours {
    type Push = Side<Push>;
    type Pull = Side<Pull>;
    type Dealer = Side<Dealer>;
    type Router = Side<Router>;
    type Pub = Side<Pub>;
    type Sub = Side<Sub>;

    fn run<F: Future<Output = Result<Figures>> + MaybeSend + 'static>(self, side: F) -> F::Output {
        rt::run(side)
    }

    async fn pause(self, duration: Duration) {
        rt::sleep(duration).await;
    }

    fn pinned(self) -> bool {
        rt::PINNED
    }

    async fn bind_pull(self, bind: Bind) -> Result<Self::Pull> {
        self.bind(bind).await
    }

    async fn connect_push(self, endpoint: &str, count: usize) -> Result<Vec<Self::Push>> {
        self.connect_all(endpoint, count).await
    }

    async fn bind_router(self, bind: Bind) -> Result<Self::Router> {
        self.bind(bind).await
    }

    async fn connect_dealer(self, endpoint: &str) -> Result<Self::Dealer> {
        self.connect(endpoint).await
    }

    async fn bind_pub(self, bind: Bind) -> Result<Self::Pub> {
        self.bind(bind).await
    }

    async fn connect_sub(self, endpoint: &str, count: usize, topics: &[String]) -> Result<Vec<Self::Sub>> {
        let subs = self.connect_all(endpoint, count).await?;
        for sub in &subs {
            for topic in topics {
                sub.socket.subscribe(topic)?;
            }
        }
        Ok(subs)
    }
}

/// A socket of either side, of any type.
pub struct Side<T> {
    socket: Socket<T, rt::Stream>,
    style: Style,
    messages: Vec<Message>,
    unflushed: usize,
    /// From the first message that may have to wait for a new connection.
    monitor: Option<Monitor>,
    attempt: Option<SystemTime>,
}

impl<T: Kind> Side<T> {
    fn new(socket: Socket<T, rt::Stream>, style: Style) -> Self {
        Self { socket, style, messages: Vec::new(), unflushed: 0, monitor: None, attempt: None }
    }
}

impl<T: CanSend> Sends for Side<T> {
    async fn send(&mut self, payload: Payload<'_>) -> Result<()> {
        if self.style != Style::Feed {
            match payload {
                Payload::Buffer(buffer) => self.socket.send(buffer).await?,
                Payload::Shared(bytes) => self.socket.send(bytes.clone()).await?,
            }
            return Ok(());
        }
        self.socket.feed(message(payload)).await?;
        self.unflushed += 1;
        if self.unflushed < BATCH { Ok(()) } else { self.flush().await }
    }

    async fn send_run(&mut self, payloads: &mut Payloads, numbers: Range<u64>) -> Result<()> {
        if self.style == Style::Many {
            let messages = numbers.map(|number| message(payloads.get(number)));
            // What is refused borrows the payloads, which errors here cannot.
            self.socket.send_many(messages).await.map_err(|refused| refused.to_string())?;
            return Ok(());
        }
        for number in numbers {
            self.send(payloads.get(number)).await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        if self.unflushed > 0 {
            self.unflushed = 0;
            self.socket.flush().await?;
        }
        Ok(())
    }

    async fn send_again(&mut self, payload: Payload<'_>) -> Result<()> {
        let monitor = self.monitor.get_or_insert_with(|| self.socket.monitor());
        while let Some(event) = monitor.try_next() {
            if let SocketEvent::RetryIn { delay, .. } = event {
                self.attempt = Some(SystemTime::now() + delay);
            }
        }
        self.send(payload).await
    }

    fn notes(&self) -> Figures {
        let mut notes = Figures::from([("in_doubt".into(), self.socket.stats().in_doubt as f64)]);
        let attempt = self.attempt.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        notes.extend(attempt.map(|at| ("attempt_at".into(), at.as_secs_f64())));
        notes
    }
}

impl<T: CanReceive> Receives for Side<T> {
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        if !self.style.takes_many() {
            each(last(&self.socket.recv().await?));
            return Ok(());
        }
        self.socket.recv_many(&mut self.messages, BATCH).await?;
        for message in self.messages.drain(..) {
            each(last(&message));
        }
        Ok(())
    }
}

impl Echoes for Side<Router> {
    async fn echo<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        if !self.style.takes_many() {
            let (identity, message) = self.socket.recv_from().await?;
            each(last(&message));
            return Ok(self.socket.send_to(identity, message).await?);
        }
        self.socket.recv_many(&mut self.messages, BATCH).await?;
        if self.style == Style::Many {
            self.messages.iter().for_each(|message| each(last(message)));
            let sent = self.socket.send_many(self.messages.drain(..)).await;
            sent.map_err(|refused| refused.to_string())?;
            return Ok(());
        }
        for message in self.messages.drain(..) {
            each(last(&message));
            self.socket.feed(message).await?;
        }
        Ok(self.socket.flush().await?)
    }
}

fn message(payload: Payload<'_>) -> Message {
    match payload {
        Payload::Buffer(buffer) => buffer.into(),
        Payload::Shared(bytes) => bytes.clone().into(),
    }
}

/// What stands behind the identity, if there is one.
fn last(message: &Message) -> &[u8] {
    &message[message.len() - 1]
}
