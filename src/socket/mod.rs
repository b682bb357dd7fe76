//! Sockets: one generic handle, and one small file of policy for each type.
//!
//! [`Socket`] carries all methods; what a type can do is decided by the traits that its marker
//! implements, so that calling `send` on a PULL socket does not compile:
//!
//! ```compile_fail,E0599
//! # use monocoque::socket::PullSocket;
//! # use monocoque::runtime::FuturesIo;
//! fn refused<T: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + 'static>(
//!     pull: PullSocket<FuturesIo<T>>,
//! ) {
//!     let _ = pull.send("PULL sockets have no such method");
//! }
//! ```

mod answering;
mod asking;
mod close;
mod endpoints;
mod flush;
mod from_stream;
mod inspect;
#[cfg(feature = "metrics")]
mod metrics;
mod open;
mod peer_ref;
mod reconnect;
mod recv;
pub(crate) mod relay;
mod reserve;
mod send;
mod send_many;
mod send_to;
mod spawn;
mod split;
mod stream_sink;
mod types;
mod wait;

use std::marker::PhantomData;
use std::sync::Arc;

pub(crate) use self::answering::{ReplyTo, RequestPlace};
pub use self::flush::Flushing;
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub use self::metrics::Collector;
pub use self::open::Host;
pub(crate) use self::open::current;
pub use self::peer_ref::PeerRef;
pub use self::recv::{Receiving, ReceivingMany};
pub use self::reserve::SendPermit;
pub use self::send::Sending;
pub use self::send_many::{SendingMany, Unsent};
pub use self::send_to::SendingTo;
pub use self::spawn::{SendHost, SendPermits, SendStream};
pub use self::split::{Receiver, Sender, SocketRecv, SocketSend};
use self::stream_sink::Polled;
#[cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
pub(crate) use self::types::socket_types;
pub use self::types::{
    Addressed, Answers, Asks, Dealer, DealerSocket, Kind, Pair, PairSocket, Pub, PubSocket, Publishes, Pull,
    PullSocket, Push, PushSocket, Receives, Rep, RepSocket, Req, ReqSocket, Requests, Router, RouterSocket,
    Sends, SendsToAny, Sub, SubSocket, Subscribes, Topical, XPub, XPubSocket, XSub, XSubSocket,
};
pub use crate::engine::CompanionTask;
use crate::engine::{BudgetId, Shared};
use crate::resilience::{BytePermits, NoOpPermits};
use crate::runtime::AsyncStream;

/// A ZeroMQ socket of type `T` over streams of type `S`, with byte permits of type `P`.
///
/// Use it through the alias of its type, [`DealerSocket`] for example, or better through that of a runtime's
/// prelude. All methods take `&self`; clones are handles of the
/// same socket, which closes with the last of them.
///
/// # Cancel safety
///
/// State lives in the socket and never in a future. Any future of this type may be dropped at any
/// await point; the sections of the methods say what that means for each.
pub struct Socket<T, S: AsyncStream, P: BytePermits = NoOpPermits> {
    shared: Arc<Shared<S>>,
    permits: P,
    /// Which budget that is.
    budget: BudgetId,
    /// What this handle has under way as a `Stream` and a `Sink`.
    polled: Polled<P>,
    kind: PhantomData<fn() -> T>,
}

impl<T, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    fn from_shared(shared: Arc<Shared<S>>, permits: P, budget: BudgetId) -> Self {
        Self { shared, permits, budget, polled: Polled::default(), kind: PhantomData }
    }

    /// This handle with its byte permits replaced; clones keep theirs, and messages that are queued
    /// already keep their accounting.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # async fn example() -> monocoque::Result<()> {
    /// use monocoque::resilience::SemaphorePermits;
    /// use monocoque::tokio::DealerSocket;
    ///
    /// let budget = SemaphorePermits::new(64 * 1024 * 1024);
    /// let dealer = DealerSocket::connect("tcp://127.0.0.1:5555").await?.with_permits(budget.clone());
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_permits<Q: BytePermits>(self, permits: Q) -> Socket<T, S, Q> {
        self.shared.add_handle();
        Socket::from_shared(Arc::clone(&self.shared), permits, BudgetId::new::<Q>())
    }
}

impl<T, S: AsyncStream, P: BytePermits> Clone for Socket<T, S, P> {
    fn clone(&self) -> Self {
        self.shared.add_handle();
        Self::from_shared(Arc::clone(&self.shared), self.permits.clone(), self.budget)
    }
}

impl<T, S: AsyncStream, P: BytePermits> Drop for Socket<T, S, P> {
    fn drop(&mut self) {
        self.polled.cancel(&self.shared);
        self.shared.remove_handle();
    }
}

impl<T: Kind, S: AsyncStream, P: BytePermits> std::fmt::Debug for Socket<T, S, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let peers = self.shared.with(|core| core.base.peers.live().count());
        f.debug_struct("Socket").field("type", &T::TYPE).field("peers", &peers).finish_non_exhaustive()
    }
}
