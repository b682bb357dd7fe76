//! Figures of sockets for the `metrics` facade.

use std::sync::{Arc, Weak};
use std::time::Duration;

use metrics::{Label, counter, gauge};

use super::Socket;
use crate::engine::Shared;
use crate::monitor::{SocketStats, WaitTimes};
use crate::protocol::SocketType;
use crate::resilience::{BytePermits, SemaphorePermits};
use crate::runtime::{AsyncStream, Sleeper};

/// Hands the figures of sockets to the recorder of the `metrics` facade, whenever it is asked to.
///
/// Call [`collect`](Self::collect) when an exporter is about to be scraped, or spawn [`every`](Self::every).
/// Between those the sockets know nothing of it: what it costs does not depend on how many messages there are.
/// It does not keep sockets open, and forgets those that are gone.
///
/// Each figure has the labels `socket` (option [`name`](crate::SocketOptions::with_name), or empty) and `type`.
/// Figures of several sockets with the same labels are added up by whoever reads them only if names differ, so
/// give names to the sockets that you watch. Counters:
///
/// | name | of |
/// |---|---|
/// | `messaging.client.sent.messages` | messages whose last byte is with the kernel |
/// | `messaging.client.consumed.messages` | messages that `recv` and its kin returned |
/// | `zeromq.sent.bytes`, `zeromq.received.bytes` | payload |
/// | `zeromq.accepted.messages`, `zeromq.received.messages` | taken by `send` and its kin; arrived |
/// | `zeromq.dropped.messages`, `zeromq.received.dropped.messages` | by the label `cause` |
/// | `zeromq.incomplete.messages` | begun to arrive when their connection ended |
/// | `zeromq.connects`, `zeromq.reconnects` | handshakes that succeeded, and those that restored a connection |
/// | `zeromq.subscriptions.refused` | subscriptions that a filter refused |
/// | `zeromq.handshakes.failed`, `zeromq.disconnects` | by the label `cause` |
///
/// With the option `wait_times` also the histograms `zeromq.send.wait.seconds` and `zeromq.recv.wait.seconds`, as
/// Prometheus writes them: counters `.bucket` by the label `le`, `.count`, and `.sum`, which is a gauge.
///
/// Gauges: `zeromq.queued.messages`, `zeromq.queued.bytes`, `zeromq.received.queued.messages`,
/// `zeromq.received.queued.bytes`, `zeromq.in_doubt.messages`, `zeromq.connections`, and of the permits that are
/// watched `zeromq.permits.bytes`, `zeromq.permits.budget.bytes` and `zeromq.permits.waiters`. The first two names
/// are those of OpenTelemetry's messaging conventions.
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use monocoque::socket::Collector;
/// use monocoque::tokio::prelude::*;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> monocoque::Result<()> {
/// let options = SocketOptions::default().with_name("orders");
/// let orders = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await?;
/// let mut collector = Collector::new();
/// collector.watch(&orders);
/// collector.collect();
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
pub struct Collector<S: AsyncStream> {
    sockets: Vec<Watched<S>>,
    permits: Vec<(Vec<Label>, SemaphorePermits)>,
}

struct Watched<S: AsyncStream> {
    shared: Weak<Shared<S>>,
    labels: Vec<Label>,
}

impl<S: AsyncStream> Collector<S> {
    /// One that watches nothing yet.
    ///
    /// [`Collector`] shows one at work.
    #[must_use]
    pub const fn new() -> Self {
        Self { sockets: Vec::new(), permits: Vec::new() }
    }

    /// Has the figures of a socket collected from now on.
    ///
    /// See [`every`](Self::every).
    pub fn watch<T, P: BytePermits>(&mut self, socket: &Socket<T, S, P>) {
        let (name, socket_type) =
            socket.shared.with(|core| (core.base.options.name.clone(), core.base.config.socket_type));
        let labels = labels(name, socket_type);
        self.sockets.push(Watched { shared: Arc::downgrade(&socket.shared), labels });
    }

    /// Has the use of a budget collected from now on, with the label `permits`.
    ///
    /// See [`every`](Self::every).
    pub fn watch_permits(&mut self, name: impl Into<String>, permits: &SemaphorePermits) {
        self.permits.push((vec![Label::new("permits", name.into())], permits.clone()));
    }

    /// Hands all figures to the recorder that is installed, if there is one.
    ///
    /// [`Collector`] shows one at work; [`every`](Self::every) does it again and again.
    pub fn collect(&mut self) {
        self.sockets.retain(|watched| {
            let Some(shared) = watched.shared.upgrade() else { return false };
            record(&shared.with(|core| core.totals()), &watched.labels);
            true
        });
        for (labels, permits) in &self.permits {
            gauge!("zeromq.permits.bytes", labels.iter()).set(permits.in_use() as f64);
            gauge!("zeromq.permits.budget.bytes", labels.iter()).set(permits.budget() as f64);
            gauge!("zeromq.permits.waiters", labels.iter()).set(permits.waiters() as f64);
        }
    }

