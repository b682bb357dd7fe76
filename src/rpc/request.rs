//! What a server hands out: requests, and the handles for their replies.

use std::fmt;

use super::server::Unsettled;
use crate::error::{Error, SendError};
use crate::message::Message;
use crate::monitor::PeerId;
use crate::resilience::{BytePermits, NoOpPermits, Permit};
use crate::runtime::AsyncStream;
use crate::socket::{Answers, ReplyTo, Socket};

/// A request, and where its reply goes.
///
/// A type or signature that names it imports `monocoque::tokio::Request`, or that of `tokio_local`, `compio` or `smol`; the
/// preludes do not have it:
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use monocoque::tokio::Request;
/// use monocoque::tokio::prelude::*;
/// use std::sync::mpsc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> monocoque::Result<()> {
/// /// One of a pool of threads, for work that blocks.
/// fn work(requests: mpsc::Receiver<Request>, runtime: tokio::runtime::Handle) {
///     for Request { message, reply, .. } in requests {
///         // A client that has left, or does not read, is not waited for.
///         let _ = runtime.block_on(reply.send(message));
///     }
/// }
///
/// let server = Server::bind("tcp://127.0.0.1:0").await?;
/// let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
/// let (queue, requests) = mpsc::channel();
/// let runtime = tokio::runtime::Handle::current();
/// let thread = std::thread::spawn(move || work(requests, runtime));
/// let feeding = tokio::spawn(async move {
///     // What is queued is bounded by `max_outstanding`.
///     while let Ok(request) = server.next().await {
///         if queue.send(request).is_err() {
///             break;
///         }
///     }
/// });
/// assert_eq!(client.request("work").await?[0], "work");
/// # feeding.abort();
/// # let _ = feeding.await;
/// # thread.join().unwrap();
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Request<S: AsyncStream, P: BytePermits = NoOpPermits> {
    /// What was asked, without its envelope.
    pub message: Message,
    /// The handle for its reply.
    pub reply: Reply<S, P>,
}

/// The handle for the reply to one request: it is sent once, from any task.
///
/// Dropped, the request is not answered: that is told by an event, and counted, as
/// [`DropCause::Unanswered`](crate::monitor::DropCause::Unanswered). The client is told nothing; it has its time limit.
pub struct Reply<S: AsyncStream, P: BytePermits = NoOpPermits> {
    socket: Socket<Answers, S, P>,
    peer: PeerId,
    to: Option<ReplyTo>,
    unsettled: Unsettled,
    /// The reply is on its way, or its loss has been told.
    told: bool,
    /// Given back after the request is settled.
    _place: Permit,
}

impl<S: AsyncStream, P: BytePermits> Reply<S, P> {
    pub(super) fn new(
        socket: Socket<Answers, S, P>,
        to: ReplyTo,
        unsettled: Unsettled,
        place: Permit,
    ) -> Self {
        Self { peer: to.peer, to: Some(to), socket, unsettled, told: false, _place: place }
    }

    /// The connection that the request came by, whose metadata [`Socket::peer`] tells while it lasts.
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
let asked = client.try_request("x")?;
let request = server.next().await?;
let peer = server.socket().peer(request.reply.peer()).expect("it is connected");
println!("{:?} asks from {:?}", peer.user, peer.address);
# drop(asked);"#)]
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// Sends the reply: resolves when it is accepted and on its way.
    ///
    /// It waits for byte permits, and for room at the client's mark only with
    /// [`OnFull::Wait`](crate::resilience::OnFull::Wait). What is accepted, and still queued when the client is lost,
    /// is counted and told by an event, as of any ROUTER; so is what gives way to newer replies with
    /// [`OnFull::DropOldest`](crate::resilience::OnFull::DropOldest).
    ///
    /// # Errors
    /// With the reply: [`Error::Unroutable`] if the client has left, even if it is connected again; [`Error::Full`] if it
    /// is at its mark since it does not read; both told by an event ([`MessagesDropped`](crate::SocketEvent::MessagesDropped)) and counted as well;
    /// [`Error::EmptyMessage`], and otherwise as `send` of a ROUTER: then the request counts as dropped.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, nothing was sent, and the request counts as dropped.
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
let asked = client.try_request("x")?;
let request = server.next().await?;
if let Err(refused) = request.reply.send("y").await {
    // It is told by an event and counted as well, so that most servers need not look.
    println!("{}", refused.error());
}
assert_eq!(asked.reply().await?[0], "y");"#)]
    pub async fn send(mut self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        let Some(to) = self.to.take() else { return Err(SendError::new(Error::InvalidState, message)) };
        let sent = self.socket.answer(to, message).await;
        self.told = match &sent {
            Ok(()) => true,
            Err(refused) => matches!(refused.error(), Error::Unroutable | Error::Full),
        };
        sent
    }
}

impl<S: AsyncStream, P: BytePermits> Drop for Reply<S, P> {
    fn drop(&mut self) {
        self.unsettled.remove();
        if self.told {
            self.socket.tell_settled();
        } else {
            self.socket.leave_unanswered(self.peer);
        }
    }
}

impl<S: AsyncStream, P: BytePermits> fmt::Debug for Reply<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("peer", &self.peer).finish_non_exhaustive()
    }
}
