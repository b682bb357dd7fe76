//! The life of a socket, and who works for it.

use crate::error::Error;
use crate::monitor::DropCause;

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

/// How far the life of a socket has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    Open,
    /// Nothing is accepted any more; what is queued may still leave until linger runs out.
    Closing,
    Closed {
        unsent: u64,
    },
}

/// Both, of one socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) phase: Phase,
    pub(crate) companion: Companion,
}

impl Life {
    pub(crate) fn new(companion: Companion) -> Self {
        Self { phase: Phase::Open, companion }
    }

    /// Whether messages are accepted, and somebody will write what calls leave.
    #[inline(always)]
    pub(crate) fn is_minded(self) -> bool {
        self.phase == Phase::Open && self.companion == Companion::Running
    }

    /// Whether messages are sent and received: without [`closed_error`](Self::closed_error).
    #[inline(always)]
    pub(crate) fn is_open(self) -> bool {
        self.phase == Phase::Open && self.companion != Companion::Gone
    }

    /// Whether the socket makes progress only while it is polled.
    #[inline]
    pub(crate) fn is_detached(self) -> bool {
        self.companion == Companion::None
    }

    /// Why nothing can be sent or received any more, if so.
    pub(crate) fn closed_error(self) -> Option<Error> {
        match (self.phase, self.companion) {
            (Phase::Closing | Phase::Closed { .. }, _) => Some(Error::Closed),
            (Phase::Open, Companion::Gone) => Some(Error::CompanionGone),
            (Phase::Open, _) => None,
        }
    }

    /// Why what still comes is not for the application: the socket has ended, or it lets the peer go.
    pub(crate) fn cause_of_end(self) -> DropCause {
        match (self.phase, self.companion) {
            (_, Companion::Gone) => DropCause::CompanionGone,
            (Phase::Closing | Phase::Closed { .. }, _) => DropCause::Closed,
            (Phase::Open, _) => DropCause::Departing,
        }
    }
}
