//! The seam between sockets and async runtimes.
//!
//! The traits are poll-based, their futures are associated types (the engine stores them, and they
//! carry `Send`-ness with them), and none asks for `Send`: on tokio sockets are `Send` by inference,
//! on compio they need not be. There is one implementation per file: tokio, compio, smol, any
//! `futures_io` stream of your own, and a simulated network with virtual time.

use std::future::Future;
use std::io;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;

#[cfg(feature = "compio")]
pub mod compio;
#[cfg(any(test, feature = "sim"))]
pub mod conformance;
mod futures_io;
mod layered;
mod limit;
mod lock;
#[cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
mod os;
#[cfg(any(feature = "tokio", feature = "compio", feature = "smol", feature = "sim"))]
mod race;
mod recv_buf;
mod send_buf;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "smol")]
pub mod smol;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(feature = "tokio")]
pub mod tokio;
#[cfg(feature = "tokio")]
pub mod tokio_local;
mod vacating;

pub use self::futures_io::FuturesIo;
pub use self::layered::{
    Layer, Layered, LayeredBinding, LayeredConnecting, LayeredListener, LayeredStream, Side,
};
pub(crate) use self::limit::Limit;
pub use self::limit::timeout;
pub(crate) use self::lock::{JudgementOf, Lock, LockOf, asked, can_ask};
pub use self::lock::{Local, Shared, Sharing};
#[cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
pub use self::os::{SystemListener, SystemStream};
pub use self::recv_buf::RecvBuf;
pub(crate) use self::send_buf::Arena;
pub use self::send_buf::SendBuf;
pub(crate) use self::vacating::Leaving;
pub use self::vacating::Vacating;

use crate::endpoint::Endpoint;
use crate::options::TransportOptions;

/// What opening a Unix socket fails with where there are none.
#[cfg(all(not(unix), any(feature = "tokio", feature = "compio", feature = "smol")))]
fn no_unix_sockets() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "ipc:// needs Unix sockets, which this system does not have")
}

/// What asking a runtime for an `inproc://` connection fails with: sockets pass those messages among
/// themselves.
#[cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
fn no_streams() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "inproc:// has no streams")
}

/// Slices of one gathered write.
const SLICES: usize = 64;

/// A bidirectional byte stream that sockets read and write in place.
///
/// The engine passes one and the same waker for both directions of a stream for all its life, and
/// never polls a stream from two tasks at once.
pub trait AsyncStream: Unpin + 'static {
    /// The runtime that this stream belongs to: dials, accepts, sleeps and spawns for it.
    /// [`Detached`] for streams of the user's own.
    type Runtime;

    /// Whether sockets on such streams may be shared between threads: [`Shared`], or [`Local`] if they never leave
    /// theirs.
    type Sharing: Sharing;

    /// Fills spare room of `buf` and returns by how much it grew; `Ok(0)` is the end of the stream.
    ///
    /// `buf` has spare room when this is called, and is untouched when this returns `Pending`.
    ///
    /// # Errors
    /// Whatever ended the connection.
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>>;

    /// Writes from the front of `src`, advances it by what was accepted and returns how much that was.
    ///
    /// A message that was accepted whole is handed over: it is never sent again, on this connection or another, and counts
    /// as sent once [`poll_flush`](Self::poll_flush) is done or the connection has ended. So a stream that makes
    /// something else of the bytes accepts them when that is written to the stream below it, record by record: what the
    /// peer could read and was not accepted comes twice, if the connection ends then. Nor does it write what is not
    /// accepted yet from anywhere else, such as `poll_read`. After `Pending`
    /// the same bytes stand at the front of `src` in the next call, and others perhaps behind them, unless there is no
    /// next call: what was made of them may be kept.
    ///
    /// # Errors
    /// Whatever ended the connection.
    fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>>;

    /// Has all that was accepted leave: done when nothing of it is held back any more. Default: at once, for streams that
    /// hold nothing.
    ///
    /// It is polled when the queue of a connection has run empty or a write stopped short of its end, and not after each
    /// write. After `Pending` the stream wakes the waker when it can go on; until then it may be written to.
    ///
    /// # Errors
    /// Whatever ended the connection.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = cx;
        Poll::Ready(Ok(()))
    }

    /// Shuts the writing half down, so that the peer reads the end of the stream behind all that was accepted.
    ///
    /// # Errors
    /// Whatever ended the connection.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Whether both halves are over, the peer having got all that was written: asked after its end of the stream
    /// was read and our half shut down. It tells which messages have arrived ([`in_doubt`]).
    ///
    /// Default `Ok(false)`: not yet, or this stream does not know.
    ///
    /// # Errors
    /// If the peer has reset the connection since: something was written that it has not read.
    ///
    /// [`in_doubt`]: crate::monitor::SocketStats::in_doubt
    fn has_ended(&self) -> io::Result<bool> {
        Ok(false)
    }

    /// The address of the other end, where it has one.
    fn peer_endpoint(&self) -> Option<Endpoint> {
        None
    }

    /// The address of this end, where it has one.
    fn local_endpoint(&self) -> Option<Endpoint> {
        None
    }

    /// The time that waits are measured by (option `wait_times`); default that of the system.
    #[must_use]
    fn clock() -> Instant {
        Instant::now()
    }

    /// Whether reading and writing may still have to compute a handshake, which takes long: in one turn of a socket one
    /// such stream is polled, so that others wait for no more. Default: no.
    fn is_handshaking(&self) -> bool {
        false
    }

    /// The certificates by which the other end has proved who it is, its own first, in DER: over TLS, once the
    /// handshake of that is done. Default: none.
    fn peer_certificates(&self) -> &[Bytes] {
        &[]
    }
}

