//! What to know beyond the single methods.

#[doc = include_str!("cancellation.md")]
pub mod cancellation {}

#[doc = include_str!("delivery.md")]
pub mod delivery {}
