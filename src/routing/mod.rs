//! Which peer is next: strategies that socket types are composed of.
//!
//! Pure values over keys of peers (`K`, small and `Copy`), without I/O, locks or wakers. They know nothing
//! of messages or marks: the owner says which peers have room, or something to deliver.

mod by_identity;
mod fair_queue;
mod fan_out;
mod fresh_first;
mod load_balance;

use std::collections::HashMap;
use std::hash::Hash;

pub(crate) use self::by_identity::{AutoIdentity, ByIdentity};
pub(crate) use self::fair_queue::FairQueue;
pub(crate) use self::fan_out::{Inserted, Released, Removed, Subscriptions, Topics};
pub(crate) use self::fresh_first::FreshFirst;
pub(crate) use self::load_balance::LoadBalance;

/// Gives the memory of a burst of peers back; amortised over the removals that emptied the map.
fn shrink_if_sparse<K: Eq + Hash, V>(map: &mut HashMap<K, V>) {
    const KEPT_CAPACITY: usize = 64;
    if map.capacity() > KEPT_CAPACITY && map.len() <= map.capacity() / 8 {
        map.shrink_to(map.len() * 2);
    }
}

/// The same for a list.
fn shrink_vec_if_sparse<T>(list: &mut Vec<T>) {
    if list.len() < list.capacity() / 4 {
        list.shrink_to(list.len() * 2);
    }
}
