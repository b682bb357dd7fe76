//! The one way to wait: every future of a socket that has to wait for something does it here.
//!
//! - Whoever waits on a socket without a companion drives it meanwhile.
//! - One opportunity wakes one waiter, first come, first served, and only one that it is for: room at a peer
//!   wakes those who wait for that peer. Newcomers stand behind all who sleep.
//! - Whoever was woken and leaves passes on what it leaves to others, whether or not it took anything.
//! - A waker is cloned, woken and dropped outside of the lock. So going to sleep has two steps: a place in the
//!   list with the lock held, and the waker afterwards; who is woken in between wakes itself.

mod drive;
mod list;
mod places;
mod spin;
mod wait_times;
mod wakes;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use self::list::Key;
pub(crate) use self::list::WaitList;
use self::spin::Spinning;
use self::wait_times::Times;
use super::core::Core;
use super::pattern::Delivery;
use super::shared::Shared;
use crate::error::{Error, TimeoutKind};
use crate::monitor::PeerId;
use crate::options::SocketOptions;
use crate::runtime::AsyncStream;

/// What is waited for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum List {
    /// A message to receive.
    Receivers,
    /// Anything: those that drive a socket without a companion.
    Helpers,
    /// Room for a message: at this peer, or at any. What they need is its size.
    Room(Option<PeerId>),
    /// All that this peer had queued once to be written, or a peer for what has none. What they need is how
    /// much that is, counted from the beginning of the connection.
    Written(Option<PeerId>),
    /// A change of connections, endpoints, subscriptions or the socket itself.
    Changes,
    /// Something that is no business of this socket; only its end and a time limit are.
    Elsewhere,
    /// The same, and it is not waited for to send.
    End,
}

/// What came of an attempt.
pub(crate) enum Attempt<R> {
    Done(R),
    /// It has to wait in this list, and needs so much.
    Wait(List, u64),
    /// It could go on, and lets other tasks run first.
    GiveWay,
}

/// Whose turn it is to take what there is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Turn {
    /// It has not waited.
    New,
    /// It has this place.
    Waiting(Place),
    /// It comes before all who wait.
    First,
}

/// Where somebody waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    list: List,
    key: Key,
    need: u64,
}

/// What all lists of a socket have in common.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    next_key: Key,
    /// Calls that have a time limit.
    limits: BTreeMap<Key, Limit>,
    elsewhere: WaitList,
    times: Option<Box<Times>>,
    /// Who looks again and again instead of sleeping.
    spinning: Option<Spinning>,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    list: List,
    expired: bool,
}

impl Turn {
    pub(crate) fn is_new(self) -> bool {
        matches!(self, Self::New)
    }

    /// Whether it may take what those in `list` wait for.
    pub(crate) fn may_pass(self, list: List, sleepers: &WaitList) -> bool {
        match self {
            _ if sleepers.is_empty() => true,
            Self::First => true,
            Self::Waiting(place) => place.list == list && sleepers.may_pass(place.key),
            Self::New => false,
        }
    }
}

/// What is left to do without the lock.
enum Step<R> {
    Done(R),
    Expired,
    GiveWay,
    Asleep,
    /// Asleep, and without its waker.
    Unarmed,
}

/// The place of one future among those who wait; none while it does not.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    place: Option<Place>,
    /// It drives the socket, and is among the helpers too.
    drives: bool,
}

/// The limit that is set for calls of this kind.
fn time_limit(options: &SocketOptions, kind: TimeoutKind) -> Option<Duration> {
    match kind {
        TimeoutKind::Recv => options.recv_timeout,
        TimeoutKind::Send => options.send_timeout,
        _ => None,
    }
}

impl Parked {
    /// Tries; if that has to wait, it is to be polled again when there is reason to hope.
    #[inline]
    pub(crate) fn poll<S: AsyncStream, R>(
        &mut self,
        shared: &Shared<S>,
        cx: &Context<'_>,
        attempt: impl FnOnce(&mut Core<S>, Turn) -> Attempt<R>,
    ) -> Poll<R> {
        self.poll_bounded(shared, cx, |_| None, attempt).map(|done| match done {
            Some(done) => done,
            None => unreachable!("nothing expires without a limit"),
        })
    }

