//! Counting what became of messages, and figures for the application.

use super::base::Base;
use super::core::Core;
use super::inbound::Inbound;
use super::outbound::Outbound;
use super::peer::{Peer, Stage};
use crate::message::Count;
use crate::monitor::{DropCause, PeerId, PeerStats, SocketEvent, SocketStats};
use crate::resilience::Permit;
use crate::runtime::AsyncStream;

impl<S: AsyncStream> Base<S> {
    /// Counts messages that were accepted and will not be sent.
    pub(crate) fn count_dropped(&mut self, peer: Option<PeerId>, cause: DropCause, count: u64) {
        if count > 0 {
            let account = peer.and_then(|id| self.peers.get_mut(id)).map(|peer| &mut peer.account);
            self.ledger.drop_accepted(account, cause, count);
            self.emit(SocketEvent::MessagesDropped { peer, cause, count });
        }
    }

    /// Counts an accepted message that was for a peer which is not there any more.
    #[cold]
    pub(crate) fn count_lost(&mut self, peer: PeerId, permit: Permit) {
        self.effects.drop_permit(permit);
        self.count_dropped(Some(peer), DropCause::PeerLost, 1);
    }

    /// Counts a reply that was handed out when it came, and that nobody came for.
    pub(crate) fn count_untaken(&mut self) {
        self.ledger.take_back();
        self.count_recv_dropped(None, DropCause::Unexpected, 1);
    }

    /// Counts the reply that a peer will not get, since its request was dropped, as if it had been sent and lost.
    pub(crate) fn count_unanswered(&mut self, peer: PeerId) {
        self.ledger.accept();
        self.count_dropped(Some(peer), DropCause::Unanswered, 1);
    }

    /// Counts a message that arrived, of so many payload bytes.
    #[inline]
    pub(crate) fn count_received(&mut self, peer: PeerId, bytes: usize) {
        match self.peers.get_mut(peer) {
            Some(peer) => peer.account.receive(bytes),
            None => self.ledger.receive_late(1, bytes as u64),
        }
    }

    /// Counts messages that arrived and will not be received.
    pub(crate) fn count_recv_dropped(&mut self, peer: Option<PeerId>, cause: DropCause, count: u64) {
        if count > 0 {
            let account = peer.and_then(|id| self.peers.get_mut(id)).map(|peer| &mut peer.account);
            self.ledger.drop_received(account, cause, count);
            self.emit(SocketEvent::ReceivedDropped { peer, cause, count });
        }
    }

    /// Counts messages that a peer left to us for good, for which nobody is there.
    pub(crate) fn count_abandoned(&mut self, peer: Option<PeerId>, abandoned: Count) {
        self.ledger.receive_late(abandoned.messages as u64, abandoned.all.size as u64);
        self.count_recv_dropped(peer, self.life.cause_of_end(), abandoned.messages as u64);
    }
}

impl Outbound {
    /// Messages accepted and not yet counted as sent, whatever the other side of a pipe has taken since.
    fn counted_as_queued<S: AsyncStream>(&self, base: &Base<S>) -> u64 {
        let to_peers: usize = base.peers.iter().map(|peer| peer.out_level.messages()).sum();
        (self.pending_level.messages() + to_peers) as u64
    }
}

impl Inbound {
    /// Messages that were counted as received and wait for the application.
    fn waiting<S: AsyncStream>(&self, base: &Base<S>) -> u64 {
        let read_ahead: usize = base.peers.iter().map(|peer| peer.inbox.len()).sum();
        (read_ahead + self.orphaned()) as u64
    }

    /// What those cost.
    fn waiting_bytes<S: AsyncStream>(&self, base: &Base<S>) -> u64 {
        let read_ahead: usize = base.peers.iter().map(|peer| peer.inbox_level.bytes()).sum();
        (read_ahead + self.orphaned_bytes()) as u64
    }
}

impl<S: AsyncStream> Core<S> {
    /// Everything, with each connection and endpoint.
    pub(crate) fn stats(&mut self) -> SocketStats {
        // First, as it settles what others have taken from pipes.
        let totals = self.totals();
        let peers = self.base.peers.iter().filter_map(Peer::stats).collect();
        SocketStats { peers, endpoints: self.endpoints.stats(), ..totals }
    }

    /// The figures of the socket alone.
    pub(crate) fn totals(&mut self) -> SocketStats {
        for id in self.base.peers.ids(|peer| peer.link.inproc().is_some()) {
            self.outbound.settle_taken(&mut self.base, &self.inbound, &mut *self.pattern, id);
        }
        let [send_waits, recv_waits] = self.base.waits.times();
        SocketStats {
            send_waits,
            recv_waits,
            queued: self.outbound.counted_as_queued(&self.base),
            queued_bytes: self.outbound.queued(&self.base).1 as u64,
            recv_queued: self.inbound.waiting(&self.base),
            recv_queued_bytes: self.inbound.waiting_bytes(&self.base),
            connections: self.base.peers.iter().filter(|peer| peer.info.is_some()).count(),
            ..self
                .base
                .ledger
                .stats(self.base.ledger.totals(self.base.peers.iter().map(|peer| &peer.account)))
        }
    }

    /// Checks that no message is missing; called when the lock is about to be released.
    #[cfg(debug_assertions)]
    pub(crate) fn check_books(&mut self) {
        if self.base.ledger.is_due(self.base.peers.len()) {
            let totals = self.base.ledger.totals(self.base.peers.iter().map(|peer| &peer.account));
            self.base.ledger.check(
                totals,
                self.outbound.counted_as_queued(&self.base),
                self.inbound.waiting(&self.base),
            );
        }
    }

    pub(crate) fn peer_stats(&mut self, id: PeerId) -> Option<PeerStats> {
        self.outbound.settle_taken(&mut self.base, &self.inbound, &mut *self.pattern, id);
        self.base.peers.get(id).and_then(Peer::stats)
    }
}

impl<S: AsyncStream> Peer<S> {
    /// `None` before the handshake is done.
    fn stats(&self) -> Option<PeerStats> {
        let info = self.info.as_ref().filter(|_| self.stage != Stage::Handshaking)?;
        let totals = self.account.totals();
        Some(PeerStats {
            peer: self.id,
            endpoint: self.endpoint.as_deref().cloned(),
            address: self.address.clone(),
            socket_type: info.socket_type,
            identity: info.identity.clone(),
            metadata: info.properties.to_vec(),
            user: info.user.clone(),
            user_metadata: info.granted.clone(),
            certificates: self.link.peer_certificates().to_vec(),
            sent: totals.sent,
            bytes_sent: totals.sent_bytes,
            queued_messages: self.out_level.messages(),
            queued_bytes: self.out_level.bytes(),
            received: totals.received,
            bytes_received: totals.received_bytes,
            recv_queued_messages: self.inbox_level.messages(),
            recv_queued_bytes: self.inbox_level.bytes(),
            dropped: self.account.dropped().clone(),
            recv_dropped: self.account.recv_dropped().clone(),
        })
    }
}
