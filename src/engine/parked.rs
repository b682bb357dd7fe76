//! The one way to wait: every future of a socket that has to wait for something does it here.
//!
//! - Whoever waits on a socket without a companion drives it meanwhile.
//! - One opportunity wakes one waiter, first come, first served, and only one that it is for: room at a peer
//!   wakes those who wait for that peer. Newcomers stand behind all who sleep.
//! - Whoever was woken and leaves passes on what it leaves to others, whether or not it took anything.
//! - A waker is cloned, woken and dropped outside of the lock. So going to sleep has two steps: a place in the
//!   list with the lock held, and the waker afterwards; who is woken in between wakes itself.

mod list;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

pub(crate) use self::list::WaitList;
use self::list::{Key, Left};
use super::core::{Companion, Core, Timer};
use super::shared::Shared;
use crate::error::{Error, TimeoutKind};
use crate::monitor::PeerId;
use crate::resilience::FlushPolicy;
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
        let done = self.poll_bounded(shared, cx, |core| core.time_limit(limit), attempt);
        done.map(|done| done.unwrap_or(Err(Error::Timeout(limit))))
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
        if self.place.is_some_and(|place| core.waits.has_expired(place.key)) {
            self.abandon(core);
            return Step::Expired;
        }
        let key = self.place.map_or_else(|| core.waits.fresh_key(), |place| place.key);
        if let Some(limit) = limit {
            core.keep_limit(key, list, limit);
        }
        let mut armed = self.enter(core, Place { list, key, need }, waker);
        if core.is_detached() && list != List::Receivers {
            let stood = self.drives.then_some(0);
            armed &= core.go_to_sleep(Place { list: List::Helpers, key, need: 0 }, stood, waker);
            self.drives = true;
        }
        core.drive_for(list);
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
            Some(List::Receivers) if core.inbound.gated => core.pattern.recv_abandoned(),
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

impl<S: AsyncStream> Core<S> {
    /// Waits for something that is no business of this socket, at the place of `turn` as long as there is one.
    ///
    /// Who left it would wake the next, who would leave it for the same reason, and come back behind the first:
    /// each would keep waking the other, and neither go on.
    pub(crate) fn wait_elsewhere<R>(&self, turn: Turn) -> Attempt<R> {
        match turn {
            Turn::Waiting(place) if self.has_list(place.list) => Attempt::Wait(place.list, place.need),
            _ => Attempt::Wait(List::Elsewhere, 0),
        }
    }

    /// The list of a peer goes with it.
    fn has_list(&self, list: List) -> bool {
        match list {
            List::Room(Some(id)) | List::Written(Some(id)) => self.peers.get(id).is_some(),
            _ => true,
        }
    }

    /// Does something to a list; `None` if it went with its peer. Nothing foreign runs in there.
    pub(super) fn on_list<R>(&mut self, list: List, act: impl FnOnce(&mut WaitList) -> R) -> Option<R> {
        match list {
            List::Receivers | List::Helpers => Some(self.ready.on_list(list, act)),
            List::Room(None) => Some(act(&mut self.outbound.senders)),
            List::Room(Some(id)) => self.peers.get_mut(id).map(|peer| act(&mut peer.senders)),
            List::Written(None) => Some(act(&mut self.outbound.flushers)),
            List::Written(Some(id)) => self.peers.get_mut(id).map(|peer| act(&mut peer.flushers)),
            List::Changes => Some(act(&mut self.watchers)),
            List::Elsewhere => Some(act(&mut self.waits.elsewhere)),
        }
    }

    /// Whether it has its waker already.
    fn go_to_sleep(&mut self, place: Place, stood: Option<u64>, waker: &Waker) -> bool {
        let Place { list, key, need } = place;
        let armed = self.on_list(list, |list| list.enter(key, need, stood, waker)).unwrap_or(false);
        match list {
            List::Receivers => {
                self.inbound.waiting += usize::from(stood.is_none());
                self.inbound.settle_lane();
                if self.inbound.only_slab() {
                    self.wake_for_events();
                } else {
                    // The end of a connection, acted upon since the attempt, has left something.
                    self.wake_receiver();
                }
            }
            List::Helpers => self.wake_for_events(),
            _ => self.outbound.settle_lane(),
        }
        armed
    }

