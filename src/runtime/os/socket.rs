//! Streams and listeners over sockets of the system, written once: a runtime only says when a socket is ready.

use std::fmt;
use std::future::Future;
use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr};
use std::task::{Context, Poll, ready};

use socket2::{SockRef, Socket};

#[cfg(unix)]
use super::ipc::SocketFile;
use super::listen::{Bound, configure_accepted};
use super::{ending, tcp, write};
use crate::endpoint::Endpoint;
use crate::options::TransportOptions;
use crate::runtime::{Adopt, AsyncStream, Listener, RecvBuf, Runtime, SendBuf, Sharing, Sleeper};

/// What a runtime over sockets of the system adds to what is here: readiness and the look-up of names.
#[expect(unnameable_types, reason = "sealed")]
pub trait System: Sleeper + Clone + Unpin + 'static {
    /// A socket that this runtime watches.
    type Watched: Watched;
    /// Whether sockets on its streams may be shared between threads.
    type Sharing: Sharing;

    /// All addresses of a name.
    fn lookup(name: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>>;
}

/// A non-blocking socket whose readiness a runtime watches.
#[expect(unnameable_types, reason = "sealed")]
pub trait Watched: Sized + Unpin + 'static {
    /// Starts to watch `socket`, which is non-blocking.
    fn watch(socket: Socket) -> io::Result<Self>;

    /// The socket.
    fn socket(&self) -> SockRef<'_>;

    /// Makes `attempt` whenever the socket may be ready for it, until it did not find it blocked; and once, on the way
    /// out, where the runtime does not know that it is.
    fn poll_io<T>(
        &mut self,
        way: Way,
        cx: &mut Context<'_>,
        attempt: impl FnMut(&Socket) -> Attempted<T>,
    ) -> Poll<io::Result<T>>;

    /// Stops watching, which may take the runtime a while: it holds the socket as well until then.
    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// What a socket is waited for.
#[derive(Clone, Copy, Debug)]
#[expect(unnameable_types, reason = "sealed")]
pub enum Way {
    /// Bytes to read, or connections to accept.
    In,
    /// Room to write, or the end of an attempt to connect.
    Out,
}

/// What an attempt at a non-blocking call found.
#[derive(Debug)]
#[expect(unnameable_types, reason = "sealed")]
pub struct Attempted<T> {
    pub(in crate::runtime) result: io::Result<T>,
    /// There is no more to be had before the system says so again, though this call got something: the next
    /// attempt would be made for nothing.
    pub(in crate::runtime) drained: bool,
}

impl<T> Attempted<T> {
    pub(in crate::runtime) fn unless_blocked(self) -> Poll<io::Result<T>> {
        if self.is_blocked() { Poll::Pending } else { Poll::Ready(self.result) }
    }

    pub(in crate::runtime) fn is_blocked(&self) -> bool {
        self.result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl<T> From<io::Result<T>> for Attempted<T> {
    fn from(result: io::Result<T>) -> Self {
        Self { result, drained: false }
    }
}

/// A stream of a runtime over sockets of the system: one type for all transports, so that they mix in one socket.
///
/// It waits until the system says that it is ready, and then makes non-blocking calls: these can be dropped at any
/// time without losing bytes.
pub struct SystemStream<R: System>(R::Watched);

impl<R: System> SystemStream<R> {
    /// Takes over a socket that is connected, with everything set.
    pub(super) fn new(socket: Socket) -> io::Result<Self> {
        // What came from elsewhere may be blocking.
        socket.set_nonblocking(true)?;
        R::Watched::watch(socket).map(Self)
    }

    /// A stream of any runtime that the user connected, with what the user chose applied.
    pub(crate) fn from_tcp<'a, T>(stream: &'a T, options: &TransportOptions) -> io::Result<Self>
    where
        SockRef<'a>: From<&'a T>,
    {
        let socket = duplicate(stream)?;
        tcp::prepare(&socket, options)?;
        Self::new(socket)
    }

    /// A Unix stream of any runtime that the user connected, with what the user chose applied.
    #[cfg(unix)]
    pub(crate) fn from_unix<'a, T>(stream: &'a T, options: &TransportOptions) -> io::Result<Self>
    where
        SockRef<'a>: From<&'a T>,
    {
        let socket = duplicate(stream)?;
        super::ipc::configure(&socket, options)?;
        Self::new(socket)
    }

    /// Connects a socket that was made for `address`.
    pub(super) async fn connect(socket: Socket, address: SocketAddr) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        match socket.connect(&address.into()) {
            Err(error) if !is_under_way(&error) => return Err(error),
            _ => {}
        }
        let mut watched = R::Watched::watch(socket)?;
        std::future::poll_fn(|cx| watched.poll_io(Way::Out, cx, |socket| outcome(socket).into())).await?;
        tcp::check_not_self(&watched.socket())?;
        Ok(Self(watched))
    }

    #[cfg(test)]
    pub(in crate::runtime) fn socket(&self) -> SockRef<'_> {
        self.0.socket()
    }
}

