//! Figures.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::causes::{Counts, DisconnectKind, DropCause};
use super::event::PeerId;
use super::wait_times::WaitTimes;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::protocol::SocketType;
use crate::security::Names;

/// What a socket has done since it was opened.
///
/// Two equations always hold: `accepted = sent + queued + dropped`, and
/// `received = delivered + recv_queued + recv_dropped`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SocketStats {
    /// Messages that `send` and its kin took; of a PUB, XPUB and XSUB each peer's copy, and one where nobody gets any.
    pub accepted: u64,
    /// Messages whose last byte is with the kernel; on `inproc://`, those that the peer has taken or, when we
    /// closed, been left.
    pub sent: u64,
    /// Payload bytes of those.
    pub bytes_sent: u64,
    /// Messages accepted and not yet sent.
    pub queued: u64,
    /// What those cost, as marks count it: payload and [`Frame::COST`](crate::Frame::COST) for each frame.
    pub queued_bytes: u64,
    /// The part of `sent`, on connections that have ended, of which nothing proves that the peer has read it.
    ///
    /// What proves it is the answer to a later PING, which to peers that speak ZMTP 3.1 goes out behind every 1,000
    /// messages or MiB if the one before it was answered; or that the connection ended in order: the peer ended it,
    /// and its system confirmed the end of our half too, instead of resetting the connection since something came
    /// that nobody reads. Over TCP that takes a round trip, for which the stream is kept, up to a second and up to
    /// 256 of them, while the socket is open and has a companion: so this figure falls when the answer comes. A
    /// peer that shuts down its sending half only, and then leaves something unread, cannot be told from one that
    /// has read all. What the peer has read and then refuses is not in doubt. Over `inproc://` nothing is ever in doubt.
    pub in_doubt: u64,
    /// Whole messages that arrived.
    pub received: u64,
    /// Payload bytes of those.
    pub bytes_received: u64,
    /// Messages that `recv` and its kin returned.
    pub delivered: u64,
    /// Messages that wait to be received.
    pub recv_queued: u64,
    /// What those cost, as marks count it.
    pub recv_queued_bytes: u64,
    /// Messages that arrived and nobody can receive, by cause in
    /// [`recv_dropped_by`](Self::recv_dropped_by).
    pub recv_dropped: u64,
    /// Messages that had begun to arrive when their connection ended.
    pub recv_incomplete: u64,
    /// Handshakes that succeeded.
    pub connects: u64,
    /// Those among them that restored a lost connection.
    pub reconnects: u64,
    /// Connections that ended in the handshake, by cause in
    /// [`handshakes_failed_by`](Self::handshakes_failed_by).
    pub handshakes_failed: u64,
    /// Subscriptions of peers that the filter refused (PUB and XPUB, `subscription_filter`).
    pub subscriptions_refused: u64,
    /// How long calls have waited to send, for permits or for room; `None` without `wait_times`.
    pub send_waits: Option<WaitTimes>,
    /// How long calls have waited for a message; `None` without `wait_times`.
    pub recv_waits: Option<WaitTimes>,
    /// How many connections there are now.
    pub connections: usize,
    /// Those connections; empty in [`totals`](crate::socket::Socket::totals).
    pub peers: Vec<PeerStats>,
    /// The endpoints that the socket connects to and is bound to; empty in `totals`.
    pub endpoints: Vec<EndpointStats>,
    pub(crate) dropped: Counts<DropCause>,
    pub(crate) recv_dropped_by: Counts<DropCause>,
    pub(crate) handshakes_failed_by: Counts<DisconnectKind>,
    pub(crate) disconnects_by: Counts<DisconnectKind>,
}

impl SocketStats {
    /// Messages that were accepted and dropped for this cause.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
let stats = push.stats();
assert_eq!(stats.dropped(DropCause::Refused), 0);
assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total());
# drop(pull);"#)]
    #[must_use]
    pub fn dropped(&self, cause: DropCause) -> u64 {
        self.dropped.of(cause)
    }

    /// Messages that were accepted and dropped.
    ///
    /// See [`dropped`](Self::dropped).
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.total()
    }

    /// Messages that arrived and were dropped for this cause. [`DropCause::Incomplete`] are those of
    /// `recv_incomplete`, which do not count as arrived.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
