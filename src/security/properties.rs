//! Names and values that peers tell each other.

use std::fmt;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;

/// Properties as they are told; a value may be a token by which somebody is let in, so `Debug` shows none.
#[derive(Clone, Default, Eq, PartialEq)]
pub(crate) struct Properties(pub(crate) Vec<(String, Bytes)>);

impl Deref for Properties {
    type Target = Vec<(String, Bytes)>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Properties {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Names(self).fmt(f)
    }
}

/// The names alone, for `Debug`.
pub(crate) struct Names<'a>(pub(crate) &'a [(String, Bytes)]);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