/// The socket of a stream or listener of any runtime, to be had beside it: that runtime's own is dropped with it.
fn duplicate<'a, T>(of: &'a T) -> io::Result<Socket>
where
    SockRef<'a>: From<&'a T>,
{
    SockRef::from(of).try_clone()
}

/// Whether connecting has begun, and ends later.
fn is_under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    let begun = error.raw_os_error() == Some(libc::EINPROGRESS);
    #[cfg(not(unix))]
    let begun = false;
    begun || error.kind() == io::ErrorKind::WouldBlock
}

/// How connecting ended, once the socket can be written to.
fn outcome(socket: &Socket) -> io::Result<()> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    match socket.peer_addr() {
        // Woken too early.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Err(io::ErrorKind::WouldBlock.into()),
        connected => connected.map(drop),
    }
}

fn read(mut socket: &Socket, buf: &mut RecvBuf) -> Attempted<usize> {
    let spare = buf.unfilled();
    let room = spare.len();
    let result = socket.read(spare);
    // A short read took all there is; the end of the stream stays readable.
    let drained = result.as_ref().is_ok_and(|read| 0 < *read && *read < room);
    buf.advance(*result.as_ref().unwrap_or(&0));
    Attempted { result, drained }
}

impl<R: System> AsyncStream for SystemStream<R> {
    type Runtime = R;
    type Sharing = R::Sharing;

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        self.0.poll_io(Way::In, cx, |socket| read(socket, buf))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        let written = ready!(self.0.poll_io(Way::Out, cx, |socket| write::send(socket, src).into()))?;
        src.advance(written);
        Poll::Ready(Ok(written))
    }

    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0.socket().shutdown(Shutdown::Write) {
            // The peer was faster.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            done => Poll::Ready(done),
        }
    }

    fn has_ended(&self) -> io::Result<bool> {
        ending::has_ended(&self.0.socket())
    }

    fn peer_endpoint(&self) -> Option<Endpoint> {
        tcp::peer_endpoint(self.0.socket())
    }

    fn local_endpoint(&self) -> Option<Endpoint> {
        tcp::local_endpoint(self.0.socket())
    }
}

impl<R: System> fmt::Debug for SystemStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SystemStream").field(&*self.0.socket()).finish()
    }
}

/// A listener of a runtime over sockets of the system: one type for all transports.
pub struct SystemListener<R: System> {
    /// Before the socket, which keeps the inode number from being given to another file.
    #[cfg(unix)]
    file: Option<SocketFile>,
    watched: R::Watched,
    local: Endpoint,
    options: TransportOptions,
}

impl<R: System> SystemListener<R> {
    pub(super) fn new(bound: Bound, options: TransportOptions) -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            file: bound.file,
            watched: R::Watched::watch(bound.socket)?,
            local: bound.local,
            options,
        })
    }

    /// Takes over what somebody else has bound.
    pub(in crate::runtime) fn adopted<'a, T>(listener: &'a T, options: &TransportOptions) -> io::Result<Self>
    where
        SockRef<'a>: From<&'a T>,
    {
        Self::new(Bound::adopt(duplicate(listener)?)?, options.clone())
    }
}

impl<R: System> Listener for SystemListener<R> {
    type Stream = SystemStream<R>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<SystemStream<R>>> {
        let accepted = self.watched.poll_io(Way::In, cx, |socket| socket.accept().into());
        let (socket, _) = ready!(accepted)?;
        configure_accepted(&socket, &self.local, &self.options)?;
        Poll::Ready(SystemStream::new(socket))
    }

    fn local_endpoint(&self) -> &Endpoint {
        &self.local
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Removed before the socket is closed, as when it is dropped.
        #[cfg(unix)]
        drop(self.file.take());
        self.watched.poll_close(cx)
    }
}

impl<R: System + Runtime<Listener = SystemListener<R>>> Adopt<std::net::TcpListener> for R {
    fn adopt(
        &self,
        listener: std::net::TcpListener,
        options: &TransportOptions,
    ) -> io::Result<SystemListener<R>> {
        SystemListener::adopted(&listener, options)
    }
}

#[cfg(unix)]
impl<R: System + Runtime<Listener = SystemListener<R>>> Adopt<std::os::unix::net::UnixListener> for R {
    fn adopt(
        &self,
        listener: std::os::unix::net::UnixListener,
        options: &TransportOptions,
    ) -> io::Result<SystemListener<R>> {
        SystemListener::adopted(&listener, options)
    }
}

impl<R: System> fmt::Debug for SystemListener<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemListener").field("local", &self.local).finish_non_exhaustive()
    }
}
