//! What to know beyond the single methods.

#[doc = include_str!("bounds.md")]
pub mod bounds {}

#[doc = include_str!("cancellation.md")]
pub mod cancellation {}

#[doc = include_str!("delivery.md")]
pub mod delivery {}

#[doc = include_str!("patterns.md")]
pub mod patterns {}

/// README's examples are tested with the others.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../../README.md")]
mod readme {}
