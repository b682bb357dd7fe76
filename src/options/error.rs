//! Options that cannot work.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Keepalive, SocketOptions};
use crate::endpoint::EndpointError;
use crate::message::Message;

/// An option with a value that cannot work.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// The value is zero, which would stop the socket; "no limit" is spelled another way, if there is one.
    #[error("option {option} must not be 0{}", spelled(*.no_limit))]
    Zero {
        /// The option's name.
        option: &'static str,
        /// How to say that there is no limit.
        no_limit: Option<&'static str>,
    },
    /// The value is not among those that the protocol or the system can express.
    #[error("option {option} must be {allowed}")]
    OutOfRange {
        /// The option's name.
        option: &'static str,
        /// From where to where.
        allowed: &'static str,
    },
    /// A property of the application's own begins with `X-`, and has a name of at most 255 bytes; all of them
    /// fit into the 8 KiB that a peer accepts in a handshake.
    #[error("metadata have names that begin with X-, of at most 255 bytes, and fit into 7 KiB: {name:?}")]
    Metadata {
        /// The name of the property that is wrong or too much.
        name: String,
    },
    /// The system that this runs on has no such option.
    #[error("option {option} is not available on this system")]
    Unsupported {
        /// The option's name.
        option: &'static str,
    },
    /// The SOCKS proxy is not given as `host:port`.
    #[error("the SOCKS proxy is not host:port: {0}")]
    SocksProxy(#[source] EndpointError),
    /// An identity has 1 to 255 bytes.
    #[error("an identity has at most 255 bytes, not {len}")]
    IdentityTooLong {
        /// The bytes it has.
        len: usize,
    },
    /// The option is one of other socket types, and would be without effect.
    #[error("a {socket_type} has no option {option}")]
    NotOfType {
        /// The option's name.
        option: &'static str,
        /// The type of the socket, as on the wire, or `Client` or `Server`.
        socket_type: &'static str,
    },
    /// With `invert_matching` a refused subscription would have the peer get all the more.
    #[error("a subscription filter and invert_matching do not go together")]
    InvertedFilter,
    /// The authenticator's futures stay on their thread, and the socket's companion task may move between threads
    /// (`with_local_authenticator`).
    #[error("a local authenticator needs a runtime whose sockets stay on their thread")]
    LocalAuthenticator,
    /// Identities that begin with a zero byte are made by ROUTER sockets for peers that bring none.
    #[error("an identity must not begin with a zero byte")]
    IdentityReserved,
}

fn spelled(no_limit: Option<&'static str>) -> String {
    no_limit.map(|spelling| format!(": no limit is {spelling}")).unwrap_or_default()
}

impl SocketOptions {
    /// Checks what can be checked before a socket is opened.
    pub(crate) fn validate(&self) -> Result<(), OptionError> {
        self.check_zeros()?;
        self.check_ranges()?;
        self.check_metadata()?;
        self.check_own_messages()?;
        if self.types.invert_matching && self.types.subscription_filter.is_some() {
            return Err(OptionError::InvertedFilter);
        }
        #[cfg(feature = "plain")]
        self.security.validate()?;
        match self.identity.len() {
            0 => Ok(()),
            1..=255 if self.identity.first() == Some(&0) => Err(OptionError::IdentityReserved),
            1..=255 => Ok(()),
            len => Err(OptionError::IdentityTooLong { len }),
        }
    }

    fn check_zeros(&self) -> Result<(), OptionError> {
        let is_zero = |duration: Option<Duration>| duration.is_some_and(|duration| duration.is_zero());
        let options = [
            ("send_hwm", self.send_hwm == 0, Some("with_unlimited_send_hwm()")),
            ("recv_hwm", self.recv_hwm == 0, Some("with_unlimited_recv_hwm()")),
            ("send_hwm_bytes", self.send_hwm_bytes == 0, Some("with_unlimited_send_hwm_bytes()")),
            ("recv_hwm_bytes", self.recv_hwm_bytes == 0, Some("with_unlimited_recv_hwm_bytes()")),
            ("max_message_size", self.max_message_size == 0, None),
            ("max_frames", self.max_frames == 0, None),
            ("max_handshakes", self.max_handshakes == 0, None),
            ("max_connections", self.max_connections == 0, None),
            ("max_connections_per_address", self.max_connections_per_address == 0, None),
            ("connect_timeout", self.connect_timeout.is_zero(), None),
            ("handshake_timeout", self.handshake_timeout.is_zero(), None),
            ("frame_timeout", is_zero(self.frame_timeout), Some("with_frame_timeout(None)")),
            ("heartbeat_interval", is_zero(self.heartbeat_interval), Some("with_heartbeat_interval(None)")),
            ("heartbeat_timeout", self.heartbeat_timeout.is_zero(), None),
            ("heartbeat_ttl", is_zero(self.heartbeat_ttl), Some("with_heartbeat_ttl(None)")),
            ("recv_timeout", is_zero(self.recv_timeout), Some("with_recv_timeout(None)")),
            ("send_timeout", is_zero(self.send_timeout), Some("with_send_timeout(None)")),
            ("while_disconnected", self.while_disconnected.is_never(), None),
            ("max_attempts", self.max_attempts == Some(0), Some("with_max_attempts(None)")),
            ("max_subscriptions", self.types.max_subscriptions == 0, None),
            ("max_subscription_bytes", self.types.max_subscription_bytes == 0, None),
            ("backlog", self.transport.backlog == 0, None),
        ];
        let zero = options.into_iter().find(|(_, is_zero, _)| *is_zero);
        zero.map_or(Ok(()), |(option, _, no_limit)| Err(OptionError::Zero { option, no_limit }))
    }

