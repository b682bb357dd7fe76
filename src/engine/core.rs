//! The state of a socket, shared by its handles and its companion task.

use std::sync::Arc;

use super::act::Happened;
use super::authentication::Asked;
use super::clock::Clock;
use super::commands::Commands;
use super::doorway::Doorway;
use super::effects::Effects;
use super::endings::Endings;
use super::endpoints::Endpoints;
use super::inbound::Inbound;
use super::inproc::Mailbox;
use super::ledger::Ledger;
use super::outbound::Outbound;
use super::parked::{WaitList, Waits};
use super::pattern::{Delivery, Pattern};
use super::peers::Peers;
use super::ready::ReadyQueue;
use super::shaking::Shaking;
use crate::error::Error;
use crate::monitor::{MonitorHub, MonitorSource, PeerId, SocketEvent};
use crate::options::SocketOptions;
use crate::protocol::{self, Config, SocketType};
use crate::runtime::AsyncStream;

/// One socket: its peers, queues and policies. Always behind the lock of [`Shared`](super::Shared).
///
/// Its methods are spread over the files of this folder by topic; all of them are synchronous, and
/// whatever must happen without the lock goes to `effects`.
pub(crate) struct Core<S> {
    pub(crate) options: SocketOptions,
    pub(crate) config: Arc<Config>,
    pub(crate) pattern: Box<dyn Pattern>,
    /// What the pattern wants done, filled and emptied within one call.
    pub(crate) commands: Commands,
    pub(crate) ready: Arc<ReadyQueue>,
    pub(crate) effects: Effects<S>,
    /// What was found while writing and decoding, to be acted upon when that is done.
    pub(crate) happened: Happened,
    pub(crate) peers: Peers<S>,
    /// Streams that are kept for what they may still tell.
    pub(super) endings: Endings<S>,
    pub(crate) endpoints: Endpoints,
    /// There once the socket has an inproc endpoint.
    pub(crate) mailbox: Option<Arc<Mailbox>>,
    pub(crate) outbound: Outbound,
    pub(crate) inbound: Inbound,
    pub(crate) companion: Companion,
    pub(crate) phase: Phase,
    /// Only the last message of each peer is kept.
    pub(crate) conflates: bool,
    /// What is queued for a peer is not encoded at once: others may take its place.
    pub(super) keeps_messages: bool,
    pub(super) waits: Waits,
    pub(crate) clock: Clock<Timer>,
    /// Peers that began to live, or announced a TTL, since the companion last looked at the clock.
    pub(crate) unclocked: Vec<PeerId>,
    /// Futures that wait for a change of connections, endpoints or phase.
    pub(super) watchers: WaitList,
    pub(crate) monitor: MonitorHub,
    pub(crate) ledger: Ledger,
    /// Accepted connections.
    pub(crate) doorway: Doorway,
    /// Connections that the authenticator is to be asked about.
    pub(super) asked: Asked,
    /// Connections that are in a handshake below ours.
    pub(super) shaking: Shaking,
    /// The companion has a look ahead of it at what others were told of.
    pub(super) minding: bool,
    /// A `begin_turn` is open.
    pub(super) polling: bool,
}

/// Who does what nobody else is there to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Companion {
    /// Nobody: a socket on a bare stream makes progress only while it is polled.
    None,
    /// A task on the runtime that the socket was opened on.
    Running,
    /// It panicked, was aborted or lost its runtime.
    Gone,
}

/// The life of a socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    Open,
    /// Nothing is accepted any more; what is queued may still leave until linger runs out.
    Closing,
    Closed {
        unsent: u64,
    },
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Timer {
    /// Handshake, heartbeat and frame progress of a connection.
    Peer(PeerId),
    /// The end of a departing connection's patience.
    Depart(PeerId),
    /// Another look at the stream of a connection that has ended.
    Ending(PeerId),
    /// The next attempt of a dial.
    Dial(u32),
    /// Another look at what a recently active receiver left unread.
    ReadAhead,
    /// A look at what others were told of and may not have come for.
    Told,
    /// The end of linger.
    Linger,
    /// The first message that waits for a peer has waited too long.
    Expire,
    /// The end of the patience with those who make others wait.
    Starved,
    /// A look at memory that is kept for large payloads.
    Recycled,
    /// The time limit of a call.
    Limit(u64),
}

