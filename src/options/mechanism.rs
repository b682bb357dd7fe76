//! Options of the security mechanism.

use super::SocketOptions;
#[cfg(feature = "plain")]
use super::error::{OptionError, within};
#[cfg(any(feature = "plain", feature = "curve"))]
use crate::security::Authenticator;
#[cfg(feature = "plain")]
use crate::security::Password;
#[cfg(any(feature = "plain", feature = "curve"))]
use crate::security::Security;
#[cfg(feature = "curve")]
use crate::security::{CurveKeypair, CurvePublicKey, CurveServerKeys, system_entropy};

/// The security mechanism: the last of these that is set counts, and NULL where none is.
///
/// A peer must speak the same mechanism, in the other role; which side is client and which is server has nothing to
/// do with who binds. Nothing is negotiated: a peer with another mechanism, or none, is refused. Connections over
/// `inproc://` stay in the process and have no mechanism, as in libzmq.
impl SocketOptions {
    /// Connections are made as a PLAIN client: peers are told this name, of 1 to 255 bytes, and this password, of at
    /// most 255, in the clear (PLAIN_USERNAME, PLAIN_PASSWORD).
    ///
    /// PLAIN neither encrypts nor proves who the server is: whoever answers learns the password.
    #[doc = example!(r#"use monocoque::security::allow_users;

let server = SocketOptions::default().with_plain_server(allow_users([("ann", "secret")]));
let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", server).await?;
let client = SocketOptions::default().with_plain_client("ann", "secret");
let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), client).await?;
push.send("job").await?;
assert_eq!(pull.recv_with_user().await?.0.as_deref(), Some("ann"));"#)]
    #[cfg(feature = "plain")]
    #[cfg_attr(docsrs, doc(cfg(feature = "plain")))]
    #[must_use]
    pub fn with_plain_client(mut self, user: impl Into<String>, password: impl Into<Password>) -> Self {
        self.security = Security::PlainClient { user: user.into(), password: password.into() };
        self
    }

    /// Connections are made as a PLAIN server, which is told names and passwords and admits whom `authenticator` lets
    /// in (PLAIN_SERVER, and what a ZAP handler does). It takes the place of one that was given before.
    ///
    /// [`allow_users`](crate::security::allow_users) is one. A name that is no UTF-8 is refused unasked.
    #[doc = example!(r#"use monocoque::security::{Claim, Credentials, Password, Verdict};

let options = SocketOptions::default().with_plain_server(async |claim: Claim| match claim.credentials {
    Credentials::Plain { user, password } if password == Password::from("secret") => Verdict::accept_as(user),
    _ => Verdict::deny("wrong password"),
});
let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await?;
let wrong = SocketOptions::default().with_plain_client("ann", "guessed");
assert!(PushSocket::connect_with_options(pull.local_endpoint().unwrap(), wrong).await.is_err());"#)]
    #[cfg(feature = "plain")]
    #[cfg_attr(docsrs, doc(cfg(feature = "plain")))]
    #[must_use]
    pub fn with_plain_server(mut self, authenticator: impl Authenticator) -> Self {
        self.security = Security::PlainServer;
        self.with_authenticator(authenticator)
    }

    /// Connections are made as a CURVE client: encrypted, to whoever has the secret key that belongs to
    /// `server_key`, and nobody else (CURVE_SERVERKEY, CURVE_PUBLICKEY, CURVE_SECRETKEY).
    ///
    /// `keypair` is who this socket is for the server, which may admit only those that it knows; where it admits
    /// everybody, a [generated](CurveKeypair::generate) one does.
    #[doc = example!(r#"use monocoque::security::{CurveKeypair, accept_any_client};

