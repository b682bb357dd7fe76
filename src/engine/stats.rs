//! Figures for the application.

use super::core::Core;
use super::peer::{Peer, Stage};
use crate::monitor::{PeerId, PeerStats, SocketStats};
use crate::runtime::AsyncStream;

impl<S: AsyncStream> Core<S> {
    pub(crate) fn stats(&mut self) -> SocketStats {
        for id in self.peers.ids(|peer| peer.link.inproc().is_some()) {
            self.settle_taken(id);
        }
        let counters = &self.counters;
        // As accounted for just now, whatever the other side of a pipe has taken since.
        let to_peers: usize = self.peers.iter().map(|peer| peer.out_level.messages()).sum();
        let waiting: usize = self.peers.iter().map(|peer| peer.inbox.len()).sum();
        SocketStats {
            accepted: counters.accepted,
            sent: counters.sent,
            queued: (self.outbound.pending_level.messages() + to_peers) as u64,
            in_doubt: counters.in_doubt,
            received: counters.received,
            delivered: counters.delivered,
            recv_queued: (waiting + self.inbound.orphaned()) as u64,
            recv_dropped: counters.recv_dropped,
            recv_incomplete: counters.incomplete,
            connects: counters.connects,
            reconnects: counters.reconnects,
            handshakes_failed: counters.handshakes_failed,
            peers: self.peers.iter().filter_map(Peer::stats).collect(),
            dropped: counters.dropped,
        }
    }

    pub(crate) fn peer_stats(&self, id: PeerId) -> Option<PeerStats> {
        self.peers.get(id).and_then(Peer::stats)
    }

    pub(crate) fn live_ids(&self) -> Vec<PeerId> {
        self.peers.ids(|peer| peer.stage == Stage::Live)
    }
}

impl<S> Peer<S> {
    /// `None` before the handshake is done.
    fn stats(&self) -> Option<PeerStats> {
        let info = self.info.as_ref()?;
        Some(PeerStats {
            peer: self.id,
            address: self.address.clone(),
            socket_type: info.socket_type,
            identity: info.identity.clone(),
            metadata: info.properties.clone(),
            sent: self.sent,
            queued_messages: self.out_level.messages(),
            queued_bytes: self.out_level.bytes(),
            received: self.received,
            recv_queued_messages: self.inbox_level.messages(),
            recv_queued_bytes: self.inbox_level.bytes(),
        })
    }
}
