//! What other sockets tell a socket's companion.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use super::pipe::End;
use crate::engine::ready::ReadyQueue;
use crate::options::SocketOptions;
use crate::protocol::Config;
use crate::resilience::HighWater;

/// What two sockets must know of each other before messages flow: what the handshake says on a wire.
#[derive(Clone, Debug)]
pub(crate) struct Hello {
    pub(crate) config: Arc<Config>,
    recv_hwm: usize,
    recv_hwm_bytes: usize,
}

impl Hello {
    pub(crate) fn new(config: &Arc<Config>, options: &SocketOptions) -> Self {
        let (recv_hwm, recv_hwm_bytes) = (options.recv_hwm, options.recv_hwm_bytes);
        Self { config: Arc::clone(config), recv_hwm, recv_hwm_bytes }
    }

    /// The mark of a sender with these options to this receiver: there is one queue, so it holds what both
    /// sides allow together (libzmq's rule), and any number if either does.
    pub(crate) fn level(&self, sender: &SocketOptions) -> HighWater {
        let messages = sender.send_hwm.saturating_add(self.recv_hwm);
        let bytes = sender.send_hwm_bytes.saturating_add(self.recv_hwm_bytes);
        HighWater::new(messages, bytes)
    }
}

/// A letter.
#[derive(Debug)]
pub(crate) enum Call {
    /// A socket has connected to the name that this listener is bound to: our end of the connection.
    Offered { listener: u32, end: End, hello: Hello },
    /// The name that this dial waits for is bound.
    Bound { dial: u32 },
}

impl Call {
    fn is_offer(&self) -> bool {
        matches!(self, Self::Offered { .. })
    }
}

/// Letters to a companion, which is woken for each; nobody waits for an answer.
#[derive(Debug)]
pub(crate) struct Mailbox {
    calls: Mutex<Vec<Call>>,
    ready: Arc<ReadyQueue>,
}

impl Mailbox {
    pub(crate) fn new(ready: &Arc<ReadyQueue>) -> Arc<Self> {
        Arc::new(Self { calls: Mutex::default(), ready: Arc::clone(ready) })
    }

    /// Returns the companion, to be woken without any lock; one that has not run yet looks by itself.
    #[must_use]
    pub(super) fn post(&self, call: Call) -> Option<Waker> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        self.ready.companion()
    }

    pub(crate) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the connections out, for a socket that wants no more of them.
    pub(super) fn take_offers(&self) -> Vec<End> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let (offers, rest) = std::mem::take(&mut *calls).into_iter().partition(Call::is_offer);
        *calls = rest;
        drop(calls);
        let ends = |call| match call {
            Call::Offered { end, .. } => Some(end),
            Call::Bound { .. } => None,
        };
        Vec::into_iter(offers).filter_map(ends).collect()
    }
}
