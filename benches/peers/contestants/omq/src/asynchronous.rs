//! Its asynchronous sockets.

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Duration;

use harness::sendable::{Contestant, Echoes, MaybeSend, Receives, Sends};
use harness::{Bind, Figures, Payload, Result};
use omq_tokio::options::WorkloadProfile;
use omq_tokio::{Context, Message, Socket, SocketType, TrySendError};

use crate::options::{BATCH, PATIENCE, Style, last, message, options};

#[derive(Clone, Copy)]
pub struct Omq {
    /// Whether a thread of its own does the I/O, or the program's runtime.
    pub io_threads: bool,
    pub style: Style,
    pub profile: Option<WorkloadProfile>,
}

/// A socket, the context that it lives in if it has one, and the messages of batch calls.
pub struct Side {
    socket: Socket,
    _context: Option<Context>,
    style: Style,
    outgoing: VecDeque<Message>,
    incoming: Vec<Message>,
}

impl Omq {
    /// A context for each side, but for inproc, which works within one only.
    fn context(self, endpoint: &str) -> Option<Context> {
        static SHARED: OnceLock<Context> = OnceLock::new();
        match (self.io_threads, endpoint.starts_with("inproc:")) {
            (false, _) => None,
            (true, false) => Some(Context::new()),
            (true, true) => Some(SHARED.get_or_init(Context::new).clone()),
        }
    }

    fn open(self, context: Option<&Context>, kind: SocketType) -> Side {
        let socket = match context {
            Some(context) => context.socket(kind, options(kind, self.profile)),
            None => Socket::new(kind, options(kind, self.profile)),
        };
        let (outgoing, incoming) = Default::default();
        Side { socket, _context: context.cloned(), style: self.style, outgoing, incoming }
    }

    async fn bind(self, bind: Bind, kind: SocketType) -> Result<Side> {
        let side = self.open(self.context(&bind.endpoint).as_ref(), kind);
        let endpoint = side.socket.bind(bind.endpoint.as_str()).await?;
        bind.announce(endpoint.to_string());
        Ok(side)
    }

    async fn connect(
        self,
        endpoint: &str,
        kind: SocketType,
        count: usize,
        topics: &[String],
    ) -> Result<Vec<Side>> {
        let context = self.context(endpoint);
        let mut sides = Vec::with_capacity(count);
        for _ in 0..count {
            let side = self.open(context.as_ref(), kind);
            side.socket.connect(endpoint).await?;
            side.socket.wait_connected(1, PATIENCE).await?;
            for topic in topics {
                side.socket.subscribe(topic.clone()).await?;
            }
            sides.push(side);
        }
        Ok(sides)
    }
}

impl Contestant for Omq {
    type Push = Side;
    type Pull = Side;
    type Dealer = Side;
    type Router = Side;
    type Pub = Side;
    type Sub = Side;

    fn run<F: Future<Output = Result<Figures>> + Send + 'static>(self, side: F) -> F::Output {
        harness::tokio::current_thread(side)
    }

    async fn pause(self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn bind_pull(self, bind: Bind) -> Result<Side> {
        self.bind(bind, SocketType::Pull).await
    }

    async fn connect_push(self, endpoint: &str, count: usize) -> Result<Vec<Side>> {
        self.connect(endpoint, SocketType::Push, count, &[]).await
    }

    async fn bind_router(self, bind: Bind) -> Result<Side> {
        self.bind(bind, SocketType::Router).await
    }

    async fn connect_dealer(self, endpoint: &str) -> Result<Side> {
        Ok(self.connect(endpoint, SocketType::Dealer, 1, &[]).await?.remove(0))
    }

    async fn bind_pub(self, bind: Bind) -> Result<Side> {
        self.bind(bind, SocketType::Pub).await
    }

    async fn connect_sub(self, endpoint: &str, count: usize, topics: &[String]) -> Result<Vec<Side>> {
        self.connect(endpoint, SocketType::Sub, count, topics).await
    }
}

impl Sends for Side {
    async fn send(&mut self, payload: Payload<'_>) -> Result<()> {
        let message = message(payload);
        match self.style {
            Style::Plain => return Ok(self.socket.send(message).await?),
            Style::Try => {
                return match self.socket.try_send(message) {
                    Ok(()) => Ok(()),
                    Err(TrySendError::Full(message)) => Ok(self.socket.send(message).await?),
                    Err(error) => Err(error.to_string().into()),
                };
            }
            Style::Batch => {}
        }
        self.outgoing.push_back(message);
        if self.outgoing.len() < BATCH { Ok(()) } else { self.flush().await }
    }

    async fn flush(&mut self) -> Result<()> {
        while !self.outgoing.is_empty() {
            match self.socket.try_send_many(&mut self.outgoing, BATCH) {
                Ok(_) => {}
                Err(TrySendError::Full(message)) => {
                    self.outgoing.push_front(message);
                    self.socket.wait_send_ready().await;
                }
                Err(error) => return Err(error.to_string().into()),
            }
        }
        Ok(())
    }
}

impl Receives for Side {
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        if self.style != Style::Batch {
            each(last(&self.socket.recv().await?));
            if self.style == Style::Try {
                while let Ok(message) = self.socket.try_recv() {
                    each(last(&message));
                }
            }
            return Ok(());
        }
        self.socket.recv_many_into(BATCH, &mut self.incoming).await?;
        for message in self.incoming.drain(..) {
            each(last(&message));
        }
        Ok(())
    }
}

impl Echoes for Side {
    async fn echo<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        if self.style != Style::Batch {
            let mut next = Some(self.socket.recv().await?);
            while let Some(message) = next {
                each(last(&message));
                self.socket.send(message).await?;
                next = if self.style == Style::Try { self.socket.try_recv().ok() } else { None };
            }
            return Ok(());
        }
        self.socket.recv_many_into(BATCH, &mut self.incoming).await?;
        for message in self.incoming.drain(..) {
            each(last(&message));
            self.outgoing.push_back(message);
        }
        self.flush().await
    }
}