let keypair = CurveKeypair::generate().unwrap();
let known = keypair.public_key();
let server = SocketOptions::default().with_curve_server(keypair, accept_any_client());
let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", server).await?;
let client = SocketOptions::default().with_curve_client(known, CurveKeypair::generate().unwrap());
let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), client).await?;
# drop(push);"#)]
    #[cfg(feature = "curve")]
    #[cfg_attr(docsrs, doc(cfg(feature = "curve")))]
    #[must_use]
    pub fn with_curve_client(mut self, server_key: CurvePublicKey, keypair: CurveKeypair) -> Self {
        self.security = Security::CurveClient { server_key, keypair, entropy: system_entropy };
        self
    }

    /// Connections are made as a CURVE server: encrypted, with clients that know the public key of one of `keys`, and
    /// of them with those whom `authenticator` lets in (CURVE_SERVER, CURVE_SECRETKEY, and what a ZAP handler does).
    /// It takes the place of one that was given before.
    ///
    /// [`allow_keys`](crate::security::allow_keys) lets those on a list in, and
    /// [`accept_any_client`](crate::security::accept_any_client) everybody. `keys` is a key pair, or a
    /// [handle](CurveServerKeys) by which it can be replaced while the socket runs. A client that was given another
    /// server key is told so (ERROR 400) and stops trying.
    #[doc = example!(r#"use monocoque::security::{CurveKeypair, allow_keys};

# let [server, ann, bob] = [0; 3].map(|_| CurveKeypair::generate().unwrap());
# let known = server.public_key();
let options = SocketOptions::default().with_curve_server(server, allow_keys([ann.public_key()]));
let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await?;
let endpoint = pull.local_endpoint().unwrap();
for (client, comes_in) in [(ann, true), (bob, false)] {
    let options = SocketOptions::default().with_curve_client(known, client);
    assert_eq!(PushSocket::connect_with_options(&endpoint, options).await.is_ok(), comes_in);
}"#)]
    #[cfg(feature = "curve")]
    #[cfg_attr(docsrs, doc(cfg(feature = "curve")))]
    #[must_use]
    pub fn with_curve_server(
        mut self,
        keys: impl Into<CurveServerKeys>,
        authenticator: impl Authenticator,
    ) -> Self {
        self.security = Security::CurveServer { keys: keys.into(), entropy: system_entropy };
        self.with_authenticator(authenticator)
    }

    /// The name of the security mechanism: `NULL`, `PLAIN` or `CURVE` (MECHANISM).
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// // For a service that is not to start by mistake without encryption.
    /// let options = SocketOptions::default();
    /// assert_eq!(options.mechanism(), "NULL");
    /// ```
    #[must_use]
    pub fn mechanism(&self) -> &'static str {
        self.security.name()
    }
}

#[cfg(feature = "plain")]
impl Security {
    /// Refuses what the protocol cannot say.
    pub(super) fn validate(&self) -> Result<(), OptionError> {
        let Self::PlainClient { user, password } = self else { return Ok(()) };
        within("plain_client user", Some(user.len()), 1..=255, "1 to 255 bytes")?;
        within("plain_client password", Some(password.as_bytes().len()), 0..=255, "at most 255 bytes")
    }
}

#[cfg(all(test, feature = "plain"))]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_have_a_length_that_can_be_told() {
        let validate = |user: usize, password: usize| {
            let (user, password) = ("u".repeat(user), "p".repeat(password));
            SocketOptions::default().with_plain_client(user, password).validate()
        };
        for (user, password) in [(1, 0), (255, 255)] {
            assert_eq!(validate(user, password), Ok(()));
        }
        for (user, password, wrong) in
            [(0, 1, "plain_client user"), (256, 1, "plain_client user"), (1, 256, "plain_client password")]
        {
            let error = validate(user, password).unwrap_err();
            assert!(matches!(error, OptionError::OutOfRange { option, .. } if option == wrong), "{error}");
            assert!(!error.to_string().contains("ppp"), "{error}");
        }
    }

    #[test]
    fn the_last_mechanism_counts_and_no_secret_is_shown() {
        let options = SocketOptions::default();
        assert_eq!(options.mechanism(), "NULL");
        let options = options.with_plain_client("ann", "geheim");
        assert_eq!(options.mechanism(), "PLAIN");
        assert!(!format!("{options:?}").contains("geheim"));
    }
}
