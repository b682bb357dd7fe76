//! Waiting in virtual time.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::SimRuntime;
use super::clock::{Event, EventKey};
use super::world::Shared;
use crate::runtime::{Limit, Sleeper};

/// Resolves when its instant of virtual time has come.
pub struct Sleep {
    deadline: Duration,
    shared: Arc<Shared>,
    timer: Option<EventKey>,
}

impl Sleep {
    fn new(shared: &Arc<Shared>, deadline: Duration) -> Self {
        Self { deadline, shared: Arc::clone(shared), timer: None }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { deadline, shared, timer } = self.get_mut();
        shared.with(|world| {
            let core = &mut world.core;
            if core.now() >= *deadline {
                return Poll::Ready(());
            }
            let event = Event::Wake(cx.waker().clone());
            match timer.and_then(|key| core.clock.event_mut(key)) {
                Some(running) => {
                    let old = std::mem::replace(running, event);
                    core.discard_event(old);
                }
                None => *timer = Some(core.clock.schedule(*deadline, event)),
            }
            Poll::Pending
        })
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let Some(key) = self.timer else { return };
        self.shared.with(|world| {
            if let Some(event) = world.core.clock.cancel(key) {
                world.core.discard_event(event);
            }
        });
    }
}

impl Sleeper for SimRuntime {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        self.shared().with(|world| world.core.clock.instant(world.core.now()))
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let deadline = self.shared().with(|world| world.core.clock.offset(deadline));
        Sleep::new(self.shared(), deadline)
    }
}

/// The future given to [`timeout`] did not resolve in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("deadline has elapsed")]
#[non_exhaustive]
pub struct Elapsed;

/// The current virtual time.
///
/// ```
/// use monocoque::runtime::sim::{self, Sim};
/// use std::time::Duration;
///
/// Sim::new(7).block_on(async {
///     let begun = sim::now();
///     sim::sleep(Duration::from_secs(3600)).await;
///     // The same in every run, but counted from when this one began.
///     assert_eq!(sim::now() - begun, sim::elapsed());
/// });
/// ```
///
/// # Panics
/// Outside of [`Sim::block_on`](super::Sim::block_on).
#[track_caller]
#[must_use]
pub fn now() -> Instant {
    SimRuntime::expect_current().now()
}

/// The virtual time since the simulation was made: the same in every run, unlike [`now`].
///
/// See [`now`].
///
/// # Panics
/// Outside of [`Sim::block_on`](super::Sim::block_on).
#[track_caller]
#[must_use]
pub fn elapsed() -> Duration {
    SimRuntime::expect_current().elapsed()
}

/// Waits for `duration` of virtual time.
///
/// See [`now`].
///
/// # Panics
/// Outside of [`Sim::block_on`](super::Sim::block_on).
#[track_caller]
#[must_use = "futures do nothing unless awaited"]
pub fn sleep(duration: Duration) -> Sleep {
    let runtime = SimRuntime::expect_current();
    Sleep::new(runtime.shared(), runtime.elapsed().saturating_add(duration))
}

/// Waits for `future`, at most for `duration` of virtual time from now.
///
/// ```
/// use monocoque::runtime::sim::{self, Sim};
/// use std::time::Duration;
///
/// Sim::new(7).block_on(async {
///     let never = std::future::pending::<()>();
///     assert!(sim::timeout(Duration::from_secs(5), never).await.is_err());
///     assert_eq!(sim::elapsed(), Duration::from_secs(5));
/// });
/// ```
///
/// # Errors
/// [`Elapsed`] if the time ran out first; `future` is dropped then.
///
/// # Panics
/// Outside of [`Sim::block_on`](super::Sim::block_on).
#[track_caller]
pub fn timeout<F: Future>(duration: Duration, future: F) -> impl Future<Output = Result<F::Output, Elapsed>> {
    let mut limit = Limit::new(&SimRuntime::expect_current(), Some(duration));
    async move { limit.race(future).await.ok_or(Elapsed) }
}

/// Lets the clock leap by `duration` without anybody running in between, as when a laptop sleeps or a
/// process is stopped: timers and arrivals of that time all happen afterwards.
///
/// ```
/// use monocoque::runtime::sim::{self, Sim};
/// use std::time::Duration;
///
/// Sim::new(7).block_on(async {
///     let sleep = sim::sleep(Duration::from_secs(1));
///     sim::skip(Duration::from_secs(3600));
///     sleep.await;
///     assert_eq!(sim::elapsed().as_secs(), 3600);
/// });
/// ```
///
/// # Panics
/// Outside of [`Sim::block_on`](super::Sim::block_on).
#[track_caller]
pub fn skip(duration: Duration) {
    SimRuntime::expect_current().shared().with(|world| world.core.clock.skip(duration));
}

/// Gives other woken tasks a turn; with [`TaskOrder::Shuffled`](super::TaskOrder) the seed may give it
/// right back.
///
/// To let all tasks run until they wait, sleep for a nanosecond: the clock moves only then.
///
/// [`SimConfig::with_poll_limit`](super::SimConfig::with_poll_limit) shows who should not use it alone.
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
