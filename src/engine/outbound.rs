//! The way out: what may be sent, and to whom it goes.

use super::ahead::Lot;
use super::base::Base;
use super::burst::{Lane, SENDS_PER_POLL};
use super::core::Core;
use super::endpoints::Endpoints;
use super::parked::{Attempt, List, Turn, WaitList};
use super::pattern::{Arrived, Delivery, Pattern, Room, Route};
use super::peer::{Peer, Stage};
use super::pending::Queued;
use crate::error::Error;
use crate::fifo::Fifo;
use crate::message::{Extent, Frame, Message};
use crate::monitor::{DisconnectReason, DropCause, PeerId};
use crate::options::SocketOptions;
use crate::resilience::{FlushPolicy, HighWater, OnCancel, OnFull, Permit};
use crate::runtime::{Arena, AsyncStream};

/// What waits to be sent, and who waits to send.
#[derive(Debug)]
pub(crate) struct Outbound {
    /// Messages without a peer, oldest first.
    pub(crate) pending: Fifo<Queued>,
    pub(crate) pending_level: HighWater,
    /// `send` and `reserve` futures that wait for room at any peer, or for a peer.
    pub(super) senders: WaitList,
    /// `flush` futures of what has no peer.
    pub(super) flushers: WaitList,
    /// The peer whose mark kept the message waiting that was refused last; `None` if any peer would do.
    pub(super) full: Option<PeerId>,
    /// Where every message goes, while there is only one peer and no address.
    pub(crate) sole_peer: Option<PeerId>,
    /// Peers with something queued since their last flush.
    pub(super) dirty: Vec<PeerId>,
    /// Something was sent since the companion last found nothing to do: further messages wait for
    /// company.
    pub(super) in_burst: bool,
    /// Copied bytes of a burst that are worth a write.
    pub(super) write_threshold: usize,
    /// Messages accepted when the burst began.
    pub(super) burst_began_at: u64,
    /// The last message that came outside of a burst stayed alone, as requests and replies do.
    pub(super) solitary: bool,
    /// A message was written by itself, and the companion was not told.
    pub(super) untold: bool,
    /// Messages may leave together with others of their burst, whatever they are.
    batches: bool,
    /// The same, and nobody who came before waits for room.
    pub(super) joinable: bool,
    /// A connection was closed by a cancelled write, and no call has reported it yet.
    pub(crate) poisoned: bool,
    /// Buffers of connections that were drained, for those that are next; one once the burst is over.
    pub(super) spares: Vec<Arena>,
    /// Bytes of a budget for the next messages of a burst.
    pub(crate) ahead: Permit,
    pub(super) lot: Lot,
    /// Messages accepted since `send` last gave way.
    pub(super) sends_since_yield: u32,
    /// The peer that has last made room where any would have done.
    pub(super) displaced_at: Option<PeerId>,
    /// What goes out without another look.
    pub(super) lane: Lane,
    /// What a message for many looks like on the wire; kept for its memory.
    pub(super) scratch: Vec<u8>,
}

impl Outbound {
    pub(crate) fn new(options: &SocketOptions, plain: bool) -> Self {
        let joinable = plain && options.flush_policy == FlushPolicy::Adaptive;
        Self {
            pending: Fifo::new(),
            pending_level: super::pending::level(options),
            senders: WaitList::default(),
            flushers: WaitList::default(),
            full: None,
            sole_peer: None,
            dirty: Vec::new(),
            in_burst: false,
            write_threshold: super::flush::FLUSH_REPLIES,
            burst_began_at: 0,
            solitary: false,
            untold: false,
            batches: joinable,
            joinable,
            poisoned: false,
            spares: Vec::new(),
            ahead: Permit::none(),
            lot: Lot::default(),
            sends_since_yield: 0,
            displaced_at: None,
            lane: Lane::default(),
            scratch: Vec::new(),
        }
    }
}