/// Opens outgoing connections.
pub trait Connector {
    /// What a connection is made of.
    type Stream: AsyncStream;
    /// Resolves the name and connects to the address that answers first (RFC 8305).
    type Connecting: Future<Output = io::Result<Self::Stream>> + Unpin + 'static;

    /// Starts connecting to `endpoint`; a TCP connection to itself counts as refused.
    fn connect(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Connecting;
}

/// Accepts incoming connections on one endpoint.
pub trait Listener: Sized + Unpin + 'static {
    /// What a connection is made of.
    type Stream: AsyncStream;
    /// The next incoming connection.
    ///
    /// # Errors
    /// The listener stays usable after any error, such as running out of descriptors.
    /// `ConnectionAborted` is about one connection that ended before it was accepted: the next may come
    /// at once.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Stream>>;

    /// Where this listener can be reached: the endpoint with the port or path that was chosen for it.
    fn local_endpoint(&self) -> &Endpoint;

    /// Stops listening: once this is ready, dropping the listener frees its address. Nothing else is called
    /// after the first call of this. Default: dropping it is all there is to do.
    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// A clock, and futures that wait for it.
pub trait Sleeper {
    /// Resolves when its instant has come.
    type Sleep: Future<Output = ()> + Unpin + 'static;

    /// The current time of this clock.
    fn now(&self) -> Instant;

    /// Waits until `deadline`.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;

    /// Makes a sleep, whether it has ended or not, one that waits until `deadline`. Default: another one.
    fn reset(&self, sleep: &mut Self::Sleep, deadline: Instant) {
        *sleep = self.sleep_until(deadline);
    }
}

/// Runs a future in the background; each runtime decides by its bounds what it can run.
pub trait Spawn<F> {
    /// Starts `future`, which runs to its end with nobody waiting for it.
    fn spawn(&self, future: F);
}

/// All that a socket opened by endpoint needs of an async runtime.
pub trait Runtime: Connector + Sleeper + Clone + Unpin + 'static {
    /// The listener of this runtime.
    type Listener: Listener<Stream = Self::Stream>;
    /// Resolves and binds the endpoint.
    type Binding: Future<Output = io::Result<Self::Listener>> + Unpin + 'static;

    /// What errors call it.
    const NAME: &'static str;

    /// The runtime that the caller runs on; `None` if there is none of this kind.
    fn current() -> Option<Self>;

    /// Starts binding to `endpoint`; a socket file of its own is removed again when the listener is dropped.
    fn bind(&self, endpoint: &Endpoint, options: &TransportOptions) -> Self::Binding;

    /// The addresses that are about to be free on the network of this runtime; default that of the process.
    fn vacating(&self) -> Vacating {
        Vacating::of_this_process()
    }
}

/// A runtime whose listener can be made of an `L` that is bound already: one of the standard library or of the
/// runtime.
pub trait Adopt<L>: Runtime {
    /// Takes `listener` over; the options are those of the connections that it accepts. A socket file stays
    /// where it is when the listener is dropped: whoever bound it removes it.
    ///
    /// # Errors
    /// If it is bound to nothing that an endpoint can name.
    fn adopt(&self, listener: L, options: &TransportOptions) -> io::Result<Self::Listener>;
}

/// The runtime of streams that have none: sockets made from them have no companion task.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Detached;
