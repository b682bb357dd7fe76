//! The time limit of one call, over all that it waits for.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use crate::runtime::Sleeper;

/// Runs from when it is made; none where there is no limit.
pub(super) struct Limit<R: Sleeper> {
    sleep: Option<R::Sleep>,
}

impl<R: Sleeper> Limit<R> {
    /// A time that is too far ahead to be told is none.
    pub(super) fn new(runtime: &R, after: Option<Duration>) -> Self {
        let deadline = after.and_then(|after| runtime.now().checked_add(after));
        Self { sleep: deadline.map(|deadline| runtime.sleep_until(deadline)) }
    }

    /// Waits for `future`, within what is left; after `None` nothing is left.
    pub(super) async fn race<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            match &mut self.sleep {
                Some(sleep) => Pin::new(sleep).poll(cx).map(|()| None),
                None => Poll::Pending,
            }
        })
        .await
    }
}
