//! Its blocking sockets.

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Duration;

use harness::local::{Contestant, Echoes, MaybeSend, Receives, Sends};
use harness::{Bind, Figures, Payload, Result};
use omq_tokio::blocking::Socket;
use omq_tokio::options::WorkloadProfile;
use omq_tokio::{Context, Message, SocketType, TrySendError};

use crate::options::{BATCH, PATIENCE, Style, last, message, options};

#[derive(Clone, Copy)]
pub struct Blocking {
    pub style: Style,
    pub profile: Option<WorkloadProfile>,
}

/// A socket, the context that it lives in, and the messages of batch calls.
pub struct Side {
    socket: Socket,
    context: Context,
    style: Style,
    outgoing: VecDeque<Message>,
    incoming: Vec<Message>,
}

impl Blocking {
    /// A context for each side, but for inproc, which works within one only.
    fn context(endpoint: &str) -> Context {
        static SHARED: OnceLock<Context> = OnceLock::new();
        if endpoint.starts_with("inproc:") {
            SHARED.get_or_init(Context::new).clone()
        } else {
            Context::new()
        }
    }

    fn open(self, context: &Context, kind: SocketType) -> Side {
        let socket = context.blocking_socket(kind, options(kind, self.profile));
        let (outgoing, incoming) = Default::default();
        Side { socket, context: context.clone(), style: self.style, outgoing, incoming }
    }

    fn bind(self, bind: Bind, kind: SocketType) -> Result<Side> {
        let side = self.open(&Self::context(&bind.endpoint), kind);
        let endpoint = side.socket.bind(bind.endpoint.as_str())?;
        bind.announce(endpoint.to_string());
        Ok(side)
    }

    fn connect(self, endpoint: &str, kind: SocketType, count: usize, topics: &[String]) -> Result<Vec<Side>> {
        let context = Self::context(endpoint);
        let connect = |_| {
            let side = self.open(&context, kind);
            side.socket.connect(endpoint)?;
            side.socket.wait_connected(1, PATIENCE)?;
            for topic in topics {
                side.socket.subscribe(topic.clone())?;
            }
            Ok(side)
        };
        (0..count).map(connect).collect()
    }
}

impl Contestant for Blocking {
    type Push = Side;
    type Pull = Side;
    type Dealer = Side;
    type Router = Side;
    type Pub = Side;
    type Sub = Subscriber;

    fn run<F: Future<Output = Result<Figures>> + 'static>(self, side: F) -> F::Output {
        harness::block_on(side)
    }

    async fn pause(self, duration: Duration) {
        std::thread::sleep(duration);
    }

    async fn bind_pull(self, bind: Bind) -> Result<Side> {
        self.bind(bind, SocketType::Pull)
    }

    async fn connect_push(self, endpoint: &str, count: usize) -> Result<Vec<Side>> {
        self.connect(endpoint, SocketType::Push, count, &[])
    }

    async fn bind_router(self, bind: Bind) -> Result<Side> {
        self.bind(bind, SocketType::Router)
    }

    async fn connect_dealer(self, endpoint: &str) -> Result<Side> {
        Ok(self.connect(endpoint, SocketType::Dealer, 1, &[])?.remove(0))
    }

    async fn bind_pub(self, bind: Bind) -> Result<Side> {
        self.bind(bind, SocketType::Pub)
    }

    async fn connect_sub(self, endpoint: &str, count: usize, topics: &[String]) -> Result<Vec<Subscriber>> {
        let sides = self.connect(endpoint, SocketType::Sub, count, topics)?;
        let subscriber = |side: Side| Subscriber { socket: side.socket.into_async(), _context: side.context };
        Ok(sides.into_iter().map(subscriber).collect())
    }
}

impl Sends for Side {
    async fn send(&mut self, payload: Payload<'_>) -> Result<()> {
        let message = message(payload);
        match self.style {
            Style::Plain => return Ok(self.socket.send(message)?),
            Style::Try => {
                return match self.socket.try_send(message) {
                    Ok(()) => Ok(()),
                    Err(TrySendError::Full(message)) => Ok(self.socket.send(message)?),
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
                // There is no call that waits for room alone.
                Err(TrySendError::Full(message)) => self.socket.send(message)?,
                Err(error) => return Err(error.to_string().into()),
            }
        }
        Ok(())
    }
}

impl Receives for Side {
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        if self.style != Style::Batch {
            each(last(&self.socket.recv()?));
            if self.style == Style::Try {
                while let Ok(message) = self.socket.try_recv() {
                    each(last(&message));
                }
            }
            return Ok(());
        }
        self.socket.recv_many_into(BATCH, &mut self.incoming)?;
        for message in self.incoming.drain(..) {
            each(last(&message));
        }
        Ok(())
    }
}

impl Echoes for Side {
    async fn echo<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        if self.style != Style::Batch {
            let mut next = Some(self.socket.recv()?);
            while let Some(message) = next {
                each(last(&message));
                self.socket.send(message)?;
                next = if self.style == Style::Try { self.socket.try_recv().ok() } else { None };
            }
            return Ok(());
        }
        self.socket.recv_many_into(BATCH, &mut self.incoming)?;
        for message in self.incoming.drain(..) {
            each(last(&message));
            self.outgoing.push_back(message);
        }
        self.flush().await
    }
}

/// A SUB, one of many that the thread receives from: blocking calls wait for one socket only.
pub struct Subscriber {
    socket: omq_tokio::Socket,
    _context: Context,
}

impl Receives for Subscriber {
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        each(last(&self.socket.recv().await?));
        Ok(())
    }
}
