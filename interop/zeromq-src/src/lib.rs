//! What `zmq-sys` builds libzmq with: as the crate of this name, but with libsodium, which CURVE needs.
#![forbid(unsafe_code)]

use source::LibLocation;

/// How libzmq is built.
#[derive(Debug, Default)]
pub struct Build(source::Build);

impl Build {
    /// As it comes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Builds with libsodium even where the caller has none to offer.
    pub fn with_libsodium(&mut self, theirs: Option<LibLocation>) -> &mut Self {
        let ours = || LibLocation::new(env!("SODIUM_LIB"), env!("SODIUM_INCLUDE"));
        self.0.with_libsodium(Some(theirs.unwrap_or_else(ours)));
        self
    }

    /// Builds and links it.
    pub fn build(&mut self) {
        self.0.build();
    }
}
