//! Requests under way.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::client::Client;
use crate::error::{Error, Result};
use crate::message::Message;
use crate::resilience::{BytePermits, NoOpPermits, Permit};
use crate::runtime::{AsyncStream, Runtime};

/// A request under way, of a client or of a borrow of one: its number, and its place.
pub(super) struct Begun<S: AsyncStream, P: BytePermits, C: Borrow<Client<S, P>>> {
    pub(super) number: u64,
    /// Given back after the request is finished: who gets it never finds more under way than there may be.
    _place: Permit,
    /// Last: it may be the last handle, with which the socket closes.
    client: C,
    kind: PhantomData<fn() -> Client<S, P>>,
}

impl<S: AsyncStream, P: BytePermits, C: Borrow<Client<S, P>>> Begun<S, P, C> {
    pub(super) fn new(client: C, place: Permit) -> Self {
        let number = client.borrow().bounded.socket.begin_request();
        Self { number, _place: place, client, kind: PhantomData }
    }
}

impl<S: AsyncStream, P: BytePermits, C: Borrow<Client<S, P>>> Drop for Begun<S, P, C> {
    fn drop(&mut self) {
        self.client.borrow().bounded.socket.finish_request(self.number);
    }
}

/// A request that was sent by [`Client::try_request`], and its reply to come.
///
/// It is a handle of its client, which stays open for it, and borrows nothing: it may be kept, and waited for by any task.
/// Dropped, it frees its place; what replies to it is dropped and counted.
///
/// A type or signature that names it imports `monocoque::tokio::PendingReply`, or that of `tokio_local`, `compio` or
/// `smol`; the preludes do not have it:
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use monocoque::tokio::PendingReply;
/// use monocoque::tokio::prelude::*;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> monocoque::Result<()> {
/// let server = Server::bind("tcp://127.0.0.1:0").await?;
/// # let serving = server.clone();
/// # tokio::spawn(async move {
/// #     while let Ok(request) = serving.next().await {
/// #         let _ = request.reply.send(request.message).await;
/// #     }
/// # });
/// let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
/// let asked: Vec<PendingReply> =
///     ["one", "two"].into_iter().map(|text| client.try_request(text)).collect::<Result<_, _>>()?;
/// assert_eq!(client.outstanding(), 2);
/// for pending in asked {
///     tokio::spawn(pending.reply()).await.unwrap()?;
/// }
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
#[must_use = "dropped, its reply is dropped too"]
pub struct PendingReply<S: AsyncStream, P: BytePermits = NoOpPermits> {
    begun: Begun<S, P, Client<S, P>>,
    /// To be sent again.
    message: Message,
}

impl<S, P> PendingReply<S, P>
where
    S: AsyncStream,
    S::Runtime: Runtime,
    P: BytePermits,
{
    pub(super) fn new(begun: Begun<S, P, Client<S, P>>, message: Message) -> Self {
        Self { begun, message }
    }

    /// Waits for the reply, for as long as the option `timeout` of the client says, from this call on.
    ///
    /// # Errors
    /// As [`Client::request`], without the message.
    ///
    /// # Cancel safety
    /// As [`Client::request`].
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
# tokio::spawn(async move {
#     while let Ok(request) = server.next().await {
#         let _ = request.reply.send(request.message).await;
#     }
# });
let pending = client.try_request("x")?;
assert_eq!(pending.reply().await?[0], "x");"#)]
    pub async fn reply(self) -> Result<Message> {
        let timeout = self.begun.client.timeout;
        self.wait(timeout).await
    }

    /// [`reply`](Self::reply) with a time limit of its own.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
use std::time::Duration;

let pending = client.try_request("x")?;
let late = pending.reply_within(Duration::from_millis(10)).await;
assert!(matches!(late, Err(Error::Timeout(TimeoutKind::Reply))));
# drop(server);"#)]
    pub async fn reply_within(self, limit: Duration) -> Result<Message> {
        self.wait(Some(limit)).await
    }

    async fn wait(self, limit: Option<Duration>) -> Result<Message> {
        let Self { begun, message } = &self;
        let mut limit = begun.client.limit(limit);
        begun.client.await_reply(begun.number, message, &mut limit).await.map_err(Error::from)
    }
}

impl<S: AsyncStream, P: BytePermits> fmt::Debug for PendingReply<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingReply").field("number", &self.begun.number).finish_non_exhaustive()
    }
}
