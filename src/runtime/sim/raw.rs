//! Playing a peer by hand: raw bytes over the simulated network.

use std::future::poll_fn;
use std::io::{self, IoSlice};

use super::SimRuntime;
use super::fault::LinkId;
use super::stream::{Connecting, SimListener, SimStream};
use crate::endpoint::{Endpoint, IntoEndpoint};
use crate::options::TransportOptions;
use crate::runtime::{Listener, Runtime};

/// Connects to `endpoint`, as a peer whose bytes the test writes itself.
///
/// ```
/// use monocoque::runtime::sim::{self, Sim, SimStream};
/// use monocoque::socket::PullSocket;
///
/// Sim::new(7).block_on(async {
///     let _pull = PullSocket::<SimStream>::bind("tcp://server:5555").await.unwrap();
///     // A peer that speaks no ZMTP; the socket says its greeting and hangs up.
///     let mut stranger = sim::raw_connect("tcp://server:5555").await.unwrap();
///     stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
///     let mut answer = Vec::new();
///     let _end = stranger.read_to_end(&mut answer).await;
///     assert_eq!(answer[0], 0xFF);
/// });
/// ```
///
/// # Errors
/// A malformed endpoint ([`InvalidInput`](io::ErrorKind::InvalidInput)), a refused connection; no
/// simulation.
pub async fn raw_connect(endpoint: impl IntoEndpoint) -> io::Result<RawStream> {
    let endpoint = parse(endpoint)?;
    let runtime = SimRuntime::try_current()?;
    Connecting::new(runtime, endpoint).await.map(RawStream::from)
}

/// Listens on `endpoint`, as a peer whose bytes the test writes itself.
///
/// ```
/// use monocoque::runtime::sim::{self, Sim, SimStream};
/// use monocoque::socket::PushSocket;
///
/// Sim::new(7).block_on(async {
///     let mut listener = sim::raw_listen("tcp://server:0").await.unwrap();
///     let _push = PushSocket::<SimStream>::connect_with_reconnect(listener.local_endpoint()).await;
///     // A server that hangs up at once, and is tried again.
///     drop(listener.accept().await.unwrap());
///     assert!(listener.accept().await.is_ok());
/// });
/// ```
///
/// # Errors
/// A malformed endpoint ([`InvalidInput`](io::ErrorKind::InvalidInput)), an endpoint in use; no
/// simulation.
pub async fn raw_listen(endpoint: impl IntoEndpoint) -> io::Result<RawListener> {
    let listener = SimRuntime::try_current()?.bind(&parse(endpoint)?, &TransportOptions::default()).await?;
    Ok(RawListener { listener })
}

/// A connection of which the test reads and writes the bytes.
#[derive(Debug)]
pub struct RawStream {
    stream: SimStream,
}

/// A listener of which the test plays the connections.
#[derive(Debug)]
pub struct RawListener {
    listener: SimListener,
}

impl From<SimStream> for RawStream {
    fn from(stream: SimStream) -> Self {
        Self { stream }
    }
}

impl RawStream {
    /// The number of the connection, by which the [`Network`](super::Network) knows it.
    ///
    /// [`Network::cut`](super::Network::cut) is told which one by it.
    #[must_use]
    pub const fn link(&self) -> LinkId {
        self.stream.link()
    }

    /// The stream itself, for instance to make a socket of it.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use monocoque::runtime::sim::{self, Sim};
    /// use monocoque::socket::{PullSocket, PushSocket};
    ///
    /// Sim::new(7).block_on(async {
    ///     let mut listener = sim::raw_listen("tcp://server:5555").await.unwrap();
    ///     let dialled = sim::raw_connect("tcp://server:5555").await.unwrap().into_inner();
    ///     let accepted = listener.accept().await.unwrap().into_inner();
    ///     let push = sim::spawn(PushSocket::from_runtime_stream(dialled, SocketOptions::default()));
    ///     assert!(PullSocket::from_runtime_stream(accepted, SocketOptions::default()).await.is_ok());
    ///     assert!(push.await.unwrap().is_ok());
    /// });
    /// ```
    #[must_use]
    pub fn into_inner(self) -> SimStream {
        self.stream
    }

