//! A runtime of one's own, around the simulated one: its streams panic on demand, and its tasks can be
//! aborted.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use monocoque::Endpoint;
use monocoque::options::TransportOptions;
use monocoque::runtime::sim::{self, JoinHandle, SimListener, SimRuntime, SimStream};
use monocoque::runtime::{
    AsyncStream, Connector, Listener, RecvBuf, Runtime, SendBuf, Sleeper, Spawn, Vacating,
};

/// Where the next panic happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum At {
    Connect,
    Accept,
    Read,
    /// After some bytes have been written.
    Write,
    Sleep,
}

thread_local! {
    static PANIC: Cell<Option<At>> = const { Cell::new(None) };
    static TASKS: RefCell<Vec<JoinHandle<()>>> = const { RefCell::new(Vec::new()) };
}

pub fn panic_at(at: At) {
    PANIC.set(Some(at));
}

fn maybe_panic(at: At) {
    if PANIC.get() == Some(at) {
        PANIC.set(None);
        panic!("asked to panic at {at:?}");
    }
}

/// The companions started since the last call.
pub fn companions() -> Vec<JoinHandle<()>> {
    TASKS.take()
}

#[derive(Clone, Debug)]
pub struct Fragile(SimRuntime);

#[derive(Debug)]
pub struct Stream(SimStream);

impl AsyncStream for Stream {
    type Runtime = Fragile;
    type Sharing = monocoque::runtime::Shared;

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        maybe_panic(At::Read);
        self.0.poll_read(cx, buf)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        let result = self.0.poll_write(cx, src);
        maybe_panic(At::Write);
        result
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close(cx)
    }
}

pub struct Connecting(<SimRuntime as Connector>::Connecting);

impl Future for Connecting {
    type Output = io::Result<Stream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        maybe_panic(At::Connect);
        Pin::new(&mut self.0).poll(cx).map_ok(Stream)
    }
}

impl Connector for Fragile {
    type Stream = Stream;
    type Connecting = Connecting;

    fn connect(&self, endpoint: &Endpoint, options: &TransportOptions) -> Connecting {
        Connecting(self.0.connect(endpoint, options))
    }
}

pub struct Door(SimListener);

pub struct Binding(<SimRuntime as Runtime>::Binding);

impl Future for Binding {
    type Output = io::Result<Door>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_ok(Door)
    }
}

impl Listener for Door {
    type Stream = Stream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        maybe_panic(At::Accept);
        self.0.poll_accept(cx).map_ok(Stream)
    }

    fn local_endpoint(&self) -> &Endpoint {
        self.0.local_endpoint()
    }
}

pub struct Sleep(<SimRuntime as Sleeper>::Sleep);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        maybe_panic(At::Sleep);
        Pin::new(&mut self.0).poll(cx)
    }
}

impl Sleeper for Fragile {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep(self.0.sleep_until(deadline))
    }
}

impl<F: Future<Output = ()> + 'static> Spawn<F> for Fragile {
    fn spawn(&self, future: F) {
        let task = sim::spawn(future);
        TASKS.with_borrow_mut(|tasks| tasks.push(task));
    }
}

impl Runtime for Fragile {
    type Listener = Door;
    type Binding = Binding;
    const NAME: &'static str = "fragile";

    fn current() -> Option<Self> {
        SimRuntime::current().map(Self)
    }

    fn bind(&self, endpoint: &Endpoint, options: &TransportOptions) -> Binding {
        Binding(self.0.bind(endpoint, options))
    }

    fn vacating(&self) -> Vacating {
        self.0.vacating()
    }
}
