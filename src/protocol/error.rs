//! What a peer can do wrong.

use super::SocketType;
use super::greeting::MECHANISM_LEN;

/// How a peer broke the protocol, or why the two sides cannot talk to each other.
///
/// Each ends the connection it happened on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The peer sent something else than a ZMTP greeting.
    #[error("the peer does not speak ZMTP")]
    NotZmtp,
    /// The peer speaks an older protocol than ZMTP 3.0.
    #[error("the peer speaks ZMTP {major}.x, which is older than 3.0")]
    UnsupportedVersion {
        /// Major version of the peer: 1 (libzmq 2) or 2 (libzmq 3).
        major: u8,
    },
    /// The peer announced another security mechanism than ours.
    #[error("the security mechanism here is {ours}, the peer's is \"{}\"", printable(theirs))]
    MechanismMismatch {
        /// Name of our mechanism.
        ours: &'static str,
        /// The peer's, as in its greeting: padded with zeros.
        theirs: [u8; MECHANISM_LEN],
    },
    /// The peer refused us with an ERROR command.
    ///
    /// It is the end for an endpoint that was connected to, as for libzmq, if the reason is a status code of
    /// 400 to 599 (authentication) or one of the texts that this library sends: `missing Socket-Type`,
    /// `unknown Socket-Type`, `incompatible Socket-Type`, `invalid Identity`. Any other reason may pass, and
    /// is a failed attempt.
    #[error("the peer refused the connection: {reason:?}")]
    PeerRefused {
        /// The peer's own words; libzmq sends the ZAP status code, such as 400.
        reason: String,
    },
    /// The peer did not say what type of socket it is.
    #[error("the peer did not announce its socket type")]
    MissingSocketType,
    /// The peer's socket type is none that we know.
    #[error("the peer announced an unknown socket type")]
    UnknownSocketType,
    /// Sockets of these two types do not talk to each other (RFC 37).
    #[error("a {ours} socket cannot talk to a {theirs} socket")]
    IncompatibleSocketType {
        /// Our type.
        ours: SocketType,
        /// The peer's type.
        theirs: SocketType,
    },
    /// The peer's identity is longer than 255 bytes, or begins with the reserved zero byte.
    #[error("the peer's identity is longer than 255 bytes or begins with a zero byte")]
    InvalidIdentity,
    /// The metadata of the handshake are cut off, or have bytes that belong to no property.
    #[error("the peer's metadata are malformed")]
    MalformedMetadata,
    /// The metadata of the handshake have more properties than we keep.
    #[error("the peer sent more than {max} metadata properties")]
    TooManyProperties {
        /// The limit.
        max: usize,
    },
    /// A command of the handshake is malformed.
    #[error("the peer sent a malformed handshake command")]
    MalformedCommand,
    /// A command that has no place in the handshake, or not at that point of it.
    #[error("the peer sent a command that the handshake does not expect")]
    UnexpectedCommand,
    /// A READY command when the handshake was over.
    #[error("the peer sent READY after the handshake")]
    UnexpectedReady,
    /// A message before the handshake was over.
    #[error("the peer sent a message during the handshake")]
    MessageDuringHandshake,
    /// The handshake is larger than we accept from a peer that we do not know yet.
    #[error("the handshake is larger than {max} bytes")]
    HandshakeTooLarge {
        /// The limit, in bytes.
        max: usize,
    },
    /// A frame length with the most significant bit set.
    #[error("the peer announced a frame of 2^63 bytes or more")]
    InvalidFrameLength,
    /// The message is larger than the option `max_message_size` allows.
    #[error("the peer announced a message of at least {size} bytes, over the limit of {max}")]
    MessageTooLarge {
        /// Payload bytes of the message as far as announced.
        size: u64,
        /// The limit, in bytes.
        max: usize,
    },
    /// The message has more frames than we accept.
    #[error("the peer sent a message of more than {max} frames")]
    TooManyFrames {
        /// The limit.
        max: usize,
    },
    /// The command is larger than we accept.
    #[error("the peer announced a command of {size} bytes, over the limit of {max}")]
    CommandTooLarge {
        /// Announced bytes.
        size: u64,
        /// The limit, in bytes.
        max: usize,
    },
    /// The security mechanism could not open a frame: tampered with, replayed or malformed.
    #[error("the peer sent a frame that its security mechanism did not seal")]
    Tampered,
    /// Both sides are clients of this mechanism, whoever bound; one has to be the server.
    #[error("both sides are {mechanism} clients: one has to be the server")]
    BothClients {
        /// Its name.
        mechanism: &'static str,
    },
    /// The peer is a CURVE client that was given another server key than this socket has, or none that is one.
    ///
    /// The peer is told `400`.
    #[error("the peer was given another CURVE server key than this socket's")]
    UnknownServerKey,
    /// The CURVE server did not show that it has the secret key to the server key that this socket was given.
    #[error("the peer does not have the secret key that belongs to the CURVE server key given here")]
    WrongServerKey,
    /// The system gave no random bytes for the handshake.
    #[error("the system has no random bytes for a CURVE handshake")]
    NoEntropy,
}

