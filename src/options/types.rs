//! Options of single socket types.

use super::SocketOptions;
use crate::message::Message;
use crate::security::SubscriptionFilter;

/// The part of [`SocketOptions`] that only some socket types look at.
#[derive(Clone, Debug)]
pub(crate) struct TypeOptions {
    pub(crate) router_notify: RouterNotify,
    pub(crate) req_correlate: bool,
    pub(crate) req_relaxed: bool,
    pub(crate) req_resend: bool,
    pub(crate) xpub_verbose: bool,
    pub(crate) xpub_verboser: bool,
    pub(crate) xpub_manual: bool,
    pub(crate) xpub_manual_last_value: bool,
    pub(crate) invert_matching: bool,
    pub(crate) only_first_subscribe: bool,
    pub(crate) xsub_verbose_unsubscribe: bool,
    pub(crate) subscription_filter: Option<SubscriptionFilter>,
    pub(crate) max_subscriptions: usize,
    pub(crate) max_subscription_bytes: usize,
    pub(crate) conflate: bool,
    pub(crate) xpub_welcome_message: Option<Message>,
    pub(crate) hello_message: Option<Message>,
    pub(crate) disconnect_message: Option<Message>,
    pub(crate) hiccup_message: Option<Message>,
}

impl Default for TypeOptions {
    fn default() -> Self {
        Self {
            router_notify: RouterNotify::Off,
            req_correlate: false,
            req_relaxed: false,
            req_resend: false,
            xpub_verbose: false,
            xpub_verboser: false,
            xpub_manual: false,
            xpub_manual_last_value: false,
            invert_matching: false,
            only_first_subscribe: false,
            xsub_verbose_unsubscribe: false,
            subscription_filter: None,
            max_subscriptions: 1_000_000,
            max_subscription_bytes: 64 * 1024 * 1024,
            conflate: false,
            xpub_welcome_message: None,
            hello_message: None,
            disconnect_message: None,
            hiccup_message: None,
        }
    }
}

/// When a ROUTER is told of its peers by messages.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum RouterNotify {
    /// Never.
    #[default]
    Off,
    /// When one connects.
    Connect,
    /// When one is lost.
    Disconnect,
    /// Both.
    Both,
}

/// When a new connection takes over an identity that another one has (ROUTER).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum RouterHandover {
    /// Never: it is refused as long as the other one is there, and may try again.
    Never,
    /// If it comes from where the other one came from, and is refused otherwise; the default.
    ///
    /// That is over tcp the same remote IP address, whatever the port; over ipc the same endpoint, which the
    /// rights on its file guard; on inproc always, and on a stream of your own never. Whom an authenticator has
    /// named is the same wherever it comes from, and nobody else is; where it has named nobody, a proven key
    /// stands for the peer. A client whose address has changed waits until its old connection has gone.
    #[default]
    SameOrigin,
    /// Always: whoever can connect can take every peer's messages by its identity.
    Always,
}

impl From<bool> for RouterHandover {
    /// libzmq's ROUTER_HANDOVER: `true` for [`Always`](Self::Always), `false` for [`Never`](Self::Never).
    fn from(on: bool) -> Self {
        if on { Self::Always } else { Self::Never }
    }
}

/// ROUTER and REQ.
///
/// ```
/// use monocoque::SocketOptions;
/// use monocoque::options::RouterNotify;
///
/// let router = SocketOptions::default().with_router_notify(RouterNotify::Both);
/// let req = SocketOptions::default().with_req_correlate(true).with_req_relaxed(true).with_req_resend(true);
/// assert!(router.router_notify() == RouterNotify::Both && req.req_relaxed());
/// ```
impl SocketOptions {
    /// Whether a ROUTER gets `[identity, ""]` as a message when a peer connects or disconnects; default off
    /// (ROUTER_NOTIFY). With [`RouterNotify::Both`] the two look alike, and only who keeps
    /// count of its peers can tell them apart.
    #[doc = example!(r#"let options = SocketOptions::default().with_router_notify(RouterNotify::Connect);
let router = RouterSocket::bind_with_options("inproc://notify", options).await?;
let options = SocketOptions::default().with_identity("worker-7");
let worker = DealerSocket::connect_with_options("inproc://notify", options).await?;
assert_eq!(router.recv().await?, ["worker-7", ""].into());
# drop(worker);"#)]
    #[must_use]
    pub fn with_router_notify(mut self, when: RouterNotify) -> Self {
        self.types.router_notify = when;
        self
    }