let stats = pull.stats();
assert_eq!(stats.recv_dropped_by(DropCause::Incomplete), 0);
assert_eq!(stats.received, stats.delivered + stats.recv_queued + stats.recv_dropped);
# drop(push);"#)]
    #[must_use]
    pub fn recv_dropped_by(&self, cause: DropCause) -> u64 {
        match cause {
            DropCause::Incomplete => self.recv_incomplete,
            cause => self.recv_dropped_by.of(cause),
        }
    }

    /// Connections that ended in the handshake for this kind of reason.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
assert_eq!(pull.stats().handshakes_failed_by(DisconnectKind::Timeout), 0);
# drop(push);"#)]
    #[must_use]
    pub fn handshakes_failed_by(&self, kind: DisconnectKind) -> u64 {
        self.handshakes_failed_by.of(kind)
    }

    /// Connections that ended after the handshake for this kind of reason.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.close().await;
let mut events = pull.monitor();
while pull.stats().disconnects() == 0 {
    events.next().await;
}
println!("{} of them in order", pull.stats().disconnects_by(DisconnectKind::Closed));"#)]
    #[must_use]
    pub fn disconnects_by(&self, kind: DisconnectKind) -> u64 {
        self.disconnects_by.of(kind)
    }

    /// Connections that ended after the handshake.
    ///
    /// See [`disconnects_by`](Self::disconnects_by).
    #[must_use]
    pub fn disconnects(&self) -> u64 {
        self.disconnects_by.total()
    }
}

/// What came of one endpoint.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndpointStats {
    /// Where; of one that is bound, with the port that the system chose.
    pub endpoint: Endpoint,
    /// The socket is bound there, and does not connect there.
    pub bound: bool,
    /// No further attempt will be made.
    pub stopped: bool,
    /// Attempts to connect that began; where it is bound, connections accepted.
    pub attempts: u64,
    /// Those that never completed the handshake; where it is bound, failures to accept as well.
    pub failed_attempts: u64,
    /// Why the last of those failed, or, where the socket connects, the last connection ended.
    pub last_error: Option<Error>,
}

/// What one connection has done.
///
/// `Debug` leaves out the values of the metadata, which may be tokens, and the certificates.
#[derive(Clone)]
#[non_exhaustive]
pub struct PeerStats {
    /// The connection.
    pub peer: PeerId,
    /// Where it was accepted or connected to; `None` for a stream that was given.
    pub endpoint: Option<Endpoint>,
    /// The other end.
    pub address: Option<Endpoint>,
    /// The peer's socket type.
    pub socket_type: SocketType,
    /// The identity that the peer gave itself; empty for none.
    pub identity: Bytes,
    /// All metadata of the peer's READY command.
    pub metadata: Vec<(String, Bytes)>,
    /// Who it is, as the authenticator says; `None` where it names nobody, or there is none (libzmq's User-Id).
    pub user: Option<Arc<str>>,
    /// What else the authenticator says of it.
    pub user_metadata: Vec<(String, Bytes)>,
    /// The certificates by which the peer has proved who it is, its own first, in DER; none without TLS, and of a
    /// client that was not asked for any.
    pub certificates: Vec<Bytes>,
    /// Messages whose last byte is with the kernel.
    pub sent: u64,
    /// Payload bytes of those.
    pub bytes_sent: u64,
    /// Messages queued for it.
    pub queued_messages: usize,
    /// What those messages cost, in bytes ([`Message::cost`](crate::Message::cost)).
    pub queued_bytes: usize,
    /// Whole messages that arrived from it.
    pub received: u64,
    /// Payload bytes of those.
    pub bytes_received: u64,
    /// Messages of it that wait to be received.
    pub recv_queued_messages: usize,
    /// What those cost, in bytes.
    pub recv_queued_bytes: usize,
    pub(crate) dropped: Counts<DropCause>,
    pub(crate) recv_dropped: Counts<DropCause>,
}

impl PeerStats {
    /// Messages for it that were accepted and dropped for this cause.
    #[doc = example!(r#"let push = PushSocket::bind("tcp://127.0.0.1:0").await?;
let pull = PullSocket::connect(push.local_endpoint().unwrap()).await?;
push.wait_for_peers(1).await?;
for peer in push.stats().peers {
    println!("{}: {} of {} dropped", peer.peer, peer.dropped(DropCause::PeerFull), peer.dropped_total());
#     assert_eq!(peer.dropped_total() + peer.recv_dropped_total(), 0);
}
# drop(pull);"#)]
    #[must_use]
    pub fn dropped(&self, cause: DropCause) -> u64 {
        self.dropped.of(cause)
    }

