//! tokio.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use ::tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use ::tokio::net::{TcpListener, TcpSocket, TcpStream};
#[cfg(unix)]
use ::tokio::net::{UnixListener, UnixStream};
use ::tokio::runtime::Handle;
use ::tokio::time::Sleep;
use socket2::{SockRef, Socket};

use super::os::{self, Dial};
use super::{Adopt, AsyncStream, Connector, Listener, RecvBuf, Runtime, SendBuf, Sleeper, Spawn};
use crate::endpoint::Endpoint;
use crate::options::TransportOptions;

/// A tokio runtime, with its I/O and time drivers enabled.
#[derive(Clone, Debug)]
pub struct TokioRuntime {
    handle: Handle,
}

/// A stream of tokio: one type for all transports, so that they mix in one socket.
#[derive(Debug)]
pub struct TokioStream(Transport);

#[derive(Debug)]
enum Transport {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl From<TcpStream> for TokioStream {
    fn from(stream: TcpStream) -> Self {
        Self(Transport::Tcp(stream))
    }
}

#[cfg(unix)]
impl From<UnixStream> for TokioStream {
    fn from(stream: UnixStream) -> Self {
        Self(Transport::Unix(stream))
    }
}

impl TokioStream {
    /// A stream that the user connected, with what the user chose applied.
    pub(crate) fn prepared(stream: TcpStream, options: &TransportOptions) -> io::Result<Self> {
        os::prepare_tcp(&SockRef::from(&stream), options)?;
        Ok(stream.into())
    }

    /// A Unix stream that the user connected, with what the user chose applied.
    #[cfg(unix)]
    pub(crate) fn prepared_unix(stream: UnixStream, options: &TransportOptions) -> io::Result<Self> {
        os::configure_unix(&SockRef::from(&stream), options)?;
        Ok(stream.into())
    }
}

/// Calls the same method on whichever stream it is.
macro_rules! on_stream {
    ($transport:expr, $stream:ident => $call:expr) => {
        match $transport {
            Transport::Tcp($stream) => $call,
            #[cfg(unix)]
            Transport::Unix($stream) => $call,
        }
    };
}

impl TokioStream {
    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_stream!(&self.0, stream => stream.poll_write_ready(cx))
    }

    fn try_send(&self, src: &SendBuf) -> io::Result<usize> {
        on_stream!(&self.0, stream => {
            stream.try_io(Interest::WRITABLE, || os::send(&SockRef::from(stream), src))
        })
    }
}

impl AsyncStream for TokioStream {
    type Runtime = TokioRuntime;
    type Lock<T> = std::sync::Mutex<T>;

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        // After a short read tokio knows that the kernel has no more, and the next poll makes no call.
        let mut spare = ReadBuf::new(buf.unfilled());
        ready!(on_stream!(&mut self.0, stream => Pin::new(stream).poll_read(cx, &mut spare)))?;
        let read = spare.filled().len();
        buf.advance(read);
        Poll::Ready(Ok(read))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_write_ready(cx))?;
            match self.try_send(src) {
                // tokio knows now, and says when there is room again.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => {
                    src.advance(*result.as_ref().unwrap_or(&0));
                    return Poll::Ready(result);
                }
            }
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_stream!(&mut self.0, stream => Pin::new(stream).poll_shutdown(cx))
    }

    fn peer_endpoint(&self) -> Option<Endpoint> {
        on_stream!(&self.0, stream => os::peer_endpoint(SockRef::from(stream)))
    }

    fn local_endpoint(&self) -> Option<Endpoint> {
        on_stream!(&self.0, stream => os::local_endpoint(SockRef::from(stream)))
    }
}

impl Runtime for TokioRuntime {
    type Listener = TokioListener;
    const NAME: &'static str = "tokio";

