//! Options of TCP connections that the network and the kernel's scheduling see.

use std::time::Duration;

use super::SocketOptions;
use super::error::{OptionError, supported, within};

/// The options of this file, as [`TransportOptions`](super::TransportOptions) has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct TcpOptions {
    pub(crate) tos: Option<u8>,
    pub(crate) device: Option<String>,
    pub(crate) max_retransmission: Option<Duration>,
    pub(crate) priority: Option<u32>,
    pub(crate) busy_poll: Option<Duration>,
}

/// TCP: what the network sees, and how the kernel schedules.
///
/// ```
/// use monocoque::SocketOptions;
/// use std::time::Duration;
///
/// let options = SocketOptions::default()
///     // Expedited forwarding (DSCP 46).
///     .with_tos(0xB8)
///     .with_priority(6)
///     .with_bind_to_device("eth0")
///     .with_tcp_max_retransmission(Duration::from_secs(60))
///     .with_busy_poll(Duration::from_micros(50));
/// assert_eq!((options.tos(), options.bind_to_device()), (Some(0xB8), Some("eth0")));
/// ```
impl SocketOptions {
    /// The type of service that IPv4 packets carry and the traffic class of IPv6 ones, with the DSCP in its
    /// upper six bits; a multiple of 4, since the lower two bits are the network's (RFC 3168); default the
    /// system's (TOS). Linux, Android, macOS and FreeBSD.
    #[doc = example!(r#"// Expedited forwarding (DSCP 46), in the upper six bits.
let options = SocketOptions::default().with_tos(46 << 2);
assert_eq!(options.tos(), Some(0xB8));
// The lower two are the network's.
assert!(PushSocket::new(SocketOptions::default().with_tos(46)).is_err());"#)]
    #[must_use]
    pub fn with_tos(mut self, tos: u8) -> Self {
        self.transport.tcp.tos = Some(tos);
        self
    }

    /// The network interface, such as `eth0`, that connections are made and accepted through, whatever the
    /// routes say; default any (BINDTODEVICE). Linux and Android. A name of 1 to 15 bytes; an interface that
    /// is not there makes connecting and binding fail.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// // Reachable by the management network, whatever its address is.
    /// let options = SocketOptions::default().with_bind_to_device("eth1");
    /// assert_eq!(options.bind_to_device(), Some("eth1"));
    /// ```
    #[must_use]
    pub fn with_bind_to_device(mut self, interface: impl Into<String>) -> Self {
        self.transport.tcp.device = Some(interface.into());
        self
    }

    /// How long data may stay unacknowledged before the connection is dead: 1 ms to 24 days, in whole
    /// milliseconds; default the system's, a quarter of an hour or so (TCP_MAXRT). Linux and Android
    /// (TCP_USER_TIMEOUT).
    ///
    /// Linux counts a closed window as well: a peer that lives and does not read for so long is cut off, with
    /// what it has not read. It then also decides in place of
    /// [`Keepalive::with_retries`](super::Keepalive::with_retries) when an idle connection is dead.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use monocoque::options::Keepalive;
    /// use std::time::Duration;
    ///
    /// // A cable that is cut shows within 20 s, while something is sent and while nothing is.
    /// let limit = Duration::from_secs(20);
    /// let probes = Keepalive::new().with_idle(limit / 2);
    /// let options = SocketOptions::default().with_tcp_max_retransmission(limit).with_tcp_keepalive(probes);
    /// assert_eq!(options.tcp_max_retransmission(), Some(limit));
    /// ```
    #[must_use]
    pub fn with_tcp_max_retransmission(mut self, limit: Duration) -> Self {
        self.transport.tcp.max_retransmission = Some(limit);
        self
    }

    /// The priority of packets in the queues of this machine; default the system's, which follows
    /// [`with_tos`](Self::with_tos) (PRIORITY). Linux and Android; above 6 it takes the right to administer
    /// the network.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    ///
    /// // Above what there is to send besides, and without asking for rights.
    /// let options = SocketOptions::default().with_priority(6);
    /// assert_eq!(options.priority(), Some(6));
    /// ```
    #[must_use]
    pub fn with_priority(mut self, priority: u32) -> Self {
        self.transport.tcp.priority = Some(priority);
        self
    }

