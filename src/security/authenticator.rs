//! Who may come in: what is asked of the application, and what it answers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use super::{Credentials, Names};
use crate::SocketType;
use crate::endpoint::Endpoint;
#[cfg(doc)]
use crate::options::SocketOptions;

/// Decides which peers come in; given to a socket by [`SocketOptions::with_authenticator`].
///
/// Every closure that takes a [`Claim`] and returns a future of a [`Verdict`] is one: an `async` closure that captures
/// nothing, or `move |claim| async move { .. }`. A type of your own can be written with an `async fn`:
///
/// ```
/// use monocoque::security::{Authenticator, Claim, Verdict};
/// use std::collections::HashMap;
///
/// /// Who has which token: a peer says its own as metadata (`with_metadata("X-Token", ..)`).
/// struct Tokens(HashMap<Vec<u8>, String>);
///
/// impl Authenticator for Tokens {
///     async fn authenticate(&self, claim: Claim) -> Verdict {
///         match claim.property("X-Token").and_then(|token| self.0.get(&token[..])) {
///             Some(user) => Verdict::accept_as(user.as_str()),
///             None => Verdict::deny("no such token"),
///         }
///     }
/// }
/// ```
pub trait Authenticator: Send + Sync + 'static {
    /// Judges one peer.
    ///
    /// Awaited by the socket's companion task, beside those of other peers, without a lock: the future may use any
    /// socket, this one too. It must not block the thread; what takes long to compute belongs on another.
    ///
    /// # Cancel safety
    /// The future is dropped when its peer has gone, the handshake has taken too long, or the socket closes.
    /// Dropped at whichever await point, it must leave nothing half done that matters.
    fn authenticate(&self, claim: Claim) -> impl Future<Output = Verdict> + Send;
}

impl<F, V> Authenticator for F
where
    F: Fn(Claim) -> V + Send + Sync + 'static,
    V: Future<Output = Verdict> + Send,
{
    fn authenticate(&self, claim: Claim) -> impl Future<Output = Verdict> + Send {
        self(claim)
    }
}

/// What a peer has said and shown of itself, for an [`Authenticator`] to judge.
///
/// `Debug` leaves out what may be secret: passwords, and the values of the metadata.
#[derive(Clone)]
#[non_exhaustive]
pub struct Claim {
    /// What it has shown, by which the mechanism is known too.
    pub credentials: Credentials,
    /// The certificates by which it has proved who it is below all mechanisms, its own first, in DER: over TLS, if
    /// it was asked for any.
    pub certificates: Vec<Bytes>,
    /// Where it comes from: over tcp the IP address and port; `None` where the stream does not know.
    pub address: Option<Endpoint>,
    /// Where it was accepted, or what it was reached by; `None` for a stream that was given.
    pub endpoint: Option<Endpoint>,
    /// It has come to a listener of this socket, and was not dialled or given.
    pub accepted: bool,
    /// The socket type that it claims to have; one that fits to this socket's.
    pub socket_type: SocketType,
    /// The identity that it gives itself; empty for none.
    pub identity: Bytes,
    /// All properties that it has sent. Only CURVE protects them on the way.
    pub metadata: Vec<(String, Bytes)>,
}

impl Claim {
    /// A claim of which only this is known, the other fields being empty: to test an authenticator with.
    ///
    /// [`Verdict`] shows one that is judged.
    #[must_use]
    pub fn new(socket_type: SocketType, credentials: Credentials) -> Self {
        Self {
            credentials,
            certificates: Vec::new(),
            address: None,
            endpoint: None,
            accepted: true,
            socket_type,
            identity: Bytes::new(),
            metadata: Vec::new(),
        }
    }

    /// The value of the first property of this name, whose case does not matter.
    ///
    /// ```
    /// use monocoque::SocketType;
    /// use monocoque::security::{Claim, Credentials};
    ///
    /// let mut claim = Claim::new(SocketType::Dealer, Credentials::Null);
    /// claim.metadata.push(("X-Zone".into(), "north".into()));
    /// assert_eq!(claim.property("x-zone").unwrap(), "north");
    /// ```
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Bytes> {
        self.metadata.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { credentials, address, endpoint, accepted, socket_type, identity, metadata, certificates } =
            self;
        f.debug_struct("Claim")
            .field("credentials", credentials)
            .field("certificates", &certificates.len())
            .field("address", address)
            .field("endpoint", endpoint)
            .field("accepted", accepted)
            .field("socket_type", socket_type)
            .field("identity", identity)
            .field("metadata", &Names(metadata))
            .finish()
    }
}

