//! The client.

use std::fmt;
use std::future::poll_fn;
use std::time::Duration;

use super::bounded::Bounded;
use super::options::ClientOptions;
use super::pending::{Begun, PendingReply};
use crate::endpoint::IntoEndpoint;
use crate::error::{Error, Result, SendError, TimeoutKind};
use crate::message::Message;
use crate::resilience::{BytePermits, NoOpPermits};
use crate::runtime::{AsyncStream, Limit, Runtime};
use crate::socket::{Asks, Host, Socket, current};

/// Many requests at once over one DEALER.
///
/// Clones and [replies to come](super::PendingReply) are handles of the same client, which closes with the last of them;
/// what they have under way is answered in any order, and bounded by `max_outstanding`, the marks of each server, and byte
/// permits. With several servers, by [`connect_to`](Socket::connect_to) of its [`socket`](Self::socket), requests go to
/// those that are connected in turn; while none is, they wait with their callers, and not in the socket, so that none is sent that nobody waits
/// for any more (with [`WhileDisconnected::Fail`](crate::resilience::WhileDisconnected::Fail) they fail).
///
/// Code that is generic over the runtime needs `S: AsyncStream<Runtime: Runtime>` to use one, and `S::Runtime: Host<S>` to
/// open one ([`Host`], [`Runtime`]).
///
/// Replies come by number: one that is late, doubled or made up is dropped, counted as
/// [`DropCause::Unexpected`](crate::monitor::DropCause::Unexpected) and told by an event. When a server is lost, its
/// requests fail or are sent again ([`OnServerLost`](super::OnServerLost)), and the client reconnects by itself. That
/// a server is lost is noticed as for any socket: see `heartbeat_interval` for those that fall silent.
///
/// # Cancel safety
/// Any future of it may be dropped at any await point. A request that was dropped frees its place at once, and was sent
/// or was not; its reply is never taken for another.
pub struct Client<S: AsyncStream, P: BytePermits = NoOpPermits> {
    pub(super) bounded: Bounded<Asks, S, P>,
    pub(super) timeout: Option<Duration>,
    resends: Option<u32>,
}

/// How a request ends without a reply: with the message, if it was never sent.
type Unanswered = SendError<Option<Message>>;

impl<S> Client<S, NoOpPermits>
where
    S: AsyncStream,
    S::Runtime: Host<S>,
{
    /// Connects to a server, with default options; see [`connect_with_options`](Self::connect_with_options).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the attempt is abandoned.
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
# tokio::spawn(async move {
#     while let Ok(request) = server.next().await {
#         let _ = request.reply.send(request.message).await;
#     }
# });
assert_eq!(client.request("hello").await?[0], "hello");"#)]
    pub async fn connect(endpoint: impl IntoEndpoint) -> Result<Self> {
        Self::connect_with_options(endpoint, ClientOptions::default()).await
    }

    /// Connects to a server: one attempt, which ends with the handshake. Afterwards the client reconnects by itself.
    ///
    /// # Errors
    /// What made the attempt fail, as for [`Socket::connect_with_options`]; an option that cannot work; no runtime.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the attempt is abandoned.
    #[doc = example!(r#"use std::time::Duration;

let server = Server::bind("tcp://127.0.0.1:0").await?;
let options = ClientOptions::default().with_timeout(Duration::from_secs(5));
let endpoint = server.socket().local_endpoint().unwrap();
let client = Client::connect_with_options(endpoint, options).await?;
# drop(client);"#)]
    pub async fn connect_with_options(endpoint: impl IntoEndpoint, options: ClientOptions) -> Result<Self> {
        options.check()?;
        let runtime = current::<S>()?;
        let socket = Socket::connect_on(&runtime, endpoint, options.socket().clone()).await?;
        Ok(Self::new_over(Bounded::over(socket, runtime, options.settings()), &options))
    }

    /// Opens a client without any endpoint: its [`socket`](Self::socket) connects, now and whenever it is asked to, or
    /// binds.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # async fn example() -> monocoque::Result<()> {
    /// use monocoque::tokio::prelude::*;
    ///
    /// let client = Client::new(ClientOptions::default())?;
    /// for server in ["tcp://10.0.0.1:5555", "tcp://10.0.0.2:5555"] {
    ///     client.socket().connect_to(server)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An option that cannot work; no runtime.
    pub fn new(options: ClientOptions) -> Result<Self> {
        Self::new_on(&current::<S>()?, options)
    }

    /// [`new`](Self::new) on a given runtime, wherever the caller runs.
    ///
    /// # Errors
    /// An option that cannot work.
    #[doc = example!(r#"use monocoque::runtime::Runtime;
use monocoque::runtime::tokio::TokioRuntime;

let runtime = TokioRuntime::current().expect("there is one");
let client = Client::new_on(&runtime, ClientOptions::default())?;
client.socket().connect_to("tcp://127.0.0.1:1")?;"#)]
    pub fn new_on(host: &S::Runtime, options: ClientOptions) -> Result<Self> {
        options.check()?;
        Ok(Self::new_over(Bounded::open(host, options.settings())?, &options))
    }

    fn new_over(bounded: Bounded<Asks, S, NoOpPermits>, options: &ClientOptions) -> Self {
        Self { bounded, timeout: options.timeout(), resends: options.resends() }
    }
}

