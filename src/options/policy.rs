//! Options of sending, and of single socket types.

use std::time::Duration;

use super::{RouterHandover, SocketOptions};
use crate::resilience::{FlushPolicy, OnCancel, OnFull, WhileDisconnected};

/// Sending, and what the types do.
///
/// ```
/// use monocoque::SocketOptions;
/// use monocoque::options::RouterHandover;
/// use monocoque::resilience::{FlushPolicy, OnCancel, OnFull, WhileDisconnected};
/// use std::time::Duration;
///
/// // For a PUSH that would rather fail than wait.
/// let push = SocketOptions::default()
///     .with_on_full(OnFull::Fail)
///     .with_while_disconnected(WhileDisconnected::Fail)
///     .with_send_timeout(Duration::from_secs(1))
///     .with_max_resends(None)
///     .with_on_cancel(OnCancel::Poison)
///     .with_flush_policy(FlushPolicy::Manual);
/// assert_eq!(push.on_full(), Some(OnFull::Fail));
///
/// // For a ROUTER that tells who is not there.
/// let router = SocketOptions::default()
///     .with_router_mandatory(true)
///     .with_router_handover(RouterHandover::Never)
///     .with_recv_timeout(Duration::from_secs(60));
/// assert!(router.router_mandatory());
/// ```
impl SocketOptions {
    /// What dropping a pending `send` or `flush` means; default [`OnCancel::Resume`].
    #[doc = example!(r#"# use std::time::Duration;
let options = SocketOptions::default().with_on_cancel(OnCancel::Poison).with_send_hwm(1);
let push = PushSocket::new(options)?;
push.connect_to("inproc://nobody-is-there-yet")?;
push.send("one").await?;
// What waits for room has nothing on the wire, and poisons nothing.
assert!(tokio::time::timeout(Duration::from_millis(5), push.send("two")).await.is_err());
assert!(!push.is_poisoned());"#)]
    #[must_use]
    pub fn with_on_cancel(mut self, on_cancel: OnCancel) -> Self {
        self.on_cancel = on_cancel;
        self
    }

    /// What dropping a pending `send` or `flush` means; see [`with_on_cancel`](Self::with_on_cancel).
    #[must_use]
    pub fn on_cancel(&self) -> OnCancel {
        self.on_cancel
    }

    /// When accepted messages are written; default [`FlushPolicy::Adaptive`].
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let options = SocketOptions::default().with_flush_policy(FlushPolicy::Manual);
let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options).await?;
push.send_many(["these", "go", "together"]).await?;
assert_eq!(push.buffered_messages(), 3);
push.flush().await?;
assert_eq!(push.stats().sent, 3);"#)]
    #[must_use]
    pub fn with_flush_policy(mut self, policy: FlushPolicy) -> Self {
        self.flush_policy = policy;
        self
    }

    /// When accepted messages are written; see [`with_flush_policy`](Self::with_flush_policy).
    #[must_use]
    pub fn flush_policy(&self) -> FlushPolicy {
        self.flush_policy
    }

    /// How long `recv` and its kin wait for a message before they fail with
    /// [`Error::Timeout`](crate::Error::Timeout); default `None`: for ever (RCVTIMEO; 0 is `try_recv`).
    #[doc = example!(r#"# use std::time::Duration;
let limit = Duration::from_millis(5);
let pull = PullSocket::new(SocketOptions::default().with_recv_timeout(limit))?;
pull.bind_to("inproc://nothing-comes").await?;
assert!(matches!(pull.recv().await, Err(Error::Timeout(TimeoutKind::Recv))));"#)]
    #[must_use]
    pub fn with_recv_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.recv_timeout = limit.into();
        self
    }

    /// How long `recv` waits for a message; see [`with_recv_timeout`](Self::with_recv_timeout).
    #[must_use]
    pub fn recv_timeout(&self) -> Option<Duration> {
        self.recv_timeout
    }

    /// How long `recv` and its kin look again and again before their task sleeps; default zero, at most 1 ms.
    ///
    /// What comes within that time is received without the detour by which a sleeping thread is woken, which takes the
    /// larger part of a round trip between two cores; the price is a core that is busy meanwhile. Other tasks of the
    /// thread have their turns in between. It pays where a reply is awaited that comes soon and a core is to spare, and
    /// costs where the peer shares the core.
    #[doc = example!(r#"# use std::time::Duration;
