//! Ending one connection.

use super::Socket;
use crate::error::{Error, Result};
use crate::message::Frame;
use crate::monitor::PeerId;
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

/// One peer of a socket: a connection, or on a ROUTER an identity.
///
/// Whatever makes a [`Frame`] is an identity.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PeerRef {
    /// This connection and no later one.
    Id(PeerId),
    /// The connection whose peer has this identity now.
    Identity(Frame),
}

impl From<PeerId> for PeerRef {
    fn from(id: PeerId) -> Self {
        Self::Id(id)
    }
}

impl<F: Into<Frame>> From<F> for PeerRef {
    fn from(identity: F) -> Self {
        Self::Identity(identity.into())
    }
}

impl<T, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Ends the connection to one peer (`zmq_disconnect_peer`), at once: a peer that does not read holds
    /// nothing up.
    ///
    /// What the kernel takes of its queue without waiting is still sent, and over `inproc://` it may take what
    /// is queued. The rest goes back to the socket where another peer will do (PUSH, DEALER, REQ, PAIR), and is
    /// dropped elsewhere, counted as [`DropCause::Dismissed`](crate::monitor::DropCause::Dismissed). What
    /// was received from it is still delivered.
    ///
    /// A peer that connects by itself may come back. One that this socket connects to is connected again
    /// after the backoff's delay, unless [`disconnect`](Self::disconnect) takes its endpoint back.
    ///
    /// # Errors
    /// [`Error::Unroutable`] if there is no such peer; only a ROUTER knows its peers by identity.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
pull.wait_for_peers(1).await?;
pull.disconnect_peer(pull.peers()[0])?;
// It connects again by itself.
pull.wait_for_peers(1).await?;
# drop(push);"#)]
    pub fn disconnect_peer(&self, peer: impl Into<PeerRef>) -> Result<()> {
        let peer = peer.into();
        self.shared.with(|core| {
            let id = match &peer {
                PeerRef::Id(id) => core.base.peers.get(*id).map(|peer| peer.id),
                PeerRef::Identity(identity) => core.pattern.peer_of(identity),
            };
            core.dismiss(id.ok_or(Error::Unroutable)?);
            Ok(())
        })
    }
}
