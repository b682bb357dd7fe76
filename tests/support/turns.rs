//! Giving other tasks a turn, on any runtime.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

pub async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Polls a future at most `polls` times, giving other tasks a turn in between, then drops it.
pub async fn poll_times<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for turn in 0..polls {
        if turn > 0 {
            yield_now().await;
        }
        let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
    }
    None
}