impl Outbound {
    pub(super) fn settle_lane(&mut self) {
        self.joinable = self.batches && self.senders.is_empty();
    }

    /// Lets other tasks run now and then in a loop of sends that never wait.
    pub(crate) fn give_way(&mut self) -> bool {
        let due = self.sends_since_yield >= SENDS_PER_POLL;
        if due {
            self.sends_since_yield = 0;
        }
        due
    }

    /// A message of this cost was refused for now.
    pub(crate) fn wait_for_room<R>(&mut self, cost: usize) -> Attempt<R> {
        self.sends_since_yield = 0;
        Attempt::Wait(List::Room(self.full), cost as u64)
    }
}

impl<S: AsyncStream> Base<S> {
    /// Whether a message could be accepted, and if not, why: what a peer with our limits would refuse is not
    /// sent, since that peer would hang up on it, and on everything behind it.
    pub(super) fn check_message(&self, pattern: &dyn Pattern, message: &Message) -> Result<(), Error> {
        if message.is_empty() {
            return Err(Error::EmptyMessage);
        }
        self.check_limits(pattern, message.extent(), message)
    }

    /// The same for a message of this extent.
    pub(super) fn check_limits(
        &self,
        pattern: &dyn Pattern,
        extent: Extent,
        message: &Message,
    ) -> Result<(), Error> {
        let Extent { size, frames } = pattern.on_wire(extent, message);
        let max = self.options.max_message_size;
        if size > max {
            return Err(Error::MessageTooLarge { size, max });
        }
        let max = self.options.max_frames;
        if frames > max {
            return Err(Error::TooManyFrames { frames, max });
        }
        Ok(())
    }

    /// Whom a subscription kept waiting that there is no more looks again, where one is waited for.
    pub(crate) fn release_held_back(&mut self) {
        if self.options.holds_back() {
            for id in self.peers.ids(|peer| !peer.senders.is_empty()) {
                self.release_senders(id);
            }
        }
    }
}

impl Outbound {
    /// The errors that end a send-side call before anything else is looked at.
    pub(crate) fn check_sendable<S: AsyncStream>(&mut self, base: &Base<S>) -> Result<(), Error> {
        if let Some(error) = base.life.closed_error() {
            return Err(error);
        }
        if std::mem::take(&mut self.poisoned) {
            return Err(Error::Poisoned);
        }
        Ok(())
    }

    /// Messages accepted and not yet with the kernel, and what they cost.
    pub(crate) fn queued<S: AsyncStream>(&self, base: &Base<S>) -> (usize, usize) {
        let pending = &self.pending_level;
        base.peers.iter().fold((pending.messages(), pending.bytes()), |(messages, bytes), peer| {
            (messages + peer.level().messages(), bytes + peer.level().bytes())
        })
    }
}

impl Endpoints {
    /// What becomes of a message for somebody who is not there.
    fn when_unroutable<S: AsyncStream>(
        &self,
        base: &Base<S>,
        pattern: &dyn Pattern,
        manner: Manner,
    ) -> Result<Destination, Error> {
        if manner.gives_up() && pattern.drops_unroutable() {
            return Ok(Destination::Nowhere(None, DropCause::Unroutable));
        }
        Err(self.no_connection_will_come(base).unwrap_or(Error::Unroutable))
    }
}

