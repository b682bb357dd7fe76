//! Who a peer is: what security mechanisms find out about it, and what they need.

mod admission;
mod authenticator;
#[cfg(feature = "curve")]
mod curve;
mod filter;
#[cfg(feature = "plain")]
mod plain;
mod properties;
mod settings;
#[cfg(feature = "curve")]
mod z85;

pub use self::admission::accept_any_client;
#[cfg(feature = "curve")]
pub use self::admission::allow_keys;
#[cfg(feature = "plain")]
pub use self::admission::allow_users;
pub(crate) use self::authenticator::{AnyAuthenticator, LocalJudgement, SendJudgement};
pub use self::authenticator::{Authenticator, Claim, Verdict};
#[cfg(feature = "curve")]
pub use self::curve::{CurveKeyError, CurveKeypair, CurvePublicKey, CurveSecretKey, CurveServerKeys};
pub use self::filter::Subscriber;
pub(crate) use self::filter::SubscriptionFilter;
#[cfg(feature = "plain")]
pub use self::plain::Password;
pub(crate) use self::properties::{Names, Properties};
#[cfg(all(test, feature = "curve"))]
pub(crate) use self::settings::NoEntropy;
pub(crate) use self::settings::Security;
#[cfg(feature = "curve")]
pub(crate) use self::settings::{Entropy, system_entropy};

/// What a peer has shown in the handshake to say who it is.
///
/// Nothing of it means that the peer is allowed in; that is for the one who reads it to decide.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Credentials {
    /// Nothing: the mechanism was NULL.
    #[default]
    Null,
    /// A name and a password, which travelled in the clear.
    #[cfg(feature = "plain")]
    #[cfg_attr(docsrs, doc(cfg(feature = "plain")))]
    Plain {
        /// Up to 255 bytes.
        user: String,
        /// Up to 255 bytes; not shown by `Debug`.
        password: Password,
    },
    /// That it has the secret key to this public key.
    #[cfg(feature = "curve")]
    #[cfg_attr(docsrs, doc(cfg(feature = "curve")))]
    Curve {
        /// A client's own, or the one that the server was known by.
        public_key: CurvePublicKey,
    },
}