// A client whose server answers within some 20 microseconds.
let options = SocketOptions::default().with_recv_spin(Duration::from_micros(50));
assert!(ReqSocket::new(options).is_ok());
assert!(ReqSocket::new(SocketOptions::default().with_recv_spin(Duration::from_millis(2))).is_err());"#)]
    #[must_use]
    pub fn with_recv_spin(mut self, spin: Duration) -> Self {
        self.recv_spin = spin;
        self
    }

    /// How long `recv` looks again and again before it sleeps; see [`with_recv_spin`](Self::with_recv_spin).
    #[must_use]
    pub fn recv_spin(&self) -> Duration {
        self.recv_spin
    }

    /// How long `send` and its kin wait for room or a peer before they fail with
    /// [`Error::Timeout`](crate::Error::Timeout) and give the message back; default `None`: for ever
    /// (SNDTIMEO; 0 is `try_send`).
    #[doc = example!(r#"# use std::time::Duration;
let options = SocketOptions::default().with_send_timeout(Duration::from_millis(5));
let push = PushSocket::new(options)?;
push.bind_to("inproc://nobody-comes").await?;
let refused = push.send("for somebody else").await.unwrap_err();
assert!(matches!(refused.error(), Error::Timeout(TimeoutKind::Send)));
assert_eq!(refused.into_message()[0], "for somebody else");"#)]
    #[must_use]
    pub fn with_send_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.send_timeout = limit.into();
        self
    }

    /// How long `send` waits for room or a peer; see [`with_send_timeout`](Self::with_send_timeout).
    #[must_use]
    pub fn send_timeout(&self) -> Option<Duration> {
        self.send_timeout
    }

    /// What becomes of a message whose peers are at their marks; default `None`: what the socket type does
    /// in libzmq. ROUTER, REP, PUB, XPUB and XSUB drop, so that no peer stops a service; the others wait. PULL and
    /// SUB do not send, and have no such option. [`OnFull::DropOldest`] and [`OnFull::Disconnect`] only some types have.
    #[doc = example!(r#"let options = SocketOptions::default().with_recv_hwm(1);
let pull = PullSocket::bind_with_options("inproc://full", options).await?;
let options = SocketOptions::default().with_send_hwm(1).with_on_full(OnFull::Fail);
let push = PushSocket::connect_with_options("inproc://full", options).await?;
push.send_many(["one for each", "mark"]).await?;
// Where it would have waited.
assert!(matches!(push.send("more").await.unwrap_err().error(), Error::Full));
# drop(pull);"#)]
    #[must_use]
    pub fn with_on_full(mut self, on_full: impl Into<Option<OnFull>>) -> Self {
        self.on_full = on_full.into();
        self
    }

    /// What becomes of a message whose peers are at their marks; `None` for the type's default;
    /// see [`with_on_full`](Self::with_on_full).
    #[must_use]
    pub fn on_full(&self) -> Option<OnFull> {
        self.on_full
    }

    /// Whether a message for many is held back until all of them have room.
    pub(crate) fn holds_back(&self) -> bool {
        matches!(self.on_full, Some(OnFull::Wait | OnFull::Fail))
    }

    /// Whether a PUB or XPUB waits for its slowest subscriber instead of dropping: short for
    /// [`OnFull::Wait`]; default false (XPUB_NODROP).
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use monocoque::resilience::OnFull;
    ///
    /// let options = SocketOptions::default().with_xpub_nodrop(true);
    /// assert_eq!(options.on_full(), Some(OnFull::Wait));
    /// assert_eq!(options.with_xpub_nodrop(false).on_full(), None);
    /// ```
    #[must_use]
    pub fn with_xpub_nodrop(self, nodrop: bool) -> Self {
        self.with_on_full(nodrop.then_some(OnFull::Wait))
    }

    /// What becomes of a message while no peer is connected: PUSH, DEALER, REQ and PAIR; default
    /// [`WhileDisconnected::Queue`] (IMMEDIATE is [`WhileDisconnected::Wait`]).
    #[doc = example!(r#"let options = SocketOptions::default().with_while_disconnected(WhileDisconnected::Fail);
