//! compio.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use ::compio::buf::IntoInner;
#[cfg(unix)]
use ::compio::net::UnixListener;
use ::compio::net::{TcpListener, ToSocketAddrsAsync};
use ::compio::runtime::fd::PollFd;
use socket2::{SockRef, Socket};

use super::os::{self, Attempted, Drained, System, SystemListener, SystemStream, Watched, Way};
use super::{Adopt, Connector, Local, Runtime, Sleeper, Spawn};
use crate::endpoint::Endpoint;
use crate::options::TransportOptions;

/// A compio runtime: the one of the current thread.
#[derive(Clone, Copy, Debug)]
pub struct CompioRuntime(());

/// A stream of compio: unlike completion-based reads and writes, its can be dropped without losing bytes.
pub type CompioStream = SystemStream<CompioRuntime>;

/// A listener of compio.
pub type CompioListener = SystemListener<CompioRuntime>;

/// A socket that is polled in the ring.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "not for users")]
pub struct InRing {
    state: State,
    drained: Drained,
}

enum State {
    Open(PollFd<Socket>),
    /// The driver holds the socket as well, until it has cancelled the wait for readiness.
    Closing(Pin<Box<dyn Future<Output = Option<Socket>>>>),
    Closed,
}

impl State {
    fn open(&self) -> &PollFd<Socket> {
        match self {
            Self::Open(fd) => fd,
            _ => unreachable!("nothing is asked of a socket after it began to close"),
        }
    }
}

impl Watched for InRing {
    fn watch(socket: Socket) -> io::Result<Self> {
        Ok(Self { state: State::Open(PollFd::new(socket)?), drained: Drained::fresh() })
    }

    fn socket(&self) -> SockRef<'_> {
        SockRef::from(&**self.state.open())
    }

    fn poll_io<T>(
        &mut self,
        way: Way,
        cx: &mut Context<'_>,
        attempt: impl FnMut(&Socket) -> Attempted<T>,
    ) -> Poll<io::Result<T>> {
        let Self { state, drained } = self;
        let fd = state.open();
        let poll_ready = || match way {
            Way::In => fd.poll_read_ready(cx),
            Way::Out => fd.poll_write_ready(cx),
        };
        drained.poll_io(way, fd, poll_ready, attempt)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut closing = match std::mem::replace(&mut self.state, State::Closed) {
            State::Open(fd) => Box::pin(fd.into_inner().take()),
            State::Closing(closing) => closing,
            State::Closed => return Poll::Ready(()),
        };
        let closed = closing.as_mut().poll(cx).map(drop);
        if closed.is_pending() {
            self.state = State::Closing(closing);
        }
        closed
    }
}

impl System for CompioRuntime {
    type Watched = InRing;
    type Sharing = Local;

    async fn lookup(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok((name, port).to_socket_addrs_async().await?.collect())
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = io::Result<T>>>>;

impl Connector for CompioRuntime {
    type Stream = CompioStream;
    type Connecting = Boxed<CompioStream>;

    fn connect(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Connecting {
        Box::pin(os::connect(*self, endpoint.clone(), options.clone()))
    }
}

impl Runtime for CompioRuntime {
    type Listener = CompioListener;
    type Binding = Boxed<CompioListener>;
    const NAME: &'static str = "compio";

    fn current() -> Option<Self> {
        ::compio::runtime::Runtime::try_with_current(|_| Self(())).ok()
    }

    fn bind(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Binding {
        Box::pin(os::bind(endpoint.clone(), options.clone()))
    }
}

impl<F: Future<Output = ()> + 'static> Spawn<F> for CompioRuntime {
    fn spawn(&self, future: F) {
        ::compio::runtime::spawn(future).detach();
    }
}

impl Sleeper for CompioRuntime {
    type Sleep = Pin<Box<dyn Future<Output = ()>>>;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        Box::pin(::compio::time::sleep_until(deadline))
    }
}

impl Adopt<TcpListener> for CompioRuntime {
    fn adopt(&self, listener: TcpListener, options: &TransportOptions) -> io::Result<CompioListener> {
        CompioListener::adopted(&listener, options)
    }
}

#[cfg(unix)]
impl Adopt<UnixListener> for CompioRuntime {
    fn adopt(&self, listener: UnixListener, options: &TransportOptions) -> io::Result<CompioListener> {
        CompioListener::adopted(&listener, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::os::conformance as os_conformance;

    os_conformance::mount!(CompioRuntime);

    fn run<F: Future>(test: F) -> F::Output {
        ::compio::runtime::Runtime::new().unwrap().block_on(test)
    }

    #[test]
    fn without_a_runtime_there_is_none() {
        os_conformance::without_a_runtime_there_is_none::<CompioRuntime>(run);
    }

    /// Where containers forbid io_uring, compio polls.
    #[cfg(unix)]
    #[test]
    fn it_works_without_io_uring() {
        use ::compio::driver::{DriverType, ProactorBuilder};
        let mut driver = ProactorBuilder::new();
        driver.driver_type(DriverType::Poll);
        let runtime = ::compio::runtime::RuntimeBuilder::new().with_proactor(driver).build().unwrap();
        runtime.block_on(async {
            use crate::runtime::conformance;
            conformance::bytes_arrive_whole(conformance::pair::<CompioRuntime>().await).await;
            conformance::dropped_polls_lose_nothing(os_conformance::unix_pair::<CompioRuntime>()).await;
        });
    }
}
