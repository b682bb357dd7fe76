//! The way in: what was read and not yet received.

use std::collections::VecDeque;
use std::sync::Arc;

use super::base::Base;
use super::core::Core;
use super::incomplete::Incomplete;
use super::intake::Lane;
use super::leftovers::Leftovers;
use super::pattern::{Delivery, Pattern};
use super::peer::Peer;
use super::read_ahead::ReadAhead;
use super::slab::{SLAB, Spares};
use crate::fifo::Fifo;
use crate::message::{Message, Recycled};
use crate::monitor::{DropCause, PeerId};
use crate::options::SocketOptions;
use crate::routing::{FairQueue, FreshFirst};
use crate::runtime::{AsyncStream, RecvBuf};

/// Messages that `recv` returns in a row before it lets other tasks run once.
pub(super) const RECEIVES_PER_POLL: u32 = 1024;

/// What was read and not yet received.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(super) slab: RecvBuf,
    /// Whose undecoded bytes are in the slab.
    pub(super) slab_owner: Option<PeerId>,
    /// No whole message is left in the slab.
    pub(super) slab_drained: bool,
    /// Messages and commands decoded since its owner got it.
    pub(super) turn: u32,
    pub(super) spares: Spares,
    /// Memory of payloads that were too large for it.
    pub(super) recycled: Arc<Recycled>,
    /// Peers whose stream may have something to read.
    pub(super) readable: FreshFirst<PeerId>,
    /// Peers with decoded messages.
    pub(super) inboxes: FairQueue<PeerId>,
    /// Inproc peers with something to take.
    pub(super) pipes: FairQueue<PeerId>,
    /// Messages that were received and came back: received again before all others.
    pub(super) returned: VecDeque<(PeerId, Message)>,
    /// What connections that have ended left.
    pub(super) leftovers: Leftovers,
    /// What messages in the making take, and whether those are watched that make others wait.
    pub(super) incomplete: Incomplete,
    pub(super) watches_slow: bool,
    /// Messages taken from pipes since a stream last had its turn.
    pub(super) passed: u32,
    /// Messages taken of what was read ahead since a stream last had its turn.
    pub(super) ahead: u32,
    /// How many more messages streams may have in a turn that they have in between.
    pub(super) in_between: u32,
    /// When the companion looks.
    pub(super) read_ahead: ReadAhead,
    /// Whose message `poll_recv` or `try_recv` returned last.
    pub(crate) from: Option<PeerId>,
    /// Messages returned since `recv` last gave way.
    pub(super) receives_since_yield: u32,
    /// How messages get to the application.
    pub(super) delivery: Delivery,
    /// Nothing more is read from those who are connected: what has arrived is all that there will be.
    pub(super) draining: bool,
    /// Messages go to the application as they come, and nobody is to be told of what is left.
    pub(super) lane: bool,
    /// What comes in without another look.
    pub(super) short: Lane,
    /// Those who wait to receive, or were woken and have not been back.
    pub(super) waiting: usize,
}

impl Inbound {
    pub(crate) fn new(options: &SocketOptions, pattern: &dyn Pattern, conflates: bool) -> Self {
        let delivery = match pattern.delivery() {
            Delivery::Filtered | Delivery::AsIs if conflates => Delivery::Latest,
            delivery => delivery,
        };
        Self {
            slab: RecvBuf::with_capacity(SLAB),
            slab_owner: None,
            slab_drained: true,
            turn: 0,
            spares: Spares::default(),
            recycled: Arc::default(),
            readable: FreshFirst::default(),
            inboxes: FairQueue::default(),
            pipes: FairQueue::default(),
            returned: VecDeque::new(),
            leftovers: Leftovers::new(options),
            incomplete: Incomplete::new(options),
            watches_slow: false,
            passed: 0,
            ahead: 0,
            in_between: 0,
            read_ahead: ReadAhead::default(),
            from: None,
            receives_since_yield: 0,
            delivery,
            draining: false,
            lane: delivery.is_in_order(),
            short: Lane::default(),
            waiting: 0,
        }
    }

    /// Nothing that was read ahead comes next: that is still where it came in.
    #[inline]
    pub(super) fn nothing_ahead(&self) -> bool {
        self.returned.is_empty() && self.inboxes.is_empty() && !self.leftovers.have_turn()
    }

    /// All that comes is in the slab, if anywhere.
    #[inline]
    pub(super) fn only_slab(&self) -> bool {
        self.returned.is_empty()
            && self.inboxes.is_empty()
            && self.leftovers.is_empty()
            && self.pipes.is_empty()
    }

    /// All that had arrived when the socket was drained has been received.
    pub(super) fn is_drained(&self) -> bool {
        self.draining && self.only_slab() && self.readable.is_empty()
    }