impl ProtocolError {
    /// Whether trying again cannot help until somebody changes the configuration of one side.
    ///
    /// Bytes that are not ZMTP, or not well formed, are no such case: something else may answer at that
    /// address for the moment.
    pub(crate) fn is_permanent(&self) -> bool {
        matches!(
            self,
            Self::UnsupportedVersion { .. }
                | Self::MechanismMismatch { .. }
                | Self::UnknownSocketType
                | Self::IncompatibleSocketType { .. }
                | Self::BothClients { .. }
        ) || matches!(self, Self::PeerRefused { reason } if is_final(reason))
    }

    /// What an ERROR command tells the peer: only where its configuration has to change, because libzmq never
    /// tries again after any. (A mechanism that does not fit shows in the greetings, on both sides.)
    pub(super) const fn reason_for_peer(&self) -> Option<&'static str> {
        Some(match self {
            Self::MissingSocketType => MISSING_SOCKET_TYPE,
            Self::UnknownSocketType => UNKNOWN_SOCKET_TYPE,
            Self::IncompatibleSocketType { .. } => INCOMPATIBLE_SOCKET_TYPE,
            Self::InvalidIdentity => INVALID_IDENTITY,
            Self::UnknownServerKey => NOT_ADMITTED,
            _ => return None,
        })
    }
}

const MISSING_SOCKET_TYPE: &str = "missing Socket-Type";
const UNKNOWN_SOCKET_TYPE: &str = "unknown Socket-Type";
const INCOMPATIBLE_SOCKET_TYPE: &str = "incompatible Socket-Type";
/// What ZAP says of credentials that are no good (RFC 27).
const NOT_ADMITTED: &str = "400";
const INVALID_IDENTITY: &str = "invalid Identity";

/// Whether the reason of an ERROR says that only a change of configuration helps; 300, for one, says that
/// the authenticator has no answer for now.
fn is_final(reason: &str) -> bool {
    let texts = [MISSING_SOCKET_TYPE, UNKNOWN_SOCKET_TYPE, INCOMPATIBLE_SOCKET_TYPE, INVALID_IDENTITY];
    texts.contains(&reason) || matches!(reason.as_bytes(), [b'4' | b'5', b'0'..=b'9', b'0'..=b'9'])
}

fn printable(mechanism: &[u8; MECHANISM_LEN]) -> std::slice::EscapeAscii<'_> {
    let padding = mechanism.iter().rev().take_while(|&&byte| byte == 0).count();
    mechanism[..MECHANISM_LEN - padding].escape_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_peers_wrote_is_printed_escaped() {
        let mut theirs = [0; MECHANISM_LEN];
        theirs[..6].copy_from_slice(b"CU\nRVE");
        let text = ProtocolError::MechanismMismatch { ours: "NULL", theirs }.to_string();
        assert!(text.ends_with("is \"CU\\nRVE\""), "{text}");
        let text = ProtocolError::PeerRefused { reason: "a\nb".to_owned() }.to_string();
        assert!(text.ends_with("\"a\\nb\""), "{text}");
    }

    /// What we tell a peer in an ERROR is the end for a client of ours.
    #[test]
    fn what_we_refuse_for_good_is_taken_for_good() {
        for error in [
            ProtocolError::MissingSocketType,
            ProtocolError::UnknownSocketType,
            ProtocolError::IncompatibleSocketType { ours: SocketType::Req, theirs: SocketType::Pub },
            ProtocolError::InvalidIdentity,
            ProtocolError::UnknownServerKey,
        ] {
            let reason = error.reason_for_peer().unwrap().to_owned();
            assert!(ProtocolError::PeerRefused { reason }.is_permanent(), "{error}");
        }
    }

    /// Trap 40: what stops a connecting side for good, and what it retries.
    #[test]
    fn trap_40_permanent_errors() {
        let refused = |reason: &str| ProtocolError::PeerRefused { reason: reason.to_owned() };
        for permanent in [
            ProtocolError::UnsupportedVersion { major: 2 },
            ProtocolError::MechanismMismatch { ours: "NULL", theirs: [0; MECHANISM_LEN] },
            refused("400"),
            refused("599"),
            refused("incompatible Socket-Type"),
            ProtocolError::UnknownSocketType,
            ProtocolError::IncompatibleSocketType { ours: SocketType::Req, theirs: SocketType::Pub },
        ] {
            assert!(permanent.is_permanent(), "{permanent}");
        }
        for passing in [
            ProtocolError::NotZmtp,
            refused("300"),
            refused(""),
            refused("4000"),
            refused("come back later"),
            ProtocolError::MalformedMetadata,
            ProtocolError::InvalidFrameLength,
            ProtocolError::HandshakeTooLarge { max: 1 },
            ProtocolError::MissingSocketType,
            ProtocolError::Tampered,
        ] {
            assert!(!passing.is_permanent(), "{passing}");
        }
    }
}
