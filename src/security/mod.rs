//! Who a peer is: what security mechanisms find out about it, and what they need.

mod authenticator;
mod filter;
#[cfg(feature = "plain")]
mod plain;

pub(crate) use self::authenticator::{AnyAuthenticator, LocalJudgement, SendJudgement};
pub use self::authenticator::{Authenticator, Claim, Verdict};
pub use self::filter::Subscriber;
pub(crate) use self::filter::SubscriptionFilter;
#[cfg(feature = "plain")]
pub use self::plain::Password;

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
}