impl<S, P> Client<S, P>
where
    S: AsyncStream,
    S::Runtime: Runtime,
    P: BytePermits,
{
    /// This handle with its byte permits replaced; clones keep theirs. A request has a permit until it is written.
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
# tokio::spawn(async move {
#     while let Ok(request) = server.next().await {
#         let _ = request.reply.send(request.message).await;
#     }
# });
// One budget for what several clients and sockets have queued.
let budget = SemaphorePermits::new(64 * 1024 * 1024);
let client = client.with_permits(budget.clone());
client.request("paid for until it is written").await?;
assert_eq!(budget.in_use(), 0);"#)]
    pub fn with_permits<Q: BytePermits>(self, permits: Q) -> Client<S, Q> {
        let Self { bounded, timeout, resends } = self;
        Client { bounded: bounded.with_permits(permits), timeout, resends }
    }

    /// The DEALER that the requests go through: for its endpoints, its figures, its events, and to close it.
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
println!("{:?}", client.socket().stats());
let mut events = client.socket().monitor();
client.socket().close().await;
while let Some(event) = events.next().await {
    println!("{event}");
}
# drop(server);"#)]
    pub fn socket(&self) -> &Socket<Asks, S, P> {
        &self.bounded.socket
    }

    /// Requests under way: those that were sent, or wait to be, and whose futures have not ended.
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
let asked = client.try_request("x")?;
assert_eq!(client.outstanding(), 1);
drop(asked);
assert_eq!(client.outstanding(), 0);"#)]
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.socket().requests()
    }

    /// Sends a request and waits for the reply, for as long as the option `timeout` says.
    ///
    /// Waits first while `max_outstanding` requests are under way, then as a DEALER does: for byte permits, for a
    /// server, and for room below its mark.
    ///
    /// # Errors
    /// With the message if it was not sent, without it if it was, and may or may not have been acted on:
    /// [`Error::Timeout`] of the kind [`Reply`](TimeoutKind::Reply); [`Error::Closed`] and
    /// [`Error::CompanionGone`]. Only with it: whatever `send` of a DEALER fails with. Only without it:
    /// [`Error::PeerLost`] if its server is lost before it replies.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the request may or may not have been sent; what replies to it is dropped and
    /// counted.
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
# tokio::spawn(async move {
#     while let Ok(request) = server.next().await {
#         let _ = request.reply.send(request.message).await;
#     }
# });
match client.request("what is it?").await {
    Ok(reply) => println!("{reply:?}"),
    Err(failed) => match failed.into_parts() {
        (error, Some(unsent)) => println!("{unsent:?} was not sent: {error}"),
        (error, None) => println!("it may or may not have been acted on: {error}"),
    },
}"#)]
    pub async fn request(&self, message: impl Into<Message>) -> Result<Message, Unanswered> {
        self.exchange(message.into(), self.timeout).await
    }

    /// [`request`](Self::request) with a time limit of its own, from the call to the reply.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
use std::time::Duration;

// Nobody answers.
let late = client.request_within("x", Duration::from_millis(10)).await.unwrap_err();
assert!(matches!(late.error(), Error::Timeout(TimeoutKind::Reply)));
# drop(server);"#)]
    pub async fn request_within(
        &self,
        message: impl Into<Message>,
        limit: Duration,
    ) -> Result<Message, Unanswered> {
        self.exchange(message.into(), Some(limit)).await
    }

    /// Sends a request if that needs no waiting; the reply is waited for by what it returns, in any task.
    ///
    /// # Errors
    /// With the message: [`Error::WouldBlock`] if `max_outstanding` requests are under way, or where
    /// [`request`](Self::request) would wait for anything else; otherwise as `try_send` of a DEALER.
    #[doc = example!(r#"let server = Server::bind("tcp://127.0.0.1:0").await?;
