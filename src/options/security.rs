//! Options that say who may come in.

use std::future::Future;

use super::SocketOptions;
use crate::security::{AnyAuthenticator, Authenticator, Claim, Verdict};

/// Who may come in.
impl SocketOptions {
    /// Who decides about each peer before it is let in, whatever the security mechanism; default nobody, and then
    /// everybody may come in under NULL (libzmq's ZAP).
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

    /// Whether somebody decides about peers.
    #[must_use]
    pub fn has_authenticator(&self) -> bool {
        self.authenticator.is_some()
    }
}
