//! Fan-out: which of many peers want a message, by the prefix of its first frame.
//!
//! [`Subscriptions`] is what PUB and XPUB know of their peers' wishes, [`Topics`] what SUB and XSUB wish
//! themselves; both stand on a compressed radix tree. Topics come from peers, and no choice of them costs
//! more than its own length: neither time, nor memory, nor stack.

mod children;
mod label;
mod prefix_tree;
mod subscribers;
mod subscriptions;
#[cfg(test)]
mod tests;
mod topics;

pub(crate) use self::subscriptions::{Inserted, Removed, Subscriptions};
pub(crate) use self::topics::{Released, Topics};
