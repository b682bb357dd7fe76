//! The keys of CURVE.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use dryoc::classic::crypto_core::crypto_scalarmult_base;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::settings::system_entropy;
use super::z85;

/// Bytes that are no key.
///
/// No error contains any part of what was given: it may have been a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CurveKeyError {
    /// A key is 40 characters in Z85 (RFC 32).
    #[error("a key has 40 characters in Z85, not {len}")]
    Length {
        /// The bytes that were given.
        len: usize,
    },
    /// A character that Z85 has not.
    #[error("byte {at} of the key is no character of Z85")]
    Character {
        /// Where it is.
        at: usize,
    },
    /// Five characters that stand for more than four bytes.
    #[error("the five characters of the key from byte {at} on are beyond what Z85 can say")]
    Overflow {
        /// Where they begin.
        at: usize,
    },
    /// The secret key belongs to another public key.
    #[error("the secret key does not belong to the public key")]
    NotAPair,
    /// The system gave no random bytes.
    #[error("the system has no random bytes to make a key of")]
    NoEntropy,
}

/// The public half of a key pair: who somebody is. It may be told to anybody, and printed.
///
/// 32 bytes, or 40 characters in Z85 (RFC 32), which `Display` and `FromStr` use.
///
/// ```
/// # fn main() -> Result<(), monocoque::security::CurveKeyError> {
/// use monocoque::security::{CurveKeypair, CurvePublicKey};
///
/// let keypair = CurveKeypair::generate()?;
/// let text = keypair.public_key().to_string();
/// assert_eq!(text.parse::<CurvePublicKey>()?, keypair.public_key());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CurvePublicKey([u8; 32]);

impl CurvePublicKey {
    /// The key of these bytes.
    ///
    /// ```
    /// use monocoque::security::{CurveKeypair, CurvePublicKey};
    ///
    /// // As it is kept in 32 bytes, for instance in the column of a table.
    /// let key = CurveKeypair::generate().unwrap().public_key();
    /// let kept: [u8; 32] = *key.as_bytes();
    /// assert_eq!(CurvePublicKey::from_bytes(kept), key);
    /// ```
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key itself.
    ///
    /// See [`from_bytes`](Self::from_bytes).
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for CurvePublicKey {
    type Err = CurveKeyError;

    fn from_str(z85: &str) -> Result<Self, CurveKeyError> {
        z85::decode(z85).map(Self)
    }
}

impl fmt::Display for CurvePublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&z85::encode(&self.0))
    }
}

impl fmt::Debug for CurvePublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CurvePublicKey({self})")
    }
}

/// The secret half of a key pair: whoever has it is whom the public half names.
///
/// `Debug` does not show it, there is no `Display`, it is overwritten when it is dropped, and comparing two takes
/// the same time whatever they have in common.
///
/// ```
/// use monocoque::security::{CurveKeypair, CurveSecretKey};
///
/// # fn main() -> Result<(), monocoque::security::CurveKeyError> {
/// let pair = CurveKeypair::generate()?;
/// // As it is kept, in a file that nobody else reads.
/// let text = pair.secret_key().to_z85();
/// let secret = CurveSecretKey::from_z85(&text)?;
/// assert!(secret == *pair.secret_key() && secret.public_key() == pair.public_key());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CurveSecretKey(Zeroizing<[u8; 32]>);

impl CurveSecretKey {
    /// The key of these bytes; any 32 are one.
    ///
    /// ```
    /// use monocoque::security::CurveSecretKey;
    ///
    /// // Whoever knows the bytes has the key: it is for those that came from random ones.
    /// let secret = CurveSecretKey::from_bytes([7; 32]);
    /// assert_eq!(format!("{secret:?} {:?}", secret.as_bytes().len()), "CurveSecretKey(..) 32");
    /// ```
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A key as 40 characters in Z85 (RFC 32), which is how libzmq's tools write it.
    ///
    /// ```
    /// use monocoque::security::{CurveKeyError, CurveSecretKey};
    ///
    /// // The example of RFC 26, which everybody knows.
    /// let secret = CurveSecretKey::from_z85("D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs")?;
    /// assert_eq!(secret.public_key().to_string(), "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID");
    /// assert_eq!(CurveSecretKey::from_z85("too short"), Err(CurveKeyError::Length { len: 9 }));
    /// # Ok::<_, CurveKeyError>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the text, without any of it.
    pub fn from_z85(z85: &str) -> Result<Self, CurveKeyError> {
        z85::decode(z85).map(Self::from_bytes)
    }

    /// The key itself, for where it is kept.
    ///
    /// See [`from_bytes`](Self::from_bytes).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key in Z85, for where it is kept; overwritten when it is dropped.
    ///
    /// ```
    /// use monocoque::security::{CurveKeyError, CurveKeypair, CurveSecretKey};
    ///
    /// let pair = CurveKeypair::generate()?;
    /// let text = pair.secret_key().to_z85();
    /// assert_eq!((text.len(), &CurveSecretKey::from_z85(&text)?), (40, pair.secret_key()));
    /// # Ok::<_, CurveKeyError>(())
    /// ```
    #[must_use]
    pub fn to_z85(&self) -> impl std::ops::Deref<Target = String> + use<> {
        Zeroizing::new(z85::encode(self.as_bytes()))
    }

