//! Options that say who may come in, and what for.

use std::future::Future;

use super::SocketOptions;
use crate::security::{AnyAuthenticator, Authenticator, Claim, Subscriber, SubscriptionFilter, Verdict};

/// Who may come in, and what for.
///
/// ```
/// use monocoque::SocketOptions;
/// use monocoque::security::{Claim, Verdict};
///
/// // For a PUB: who has sent no zone stays out, and topics of the house stay in it.
/// let options = SocketOptions::default()
///     .with_authenticator(async |claim: Claim| match claim.property("X-Zone") {
///         Some(zone) => Verdict::accept_as(String::from_utf8_lossy(zone)),
///         None => Verdict::deny("no zone"),
///     })
///     .with_subscription_filter(|subscriber, topic| {
///         subscriber.user.as_deref() == Some("north") || !topic.starts_with(b"internal.")
///     })
///     .with_max_connections_per_address(10);
/// assert!(options.has_authenticator() && options.has_subscription_filter());
/// ```
impl SocketOptions {
    /// Who decides about each peer before it is let in, whatever the security mechanism; default nobody, and then
    /// everybody may come in under NULL (libzmq's ZAP). [`guide::authenticator`](crate::guide::authenticator) says all
    /// about it.
    ///
    /// Until it has answered a peer is none: nothing that it sends is received, its identity and subscriptions
    /// count for nothing, and at most 8 KiB are kept of what it may say meanwhile. The time for the answer is a
    /// part of `handshake_timeout`; at most `max_handshakes` accepted peers are judged at once. A panic refuses
    /// the peer, as [`Verdict::Broken`]. What it answers is told by
    /// [`SocketEvent::HandshakeFailed`](crate::SocketEvent::HandshakeFailed) and counted by cause.
    ///
    /// It is asked about the peers that this socket dials as well. What such a peer may have sent by the time that
    /// it is refused is lost, since under NULL the side that dials says its READY first; it is dialled again after
    /// the backoff's delay. Peers over `inproc://` are of this process and come in unasked, as in libzmq.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use monocoque::endpoint::{Endpoint, Host};
    /// use monocoque::security::{Claim, Verdict};
    ///
    /// // Nobody but this machine.
    /// let options = SocketOptions::default().with_authenticator(async |claim: Claim| match claim.address {
    ///     Some(Endpoint::Tcp(tcp)) if matches!(tcp.host(), Host::Ip(ip) if ip.is_loopback()) => Verdict::accept(),
    ///     _ => Verdict::deny("from elsewhere"),
    /// });
    /// # drop(options);
    /// ```
    #[must_use]
    pub fn with_authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.authenticator = Some(AnyAuthenticator::new(authenticator));
        self
    }

    /// [`with_authenticator`](Self::with_authenticator) whose futures stay on the thread that they begin on, such as
    /// those of compio: for sockets that do so too. Others refuse to open
    /// ([`OptionError::LocalAuthenticator`](super::OptionError::LocalAuthenticator)).
    ///
    /// The closure itself must be `Send` and `Sync`, since options are.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use monocoque::security::{Claim, Verdict};
    /// use std::rc::Rc;
    ///
    /// // What it holds while it awaits need not be `Send`.
    /// let options = SocketOptions::default().with_local_authenticator(|claim: Claim| async move {
    ///     let zone = Rc::new(claim);
    ///     if zone.property("X-Zone").is_some() { Verdict::accept() } else { Verdict::deny("no zone") }
    /// });
    /// assert!(options.has_authenticator());
    /// ```
    #[must_use]
    pub fn with_local_authenticator<V>(
        mut self,
        authenticator: impl Fn(Claim) -> V + Send + Sync + 'static,
    ) -> Self
    where
        V: Future<Output = Verdict> + 'static,
    {
        self.authenticator = Some(AnyAuthenticator::local(authenticator));
        self
    }

    /// Who may subscribe to what (PUB and XPUB): asked about each subscription of each peer; default everybody to
    /// everything. libzmq has none.
    ///
    /// A subscription is for all topics that begin with its own, and an empty one for all that there are: what is
    /// allowed has to begin with what may be seen. One that is refused is as if it had not come: the application of
    /// an XPUB does not see it. It is told by
    /// [`SocketEvent::SubscriptionRefused`](crate::SocketEvent::SubscriptionRefused), and counted in
    /// [`SocketStats::subscriptions_refused`](crate::monitor::SocketStats::subscriptions_refused); the peer is not told,
    /// and stays connected. What is allowed once stays so until the peer unsubscribes or leaves
    /// ([`disconnect_peer`](crate::socket::Socket::disconnect_peer)). It is asked about peers over `inproc://`,
    /// too, and not about what the application itself subscribes them to (`xpub_manual`).
    ///
    /// It is called under the lock of the socket: it must not call any socket, nor take long. A panic refuses.
    /// With `invert_matching`, where a subscription names what is not wanted, it is refused as an option.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// // Each user sees what is under its own name.
    /// let options = SocketOptions::default().with_subscription_filter(|subscriber, topic| {
    ///     let user = subscriber.user.as_deref().unwrap_or_default();
    ///     !user.is_empty() && topic.starts_with(format!("{user}/").as_bytes())
    /// });
    /// # drop(options);
    /// ```
    #[must_use]
    pub fn with_subscription_filter(
        mut self,
        allows: impl Fn(&Subscriber, &[u8]) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.types.subscription_filter = Some(SubscriptionFilter::new(allows));
        self
    }

    /// Whether somebody decides about subscriptions; see [`with_subscription_filter`](Self::with_subscription_filter).
    #[must_use]
    pub fn has_subscription_filter(&self) -> bool {
        self.types.subscription_filter.is_some()
    }

    /// Accepted connections that there may be at once from one IP address (IPv6: one /64 network), in the handshake
    /// or after it; default no limit. While there are as many, the oldest of them that is still in the handshake
    /// makes room for a new one from there; when there is none, the new one is hung up on.
    ///
    /// Peers that have no address, over `ipc://` or a stream of your own, are not counted, and neither are those
    /// that the socket dials. Behind one address there may be many clients: proxies, containers, networks.
    #[doc = example!(r#"let options = SocketOptions::default().with_max_connections(1000).with_max_connections_per_address(1);
let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await?;
let endpoint = pull.local_endpoint().unwrap();
let first = PushSocket::connect(&endpoint).await?;
assert!(PushSocket::connect(&endpoint).await.is_err(), "from the same address");
# drop(first);"#)]
    #[must_use]
    pub fn with_max_connections_per_address(mut self, connections: usize) -> Self {
        self.max_connections_per_address = connections;
        self
    }

    /// Accepted connections that there may be at once from one address; `None` for no limit;
    /// see [`with_max_connections_per_address`](Self::with_max_connections_per_address).
    #[must_use]
    pub fn max_connections_per_address(&self) -> Option<usize> {
        (self.max_connections_per_address != usize::MAX).then_some(self.max_connections_per_address)
    }

    /// Whether somebody decides about peers; see [`with_authenticator`](Self::with_authenticator).
    #[must_use]
    pub fn has_authenticator(&self) -> bool {
        self.authenticator.is_some()
    }
}
