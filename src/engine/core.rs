//! The state of a socket, shared by its handles and its companion task.

use super::authentication::Asked;
use super::base::Base;
use super::commands::Commands;
use super::doorway::Doorway;
use super::endings::Endings;
use super::endpoints::Endpoints;
use super::inbound::Inbound;
use super::life::Companion;
use super::outbound::Outbound;
use super::pattern::{Delivery, Pattern};
use super::shaking::Shaking;
use crate::monitor::PeerId;
use crate::options::SocketOptions;
use crate::protocol::SocketType;
use crate::runtime::AsyncStream;

/// One socket: its peers, queues and policies. Always behind the lock of [`Shared`](super::Shared).
///
/// What needs one part is a function of that part; what needs all of them is a method of this, in the file of its topic.
/// All of it is synchronous, and whatever must happen without the lock goes to `effects` of the [`Base`].
pub(crate) struct Core<S> {
    pub(crate) base: Base<S>,
    pub(crate) pattern: Box<dyn Pattern>,
    /// What the pattern wants done, filled and emptied within one call.
    pub(crate) commands: Commands,
    /// Streams that are kept for what they may still tell.
    pub(super) endings: Endings<S>,
    pub(crate) endpoints: Endpoints,
    pub(crate) outbound: Outbound,
    pub(crate) inbound: Inbound,
    /// Peers that began to live, or announced a TTL, since the companion last looked at the clock.
    pub(crate) unclocked: Vec<PeerId>,
    /// Accepted connections.
    pub(crate) doorway: Doorway,
    /// Connections that the authenticator is to be asked about.
    pub(crate) asked: Asked,
    /// Connections that are in a handshake below ours.
    pub(super) shaking: Shaking,
    /// A `begin_turn` is open.
    pub(super) polling: bool,
}

impl<S: AsyncStream> Core<S> {
    pub(crate) fn new(
        socket_type: SocketType,
        pattern: Box<dyn Pattern>,
        options: SocketOptions,
        companion: Companion,
    ) -> Self {
        let base = Base::new(socket_type, options, companion);
        let options = &base.options;
        let plain = pattern.delivery() != Delivery::ByTurns && !base.keeps_messages;
        Self {
            commands: Commands::default(),
            endings: Endings::default(),
            endpoints: Endpoints::default(),
            outbound: Outbound::new(options, plain),
            inbound: Inbound::new(options, &*pattern, base.conflates),
            unclocked: Vec::new(),
            doorway: Doorway::new(
                options.max_handshakes,
                options.max_connections,
                options.max_connections_per_address,
            ),
            asked: Asked::default(),
            shaking: Shaking::default(),
            polling: false,
            pattern,
            base,
        }
    }

    /// Counts what went through the lanes, and closes them: before anything else is looked at.
    #[inline(always)]
    pub(crate) fn close_lanes(&mut self) {
        self.outbound.close_lane(&mut self.base);
        self.inbound.close_intake(&mut self.base);
    }

    /// Runs `poll`, which polls streams, as a turn: events that come in meanwhile wake nobody now and
    /// the right task afterwards. The outermost turn ends by acting on what happened in it.
    pub(crate) fn turn<R>(&mut self, poll: impl FnOnce(&mut Self) -> R) -> R {
        if self.polling {
            return poll(self);
        }
        self.polling = true;
        self.base.ready.begin_turn();
        let result = poll(self);
        self.act();
        self.shaking.end_turn().into_iter().for_each(|again| self.base.effects.wake(Some(again)));
        let next = self.base.ready.end_turn();
        self.base.effects.wake_next(next);
        self.polling = false;
        result
    }

    /// A stream panicked while it was polled. Its connection is poisoned (`PoisonGuard`) and ends with
    /// its next flush; the rest of the core is whole.
    #[cold]
    pub(crate) fn recover_from_panic(&mut self) {
        self.close_lanes();
        self.polling = false;
        self.base.ready.begin_turn();
        for id in self.base.peers.ids(|peer| peer.poisoned) {
            if let Some(peer) = self.base.peers.get(id) {
                peer.wake();
            }
        }
        let next = self.base.ready.end_turn();
        self.base.effects.wake_next(next);
    }
}

impl<S> std::fmt::Debug for Core<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("socket_type", &self.base.config.socket_type)
            .field("peers", &self.base.peers.len())
            .field("phase", &self.base.life.phase)
            .finish_non_exhaustive()
    }
}
