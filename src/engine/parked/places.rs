//! Places in the lists of those who wait: taking one, leaving it, and the time limit that goes with it.

use std::task::Waker;
use std::time::Duration;

use super::list::{Key, Left};
use super::{Attempt, Limit, List, Place, Turn, WaitList};
use crate::engine::base::Base;
use crate::engine::clock::Timer;
use crate::engine::core::Core;
use crate::engine::outbound::Outbound;
use crate::engine::shared::Shared;
use crate::runtime::AsyncStream;

impl<S: AsyncStream> Base<S> {
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

    /// Something may have become ready in the meantime. Who goes to sleep does not go on by itself: what is
    /// ready may be a stream that only wants its task to give way, as those of tokio do now and then.
    pub(super) fn wake_for_events(&mut self) {
        let next = self.ready.next();
        self.effects.wake_next(next);
    }

    /// Starts the clock of a call that waits for the first time.
    pub(super) fn keep_limit(&mut self, key: Key, list: List, after: Duration) {
        if let Some(limit) = self.waits.limits.get_mut(&key) {
            limit.list = list;
            return;
        }
        self.waits.limits.insert(key, Limit { list, expired: false });
        self.clock.begin(Timer::Limit(key), after);
        self.wake_companion();
    }
}

impl Outbound {
    /// Does something to a list; `None` if it went with its peer. Nothing foreign runs in there.
    pub(in crate::engine) fn on_list<S: AsyncStream, R>(
        &mut self,
        base: &mut Base<S>,
        list: List,
        act: impl FnOnce(&mut WaitList) -> R,
    ) -> Option<R> {
        match list {
            List::Receivers | List::Helpers => Some(base.ready.on_list(list, act)),
            List::Room(None) => Some(act(&mut self.senders)),
            List::Room(Some(id)) => base.peers.get_mut(id).map(|peer| act(&mut peer.senders)),
            List::Written(None) => Some(act(&mut self.flushers)),
            List::Written(Some(id)) => base.peers.get_mut(id).map(|peer| act(&mut peer.flushers)),
            List::Changes => Some(act(&mut base.watchers)),
            List::Elsewhere | List::End => Some(act(&mut base.waits.elsewhere)),
        }
    }

    /// A call has waited for as long as it may.
    pub(in crate::engine) fn limit_reached<S: AsyncStream>(&mut self, base: &mut Base<S>, key: Key) {
        let Some(limit) = base.waits.limits.get_mut(&key) else { return };
        limit.expired = true;
        let list = limit.list;
        let waker = self.on_list(base, list, |list| list.wake(key)).flatten();
        base.effects.wake(waker);
        self.settle_lane();
    }
}

impl<S: AsyncStream> Core<S> {
    /// Whether it has its waker already.
    pub(super) fn go_to_sleep(&mut self, place: Place, stood: Option<u64>, waker: &Waker) -> bool {
        let Place { list, key, need } = place;
        let armed = self
            .outbound
            .on_list(&mut self.base, list, |list| list.enter(key, need, stood, waker))
            .unwrap_or(false);
        match list {
            List::Receivers => {
                self.inbound.waiting += usize::from(stood.is_none());
                self.inbound.settle_lane();
                if self.inbound.only_slab() {
                    self.base.wake_for_events();
                } else {
                    // The end of a connection, acted upon since the attempt, has left something.
                    self.base.wake_receiver();
                }
            }
            List::Helpers => self.base.wake_for_events(),
            _ => self.outbound.settle_lane(),
        }
        armed
    }

    /// Without a companion those who wait do its work, and where only `flush` writes those who wait for room:
    /// who is helped by that is woken, be it the one who does it.
    pub(super) fn drive_for(&mut self, list: List) {
        let by_hand = self.base.writes_by_hand();
        if by_hand && matches!(list, List::Room(_)) {
            self.turn(Self::flush_unblocked);
        }
        match list {
            _ if !self.base.life.is_detached() => {}
            List::Receivers => self.detached_tick(),
            _ => self.detached_turn(),
        }
    }

    pub(super) fn leave_for_good(&mut self, place: Place, drove: bool) {
        if !self.base.waits.limits.is_empty() && self.base.waits.limits.remove(&place.key).is_some() {
            self.base.clock.cancel(Timer::Limit(place.key));
        }
        self.base.waits.end(place.key, S::clock);
        self.leave_list(place);
        if drove {
            self.leave_list(Place { list: List::Helpers, need: 0, ..place });
        }
    }

    pub(super) fn leave_list(&mut self, place: Place) {
        if place.list == List::Receivers {
            self.inbound.waiting -= 1;
            self.inbound.settle_lane();
        }
        let left =
            self.outbound.on_list(&mut self.base, place.list, |list| list.leave(place.key, place.need));
        let Some(Left { waker, passes_on }) = left else { return };
        self.base.effects.drop_waker(waker);
        if passes_on {
            self.pass_on(place.list);
        }
        self.outbound.settle_lane();
    }
}

impl<S: AsyncStream> Shared<S> {
    /// Gives one who sleeps its waker; an error gives it back to one who does not sleep any more.
    pub(super) fn arm(&self, list: List, key: Key, waker: Waker) -> Result<(), Waker> {
        let armed = match list {
            List::Receivers | List::Helpers => self.ready.on_list(list, |list| list.arm(key, waker)),
            _ => self.with(|core| {
                let mut waker = Some(waker);
                let armed = core
                    .outbound
                    .on_list(&mut core.base, list, |list| waker.take().map(|waker| list.arm(key, waker)));
                armed.flatten().unwrap_or_else(|| waker.take().map_or(Ok(None), Err))
            }),
        };
        armed.map(drop)
    }
}
