//! When what is queued leaves: flush policies, adaptive batching, and the accounts of what was written.

use std::io;
use std::task::Poll;

use super::base::Base;
use super::core::Core;
use super::displace::BATCHES_PER_TURN;
use super::effects::Effects;
use super::inbound::Inbound;
use super::outbound::Outbound;
use super::parked::{Attempt, List};
use super::pattern::Pattern;
use super::peer::{Peer, Stage};
use crate::error::Error;
use crate::monitor::{DisconnectReason, PeerId};
use crate::resilience::FlushPolicy;
use crate::runtime::{AsyncStream, SendBuf};

/// Copied bytes of a peer from which a burst is written inline, at most and at least: a system call costs as much as a
/// few hundred small messages.
const FLUSH_COPIED: (usize, usize) = (128 * 1024, 32 * 1024);
/// Copied bytes of all peers together that stay in the caches until they are written.
const CACHED: usize = 1024 * 1024;
/// The parts in which replies to what was read at once leave: what is written early is worked on by the other end while
/// the rest is made. Each that follows is twice as large.
const REPLY_PARTS: usize = 4;
/// The least of them.
pub(super) const FLUSH_REPLIES: usize = 2 * 1024;
/// Referenced bytes from which a burst is written: several large payloads leave in one gathered write.
const FLUSH_SHARED: usize = 256 * 1024;
/// Slices from which it is: what one gathered write takes.
const FLUSH_SLICES: usize = 64;

/// Whether a queue is worth a write of its own in the middle of a burst.
#[inline]
pub(super) fn worth_writing(out: &SendBuf, copied: usize) -> bool {
    out.remaining_copied() >= copied
        || out.remaining_shared() >= FLUSH_SHARED
        || out.io_slice_count() >= FLUSH_SLICES
}

/// Copied bytes that are worth a write where a burst may go to so many peers: those share the caches.
#[inline]
fn full_write(peers: usize) -> usize {
    let (most, least) = FLUSH_COPIED;
    (CACHED / peers.max(1)).clamp(least, most)
}

impl Outbound {
    /// Has the next flush look at this peer.
    #[inline]
    pub(super) fn mark_dirty<S>(&mut self, peer: &mut Peer<S>) {
        if !peer.dirty {
            peer.dirty = true;
            self.dirty.push(peer.id);
        }
    }

    /// Whether the message that was just accepted has left and will presumably have no company: then the
    /// companion is spared a look. If another comes before the task has waited for something, it was wrong.
    fn stays_alone(&mut self) -> bool {
        let alone = self.solitary && self.dirty.is_empty() && !self.untold;
        self.untold = alone;
        alone
    }

    /// A burst was written, to one of so many peers: the next write of it waits for more.
    #[inline]
    pub(super) fn raise_threshold(&mut self, peers: usize) {
        self.write_threshold = full_write(peers).min(2 * self.write_threshold);
    }
}

impl<S: AsyncStream> Peer<S> {
    /// Settles the accounts of the messages whose last byte has left; how many there were.
    fn settle(&mut self, effects: &mut Effects<S>) -> u64 {
        let before = self.account.sent();
        while let Some(written) = self.out.pop_written() {
            self.out_level.remove_all(written.messages, written.all.cost());
            self.account.send(written.messages as u64, written.all.size as u64);
            if !self.permits.is_empty() {
                let each = written.all.cost() / written.messages;
                self.permits.release(self.account.sent(), each, |permit| effects.drop_permit(permit));
            }
        }
        self.account.sent() - before
    }

    /// The same for all that the stream has taken: the connection ends, and what was handed over is not sent again.
    pub(super) fn hand_over(&mut self, effects: &mut Effects<S>) {
        self.out.flush();
        self.settle(effects);
    }
}

impl Outbound {
    /// Copied bytes from which the policy wants what a peer has queued to be written now; `None` if nobody but
    /// `flush` writes.
    #[inline]
    pub(super) fn due_from<S: AsyncStream>(
        &self,
        base: &Base<S>,
        inbound: &Inbound,
        write: bool,
    ) -> Option<usize> {
        match base.options.flush_policy {
            FlushPolicy::Manual => None,
            FlushPolicy::Eager => Some(0),
            // Nobody else will write: `send` goes on to flush, `send_buffered` leaves it at that.
            FlushPolicy::Adaptive if base.life.is_detached() => None,
            FlushPolicy::Adaptive if self.in_burst || inbound.has_more() => Some(self.write_threshold),
            FlushPolicy::Adaptive => Some(if write { 0 } else { full_write(base.peers.len()) }),
        }
    }