/// What an [`Authenticator`] says about a peer. The texts are for this side's events only: no peer is told them.
///
/// ```
/// use monocoque::SocketType;
/// use monocoque::security::{Claim, Credentials, Verdict};
///
/// fn judge(claim: &Claim) -> Verdict {
///     match claim.property("X-Zone").map(|zone| &zone[..]) {
///         Some(b"north") => Verdict::accept_as("the north").with_metadata("floor", "3"),
///         Some(_) => Verdict::deny("not from here"),
///         None => Verdict::try_later("it is not known yet which zone"),
///     }
/// }
///
/// let mut claim = Claim::new(SocketType::Dealer, Credentials::Null);
/// assert!(matches!(judge(&claim), Verdict::TryLater(_)));
/// claim.metadata.push(("X-Zone".into(), "south".into()));
/// assert_eq!(judge(&claim), Verdict::deny("not from here"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// It comes in (200 in ZAP).
    Accept {
        /// Who it is, as [`PeerStats::user`](crate::monitor::PeerStats::user) tells later, and whose identities
        /// may be passed on to it; `None` for what the mechanism says: the user of PLAIN, the public key of CURVE,
        /// and under NULL nobody.
        user: Option<Arc<str>>,
        /// What else is to be known of it, as [`PeerStats::user_metadata`](crate::monitor::PeerStats::user_metadata)
        /// tells; beside what it says of itself, and never mixed with that.
        metadata: Vec<(String, Bytes)>,
    },
    /// It does not, until somebody changes its configuration or ours (400): a peer that connects learns of it and
    /// stops trying.
    Deny(Arc<str>),
    /// Not now (300): its connection is closed without a word, and it may try again.
    TryLater(Arc<str>),
    /// There is nobody who could tell (500): a peer that connects learns of it and stops trying. This is also what
    /// a panic of the authenticator comes to.
    Broken(Arc<str>),
}

impl Verdict {
    /// It comes in, as whom the mechanism says.
    ///
    /// ```
    /// use monocoque::security::Verdict;
    ///
    /// // Who it is, the mechanism says: the user of PLAIN, the key of CURVE.
    /// let Verdict::Accept { user, .. } = Verdict::accept() else { panic!("it comes in") };
    /// assert_eq!(user, None);
    /// ```
    #[must_use]
    pub fn accept() -> Self {
        Self::Accept { user: None, metadata: Vec::new() }
    }

    /// It comes in, as this user.
    #[doc = example!(r#"use monocoque::security::Verdict;

let options = SocketOptions::default().with_authenticator(async |_| Verdict::accept_as("ann"));
let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.send("job").await?;
assert_eq!(pull.recv_with_user().await?.0.as_deref(), Some("ann"));"#)]
    #[must_use]
    pub fn accept_as(user: impl Into<Arc<str>>) -> Self {
        Self::Accept { user: Some(user.into()), metadata: Vec::new() }
    }

    /// One more thing to be known of a peer that comes in; without effect on one that does not.
    #[doc = example!(r#"use monocoque::security::Verdict;

let options = SocketOptions::default()
    .with_authenticator(async |_| Verdict::accept_as("ann").with_metadata("role", "admin"));
let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
pull.wait_for_peers(1).await?;
let ann = pull.peer(pull.peers()[0]).unwrap();
assert_eq!(ann.user_metadata, [("role".into(), "admin".into())]);
# drop(push);"#)]
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<Bytes>) -> Self {
        if let Self::Accept { metadata, .. } = &mut self {
            metadata.push((name.into(), value.into()));
        }
        self
    }

    /// It does not come in, for this reason.
    #[doc = example!(r#"use monocoque::security::Verdict;

