//! Passwords.

use std::fmt;
use std::hint::black_box;

/// A password: any bytes, which `Debug` does not show, and which are overwritten when they are dropped.
///
/// Comparing takes the same time whatever the two have in common; only their lengths show.
///
/// ```
/// use monocoque::security::Password;
///
/// let password = Password::from("secret");
/// assert!(password == Password::from("secret") && password != Password::from("secreT"));
/// assert_eq!(format!("{password:?}"), "Password(..)");
/// ```
#[derive(Clone)]
pub struct Password(Box<[u8]>);

impl Password {
    /// The password itself.
    ///
    /// ```
    /// use monocoque::security::Password;
    ///
    /// // To be hashed and compared with what is stored, as what `==` cannot do.
    /// let password = Password::from("secret");
    /// assert_eq!(password.as_bytes(), b"secret");
    /// ```
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Password {
    fn from(password: &str) -> Self {
        Self::from(password.as_bytes())
    }
}

impl From<&[u8]> for Password {
    fn from(password: &[u8]) -> Self {
        Self(password.into())
    }
}

impl From<String> for Password {
    /// Takes the memory over, but for spare capacity: that is not overwritten.
    fn from(password: String) -> Self {
        Self(password.into_bytes().into_boxed_slice())
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        let differences = self.0.iter().zip(&other.0).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
        self.0.len() == other.0.len() && black_box(differences) == 0
    }
}

impl Eq for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Drop for Password {
    fn drop(&mut self) {
        self.0.fill(0);
        // The write counts as seen, so that it is not left out.
        black_box(&mut self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Credentials;
    use super::*;

    #[test]
    fn passwords_are_equal_if_all_their_bytes_are() {
        let password = Password::from("secret");
        assert_eq!(password, Password::from("secret".to_owned()));
        for other in ["", "s", "secre", "secret ", "Secret", "secreT"] {
            assert_ne!(password, Password::from(other), "{other:?}");
        }
        assert_eq!(Password::from(""), Password::from(&b""[..]));
        assert_eq!(password.as_bytes(), b"secret");
    }

    #[test]
    fn passwords_are_not_shown() {
        let credentials = Credentials::Plain { user: "ann".into(), password: "secret".into() };
        let shown = format!("{credentials:?} {credentials:#?}");
        assert!(shown.contains("ann") && !shown.contains("secret"), "{shown}");
    }
}
