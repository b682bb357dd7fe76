//! Opening its sockets, most of which serve one peer: the program accepts, and makes a socket of each stream.

use std::time::Duration;

use harness::local::{self, Contestant};
use harness::{Bind, Figures, Kind, Mode, Result, unsupported};
use monocoque::SocketOptions;
use monocoque::rt::{LocalRuntime, TcpListener, TcpStream, UnixListener, UnixStream, sleep};
use monocoque::zmq::{DealerSocket, PubSocket, PullFanIn, PullSocket, PushSocket, RouterSocket, SubSocket};

use crate::sockets::{Dealer, Pub, Pull, Push, Router, Sub};

/// The largest buffers that it has.
const BUFFER: usize = 64 * 1024;

/// How the sockets are used.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Style {
    /// The defaults: a write for each message.
    Eager,
    /// `write_coalescing`, and `flush` where the program is to wait.
    Coalescing,
    /// The same, and what one read brought is taken without waiting.
    Drained,
    /// The same with the options that its documentation has for bulk, and one thread for all subscribers.
    Tuned,
    /// The calls that take or give many messages.
    Batch,
}

pub fn main(names: [&'static str; 5]) -> ! {
    let run = [
        |task| local::run(MonocoqueRs(Style::Eager), task),
        |task| local::run(MonocoqueRs(Style::Coalescing), task),
        |task| local::run(MonocoqueRs(Style::Drained), task),
        |task| local::run(MonocoqueRs(Style::Tuned), task),
        |task| local::run(MonocoqueRs(Style::Batch), task),
    ];
    let about = [
        "its defaults: a write for each message",
        "with `write_coalescing` and explicit `flush`",
        "the same, `recv_into` and then `try_recv_into` until nothing is there",
        "the same with buffers of 64 KiB, and a PUB of one worker",
        "`send_batch` or `send_buffered`, and `recv_batch` or `try_recv_into`",
    ];
    let kinds = [Kind::PlainEager, Kind::Plain, Kind::Plain, Kind::Plain, Kind::Batch];
    harness::main(&std::array::from_fn::<_, 5, _>(|mode| Mode {
        name: names[mode],
        about: about[mode],
        kind: kinds[mode],
        run: run[mode],
    }))
}

#[derive(Clone, Copy)]
struct MonocoqueRs(Style);

impl MonocoqueRs {
    fn options(self) -> SocketOptions {
        let options = SocketOptions::default().with_write_coalescing(self.0 != Style::Eager);
        if self.0 == Style::Tuned { options.with_buffer_sizes(BUFFER, BUFFER) } else { options }
    }
}

/// Where an endpoint leads.
enum Place<'a> {
    Tcp(&'a str),
    Unix(&'a str),
}

fn place(endpoint: &str) -> Result<Place<'_>> {
    match endpoint.split_once("://") {
        Some(("tcp", address)) => Ok(Place::Tcp(address)),
        Some(("ipc", path)) => Ok(Place::Unix(path)),
        _ => unsupported("inproc is for DEALER and PAIR only"),
    }
}

/// Listens and says where.
async fn listen(bind: Bind) -> Result<TcpListener> {
    let Place::Tcp(address) = place(&bind.endpoint)? else { return unsupported("TCP only") };
    let listener = TcpListener::bind(address).await?;
    bind.announce(format!("tcp://{}", listener.local_addr()?));
    Ok(listener)
}

fn tcp(endpoint: &str) -> Result<&str> {
    match place(endpoint)? {
        Place::Tcp(address) => Ok(address),
        Place::Unix(_) => unsupported("TCP only"),
    }
}

impl Contestant for MonocoqueRs {
    type Push = Push;
    type Pull = Pull;
    type Dealer = Dealer;
    type Router = Router;
    type Pub = Pub;
    type Sub = Sub;

    fn run<F: Future<Output = Result<Figures>> + 'static>(self, side: F) -> F::Output {
        LocalRuntime::new()?.block_on(side)
    }

    async fn pause(self, duration: Duration) {
        sleep(duration).await;
    }

    async fn bind_pull(self, bind: Bind) -> Result<Pull> {
        if let Place::Unix(path) = place(&bind.endpoint)? {
            let listener = UnixListener::bind(path).await?;
            let endpoint = bind.endpoint.clone();
            bind.announce(endpoint);
            let (stream, _) = listener.accept().await?;
            let socket = PullSocket::from_unix_stream_with_options(stream, self.options()).await?;
            return Ok(Pull::unix(socket, self.0));
        }
        let peers = bind.peers;
        let listener = listen(bind).await?;
        if peers > 1 {
            return Ok(Pull::many(
                PullFanIn::accept_workers(&listener, peers, self.options()).await?,
                self.0,
            ));
        }
        let (stream, _) = listener.accept().await?;
        Ok(Pull::tcp(PullSocket::from_tcp_with_options(stream, self.options()).await?, self.0))
    }

    async fn connect_push(self, endpoint: &str, count: usize) -> Result<Vec<Push>> {
        let mut sockets = Vec::with_capacity(count);
        for _ in 0..count {
            sockets.push(match place(endpoint)? {
                Place::Tcp(address) => {
                    Push::tcp(PushSocket::connect_with_options(address, self.options()).await?, self.0)
                }
                Place::Unix(path) => {
                    let stream = UnixStream::connect(path).await?;
                    let socket = PushSocket::from_unix_stream_with_options(stream, self.options()).await?;
                    Push::unix(socket, self.0)
                }
            });
        }
        Ok(sockets)
    }

    async fn bind_router(self, bind: Bind) -> Result<Router> {
        let (stream, _) = listen(bind).await?.accept().await?;
        Ok(Router::new(RouterSocket::from_tcp_with_options(stream, self.options()).await?, self.0))
    }

    async fn connect_dealer(self, endpoint: &str) -> Result<Dealer> {
        let stream = TcpStream::connect(tcp(endpoint)?).await?;
        Ok(Dealer::new(DealerSocket::from_tcp_with_options(stream, self.options()).await?, self.0))
    }

    /// Its PUB drops at its mark, and waits never: the mark is high enough for all of a run.
    async fn bind_pub(self, bind: Bind) -> Result<Pub> {
        let options = self.options().with_send_hwm(usize::MAX);
        let address = tcp(&bind.endpoint)?;
        let mut socket = if self.0 == Style::Tuned {
            PubSocket::bind_with_workers_opts(address, 1, options).await?
        } else {
            PubSocket::bind_with_options(address, options).await?
        };
        let peers = bind.peers;
        bind.announce(format!("tcp://{}", socket.local_addr()?));
        for _ in 0..peers {
            socket.accept_subscriber().await?;
        }
        Ok(Pub(socket))
    }

    async fn connect_sub(self, endpoint: &str, count: usize, topics: &[String]) -> Result<Vec<Sub>> {
        let mut sockets = Vec::with_capacity(count);
        for _ in 0..count {
            let mut socket = SubSocket::connect_with_options(tcp(endpoint)?, self.options()).await?;
            for topic in topics {
                socket.subscribe(topic.as_bytes()).await?;
            }
            sockets.push(Sub::new(socket, self.0));
        }
        Ok(sockets)
    }
}

impl Style {
    /// Whether to take what is there without waiting, once one message has come.
    pub fn drains(self) -> bool {
        matches!(self, Self::Drained | Self::Tuned)
    }
}
