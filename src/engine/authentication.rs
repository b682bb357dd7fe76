//! Peers that have said who they are and that somebody has to decide about, between `Handshaken` and our answer, and
//! those whose handshake goes on with a work that takes long.
//!
//! Here is only kept who they are; whoever drives the socket asks ([`Judgements`](super::judgements::Judgements)),
//! since the authenticator is foreign, and works, which others would wait for. Meanwhile a peer is in the handshake
//! like any other: it has its place among those that are accepted, its time runs, and it makes room for others.

use super::base::Base;
use super::core::Core;
use super::inbound::Inbound;
use super::peer::{Origin, Peer, Stage};
use crate::monitor::{DisconnectReason, PeerId};
use crate::protocol::{KeyWork, KeysWorked, PeerInfo, ProtocolError};
use crate::runtime::AsyncStream;
use crate::security::{AnyAuthenticator, Claim, Verdict};

/// What is kept at the most of what an accepted peer says before it was let in.
const MAX_HELD: usize = 8 * 1024;

/// What is to be told to whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Peers to ask about.
    fresh: Vec<PeerId>,
    /// Peers that are gone before there was an answer.
    over: Vec<PeerId>,
}

impl Asked {
    /// A peer is gone, which may have been asked about.
    pub(super) fn forget<S: AsyncStream>(&mut self, peer: &Peer<S>) {
        if peer.is_judged() {
            self.over.push(peer.id);
        }
    }
}

/// What there is to ask and to work on, and what not to wait for any more.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    pub(super) authenticator: Option<AnyAuthenticator>,
    pub(super) claims: Vec<(PeerId, Claim)>,
    pub(super) works: Vec<(PeerId, KeyWork)>,
    pub(super) over: Vec<PeerId>,
}

impl Asked {
    /// What whoever drives the socket is to ask.
    pub(crate) fn take_questions<S: AsyncStream>(&mut self, base: &mut Base<S>) -> Questions {
        let Self { fresh, over } = std::mem::take(self);
        if fresh.is_empty() && over.is_empty() {
            return Questions::default();
        }
        let authenticator = base.options.authenticator.clone();
        let mut questions = Questions { authenticator, over, ..Questions::default() };
        for id in fresh {
            let Some(peer) = base.peers.get_mut(id) else { continue };
            questions.works.extend(peer.connection.take_work().map(|work| (id, work)));
            questions.claims.extend(peer.claim().map(|claim| (id, claim)));
        }
        questions
    }
}

impl Inbound {
    /// Whether nothing more is read from a peer until it is let in: it has said something that must wait, or there is
    /// work to do for what it said, which may find the reason why its stream ends.
    ///
    /// A peer that came to us has not been told that it may say anything, and one that says much all the same is
    /// hung up on.
    pub(super) fn waits_for_verdict<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId) -> bool {
        let held = self.slab.filled().len();
        let waits = |peer: &&mut Peer<S>| peer.is_judged() && (held > 0 || peer.connection.is_working());
        let Some(peer) = base.peers.get_mut(id).filter(waits) else { return false };
        peer.paused = true;
        peer.readable = false;
        self.hang_up_on_much(base, id);
        true
    }

    /// Hangs up on the owner of the slab if it came to us, and has said much behind what it waits for an answer to.
    fn hang_up_on_much<S: AsyncStream>(&mut self, base: &mut Base<S>, id: PeerId) {
        let came = |peer: &Peer<S>| matches!(peer.origin, Origin::Listener(_));
        if self.slab.filled().len() > MAX_HELD && base.peers.get(id).is_some_and(came) {
            self.doom(base, id, ProtocolError::HandshakeTooLarge { max: MAX_HELD }.into());
        }
    }
}

impl<S: AsyncStream> Core<S> {
    /// The peer has said who it is: lets it in, or has the authenticator asked first.
    pub(super) fn judge(&mut self, id: PeerId, info: Box<PeerInfo>) {
        if self.base.options.authenticator.is_none() {
            return self.admit(id, info);
        }
        let Some(peer) = self.base.peers.get_mut(id) else { return };
        peer.info = Some(info);
        self.ask(id);
    }

    /// Has whoever drives the socket ask about this peer, or work for it.
    pub(super) fn ask(&mut self, id: PeerId) {
        self.asked.fresh.push(id);
        // It may all have come in one read, behind which there is no other.
        if self.inbound.slab_owner == Some(id) {
            self.inbound.hang_up_on_much(&mut self.base, id);
        }
        self.base.wake_companion();
        if self.base.life.is_detached() {
            self.base.wake_watchers();
        }
    }

    /// The work is done, or the authenticator has answered. What the peer has said meanwhile comes now.
    pub(crate) fn answered(&mut self, id: PeerId, answer: Result<KeysWorked, Verdict>) {
        let Some(peer) = self.base.peers.get_mut(id).filter(|peer| peer.is_judged() && !peer.doomed) else {
            return;
        };
        peer.paused = false;
        let info = peer.info.take();
        let answer = answer.map(|done| peer.connection.worked(done, &mut peer.out));
        if self.inbound.slab_owner == Some(id) {
            self.inbound.slab_drained = false;
        }
        self.turn(|core| {
            match (answer, info) {
                (Ok(event), _) => core.handle_other(id, event),
                (Err(Verdict::Accept { user, metadata }), Some(mut info)) => {
                    info.user = user.or_else(|| info.credentials.user());
                    info.granted = metadata;
                    info.credentials.forget_secrets();
                    core.admit(id, info);
                    core.base.answer(id);
                }
                (Err(verdict), _) => core.refuse(id, verdict),
            }
            core.base.peers.get(id).into_iter().for_each(Peer::wake);
        });
    }

    fn refuse(&mut self, id: PeerId, verdict: Verdict) {
        let (status, reason) = match verdict {
            Verdict::Accept { .. } => return,
            Verdict::Deny(reason) => (Some("400"), DisconnectReason::Denied(reason)),
            Verdict::TryLater(reason) => (None, DisconnectReason::PutOff(reason)),
            Verdict::Broken(reason) => (Some("500"), DisconnectReason::AuthenticatorFailed(reason)),
        };
        if let Some((status, peer)) = status.zip(self.base.peers.get_mut(id)) {
            peer.connection.refuse(status, &mut peer.out);
            peer.out.end_control();
            // Whether it gets there is up to the system: its buffer was empty but for our greeting.
            let _ = self.write(id);
        }
        self.inbound.doom(&mut self.base, id, reason);
    }
}

impl<S: AsyncStream> Peer<S> {
    /// Whether the peer has said something, and it is not yet decided what comes of it.
    pub(super) fn is_judged(&self) -> bool {
        self.stage == Stage::Handshaking && (self.info.is_some() || self.connection.is_waiting())
    }

    fn claim(&self) -> Option<Claim> {
        let info = self.info.as_ref().filter(|_| self.is_judged())?;
        let mut claim = Claim::new(info.socket_type, info.credentials.clone());
        claim.address.clone_from(&self.address);
        claim.endpoint = self.endpoint.as_deref().cloned();
        claim.accepted = matches!(self.origin, Origin::Listener(_));
        claim.identity = info.identity.clone();
        claim.metadata.clone_from(&info.properties);
        claim.certificates = self.link.peer_certificates().to_vec();
        Some(claim)
    }
}