    /// Has the companion write what is left; an eager socket has written all that the kernel took, and
    /// waits for it.
    #[inline]
    pub(super) fn begin_burst<S: AsyncStream>(&mut self, base: &mut Base<S>, inbound: &Inbound, write: bool) {
        let eager = base.options.flush_policy == FlushPolicy::Eager;
        if !(self.in_burst || eager && write || self.stays_alone()) {
            self.in_burst = true;
            let full = full_write(base.peers.len());
            self.write_threshold = match inbound.has_more() {
                true => (inbound.slab.filled().len() / REPLY_PARTS).clamp(FLUSH_REPLIES, full),
                false => full,
            };
            self.burst_began_at = base.ledger.accepted();
            base.wake_companion();
        }
    }

    /// Accounts for the messages whose last byte is with the kernel.
    fn settle_written<S: AsyncStream>(&mut self, base: &mut Base<S>, pattern: &mut dyn Pattern, id: PeerId) {
        let Some(peer) = base.peers.get_mut(id) else { return };
        let freed = peer.settle(&mut base.effects);
        if peer.out.is_empty() {
            peer.dirty = false;
            if self.dirty.last() == Some(&id) {
                self.dirty.pop();
            }
            self.take_arena_back(peer);
        }
        if freed > 0 {
            self.room_freed(base, pattern, id);
        }
        base.wake_written(id);
    }

    pub(crate) fn room_freed<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        pattern: &mut dyn Pattern,
        id: PeerId,
    ) {
        pattern.room_freed(id);
        self.offer_pending(base);
        self.wake_for_room(base, id);
    }

    /// Where every queue ends now, for a `flush` to wait for; `None` while something is not in one.
    fn flush_targets<S: AsyncStream>(&self, base: &Base<S>) -> Option<Vec<(PeerId, u64)>> {
        let unqueued = |peer: &Peer<S>| peer.behind.is_some() || peer.changes.is_some();
        let unqueued = base.peers.iter().any(|peer| unqueued(peer) && peer.link.inproc().is_none());
        if unqueued || !self.pending.is_empty() {
            return None;
        }
        let queued = base.peers.iter().filter(|peer| !peer.out.is_flushed());
        Some(queued.map(|peer| (peer.id, peer.out.queued_total())).collect())
    }
}

impl<S: AsyncStream> Base<S> {
    /// Whether nobody writes but the application's own calls.
    pub(crate) fn writes_by_hand(&self) -> bool {
        self.options.flush_policy == FlushPolicy::Manual || self.life.is_detached()
    }
}

impl<S: AsyncStream> Core<S> {
    /// Writes what a peer has queued if the policy wants that now; false if nobody but `flush` writes.
    #[inline]
    pub(super) fn flush_if_due(&mut self, id: PeerId, write: bool) -> bool {
        let Some(due) = self.outbound.due_from(&self.base, &self.inbound, write) else { return false };
        let Some(peer) = self.base.peers.get_mut(id) else { return true };
        let wanted = write || self.base.options.flush_policy != FlushPolicy::Eager;
        if wanted && worth_writing(&peer.out, due) && peer.may_write() {
            self.outbound.raise_threshold(self.base.peers.len());
            self.turn(|core| core.flush_peer(id));
        }
        true
    }

    /// Writes what one peer has queued. A connection that cannot be written to ends after the turn.
    pub(crate) fn flush_peer(&mut self, id: PeerId) {
        self.base.announce_burst(id);
        for _ in 0..BATCHES_PER_TURN {
            match self.write(id) {
                Some(Poll::Ready(Err(error))) => {
                    return self.inbound.doom(&mut self.base, id, DisconnectReason::Io(error.into()));
                }
                Some(_) if self.base.keeps_messages && self.outbound.encode_behind(&mut self.base, id) => {}
                Some(_) => return self.inbound.shut_down_if_retired(&mut self.base, id),
                None => return,
            }
        }
        // There is more, and others have waited.
        self.base.look_again(id);
    }

    /// Writes to a peer and settles the accounts of what was written, however that went: nothing is written
    /// without. `None` if it is gone or about to go, or another has taken its place.
    pub(super) fn write(&mut self, id: PeerId) -> Option<Poll<io::Result<()>>> {
        let peer =
            self.base.peers.get_mut(id).filter(|peer| !peer.doomed && peer.stage != Stage::Succeeded)?;
        if self.shaking.puts_off(peer, self.polling) {
            return Some(Poll::Pending);
        }
        let had_changes = peer.changes.is_some();
        peer.ask_for_proof(self.base.options.ping_ttl());
        let result = peer.poll_flush();
        let has_told_all = had_changes && peer.changes.is_none();
        self.outbound.settle_written(&mut self.base, &mut *self.pattern, id);
        if has_told_all {
            self.outbound.wake_flushers(&mut self.base);
        }
        Some(result)
    }