    fn check_metadata(&self) -> Result<(), OptionError> {
        /// What is left of the 8 KiB for the rest of the handshake is plenty.
        const MOST: usize = 7 * 1024;
        let mut total = 0;
        for (name, value) in self.metadata() {
            total += name.len() + value.len() + 5;
            if !name.starts_with("X-") || name.len() > 255 || total > MOST {
                return Err(OptionError::Metadata { name: name.clone() });
            }
        }
        Ok(())
    }

    /// What is sent to every peer must not be what a peer with the same options would hang up on.
    fn check_own_messages(&self) -> Result<(), OptionError> {
        let messages = [
            ("hello_message", &self.types.hello_message),
            ("xpub_welcome_message", &self.types.xpub_welcome_message),
        ];
        let fits = |message: &Message| {
            message.size() <= self.max_message_size && (1..=self.max_frames).contains(&message.len())
        };
        let refused =
            messages.into_iter().find(|(_, message)| message.as_ref().is_some_and(|one| !fits(one)));
        let allowed = "within max_message_size and max_frames, and not without frames";
        refused.map_or(Ok(()), |(option, _)| Err(OptionError::OutOfRange { option, allowed }))
    }

    fn check_ranges(&self) -> Result<(), OptionError> {
        // A PING says it in tenths of a second, in 16 bits.
        let longest_ttl = Duration::from_millis(6_553_500);
        within("heartbeat_ttl", self.heartbeat_ttl, Duration::ZERO..=longest_ttl, "at most 6553.5 s")?;
        // A task that never sleeps is not what anybody wants.
        let spin = Duration::ZERO..=Duration::from_millis(1);
        within("recv_spin", Some(self.recv_spin), spin, "at most 1 ms")?;
        // The system takes a C int.
        let buffer = 1..=i32::MAX as usize;
        within("send_buffer", self.transport.send_buffer, buffer.clone(), "1 byte to 2 GiB")?;
        within("recv_buffer", self.transport.recv_buffer, buffer, "1 byte to 2 GiB")?;
        self.transport.tcp.validate()?;
        self.transport.socks.validate()?;
        self.transport.keepalive.as_ref().map_or(Ok(()), Keepalive::validate)
    }
}

impl Keepalive {
    /// Linux's limits: beyond them every connection would fail.
    fn validate(&self) -> Result<(), OptionError> {
        let seconds = Duration::from_secs(1)..=Duration::from_secs(32_767);
        within("tcp_keepalive idle", self.idle, seconds.clone(), "1 s to 32767 s")?;
        within("tcp_keepalive interval", self.interval, seconds, "1 s to 32767 s")?;
        within("tcp_keepalive retries", self.retries, 1..=127, "1 to 127")
    }
}

/// Refuses an option that is set where there is none.
pub(super) fn supported(option: &'static str, is_set: bool, exists: bool) -> Result<(), OptionError> {
    if is_set && !exists { Err(OptionError::Unsupported { option }) } else { Ok(()) }
}

