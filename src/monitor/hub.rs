//! Monitors: bounded queues of events that never hold the socket up.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::event::SocketEvent;
use super::queue::{Bounds, EventQueue, Missed};
use crate::protocol::SocketType;

/// Whose events they are.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) socket_type: SocketType,
}

/// The monitors of one socket.
#[derive(Debug)]
pub(crate) struct MonitorHub {
    monitors: Vec<Weak<Mailbox>>,
    bounds: Bounds,
    source: Source,
    closed: bool,
}

/// What one monitor has not read yet.
#[derive(Debug)]
struct Mailbox {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    events: EventQueue,
    waker: Option<Waker>,
    ended: bool,
}

impl Mailbox {
    fn new(bounds: Bounds, ended: bool) -> Arc<Self> {
        let state = State { events: EventQueue::new(bounds), waker: None, ended };
        Arc::new(Self { state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The next event, or the end; `None` if there is nothing yet.
    fn take(&mut self) -> Option<Option<SocketEvent>> {
        match self.events.pop() {
            None if !self.ended => None,
            next => Some(next),
        }
    }
}

impl MonitorHub {
    pub(crate) fn new(bounds: Bounds, source: Source) -> Self {
        Self { monitors: Vec::new(), bounds, source, closed: false }
    }

    pub(crate) fn subscribe(&mut self) -> Monitor {
        // A socket without events must not gather the monitors that it once had.
        self.monitors.retain(|monitor| monitor.strong_count() > 0);
        let mailbox = Mailbox::new(self.bounds, self.closed);
        if !self.closed {
            self.monitors.push(Arc::downgrade(&mailbox));
        }
        Monitor { mailbox, source: self.source.clone() }
    }

    /// Whether nobody listens.
    pub(crate) fn is_idle(&self) -> bool {
        self.monitors.is_empty()
    }

    /// Hands an event to all monitors; their wakers are for the caller to wake.
    pub(crate) fn emit(&mut self, event: &SocketEvent, wakers: &mut Vec<Waker>) {
        self.monitors.retain(|monitor| {
            let Some(mailbox) = monitor.upgrade() else { return false };
            let mut state = mailbox.lock();
            state.events.push(event);
            wakers.extend(state.waker.take());
            true
        });
    }

    /// Ends all monitors once they are read to the end.
    pub(crate) fn close(&mut self, wakers: &mut Vec<Waker>) {
        self.closed = true;
        for mailbox in self.monitors.drain(..).filter_map(|monitor| monitor.upgrade()) {
            let mut state = mailbox.lock();
            state.ended = true;
            wakers.extend(state.waker.take());
        }
    }
}

impl Drop for MonitorHub {
    fn drop(&mut self) {
        let mut wakers = Vec::new();
        self.close(&mut wakers);
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// A stream of a socket's events, from [`Socket::monitor`](crate::socket::Socket::monitor).
///
/// It never holds the socket up, and what it keeps for a reader that lags is bounded. Of the events of
/// connections and of those of endpoints it keeps the newest (option `monitor_events`, default 1024 of each);
/// what was lost is told by one [`Missed`](SocketEvent::Missed) in its place. Drops are merged into one event for
/// each connection and cause until they are read, at the place of the first of them: none is lost, and
/// they push nothing else out. Those of more connections and causes than `monitor_drops` (default 1024) are
/// told without the connection, by cause.
///
/// It ends when the socket is closed.
#[derive(Debug)]
pub struct Monitor {
    mailbox: Arc<Mailbox>,
    source: Source,
}

impl Monitor {
    /// What the socket is called (option `name`).
    #[doc = example!(r#"let options = SocketOptions::default().with_name("orders");
let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await?;
assert_eq!(pull.monitor().socket_name(), Some("orders"));"#)]
    #[must_use]
    pub fn socket_name(&self) -> Option<&str> {
        self.source.name.as_deref()
    }

    #[cfg(feature = "tracing")]
    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// The socket's own type.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
assert_eq!(pull.monitor().socket_type(), monocoque::SocketType::Pull);"#)]
    #[must_use]
    pub fn socket_type(&self) -> SocketType {
        self.source.socket_type
    }

    /// The next event; `None` after the last.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, no event was taken.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let mut events = pull.monitor();
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
while let Some(event) = events.next().await {
    println!("{event}");
    if matches!(event, SocketEvent::HandshakeSucceeded { .. }) {
        break;
    }
}
# drop(push);"#)]
    pub async fn next(&mut self) -> Option<SocketEvent> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// An event that is there already.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let mut events = pull.monitor();
assert!(events.try_next().is_none(), "nothing has happened yet");
pull.close().await;
while let Some(event) = events.try_next() {
    println!("{event}");
}"#)]
    pub fn try_next(&mut self) -> Option<SocketEvent> {
        self.mailbox.lock().events.pop()
    }

    /// Events lost so far because they were not read in time.
    #[doc = example!(r#"let options = SocketOptions::default().with_monitor_events(1000);
let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await?;
let events = pull.monitor();
assert_eq!(events.missed().total(), 0);"#)]
    #[must_use]
    pub fn missed(&self) -> Missed {
        self.mailbox.lock().events.missed()
    }
}

impl Stream for Monitor {
    type Item = SocketEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<SocketEvent>> {
        if let Some(next) = self.mailbox.lock().take() {
            return Poll::Ready(next);
        }
        // A waker can run any code when it is cloned or dropped: not under the lock.
        let waker = cx.waker().clone();
        let mut state = self.mailbox.lock();
        if let Some(next) = state.take() {
            drop(state);
            return Poll::Ready(next);
        }
        let old = state.waker.replace(waker);
        drop(state);
        drop(old);
        Poll::Pending
    }
}

/// Whoever hands out an event may be the last to hold the queue, and holds the lock of a socket.
impl Drop for Monitor {
    fn drop(&mut self) {
        let waker = self.mailbox.lock().waker.take();
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub() -> MonitorHub {
        let source = Source { name: None, socket_type: SocketType::Pub };
        MonitorHub::new(Bounds { events: 4, drops: 4 }, source)
    }

    fn unsent(monitor: &mut Monitor) -> u64 {
        match monitor.try_next() {
            Some(SocketEvent::Closed { unsent }) => unsent,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn wakes_once_and_ends_with_the_hub() {
        let mut hub = hub();
        let mut wakers = Vec::new();
        let mut monitor = hub.subscribe();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut monitor).poll_next(&mut cx).is_pending());
        hub.emit(&SocketEvent::CompanionGone, &mut wakers);
        hub.emit(&SocketEvent::CompanionGone, &mut wakers);
        assert_eq!(wakers.len(), 1);
        drop(hub);
        for expected in [true, true, false] {
            let Poll::Ready(event) = Pin::new(&mut monitor).poll_next(&mut cx) else { panic!("pending") };
            assert_eq!(event.is_some(), expected);
        }
    }

    #[test]
    fn a_dropped_monitor_is_forgotten() {
        let mut hub = hub();
        drop(hub.subscribe());
        hub.emit(&SocketEvent::CompanionGone, &mut Vec::new());
        assert!(hub.is_idle());

        drop(hub.subscribe());
        let _monitor = hub.subscribe();
        assert_eq!(hub.monitors.len(), 1, "without any event");
    }

    #[test]
    fn each_monitor_sees_what_happens_from_its_start_on() {
        let mut hub = hub();
        let mut wakers = Vec::new();
        let mut early = hub.subscribe();
        hub.emit(&SocketEvent::Closed { unsent: 1 }, &mut wakers);
        let mut late = hub.subscribe();
        hub.emit(&SocketEvent::Closed { unsent: 2 }, &mut wakers);
        assert_eq!([unsent(&mut early), unsent(&mut early), unsent(&mut late)], [1, 2, 2]);
        assert!(early.try_next().is_none());
        assert!(wakers.is_empty(), "nobody waited");
    }

    #[test]
    fn a_monitor_of_a_closed_socket_ends_at_once() {
        let mut hub = hub();
        hub.close(&mut Vec::new());
        let mut monitor = hub.subscribe();
        assert!(hub.is_idle());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(Pin::new(&mut monitor).poll_next(&mut cx), Poll::Ready(None)));
    }
}
