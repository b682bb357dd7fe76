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
    #[must_use]
    pub fn with_router_notify(mut self, when: RouterNotify) -> Self {
        self.types.router_notify = when;
        self
    }

    /// When a ROUTER is told of peers by a message.
    #[must_use]
    pub fn router_notify(&self) -> RouterNotify {
        self.types.router_notify
    }

    /// Whether each request carries a number that its reply must repeat; default false (REQ_CORRELATE). REP
    /// peers repeat it by themselves; a ROUTER that answers has to keep the whole envelope.
    #[must_use]
    pub fn with_req_correlate(mut self, on: bool) -> Self {
        self.types.req_correlate = on;
        self
    }

    /// Whether each request carries a number that its reply must repeat.
    #[must_use]
    pub fn req_correlate(&self) -> bool {
        self.types.req_correlate
    }

    /// Whether a REQ may send the next request before it has received the reply to the last, which is then
    /// given up; default false (REQ_RELAXED). A request whose `recv` was dropped can always be followed by
    /// another.
    #[must_use]
    pub fn with_req_relaxed(mut self, on: bool) -> Self {
        self.types.req_relaxed = on;
        self
    }

    /// Whether a REQ may send the next request before it has received the reply to the last.
    #[must_use]
    pub fn req_relaxed(&self) -> bool {
        self.types.req_relaxed
    }

    /// Whether a request whose peer is lost is sent again to the next peer, instead of failing `recv` with
    /// [`Error::PeerLost`](crate::Error::PeerLost); default false. The lost peer may have acted on it.
    #[must_use]
    pub fn with_req_resend(mut self, on: bool) -> Self {
        self.types.req_resend = on;
        self
    }

    /// Whether a request whose peer is lost is sent again.
    #[must_use]
    pub fn req_resend(&self) -> bool {
        self.types.req_resend
    }
}

/// PUB, SUB, XPUB and XSUB.
///
/// ```
/// use monocoque::SocketOptions;
///
/// let xpub = SocketOptions::default().with_xpub_manual(true).with_xpub_verboser(true);
/// // For a PUB whose subscribers come from anywhere.
/// let publisher =
///     SocketOptions::default().with_max_subscriptions(100).with_max_subscription_bytes(64 * 1024);
/// assert!(xpub.xpub_manual() && publisher.max_subscriptions() == 100);
/// ```
impl SocketOptions {
    /// Whether an XPUB receives every subscription, and not only the first to a topic; default false
    /// (XPUB_VERBOSE).
    #[must_use]
    pub fn with_xpub_verbose(mut self, on: bool) -> Self {
        self.types.xpub_verbose = on;
        self
    }

    /// Whether an XPUB receives every subscription.
    #[must_use]
    pub fn xpub_verbose(&self) -> bool {
        self.types.xpub_verbose
    }

    /// Whether an XPUB receives every subscription and every unsubscription; default false
    /// (XPUB_VERBOSER).
    #[must_use]
    pub fn with_xpub_verboser(mut self, on: bool) -> Self {
        self.types.xpub_verboser = on;
        self
    }

    /// Whether an XPUB receives every subscription and every unsubscription.
    #[must_use]
    pub fn xpub_verboser(&self) -> bool {
        self.types.xpub_verboser
    }

    /// Whether an XPUB leaves it to the application what a subscription means: after receiving one it calls
    /// `subscribe` or `unsubscribe` for that peer; default false (XPUB_MANUAL).
    #[must_use]
    pub fn with_xpub_manual(mut self, on: bool) -> Self {
        self.types.xpub_manual = on;
        self
    }

    /// Whether an XPUB leaves it to the application what a subscription means.
    #[must_use]
    pub fn xpub_manual(&self) -> bool {
        self.types.xpub_manual
    }

    /// As [`with_xpub_manual`](Self::with_xpub_manual), and the first message after a subscription was received goes
    /// only to the peer that made it: for caches of last values; default false (XPUB_MANUAL_LAST_VALUE).
    ///
    /// It is one message, whatever its topic, and the others never get it: answer each subscription before the next is
    /// received, with one message for all its values, and an empty one where there is none.
    #[must_use]
    pub fn with_xpub_manual_last_value(mut self, on: bool) -> Self {
        self.types.xpub_manual_last_value = on;
        self
    }

    /// Whether the first message after a subscription goes only to the peer that made it.
    #[must_use]
    pub fn xpub_manual_last_value(&self) -> bool {
        self.types.xpub_manual_last_value
    }

