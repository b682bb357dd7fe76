//! `zeromq`, also known as zmq.rs, on tokio.

use std::time::Duration;

use harness::sendable::{self, Contestant, Echoes, MaybeSend, Receives, Sends};
use harness::{Bind, Figures, Kind, Mode, Payload, Result, unsupported};
use zeromq::{
    DealerSocket, PullSocket, PushSocket, RouterSocket, Socket, SocketRecv, SocketSend, SubSocket,
    XPubSocket, ZmqMessage,
};

fn main() {
    harness::main(&[
        Mode {
            name: "zeromq",
            about: "tokio current-thread; XPUB for PUB, which drops",
            kind: Kind::Plain,
            run: |task| sendable::run(Zeromq { threads: false }, task),
        },
        Mode {
            name: "zeromq, threads",
            about: "the same on tokio multi-thread, not pinned",
            kind: Kind::Plain,
            run: |task| sendable::run(Zeromq { threads: true }, task),
        },
    ]);
}

#[derive(Clone, Copy)]
struct Zeromq {
    threads: bool,
}

/// A socket of any type.
struct Side<T>(T);

impl Zeromq {
    async fn bind<T: Socket>(bind: Bind) -> Result<Side<T>> {
        if bind.endpoint.starts_with("inproc:") {
            return unsupported("no inproc");
        }
        let mut socket = T::new();
        let endpoint = socket.bind(&bind.endpoint).await?;
        bind.announce(endpoint.to_string());
        Ok(Side(socket))
    }

    async fn connect<T: Socket>(endpoint: &str) -> Result<T> {
        let mut socket = T::new();
        socket.connect(endpoint).await?;
        Ok(socket)
    }
}

impl Contestant for Zeromq {
    type Push = Side<PushSocket>;
    type Pull = Side<PullSocket>;
    type Dealer = Side<DealerSocket>;
    type Router = Side<RouterSocket>;
    type Pub = Side<XPubSocket>;
    type Sub = Side<SubSocket>;

    fn run<F: Future<Output = Result<Figures>> + Send + 'static>(self, side: F) -> F::Output {
        if self.threads { harness::tokio::threads(side) } else { harness::tokio::current_thread(side) }
    }

    async fn pause(self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn pinned(self) -> bool {
        !self.threads
    }

    async fn bind_pull(self, bind: Bind) -> Result<Self::Pull> {
        Self::bind(bind).await
    }

    async fn connect_push(self, endpoint: &str, count: usize) -> Result<Vec<Self::Push>> {
        let mut sockets = Vec::with_capacity(count);
        for _ in 0..count {
            sockets.push(Side(Self::connect(endpoint).await?));
        }
        Ok(sockets)
    }

    async fn bind_router(self, bind: Bind) -> Result<Self::Router> {
        Self::bind(bind).await
    }

    async fn connect_dealer(self, endpoint: &str) -> Result<Self::Dealer> {
        Ok(Side(Self::connect(endpoint).await?))
    }

    /// Reads all subscriptions: XPUB knows those only that the program has received.
    async fn bind_pub(self, bind: Bind) -> Result<Self::Pub> {
        let subscriptions = bind.subscriptions;
        let mut side = Self::bind::<XPubSocket>(bind).await?;
        for _ in 0..subscriptions {
            side.0.recv().await?;
        }
        Ok(side)
    }

    async fn connect_sub(self, endpoint: &str, count: usize, topics: &[String]) -> Result<Vec<Self::Sub>> {
        let mut sockets = Vec::with_capacity(count);
        for _ in 0..count {
            let mut socket: SubSocket = Self::connect(endpoint).await?;
            for topic in topics {
                socket.subscribe(topic).await?;
            }
            sockets.push(Side(socket));
        }
        Ok(sockets)
    }
}

impl<T: SocketSend + Send> Sends for Side<T> {
    async fn send(&mut self, payload: Payload<'_>) -> Result<()> {
        Ok(self.0.send(payload.to_bytes().into()).await?)
    }
}

impl<T: SocketRecv + Send> Receives for Side<T> {
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        each(last(&self.0.recv().await?));
        Ok(())
    }
}

impl Echoes for Side<RouterSocket> {
    async fn echo<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        let message = self.0.recv().await?;
        each(last(&message));
        Ok(self.0.send(message).await?)
    }
}

fn last(message: &ZmqMessage) -> &[u8] {
    message.get(message.len() - 1).expect("no message is empty")
}