    /// How long the kernel polls the network card for data that is not there, instead of waiting for its
    /// interrupt: 1 µs to 35 minutes, in whole microseconds; default the system's, mostly none (BUSY_POLL).
    /// Linux; more than the system's takes the right to administer the network.
    ///
    /// ```
    /// use monocoque::SocketOptions;
    /// use std::time::Duration;
    ///
    /// // The kernel looks for what comes, and after it the caller.
    /// let time = Duration::from_micros(50);
    /// let options = SocketOptions::default().with_busy_poll(time).with_recv_spin(time);
    /// assert_eq!(options.busy_poll(), Some(time));
    /// ```
    #[must_use]
    pub fn with_busy_poll(mut self, time: Duration) -> Self {
        self.transport.tcp.busy_poll = Some(time);
        self
    }
}

impl TcpOptions {
    pub(super) fn validate(&self) -> Result<(), OptionError> {
        let linux = cfg!(any(target_os = "linux", target_os = "android"));
        let service = linux || cfg!(any(target_os = "macos", target_os = "freebsd"));
        supported("tos", self.tos.is_some(), service)?;
        supported("bind_to_device", self.device.is_some(), linux)?;
        supported("tcp_max_retransmission", self.max_retransmission.is_some(), linux)?;
        supported("priority", self.priority.is_some(), linux)?;
        supported("busy_poll", self.busy_poll.is_some(), cfg!(target_os = "linux"))?;

        let congestion = self.tos.map(|tos| tos & 0b11);
        within("tos", congestion, 0..=0, "a multiple of 4: the lower two bits are the network's")?;
        let device = self.device.as_deref();
        let len = device.map(|name| if name.contains(['\0', '/']) { 0 } else { name.len() });
        within("bind_to_device", len, 1..=15, "the name of an interface, of 1 to 15 bytes")?;
        // The system takes C ints.
        let largest = i32::MAX as u64;
        let limit = Duration::from_millis(1)..=Duration::from_millis(largest);
        within("tcp_max_retransmission", self.max_retransmission, limit, "1 ms to 24 days")?;
        within("priority", self.priority, 0..=i32::MAX as u32, "at most 2147483647")?;
        let limit = Duration::from_micros(1)..=Duration::from_micros(largest);
        within("busy_poll", self.busy_poll, limit, "1 µs to 35 minutes")
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn values_that_the_system_takes_are_accepted() {
        for options in [
            SocketOptions::default().with_tos(0),
            SocketOptions::default().with_tos(0xFC).with_bind_to_device("lo").with_priority(0),
            SocketOptions::default().with_bind_to_device("x".repeat(15)).with_priority(i32::MAX as u32),
            SocketOptions::default().with_tcp_max_retransmission(Duration::from_millis(1)),
            SocketOptions::default().with_busy_poll(Duration::from_micros(1)),
        ] {
            assert_eq!(options.validate(), Ok(()), "{options:?}");
        }
        let options = SocketOptions::default()
            .with_tos(0x28)
            .with_bind_to_device("eth0")
            .with_tcp_max_retransmission(Duration::from_secs(7))
            .with_priority(3)
            .with_busy_poll(Duration::from_micros(50));
        assert_eq!((options.tos(), options.bind_to_device()), (Some(0x28), Some("eth0")));
        assert_eq!(options.tcp_max_retransmission(), Some(Duration::from_secs(7)));
        assert_eq!((options.priority(), options.busy_poll()), (Some(3), Some(Duration::from_micros(50))));
    }

    #[test]
    fn values_that_it_does_not_take_are_refused() {
        let default = SocketOptions::default;
        for (option, options) in [
            ("tos", default().with_tos(1)),
            ("tos", default().with_tos(0xFE)),
            ("bind_to_device", default().with_bind_to_device("")),
            ("bind_to_device", default().with_bind_to_device("x".repeat(16))),
            ("bind_to_device", default().with_bind_to_device("a/b")),
            ("bind_to_device", default().with_bind_to_device("a\0")),
            ("tcp_max_retransmission", default().with_tcp_max_retransmission(Duration::from_micros(999))),
            ("tcp_max_retransmission", default().with_tcp_max_retransmission(Duration::MAX)),
            ("priority", default().with_priority(u32::MAX)),
            ("busy_poll", default().with_busy_poll(Duration::from_nanos(999))),
            ("busy_poll", default().with_busy_poll(Duration::MAX)),
        ] {
            let error = options.validate().unwrap_err();
            assert!(
                matches!(error, OptionError::OutOfRange { option: named, .. } if named == option),
                "{error}"
            );
        }
    }
}