    /// The application has not yet received all that was read: its replies will have company.
    #[inline]
    pub(super) fn has_more(&self) -> bool {
        !self.slab.filled().is_empty() || !self.nothing_ahead() || !self.leftovers.is_empty()
    }

    /// Something is there for the next who receives, or may be.
    pub(super) fn something_left(&self) -> bool {
        let in_slab = !self.slab_drained && !self.slab.filled().is_empty();
        in_slab || !self.only_slab() || !self.readable.is_empty()
    }

    pub(super) fn settle_lane(&mut self) {
        self.lane = self.delivery.is_in_order() && self.waiting == 0;
    }

    /// Whose message was received last.
    pub(crate) fn received_from(&self) -> PeerId {
        self.from.expect("every message comes from a peer")
    }

    /// Takes the undecoded bytes of a connection that ends, and its place among those to receive from.
    pub(super) fn take_undecoded<S>(&mut self, peer: &mut Peer<S>) -> Vec<u8> {
        self.inboxes.remove(peer.id);
        if peer.link.inproc().is_some() {
            self.pipes.remove(peer.id);
        }
        if self.slab_owner != Some(peer.id) {
            return std::mem::take(&mut peer.shelf).bytes().to_vec();
        }
        self.slab_owner = None;
        let undecoded = self.slab.filled().to_vec();
        self.slab.clear();
        undecoded
    }

    /// Decoded messages that belong to no living peer.
    pub(crate) fn orphaned(&self) -> usize {
        self.returned.len() + self.leftovers.messages()
    }

    /// What those cost.
    pub(crate) fn orphaned_bytes(&self) -> usize {
        let returned: usize = self.returned.iter().map(|(_, message)| message.cost()).sum();
        returned + self.leftovers.bytes()
    }
}

impl Inbound {
    /// Whether a message of this peer has begun to arrive and not ended.
    pub(crate) fn has_begun_message<S: AsyncStream>(&self, base: &Base<S>, id: PeerId) -> bool {
        let Some(peer) = base.peers.get(id) else { return false };
        let in_slab = self.slab_owner == Some(id);
        let undecoded = if in_slab { self.slab.filled() } else { peer.shelf.bytes() };
        peer.large.is_some() || peer.connection.has_begun_message(undecoded)
    }
}

impl<S: AsyncStream> Core<S> {
    pub(super) fn take_from_inbox(&mut self, id: PeerId, into: &mut Message) -> bool {
        let Some(peer) = self.base.peers.get_mut(id) else { return false };
        let Some(message) = peer.inbox.pop_front() else { return false };
        *into = message;
        peer.inbox_level.remove(into.cost());
        if peer.inbox.is_empty() {
            peer.inbox = Fifo::new();
        } else {
            self.inbound.inboxes.push(id);
        }
        let (has_ends, paused) = (peer.ends.is_some(), peer.paused);
        if has_ends {
            self.inbound.tell_next_end(&mut self.base, id);
        }
        if paused && !self.inbound.at_mark(&self.base, id) {
            self.resume_reading(id);
        }
        true
    }

    pub(super) fn resume_reading(&mut self, id: PeerId) {
        if let Some(peer) = self.base.peers.get_mut(id) {
            peer.paused = false;
            if peer.link.inproc().is_some() {
                return self.handle_inproc(id);
            }
            self.inbound.mark_readable(&mut self.base, id);
        }
    }

    /// Drops everything that has arrived by now and was not received.
    pub(crate) fn discard_received(&mut self) {
        self.turn(|core| {
            core.collect_ready();
            core.inbound.passed = 0;
            core.read_ahead_now();
            let mut unwanted = Message::BLANK;
            let mut next = |core: &mut Self| {
                core.take_decoded(&mut unwanted).or_else(|| core.take_leftover_instead(&mut unwanted))
            };
            while let Some(id) = next(core) {
                core.base.count_recv_dropped(Some(id), DropCause::Superseded, 1);
                core.inbound.passed = 0;
            }
        });
    }

    /// The socket has ended: drops what was read and not received, and reads on where that waited for room,
    /// so that the end of each stream is seen.
    pub(crate) fn drop_received(&mut self) {
        let cause = self.base.life.cause_of_end();
        for (id, _) in std::mem::take(&mut self.inbound.returned) {
            self.base.count_recv_dropped(Some(id), cause, 1);
        }
        self.drop_leftovers();
        while let Some(id) = self.inbound.inboxes.pop() {
            let Some(peer) = self.base.peers.get_mut(id) else { continue };
            let (dropped, ends) = (peer.empty_inbox(), peer.ends.take());
            if let Some(ends) = ends {
                self.base.drop_ends(id, &ends);
            }
            self.base.count_recv_dropped(Some(id), cause, dropped);
        }
        for id in self.base.peers.ids(|peer| peer.paused) {
            self.resume_reading(id);
        }
    }
}