    /// Messages for it that were accepted and dropped.
    ///
    /// See [`dropped`](Self::dropped).
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.total()
    }

    /// Messages that arrived from it and were dropped for this cause.
    ///
    /// Of all peers together it is in [`SocketStats::recv_dropped_by`].
    #[must_use]
    pub fn recv_dropped_by(&self, cause: DropCause) -> u64 {
        self.recv_dropped.of(cause)
    }

    /// Messages that arrived from it and were dropped.
    ///
    /// See [`recv_dropped_by`](Self::recv_dropped_by).
    #[must_use]
    pub fn recv_dropped_total(&self) -> u64 {
        self.recv_dropped.total()
    }
}

impl fmt::Debug for PeerStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerStats")
            .field("peer", &self.peer)
            .field("endpoint", &self.endpoint)
            .field("address", &self.address)
            .field("socket_type", &self.socket_type)
            .field("identity", &self.identity)
            .field("metadata", &Names(&self.metadata))
            .field("user", &self.user)
            .field("user_metadata", &Names(&self.user_metadata))
            .field("certificates", &self.certificates.len())
            .field("sent", &self.sent)
            .field("bytes_sent", &self.bytes_sent)
            .field("queued_messages", &self.queued_messages)
            .field("queued_bytes", &self.queued_bytes)
            .field("received", &self.received)
            .field("bytes_received", &self.bytes_received)
            .field("recv_queued_messages", &self.recv_queued_messages)
            .field("recv_queued_bytes", &self.recv_queued_bytes)
            .field("dropped", &self.dropped)
            .field("recv_dropped", &self.recv_dropped)
            .finish()
    }
}

/// Everything in one line, for a log.
impl fmt::Display for SocketStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, sent, bytes_sent, in_doubt, queued, dropped, .. } = self;
        write!(f, "accepted {accepted}: sent {sent} ({bytes_sent} B, {in_doubt} in doubt), ")?;
        write!(f, "queued {queued}, dropped {dropped}; ")?;
        let Self { received, bytes_received, delivered, recv_queued, recv_dropped_by, .. } = self;
        write!(f, "received {received} ({bytes_received} B): delivered {delivered}, ")?;
        write!(f, "queued {recv_queued}, dropped {recv_dropped_by}, incomplete {}; ", self.recv_incomplete)?;
        let Self { connects, reconnects, disconnects_by, handshakes_failed_by, .. } = self;
        write!(f, "connected {connects} ({reconnects} again), disconnected {disconnects_by}, ")?;
        write!(f, "failed handshakes {handshakes_failed_by}, peers {}", self.connections)
    }
}

impl fmt::Display for PeerStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, socket_type, sent, bytes_sent, queued_messages, queued_bytes, dropped, .. } = self;
        write!(f, "peer {peer}, {socket_type}: sent {sent} ({bytes_sent} B), ")?;
        write!(f, "queued {queued_messages} ({queued_bytes} B), dropped {dropped}; ")?;
        let Self { received, bytes_received, recv_queued_messages, recv_queued_bytes, .. } = self;
        write!(f, "received {received} ({bytes_received} B), ")?;
        write!(f, "queued {recv_queued_messages} ({recv_queued_bytes} B), dropped {}", self.recv_dropped)
    }
}

impl fmt::Display for EndpointStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, bound, stopped, attempts, failed_attempts, last_error } = self;
        let (role, stopped) =
            (if *bound { "bound" } else { "connects" }, if *stopped { ", stopped" } else { "" });
        write!(f, "{endpoint} ({role}{stopped}): {attempts} attempts, {failed_attempts} failed")?;
        last_error.as_ref().map_or(Ok(()), |error| write!(f, ", last: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_lines_that_name_causes() {
        let mut stats =
            SocketStats { accepted: 3, sent: 1, bytes_sent: 5, connections: 2, ..SocketStats::default() };
        stats.dropped.add(DropCause::PeerFull, 2);
        stats.handshakes_failed_by.add(DisconnectKind::Timeout, 1);
        let line = "accepted 3: sent 1 (5 B, 0 in doubt), queued 0, dropped 2 (2: the peer is at its mark); \
                    received 0 (0 B): delivered 0, queued 0, dropped 0, incomplete 0; \
                    connected 0 (0 again), disconnected 0, \
                    failed handshakes 1 (1: the peer was silent for too long), peers 2";
        assert_eq!(stats.to_string(), line);
        let debug = format!("{stats:?}");
        assert!(debug.contains("dropped: {PeerFull: 2}") && !debug.contains("[0"), "no bare arrays: {debug}");
    }
}
