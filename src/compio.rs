//! Sockets on compio.
//!
//! ```
//! use monocoque::compio::prelude::*;
//!
//! # fn main() -> monocoque::Result<()> {
//! # compio::runtime::Runtime::new()?.block_on(async {
//! let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
//! let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
//! push.send("work").await?;
//! assert_eq!(&pull.recv().await?[0], "work");
//! # Ok(())
//! # })
//! # }
//! ```

use crate::error::Result;
use crate::options::SocketOptions;
use crate::resilience::NoOpPermits;
use crate::runtime::compio::CompioStream;
use crate::socket::{self, Kind, Socket, halves};

/// A DEALER socket on compio.
pub type DealerSocket<P = NoOpPermits> = socket::DealerSocket<CompioStream, P>;
/// A ROUTER socket on compio.
pub type RouterSocket<P = NoOpPermits> = socket::RouterSocket<CompioStream, P>;
/// A PUSH socket on compio.
pub type PushSocket<P = NoOpPermits> = socket::PushSocket<CompioStream, P>;
/// A PULL socket on compio.
pub type PullSocket<P = NoOpPermits> = socket::PullSocket<CompioStream, P>;
/// A REQ socket on compio.
pub type ReqSocket<P = NoOpPermits> = socket::ReqSocket<CompioStream, P>;
/// A REP socket on compio.
pub type RepSocket<P = NoOpPermits> = socket::RepSocket<CompioStream, P>;
/// A PUB socket on compio.
pub type PubSocket<P = NoOpPermits> = socket::PubSocket<CompioStream, P>;
/// A SUB socket on compio.
pub type SubSocket<P = NoOpPermits> = socket::SubSocket<CompioStream, P>;
/// A XPUB socket on compio.
pub type XPubSocket<P = NoOpPermits> = socket::XPubSocket<CompioStream, P>;
/// A XSUB socket on compio.
pub type XSubSocket<P = NoOpPermits> = socket::XSubSocket<CompioStream, P>;
/// A PAIR socket on compio.
pub type PairSocket<P = NoOpPermits> = socket::PairSocket<CompioStream, P>;

halves! {
    CompioStream:
    Dealer DealerSender DealerReceiver,
    Router RouterSender RouterReceiver,
    Req ReqSender ReqReceiver,
    Rep RepSender RepReceiver,
    XPub XPubSender XPubReceiver,
    XSub XSubSender XSubReceiver,
    Pair PairSender PairReceiver,
}

/// The sockets of compio and everything that using them needs.
pub mod prelude {
    pub use super::{
        DealerReceiver, DealerSender, DealerSocket, PairReceiver, PairSender, PairSocket, PubSocket,
        PullSocket, PushSocket, RepReceiver, RepSender, RepSocket, ReqReceiver, ReqSender, ReqSocket,
        RouterReceiver, RouterSender, RouterSocket, SubSocket, XPubReceiver, XPubSender, XPubSocket,
        XSubReceiver, XSubSender, XSubSocket,
    };
    pub use crate::prelude::*;
}

impl<T: Kind> Socket<T, CompioStream, NoOpPermits> {
    /// Makes a socket of a connected TCP stream, with default options; resolves when the handshake is
    /// done. It has a companion task and does not reconnect.
    ///
    /// # Errors
    /// What made the handshake fail; no compio runtime.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the stream is closed.
    pub async fn from_tcp(stream: ::compio::net::TcpStream) -> Result<Self> {
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
        stream: ::compio::net::TcpStream,
        options: SocketOptions,
    ) -> Result<Self> {
        let stream = CompioStream::prepared(stream, &options.transport)?;
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
    pub async fn from_unix(stream: ::compio::net::UnixStream) -> Result<Self> {
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
        stream: ::compio::net::UnixStream,
        options: SocketOptions,
    ) -> Result<Self> {
        let stream = CompioStream::prepared_unix(stream, &options.transport)?;
        Self::from_runtime_stream(stream, options).await
    }
}
