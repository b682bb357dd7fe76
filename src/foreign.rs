//! Code of others that runs on the way: wakers, permits, and the owners of payloads.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does something foreign to all of them, whatever becomes of one.
pub(crate) fn each_quietly<T>(mut all: impl Iterator<Item = T>, act: impl Fn(T)) {
    let mut done = false;
    while !done {
        quietly(|| {
            all.by_ref().for_each(&act);
            done = true;
        });
    }
}

/// Runs what is foreign, where its panic is not to be the end of others: of whoever happens to run it, such as
/// the companion, and of those whose turn comes after it. The panic was reported when it began.
pub(crate) fn quietly(foreign: impl FnOnce()) {
    let _panicked = unless_it_panics(foreign).is_none();
}

/// The same, and what comes of it.
pub(crate) fn unless_it_panics<T>(foreign: impl FnOnce() -> T) -> Option<T> {
    let payload = match catch_unwind(AssertUnwindSafe(foreign)) {
        Ok(result) => return Some(result),
        Err(payload) => payload,
    };
    // What a payload does when it is dropped is foreign, too.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(payload);
    }
    None
}
