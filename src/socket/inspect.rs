//! Looking at a socket: connections, queues, events.

use std::sync::Arc;
use std::task::Poll;

use super::Socket;
use crate::endpoint::Endpoint;
use crate::engine::Waiter;
use crate::error::Result;
use crate::monitor::{Monitor, PeerId, PeerStats, SocketStats};
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

impl<T, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Whether at least one peer has completed the handshake and is connected.
    #[must_use]
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
assert!(push.is_connected());
pull.close().await;"#)]
    pub fn is_connected(&self) -> bool {
        self.shared.with(|core| core.base.peers.live().next().is_some())
    }

    /// Whether a cancelled write has closed a connection and no send-side call has reported it yet; only
    /// with `OnCancel::Poison`.
    #[must_use]
    #[doc = example!(r#"let options = SocketOptions::default().with_on_cancel(OnCancel::Poison);
let push = PushSocket::new(options)?;
assert!(!push.is_poisoned());"#)]
    pub fn is_poisoned(&self) -> bool {
        self.shared.with(|core| core.outbound.poisoned)
    }

    /// Messages that were accepted and are not yet with the kernel.
    #[must_use]
    #[doc = example!(r#"let push = PushSocket::connect_with_reconnect("tcp://127.0.0.1:1").await?;
push.send("nobody is there").await?;
assert_eq!(push.buffered_messages(), 1);"#)]
    pub fn buffered_messages(&self) -> usize {
        self.shared.with(|core| core.outbound.queued(&core.base).0)
    }

    /// What those messages cost, in bytes: their payload and [`Frame::COST`](crate::Frame::COST) for each frame.
    #[must_use]
    #[doc = example!(r#"let push = PushSocket::connect_with_reconnect("tcp://127.0.0.1:1").await?;
push.send("12345").await?;
assert_eq!(push.buffered_bytes(), 5 + Frame::COST);"#)]
    pub fn buffered_bytes(&self) -> usize {
        self.shared.with(|core| core.outbound.queued(&core.base).1)
    }

    /// The peers that have completed the handshake.
    #[must_use]
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
pull.wait_for_peers(1).await?;
assert_eq!(pull.peers().len(), 1);
# drop(push);"#)]
    pub fn peers(&self) -> Vec<PeerId> {
        self.shared.with(|core| core.base.peers.live().map(|peer| peer.id).collect())
    }

    /// Who is at the other end of a connection, and what it has done: socket type, identity, address and
    /// all metadata; `None` once it has ended.
    #[must_use]
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
pull.wait_for_peers(1).await?;
let peer = pull.peer(pull.peers()[0]).expect("it is still there");
assert_eq!(peer.socket_type.as_str(), "PUSH");
# drop(push);"#)]
    pub fn peer(&self, peer: PeerId) -> Option<PeerStats> {
        self.shared.with(|core| core.peer_stats(peer))
    }

    /// What the socket and each of its connections have done so far.
    #[must_use]
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.send("job").await?;
pull.recv().await?;
let stats = pull.stats();
assert_eq!((stats.received, stats.delivered, stats.peers[0].received), (1, 1, 1));"#)]
    pub fn stats(&self) -> SocketStats {
        self.shared.with(|core| core.stats())
    }

    /// What the socket has done so far, without its connections and endpoints: as [`stats`](Self::stats), but
    /// without an allocation for each of them.
    #[must_use]
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.send("job").await?;
pull.recv().await?;
assert_eq!(pull.totals().delivered, 1);"#)]
    pub fn totals(&self) -> SocketStats {
        self.shared.with(|core| core.totals())
    }

    /// What the socket is called (option [`name`](crate::SocketOptions::with_name)).
    #[must_use]
    #[doc = example!(r#"let orders = PullSocket::new(SocketOptions::default().with_name("orders"))?;
assert_eq!(orders.name().as_deref(), Some("orders"));"#)]
    pub fn name(&self) -> Option<Arc<str>> {
        self.shared.with(|core| core.base.options.name.clone())
    }

    /// A stream of the socket's events from now on (`zmq_socket_monitor`).
    #[must_use]
    #[doc = example!(r#"let pull = PullSocket::new(SocketOptions::default())?;
let mut monitor = pull.monitor();
pull.bind_to("tcp://127.0.0.1:0").await?;
assert!(matches!(monitor.next().await, Some(SocketEvent::Listening { .. })));"#)]
    pub fn monitor(&self) -> Monitor {
        self.shared.with(|core| core.base.monitor.subscribe())
    }

    /// The figures up to now, and a stream of the events from now on: nothing is missing between the two, and
    /// nothing is in both.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use monocoque::tokio::prelude::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> monocoque::Result<()> {
    /// let publisher = PubSocket::bind("tcp://127.0.0.1:0").await?;
    /// let (stats, mut monitor) = publisher.monitor_with_snapshot();
    /// let mut peers = stats.peers.len();
    /// while let Some(event) = monitor.try_next() {
    ///     match event {
    ///         SocketEvent::HandshakeSucceeded { .. } => peers += 1,
    ///         SocketEvent::Disconnected { .. } => peers -= 1,
    ///         _ => {}
    ///     }
    /// }
    /// assert_eq!(peers, 0);
    /// # Ok(())
    /// # }
    /// # main().unwrap();
    /// # }
    /// ```
    #[must_use]
    pub fn monitor_with_snapshot(&self) -> (SocketStats, Monitor) {
        self.shared.with(|core| {
            // Settling the accounts is what the figures are of, and no event after them.
            let stats = core.stats();
            (stats, core.base.monitor.subscribe())
        })
    }

    /// The endpoint of the last bind, with the port that the system chose (libzmq's LAST_ENDPOINT).
    #[must_use]
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let endpoint = pull.local_endpoint().expect("it is bound");
assert_ne!(endpoint.port(), Some(0), "the system has chosen one");"#)]
    pub fn local_endpoint(&self) -> Option<Endpoint> {
        self.shared.with(|core| core.endpoints.last_bound().cloned())
    }

    /// Waits until at least `count` peers are connected.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed) and the errors after which no connection will come.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
pull.wait_for_peers(1).await?;
assert!(pull.is_connected());
# drop(push);"#)]
    pub async fn wait_for_peers(&self, count: usize) -> Result<()> {
        Waiter::new(&self.shared)
            .until(|core| {
                if core.base.peers.live().count() >= count {
                    return Poll::Ready(Ok(()));
                }
                match core
                    .base
                    .life
                    .closed_error()
                    .or_else(|| core.endpoints.no_connection_will_come(&core.base))
                {
                    Some(error) => Poll::Ready(Err(error)),
                    None => Poll::Pending,
                }
            })
            .await
    }
}
