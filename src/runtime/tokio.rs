//! tokio.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use ::tokio::io::Interest;
#[cfg(unix)]
use ::tokio::net::UnixListener;
use ::tokio::net::{TcpListener, TcpStream};
use ::tokio::runtime::Handle;
use ::tokio::time::Sleep;
use socket2::{SockRef, Socket};

use super::os::{self, Attempted, System, SystemListener, SystemStream, Watched, Way};
use super::{Adopt, Connector, Runtime, Shared, Sleeper, Spawn};
use crate::endpoint::Endpoint;
use crate::options::TransportOptions;

/// A tokio runtime, with its I/O and time drivers enabled.
#[derive(Clone, Debug)]
pub struct TokioRuntime {
    handle: Handle,
}

/// A stream of tokio.
pub type TokioStream = SystemStream<TokioRuntime>;

/// A listener of tokio.
pub type TokioListener = SystemListener<TokioRuntime>;

/// Of any socket of the system, listeners and Unix sockets too: it is asked for readiness only.
impl Watched for TcpStream {
    fn watch(socket: Socket) -> io::Result<Self> {
        Self::from_std(socket.into())
    }

    fn socket(&self) -> SockRef<'_> {
        SockRef::from(self)
    }

    fn poll_io<T>(
        &mut self,
        way: Way,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&Socket) -> Attempted<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            let interest = match way {
                Way::In => ready!(self.poll_read_ready(cx)).map(|()| Interest::READABLE)?,
                Way::Out => match self.poll_write_ready(cx) {
                    // The reactor has not been polled since the task last gave way: what is written may find room
                    // meanwhile.
                    Poll::Pending => return attempt(&SockRef::from(&*self)).unless_blocked(),
                    Poll::Ready(ready) => ready.map(|()| Interest::WRITABLE)?,
                },
            };
            let mut result = None;
            // tokio remembers readiness until it is told that there is none: what comes after the attempt is
            // reported again.
            let _blocked = self.try_io(interest, || {
                let attempted = attempt(&SockRef::from(&*self));
                let go_on = !attempted.is_blocked() && !attempted.drained;
                result = (!attempted.is_blocked()).then_some(attempted.result);
                if go_on { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
            });
            if let Some(result) = result {
                return Poll::Ready(result);
            }
        }
    }
}

impl System for TokioRuntime {
    type Watched = TcpStream;
    type Sharing = Shared;

    async fn lookup(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(::tokio::net::lookup_host((name, port)).await?.collect())
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl Connector for TokioRuntime {
    type Stream = TokioStream;
    type Connecting = Boxed<TokioStream>;

    fn connect(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Connecting {
        Box::pin(os::connect(self.clone(), endpoint.clone(), options.clone()))
    }
}

impl Runtime for TokioRuntime {
    type Listener = TokioListener;
    type Binding = Boxed<TokioListener>;
    const NAME: &'static str = "tokio";

    fn current() -> Option<Self> {
        Handle::try_current().ok().map(|handle| Self { handle })
    }

    fn bind(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Binding {
        Box::pin(os::bind(endpoint.clone(), options.clone()))
    }
}

impl<F: Future<Output = ()> + Send + 'static> Spawn<F> for TokioRuntime {
    fn spawn(&self, future: F) {
        self.handle.spawn(future);
    }
}

impl Sleeper for TokioRuntime {
    type Sleep = Pin<Box<Sleep>>;

    fn now(&self) -> Instant {
        // tokio's own clock, which its tests can pause.
        ::tokio::time::Instant::now().into_std()
    }

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        // The caller need not be on the runtime.
        let _guard = self.handle.enter();
        Box::pin(::tokio::time::sleep_until(deadline.into()))
    }

    fn reset(&self, sleep: &mut Self::Sleep, deadline: Instant) {
        sleep.as_mut().reset(deadline.into());
    }
}

impl Adopt<TcpListener> for TokioRuntime {
    fn adopt(&self, listener: TcpListener, options: &TransportOptions) -> io::Result<TokioListener> {
        TokioListener::adopted(&listener, options)
    }
}

#[cfg(unix)]
impl Adopt<UnixListener> for TokioRuntime {
    fn adopt(&self, listener: UnixListener, options: &TransportOptions) -> io::Result<TokioListener> {
        TokioListener::adopted(&listener, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::os::conformance as os_conformance;

    os_conformance::mount!(TokioRuntime);

    fn run<F: Future>(test: F) -> F::Output {
        ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
    }

    #[test]
    fn without_a_runtime_there_is_none() {
        os_conformance::without_a_runtime_there_is_none::<TokioRuntime>(run);
    }

    #[test]
    fn a_sleep_can_be_made_outside_the_runtime() {
        let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let sleeper = runtime.block_on(async { TokioRuntime::current().unwrap() });
        let sleep = sleeper.sleep_until(sleeper.now());
        runtime.block_on(sleep);
    }
}