    /// The same for a call that has a time limit.
    pub(crate) fn poll_within<S: AsyncStream, T>(
        &mut self,
        limit: TimeoutKind,
        shared: &Shared<S>,
        cx: &Context<'_>,
        attempt: impl FnOnce(&mut Core<S>, Turn) -> Attempt<Result<T, Error>>,
    ) -> Poll<Result<T, Error>> {
        let done = self.poll_bounded(shared, cx, |core| time_limit(&core.base.options, limit), attempt);
        done.map(|done| done.unwrap_or_else(|| Err(Error::Timeout(limit))))
    }

    /// [`poll_within`](Self::poll_within) for a `value` that may go through a lane instead, and then is `None`.
    #[inline(always)]
    pub(crate) fn poll_express<S: AsyncStream, T>(
        &mut self,
        limit: TimeoutKind,
        shared: &Shared<S>,
        cx: &Context<'_>,
        value: &mut T,
        lane: impl FnOnce(&mut Core<S>, &mut T) -> bool,
        attempt: impl FnOnce(&mut Core<S>, &mut T, Turn) -> Attempt<Result<(), Error>>,
    ) -> Option<Poll<Result<(), Error>>> {
        let step = shared.express(value, lane, |core, value| {
            let after = time_limit(&core.base.options, limit);
            self.step(core, cx.waker(), after, |core, turn| attempt(core, value, turn))
        })?;
        Some(match step {
            Step::Done(Ok(())) => Poll::Ready(Ok(())),
            step => self.end_within(limit, shared, cx, step),
        })
    }

    #[inline(never)]
    #[expect(
        clippy::unnecessary_lazy_evaluations,
        reason = "an error that is not needed is dropped by a call"
    )]
    fn end_within<S: AsyncStream>(
        &self,
        limit: TimeoutKind,
        shared: &Shared<S>,
        cx: &Context<'_>,
        step: Step<Result<(), Error>>,
    ) -> Poll<Result<(), Error>> {
        self.end_step(shared, cx, step).map(|done| done.unwrap_or_else(|| Err(Error::Timeout(limit))))
    }

    /// The same for one that says itself for how long it waits: then it has `None`.
    #[inline]
    pub(crate) fn poll_bounded<S: AsyncStream, R>(
        &mut self,
        shared: &Shared<S>,
        cx: &Context<'_>,
        limit: impl FnOnce(&Core<S>) -> Option<Duration>,
        attempt: impl FnOnce(&mut Core<S>, Turn) -> Attempt<R>,
    ) -> Poll<Option<R>> {
        let step = shared.with(|core| {
            let after = limit(core);
            self.step(core, cx.waker(), after, attempt)
        });
        self.end_step(shared, cx, step)
    }

    /// The part of [`poll_bounded`](Self::poll_bounded) that is done under the lock, for those who hold it.
    fn step<S: AsyncStream, R>(
        &mut self,
        core: &mut Core<S>,
        waker: &Waker,
        limit: Option<Duration>,
        attempt: impl FnOnce(&mut Core<S>, Turn) -> Attempt<R>,
    ) -> Step<R> {
        let turn = self.place.map_or(Turn::New, Turn::Waiting);
        let (list, need) = match attempt(core, turn) {
            Attempt::Done(done) => {
                self.leave(core);
                return Step::Done(done);
            }
            Attempt::GiveWay => return Step::GiveWay,
            Attempt::Wait(list, need) => (list, need),
        };
        if self.place.is_some_and(|place| core.base.waits.has_expired(place.key)) {
            self.abandon(core);
            return Step::Expired;
        }
        let key = self.place.map_or_else(|| core.base.waits.fresh_key(), |place| place.key);
        let is_new = self.place.is_none();
        core.base.waits.begin(key, list, S::clock);
        if let Some(limit) = limit {
            core.base.keep_limit(key, list, limit);
        }
        let mut armed = self.enter(core, Place { list, key, need }, waker);
        if core.base.life.is_detached() && list != List::Receivers {
            let stood = self.drives.then_some(0);
            armed &= core.go_to_sleep(Place { list: List::Helpers, key, need: 0 }, stood, waker);
            self.drives = true;
        }
        core.drive_for(list);
        let spin = core.base.options.recv_spin;
        if list == List::Receivers && core.base.waits.looks_again(key, is_new, spin, S::clock) {
            // It keeps its place: whoever brings something wakes it, and nobody else, as if it slept.
            return Step::GiveWay;
        }
        if armed { Step::Asleep } else { Step::Unarmed }
    }

    fn end_step<S: AsyncStream, R>(
        &self,
        shared: &Shared<S>,
        cx: &Context<'_>,
        step: Step<R>,
    ) -> Poll<Option<R>> {
        match step {
            Step::Done(done) => return Poll::Ready(Some(done)),
            Step::Expired => return Poll::Ready(None),
            Step::GiveWay => cx.waker().wake_by_ref(),
            Step::Asleep => {}
            Step::Unarmed => self.arm(shared, cx.waker()),
        }
        Poll::Pending
    }

    /// Takes the place; one in another list is left first, and what was to be had there passed on.
    fn enter<S: AsyncStream>(&mut self, core: &mut Core<S>, place: Place, waker: &Waker) -> bool {
        let before = self.place.replace(place);
        let stood = before.filter(|before| before.list == place.list).map(|before| before.need);
        if let Some(before) = before.filter(|_| stood.is_none()) {
            core.leave_list(before);
        }
        core.go_to_sleep(place, stood, waker)
    }

    /// Leaves the waker where it sleeps.
    #[inline(never)]
    fn arm<S: AsyncStream>(&self, shared: &Shared<S>, waker: &Waker) {
        let Some(place) = self.place else { return };
        let mut result = shared.arm(place.list, place.key, waker.clone());
        if self.drives && result.is_ok() {
            result = shared.arm(List::Helpers, place.key, waker.clone());
        }
        if let Err(unused) = result {
            // Woken already.
            unused.wake();
        }
    }

    /// It has what it waited for, or waits no more.
    #[inline]
    fn leave<S: AsyncStream>(&mut self, core: &mut Core<S>) {
        if let Some(place) = self.place.take() {
            core.leave_for_good(place, std::mem::take(&mut self.drives));
        }
    }

    /// It gives up.
    fn abandon<S: AsyncStream>(&mut self, core: &mut Core<S>) {
        let list = self.place.map(|place| place.list);
        self.leave(core);
        match list {
            Some(List::Receivers) if core.inbound.delivery == Delivery::ByTurns => {
                core.pattern.recv_abandoned()
            }
            _ => {}
        }
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.place.is_some()
    }

    /// The future is dropped, perhaps while it waits.
    #[inline]
    pub(crate) fn cancel<S: AsyncStream>(&mut self, shared: &Shared<S>) {
        if self.place.is_some() {
            shared.with(|core| self.abandon(core));
        }
    }
}

