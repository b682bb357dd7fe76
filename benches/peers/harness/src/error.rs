//! Errors, and the one that is none: what a library does not have.

use std::fmt;

/// Any error: it ends the process, and its text goes into the report.
pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// The library has no way of doing this; the report has a dash and this text as its footnote.
#[derive(Debug)]
pub struct Unsupported(pub String);

/// An [`Unsupported`] to return.
pub fn unsupported<T>(why: impl Into<String>) -> Result<T> {
    Err(Unsupported(why.into()).into())
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unsupported {}
