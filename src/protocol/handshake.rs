//! Who the peer is, as its metadata say, and whether we may talk to it.

use std::sync::Arc;

use bytes::Bytes;

use super::{Config, ProtocolError, SocketType, metadata};
use crate::security::{Credentials, Properties};

/// The longest identity, in bytes.
const MAX_IDENTITY: usize = 255;

/// What a peer said about itself in the handshake.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PeerInfo {
    pub(crate) socket_type: SocketType,
    /// Empty: the peer leaves the choice to us. Always empty for types that announce none (RFC 37).
    pub(crate) identity: Bytes,
    /// Minor version of the dialect to speak: 0 for ZMTP 3.0, 1 for 3.1.
    pub(crate) minor: u8,
    /// All properties, as sent.
    pub(crate) properties: Properties,
    /// What its security mechanism says who it is.
    pub(crate) credentials: Credentials,
    /// Who it is, and what else is known of it, as the one says who judges peers.
    pub(crate) user: Option<Arc<str>>,
    pub(crate) granted: Vec<(String, Bytes)>,
}

impl PeerInfo {
    /// What a socket of the same process says about itself, word for word as in its READY, and judged alike.
    pub(crate) fn of(peer: &Config, ours: &Config) -> Result<Self, ProtocolError> {
        Self::parse(ours, 1, &metadata::encode(peer), Credentials::Null)
    }

    /// Reads the peer's metadata and checks them against our socket.
    pub(super) fn parse(
        config: &Config,
        minor: u8,
        metadata: &[u8],
        credentials: Credentials,
    ) -> Result<Self, ProtocolError> {
        let properties = metadata::parse(metadata)?;
        let socket_type = metadata::find(&properties, metadata::SOCKET_TYPE);
        let socket_type = socket_type.ok_or(ProtocolError::MissingSocketType)?;
        let socket_type = SocketType::parse(socket_type).ok_or(ProtocolError::UnknownSocketType)?;
        if !config.socket_type.is_compatible(socket_type) {
            let (ours, theirs) = (config.socket_type, socket_type);
            return Err(ProtocolError::IncompatibleSocketType { ours, theirs });
        }
        let identity = metadata::find(&properties, metadata::IDENTITY);
        let identity = identity.filter(|_| socket_type.sends_identity()).cloned().unwrap_or_default();
        // A zero byte in front marks identities that we choose; nobody may take one of those.
        if identity.len() > MAX_IDENTITY || identity.first() == Some(&0) {
            return Err(ProtocolError::InvalidIdentity);
        }
        let properties = Properties(properties);
        Ok(Self { socket_type, identity, minor, properties, credentials, user: None, granted: Vec::new() })
    }
}
