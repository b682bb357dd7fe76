//! Who is woken by what has happened, and by whom who leaves.

use super::{List, WaitList};
use crate::engine::core::Core;
use crate::engine::peer::Stage;
use crate::monitor::PeerId;
use crate::runtime::AsyncStream;

impl<S: AsyncStream> Core<S> {
    /// Somebody has left, and is survived by what it was woken for, or would have been.
    pub(super) fn pass_on(&mut self, list: List) {
        match list {
            List::Receivers => self.pass_on_to_receivers(),
            List::Helpers => self.wake_for_events(),
            List::Room(None) => self.pass_on_to_senders(),
            List::Room(Some(id)) => self.wake_for_room(id),
            List::Written(_) | List::Changes | List::Elsewhere | List::End => {}
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
    pub(in crate::engine) fn wake_receiver(&mut self) {
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
        if nobody || peer.stage != Stage::Live {
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

    /// There may be room at any peer.
    pub(crate) fn wake_for_any_room(&mut self) {
        if !self.outbound.senders.is_empty() {
            for id in self.peers.ids(|peer| peer.stage == Stage::Live) {
                self.wake_for_room(id);
            }
        }
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
            let written = if peer.out.is_flushed() { u64::MAX } else { peer.out.written_total() };
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
}
