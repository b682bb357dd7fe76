//! Options of sending, and of single socket types.

use super::SocketOptions;
use crate::resilience::{FlushPolicy, OnCancel};

/// Sending, and what the types do.
impl SocketOptions {
    /// What dropping a pending `send` or `flush` means; default [`OnCancel::Resume`].
    #[must_use]
    pub fn with_on_cancel(mut self, on_cancel: OnCancel) -> Self {
        self.on_cancel = on_cancel;
        self
    }

    /// What dropping a pending `send` or `flush` means.
    #[must_use]
    pub fn on_cancel(&self) -> OnCancel {
        self.on_cancel
    }

    /// When accepted messages are written; default [`FlushPolicy::Adaptive`].
    #[must_use]
    pub fn with_flush_policy(mut self, policy: FlushPolicy) -> Self {
        self.flush_policy = policy;
        self
    }

    /// When accepted messages are written.
    #[must_use]
    pub fn flush_policy(&self) -> FlushPolicy {
        self.flush_policy
    }

    /// Whether a ROUTER refuses messages that no peer can get: with an error for an unknown identity, by
    /// waiting for one at its mark. Default true; if false they are dropped and counted
    /// (ROUTER_MANDATORY; libzmq: off).
    #[must_use]
    pub fn with_router_mandatory(mut self, mandatory: bool) -> Self {
        self.router_mandatory = mandatory;
        self
    }

    /// Whether a ROUTER refuses messages that no peer can get.
    #[must_use]
    pub fn router_mandatory(&self) -> bool {
        self.router_mandatory
    }

    /// Whether a new connection takes over an identity that another one has; default true. If false the
    /// new connection is closed (ROUTER_HANDOVER; libzmq: off, and the new one is ignored).
    #[must_use]
    pub fn with_router_handover(mut self, handover: bool) -> Self {
        self.router_handover = handover;
        self
    }

    /// Whether a new connection takes over an identity that another one has.
    #[must_use]
    pub fn router_handover(&self) -> bool {
        self.router_handover
    }

    /// Whether each new connection is greeted with one empty message, so that a ROUTER learns of this
    /// socket; DEALER and ROUTER; default false (PROBE_ROUTER).
    #[must_use]
    pub fn with_probe_router(mut self, probe: bool) -> Self {
        self.probe_router = probe;
        self
    }

    /// Whether each new connection is greeted with one empty message.
    #[must_use]
    pub fn probe_router(&self) -> bool {
        self.probe_router
    }
}