    /// Waits for bytes and reads what is there, up to the length of `buf`; 0 is the end of the stream.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Sim};
    ///
    /// Sim::new(7).block_on(async {
    ///     let mut listener = sim::raw_listen("tcp://server:5555").await?;
    ///     let mut client = sim::raw_connect("tcp://server:5555").await?;
    ///     let mut server = listener.accept().await?;
    ///     client.write_all(b"hello, world").await?;
    ///     client.close()?;
    ///     let mut hello = [0; 5];
    ///     server.read_exact(&mut hello).await?;
    ///     assert_eq!(server.read_some(&mut [0; 2]).await?, 2);
    ///     let mut rest = Vec::new();
    ///     server.read_to_end(&mut rest).await?;
    ///     assert_eq!((&hello, &rest[..]), (b"hello", &b"world"[..]));
    /// #     Ok::<_, std::io::Error>(())
    /// })
    /// # .unwrap();
    /// ```
    ///
    /// # Errors
    /// A connection that was reset.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, nothing was read.
    pub async fn read_some(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| self.stream.poll_read_slice(cx, buf)).await
    }

    /// Fills `buf`.
    ///
    /// See [`read_some`](Self::read_some).
    ///
    /// # Errors
    /// A connection that was reset, or ended before `buf` was full
    /// ([`UnexpectedEof`](io::ErrorKind::UnexpectedEof)).
    ///
    /// # Cancel safety
    /// Dropped before it is ready, part of the bytes may have been read.
    pub async fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < buf.len() {
            match self.read_some(&mut buf[filled..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => filled += read,
            }
        }
        Ok(())
    }

    /// Reads to the end of the stream and appends the bytes to `buf`; after an error `buf` has what came
    /// before it.
    ///
    /// See [`read_some`](Self::read_some).
    ///
    /// # Errors
    /// A connection that was reset.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, what was read is in `buf`.
    pub async fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<()> {
        let mut chunk = [0; 4096];
        loop {
            match self.read_some(&mut chunk).await? {
                0 => return Ok(()),
                read => buf.extend_from_slice(&chunk[..read]),
            }
        }
    }

    /// Writes all of `bytes`.
    ///
    /// See [`read_some`](Self::read_some).
    ///
    /// # Errors
    /// A connection that was cut or reset.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, part of the bytes may have been written.
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = poll_fn(|cx| self.stream.poll_write_slices(cx, &[IoSlice::new(bytes)])).await?;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    /// Shuts the writing half down, so that the other end reads the end of the stream; reading goes on.
    /// Dropping the stream closes both halves.
    ///
    /// See [`read_some`](Self::read_some).
    ///
    /// # Errors
    /// A connection that was reset.
    pub fn close(&mut self) -> io::Result<()> {
        self.stream.shut()
    }
}

impl RawListener {
    /// The next connection.
    ///
    /// [`raw_listen`] shows connections that a test plays.
    ///
    /// # Errors
    /// What [`Network::fail_accepts`](super::Network::fail_accepts) asked for.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, no connection is lost.
    pub async fn accept(&mut self) -> io::Result<RawStream> {
        poll_fn(|cx| self.listener.poll_accept(cx)).await.map(RawStream::from)
    }

    /// Where it listens, with the port that was chosen for port 0.
    ///
    /// See [`raw_listen`].
    #[must_use]
    pub fn local_endpoint(&self) -> &Endpoint {
        self.listener.local_endpoint()
    }
}

fn parse(endpoint: impl IntoEndpoint) -> io::Result<Endpoint> {
    endpoint.into_endpoint().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}
