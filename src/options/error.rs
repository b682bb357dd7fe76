//! Options that cannot work.

use super::SocketOptions;

/// An option with a value that cannot work.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// The value is zero, which would stop the socket; "unlimited" has a setter of its own.
    #[error("option {option} must not be 0")]
    Zero {
        /// The option's name.
        option: &'static str,
    },
    /// An identity has 1 to 255 bytes.
    #[error("an identity has at most 255 bytes, not {len}")]
    IdentityTooLong {
        /// The bytes it has.
        len: usize,
    },
    /// Identities that begin with a zero byte are made by ROUTER sockets for peers that bring none.
    #[error("an identity must not begin with a zero byte")]
    IdentityReserved,
}

impl SocketOptions {
    /// Checks what can be checked before a socket is opened.
    pub(crate) fn validate(&self) -> Result<(), OptionError> {
        let not_zero = [
            ("send_hwm", self.send_hwm == 0),
            ("recv_hwm", self.recv_hwm == 0),
            ("send_hwm_bytes", self.send_hwm_bytes == 0),
            ("recv_hwm_bytes", self.recv_hwm_bytes == 0),
            ("max_message_size", self.max_message_size == 0),
            ("max_frames", self.max_frames == 0),
            ("max_handshakes", self.max_handshakes == 0),
            ("connect_timeout", self.connect_timeout.is_zero()),
            ("handshake_timeout", self.handshake_timeout.is_zero()),
            ("frame_timeout", self.frame_timeout.is_some_and(|limit| limit.is_zero())),
            ("heartbeat_interval", self.heartbeat_interval.is_some_and(|interval| interval.is_zero())),
            ("heartbeat_timeout", self.heartbeat_timeout.is_zero()),
            ("heartbeat_ttl", self.heartbeat_ttl.is_some_and(|ttl| ttl.is_zero())),
            ("max_attempts", self.max_attempts == Some(0)),
            ("backlog", self.transport.backlog == 0),
        ];
        if let Some((option, _)) = not_zero.into_iter().find(|(_, zero)| *zero) {
            return Err(OptionError::Zero { option });
        }
        match self.identity.len() {
            0 => Ok(()),
            1..=255 if self.identity.first() == Some(&0) => Err(OptionError::IdentityReserved),
            1..=255 => Ok(()),
            len => Err(OptionError::IdentityTooLong { len }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn zeros_are_refused_by_name() {
        let zero = Duration::ZERO;
        let default = SocketOptions::default;
        assert_eq!(default().validate(), Ok(()));
        for (option, options) in [
            ("send_hwm", default().with_send_hwm(0)),
            ("recv_hwm", default().with_recv_hwm(0)),
            ("send_hwm_bytes", default().with_send_hwm_bytes(0)),
            ("recv_hwm_bytes", default().with_recv_hwm_bytes(0)),
            ("max_message_size", default().with_max_message_size(0)),
            ("max_frames", default().with_max_frames(0)),
            ("max_handshakes", default().with_max_handshakes(0)),
            ("connect_timeout", default().with_connect_timeout(zero)),
            ("handshake_timeout", default().with_handshake_timeout(zero)),
            ("frame_timeout", default().with_frame_timeout(Some(zero))),
            ("heartbeat_interval", default().with_heartbeat_interval(Some(zero))),
            ("heartbeat_timeout", default().with_heartbeat_timeout(zero)),
            ("heartbeat_ttl", default().with_heartbeat_ttl(Some(zero))),
            ("max_attempts", default().with_max_attempts(Some(0))),
            ("backlog", default().with_backlog(0)),
        ] {
            assert_eq!(options.validate(), Err(OptionError::Zero { option }));
        }
        assert_eq!(default().with_linger(zero).validate(), Ok(()), "a linger of zero means something");
    }

    #[test]
    fn identities_have_1_to_255_bytes() {
        let with = |identity: Vec<u8>| SocketOptions::default().with_identity(identity).validate();
        assert_eq!(with(vec![1; 255]), Ok(()));
        assert_eq!(with(vec![1; 256]), Err(OptionError::IdentityTooLong { len: 256 }));
        assert_eq!(with(vec![0, 1]), Err(OptionError::IdentityReserved));
    }
}