    /// Something may have become ready in the meantime. Who goes to sleep does not go on by itself: what is
    /// ready may be a stream that only wants its task to give way, as those of tokio do now and then.
    fn wake_for_events(&mut self) {
        let next = self.ready.next();
        self.effects.wake_next(next);
    }

    /// Without a companion those who wait do its work, and where only `flush` writes those who wait for room:
    /// who is helped by that is woken, be it the one who does it.
    fn drive_for(&mut self, list: List) {
        let by_hand = self.is_detached() || self.options.flush_policy == FlushPolicy::Manual;
        if by_hand && matches!(list, List::Room(_)) {
            self.turn(Self::flush_unblocked);
        }
        match list {
            _ if !self.is_detached() => {}
            List::Receivers => self.detached_tick(),
            _ => self.detached_turn(),
        }
    }

    fn leave_for_good(&mut self, place: Place, drove: bool) {
        if !self.waits.limits.is_empty() && self.waits.limits.remove(&place.key).is_some() {
            self.clock.cancel(Timer::Limit(place.key));
        }
        self.leave_list(place);
        if drove {
            self.leave_list(Place { list: List::Helpers, need: 0, ..place });
        }
    }

    fn leave_list(&mut self, place: Place) {
        if place.list == List::Receivers {
            self.inbound.waiting -= 1;
            self.inbound.settle_lane();
        }
        let left = self.on_list(place.list, |list| list.leave(place.key, place.need));
        let Some(Left { waker, passes_on }) = left else { return };
        self.effects.drop_waker(waker);
        if passes_on {
            self.pass_on(place.list);
        }
        self.outbound.settle_lane();
    }

    /// Somebody has left, and is survived by what it was woken for, or would have been.
    fn pass_on(&mut self, list: List) {
        match list {
            List::Receivers => self.pass_on_to_receivers(),
            List::Helpers => self.wake_for_events(),
            List::Room(None) => self.pass_on_to_senders(),
            List::Room(Some(id)) => self.wake_for_room(id),
            List::Written(_) | List::Changes | List::Elsewhere => {}
        }
    }

    /// If there is more to receive, the next one is to come.
    pub(crate) fn pass_on_to_receivers(&mut self) {
        if self.inbound.waiting == 0 {
            return;
        }
        if self.ready.has_events() {
            self.wake_for_events();
        } else if self.inbound.something_left() {
            self.wake_receiver();
        }
    }

    /// There is a message to receive.
    pub(super) fn wake_receiver(&mut self) {
        let next = self.ready.on_list(List::Receivers, WaitList::wake_next);
        self.effects.wake(next);
    }

    fn pass_on_to_senders(&mut self) {
        match self.outbound.sole_peer {
            Some(id) => self.wake_for_room(id),
            None => self.wake_a_sender(),
        }
    }

    /// Has one of those who wait for any peer look whether it can go on, unless one is about to.
    pub(crate) fn wake_a_sender(&mut self) {
        if !self.outbound.senders.is_answering() {
            let next = self.outbound.senders.wake_next();
            self.effects.wake(next);
            self.outbound.settle_lane();
        }
    }

    /// There may be room at this peer: for those who wait for it, and for those who take any.
    pub(crate) fn wake_for_room(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let nobody = peer.senders.is_empty() && self.outbound.senders.is_empty();
        if nobody || peer.stage != super::peer::Stage::Live {
            return;
        }
        let wakers = self.effects.wakers();
        let mut level = peer.level();
        loop {
            peer.senders.wake_fitting(level, wakers);
            // What waits for a peer already goes first.
            if self.outbound.pending.is_empty() {
                self.outbound.senders.wake_fitting(level, wakers);
            }
            // An inproc peer tells when it has made room to those who asked before they looked.
            let before = std::mem::replace(&mut level, peer.await_room());
            if level.messages() == before.messages() {
                break;
            }
        }
        self.outbound.settle_lane();
    }

    /// There is room in the socket's own queue.
    pub(crate) fn wake_for_queue(&mut self) {
        if !self.outbound.senders.is_empty() {
            let level = self.outbound.pending_level;
            self.outbound.senders.wake_fitting(level, self.effects.wakers());
            self.outbound.settle_lane();
        }
    }