impl<S: AsyncStream> Core<S> {
    /// Accepts `message` whole, or not at all: `WouldBlock` if it has to wait. What is left of an accepted
    /// message means nothing.
    ///
    #[inline(never)]
    pub(crate) fn submit(
        &mut self,
        message: &mut Message,
        permit: Permit,
        manner: Manner,
        turn: Turn,
    ) -> Result<(), Error> {
        let (cost, write) = (message.cost(), manner.writes());
        match self.choose(message, cost, manner, turn) {
            Ok(Destination::Peer(id)) => self.enqueue(id, message, permit, write),
            Ok(Destination::Many) => self.fan_out(message, permit, write),
            Ok(Destination::Pending) => self.outbound.queue_pending(
                &mut self.base,
                &mut *self.pattern,
                std::mem::take(message),
                permit,
            ),
            Ok(Destination::Here) => self.base.effects.drop_permit(permit),
            Ok(Destination::Nowhere(peer, cause)) => {
                if self.inbound.delivery == Delivery::ByTurns {
                    self.pattern.dropped();
                }
                self.base.effects.drop_permit(permit);
                self.base.ledger.accept();
                self.base.count_dropped(peer, cause, 1);
                if manner == Manner::Reply {
                    return Err(if cause == DropCause::PeerFull { Error::Full } else { Error::Unroutable });
                }
            }
            Err(error) => {
                self.base.effects.drop_permit(permit);
                return Err(error);
            }
        }
        Ok(())
    }

    #[inline]
    fn choose(
        &mut self,
        message: &Message,
        cost: usize,
        manner: Manner,
        turn: Turn,
    ) -> Result<Destination, Error> {
        self.outbound.check_sendable(&self.base)?;
        self.base.check_message(&*self.pattern, message)?;
        if self.inbound.delivery == Delivery::ByTurns {
            let allowed = self.pattern.may_send(&mut self.commands);
            self.perform_commands();
            if allowed? == Arrived::IsStale {
                self.discard_received();
            }
        }
        self.outbound.full = None;
        // Where what is older gives way nobody waits but those who want to hold room.
        if !turn.may_pass(List::Room(None), &self.outbound.senders) && !self.base.options.displaces() {
            return Err(Error::WouldBlock);
        }
        let mut route = self.route(message, cost, turn);
        if matches!(route, Route::Full(_)) && self.base.ready.has_events() {
            // Room that a peer has just made, in this process or on the wire, counts at once.
            self.turn(Self::collect_ready);
            route = self.route(message, cost, turn);
        }
        match route {
            // Nothing overtakes what has been waiting for a peer.
            Route::To(_) if !self.outbound.pending.is_empty() => match self.base.options.displaces() {
                true => Ok(self.outbound.displace_pending(&mut self.base, cost)),
                false => Err(Error::WouldBlock),
            },
            Route::To(id) => Ok(Destination::Peer(id)),
            Route::Many => Ok(Destination::Many),
            Route::Consumed => Ok(Destination::Here),
            Route::Drop(cause) => Ok(Destination::Nowhere(None, cause)),
            Route::NoBody => Err(Error::EmptyMessage),
            Route::Over(limit) => Err(limit.into()),
            Route::Full(peer) => {
                self.outbound.full = peer;
                self.when_full(message, cost, manner)
            }
            Route::Unroutable => self.endpoints.when_unroutable(&self.base, &*self.pattern, manner),
            Route::NoPeer => match self.endpoints.no_connection_will_come(&self.base) {
                Some(error) => Err(error),
                None => self.without_peer(cost),
            },
        }
    }

    /// What becomes of a message whose peers are at their marks.
    fn when_full(&mut self, message: &Message, cost: usize, manner: Manner) -> Result<Destination, Error> {
        match self.base.options.on_full {
            Some(OnFull::Fail) => Err(Error::Full),
            Some(OnFull::Drop) if manner.gives_up() => Ok(self.drop_if_full(message, cost)),
            None if manner.gives_up() && self.pattern.drops_when_full() => {
                Ok(self.drop_if_full(message, cost))
            }
            Some(OnFull::DropOldest) => Ok(self.displace(message, cost)),
            Some(OnFull::Disconnect) if manner.gives_up() => Ok(self.give_up_peer(message, cost)),
            Some(OnFull::Wait | OnFull::Drop | OnFull::Disconnect) | None => Err(Error::WouldBlock),
        }
    }