    /// When a ROUTER is told of peers by a message; see [`with_router_notify`](Self::with_router_notify).
    #[must_use]
    pub fn router_notify(&self) -> RouterNotify {
        self.types.router_notify
    }

    /// Whether each request carries a number that its reply must repeat; default false (REQ_CORRELATE). REP
    /// peers repeat it by themselves; a ROUTER that answers has to keep the whole envelope.
    #[doc = example!(r#"let router = RouterSocket::bind("inproc://correlate").await?;
let options = SocketOptions::default().with_req_correlate(true);
let req = ReqSocket::connect_with_options("inproc://correlate", options).await?;
req.send("question").await?;
let envelope = router.recv().await?;
// The identity, the number, the delimiter, and the question.
assert_eq!((envelope.len(), &envelope[1].len(), &envelope[3][..]), (4, &4, &b"question"[..]));"#)]
    #[must_use]
    pub fn with_req_correlate(mut self, on: bool) -> Self {
        self.types.req_correlate = on;
        self
    }

    /// Whether each request carries a number that its reply must repeat;
    /// see [`with_req_correlate`](Self::with_req_correlate).
    #[must_use]
    pub fn req_correlate(&self) -> bool {
        self.types.req_correlate
    }

    /// Whether a REQ may send the next request before it has received the reply to the last, which is then
    /// given up; default false (REQ_RELAXED). A request whose `recv` was dropped can always be followed by
    /// another.
    #[doc = example!(r#"let rep = RepSocket::bind("inproc://relaxed").await?;
// Together, so that a late reply is not taken for that to the next request.
let options = SocketOptions::default().with_req_relaxed(true).with_req_correlate(true);
let req = ReqSocket::connect_with_options("inproc://relaxed", options).await?;
req.send("given up").await?;
req.send("next").await?;
# drop(rep);"#)]
    #[must_use]
    pub fn with_req_relaxed(mut self, on: bool) -> Self {
        self.types.req_relaxed = on;
        self
    }

    /// Whether a REQ may send the next request before it has received the reply to the last;
    /// see [`with_req_relaxed`](Self::with_req_relaxed).
    #[must_use]
    pub fn req_relaxed(&self) -> bool {
        self.types.req_relaxed
    }

    /// Whether a request whose peer is lost is sent again to the next peer, instead of failing `recv` with
    /// [`Error::PeerLost`](crate::Error::PeerLost); default false. The lost peer may have acted on it.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// // For requests that may be carried out twice, and on no more than two servers that break down over them.
    /// let options = SocketOptions::default().with_req_resend(true).with_max_resends(2);
    /// assert!(options.req_resend());
    /// ```
    #[must_use]
    pub fn with_req_resend(mut self, on: bool) -> Self {
        self.types.req_resend = on;
        self
    }

    /// Whether a request whose peer is lost is sent again; see [`with_req_resend`](Self::with_req_resend).
    #[must_use]
    pub fn req_resend(&self) -> bool {
        self.types.req_resend
    }
}

/// Any type.
///
/// ```
/// use monocoque::SocketOptions;
///
/// assert!(SocketOptions::default().with_conflate(true).conflate());
/// ```
impl SocketOptions {
    /// Whether only the last message of each peer is kept, in both directions: PUSH, PULL, PUB, SUB and
    /// DEALER; default false (CONFLATE). What it replaces is dropped and counted. Marks do not matter then,
    /// and unlike in libzmq messages may have several frames.
    #[doc = example!(r#"let options = SocketOptions::default().with_conflate(true);
let pull = PullSocket::bind_with_options("inproc://conflate", options.clone()).await?;
let push = PushSocket::connect_with_options("inproc://conflate", options).await?;
push.send_many(["20 degrees", "21 degrees", "22 degrees"]).await?;
assert_eq!(pull.recv().await?[0], "22 degrees");"#)]
    #[must_use]
    pub fn with_conflate(mut self, on: bool) -> Self {
        self.types.conflate = on;
        self
    }