let push = PushSocket::new(options)?;
push.connect_to("inproc://nobody-is-there-yet")?;
let refused = push.send("now or never").await.unwrap_err();
assert!(matches!(refused.error(), Error::NotConnected));"#)]
    #[must_use]
    pub fn with_while_disconnected(mut self, policy: WhileDisconnected) -> Self {
        self.while_disconnected = policy;
        self
    }

    /// What becomes of a message while no peer is connected;
    /// see [`with_while_disconnected`](Self::with_while_disconnected).
    #[must_use]
    pub fn while_disconnected(&self) -> WhileDisconnected {
        self.while_disconnected
    }

    /// How many connections a message that peers do not take may cost: PUSH, DEALER, REQ and PAIR; default 3,
    /// `None` for any number.
    ///
    /// What a lost connection has half-written is sent again whole by PUSH, DEALER, REQ and PAIR. If the reason
    /// is that the peer refuses it (it is over its `max_message_size`, say) that would go on for ever, with
    /// everything behind it waiting. So it is counted when the peer ends a connection (end of stream, reset,
    /// ERROR) in the middle of the first message on it, and after so many the message is dropped, counted as
    /// [`DropCause::Refused`](crate::monitor::DropCause::Refused), and told by an event; a REQ whose request it
    /// was fails its `recv`. With `req_resend` the same holds for a request that was wholly written and not
    /// replied to. A connection that ends for another reason (a timeout, our own doing), or after an earlier
    /// message, counts for nothing. 0 is as good as 1.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// // What may ruin whoever reads it goes to nobody else.
    /// let once = SocketOptions::default().with_max_resends(1);
    /// // What must arrive is tried for as long as it takes.
    /// let forever = SocketOptions::default().with_max_resends(None);
    /// assert_eq!((once.max_resends(), forever.max_resends()), (Some(1), None));
    /// ```
    #[must_use]
    pub fn with_max_resends(mut self, connections: impl Into<Option<u32>>) -> Self {
        self.max_resends = connections.into();
        self
    }

    /// How many connections a message that peers do not take may cost; `None` for any number;
    /// see [`with_max_resends`](Self::with_max_resends).
    #[must_use]
    pub fn max_resends(&self) -> Option<u32> {
        self.max_resends
    }

    /// Whether a ROUTER refuses messages that no peer can get: with an error for an unknown identity, by
    /// waiting for one at its mark unless [`with_on_full`](Self::with_on_full) says otherwise. Default false:
    /// they are dropped, counted and told by an event (ROUTER_MANDATORY).
    ///
    /// While a `send` waits for one peer, the loop around it serves no other.
    #[doc = example!(r#"let options = SocketOptions::default().with_router_mandatory(true);
let router = RouterSocket::bind_with_options("inproc://mandatory", options).await?;
let refused = router.send_to("not here", "hello").await.unwrap_err();
assert!(matches!(refused.error(), Error::Unroutable));"#)]
    #[must_use]
    pub fn with_router_mandatory(mut self, mandatory: bool) -> Self {
        self.router_mandatory = mandatory;
        self
    }

    /// Whether a ROUTER refuses messages that no peer can get;
    /// see [`with_router_mandatory`](Self::with_router_mandatory).
    #[must_use]
    pub fn router_mandatory(&self) -> bool {
        self.router_mandatory
    }

    /// When a new connection takes over an identity that another one has; default
    /// [`RouterHandover::SameOrigin`]. One that does not is refused before it sends anything, and keeps its
    /// messages (ROUTER_HANDOVER; libzmq: off, and the new one is ignored with all that it sends).
    ///
    /// Of one that has lost its identity what it had sent is still received; what was queued for it is dropped.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use monocoque::options::RouterHandover;
    ///
    /// // As in libzmq, on and off.
    /// assert_eq!(SocketOptions::default().with_router_handover(true).router_handover(), RouterHandover::Always);
    /// assert_eq!(SocketOptions::default().with_router_handover(false).router_handover(), RouterHandover::Never);
    /// ```
    #[must_use]
    pub fn with_router_handover(mut self, handover: impl Into<RouterHandover>) -> Self {
        self.router_handover = handover.into();
        self
    }

    /// When a new connection takes over an identity that another one has;
    /// see [`with_router_handover`](Self::with_router_handover).
    #[must_use]
    pub fn router_handover(&self) -> RouterHandover {
        self.router_handover
    }

    /// Whether each new connection is greeted with one empty message, so that a ROUTER learns of this
    /// socket; DEALER, REQ and ROUTER; default false (PROBE_ROUTER).
    #[doc = example!(r#"let router = RouterSocket::bind("inproc://probe").await?;
let options = SocketOptions::default().with_identity("worker-7").with_probe_router(true);
let worker = DealerSocket::connect_with_options("inproc://probe", options).await?;
let (identity, greeting) = router.recv_from().await?;
assert!(identity == "worker-7" && greeting.size() == 0);
router.send_to(identity, "a job, though nobody has asked").await?;
# drop(worker);"#)]
    #[must_use]
    pub fn with_probe_router(mut self, probe: bool) -> Self {
        self.probe_router = probe;
        self
    }

    /// Whether each new connection is greeted with one empty message;
    /// see [`with_probe_router`](Self::with_probe_router).
    #[must_use]
    pub fn probe_router(&self) -> bool {
        self.probe_router
    }
}
