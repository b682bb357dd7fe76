//! Options of PUB, SUB, XPUB and XSUB.

use super::SocketOptions;

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
    #[doc = example!(r#"let options = SocketOptions::default().with_xpub_verbose(true);
let xpub = XPubSocket::bind_with_options("inproc://verbose", options).await?;
for _ in 0..2 {
    let sub = SubSocket::connect("inproc://verbose").await?;
    sub.subscribe("news.")?;
    // For each of them, though the topic is known after the first.
    assert_eq!(xpub.recv().await?[0], b"\x01news.");
#     std::mem::forget(sub);
}"#)]
    #[must_use]
    pub fn with_xpub_verbose(mut self, on: bool) -> Self {
        self.types.xpub_verbose = on;
        self
    }

    /// Whether an XPUB receives every subscription; see [`with_xpub_verbose`](Self::with_xpub_verbose).
    #[must_use]
    pub fn xpub_verbose(&self) -> bool {
        self.types.xpub_verbose
    }

    /// Whether an XPUB receives every subscription and every unsubscription; default false
    /// (XPUB_VERBOSER).
    #[doc = example!(r#"let options = SocketOptions::default().with_xpub_verboser(true);
let xpub = XPubSocket::bind_with_options("inproc://verboser", options).await?;
# let subs = [SubSocket::connect("inproc://verboser").await?, SubSocket::connect("inproc://verboser").await?];
for sub in &subs {
    sub.subscribe("news.")?;
    assert_eq!(xpub.recv().await?[0], b"\x01news.");
}
subs[0].unsubscribe("news.")?;
// Though the other one still has the topic.
assert_eq!(xpub.recv().await?[0], b"\x00news.");"#)]
    #[must_use]
    pub fn with_xpub_verboser(mut self, on: bool) -> Self {
        self.types.xpub_verboser = on;
        self
    }

    /// Whether an XPUB receives every subscription and every unsubscription;
    /// see [`with_xpub_verboser`](Self::with_xpub_verboser).
    #[must_use]
    pub fn xpub_verboser(&self) -> bool {
        self.types.xpub_verboser
    }

    /// Whether an XPUB leaves it to the application what a subscription means: after receiving one it calls
    /// `subscribe` or `unsubscribe` for that peer; default false (XPUB_MANUAL).
    #[doc = example!(r#"let options = SocketOptions::default().with_xpub_manual(true);
let xpub = XPubSocket::bind_with_options("inproc://manual", options).await?;
# let sub = SubSocket::connect("inproc://manual").await?;
sub.subscribe("news.")?;
assert_eq!(xpub.recv().await?[0], b"\x01news.");
// The one that asked gets part of what it asked for.
xpub.subscribe("news.local.")?;
assert_eq!(xpub.topic_count(), 1);"#)]
    #[must_use]
    pub fn with_xpub_manual(mut self, on: bool) -> Self {
        self.types.xpub_manual = on;
        self
    }

    /// Whether an XPUB leaves it to the application what a subscription means;
    /// see [`with_xpub_manual`](Self::with_xpub_manual).
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

    /// Whether the first message after a subscription goes only to the peer that made it;
    /// see [`with_xpub_manual_last_value`](Self::with_xpub_manual_last_value).
    #[must_use]
    pub fn xpub_manual_last_value(&self) -> bool {
        self.types.xpub_manual_last_value
    }

    /// Whether messages go to, and are received by, those whose subscriptions do *not* match; to be set on
    /// both sides, but for an XSUB, which takes what comes; default false (INVERT_MATCHING).
    #[doc = example!(r#"let options = SocketOptions::default().with_invert_matching(true);
