//! Connecting to one of several addresses of a name, as RFC 8305 has it.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Sleeper;

/// How long an address has the field to itself: the "Connection Attempt Delay" that RFC 8305 recommends. An
/// address that does not answer costs this much, and not all the time that there is.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The addresses by turns from each family, in the order that they have in it; the family of the first one
/// goes first. A network that lost one of the two families then costs one delay (RFC 8305, section 4).
pub(super) fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_ipv6);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(one.next());
        all.extend(other.next());
        if all.len() == before {
            return all;
        }
    }
}

/// Attempts to reach one of several targets: each starts a delay after the one before it, or as soon as one
/// fails; the first that succeeds wins, and the others are dropped. Fails as the last of them.
pub(super) struct Race<R: Sleeper, A, F, S> {
    runtime: R,
    waiting: VecDeque<A>,
    running: Vec<F>,
    start: S,
    /// When the next may start beside those that run.
    next: Option<R::Sleep>,
    failure: io::Error,
}

impl<R, A, F, S, T> Race<R, A, F, S>
where
    R: Sleeper,
    F: Future<Output = io::Result<T>> + Unpin,
    S: FnMut(&R, A) -> F,
{
    /// Starts with the first of `targets`; without any it fails with `failure`.
    pub(super) fn new(
        runtime: R,
        targets: impl IntoIterator<Item = A>,
        start: S,
        failure: io::Error,
    ) -> Self {
        let waiting = targets.into_iter().collect();
        let mut race = Self { runtime, waiting, running: Vec::new(), start, next: None, failure };
        race.start_next();
        race
    }

    fn start_next(&mut self) {
        let Some(target) = self.waiting.pop_front() else { return };
        self.running.push((self.start)(&self.runtime, target));
        self.next =
            (!self.waiting.is_empty()).then(|| self.runtime.sleep_until(self.runtime.now() + ATTEMPT_DELAY));
    }

    /// Polls all attempts; whether one failed, unless one succeeded.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> Result<bool, T> {
        let mut failed = false;
        let mut index = 0;
        while let Some(attempt) = self.running.get_mut(index) {
            match Pin::new(attempt).poll(cx) {
                Poll::Pending => index += 1,
                Poll::Ready(Ok(connected)) => return Err(connected),
                Poll::Ready(Err(failure)) => {
                    drop(self.running.remove(index));
                    self.failure = failure;
                    failed = true;
                }
            }
        }
        Ok(failed)
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.next.as_mut().map_or(Poll::Pending, |next| Pin::new(next).poll(cx))
    }
}

impl<R, A, F, S, T> Future for Race<R, A, F, S>
where
    R: Sleeper,
    F: Future<Output = io::Result<T>> + Unpin,
    S: FnMut(&R, A) -> F,
{
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let race = self.get_mut();
        loop {
            let failed = match race.poll_running(cx) {
                Err(connected) => return Poll::Ready(Ok(connected)),
                Ok(failed) => failed,
            };
            if race.running.is_empty() && race.waiting.is_empty() {
                let failure = std::mem::replace(&mut race.failure, io::ErrorKind::NotConnected.into());
                return Poll::Ready(Err(failure));
            }
            if !failed && race.poll_next(cx).is_pending() {
                return Poll::Pending;
            }
            race.start_next();
        }
    }
}

// Nothing in it is pinned in place: attempts and sleeps are `Unpin`.
impl<R: Sleeper, A, F, S> Unpin for Race<R, A, F, S> {}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use super::*;
    use crate::runtime::Runtime;
    use crate::runtime::sim::{self, Sim, SimRuntime};
    use std::cell::RefCell;
    use std::io::ErrorKind;

    const MS: Duration = Duration::from_millis(1);
    const NEVER: Duration = Duration::from_secs(1_000_000);

    /// Races targets that answer after a time, well or not; the outcome with the time it took, and when
    /// each was started.
    fn race(
        targets: &[(Duration, Result<&'static str, ErrorKind>)],
    ) -> (io::Result<&'static str>, u128, Vec<u128>) {
        let started = RefCell::new(Vec::new());
        Sim::new(1).block_on(async {
            let start = |_: &SimRuntime, (delay, outcome): (Duration, Result<&'static str, ErrorKind>)| {
                started.borrow_mut().push(sim::elapsed().as_millis());
                Box::pin(async move {
                    sim::sleep(delay).await;
                    outcome.map_err(io::Error::from)
                })
            };
            let runtime = SimRuntime::current().unwrap();
            let nothing = ErrorKind::NotFound.into();
            let outcome = Race::new(runtime, targets.iter().copied(), start, nothing).await;
            (outcome, sim::elapsed().as_millis(), started.take())
        })
    }

    #[test]
    fn one_that_answers_needs_no_other() {
        let (outcome, took, started) = race(&[(249 * MS, Ok("first")), (MS, Ok("second"))]);
        assert_eq!((outcome.unwrap(), took, started), ("first", 249, vec![0]));
    }

    #[test]
    fn one_that_does_not_answer_costs_a_delay() {
        let silent = (NEVER, Ok("never"));
        let (outcome, took, started) =
            race(&[silent, silent, silent, (7 * MS, Ok("live")), (MS, Ok("late"))]);
        assert_eq!((outcome.unwrap(), took, started), ("live", 757, vec![0, 250, 500, 750]));
    }

    #[test]
    fn one_that_is_slow_can_still_win() {
        let (outcome, took, started) =
            race(&[(300 * MS, Ok("slow")), (100 * MS, Ok("late")), (MS, Ok("spare"))]);
        assert_eq!((outcome.unwrap(), took, started), ("slow", 300, vec![0, 250]));
    }

    #[test]
    fn one_that_fails_makes_way_at_once() {
        let refused = (MS, Err(ErrorKind::ConnectionRefused));
        let (outcome, took, started) = race(&[refused, refused, (MS, Ok("third"))]);
        assert_eq!((outcome.unwrap(), took, started), ("third", 3, vec![0, 1, 2]));
        // Also while others are waited for, and each makes way for one.
        let (outcome, took, started) =
            race(&[(NEVER, Ok("never")), refused, (NEVER, Ok("never")), (MS, Ok("fourth"))]);
        assert_eq!((outcome.unwrap(), took, started), ("fourth", 502, vec![0, 250, 251, 501]));
    }

    #[test]
    fn the_last_failure_is_told_when_all_failed() {
        let (outcome, took, started) =
            race(&[(300 * MS, Err(ErrorKind::TimedOut)), (MS, Err(ErrorKind::ConnectionRefused))]);
        assert_eq!((outcome.unwrap_err().kind(), took, started), (ErrorKind::TimedOut, 300, vec![0, 250]));
        let (outcome, took, started) = race(&[]);
        assert_eq!((outcome.unwrap_err().kind(), took, started), (ErrorKind::NotFound, 0, vec![]));
    }

    #[test]
    fn families_take_turns() {
        let six = |n: u16| SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, n], 1));
        let four = |n: u8| SocketAddr::from(([127, 0, 0, n], 1));
        for (given, expected) in [
            (vec![six(1), six(2), six(3), four(1)], vec![six(1), four(1), six(2), six(3)]),
            (vec![four(1), four(2), six(1), six(2)], vec![four(1), six(1), four(2), six(2)]),
            (vec![six(1), four(1), four(2)], vec![six(1), four(1), four(2)]),
            (vec![four(2), four(1)], vec![four(2), four(1)]),
            (vec![], vec![]),
        ] {
            assert_eq!(interleave(given), expected);
        }
    }
}
