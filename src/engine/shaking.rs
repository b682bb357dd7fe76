//! Handshakes below ours, such as that of TLS: a layer computes them when its stream is read or written, which takes
//! as long as hundreds of messages. So one connection goes on with its own in a turn, and others are polled again.

use std::task::Waker;

use super::peer::{Peer, Stage};
use crate::monitor::PeerId;
use crate::runtime::AsyncStream;

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Shaking {
    now: Option<PeerId>,
    /// In the order in which they came up.
    later: Vec<Waker>,
}

impl Shaking {
    /// Whether the stream of a peer is not touched in this turn, since another's handshake has had it. Without a turn
    /// nobody is put off, as there is no end of it to come up behind.
    pub(super) fn puts_off<S: AsyncStream>(&mut self, peer: &Peer<S>, in_turn: bool) -> bool {
        let shakes = in_turn && peer.stage == Stage::Handshaking && peer.link.is_handshaking();
        let puts_off = shakes && *self.now.get_or_insert(peer.id) != peer.id;
        if puts_off {
            self.later.push(peer.waker());
        }
        puts_off
    }

    /// Who comes up again after the turn.
    pub(super) fn end_turn(&mut self) -> Vec<Waker> {
        std::mem::take(self).later
    }
}