    fn current() -> Option<Self> {
        Handle::try_current().ok().map(|handle| Self { handle })
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
}

type Boxed<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl Connector for TokioRuntime {
    type Stream = TokioStream;
    type Connecting = Boxed<TokioStream>;

    fn connect(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Connecting {
        let (runtime, endpoint, options) = (self.clone(), endpoint.clone(), options.clone());
        Box::pin(async move { os::connect(&runtime, &endpoint, &options).await })
    }
}

impl Dial for TokioRuntime {
    async fn lookup(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(::tokio::net::lookup_host((name, port)).await?.collect())
    }

    async fn connect_socket(socket: Socket, address: SocketAddr) -> io::Result<TokioStream> {
        socket.set_nonblocking(true)?;
        let stream = TcpSocket::from_std_stream(socket.into()).connect(address).await?;
        os::check_not_self(&SockRef::from(&stream))?;
        Ok(stream.into())
    }

    #[cfg(unix)]
    fn unix_stream(socket: Socket) -> io::Result<TokioStream> {
        Ok(UnixStream::from_std(socket.into())?.into())
    }
}

/// A listener of tokio: one type for all transports.
#[derive(Debug)]
pub struct TokioListener {
    /// Before the socket, which keeps the inode number from being given to another file.
    #[cfg(unix)]
    _file: Option<os::SocketFile>,
    accepting: Accepting,
    local: Endpoint,
    options: TransportOptions,
}

#[derive(Debug)]
enum Accepting {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl TokioListener {
    fn new(bound: os::Bound, options: TransportOptions) -> io::Result<Self> {
        let accepting = match bound.local {
            #[cfg(unix)]
            Endpoint::Ipc(_) => Accepting::Unix(UnixListener::from_std(bound.socket.into())?),
            _ => Accepting::Tcp(TcpListener::from_std(bound.socket.into())?),
        };
        Ok(Self {
            #[cfg(unix)]
            _file: bound.file,
            accepting,
            local: bound.local,
            options,
        })
    }

    fn adopted(listener: impl Into<Socket>, options: &TransportOptions) -> io::Result<Self> {
        Self::new(os::Bound::adopt(listener)?, options.clone())
    }
}

impl Listener for TokioListener {
    type Stream = TokioStream;
    type Binding = Boxed<Self>;

    fn bind(endpoint: &Endpoint, options: &TransportOptions) -> Self::Binding {
        let (endpoint, options) = (endpoint.clone(), options.clone());
        Box::pin(async move { Self::new(os::bind::<TokioRuntime>(&endpoint, &options).await?, options) })
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<TokioStream>> {
        let stream: TokioStream = match &self.accepting {
            Accepting::Tcp(listener) => ready!(listener.poll_accept(cx))?.0.into(),
            #[cfg(unix)]
            Accepting::Unix(listener) => ready!(listener.poll_accept(cx))?.0.into(),
        };
        on_stream!(&stream.0, stream => {
            os::configure_accepted(&SockRef::from(stream), &self.local, &self.options)
        })?;
        Poll::Ready(Ok(stream))
    }

    fn local_endpoint(&self) -> &Endpoint {
        &self.local
    }
}

impl Adopt<TcpListener> for TokioListener {
    fn adopt(listener: TcpListener, options: &TransportOptions) -> io::Result<Self> {
        Self::adopted(listener.into_std()?, options)
    }
}

impl Adopt<std::net::TcpListener> for TokioListener {
    fn adopt(listener: std::net::TcpListener, options: &TransportOptions) -> io::Result<Self> {
        Self::adopted(listener, options)
    }
}

#[cfg(unix)]
impl Adopt<UnixListener> for TokioListener {
    fn adopt(listener: UnixListener, options: &TransportOptions) -> io::Result<Self> {
        Self::adopted(listener.into_std()?, options)
    }
}

#[cfg(unix)]
impl Adopt<std::os::unix::net::UnixListener> for TokioListener {
    fn adopt(listener: std::os::unix::net::UnixListener, options: &TransportOptions) -> io::Result<Self> {
        Self::adopted(listener, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::conformance;

    conformance::mount!(TokioRuntime);

    fn run<F: Future>(test: F) -> F::Output {
        ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
    }

    fn socket(stream: &TokioStream) -> SockRef<'_> {
        on_stream!(&stream.0, stream => SockRef::from(stream))
    }

    #[cfg(unix)]
    fn unix_pair() -> (TokioStream, TokioStream) {
        let (left, right) = UnixStream::pair().unwrap();
        (left.into(), right.into())
    }

    #[test]
    fn a_sleep_can_be_made_outside_the_runtime() {
        let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let sleeper = runtime.block_on(async { TokioRuntime::current().unwrap() });
        let sleep = sleeper.sleep_until(sleeper.now());
        runtime.block_on(sleep);
    }
}
