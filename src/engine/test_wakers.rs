//! Wakers that tests sleep until.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Ends a `thread::park` of the thread that this is called on.
pub(crate) fn unpark_this_thread() -> Waker {
    Waker::from(Arc::new(Unpark(thread::current())))
}
