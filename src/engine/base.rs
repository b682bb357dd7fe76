//! What all parts of a socket work with: its connections, what is counted, and who is to be told afterwards.

use std::sync::Arc;

use super::act::Happened;
use super::clock::{Clock, Timer};
use super::effects::Effects;
use super::ledger::Ledger;
use super::life::{Companion, Life};
use super::parked::{WaitList, Waits};
use super::peers::Peers;
use super::ready::ReadyQueue;
use crate::monitor::{MonitorHub, MonitorSource, SocketEvent};
use crate::options::SocketOptions;
use crate::protocol::{self, Config, SocketType};

/// The ground that [`Inbound`](super::inbound::Inbound), [`Outbound`](super::outbound::Outbound) and
/// [`Endpoints`](super::endpoints::Endpoints) stand on: each takes it as an argument, and none of them another but where
/// it says so.
pub(crate) struct Base<S> {
    pub(crate) options: SocketOptions,
    pub(crate) config: Arc<Config>,
    /// Only the last message of each peer is kept.
    pub(crate) conflates: bool,
    /// What is queued for a peer is not encoded at once: others may take its place.
    pub(super) keeps_messages: bool,
    pub(crate) life: Life,
    pub(crate) peers: Peers<S>,
    pub(crate) ledger: Ledger,
    pub(crate) monitor: MonitorHub,
    pub(crate) ready: Arc<ReadyQueue>,
    pub(crate) clock: Clock<Timer>,
    /// The companion has a look ahead of it at what others were told of.
    pub(super) minding: bool,
    /// Futures that wait for a change of connections, endpoints or phase.
    pub(super) watchers: WaitList,
    pub(super) waits: Waits,
    /// What was found while writing and decoding, to be acted upon when that is done.
    pub(crate) happened: Happened,
    pub(crate) effects: Effects<S>,
}

impl<S> Base<S> {
    pub(super) fn new(socket_type: SocketType, options: SocketOptions, companion: Companion) -> Self {
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
        Self {
            config: Arc::new(config),
            conflates: options.conflate(),
            keeps_messages: options.keeps_messages(),
            life: Life::new(companion),
            peers: Peers::new(),
            ledger: Ledger::default(),
            monitor: MonitorHub::new(options.monitor_bounds(), source),
            ready: Arc::default(),
            clock: Clock::default(),
            minding: false,
            watchers: WaitList::default(),
            waits: Waits::new(options.wait_times),
            happened: Happened::default(),
            effects: Effects::default(),
            options,
        }
    }

    pub(crate) fn wake_companion(&mut self) {
        if self.life.companion == Companion::Running {
            let waker = self.ready.companion();
            self.effects.wake_companion(waker);
        }
    }

    pub(crate) fn emit(&mut self, event: SocketEvent) {
        if !self.monitor.is_idle() {
            self.monitor.emit(&event, self.effects.wakers());
        }
    }
}
