//! [`ReconnectStop`]: failures after which an endpoint is given up.

use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};

/// Which failures end the attempts to connect to an endpoint for good; none by default (RECONNECT_STOP).
///
/// The socket then behaves as after the last of `max_attempts`: there is an event, and calls that have
/// nobody else to wait for fail with [`Error::GaveUp`]. libzmq's third flag, AFTER_DISCONNECT, is always on
/// here: `disconnect` ends the attempts.
///
/// ```
/// use monocoque::SocketOptions;
/// use monocoque::options::ReconnectStop;
///
/// let stop = ReconnectStop::new().on_connection_refused().on_handshake_failure();
/// let options = SocketOptions::default().with_reconnect_stop(stop);
/// assert_eq!(options.reconnect_stop(), stop);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ReconnectStop {
    refused: bool,
    handshake: bool,
}

impl ReconnectStop {
    /// Stops after none of them.
    ///
    /// [`with_reconnect_stop`](crate::SocketOptions::with_reconnect_stop) shows one at work.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops when nobody listens: a refused connection, or a missing file on `ipc://`
    /// (ZMQ_RECONNECT_STOP_CONN_REFUSED).
    ///
    /// [`with_reconnect_stop`](crate::SocketOptions::with_reconnect_stop) shows it at work.
    #[must_use]
    pub fn on_connection_refused(mut self) -> Self {
        self.refused = true;
        self
    }

    /// Stops when the ZMTP handshake fails in whatever way: refused, broken off, or not done within
    /// `handshake_timeout` (ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED).
    #[doc = example!(r#"# use std::time::Duration;
let stop = ReconnectStop::new().on_handshake_failure();
let limit = Duration::from_millis(5);
let options = SocketOptions::default().with_reconnect_stop(stop).with_handshake_timeout(limit);
let pull = PullSocket::new(options)?;
// Somebody who accepts, and says nothing.
let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
pull.connect_to(silent.local_addr()?)?;
assert!(matches!(pull.recv().await, Err(Error::GaveUp { .. })));"#)]
    #[must_use]
    pub fn on_handshake_failure(mut self) -> Self {
        self.handshake = true;
        self
    }

    /// Whether an attempt was the last one that failed before there was a connection.
    pub(crate) fn after_connecting(self, endpoint: &Endpoint, cause: &Error) -> bool {
        let missing = matches!(endpoint, Endpoint::Ipc(_)) && cause.kind() == ErrorKind::NotFound;
        self.refused && (missing || cause.kind() == ErrorKind::ConnectionRefused)
    }

    /// Whether an attempt was the last one that failed in the handshake.
    pub(crate) fn after_handshake(self) -> bool {
        self.handshake
    }
}
