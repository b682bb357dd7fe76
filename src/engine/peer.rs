//! One connection and everything that belongs to it.

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::changes::Changes;
use super::doorway::Quarter;
use super::ends::Ends;
use super::held::Held;
use super::inproc::Link;
use super::ledger::Account;
use super::liveness::Liveness;
use super::parked::WaitList;
use super::pending::Queued;
use super::pong::Pong;
use super::proof::{Position, Proof};
use super::ready::{PeerSignal, ReadyQueue};
use super::slab::Shelf;
use crate::endpoint::Endpoint;
use crate::fifo::Fifo;
use crate::message::{INLINE_CAPACITY, Message};
use crate::monitor::{DisconnectReason, PeerId};
use crate::options::SocketOptions;
use crate::protocol::{Config, Connection, Context as PingContext, PeerInfo, Role, SHORT_HEADER, WireSink};
use crate::resilience::HighWater;
use crate::runtime::{AsyncStream, RecvBuf, SendBuf};

/// How a connection came to be, which decides what its end means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// Dialled: the dial with this index tries again.
    Dial(u32),
    /// Accepted by the listener with this index.
    Listener(u32),
    /// Given by the user as a stream: nothing replaces it.
    Given,
}

impl Origin {
    const fn role(self) -> Role {
        match self {
            Self::Listener(_) => Role::Answering,
            Self::Dial(_) | Self::Given => Role::First,
        }
    }
}

impl WireSink for SendBuf {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        Self::put(self, bytes);
    }

    fn put_shared(&mut self, bytes: &Bytes) {
        Self::put_shared(self, bytes);
    }

    #[cfg(any(test, feature = "curve"))]
    fn put_with(&mut self, len: usize, fill: &mut dyn FnMut(&mut [u8])) {
        self.put_payload(len, fill);
    }

    #[inline(always)]
    fn put_padded(&mut self, header: [u8; SHORT_HEADER], padded: &[u8; INLINE_CAPACITY], len: usize) {
        Self::put_padded(self, header, padded, len);
    }
}

/// A message that is encoded apart, to be copied.
impl WireSink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn put_shared(&mut self, bytes: &Bytes) {
        self.extend_from_slice(bytes);
    }
}

/// What all connections of a socket have in common.
#[derive(Clone, Copy)]
pub(crate) struct Common<'a> {
    pub(crate) ready: &'a Arc<ReadyQueue>,
    pub(crate) config: &'a Arc<Config>,
    pub(crate) options: &'a SocketOptions,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    /// Greeting and READY are exchanged.
    Handshaking,
    /// Messages flow.
    Live,
    /// Another connection has taken the identity over: our half is shut down, and what still comes is received
    /// until the end of the stream.
    Succeeded,
    /// The socket lets go of the peer: what is queued is still written, nothing is added.
    Retiring,
    /// Our half is shut down; what still comes is counted and dropped until the end of the stream.
    Draining,
}

impl Stage {
    /// Whether what comes is for the application to receive.
    pub(crate) const fn is_for_application(self) -> bool {
        matches!(self, Self::Live | Self::Succeeded)
    }
}

/// A connection: link, protocol state, queues and accounting.
///
/// An idle one owns no buffer: `out` and `inbox` are empty, `shelf` and `large` exist only while a
/// frame is under way.
pub(crate) struct Peer<S> {
    pub(crate) id: PeerId,
    pub(crate) link: Link<S>,
    pub(crate) connection: Connection,
    pub(crate) stage: Stage,
    /// `disconnect_peer` has begun to end it, which is told as the reason.
    pub(crate) dismissed: bool,
    pub(crate) origin: Origin,
    /// The endpoint that it was dialled or accepted at.
    pub(crate) endpoint: Option<Arc<Endpoint>>,
    pub(crate) address: Option<Endpoint>,
    pub(crate) info: Option<Box<PeerInfo>>,
    signal: Arc<PeerSignal>,
    pub(super) waker: Waker,