    /// Whether only the last message of each peer is kept; see [`with_conflate`](Self::with_conflate).
    #[must_use]
    pub fn conflate(&self) -> bool {
        self.types.conflate
    }
}

/// Messages that the socket sends or receives by itself.
///
/// ```
/// use monocoque::SocketOptions;
///
/// let options = SocketOptions::default()
///     .with_hello_message("here I am")
///     .with_disconnect_message("it has gone")
///     .with_hiccup_message("it was gone for a while");
/// assert_eq!(options.hello_message(), Some(&"here I am".into()));
/// ```
impl SocketOptions {
    /// The first message to each new subscriber, who has to subscribe to its first frame to see it; default
    /// none (PUB and XPUB; XPUB_WELCOME_MSG).
    #[doc = example!(r#"let options = SocketOptions::default().with_xpub_welcome_message(["welcome", "version 7"]);
let publisher = PubSocket::bind_with_options("inproc://welcome", options).await?;
let sub = SubSocket::connect("inproc://welcome").await?;
sub.subscribe("welcome")?;
assert_eq!(sub.recv().await?[1], "version 7");
# drop(publisher);"#)]
    #[must_use]
    pub fn with_xpub_welcome_message(mut self, message: impl Into<Message>) -> Self {
        self.types.xpub_welcome_message = Some(message.into());
        self
    }

    /// The first message to each new subscriber; see [`with_xpub_welcome_message`](Self::with_xpub_welcome_message).
    #[must_use]
    pub fn xpub_welcome_message(&self) -> Option<&Message> {
        self.types.xpub_welcome_message.as_ref()
    }

    /// The first message on every connection: DEALER and ROUTER; default none (HELLO_MSG).
    #[doc = example!(r#"let router = RouterSocket::bind("inproc://hello").await?;
let options = SocketOptions::default().with_hello_message("ready for work");
let worker = DealerSocket::connect_with_options("inproc://hello", options).await?;
let (_, message) = router.recv_from().await?;
assert_eq!(message[0], "ready for work");
# drop(worker);"#)]
    #[must_use]
    pub fn with_hello_message(mut self, message: impl Into<Message>) -> Self {
        self.types.hello_message = Some(message.into());
        self
    }

    /// The first message on every connection; see [`with_hello_message`](Self::with_hello_message).
    #[must_use]
    pub fn hello_message(&self) -> Option<&Message> {
        self.types.hello_message.as_ref()
    }

    /// What is received in the name of an accepted peer when it is lost: DEALER and ROUTER;
    /// default none (DISCONNECT_MSG).
    #[doc = example!(r#"let options = SocketOptions::default().with_disconnect_message("it has gone");
let router = RouterSocket::bind_with_options("inproc://gone", options).await?;
let options = SocketOptions::default().with_identity("worker-7");
let worker = DealerSocket::connect_with_options("inproc://gone", options).await?;
worker.close().await;
assert_eq!(router.recv().await?, ["worker-7", "it has gone"].into());"#)]
    #[must_use]
    pub fn with_disconnect_message(mut self, message: impl Into<Message>) -> Self {
        self.types.disconnect_message = Some(message.into());
        self
    }

    /// What is received in the name of an accepted peer when it is lost;
    /// see [`with_disconnect_message`](Self::with_disconnect_message).
    #[must_use]
    pub fn disconnect_message(&self) -> Option<&Message> {
        self.types.disconnect_message.as_ref()
    }

    /// What is received when a connection that this socket made is lost: DEALER and ROUTER; default none
    /// (HICCUP_MSG).
    #[doc = example!(r#"let options = SocketOptions::default().with_hiccup_message("ask for all again");
let router = RouterSocket::bind("inproc://hiccup").await?;
let client = DealerSocket::connect_with_options("inproc://hiccup", options).await?;
router.close().await;
assert_eq!(client.recv().await?[0], "ask for all again");"#)]
    #[must_use]
    pub fn with_hiccup_message(mut self, message: impl Into<Message>) -> Self {
        self.types.hiccup_message = Some(message.into());
        self
    }

    /// What is received when a connection that this socket made is lost;
    /// see [`with_hiccup_message`](Self::with_hiccup_message).
    #[must_use]
    pub fn hiccup_message(&self) -> Option<&Message> {
        self.types.hiccup_message.as_ref()
    }
}
