//! Polling a future a few times, and then dropping it.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// More than the small buffers between the sockets hold, so that connections block inside of messages.
#[allow(dead_code, reason = "each test binary uses a part")]
pub const LARGE: usize = 30_000;

/// How often a loop of dropped futures runs; more where there is time, by the environment.
pub fn rounds() -> usize {
    std::env::var("MONOCOQUE_CANCEL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000)
}

/// Polls a future at most `polls` times, with a turn for the other tasks in between, then drops it.
pub async fn poll_times<F: Future, T: Future>(
    future: F,
    polls: usize,
    turn: impl Fn() -> T,
) -> Option<F::Output> {
    let mut future = pin!(future);
    for poll in 0..polls {
        if poll > 0 {
            turn().await;
        }
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(output);
        }
    }
    None
}
