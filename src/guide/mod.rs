//! What to know beyond the single methods.

// The pages lie in files that are read in the repository too. There each ends with where its links lead in the sources;
// here links.md stands before it, and of two definitions of a link the first counts.

#[doc = include_str!("links.md")]
#[doc = include_str!("authenticator.md")]
pub mod authenticator {}

#[doc = include_str!("links.md")]
#[doc = include_str!("bounds.md")]
pub mod bounds {}

#[doc = include_str!("links.md")]
#[doc = include_str!("cancellation.md")]
pub mod cancellation {}

#[doc = include_str!("links.md")]
#[doc = include_str!("cookbook.md")]
pub mod cookbook {}

#[doc = include_str!("links.md")]
#[doc = include_str!("delivery.md")]
pub mod delivery {}

#[doc = include_str!("links.md")]
#[doc = include_str!("observing.md")]
pub mod observing {}

#[doc = include_str!("links.md")]
#[doc = include_str!("patterns.md")]
pub mod patterns {}

#[doc = include_str!("links.md")]
#[doc = include_str!("security.md")]
pub mod security {}

#[doc = include_str!("links.md")]
#[doc = include_str!("shutdown.md")]
pub mod shutdown {}

#[doc = include_str!("links.md")]
#[doc = include_str!("sizing.md")]
pub mod sizing {}

/// README's examples are tested with the others.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../../README.md")]
mod readme {}
