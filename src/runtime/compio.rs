//! compio.

use std::future::Future;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use ::compio::buf::IntoInner;
#[cfg(unix)]
use ::compio::net::UnixStream;
use ::compio::net::{TcpSocket, TcpStream, ToSocketAddrsAsync};
use ::compio::runtime::fd::PollFd;
use socket2::{SockRef, Socket};

use super::os::{self, Dial};
use super::{Adopt, AsyncStream, Connector, Listener, RecvBuf, Runtime, SendBuf, Sleeper, Spawn};
use crate::endpoint::Endpoint;
use crate::options::TransportOptions;

/// A compio runtime: the one of the current thread.
#[derive(Clone, Copy, Debug)]
pub struct CompioRuntime(());

/// A stream of compio: one type for all transports, so that they mix in one socket.
///
/// It waits for readiness (one poll operation in the ring) and then makes non-blocking calls: unlike
/// completion-based reads and writes, these can be dropped at any time without losing bytes.
pub struct CompioStream {
    fd: PollFd<Socket>,
    /// The last read did not fill the buffer: the kernel has no more until it says so.
    drained: bool,
}

impl CompioStream {
    fn new(fd: PollFd<Socket>) -> io::Result<Self> {
        // Under io_uring compio leaves sockets blocking.
        fd.set_nonblocking(true)?;
        Ok(Self { fd, drained: true })
    }

    /// A stream that the user connected, with what the user chose applied.
    pub(crate) fn prepared(stream: TcpStream, options: &TransportOptions) -> io::Result<Self> {
        let fd = stream.into_poll_fd()?;
        os::prepare_tcp(&fd, options)?;
        Self::new(fd)
    }

    /// A Unix stream that the user connected, with what the user chose applied.
    #[cfg(unix)]
    pub(crate) fn prepared_unix(stream: UnixStream, options: &TransportOptions) -> io::Result<Self> {
        let fd = stream.into_poll_fd()?;
        os::configure_unix(&fd, options)?;
        Self::new(fd)
    }
}

impl std::fmt::Debug for CompioStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompioStream").field("socket", &*self.fd).finish_non_exhaustive()
    }
}

fn would_block<T>(result: &io::Result<T>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

impl AsyncStream for CompioStream {
    type Runtime = CompioRuntime;
    type Lock<T> = super::LocalLock<T>;

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        loop {
            if self.drained {
                ready!(self.fd.poll_read_ready(cx))?;
                self.drained = false;
            }
            let spare = buf.unfilled();
            let room = spare.len();
            let result = (&mut &*self.fd).read(spare);
            if would_block(&result) {
                self.drained = true;
                continue;
            }
            if let Ok(read) = result {
                // The end of the stream stays readable.
                self.drained = 0 < read && read < room;
                buf.advance(read);
            }
            return Poll::Ready(result);
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        loop {
            let result = os::send(&self.fd, src);
            if would_block(&result) {
                ready!(self.fd.poll_write_ready(cx))?;
                continue;
            }
            if let Ok(written) = result {
                src.advance(written);
            }
            return Poll::Ready(result);
        }
    }

    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.fd.shutdown(std::net::Shutdown::Write) {
            // The peer was faster.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            done => Poll::Ready(done),
        }
    }

    fn peer_endpoint(&self) -> Option<Endpoint> {
        os::peer_endpoint(SockRef::from(&*self.fd))
    }

    fn local_endpoint(&self) -> Option<Endpoint> {
        os::local_endpoint(SockRef::from(&*self.fd))
    }
}

impl Runtime for CompioRuntime {
    type Listener = CompioListener;
    const NAME: &'static str = "compio";

    fn current() -> Option<Self> {
        ::compio::runtime::Runtime::try_with_current(|_| Self(())).ok()
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

type Boxed<T> = Pin<Box<dyn Future<Output = io::Result<T>>>>;

impl Connector for CompioRuntime {
    type Stream = CompioStream;
    type Connecting = Boxed<CompioStream>;

    fn connect(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Connecting {
        let (runtime, endpoint, options) = (*self, endpoint.clone(), options.clone());
        Box::pin(async move { os::connect(&runtime, &endpoint, &options).await })
    }
}

impl Dial for CompioRuntime {
    async fn lookup(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok((name, port).to_socket_addrs_async().await?.collect())
    }

    async fn connect_socket(socket: Socket, address: SocketAddr) -> io::Result<CompioStream> {
        let socket = TcpSocket::from_std_stream(socket.into())?;
        let fd = socket.connect(address).await?.into_poll_fd()?;
        os::check_not_self(&fd)?;
        CompioStream::new(fd)
    }

    #[cfg(unix)]
    fn unix_stream(socket: Socket) -> io::Result<CompioStream> {
        CompioStream::new(PollFd::new(socket)?)
    }
}

/// A listener of compio: one type for all transports.
pub struct CompioListener {
    #[cfg(unix)]
    file: Option<os::SocketFile>,
    accepting: Accepting,
    local: Endpoint,
    options: TransportOptions,
}

enum Accepting {
    Open(PollFd<Socket>),
    /// The driver holds the socket as well, until it has cancelled the wait for readiness.
    Closing(Pin<Box<dyn Future<Output = Option<Socket>>>>),
    Closed,
}

impl CompioListener {
    fn new(bound: os::Bound, options: TransportOptions) -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            file: bound.file,
            accepting: Accepting::Open(PollFd::new(bound.socket)?),
            local: bound.local,
            options,
        })
    }