    /// Whether messages go to, and are received by, those whose subscriptions do *not* match; to be set on
    /// both sides, but for an XSUB, which takes what comes; default false (INVERT_MATCHING).
    #[must_use]
    pub fn with_invert_matching(mut self, on: bool) -> Self {
        self.types.invert_matching = on;
        self
    }

    /// Whether subscriptions name what is not wanted.
    #[must_use]
    pub fn invert_matching(&self) -> bool {
        self.types.invert_matching
    }

    /// Whether only the first frame of a message from an XSUB can be a subscription; default false: each
    /// frame that begins with a byte 0 or 1 is one (PUB, XPUB and XSUB; ONLY_FIRST_SUBSCRIBE).
    #[must_use]
    pub fn with_only_first_subscribe(mut self, on: bool) -> Self {
        self.types.only_first_subscribe = on;
        self
    }

    /// Whether only the first frame of a message can be a subscription.
    #[must_use]
    pub fn only_first_subscribe(&self) -> bool {
        self.types.only_first_subscribe
    }

    /// Whether an XSUB passes every unsubscription on, and not only the last of a topic that it subscribed
    /// to; default false (XSUB_VERBOSE_UNSUBSCRIBE).
    #[must_use]
    pub fn with_xsub_verbose_unsubscribe(mut self, on: bool) -> Self {
        self.types.xsub_verbose_unsubscribe = on;
        self
    }

    /// Whether an XSUB passes every unsubscription on.
    #[must_use]
    pub fn xsub_verbose_unsubscribe(&self) -> bool {
        self.types.xsub_verbose_unsubscribe
    }

    /// Topics that one peer may subscribe to; default 1,000,000. A peer that wants more is disconnected.
    ///
    /// All subscribers behind a proxy (XSUB and XPUB) are one peer here, with all their topics together: where they
    /// are many, raise this and the limit of bytes, and set those of the proxy's XPUB, which sees them one by one.
    #[must_use]
    pub fn with_max_subscriptions(mut self, most: usize) -> Self {
        self.types.max_subscriptions = most;
        self
    }

    /// Topics that one peer may subscribe to.
    #[must_use]
    pub fn max_subscriptions(&self) -> usize {
        self.types.max_subscriptions
    }

    /// Bytes of topics that one peer may subscribe to, all together; default 64 MiB. A peer that wants more
    /// is disconnected. Subscribers behind a proxy are one peer; see
    /// [`with_max_subscriptions`](Self::with_max_subscriptions).
    #[must_use]
    pub fn with_max_subscription_bytes(mut self, most: usize) -> Self {
        self.types.max_subscription_bytes = most;
        self
    }

    /// Bytes of topics that one peer may subscribe to.
    #[must_use]
    pub fn max_subscription_bytes(&self) -> usize {
        self.types.max_subscription_bytes
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
    #[must_use]
    pub fn with_conflate(mut self, on: bool) -> Self {
        self.types.conflate = on;
        self
    }

    /// Whether only the last message of each peer is kept.
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
    #[must_use]
    pub fn with_xpub_welcome_message(mut self, message: impl Into<Message>) -> Self {
        self.types.xpub_welcome_message = Some(message.into());
        self
    }

    /// The first message to each new subscriber.
    #[must_use]
    pub fn xpub_welcome_message(&self) -> Option<&Message> {
        self.types.xpub_welcome_message.as_ref()
    }

    /// The first message on every connection: DEALER and ROUTER; default none (HELLO_MSG).
    #[must_use]
    pub fn with_hello_message(mut self, message: impl Into<Message>) -> Self {
        self.types.hello_message = Some(message.into());
        self
    }

    /// The first message on every connection.
    #[must_use]
    pub fn hello_message(&self) -> Option<&Message> {
        self.types.hello_message.as_ref()
    }

    /// What is received in the name of an accepted peer when it is lost: DEALER and ROUTER;
    /// default none (DISCONNECT_MSG).
    #[must_use]
    pub fn with_disconnect_message(mut self, message: impl Into<Message>) -> Self {
        self.types.disconnect_message = Some(message.into());
        self
    }

    /// What is received in the name of an accepted peer when it is lost.
    #[must_use]
    pub fn disconnect_message(&self) -> Option<&Message> {
        self.types.disconnect_message.as_ref()
    }

    /// What is received when a connection that this socket made is lost: DEALER and ROUTER; default none
    /// (HICCUP_MSG).
    #[must_use]
    pub fn with_hiccup_message(mut self, message: impl Into<Message>) -> Self {
        self.types.hiccup_message = Some(message.into());
        self
    }

    /// What is received when a connection that this socket made is lost.
    #[must_use]
    pub fn hiccup_message(&self) -> Option<&Message> {
        self.types.hiccup_message.as_ref()
    }
}