impl<S: AsyncStream> Core<S> {
    pub(crate) fn new(
        socket_type: SocketType,
        pattern: Box<dyn Pattern>,
        options: SocketOptions,
        companion: Companion,
    ) -> Self {
        let limits = protocol::Limits {
            max_message_size: options.max_message_size,
            max_frames: options.max_frames,
            ..protocol::Limits::default()
        };
        let config = Config {
            socket_type,
            identity: options.identity.clone(),
            properties: options.metadata.clone(),
            limits,
            security: options.security.clone(),
        };
        let source = MonitorSource { name: options.name.clone(), socket_type };
        let conflates = options.conflate();
        let keeps_messages = options.keeps_messages();
        let outbound = Outbound::new(&options, pattern.delivery() != Delivery::ByTurns && !keeps_messages);
        let inbound = Inbound::new(&options, &*pattern, conflates);
        Self {
            config: Arc::new(config),
            pattern,
            commands: Commands::default(),
            ready: Arc::default(),
            effects: Effects::default(),
            happened: Happened::default(),
            peers: Peers::new(),
            endings: Endings::default(),
            endpoints: Endpoints::default(),
            mailbox: None,
            outbound,
            inbound,
            companion,
            phase: Phase::Open,
            conflates,
            keeps_messages,
            waits: Waits::new(options.wait_times),
            clock: Clock::default(),
            unclocked: Vec::new(),
            watchers: WaitList::default(),
            monitor: MonitorHub::new(options.monitor_bounds(), source),
            ledger: Ledger::default(),
            doorway: Doorway::new(
                options.max_handshakes,
                options.max_connections,
                options.max_connections_per_address,
            ),
            asked: Asked::default(),
            shaking: Shaking::default(),
            minding: false,
            polling: false,
            options,
        }
    }

    /// Counts what went through the lanes, and closes them: before anything else is looked at.
    #[inline(always)]
    pub(crate) fn close_lanes(&mut self) {
        self.close_lane();
        self.close_intake();
    }

    /// Runs `poll`, which polls streams, as a turn: events that come in meanwhile wake nobody now and
    /// the right task afterwards. The outermost turn ends by acting on what happened in it.
    pub(crate) fn turn<R>(&mut self, poll: impl FnOnce(&mut Self) -> R) -> R {
        if self.polling {
            return poll(self);
        }
        self.polling = true;
        self.ready.begin_turn();
        let result = poll(self);
        self.act();
        self.shaking.end_turn().into_iter().for_each(|again| self.effects.wake(Some(again)));
        let next = self.ready.end_turn();
        self.effects.wake_next(next);
        self.polling = false;
        result
    }

    /// A stream panicked while it was polled. Its connection is poisoned (`PoisonGuard`) and ends with
    /// its next flush; the rest of the core is whole.
    #[cold]
    pub(crate) fn recover_from_panic(&mut self) {
        self.close_lanes();
        self.polling = false;
        self.ready.begin_turn();
        for id in self.peers.ids(|peer| peer.poisoned) {
            if let Some(peer) = self.peers.get(id) {
                peer.wake();
            }
        }
        let next = self.ready.end_turn();
        self.effects.wake_next(next);
    }

    pub(crate) fn wake_companion(&mut self) {
        if self.companion == Companion::Running {
            let waker = self.ready.companion();
            self.effects.wake_companion(waker);
        }
    }

    pub(crate) fn emit(&mut self, event: SocketEvent) {
        if !self.monitor.is_idle() {
            self.monitor.emit(&event, self.effects.wakers());
        }
    }

    /// Why nothing can be sent or received any more, if so.
    pub(crate) fn closed_error(&self) -> Option<Error> {
        match (self.phase, self.companion) {
            (Phase::Closing | Phase::Closed { .. }, _) => Some(Error::Closed),
            (Phase::Open, Companion::Gone) => Some(Error::CompanionGone),
            (Phase::Open, _) => None,
        }
    }

    /// Why no connection is there and none will come: the error that pending and later calls end with.
    pub(crate) fn no_connection_will_come(&self) -> Option<Error> {
        if self.peers.is_empty() { self.endpoints.no_connection_will_come() } else { None }
    }
}

impl<S> std::fmt::Debug for Core<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("socket_type", &self.config.socket_type)
            .field("peers", &self.peers.len())
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}
