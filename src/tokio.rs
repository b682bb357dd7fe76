//! Sockets on tokio.
//!
//! ```
//! use monocoque::tokio::prelude::*;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> monocoque::Result<()> {
//! let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
//! let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
//! push.send("work").await?;
//! assert_eq!(&pull.recv().await?[0], "work");
//! # Ok(())
//! # }
//! ```

use crate::error::Result;
use crate::options::SocketOptions;
use crate::resilience::NoOpPermits;
use crate::runtime::tokio::TokioStream;
use crate::socket::{self, Kind, Socket, halves};

/// A DEALER socket on tokio.
pub type DealerSocket<P = NoOpPermits> = socket::DealerSocket<TokioStream, P>;
/// A ROUTER socket on tokio.
pub type RouterSocket<P = NoOpPermits> = socket::RouterSocket<TokioStream, P>;
/// A PUSH socket on tokio.
pub type PushSocket<P = NoOpPermits> = socket::PushSocket<TokioStream, P>;
/// A PULL socket on tokio.
pub type PullSocket<P = NoOpPermits> = socket::PullSocket<TokioStream, P>;
/// A REQ socket on tokio.
pub type ReqSocket<P = NoOpPermits> = socket::ReqSocket<TokioStream, P>;
/// A REP socket on tokio.
pub type RepSocket<P = NoOpPermits> = socket::RepSocket<TokioStream, P>;
/// A PUB socket on tokio.
pub type PubSocket<P = NoOpPermits> = socket::PubSocket<TokioStream, P>;
/// A SUB socket on tokio.
pub type SubSocket<P = NoOpPermits> = socket::SubSocket<TokioStream, P>;
/// A XPUB socket on tokio.
pub type XPubSocket<P = NoOpPermits> = socket::XPubSocket<TokioStream, P>;
/// A XSUB socket on tokio.
pub type XSubSocket<P = NoOpPermits> = socket::XSubSocket<TokioStream, P>;
/// A PAIR socket on tokio.
pub type PairSocket<P = NoOpPermits> = socket::PairSocket<TokioStream, P>;

halves! {
    TokioStream:
    Dealer DealerSender DealerReceiver,
    Router RouterSender RouterReceiver,
    Req ReqSender ReqReceiver,
    Rep RepSender RepReceiver,
    XPub XPubSender XPubReceiver,
    XSub XSubSender XSubReceiver,
    Pair PairSender PairReceiver,
}

/// The sockets of tokio and everything that using them needs.
pub mod prelude {
    pub use super::{
        DealerReceiver, DealerSender, DealerSocket, PairReceiver, PairSender, PairSocket, PubSocket,
        PullSocket, PushSocket, RepReceiver, RepSender, RepSocket, ReqReceiver, ReqSender, ReqSocket,
        RouterReceiver, RouterSender, RouterSocket, SubSocket, XPubReceiver, XPubSender, XPubSocket,
        XSubReceiver, XSubSender, XSubSocket,
    };
    pub use crate::prelude::*;
}

impl<T: Kind> Socket<T, TokioStream, NoOpPermits> {
    /// Makes a socket of a connected TCP stream, with default options; resolves when the handshake is
    /// done. It has a companion task and does not reconnect.
    ///
    /// # Errors
    /// What made the handshake fail; no tokio runtime.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the stream is closed.
    pub async fn from_tcp(stream: ::tokio::net::TcpStream) -> Result<Self> {
        Self::from_tcp_with_options(stream, SocketOptions::default()).await
    }

    /// [`from_tcp`](Self::from_tcp) with options.
    ///
    /// # Errors
    /// As there, and for an option that cannot work.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the stream is closed.
    pub async fn from_tcp_with_options(
        stream: ::tokio::net::TcpStream,
        options: SocketOptions,
    ) -> Result<Self> {
        let stream = TokioStream::prepared(stream, &options.transport)?;
        Self::from_runtime_stream(stream, options).await
    }

    /// Makes a socket of a connected Unix stream; otherwise as [`from_tcp`](Self::from_tcp).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the stream is closed.
    #[cfg(unix)]
    pub async fn from_unix(stream: ::tokio::net::UnixStream) -> Result<Self> {
        Self::from_unix_with_options(stream, SocketOptions::default()).await
    }

    /// [`from_unix`](Self::from_unix) with options.
    ///
    /// # Errors
    /// As there, and for an option that cannot work.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the stream is closed.
    #[cfg(unix)]
    pub async fn from_unix_with_options(
        stream: ::tokio::net::UnixStream,
        options: SocketOptions,
    ) -> Result<Self> {
        let stream = TokioStream::prepared_unix(stream, &options.transport)?;
        Self::from_runtime_stream(stream, options).await
    }
}