    /// Encoded messages and commands, and the marks they count against.
    pub(crate) out: SendBuf,
    pub(crate) out_level: HighWater,
    /// Those who wait for room in there, and for it to be written.
    pub(super) senders: WaitList,
    pub(super) flushers: WaitList,
    /// Permits of queued messages by their ordinal among all sent on this connection.
    pub(crate) permits: Held,
    /// Only the last message is kept: there is always room.
    pub(crate) conflates: bool,
    /// Messages that are encoded when the queue is empty, unless others take their place (`conflate`,
    /// `OnFull::DropOldest`). They count against the marks.
    pub(super) behind: Option<Box<Fifo<Queued>>>,
    pub(crate) enqueued: u64,
    pub(crate) account: Account,
    /// How many of them are the socket's own, in front of all others.
    pub(super) greetings: u64,
    /// How often the application is told of it, by messages of the socket's own.
    pub(super) notices: u64,
    /// What is queued again after refusals: its ordinal, and how many there were.
    pub(super) refused: Vec<(u64, u32)>,
    /// Something was queued since the last flush.
    pub(crate) dirty: bool,
    /// The kernel took no more, or holds what it took; the stream will wake the signal.
    pub(crate) write_blocked: bool,
    /// Where the queue ended then.
    pub(super) blocked_at: u64,
    /// Set while a write is under way; stays set if the write panicked.
    pub(crate) poisoned: bool,
    /// The answer to the newest PING.
    pub(super) pong: Pong,
    /// Changes of our subscriptions that have to wait, and the bytes of such that messages may stand behind.
    pub(super) changes: Option<Box<Changes>>,
    pub(super) max_changes: usize,
    /// The connection is about to end: nothing is written to it or decoded from it any more.
    pub(crate) doomed: bool,
    /// An answer is queued, to be written at the end of the turn.
    pub(crate) answering: bool,

    /// Undecoded bytes, kept while another peer uses the shared slab.
    pub(crate) shelf: Shelf,
    /// A frame too large for the slab, read in place.
    pub(crate) large: Option<RecvBuf>,
    /// The last that was read was such a frame, and more than the slab could hold.
    pub(super) after_large: bool,
    /// Messages read ahead of the application.
    pub(crate) inbox: Fifo<Message>,
    pub(crate) inbox_level: HighWater,
    /// What the application is told of the peer's subscriptions behind that; only while `inbox` has something.
    pub(super) ends: Option<Box<Ends>>,
    /// On the list of peers that may have something to read.
    pub(crate) readable: bool,
    /// Reading waits until the application has taken messages.
    pub(crate) paused: bool,
    /// Reading waits until other connections have finished their messages, and what our own unfinished one takes.
    pub(super) starved: bool,
    pub(super) making: usize,
    /// How the stream ended, to be acted on once the bytes before the end are decoded.
    pub(crate) ending: Option<DisconnectReason>,

    /// When the handshake must be done.
    pub(crate) handshake_by: Instant,
    /// When the companion first saw it live.
    pub(crate) live_since: Option<Instant>,
    pub(crate) liveness: Liveness,
    /// Since the companion last looked: bytes came, and the kernel took no more. No clock runs while bytes flow.
    pub(crate) heard: bool,
    pub(super) held_up: bool,
    /// Where in the queue the last heartbeat ends.
    pub(super) heartbeat_end: u64,
    pub(crate) proof: Proof,
}

impl<S: AsyncStream> Peer<S> {
    pub(crate) fn new(
        id: PeerId,
        link: Link<S>,
        origin: Origin,
        common: Common<'_>,
        now: Instant,
        handshake_by: Instant,
    ) -> Self {
        let Common { ready, config, options } = common;
        let signal = PeerSignal::new(id, ready);
        let mut out = SendBuf::default();
        let mut connection = Connection::new(config, origin.role());
        if link.inproc().is_none() {
            connection.start(&mut out);
            out.end_control();
        }
        Self {
            id,
            endpoint: None,
            address: link.peer_endpoint(),
            link,
            connection,
            stage: Stage::Handshaking,
            dismissed: false,
            origin,
            info: None,
            waker: Waker::from(Arc::clone(&signal)),
            signal,
            out,
            out_level: HighWater::new(options.send_hwm, options.send_hwm_bytes),
            senders: WaitList::default(),
            flushers: WaitList::default(),
            permits: Held::default(),
            conflates: options.conflate(),
            behind: None,
            enqueued: 0,
            account: Account::default(),
            greetings: 0,
            notices: 0,
            refused: Vec::new(),
            dirty: false,
            write_blocked: false,
            blocked_at: 0,
            poisoned: false,
            pong: Pong::default(),
            changes: None,
            max_changes: options.send_hwm_bytes,
            doomed: false,
            answering: false,
            shelf: Shelf::default(),
            large: None,
            after_large: false,
            inbox: Fifo::new(),
            inbox_level: HighWater::new(options.recv_hwm, options.recv_hwm_bytes),
            ends: None,
            readable: false,
            paused: false,
            starved: false,
            making: 0,
            ending: None,
            handshake_by,
            live_since: None,
            liveness: Liveness::new(now),
            heard: false,
            held_up: false,
            heartbeat_end: 0,
            proof: Proof::default(),
        }
    }

