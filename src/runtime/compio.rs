//! compio.

use std::future::Future;
use std::io::{self, IoSlice, Read};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

#[cfg(unix)]
use ::compio::net::UnixStream;
use ::compio::net::{TcpSocket, TcpStream, ToSocketAddrsAsync};
use ::compio::runtime::fd::PollFd;
use socket2::{SockRef, Socket};

use super::tcp::{self, Resolved};
use super::{AsyncStream, Connector, Listener, RecvBuf, Runtime, SLICES, SendBuf, Sleeper, Spawn};
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
        tcp::configure(&fd, options)?;
        tcp::check_not_self(&fd)?;
        Self::new(fd)
    }

    async fn connect(address: SocketAddr, options: &TransportOptions) -> io::Result<Self> {
        let socket = TcpSocket::from_std_stream(tcp::open(address, options)?.into())?;
        let fd = socket.connect(address).await?.into_poll_fd()?;
        tcp::check_not_self(&fd)?;
        Self::new(fd)
    }

    /// A Unix stream.
    #[cfg(unix)]
    pub(crate) fn unix(stream: UnixStream) -> io::Result<Self> {
        Self::new(stream.into_poll_fd()?)
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
            let result = send(&self.fd, src);
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
        tcp::peer_endpoint(SockRef::from(&*self.fd))
    }
}

/// Writes what the kernel takes now.
///
/// A peer that is gone is an error here, and never a signal, whatever the program does with signals.
fn send(socket: &Socket, src: &SendBuf) -> io::Result<usize> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const MSG_NOSIGNAL: i32 = 0x4000;
    // Apple's sockets are made such that they need no flag; elsewhere Rust programs ignore the signal.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const MSG_NOSIGNAL: i32 = 0;

    if src.io_slice_count() == 1 {
        return socket.send_with_flags(src.chunk(), MSG_NOSIGNAL);
    }
    let mut slices = [IoSlice::new(&[]); SLICES];
    let filled = src.io_slices(&mut slices);
    socket.send_vectored_with_flags(&slices[..filled], MSG_NOSIGNAL)
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
        let (endpoint, options) = (endpoint.clone(), options.clone());
        Box::pin(async move {
            let mut last = tcp::no_address();
            for address in lookup(&endpoint).await? {
                match CompioStream::connect(address, &options).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) => last = error,
                }
            }
            Err(last)
        })
    }
}

async fn lookup(endpoint: &Endpoint) -> io::Result<Vec<SocketAddr>> {
    match tcp::resolve(tcp::address(endpoint)?) {
        Resolved::Addresses(addresses) => Ok(addresses),
        Resolved::Name(name, port) => Ok((name, port).to_socket_addrs_async().await?.collect()),
    }
}

/// A TCP listener of compio.
pub struct CompioListener {
    fd: PollFd<Socket>,
    local: Endpoint,
    options: TransportOptions,
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
        Box::pin(async move {
            let listener = tcp::listen(&lookup(&endpoint).await?, &options)?;
            let local = tcp::local_endpoint(&listener)?;
            Ok(Self { fd: PollFd::new(listener)?, local, options })
        })
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<CompioStream>> {
        loop {
            let result = self.fd.accept();
            if would_block(&result) {
                ready!(self.fd.poll_accept_ready(cx))?;
                continue;
            }
            let (stream, _) = result?;
            tcp::configure_accepted(&stream, &self.options)?;
            return Poll::Ready(CompioStream::new(PollFd::new(stream)?));
        }
    }

    fn local_endpoint(&self) -> &Endpoint {
        &self.local
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

    #[cfg(unix)]
    fn unix_pair() -> (CompioStream, CompioStream) {
        let (left, right) = std::os::unix::net::UnixStream::pair().unwrap();
        let stream = |end| CompioStream::unix(UnixStream::from_std(end).unwrap()).unwrap();
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
