//! Which mechanism a socket asks for, and with what.

#[cfg(feature = "plain")]
use super::Password;
#[cfg(feature = "curve")]
use super::{CurveKeypair, CurvePublicKey, CurveServerKeys};

/// Which security mechanism the socket asserts; a peer must assert the same.
#[derive(Clone, Debug, Default)]
pub(crate) enum Security {
    /// No authentication, no encryption (RFC 37).
    #[default]
    Null,
    /// A name and a password in the clear (RFC 24).
    #[cfg(feature = "plain")]
    PlainClient { user: String, password: Password },
    /// Takes whatever name and password, for somebody else to judge.
    #[cfg(feature = "plain")]
    PlainServer,
    /// Encryption to the holder of a key (RFC 26).
    #[cfg(feature = "curve")]
    CurveClient { server_key: CurvePublicKey, keypair: CurveKeypair, entropy: Entropy },
    /// Encryption with whoever knows a key; whose key a client has is for somebody else to judge.
    #[cfg(feature = "curve")]
    CurveServer { keys: CurveServerKeys, entropy: Entropy },
    /// Seals every frame; proves that a mechanism can.
    #[cfg(test)]
    Toy { key: u8 },
}

impl Security {
    /// The name in the greeting, at most 20 bytes.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            #[cfg(feature = "plain")]
            Self::PlainClient { .. } | Self::PlainServer => "PLAIN",
            #[cfg(feature = "curve")]
            Self::CurveClient { .. } | Self::CurveServer { .. } => "CURVE",
            #[cfg(test)]
            Self::Toy { .. } => "TOY",
        }
    }
}

/// Fills bytes at random, or says that it cannot.
#[cfg(feature = "curve")]
pub(crate) type Entropy = fn(&mut [u8]) -> Result<(), NoEntropy>;

/// There are no random numbers to be had.
#[cfg(feature = "curve")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoEntropy;

/// What the system gives.
#[cfg(feature = "curve")]
pub(crate) fn system_entropy(bytes: &mut [u8]) -> Result<(), NoEntropy> {
    getrandom::fill(bytes).map_err(|_| NoEntropy)
}
