//! A runtime that this crate does not know, made of the standard library alone: all that sockets need of one is public, and
//! the checks that the crate's own runtimes are put to can be used by everybody.
#![cfg(feature = "sim")]

#[macro_use(test)]
extern crate monocoque_test_limit;

use std::cell::RefCell;
use std::future::Future;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use monocoque::options::TransportOptions;
use monocoque::runtime::{
    AsyncStream, Connector, Listener, Local, RecvBuf, Runtime, SendBuf, Sleeper, Spawn,
};
use monocoque::{Endpoint, SocketOptions, socket};

type Task = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    /// There is one while `run` runs: the tasks that were spawned and not polled yet.
    static SPAWNED: RefCell<Option<Vec<Task>>> = const { RefCell::new(None) };
    /// Whoever waits for anything; all are woken, again and again, to look for themselves.
    static WAITING: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
}

/// Runs a future to its end, and what it spawns for as long.
fn run<F: Future>(main: F) -> F::Output {
    SPAWNED.set(Some(Vec::new()));
    let mut main = pin!(main);
    let mut tasks: Vec<Task> = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    let output = loop {
        if let Poll::Ready(output) = main.as_mut().poll(&mut cx) {
            break output;
        }
        tasks.extend(SPAWNED.with_borrow_mut(|spawned| spawned.as_mut().map(std::mem::take)).unwrap());
        tasks.retain_mut(|task| task.as_mut().poll(&mut cx).is_pending());
        WAITING.take().into_iter().for_each(Waker::wake);
        std::thread::yield_now();
    };
    drop(tasks);
    SPAWNED.set(None);
    output
}

/// Waits if the call would block.
fn poll<T>(cx: &Context<'_>, result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            WAITING.with_borrow_mut(|waiting| waiting.push(cx.waker().clone()));
            Poll::Pending
        }
        result => Poll::Ready(result),
    }
}

#[derive(Clone, Copy, Debug)]
struct Spin;

#[derive(Debug)]
struct Stream(TcpStream);

impl Stream {
    fn new(stream: TcpStream, options: &TransportOptions) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(options.tcp_nodelay())?;
        Ok(Self(stream))
    }
}

impl AsyncStream for Stream {
    type Runtime = Spin;
    type Sharing = Local;

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        let result = self.0.read(buf.unfilled());
        buf.advance(*result.as_ref().unwrap_or(&0));
        poll(cx, result)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); 8];
        let filled = src.io_slices(&mut slices);
        let result = self.0.write_vectored(&slices[..filled]);
        src.advance(*result.as_ref().unwrap_or(&0));
        poll(cx, result)
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.shutdown(Shutdown::Write))
    }
}

/// The first of the addresses that an endpoint stands for.
fn address(endpoint: &Endpoint) -> io::Result<SocketAddr> {
    let text = endpoint.to_string();
    let host = text.strip_prefix("tcp://").ok_or(io::ErrorKind::Unsupported)?;
    host.to_socket_addrs()?.next().ok_or_else(|| io::ErrorKind::NotFound.into())
}

impl Connector for Spin {
    type Stream = Stream;
    type Connecting = std::future::Ready<io::Result<Stream>>;

    /// Blocks: one more thing that a runtime would do better.
    fn connect(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Connecting {
        let connected = address(endpoint).and_then(TcpStream::connect);
        std::future::ready(connected.and_then(|stream| Stream::new(stream, options)))
    }
}

#[derive(Debug)]
struct Door {
    listener: TcpListener,
    local: Endpoint,
    options: TransportOptions,
}

impl Listener for Door {
    type Stream = Stream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        let accepted = self.listener.accept();
        poll(cx, accepted.and_then(|(stream, _)| Stream::new(stream, &self.options)))
    }

    fn local_endpoint(&self) -> &Endpoint {
        &self.local
    }
}

struct Sleep(Instant);

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let over = Instant::now() >= self.0;
        poll(cx, if over { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }).map(drop)
    }
}

impl Sleeper for Spin {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep(deadline)
    }
}

impl<F: Future<Output = ()> + 'static> Spawn<F> for Spin {
    fn spawn(&self, future: F) {
        SPAWNED.with_borrow_mut(|spawned| spawned.as_mut().expect("it runs").push(Box::pin(future)));
    }
}

impl Runtime for Spin {
    type Listener = Door;
    type Binding = std::future::Ready<io::Result<Door>>;
    const NAME: &'static str = "spin";

    fn current() -> Option<Self> {
        SPAWNED.with_borrow(|spawned| spawned.is_some().then_some(Self))
    }

    fn bind(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Binding {
        let bind = || {
            let listener = TcpListener::bind(address(endpoint)?)?;
            listener.set_nonblocking(true)?;
            let local = listener.local_addr()?.into();
            Ok(Door { listener, local, options: options.clone() })
        };
        std::future::ready(bind())
    }
}

mod checks {
    use super::{Spin, run};

    monocoque::runtime_conformance!(Spin, run);
}

#[test]
fn sockets_work_on_it() {
    run(async {
        let options = || SocketOptions::default().with_tcp_nodelay(false);
        let router =
            socket::RouterSocket::<Stream>::bind_on(&Spin, "tcp://127.0.0.1:0", options()).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let dealer = socket::DealerSocket::<Stream>::connect(&endpoint).await.unwrap();
        for round in 0..100_u32 {
            dealer.send(round.to_be_bytes()).await.unwrap();
            let (identity, message) = router.recv_from().await.unwrap();
            router.send_to(identity, message).await.unwrap();
            assert_eq!(dealer.recv().await.unwrap()[0], round.to_be_bytes());
        }
        // Its companion runs: the address is free again, and the peer comes back.
        router.close().await;
        dealer.send("kept").await.unwrap();
        let router = socket::RouterSocket::<Stream>::bind(&endpoint).await.unwrap();
        assert_eq!(router.recv().await.unwrap()[1], "kept");
    });
    assert!(matches!(
        socket::PullSocket::<Stream>::new(SocketOptions::default()),
        Err(monocoque::Error::NoRuntime { runtime: "spin" })
    ));
}
