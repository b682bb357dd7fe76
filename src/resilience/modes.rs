//! The choices that a socket offers about cancellation, flushing and full queues.

use std::time::Duration;

/// What a cancelled write does to its connection.
///
/// It matters only when a `flush` that is pending is dropped while a connection that it waits for is in the
/// middle of a message; on a bare stream also a `send`, which ends with such a wait. A `send` or `reserve` that
/// waits for room has nothing on the wire, and costs no connection. A panic or an error in the middle of a
/// message costs the connection in both modes.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OnCancel {
    /// The write is resumed at the exact byte, by the next operation or in the background; the default.
    ///
    /// Nothing is torn or lost, but what a `flush` that timed out was writing may still be delivered.
    #[default]
    Resume,
    /// The connection is closed at once: for those who need "timed out means not delivered".
    ///
    /// The half-written message is abandoned and counted, and the peer never sees it whole; messages that
    /// were not begun survive. `is_poisoned()` is true, the next call on the sending side fails once with
    /// [`Error::Poisoned`](crate::Error::Poisoned) (`ErrorKind::BrokenPipe`), and reconnection takes over
    /// where it is configured.
    Poison,
}

/// What becomes of a message whose peers are at their high-water marks.
///
/// Each socket type has its own default, as in libzmq: PUB, XPUB, XSUB, ROUTER and REP drop, the others wait; a
/// ROUTER with `router_mandatory` waits. A choice that a type does not have is refused when the socket is opened.
///
/// It is about peers that are there. Where none is, [`WhileDisconnected`] decides: with its `Queue`, a `send` waits once
/// the socket's own queue is at its mark, whatever is chosen here but `DropOldest`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OnFull {
    /// `send` waits for room, and `try_send` fails with `WouldBlock`. Of a message for several peers nobody
    /// gets anything until all of them have room (PUB, XPUB, XSUB).
    Wait,
    /// Sending fails at once with [`Error::Full`](crate::Error::Full) (kind `WouldBlock`), and gives the
    /// message back.
    Fail,
    /// The message is dropped and counted. PUB, XPUB and XSUB drop it only for the peers that have no room. A
    /// REP goes on to the next request as if it had replied, a REQ as if the peer were lost.
    ///
    /// `try_send` and `send_buffered`, whose caller is there to be told, fail with `WouldBlock` instead and give
    /// the message back, but for copies to several peers.
    Drop,
    /// The oldest messages that wait for the peer are dropped until there is room for the new one, and counted as
    /// [`DropCause::Displaced`](crate::monitor::DropCause::Displaced): for those who want to know how things are, and
    /// not how they were. PUSH, DEALER, PAIR, ROUTER, PUB and XPUB.
    ///
    /// No call waits for room or fails for want of it, `try_send` and `send_buffered` among them; `reserve` waits only
    /// where it finds nothing that could give way, and then for room. [Byte permits](super::BytePermits) are waited for as
    /// ever, before anything gives way: with a budget that the mark lets be used up `send` waits, `try_send` fails, and
    /// nothing is dropped.
    /// What is being written stays, which is an eighth of the mark at most or one message, and so does what the other
    /// end of an `inproc://` connection has fetched. The new message is always admitted, so that there may be one above
    /// the mark. Where any peer will do, and all are full, each loses something in turn. Without a peer the same
    /// happens in the socket's own queue.
    DropOldest,
    /// The message is dropped and counted, and the peer that has no room is disconnected, as
    /// [`DisconnectReason::TooSlow`](crate::monitor::DisconnectReason::TooSlow): it notices that it has missed
    /// something, and may come back and ask for the whole. ROUTER, PUB and XPUB.
    ///
    /// What was queued for it is dropped with it (`DropCause::PeerLost`). A ROUTER's `try_send` and `send_buffered`
    /// fail with `WouldBlock` instead, and disconnect nobody.
    Disconnect,
}

/// What becomes of a message when a socket that connects has no connected peer.
///
/// It matters for types that may send to any peer: PUSH, DEALER, REQ and PAIR. A socket that only binds
/// always waits, so that the first peer to come is not flooded.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum WhileDisconnected {
    /// It waits in the socket, up to `send_hwm` and `send_hwm_bytes`; the default.
    #[default]
    Queue,
    /// It waits in the socket, up to marks of its own and for so long.
    QueueUpTo {
        /// Messages that may wait.
        messages: usize,
        /// Bytes that those may cost ([`Message::cost`](crate::Message::cost)); a message that costs more is
        /// admitted alone.
        bytes: usize,
        /// Messages that have waited longer are dropped and counted as `DropCause::Expired`; `None` for
        /// no limit.
        max_age: Option<Duration>,
    },
    /// `send` waits for a peer, and `try_send` fails with `WouldBlock` (libzmq's IMMEDIATE).
    Wait,
    /// Sending fails at once with [`Error::NotConnected`](crate::Error::NotConnected), and gives the
    /// message back.
    Fail,
}

impl WhileDisconnected {
    /// Whether it would queue nothing, in a way that has a name of its own.
    pub(crate) fn is_never(self) -> bool {
        match self {
            Self::QueueUpTo { messages, bytes, max_age } => {
                messages == 0 || bytes == 0 || max_age.is_some_and(|age| age.is_zero())
            }
            Self::Queue | Self::Wait | Self::Fail => false,
        }
    }
}

/// When a message that was accepted is written to its connection.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FlushPolicy {
    /// An isolated message leaves at once, a burst in large writes; the default.
    ///
    /// A write takes place whenever 128 KiB have been copied (with more than 8 peers down to 32 KiB for each), or 256 KiB or
    /// 64 pieces are referenced. The tail of a
    /// burst leaves when the task that sent it next yields to its runtime.
    #[default]
    Adaptive,
    /// Every message is written before its `send` is done: one system call each.
    Eager,
    /// Nothing is written but by `flush`, or by a `send` that has to make room. Messages on `inproc://` are
    /// not written, and pass at once.
    Manual,
}