let client = Client::connect(server.socket().local_endpoint().unwrap()).await?;
# tokio::spawn(async move {
#     while let Ok(request) = server.next().await {
#         let _ = request.reply.send(request.message).await;
#     }
# });
let pending = client.try_request("now or never")?;
// Something else, and then:
assert_eq!(pending.reply().await?[0], "now or never");"#)]
    pub fn try_request(&self, message: impl Into<Message>) -> Result<PendingReply<S, P>, SendError> {
        let message = message.into();
        if message.is_empty() {
            return Err(SendError::new(Error::EmptyMessage, message));
        }
        let Some(place) = self.bounded.try_place() else {
            return Err(SendError::new(Error::WouldBlock, message));
        };
        let begun = Begun::new(self.clone(), place);
        match self.socket().try_ask(begun.number, &message) {
            Ok(()) => Ok(PendingReply::new(begun, message)),
            Err(refused) => Err(SendError::new(refused.into(), message)),
        }
    }

    async fn exchange(&self, message: Message, limit: Option<Duration>) -> Result<Message, Unanswered> {
        if message.is_empty() {
            return Err(SendError::new(Error::EmptyMessage, Some(message)));
        }
        let mut limit = self.limit(limit);
        let begun = match self.begin(&mut limit).await {
            Ok(begun) => begun,
            Err(error) => return Err(SendError::new(error, Some(message))),
        };
        match self.ask(begun.number, &message, &mut limit).await {
            Ok(()) => self.await_reply(begun.number, &message, &mut limit).await,
            Err(error) => Err(SendError::new(error, Some(message))),
        }
    }

    pub(super) fn limit(&self, limit: Option<Duration>) -> Limit<S::Runtime> {
        Limit::new(&self.bounded.runtime, limit)
    }

    /// Waits for a place among those under way.
    async fn begin(&self, limit: &mut Limit<S::Runtime>) -> Result<Begun<S, P, &Self>> {
        let place = match self.bounded.try_place() {
            Some(place) => place,
            None => {
                let place = self.socket().unless_ended(self.bounded.place());
                limit.race(place).await.unwrap_or_else(timed_out)?
            }
        };
        Ok(Begun::new(self, place))
    }

    async fn ask(&self, number: u64, message: &Message, limit: &mut Limit<S::Runtime>) -> Result<()> {
        match limit.race(self.socket().ask(number, message)).await {
            Some(Ok(())) => Ok(()),
            Some(Err(refused)) => Err(refused.into()),
            None => timed_out(),
        }
    }

    /// Waits for the reply to what was sent, which is sent again when its server is lost, if that is wanted.
    pub(super) async fn await_reply(
        &self,
        number: u64,
        message: &Message,
        limit: &mut Limit<S::Runtime>,
    ) -> Result<Message, Unanswered> {
        let mut resent = 0;
        loop {
            let reply = poll_fn(|cx| self.socket().poll_reply(number, cx));
            let reply = limit.race(reply).await.unwrap_or_else(timed_out);
            let again =
                matches!(reply, Err(Error::PeerLost)) && self.resends.is_none_or(|most| resent < most);
            if !again {
                return reply.map_err(|error| SendError::new(error, None));
            }
            resent += 1;
            if let Err(error) = self.ask(number, message, limit).await {
                return Err(SendError::new(error, None));
            }
        }
    }
}

/// The time is up.
fn timed_out<T>() -> Result<T> {
    Err(Error::Timeout(TimeoutKind::Reply))
}

impl<S, P> Clone for Client<S, P>
where
    S: AsyncStream,
    S::Runtime: Clone,
    P: BytePermits,
{
    fn clone(&self) -> Self {
        Self { bounded: self.bounded.clone(), timeout: self.timeout, resends: self.resends }
    }
}

impl<S: AsyncStream, P: BytePermits> fmt::Debug for Client<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("socket", &self.bounded.socket)
            .field("outstanding", &self.bounded.socket.requests())
            .finish_non_exhaustive()
    }
}