    /// Where an accepted connection comes from; `None` for others.
    pub(crate) fn came_from(&self) -> Option<Quarter> {
        let accepted = matches!(self.origin, Origin::Listener(_)) && self.link.inproc().is_none();
        accepted.then(|| Quarter::of(self.address.as_ref()))
    }

    /// Puts the peer on the ready queue, as an event of its stream would.
    pub(crate) fn wake(&self) {
        self.waker.wake_by_ref();
    }

    /// The same, for where wakers have to wait until the lock is released.
    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Has the other side of an inproc connection wake this peer.
    pub(crate) fn register(&self) {
        if let Some(end) = self.link.inproc() {
            end.register(&self.waker);
        }
    }

    pub(crate) fn taken_off_queue(&self) {
        self.signal.taken();
    }

    /// Where the kernel took no more: the bytes that may still be queued before another write is tried, though the
    /// stream has not said that it can take them.
    ///
    /// It cannot say so while the task does not give way, in which the runtime would notice, and meanwhile the queue
    /// grows out of the caches.
    #[inline]
    pub(crate) fn until_retry(&self) -> Option<usize> {
        /// Much more than a write that is made for nothing costs.
        const RETRY_AFTER: usize = 64 * 1024;
        let queued = (self.out.queued_total() - self.blocked_at) as usize;
        self.write_blocked.then(|| RETRY_AFTER.saturating_sub(queued))
    }

    /// Whether a write may find that the kernel takes something.
    #[inline]
    pub(crate) fn may_write(&self) -> bool {
        self.until_retry().is_none_or(|left| left == 0)
    }

    /// Its handshake is over: it may be sent PINGs if it knows them.
    pub(crate) fn begin_to_ask(&mut self) {
        if self.connection.speaks_heartbeats() {
            self.liveness.answers = true;
            self.proof.begin();
        }
    }

    /// Queues a PING for a sign of life.
    pub(crate) fn ask_for_life(&mut self, ttl: Option<Duration>, now: Instant) {
        self.ping(ttl);
        self.heartbeat_end = self.out.queued_total();
        self.liveness.asked(now);
    }

    /// Queues a PING behind what is about to leave, if so much has left that a proof of its arrival is due.
    #[inline]
    pub(crate) fn ask_for_proof(&mut self, ttl: Option<Duration>) {
        if self.proof.is_due(self.queued()) && !self.out.is_empty() {
            self.ping(ttl);
        }
    }

    #[cold]
    fn ping(&mut self, ttl: Option<Duration>) {
        let context = self.proof.ask(self.queued());
        self.connection.encode_ping(ttl.unwrap_or_default(), &context, &mut self.out);
        self.out.end_control();
    }

    /// All that was ever queued.
    #[inline]
    fn queued(&self) -> Position {
        Position { messages: self.enqueued, bytes: self.out.queued_total() }
    }

    /// A PING came, with this context.
    pub(crate) fn answer_ping(&mut self, context: PingContext) {
        self.pong.ask(context);
        self.pong.queue(&mut self.connection, &mut self.out);
    }
}

impl<S> Peer<S> {
    /// Whether our half of the stream is shut down.
    pub(crate) fn is_shut_down(&self) -> bool {
        self.stage == Stage::Draining || self.stage == Stage::Succeeded && !self.write_blocked
    }

    /// Messages handed to the kernel of which nothing proves that they arrived. What the other side of a pipe has
    /// taken has arrived.
    pub(crate) fn unproven(&self) -> u64 {
        let inproc = self.link.inproc().is_some();
        if inproc { 0 } else { self.proof.missing(self.account.sent()) }
    }
}

impl<S> std::fmt::Debug for Peer<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("id", &self.id).field("stage", &self.stage).finish_non_exhaustive()
    }
}