    /// Drops a message unless its peers are at their marks only because a burst for them is still gathered
    /// here: nothing is lost that the kernel would have taken.
    #[cold]
    pub(super) fn drop_if_full(&mut self, message: &Message, cost: usize) -> Destination {
        let peer = self.pattern.addressee(message).or(self.outbound.sole_peer);
        self.write_gathered(peer);
        match self.route(message, cost, Turn::New) {
            Route::To(id) if self.outbound.pending.is_empty() => Destination::Peer(id),
            Route::Many => Destination::Many,
            // The write found it gone.
            Route::Unroutable | Route::Drop(_) => Destination::Nowhere(peer, DropCause::PeerLost),
            _ => Destination::Nowhere(peer, DropCause::PeerFull),
        }
    }

    #[inline]
    fn route(&mut self, message: &Message, cost: usize, turn: Turn) -> Route {
        match self.outbound.sole_peer.and_then(|id| self.base.peers.get(id)) {
            Some(peer) if peer.has_room(cost) => Route::To(peer.id),
            Some(_) => Route::Full(None),
            None => self.route_by_pattern(message, cost, turn),
        }
    }

    #[inline(never)]
    fn route_by_pattern(&mut self, message: &Message, cost: usize, turn: Turn) -> Route {
        let peers = &self.base.peers;
        let room = |id| match peers.get(id) {
            Some(peer) if !turn.may_pass(List::Room(Some(id)), &peer.senders) => Room::None,
            Some(peer) if peer.stage == Stage::Live && peer.has_room(cost) => Room::Enough,
            Some(peer) if peer.stage == Stage::Live && peer.has_room(Frame::COST) => Room::TooLittle,
            _ => Room::None,
        };
        let route = self.pattern.route(message, &room, &mut self.commands);
        self.perform_commands();
        route
    }

    /// The peer that any message of `cost` bytes would go to, for types that do not look at it.
    pub(crate) fn route_any(&mut self, cost: usize) -> Route {
        self.route(&Message::new(), cost, Turn::First)
    }

    /// A pending `flush` was dropped, the last part of a `send` on a bare stream among them: in `Poison` mode the
    /// connections that it still waited for end here if they are in the middle of a message. What others have
    /// queued elsewhere is none of its business. A flush that had no `targets` yet waited for all there is.
    pub(crate) fn cancelled(&mut self, targets: Option<&[(PeerId, u64)]>) {
        if self.base.options.on_cancel != OnCancel::Poison || self.base.life.closed_error().is_some() {
            return;
        }
        let awaited = |id| targets.is_none_or(|targets| targets.iter().any(|(target, _)| *target == id));
        let torn =
            |peer: &Peer<S>| peer.stage == Stage::Live && peer.out.is_mid_message() && awaited(peer.id);
        for id in self.base.peers.ids(torn) {
            self.outbound.poisoned = true;
            self.disconnect(id, DisconnectReason::Poisoned);
        }
    }
}

/// The call that hands a message over: what it wants done with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Manner {
    Send,
    /// To leave in company only.
    Feed,
    /// Without waiting: the caller gets back what is not on its way.
    TrySend,
    SendBuffered,
    /// As `Send`, but a caller whose message was dropped is told, and gets it back.
    Reply,
}

impl Manner {
    /// Whether the message may leave by itself.
    #[inline]
    pub(crate) fn writes(self) -> bool {
        matches!(self, Self::Send | Self::TrySend | Self::Reply)
    }

    /// Whether a message that cannot be delivered is dropped where that is the rule of the socket. Who only
    /// tries is told instead.
    fn gives_up(self) -> bool {
        matches!(self, Self::Send | Self::Feed | Self::Reply)
    }
}

/// Where a message goes.
pub(super) enum Destination {
    Peer(PeerId),
    Many,
    Pending,
    /// The socket itself, which has acted on it.
    Here,
    /// Nowhere; the peer is the one that has no room for it.
    Nowhere(Option<PeerId>, DropCause),
}
