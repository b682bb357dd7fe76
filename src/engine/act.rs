//! What happened while bytes were written and decoded, acted upon afterwards.
//!
//! Ending a connection takes others along: messages go back to the queue, subscriptions end, waiting calls are
//! woken. None of that may happen while somebody is in the middle of that connection's bytes. So whoever writes
//! or decodes only notes what happened; the outermost turn, or whoever lets go of the lock, acts on each note
//! once, in order. No note is acted upon from within another, so that the depth of the stack does not depend on
//! what peers send.

use std::collections::VecDeque;

use super::base::Base;
use super::core::Core;
use super::inbound::Inbound;
use super::outbound::Outbound;
use super::peer::Stage;
use crate::monitor::{DisconnectReason, PeerId};
use crate::runtime::AsyncStream;

/// Notes that are still to be acted upon.
#[derive(Debug, Default)]
pub(crate) struct Happened {
    notes: VecDeque<Note>,
    /// [`Note::RoomForPending`] is among them.
    has_room: bool,
}

#[derive(Debug)]
enum Note {
    /// The connection is to end.
    Ended(PeerId, DisconnectReason),
    /// Another has taken the place of this one.
    Succeeded(PeerId),
    /// Something of the socket's own is queued for the peer.
    Answered(PeerId),
    /// There may be a peer with room for what waits in the socket's queue.
    RoomForPending,
    /// There may be no connection, and none to come.
    NoneMayCome,
}

impl Happened {
    pub(crate) fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }
}

impl Inbound {
    /// Has a connection end once whoever works on it is done; the first reason stands.
    pub(crate) fn doom<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId, reason: DisconnectReason) {
        let Some(peer) = base.peers.get_mut(id) else { return };
        let first = !std::mem::replace(&mut peer.doomed, true);
        // What comes from a peer that was never admitted, or broke the rules, is for nobody: of one that is to end
        // for another reason as well, since whoever decodes would come upon it again and again.
        if reason.is_violation() || peer.stage == Stage::Handshaking {
            self.discard_undecoded(base, id);
        }
        if first {
            base.note(Note::Ended(id, reason));
        }
    }

    /// Another connection has taken a peer's identity over: from now on nothing goes to this one.
    pub(super) fn succeed<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId) {
        let Some(peer) = base.peers.get_mut(id).filter(|peer| !peer.doomed) else { return };
        if peer.stage != Stage::Live || peer.link.inproc().is_some() {
            // On inproc what was not taken goes back to it.
            return self.doom(base, id, DisconnectReason::Replaced);
        }
        peer.stage = Stage::Succeeded;
        base.note(Note::Succeeded(id));
    }
}

impl<S: AsyncStream> Base<S> {
    /// Has what the socket itself has queued for a peer leave.
    pub(super) fn answer(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if !peer.out.is_empty() && !std::mem::replace(&mut peer.answering, true) {
            self.note(Note::Answered(id));
        }
    }

    /// Has those who wait find out whether there is no connection any more, and none to come.
    pub(super) fn none_may_come(&mut self) {
        self.note(Note::NoneMayCome);
    }

    fn note(&mut self, note: Note) {
        self.happened.notes.push_back(note);
        self.effects.expect();
    }
}

impl Outbound {
    /// Has what waits in the socket's own queue go to peers that may have room for it.
    #[inline]
    pub(super) fn offer_pending<S: AsyncStream>(&self, base: &mut Base<S>) {
        if !self.pending.is_empty() && !std::mem::replace(&mut base.happened.has_room, true) {
            base.note(Note::RoomForPending);
        }
    }
}

impl<S: AsyncStream> Core<S> {
    /// Acts on everything that happened, and on what comes of that.
    pub(super) fn act(&mut self) {
        while let Some(note) = self.base.happened.notes.pop_front() {
            match note {
                Note::Ended(id, reason) => self.disconnect(id, reason),
                Note::Succeeded(id) => self.leave_to_successor(id),
                Note::Answered(id) => self.write_answer(id),
                Note::RoomForPending => {
                    self.base.happened.has_room = false;
                    self.drain_pending();
                }
                Note::NoneMayCome => self.wake_everybody_if_no_connection_will_come(),
            }
        }
    }

    fn write_answer(&mut self, id: PeerId) {
        let Some(peer) = self.base.peers.get_mut(id) else { return };
        peer.answering = false;
        if !peer.out.is_empty() && !peer.write_blocked {
            self.flush_peer(id);
        }
    }
    fn wake_everybody_if_no_connection_will_come(&mut self) {
        if self.endpoints.no_connection_will_come(&self.base).is_some() {
            self.outbound.wake_everybody(&mut self.base);
        }
    }
}
