//! Time limits of what is waited for, on any clock.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use super::Sleeper;
use crate::error::{Error, Result, TimeoutKind};

/// Waits for `future`, for at most `limit` of the runtime's time, counted from this call: for code that is generic over
/// runtimes, as the `timeout` of each of them is.
///
/// A limit that is longer than the clock can tell is none. The future is polled first, so that one that is ready is never
/// late. In a simulation the time is virtual.
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use monocoque::prelude::*;
/// use monocoque::runtime::{AsyncStream, Runtime, timeout};
/// use monocoque::socket::PullSocket;
/// use std::time::Duration;
///
/// /// The next message, or none if there is none in time, on any runtime.
/// async fn within<S>(limit: Duration, pull: &PullSocket<S>) -> Result<Option<Message>>
/// where
///     S: AsyncStream<Runtime: Runtime>,
/// {
///     let runtime = S::Runtime::current().expect("sockets are used on a runtime");
///     match timeout(&runtime, limit, pull.recv()).await {
///         Ok(received) => received.map(Some),
///         // Nothing is lost by it: `recv` may be dropped at any await point.
///         Err(_) => Ok(None),
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> monocoque::Result<()> {
/// use monocoque::tokio::PushSocket;
///
/// let pull = monocoque::tokio::PullSocket::bind("tcp://127.0.0.1:0").await?;
/// assert_eq!(within(Duration::from_millis(10), &pull).await?, None);
/// let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
/// push.send("there").await?;
/// assert_eq!(within(Duration::from_secs(10), &pull).await?, Some("there".into()));
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
///
/// # Errors
/// [`Error::Timeout`] of the kind [`Limit`](TimeoutKind::Limit) once the time is up; the future is dropped then.
///
/// # Cancel safety
/// Dropped before it is ready, it drops `future`, which says what that means.
pub fn timeout<R: Sleeper, F: Future>(
    runtime: &R,
    limit: Duration,
    future: F,
) -> impl Future<Output = Result<F::Output>> + use<R, F> {
    let mut limit = Limit::new(runtime, Some(limit));
    async move { limit.race(future).await.ok_or(Error::Timeout(TimeoutKind::Limit)) }
}

/// The time limit of one call, over all that it waits for.
///
/// Runs from when it is made; none where there is no limit.
pub(crate) struct Limit<R: Sleeper> {
    sleep: Option<R::Sleep>,
}

impl<R: Sleeper> Limit<R> {
    /// A time that is too far ahead to be told is none.
    pub(crate) fn new(runtime: &R, after: Option<Duration>) -> Self {
        let deadline = after.and_then(|after| runtime.now().checked_add(after));
        Self { sleep: deadline.map(|deadline| runtime.sleep_until(deadline)) }
    }

    /// Waits for `future`, within what is left; after `None` nothing is left.
    pub(crate) async fn race<F: Future>(&mut self, future: F) -> Option<F::Output> {
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