    /// Writes what a burst has gathered for a peer, or for all, before anything is dropped because it is
    /// still here: what the kernel takes makes room. Where only the application writes, nothing happens.
    pub(super) fn write_gathered(&mut self, peer: Option<PeerId>) {
        if self.base.options.flush_policy == FlushPolicy::Manual {
            return;
        }
        self.turn(|core| match peer.map(|id| core.base.peers.get(id)) {
            Some(Some(peer)) if !peer.out.is_empty() && !peer.write_blocked => core.flush_peer(peer.id),
            Some(_) => {}
            None => drop(core.flush_dirty()),
        });
    }

    /// Writes everything that is queued for anybody; whether something was.
    pub(crate) fn flush_dirty(&mut self) -> bool {
        let mut found = false;
        for id in std::mem::take(&mut self.outbound.dirty) {
            // What a write in between has emptied is no longer dirty.
            let Some(peer) = self.base.peers.get_mut(id).filter(|peer| peer.dirty) else { continue };
            peer.dirty = false;
            found = true;
            if !peer.write_blocked {
                self.flush_peer(id);
            }
        }
        found
    }

    /// The companion's part of adaptive batching: flush and stay in the burst, or find nothing and end it.
    /// Returns whether it has to look again.
    pub(crate) fn flush_turn(&mut self) -> bool {
        if self.base.options.flush_policy == FlushPolicy::Manual {
            return false;
        }
        let flushed = self.flush_dirty();
        let was_in_burst = std::mem::replace(&mut self.outbound.in_burst, flushed);
        if !flushed {
            if was_in_burst {
                self.outbound.solitary = self.base.ledger.accepted() == self.outbound.burst_began_at;
            }
            self.outbound.untold = false;
            self.outbound.write_threshold = FLUSH_REPLIES;
            self.outbound.spares.truncate(1);
            self.outbound.return_ahead(&mut self.base);
        }
        flushed
    }

    /// One step of `flush`: done once every queue has passed its target.
    pub(crate) fn poll_flush(
        &mut self,
        targets: &mut Option<Vec<(PeerId, u64)>>,
    ) -> Attempt<Result<(), Error>> {
        if let Err(error) = self.outbound.check_sendable(&self.base) {
            return Attempt::Done(Err(error));
        }
        self.turn(Self::flush_unblocked);
        self.outbound.return_ahead(&mut self.base);
        if targets.is_none() {
            *targets = self.outbound.flush_targets(&self.base);
        }
        if let Some(targets) = targets {
            targets.retain(|(id, end)| {
                self.base.peers.get(*id).is_some_and(|peer| peer.out.written_total() < *end)
            });
            if targets.is_empty() && self.outbound.pending.is_empty() {
                return Attempt::Done(Ok(()));
            }
        }
        // Asked last: a peer may have been lost by the very write above.
        if std::mem::take(&mut self.outbound.poisoned) {
            return Attempt::Done(Err(Error::Poisoned));
        }
        if let Some(error) = self.endpoints.no_connection_will_come(&self.base) {
            return Attempt::Done(Err(error));
        }
        match targets.as_ref().map(|targets| targets.first()) {
            Some(Some((id, end))) => Attempt::Wait(List::Written(Some(*id)), *end),
            _ => {
                // A lost peer's messages went back to the socket's queue: wait for where they go next.
                *targets = None;
                Attempt::Wait(List::Written(None), 0)
            }
        }
    }

    /// Has what was accepted leave as its peers take it, without waiting for any of them.
    pub(crate) fn set_going(&mut self) -> Result<(), Error> {
        self.outbound.check_sendable(&self.base)?;
        if self.base.life.is_detached() {
            self.detached_turn();
        }
        if self.base.writes_by_hand() {
            self.turn(Self::flush_unblocked);
            self.outbound.return_ahead(&mut self.base);
        }
        // A peer may have been lost by the very write above.
        if std::mem::take(&mut self.outbound.poisoned) { Err(Error::Poisoned) } else { Ok(()) }
    }

    /// Flushes every peer that has something queued, dirty or left over.
    pub(super) fn flush_unblocked(&mut self) {
        self.flush_dirty();
        for id in self.base.peers.ids(|peer| !peer.out.is_flushed() && !peer.write_blocked) {
            self.flush_peer(id);
        }
    }
}
