//! What to know beyond the single methods.

#[doc = include_str!("cancellation.md")]
pub mod cancellation {}

#[doc = include_str!("delivery.md")]
pub mod delivery {}

#[doc = include_str!("patterns.md")]
pub mod patterns {}
