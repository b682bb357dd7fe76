//! `rzmq`, on tokio and with its io_uring workers.

use std::sync::OnceLock;
use std::time::Duration;

use harness::sendable::{self, Contestant, Echoes, MaybeSend, Receives, Sends};
use harness::{Bind, Figures, Kind, Mode, Payload, Result, Task};
use rzmq::socket::SocketEvent;
use rzmq::socket::options::{LAST_ENDPOINT, MAX_CONNECTIONS, SUBSCRIBE, TCP_CORK, XPUB_NODROP};
use rzmq::{Context, Msg, SocketType};

fn main() {
    harness::main(&[
        Mode {
            name: "rzmq",
            about: "tokio current-thread",
            kind: Kind::Plain,
            run: |task| sendable::run(Rzmq { threads: false, uring: false }, task),
        },
        Mode {
            name: "rzmq, threads",
            about: "tokio multi-thread, not pinned",
            kind: Kind::Plain,
            run: |task| sendable::run(Rzmq { threads: true, uring: false }, task),
        },
        Mode {
            name: "rzmq, io_uring",
            about: "tokio multi-thread, not pinned, its io_uring workers, TCP_CORK",
            kind: Kind::Plain,
            run: uring,
        },
    ]);
}

fn uring(task: Task) -> Result<Figures> {
    rzmq::uring::initialize_uring_backend(rzmq::uring::UringConfig::default())?;
    sendable::run(Rzmq { threads: true, uring: true }, task)
}

#[derive(Clone, Copy)]
struct Rzmq {
    threads: bool,
    uring: bool,
}

/// A socket, and the context that it lives in.
struct Socket {
    socket: rzmq::Socket,
    _context: Context,
}

impl Rzmq {
    /// A context for each side, but for inproc, which works within one only.
    fn context(self, endpoint: &str) -> Result<Context> {
        static SHARED: OnceLock<Context> = OnceLock::new();
        if endpoint.starts_with("inproc:") {
            if let Some(shared) = SHARED.get() {
                return Ok(shared.clone());
            }
            return Ok(SHARED.get_or_init(|| Context::new().expect("a context")).clone());
        }
        Ok(Context::new()?.with_io_uring_sessions(self.uring))
    }

    async fn open(self, endpoint: &str, context: &Context, kind: SocketType) -> Result<Socket> {
        let socket = context.socket(kind)?;
        if self.uring && endpoint.starts_with("tcp:") {
            socket.set_option(TCP_CORK, true).await?;
        }
        Ok(Socket { socket, _context: context.clone() })
    }

    async fn bind(self, bind: Bind, kind: SocketType) -> Result<Socket> {
        let socket = self.open(&bind.endpoint, &self.context(&bind.endpoint)?, kind).await?;
        socket.socket.set_option(MAX_CONNECTIONS, 1_000_000).await?;
        if kind == SocketType::Pub {
            socket.socket.set_option(XPUB_NODROP, 1).await?;
        }
        socket.socket.bind(&bind.endpoint).await?;
        let endpoint = String::from_utf8(socket.socket.get_option(LAST_ENDPOINT).await?)?;
        bind.announce(endpoint.trim_end_matches('\0'));
        Ok(socket)
    }

    async fn connect(
        self,
        endpoint: &str,
        kind: SocketType,
        count: usize,
        topics: &[String],
    ) -> Result<Vec<Socket>> {
        let context = self.context(endpoint)?;
        let mut sockets = Vec::with_capacity(count);
        for _ in 0..count {
            let socket = self.open(endpoint, &context, kind).await?;
            let events = socket.socket.monitor_default().await?;
            socket.socket.connect(endpoint).await?;
            // Sockets in the making by the hundred are too much for it.
            while !endpoint.starts_with("inproc:") {
                if let SocketEvent::HandshakeSucceeded { .. } = events.recv().await? {
                    break;
                }
            }
            for topic in topics {
                socket.socket.set_option_raw(SUBSCRIBE, topic.as_bytes()).await?;
            }
            sockets.push(socket);
        }
        Ok(sockets)
    }
}

impl Contestant for Rzmq {
    type Push = Socket;
    type Pull = Socket;
    type Dealer = Socket;
    type Router = Socket;
    type Pub = Socket;
    type Sub = Socket;

    fn run<F: Future<Output = Result<Figures>> + Send + 'static>(self, side: F) -> F::Output {
        if self.threads { harness::tokio::threads(side) } else { harness::tokio::current_thread(side) }
    }

    async fn pause(self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn pinned(self) -> bool {
        !self.threads
    }

    async fn bind_pull(self, bind: Bind) -> Result<Socket> {
        self.bind(bind, SocketType::Pull).await
    }

    async fn connect_push(self, endpoint: &str, count: usize) -> Result<Vec<Socket>> {
        self.connect(endpoint, SocketType::Push, count, &[]).await
    }

    async fn bind_router(self, bind: Bind) -> Result<Socket> {
        self.bind(bind, SocketType::Router).await
    }

    async fn connect_dealer(self, endpoint: &str) -> Result<Socket> {
        Ok(self.connect(endpoint, SocketType::Dealer, 1, &[]).await?.remove(0))
    }

    async fn bind_pub(self, bind: Bind) -> Result<Socket> {
        self.bind(bind, SocketType::Pub).await
    }

    async fn connect_sub(self, endpoint: &str, count: usize, topics: &[String]) -> Result<Vec<Socket>> {
        self.connect(endpoint, SocketType::Sub, count, topics).await
    }
}

impl Sends for Socket {
    async fn send(&mut self, payload: Payload<'_>) -> Result<()> {
        Ok(self.socket.send(Msg::from_bytes(payload.to_bytes())).await?)
    }
}

impl Receives for Socket {
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        each(self.socket.recv().await?.data().unwrap_or_default());
        Ok(())
    }
}

impl Echoes for Socket {
    async fn echo<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        let frames = self.socket.recv_multipart().await?;
        each(frames.last().and_then(Msg::data).unwrap_or_default());
        Ok(self.socket.send_multipart(frames).await?)
    }
}