pub(super) fn within<T: PartialOrd>(
    option: &'static str,
    value: Option<T>,
    range: RangeInclusive<T>,
    allowed: &'static str,
) -> Result<(), OptionError> {
    match value {
        Some(value) if !range.contains(&value) => Err(OptionError::OutOfRange { option, allowed }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resilience::WhileDisconnected;

    #[test]
    fn zeros_are_refused_by_name() {
        let zero = Duration::ZERO;
        let default = SocketOptions::default;
        let up_to = |messages, bytes, max_age| WhileDisconnected::QueueUpTo { messages, bytes, max_age };
        assert_eq!(default().validate(), Ok(()));
        for (option, options) in [
            ("send_hwm", default().with_send_hwm(0)),
            ("recv_hwm", default().with_recv_hwm(0)),
            ("send_hwm_bytes", default().with_send_hwm_bytes(0)),
            ("recv_hwm_bytes", default().with_recv_hwm_bytes(0)),
            ("max_message_size", default().with_max_message_size(0)),
            ("max_frames", default().with_max_frames(0)),
            ("max_handshakes", default().with_max_handshakes(0)),
            ("max_connections", default().with_max_connections(0)),
            ("connect_timeout", default().with_connect_timeout(zero)),
            ("handshake_timeout", default().with_handshake_timeout(zero)),
            ("frame_timeout", default().with_frame_timeout(Some(zero))),
            ("heartbeat_interval", default().with_heartbeat_interval(Some(zero))),
            ("heartbeat_timeout", default().with_heartbeat_timeout(zero)),
            ("heartbeat_ttl", default().with_heartbeat_ttl(Some(zero))),
            ("recv_timeout", default().with_recv_timeout(Some(zero))),
            ("send_timeout", default().with_send_timeout(Some(zero))),
            ("while_disconnected", default().with_while_disconnected(up_to(0, 1, None))),
            ("while_disconnected", default().with_while_disconnected(up_to(1, 0, None))),
            ("while_disconnected", default().with_while_disconnected(up_to(1, 1, Some(zero)))),
            ("max_attempts", default().with_max_attempts(Some(0))),
            ("max_subscriptions", default().with_max_subscriptions(0)),
            ("max_subscription_bytes", default().with_max_subscription_bytes(0)),
            ("backlog", default().with_backlog(0)),
        ] {
            let error = options.validate().unwrap_err();
            assert!(matches!(error, OptionError::Zero { option: named, .. } if named == option), "{error}");
        }
        assert_eq!(default().with_linger(zero).validate(), Ok(()), "a linger of zero means something");
    }

    #[test]
    fn no_limit_has_a_spelling() {
        let message = |options: SocketOptions| options.validate().unwrap_err().to_string();
        assert_eq!(
            message(SocketOptions::default().with_send_hwm(0)),
            "option send_hwm must not be 0: no limit is with_unlimited_send_hwm()"
        );
        assert_eq!(message(SocketOptions::default().with_backlog(0)), "option backlog must not be 0");
        let unlimited = SocketOptions::default()
            .with_unlimited_send_hwm()
            .with_unlimited_recv_hwm()
            .with_unlimited_send_hwm_bytes()
            .with_unlimited_recv_hwm_bytes()
            .with_frame_timeout(None)
            .with_heartbeat_interval(None)
            .with_unlimited_linger();
        assert_eq!(unlimited.validate(), Ok(()));
        assert_eq!((unlimited.send_hwm(), unlimited.recv_hwm_bytes()), (None, None));
    }

    #[test]
    fn what_the_wire_or_the_system_cannot_say_is_refused() {
        let ttl = |millis| SocketOptions::default().with_heartbeat_ttl(Some(Duration::from_millis(millis)));
        let keepalive = |keepalive| SocketOptions::default().with_tcp_keepalive(keepalive);
        let seconds = Duration::from_secs;
        let largest = i32::MAX as usize;
        let default = SocketOptions::default;
        for options in [
            ttl(1),
            ttl(6_553_500),
            default().with_send_buffer(largest).with_recv_buffer(largest),
            default().with_recv_spin(Duration::from_millis(1)),
            keepalive(Keepalive::new()),
            keepalive(Keepalive::system()),
            keepalive(Keepalive::off()),
            keepalive(
                Keepalive::new().with_idle(seconds(1)).with_interval(seconds(32_767)).with_retries(127),
            ),
        ] {
            assert_eq!(options.validate(), Ok(()), "{options:?}");
        }
        for (option, options) in [
            ("heartbeat_ttl", ttl(6_553_501)),
            ("recv_spin", default().with_recv_spin(Duration::from_micros(1001))),
            ("send_buffer", default().with_send_buffer(largest + 1)),
            ("recv_buffer", default().with_recv_buffer(0)),
            ("tcp_keepalive idle", keepalive(Keepalive::new().with_idle(Duration::from_millis(999)))),
            ("tcp_keepalive interval", keepalive(Keepalive::new().with_interval(seconds(32_768)))),
            ("tcp_keepalive retries", keepalive(Keepalive::new().with_retries(0))),
        ] {
            let error = options.validate().unwrap_err();
            assert!(
                matches!(error, OptionError::OutOfRange { option: named, .. } if named == option),
                "{error}"
            );
        }
    }

    #[test]
    fn metadata_are_named_and_small() {
        let with = |name: &str, len: usize| {
            SocketOptions::default().with_metadata(name, vec![0; len]).validate().is_ok()
        };
        assert!(with("X-", 0) && with("X-name", 1000) && with(&format!("X-{}", "a".repeat(253)), 1));
        assert!(!with("name", 1) && !with("", 1) && !with(&format!("X-{}", "a".repeat(254)), 1));
        assert!(!with("X-name", 8192));
    }

    #[test]
    fn what_the_system_does_not_have_is_refused() {
        assert_eq!(supported("tos", true, false), Err(OptionError::Unsupported { option: "tos" }));
        assert_eq!(supported("tos", false, false), Ok(()));
        assert_eq!(supported("tos", true, true), Ok(()));
    }

    #[test]
    fn identities_have_1_to_255_bytes() {
        let with = |identity: Vec<u8>| SocketOptions::default().with_identity(identity).validate();
        assert_eq!(with(vec![1; 255]), Ok(()));
        assert_eq!(with(vec![1; 256]), Err(OptionError::IdentityTooLong { len: 256 }));
        assert_eq!(with(vec![0, 1]), Err(OptionError::IdentityReserved));
    }
}
