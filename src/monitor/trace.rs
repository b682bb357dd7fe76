//! Events of a socket as events of `tracing`.

use std::collections::HashMap;

use tracing::field::{Empty, display};
use tracing::{Level, Span};

use super::event::{PeerId, SocketEvent};
use super::facts::{Facts, Weight};
use super::hub::{Monitor, Source};

/// What filters know the events by.
const TARGET: &str = "monocoque";

impl Monitor {
    /// Passes all events on to `tracing`, until the socket is closed: spawn it beside the socket.
    ///
    /// The target is `monocoque`. Failures, drops and refusals are of level WARN; listeners, handshakes and ends
    /// in order INFO; attempts and retries DEBUG. The message is that of the event's `Display`; the fields are
    /// `kind`, `socket.name` (option [`name`](crate::SocketOptions::with_name)), `socket.type`, `peer`, `endpoint`,
    /// `address`, `cause`, `count` and `delay` in seconds, where the event has them. What concerns a connection is
    /// in a span `connection`, which lasts as long as it does. Payloads and secrets are never among them.
    ///
    /// It costs the socket what a monitor costs, nothing for each message; what a slow subscriber holds up is
    /// merged or missed as of any [`Monitor`].
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use monocoque::tokio::prelude::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> monocoque::Result<()> {
    /// let options = SocketOptions::default().with_name("orders");
    /// let orders = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await?;
    /// let tracing = tokio::spawn(orders.monitor().trace());
    /// orders.close().await;
    /// tracing.await.expect("it ends with the socket");
    /// # Ok(())
    /// # }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Dropped, it passes no further event on; those that it had taken are with `tracing`.
    #[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
    pub async fn trace(mut self) {
        let mut connections = Connections::default();
        while let Some(event) = self.next().await {
            connections.pass_on(self.source(), &event);
        }
    }
}

/// The span of each connection.
#[derive(Default)]
struct Connections {
    spans: HashMap<PeerId, Span>,
}

impl Connections {
    fn pass_on(&mut self, source: &Source, event: &SocketEvent) {
        let facts = event.facts();
        let span = facts.peer.and_then(|peer| match event {
            SocketEvent::HandshakeFailed { .. } | SocketEvent::Disconnected { .. } => {
                self.spans.remove(&peer)
            }
            // They may come after the end of the connection.
            SocketEvent::MessagesDropped { .. } | SocketEvent::ReceivedDropped { .. } => {
                self.spans.get(&peer).cloned()
            }
            _ => Some(self.spans.entry(peer).or_insert_with(|| connection(source, &facts)).clone()),
        });
        let span = span.unwrap_or_else(Span::none);
        if let SocketEvent::HandshakeSucceeded { socket_type, identity, .. } = event {
            span.record("peer.type", socket_type.as_str());
            span.record("peer.identity", display(identity.escape_ascii()));
        }
        emit(source, event, &facts, &span);
    }
}

fn connection(source: &Source, facts: &Facts<'_>) -> Span {
    tracing::info_span!(
        target: TARGET,
        parent: None,
        "connection",
        socket.name = source.name.as_deref(),
        socket.r#type = source.socket_type.as_str(),
        peer = facts.peer.map(display),
        endpoint = facts.endpoint.map(display),
        address = facts.address.map(display),
        peer.r#type = Empty,
        peer.identity = Empty,
    )
}

fn emit(source: &Source, event: &SocketEvent, facts: &Facts<'_>, span: &Span) {
    macro_rules! at {
        ($level:expr) => {
            tracing::event!(
                target: TARGET,
                parent: span,
                $level,
                kind = facts.kind,
                socket.name = source.name.as_deref(),
                socket.r#type = source.socket_type.as_str(),
                peer = facts.peer.map(display),
                endpoint = facts.endpoint.map(display),
                address = facts.address.map(display),
                cause = facts.cause.map(display),
                count = facts.count,
                delay = facts.delay.map(|delay| delay.as_secs_f64()),
                "{event}"
            )
        };
    }
    match facts.weight {
        Weight::Warning => at!(Level::WARN),
        Weight::Information => at!(Level::INFO),
        Weight::Detail => at!(Level::DEBUG),
    }
}
