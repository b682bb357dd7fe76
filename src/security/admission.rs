//! Authenticators for what is asked for most.

#[cfg(feature = "curve")]
use std::collections::HashSet;
#[cfg(any(feature = "plain", feature = "curve"))]
use std::fmt;

#[cfg(any(feature = "plain", feature = "curve"))]
use super::Credentials;
#[cfg(feature = "curve")]
use super::CurvePublicKey;
#[cfg(feature = "plain")]
use super::Password;
use super::{Authenticator, Claim, Verdict};

/// Lets everybody in, whoever they are.
///
/// Under CURVE everybody who knows the server's public key: traffic is encrypted, and clients are sure of the server,
/// but not it of them. Under PLAIN everybody, whatever the password.
///
/// ```
/// use monocoque::SocketOptions;
/// use monocoque::security::{Authenticator, Claim, Credentials, Verdict, accept_any_client};
///
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let claim = Claim::new(monocoque::SocketType::Dealer, Credentials::Null);
/// assert_eq!(accept_any_client().authenticate(claim).await, Verdict::accept());
/// # }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
#[must_use]
pub const fn accept_any_client() -> AnyClient {
    AnyClient(())
}

/// The authenticator of [`accept_any_client`].
#[derive(Clone, Copy, Debug)]
#[expect(unnameable_types, reason = "given on as it is")]
pub struct AnyClient(());

impl Authenticator for AnyClient {
    async fn authenticate(&self, _: Claim) -> Verdict {
        Verdict::accept()
    }
}

/// Lets CURVE clients with these keys in, and nobody else.
///
/// ```
/// # fn main() -> Result<(), monocoque::security::CurveKeyError> {
/// use monocoque::SocketOptions;
/// use monocoque::security::{CurveKeypair, allow_keys};
///
/// let (server, client) = (CurveKeypair::generate()?, CurveKeypair::generate()?);
/// let allowed = allow_keys([client.public_key()]);
/// let options = SocketOptions::default().with_curve_server(server, allowed);
/// # drop(options);
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "curve")]
#[cfg_attr(docsrs, doc(cfg(feature = "curve")))]
#[must_use]
pub fn allow_keys(keys: impl IntoIterator<Item = CurvePublicKey>) -> AllowedKeys {
    AllowedKeys(keys.into_iter().collect())
}

/// The authenticator of [`allow_keys`].
#[cfg(feature = "curve")]
#[derive(Clone)]
#[expect(unnameable_types, reason = "given on as it is")]
pub struct AllowedKeys(HashSet<CurvePublicKey>);

#[cfg(feature = "curve")]
impl Authenticator for AllowedKeys {
    async fn authenticate(&self, claim: Claim) -> Verdict {
        match claim.credentials {
            Credentials::Curve { public_key } if self.0.contains(&public_key) => Verdict::accept(),
            Credentials::Curve { public_key } => Verdict::deny(format!("unknown key {public_key}")),
            _ => Verdict::deny("no CURVE client"),
        }
    }
}

#[cfg(feature = "curve")]
impl fmt::Debug for AllowedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AllowedKeys({})", self.0.len())
    }
}

/// Lets PLAIN clients with these names and passwords in, and nobody else.
///
/// How long it takes does not tell whether it was the name or the password that was wrong.
///
/// ```
/// use monocoque::SocketOptions;
/// use monocoque::security::allow_users;
///
/// let options = SocketOptions::default().with_plain_server(allow_users([("ann", "secret")]));
/// # drop(options);
/// ```
#[cfg(feature = "plain")]
#[cfg_attr(docsrs, doc(cfg(feature = "plain")))]
#[must_use]
pub fn allow_users<U: Into<String>, P: Into<Password>>(
    users: impl IntoIterator<Item = (U, P)>,
) -> AllowedUsers {
    AllowedUsers(users.into_iter().map(|(user, password)| (user.into(), password.into())).collect())
}

/// The authenticator of [`allow_users`].
#[cfg(feature = "plain")]
#[derive(Clone)]
#[expect(unnameable_types, reason = "given on as it is")]
pub struct AllowedUsers(Vec<(String, Password)>);

#[cfg(feature = "plain")]
impl Authenticator for AllowedUsers {
    async fn authenticate(&self, claim: Claim) -> Verdict {
        let Credentials::Plain { user, password } = claim.credentials else {
            return Verdict::deny("no PLAIN client");
        };
        // All of them, and each password whatever the name.
        let matches = |allowed: &&(String, Password)| (allowed.1 == password) & (allowed.0 == user);
        match self.0.iter().filter(matches).count() {
            0 => Verdict::deny("wrong name or password"),
            _ => Verdict::accept(),
        }
    }
}

#[cfg(feature = "plain")]
impl fmt::Debug for AllowedUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AllowedUsers({})", self.0.len())
    }
}