let options = SocketOptions::default().with_authenticator(async |_| Verdict::deny("nobody today"));
let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await?;
let push = PushSocket::new(SocketOptions::default())?;
push.connect_to(pull.local_endpoint().unwrap())?;
// It is told, and stops trying.
assert!(matches!(push.wait_for_peers(1).await, Err(Error::GaveUp { .. })));"#)]
    #[must_use]
    pub fn deny(reason: impl Into<Arc<str>>) -> Self {
        Self::Deny(reason.into())
    }

    /// Not now, for this reason.
    ///
    /// [`deny`](Self::deny) is for good. [`Verdict`] shows both.
    #[must_use]
    pub fn try_later(reason: impl Into<Arc<str>>) -> Self {
        Self::TryLater(reason.into())
    }

    /// There is nobody who could tell, for this reason.
    ///
    /// ```
    /// use monocoque::security::{Claim, Verdict};
    ///
    /// fn judge(claim: &Claim, zones: Result<Vec<Vec<u8>>, std::io::Error>) -> Verdict {
    ///     match (claim.property("X-Zone"), zones) {
    ///         (_, Err(error)) => Verdict::broken(format!("zones are not known: {error}")),
    ///         (Some(zone), Ok(zones)) if zones.contains(&zone.to_vec()) => Verdict::accept(),
    ///         _ => Verdict::deny("no zone of ours"),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn broken(reason: impl Into<Arc<str>>) -> Self {
        Self::Broken(reason.into())
    }
}

impl Credentials {
    /// Whom they name, where the authenticator names nobody else.
    pub(crate) fn user(&self) -> Option<Arc<str>> {
        match self {
            #[cfg(feature = "plain")]
            Self::Plain { user, .. } => Some(user.as_str().into()),
            #[cfg(feature = "curve")]
            Self::Curve { public_key } => Some(public_key.to_string().into()),
            _ => None,
        }
    }

    /// What was only there to be judged is not kept for as long as the connection lasts.
    pub(crate) fn forget_secrets(&mut self) {
        #[cfg(feature = "plain")]
        if let Self::Plain { password, .. } = self {
            *password = super::Password::from("");
        }
    }
}

/// A verdict under way that may move between threads.
pub(crate) type SendJudgement = Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// One that stays where it was begun.
pub(crate) type LocalJudgement = Pin<Box<dyn Future<Output = Verdict>>>;

/// An authenticator of whatever type, as options hold it.
#[derive(Clone)]
#[doc(hidden)]
#[expect(unnameable_types, reason = "a part of what is sealed")]
pub enum AnyAuthenticator {
    Send(Arc<dyn Fn(Claim) -> SendJudgement + Send + Sync>),
    Local(Arc<dyn Fn(Claim) -> LocalJudgement + Send + Sync>),
}

impl AnyAuthenticator {
    pub(crate) fn new(authenticator: impl Authenticator) -> Self {
        let authenticator = Arc::new(authenticator);
        Self::Send(Arc::new(move |claim| {
            let authenticator = Arc::clone(&authenticator);
            Box::pin(async move { authenticator.authenticate(claim).await })
        }))
    }

    pub(crate) fn local<V>(authenticator: impl Fn(Claim) -> V + Send + Sync + 'static) -> Self
    where
        V: Future<Output = Verdict> + 'static,
    {
        Self::Local(Arc::new(move |claim| Box::pin(authenticator(claim))))
    }

    /// Whether its answers may be waited for on any thread.
    pub(crate) fn may_move(&self) -> bool {
        matches!(self, Self::Send(_))
    }

    /// Asks about a peer where the answer may have to move; `None` if it cannot.
    pub(crate) fn ask(&self, claim: Claim) -> Option<SendJudgement> {
        match self {
            Self::Send(ask) => Some(ask(claim)),
            Self::Local(_) => None,
        }
    }

    /// Asks about a peer where all stays on one thread.
    pub(crate) fn ask_here(&self, claim: Claim) -> LocalJudgement {
        match self {
            Self::Send(ask) => ask(claim),
            Self::Local(ask) => ask(claim),
        }
    }
}

impl fmt::Debug for AnyAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticator")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_does_not_show_what_may_be_secret() {
        let mut claim = Claim::new(SocketType::Dealer, Credentials::Null);
        claim.metadata.push(("X-Token".to_owned(), Bytes::from_static(b"secret")));
        let shown = format!("{claim:?} {claim:#?}");
        assert!(shown.contains("X-Token") && !shown.contains("secret"), "{shown}");
        assert_eq!(claim.property("x-token").map(|value| &value[..]), Some(&b"secret"[..]));
        assert_eq!(claim.property("X-Other"), None);
    }

    #[test]
    fn only_one_that_comes_in_is_given_metadata() {
        let accepted = Verdict::accept_as("ann").with_metadata("role", "admin");
        let metadata = vec![("role".to_owned(), Bytes::from_static(b"admin"))];
        assert_eq!(accepted, Verdict::Accept { user: Some("ann".into()), metadata });
        assert_eq!(Verdict::deny("no").with_metadata("role", "admin"), Verdict::Deny("no".into()));
    }
}