    /// The public half that belongs to it.
    ///
    /// See [`from_z85`](Self::from_z85).
    #[must_use]
    pub fn public_key(&self) -> CurvePublicKey {
        let mut public = [0; 32];
        crypto_scalarmult_base(&mut public, &self.0);
        CurvePublicKey(public)
    }
}

impl PartialEq for CurveSecretKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl Eq for CurveSecretKey {}

impl fmt::Debug for CurveSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CurveSecretKey(..)")
    }
}

/// A public key and the secret key that belongs to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CurveKeypair {
    public: CurvePublicKey,
    secret: CurveSecretKey,
}

impl CurveKeypair {
    /// A new pair, of the system's random bytes.
    ///
    /// ```
    /// use monocoque::security::{CurveKeyError, CurveKeypair};
    ///
    /// let pair = CurveKeypair::generate()?;
    /// println!("the server's key, for its clients: {}", pair.public_key());
    /// # Ok::<_, CurveKeyError>(())
    /// ```
    ///
    /// # Errors
    /// [`NoEntropy`](CurveKeyError::NoEntropy) where the system has none to give.
    pub fn generate() -> Result<Self, CurveKeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        system_entropy(&mut *bytes).map_err(|_| CurveKeyError::NoEntropy)?;
        Ok(CurveSecretKey::from_bytes(*bytes).into())
    }

    /// The pair of these two keys.
    ///
    /// ```
    /// use monocoque::security::{CurveKeyError, CurveKeypair};
    ///
    /// // Both are in the configuration, and one has been changed.
    /// let (old, new) = (CurveKeypair::generate()?, CurveKeypair::generate()?);
    /// let mixed = CurveKeypair::new(old.public_key(), new.secret_key().clone());
    /// assert_eq!(mixed, Err(CurveKeyError::NotAPair));
    /// // Where only the secret key is kept, the other follows.
    /// assert_eq!(CurveKeypair::from(new.secret_key().clone()), new);
    /// # Ok::<_, CurveKeyError>(())
    /// ```
    ///
    /// # Errors
    /// [`NotAPair`](CurveKeyError::NotAPair) if they do not belong together.
    pub fn new(public: CurvePublicKey, secret: CurveSecretKey) -> Result<Self, CurveKeyError> {
        let pair = Self::from(secret);
        if pair.public == public { Ok(pair) } else { Err(CurveKeyError::NotAPair) }
    }

    /// What others know it by.
    ///
    /// [`generate`](Self::generate) shows whom it is for.
    #[must_use]
    pub const fn public_key(&self) -> CurvePublicKey {
        self.public
    }

    /// What nobody else may know.
    ///
    /// [`to_z85`](CurveSecretKey::to_z85) is how it is kept.
    #[must_use]
    pub const fn secret_key(&self) -> &CurveSecretKey {
        &self.secret
    }
}

impl From<CurveSecretKey> for CurveKeypair {
    fn from(secret: CurveSecretKey) -> Self {
        Self { public: secret.public_key(), secret }
    }
}

/// The key pairs of a CURVE server, which can be replaced while it runs.
///
/// Clones are handles to the same keys: keep one, and give one to
/// [`with_curve_server`](crate::SocketOptions::with_curve_server). Connections that are there stay; new ones are
/// shaken hands with by the keys of that moment. While clients learn of a new key, let the server have both.
///
/// ```
/// # fn main() -> Result<(), monocoque::security::CurveKeyError> {
/// use monocoque::security::{CurveKeypair, CurveServerKeys};
///
/// let (old, new) = (CurveKeypair::generate()?, CurveKeypair::generate()?);
/// let keys = CurveServerKeys::from(old.clone());
/// // Later, for as long as there are clients with the old key:
/// keys.replace([new.clone(), old]);
/// keys.replace([new]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CurveServerKeys(Arc<RwLock<Arc<[CurveKeypair]>>>);

impl CurveServerKeys {
    /// Has new connections use these, and no others. Each costs a server work for every client with a key that
    /// stands behind it, and for everyone who has none of them: two are for a time of change. With none, everybody
    /// is refused.
    ///
    /// ```
    /// use monocoque::security::{CurveKeyError, CurveKeypair, CurveServerKeys};
    ///
    /// let (old, new) = (CurveKeypair::generate()?, CurveKeypair::generate()?);
    /// let keys = CurveServerKeys::from(old.clone());
    /// // In a socket; the handle that is kept says what it uses.
    /// let options = monocoque::SocketOptions::default()
    ///     .with_curve_server(keys.clone(), monocoque::security::accept_any_client());
    /// keys.replace([new.clone(), old.clone()]);
    /// assert_eq!(keys.public_keys(), [new.public_key(), old.public_key()]);
    /// # drop(options);
    /// # Ok::<_, CurveKeyError>(())
    /// ```
    pub fn replace(&self, keys: impl IntoIterator<Item = CurveKeypair>) {
        let keys = keys.into_iter().collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Those that new connections use.
    ///
    /// See [`replace`](Self::replace).
    #[must_use]
    pub fn public_keys(&self) -> Vec<CurvePublicKey> {
        self.current().iter().map(CurveKeypair::public_key).collect()
    }

    pub(crate) fn current(&self) -> Arc<[CurveKeypair]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl From<CurveKeypair> for CurveServerKeys {
    fn from(keypair: CurveKeypair) -> Self {
        Self(Arc::new(RwLock::new([keypair].into())))
    }
}

impl fmt::Debug for CurveServerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CurveServerKeys").field(&self.public_keys()).finish()
    }
}

#[cfg(test)]
mod tests;