/// A [`Parked`] that leaves when it is dropped.
pub(crate) struct Waiter<'a, S: AsyncStream> {
    pub(crate) shared: &'a Shared<S>,
    pub(crate) parked: Parked,
}

impl<'a, S: AsyncStream> Waiter<'a, S> {
    pub(crate) fn new(shared: &'a Shared<S>) -> Self {
        Self { shared, parked: Parked::default() }
    }

    /// Waits until `look` yields something; it is called again after every change.
    pub(crate) async fn until<R>(mut self, mut look: impl FnMut(&mut Core<S>) -> Poll<R>) -> R {
        poll_fn(|cx| self.poll_change(cx, &mut look)).await
    }

    /// One step of it.
    pub(crate) fn poll_change<R>(
        &mut self,
        cx: &Context<'_>,
        look: impl FnOnce(&mut Core<S>) -> Poll<R>,
    ) -> Poll<R> {
        self.parked.poll(self.shared, cx, |core, _| match look(core) {
            Poll::Ready(done) => Attempt::Done(done),
            Poll::Pending => Attempt::Wait(List::Changes, 0),
        })
    }

    /// How the socket has ended: nothing else wakes.
    pub(crate) fn poll_end(&mut self, cx: &Context<'_>) -> Poll<Error> {
        self.parked.poll(self.shared, cx, |core, _| match core.base.life.closed_error() {
            Some(error) => Attempt::Done(error),
            None => Attempt::Wait(List::End, 0),
        })
    }
}

impl<S: AsyncStream> Drop for Waiter<'_, S> {
    fn drop(&mut self) {
        self.parked.cancel(self.shared);
    }
}

impl Waits {
    fn fresh_key(&mut self) -> Key {
        self.next_key += 1;
        self.next_key
    }

    fn has_expired(&self, key: Key) -> bool {
        self.limits.get(&key).is_some_and(|limit| limit.expired)
    }
}