    /// Collects once in so long, until all sockets that it watches are gone.
    ///
    /// # Cancel safety
    /// Dropped, it collects no more.
    #[doc = example!(r#"use monocoque::runtime::{Runtime, tokio::TokioRuntime};
use monocoque::socket::Collector;
use std::time::Duration;

let budget = SemaphorePermits::new(1024 * 1024);
let push = PushSocket::new(SocketOptions::default().with_name("orders"))?.with_permits(budget.clone());
let mut collector = Collector::new();
collector.watch(&push);
collector.watch_permits("orders", &budget);
tokio::spawn(collector.every(Duration::from_secs(10), TokioRuntime::current().unwrap()));"#)]
    pub async fn every(mut self, period: Duration, runtime: impl Sleeper) {
        loop {
            self.collect();
            if self.sockets.is_empty() {
                return;
            }
            runtime.sleep_until(runtime.now() + period).await;
        }
    }
}

impl<S: AsyncStream> Default for Collector<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: AsyncStream> std::fmt::Debug for Collector<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("sockets", &self.sockets.len()).finish_non_exhaustive()
    }
}

fn labels(name: Option<Arc<str>>, socket_type: SocketType) -> Vec<Label> {
    vec![Label::new("socket", name.unwrap_or_default()), Label::new("type", socket_type.as_str())]
}

fn record(stats: &SocketStats, labels: &[Label]) {
    let counters = [
        ("messaging.client.sent.messages", stats.sent),
        ("messaging.client.consumed.messages", stats.delivered),
        ("zeromq.sent.bytes", stats.bytes_sent),
        ("zeromq.received.bytes", stats.bytes_received),
        ("zeromq.accepted.messages", stats.accepted),
        ("zeromq.received.messages", stats.received),
        ("zeromq.incomplete.messages", stats.recv_incomplete),
        ("zeromq.connects", stats.connects),
        ("zeromq.reconnects", stats.reconnects),
        ("zeromq.subscriptions.refused", stats.subscriptions_refused),
    ];
    for (name, value) in counters {
        counter!(name, labels.iter()).absolute(value);
    }
    let gauges = [
        ("zeromq.queued.messages", stats.queued),
        ("zeromq.queued.bytes", stats.queued_bytes),
        ("zeromq.received.queued.messages", stats.recv_queued),
        ("zeromq.received.queued.bytes", stats.recv_queued_bytes),
        ("zeromq.in_doubt.messages", stats.in_doubt),
        ("zeromq.connections", stats.connections as u64),
    ];
    for (name, value) in gauges {
        gauge!(name, labels.iter()).set(value as f64);
    }
    waits(SEND_WAITS, stats.send_waits.as_ref(), labels);
    waits(RECV_WAITS, stats.recv_waits.as_ref(), labels);
    by_cause("zeromq.dropped.messages", stats.dropped.iter(), labels);
    by_cause("zeromq.received.dropped.messages", stats.recv_dropped_by.iter(), labels);
    by_cause("zeromq.handshakes.failed", stats.handshakes_failed_by.iter(), labels);
    by_cause("zeromq.disconnects", stats.disconnects_by.iter(), labels);
}

const SEND_WAITS: [&str; 3] =
    ["zeromq.send.wait.seconds.bucket", "zeromq.send.wait.seconds.count", "zeromq.send.wait.seconds.sum"];
const RECV_WAITS: [&str; 3] =
    ["zeromq.recv.wait.seconds.bucket", "zeromq.recv.wait.seconds.count", "zeromq.recv.wait.seconds.sum"];

fn waits([bucket, count, sum]: [&'static str; 3], times: Option<&WaitTimes>, labels: &[Label]) {
    let Some(times) = times else { return };
    for (bound, waits) in times.cumulative() {
        let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| bound.as_secs_f64().to_string());
        counter!(bucket, [labels, &[Label::new("le", bound)]].concat()).absolute(waits);
    }
    counter!(count, labels.iter()).absolute(times.count());
    gauge!(sum, labels.iter()).set(times.total().as_secs_f64());
}

fn by_cause<C: std::fmt::Debug>(
    name: &'static str,
    counts: impl Iterator<Item = (C, u64)>,
    labels: &[Label],
) {
    for (cause, count) in counts {
        let cause = [Label::new("cause", format!("{cause:?}"))];
        counter!(name, [labels, &cause].concat()).absolute(count);
    }
}
