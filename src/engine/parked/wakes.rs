//! Who is woken by what has happened, and by whom who leaves.

use super::{List, WaitList};
use crate::engine::base::Base;
use crate::engine::core::Core;
use crate::engine::inbound::Inbound;
use crate::engine::outbound::Outbound;
use crate::engine::peer::Stage;
use crate::monitor::PeerId;
use crate::runtime::AsyncStream;

impl Inbound {
    /// If there is more to receive, the next one is to come.
    pub(crate) fn pass_on_to_receivers<S: AsyncStream>(&self, base: &mut Base<S>) {
        if self.waiting == 0 {
            return;
        }
        if base.ready.has_events() {
            base.wake_for_events();
        } else if self.something_left() {
            base.wake_receiver();
        }
    }
}

impl<S: AsyncStream> Base<S> {
    /// There is a message to receive.
    pub(in crate::engine) fn wake_receiver(&mut self) {
        let next = self.ready.on_list(List::Receivers, WaitList::wake_next);
        self.effects.wake(next);
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
            let written = if peer.out.is_flushed() { u64::MAX } else { peer.out.written_total() };
            peer.flushers.wake_up_to(written, self.effects.wakers());
        }
    }

    pub(crate) fn wake_watchers(&mut self) {
        if !self.watchers.is_empty() {
            self.watchers.wake_all(self.effects.wakers());
        }
    }
}

impl Outbound {
    fn pass_on_to_senders<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        match self.sole_peer {
            Some(id) => self.wake_for_room(base, id),
            None => self.wake_a_sender(base),
        }
    }

    /// Has one of those who wait for any peer look whether it can go on, unless one is about to.
    pub(crate) fn wake_a_sender<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        if !self.senders.is_answering() {
            let next = self.senders.wake_next();
            base.effects.wake(next);
            self.settle_lane();
        }
    }

    /// There may be room at this peer: for those who wait for it, and for those who take any.
    pub(crate) fn wake_for_room<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId) {
        let Some(peer) = base.peers.get_mut(id) else { return };
        let nobody = peer.senders.is_empty() && self.senders.is_empty();
        if nobody || peer.stage != Stage::Live {
            return;
        }
        let wakers = base.effects.wakers();
        let mut level = peer.level();
        loop {
            peer.senders.wake_fitting(level, wakers);
            // What waits for a peer already goes first.
            if self.pending.is_empty() {
                self.senders.wake_fitting(level, wakers);
            }
            // An inproc peer tells when it has made room to those who asked before they looked.
            let before = std::mem::replace(&mut level, peer.await_room());
            if level.messages() == before.messages() {
                break;
            }
        }
        self.settle_lane();
    }

    /// There may be room at any peer.
    pub(crate) fn wake_for_any_room<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        if !self.senders.is_empty() {
            for id in base.peers.ids(|peer| peer.stage == Stage::Live) {
                self.wake_for_room(base, id);
            }
        }
    }

    /// There is room in the socket's own queue.
    pub(crate) fn wake_for_queue<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        if !self.senders.is_empty() {
            let level = self.pending_level;
            self.senders.wake_fitting(level, base.effects.wakers());
            self.settle_lane();
        }
    }

    /// What waited without a peer may have one.
    pub(crate) fn wake_flushers<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        if !self.flushers.is_empty() {
            self.flushers.wake_all(base.effects.wakers());
        }
    }

    /// Wakes everybody who waits for anything, to find out how the socket ended.
    pub(crate) fn wake_everybody<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        let Base { effects, watchers, waits, peers, ready, .. } = base;
        let wakers = effects.wakers();
        for list in [&mut self.senders, &mut self.flushers, &mut waits.elsewhere, watchers] {
            list.wake_all(wakers);
        }
        for peer in peers.iter_mut() {
            peer.senders.wake_all(wakers);
            peer.flushers.wake_all(wakers);
        }
        for list in [List::Receivers, List::Helpers] {
            ready.on_list(list, |list| list.wake_all(wakers));
        }
        self.settle_lane();
    }
}

impl<S: AsyncStream> Core<S> {
    /// Somebody has left, and is survived by what it was woken for, or would have been.
    pub(super) fn pass_on(&mut self, list: List) {
        match list {
            List::Receivers => self.inbound.pass_on_to_receivers(&mut self.base),
            List::Helpers => self.base.wake_for_events(),
            List::Room(None) => self.outbound.pass_on_to_senders(&mut self.base),
            List::Room(Some(id)) => self.outbound.wake_for_room(&mut self.base, id),
            List::Written(_) | List::Changes | List::Elsewhere | List::End => {}
        }
    }
}
