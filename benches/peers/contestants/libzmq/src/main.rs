//! libzmq 4.3.4, built from source by the `zmq` crate: its defaults, one I/O thread for each side.

mod nodrop;

use std::sync::OnceLock;
use std::time::Duration;

use harness::local::{Contestant, Echoes, MaybeSend, Receives, Sends};
use harness::{Bind, Figures, Kind, Mode, Payload, Result};

fn main() {
    harness::main(&[Mode {
        name: "libzmq",
        about: "blocking calls, one I/O thread for each side",
        kind: Kind::Plain,
        run: |task| harness::local::run(Libzmq, task),
    }]);
}

#[derive(Clone, Copy)]
struct Libzmq;

/// A socket, and the message that it receives into.
struct Socket {
    socket: zmq::Socket,
    message: zmq::Message,
}

impl Libzmq {
    /// A context for each side, but for inproc, which works within one only.
    fn context(endpoint: &str) -> zmq::Context {
        static SHARED: OnceLock<zmq::Context> = OnceLock::new();
        if endpoint.starts_with("inproc:") {
            SHARED.get_or_init(zmq::Context::new).clone()
        } else {
            zmq::Context::new()
        }
    }

    fn bind(bind: Bind, kind: zmq::SocketType) -> Result<Socket> {
        let mut socket = Self::context(&bind.endpoint).socket(kind)?;
        if kind == zmq::PUB {
            nodrop::set(&mut socket)?;
        }
        socket.bind(&bind.endpoint)?;
        let endpoint = socket.get_last_endpoint()?.map_err(|_| "an endpoint that is no text")?;
        bind.announce(endpoint);
        Ok(Socket { socket, message: zmq::Message::new() })
    }

    fn connect(
        endpoint: &str,
        kind: zmq::SocketType,
        count: usize,
        topics: &[String],
    ) -> Result<Vec<Socket>> {
        let context = Self::context(endpoint);
        let connect = |_| {
            let socket = context.socket(kind)?;
            // Subscriptions beyond the mark of the connection that is to carry them would be dropped.
            if topics.len() > 1 {
                socket.set_sndhwm(0)?;
            }
            for topic in topics {
                socket.set_subscribe(topic.as_bytes())?;
            }
            socket.connect(endpoint)?;
            Ok(Socket { socket, message: zmq::Message::new() })
        };
        (0..count).map(connect).collect()
    }
}

impl Contestant for Libzmq {
    type Push = Socket;
    type Pull = Socket;
    type Dealer = Socket;
    type Router = Socket;
    type Pub = Socket;
    type Sub = Socket;

    fn run<F: Future<Output = Result<Figures>> + 'static>(self, side: F) -> F::Output {
        harness::block_on(side)
    }

    async fn pause(self, duration: Duration) {
        std::thread::sleep(duration);
    }

    async fn bind_pull(self, bind: Bind) -> Result<Socket> {
        Self::bind(bind, zmq::PULL)
    }

    async fn connect_push(self, endpoint: &str, count: usize) -> Result<Vec<Socket>> {
        Self::connect(endpoint, zmq::PUSH, count, &[])
    }

    async fn bind_router(self, bind: Bind) -> Result<Socket> {
        Self::bind(bind, zmq::ROUTER)
    }

    async fn connect_dealer(self, endpoint: &str) -> Result<Socket> {
        Ok(Self::connect(endpoint, zmq::DEALER, 1, &[])?.remove(0))
    }

    async fn bind_pub(self, bind: Bind) -> Result<Socket> {
        Self::bind(bind, zmq::PUB)
    }

    async fn connect_sub(self, endpoint: &str, count: usize, topics: &[String]) -> Result<Vec<Socket>> {
        Self::connect(endpoint, zmq::SUB, count, topics)
    }

    /// Polls the sockets, and takes what there is from each that is readable.
    async fn recv_all<F: FnMut(&[u8]) -> bool>(
        self,
        subs: Vec<Socket>,
        mut each: Vec<F>,
    ) -> Result<Vec<Socket>> {
        let mut items: Vec<_> = subs.iter().map(|sub| sub.socket.as_poll_item(zmq::POLLIN)).collect();
        let mut message = zmq::Message::new();
        let mut open = subs.len();
        while open > 0 {
            zmq::poll(&mut items, -1)?;
            let readable = items.iter().zip(&subs).zip(&mut each).filter(|((item, _), _)| item.is_readable());
            for ((_, sub), each) in readable {
                while let Some(more) = take(&sub.socket, &mut message, each)? {
                    open -= usize::from(!more);
                }
            }
        }
        Ok(subs)
    }
}

impl Sends for Socket {
    async fn send(&mut self, payload: Payload<'_>) -> Result<()> {
        Ok(self.socket.send(payload.as_slice(), 0)?)
    }
}

impl Receives for Socket {
    async fn recv<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        self.socket.recv(&mut self.message, 0)?;
        each(&self.message);
        Ok(())
    }
}

impl Echoes for Socket {
    async fn echo<F: FnMut(&[u8]) + MaybeSend>(&mut self, each: &mut F) -> Result<()> {
        let identity = self.socket.recv_msg(0)?;
        let message = self.socket.recv_msg(0)?;
        each(&message);
        self.socket.send(identity, zmq::SNDMORE)?;
        Ok(self.socket.send(message, 0)?)
    }
}

/// Takes a message if there is one; whether its receiver wants more.
fn take(
    socket: &zmq::Socket,
    message: &mut zmq::Message,
    each: &mut impl FnMut(&[u8]) -> bool,
) -> Result<Option<bool>> {
    match socket.recv(message, zmq::DONTWAIT) {
        Ok(()) => Ok(Some(each(message))),
        Err(zmq::Error::EAGAIN) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