    /// This peer takes nothing more: who waits for it has to look elsewhere.
    pub(crate) fn release_senders(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(id).filter(|peer| !peer.senders.is_empty()) {
            peer.senders.wake_all(self.effects.wakers());
        }
    }

    /// So much of what this peer had queued is written.
    pub(crate) fn wake_written(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(id).filter(|peer| !peer.flushers.is_empty()) {
            let written = if peer.out.is_empty() { u64::MAX } else { peer.out.written_total() };
            peer.flushers.wake_up_to(written, self.effects.wakers());
        }
    }

    /// What waited without a peer may have one.
    pub(crate) fn wake_flushers(&mut self) {
        if !self.outbound.flushers.is_empty() {
            self.outbound.flushers.wake_all(self.effects.wakers());
        }
    }

    pub(crate) fn wake_watchers(&mut self) {
        if !self.watchers.is_empty() {
            self.watchers.wake_all(self.effects.wakers());
        }
    }

    /// Wakes everybody who waits for anything, to find out how the socket ended.
    pub(crate) fn wake_everybody(&mut self) {
        let Self { effects, outbound, waits, watchers, peers, ready, .. } = self;
        let wakers = effects.wakers();
        for list in [&mut outbound.senders, &mut outbound.flushers, &mut waits.elsewhere, watchers] {
            list.wake_all(wakers);
        }
        for peer in peers.iter_mut() {
            peer.senders.wake_all(wakers);
            peer.flushers.wake_all(wakers);
        }
        for list in [List::Receivers, List::Helpers] {
            ready.on_list(list, |list| list.wake_all(wakers));
        }
        outbound.settle_lane();
    }

    fn time_limit(&self, kind: TimeoutKind) -> Option<Duration> {
        match kind {
            TimeoutKind::Recv => self.options.recv_timeout,
            TimeoutKind::Send => self.options.send_timeout,
            _ => None,
        }
    }

    /// Starts the clock of a call that waits for the first time.
    fn keep_limit(&mut self, key: Key, list: List, after: Duration) {
        if let Some(limit) = self.waits.limits.get_mut(&key) {
            limit.list = list;
            return;
        }
        self.waits.limits.insert(key, Limit { list, expired: false });
        self.clock.begin(Timer::Limit(key), after);
        self.wake_companion();
    }

    /// A call has waited for as long as it may.
    pub(super) fn limit_reached(&mut self, key: Key) {
        let Some(limit) = self.waits.limits.get_mut(&key) else { return };
        limit.expired = true;
        let list = limit.list;
        let waker = self.on_list(list, |list| list.wake(key)).flatten();
        self.effects.wake(waker);
        self.outbound.settle_lane();
    }

    /// Whether the socket must be driven by its callers.
    pub(crate) fn is_detached(&self) -> bool {
        self.companion == Companion::None
    }

    /// What a caller that waits for something other than a message does meanwhile: write, answer, read
    /// ahead up to the marks, so that two ends that only send cannot block each other.
    pub(crate) fn detached_turn(&mut self) {
        self.turn(|core| {
            core.collect_ready();
            core.read_ahead_now();
        });
        self.detached_tick();
    }

    /// Deadlines are looked at when the socket is polled.
    fn detached_tick(&mut self) {
        self.turn(|core| {
            // Without an endpoint there is nothing to dial.
            let _dials = core.tick(std::time::Instant::now());
            core.close_step();
        });
    }
}

impl<S: AsyncStream> Shared<S> {
    /// Gives one who sleeps its waker; an error gives it back to one who does not sleep any more.
    fn arm(&self, list: List, key: Key, waker: Waker) -> Result<(), Waker> {
        let armed = match list {
            List::Receivers | List::Helpers => self.ready.on_list(list, |list| list.arm(key, waker)),
            _ => self.with(|core| {
                let mut waker = Some(waker);
                let armed = core.on_list(list, |list| waker.take().map(|waker| list.arm(key, waker)));
                armed.flatten().unwrap_or_else(|| waker.take().map_or(Ok(None), Err))
            }),
        };
        armed.map(drop)
    }
}