let xpub = XPubSocket::bind_with_options("inproc://inverted", options.clone()).await?;
let sub = SubSocket::connect_with_options("inproc://inverted", options).await?;
sub.subscribe("debug.")?;
# xpub.recv().await?;
xpub.send_many(["debug.trifles", "alarm"]).await?;
assert_eq!(sub.recv().await?[0], "alarm");"#)]
    #[must_use]
    pub fn with_invert_matching(mut self, on: bool) -> Self {
        self.types.invert_matching = on;
        self
    }

    /// Whether subscriptions name what is not wanted; see [`with_invert_matching`](Self::with_invert_matching).
    #[must_use]
    pub fn invert_matching(&self) -> bool {
        self.types.invert_matching
    }

    /// Whether only the first frame of a message from an XSUB can be a subscription; default false: each
    /// frame that begins with a byte 0 or 1 is one (PUB, XPUB and XSUB; ONLY_FIRST_SUBSCRIBE).
    #[doc = example!(r#"let options = SocketOptions::default().with_only_first_subscribe(true);
let xpub = XPubSocket::bind_with_options("inproc://first", options.clone()).await?;
let xsub = XSubSocket::connect_with_options("inproc://first", options).await?;
// Binary behind the first frame, which may begin with whatever byte.
xsub.send((b"note", b"\x01\x02\x03")).await?;
assert_eq!((xpub.recv().await?.len(), xpub.topic_count()), (2, 0));"#)]
    #[must_use]
    pub fn with_only_first_subscribe(mut self, on: bool) -> Self {
        self.types.only_first_subscribe = on;
        self
    }

    /// Whether only the first frame of a message can be a subscription;
    /// see [`with_only_first_subscribe`](Self::with_only_first_subscribe).
    #[must_use]
    pub fn only_first_subscribe(&self) -> bool {
        self.types.only_first_subscribe
    }

    /// Whether an XSUB passes every unsubscription on, and not only the last of a topic that it subscribed
    /// to; default false (XSUB_VERBOSE_UNSUBSCRIBE).
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// // Both sides of a proxy that hides no subscription and no unsubscription from the publishers.
    /// let xsub = SocketOptions::default().with_xsub_verbose_unsubscribe(true);
    /// let xpub = SocketOptions::default().with_xpub_verboser(true);
    /// assert!(xsub.xsub_verbose_unsubscribe() && xpub.xpub_verboser());
    /// ```
    #[must_use]
    pub fn with_xsub_verbose_unsubscribe(mut self, on: bool) -> Self {
        self.types.xsub_verbose_unsubscribe = on;
        self
    }

    /// Whether an XSUB passes every unsubscription on;
    /// see [`with_xsub_verbose_unsubscribe`](Self::with_xsub_verbose_unsubscribe).
    #[must_use]
    pub fn xsub_verbose_unsubscribe(&self) -> bool {
        self.types.xsub_verbose_unsubscribe
    }

    /// Topics that one peer may subscribe to; default 1,000,000. A peer that wants more is disconnected.
    ///
    /// All subscribers behind a proxy (XSUB and XPUB) are one peer here, with all their topics together: where they
    /// are many, raise this and the limit of bytes, and set those of the proxy's XPUB, which sees them one by one.
    #[doc = example!(r#"// A subscriber is held to its own limit, since it would be disconnected by that of the publisher.
let sub = SubSocket::new(SocketOptions::default().with_max_subscriptions(1))?;
sub.subscribe("news.")?;
assert!(matches!(sub.subscribe("sports."), Err(Error::SubscriptionLimit { max: 1, .. })));"#)]
    #[must_use]
    pub fn with_max_subscriptions(mut self, most: usize) -> Self {
        self.types.max_subscriptions = most;
        self
    }

    /// Topics that one peer may subscribe to; see [`with_max_subscriptions`](Self::with_max_subscriptions).
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

    /// Bytes of topics that one peer may subscribe to;
    /// see [`with_max_subscription_bytes`](Self::with_max_subscription_bytes).
    #[must_use]
    pub fn max_subscription_bytes(&self) -> usize {
        self.types.max_subscription_bytes
    }
}