    fn adopted(listener: impl Into<Socket>, options: &TransportOptions) -> io::Result<Self> {
        Self::new(os::Bound::adopt(listener)?, options.clone())
    }
}

impl std::fmt::Debug for CompioListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompioListener").field("local", &self.local).finish_non_exhaustive()
    }
}

impl Listener for CompioListener {
    type Stream = CompioStream;
    type Binding = Boxed<Self>;

    fn bind(endpoint: &Endpoint, options: &TransportOptions) -> Self::Binding {
        let (endpoint, options) = (endpoint.clone(), options.clone());
        Box::pin(async move { Self::new(os::bind::<CompioRuntime>(&endpoint, &options).await?, options) })
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<CompioStream>> {
        let Accepting::Open(fd) = &self.accepting else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        loop {
            let result = fd.accept();
            if would_block(&result) {
                ready!(fd.poll_accept_ready(cx))?;
                continue;
            }
            let (stream, _) = result?;
            os::configure_accepted(&stream, &self.local, &self.options)?;
            return Poll::Ready(CompioStream::new(PollFd::new(stream)?));
        }
    }

    fn local_endpoint(&self) -> &Endpoint {
        &self.local
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Removed before the socket, which keeps the inode number from being given to another file.
        #[cfg(unix)]
        drop(self.file.take());
        let mut closing = match std::mem::replace(&mut self.accepting, Accepting::Closed) {
            Accepting::Open(fd) => Box::pin(fd.into_inner().take()),
            Accepting::Closing(closing) => closing,
            Accepting::Closed => return Poll::Ready(()),
        };
        let closed = closing.as_mut().poll(cx).map(drop);
        if closed.is_pending() {
            self.accepting = Accepting::Closing(closing);
        }
        closed
    }
}

impl Adopt<::compio::net::TcpListener> for CompioListener {
    fn adopt(listener: ::compio::net::TcpListener, options: &TransportOptions) -> io::Result<Self> {
        Self::adopted(SockRef::from(&listener).try_clone()?, options)
    }
}

impl Adopt<std::net::TcpListener> for CompioListener {
    fn adopt(listener: std::net::TcpListener, options: &TransportOptions) -> io::Result<Self> {
        Self::adopted(listener, options)
    }
}

#[cfg(unix)]
impl Adopt<::compio::net::UnixListener> for CompioListener {
    fn adopt(listener: ::compio::net::UnixListener, options: &TransportOptions) -> io::Result<Self> {
        Self::adopted(SockRef::from(&listener).try_clone()?, options)
    }
}

#[cfg(unix)]
impl Adopt<std::os::unix::net::UnixListener> for CompioListener {
    fn adopt(listener: std::os::unix::net::UnixListener, options: &TransportOptions) -> io::Result<Self> {
        Self::adopted(listener, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::conformance;

    conformance::mount!(CompioRuntime);

    fn run<F: Future>(test: F) -> F::Output {
        ::compio::runtime::Runtime::new().unwrap().block_on(test)
    }

    fn socket(stream: &CompioStream) -> SockRef<'_> {
        SockRef::from(&*stream.fd)
    }

    #[cfg(unix)]
    fn unix_pair() -> (CompioStream, CompioStream) {
        let (left, right) = std::os::unix::net::UnixStream::pair().unwrap();
        let stream = |end| {
            UnixStream::from_std(end)
                .and_then(|end| CompioStream::prepared_unix(end, &TransportOptions::default()))
                .unwrap()
        };
        (stream(left), stream(right))
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
            conformance::bytes_arrive_whole(tcp_pair().await).await;
            conformance::dropped_polls_lose_nothing(unix_pair()).await;
        });
    }
}
