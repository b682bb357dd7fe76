//! smol.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

#[cfg(unix)]
use ::smol::net::unix::UnixListener;
use ::smol::net::{TcpListener, resolve};
use ::smol::{Async, Executor, Timer};
use socket2::{SockRef, Socket};

use super::os::{self, Attempted, Drained, System, SystemListener, SystemStream, Watched, Way};
use super::{Adopt, Connector, Runtime, Shared, Sleeper, Spawn};
use crate::endpoint::Endpoint;
use crate::options::TransportOptions;

/// smol: its reactor, and an executor to run the companion tasks of sockets on.
///
/// By default that is the executor of `smol::spawn`, which has threads of its own; sockets of an executor of
/// your own are opened [on a value](Self::on).
#[derive(Clone, Default)]
pub struct SmolRuntime {
    /// That of `smol::spawn` if there is none.
    executor: Option<Arc<Executor<'static>>>,
}

impl SmolRuntime {
    /// Companion tasks run on `executor`, as long as you do run it.
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use monocoque::SocketOptions;
    /// use monocoque::runtime::smol::SmolRuntime;
    /// use monocoque::smol::PullSocket;
    /// use smol::Executor;
    /// use std::sync::Arc;
    ///
    /// let executor = Arc::new(Executor::new());
    /// let runtime = SmolRuntime::on(Arc::clone(&executor));
    /// let pull = smol::block_on(executor.run(async {
    ///     PullSocket::bind_on(&runtime, "tcp://127.0.0.1:0", SocketOptions::default()).await
    /// }));
    /// assert!(pull.is_ok());
    /// # }
    /// ```
    pub const fn on(executor: Arc<Executor<'static>>) -> Self {
        Self { executor: Some(executor) }
    }
}

impl fmt::Debug for SmolRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmolRuntime").field("executor", &self.executor).finish()
    }
}

/// A stream of smol.
pub type SmolStream = SystemStream<SmolRuntime>;

/// A listener of smol.
pub type SmolListener = SystemListener<SmolRuntime>;

/// A socket in smol's reactor.
#[derive(Debug)]
#[doc(hidden)]
pub struct InReactor {
    socket: Async<Socket>,
    drained: Drained,
}

impl Watched for InReactor {
    fn watch(socket: Socket) -> io::Result<Self> {
        Ok(Self { socket: Async::new_nonblocking(socket)?, drained: Drained::fresh() })
    }

    fn socket(&self) -> SockRef<'_> {
        SockRef::from(self.socket.get_ref())
    }

    fn poll_io<T>(
        &mut self,
        way: Way,
        cx: &mut Context<'_>,
        attempt: impl FnMut(&Socket) -> Attempted<T>,
    ) -> Poll<io::Result<T>> {
        let Self { socket, drained } = self;
        let poll_ready = || match way {
            Way::In => socket.poll_readable(cx),
            Way::Out => socket.poll_writable(cx),
        };
        drained.poll_io(way, socket.get_ref(), poll_ready, attempt)
    }
}

impl System for SmolRuntime {
    type Watched = InReactor;
    type Sharing = Shared;

    async fn lookup(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        resolve((name, port)).await
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl Connector for SmolRuntime {
    type Stream = SmolStream;
    type Connecting = Boxed<SmolStream>;

    fn connect(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Connecting {
        Box::pin(os::connect(self.clone(), endpoint.clone(), options.clone()))
    }
}

impl Runtime for SmolRuntime {
    type Listener = SmolListener;
    type Binding = Boxed<SmolListener>;
    const NAME: &'static str = "smol";

    /// The executor of `smol::spawn`, which there always is.
    fn current() -> Option<Self> {
        Some(Self::default())
    }

    fn bind(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Binding {
        Box::pin(os::bind(endpoint.clone(), options.clone()))
    }
}

impl<F: Future<Output = ()> + Send + 'static> Spawn<F> for SmolRuntime {
    fn spawn(&self, future: F) {
        match &self.executor {
            Some(executor) => executor.spawn(future).detach(),
            None => ::smol::spawn(future).detach(),
        }
    }
}

/// A timer of smol.
#[derive(Debug)]
pub struct SmolSleep(Timer);

impl Future for SmolSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

impl Sleeper for SmolRuntime {
    type Sleep = SmolSleep;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> SmolSleep {
        SmolSleep(Timer::at(deadline))
    }

    fn reset(&self, sleep: &mut SmolSleep, deadline: Instant) {
        sleep.0.set_at(deadline);
    }
}

impl Adopt<TcpListener> for SmolRuntime {
    fn adopt(&self, listener: TcpListener, options: &TransportOptions) -> io::Result<SmolListener> {
        SmolListener::adopted(&listener, options)
    }
}

#[cfg(unix)]
impl Adopt<UnixListener> for SmolRuntime {
    fn adopt(&self, listener: UnixListener, options: &TransportOptions) -> io::Result<SmolListener> {
        SmolListener::adopted(&listener, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::os::conformance as os_conformance;

    os_conformance::mount!(SmolRuntime);

    fn run<F: Future>(test: F) -> F::Output {
        ::smol::block_on(test)
    }

    /// Nothing is run on the executor of `smol::spawn`.
    #[test]
    fn what_is_spawned_runs_on_the_given_executor() {
        let executor = Arc::new(Executor::new());
        let (tell, told) = ::smol::channel::bounded(1);
        SmolRuntime::on(Arc::clone(&executor)).spawn(async move {
            tell.send(std::thread::current().id()).await.unwrap();
        });
        let ran_on = ::smol::block_on(executor.run(told.recv())).unwrap();
        assert_eq!(ran_on, std::thread::current().id());
    }
}
