//! Steering a proxy from anywhere, and its figures.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// What a proxy is told to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Command {
    Run = 0,
    Pause = 1,
    Terminate = 2,
}

/// Steers a [`Proxy`](super::Proxy) and reads its figures, from any task or thread (in libzmq the control
/// socket of `zmq_proxy_steerable`). Clones steer the same proxy.
#[derive(Clone, Debug, Default)]
pub struct ProxyControl {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// A [`Command`]; changed with `state` locked.
    command: AtomicU8,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The task that runs the proxy.
    waker: Option<Waker>,
    stats: ProxyStats,
}

impl ProxyControl {
    /// Stops forwarding until [`resume`](Self::resume): messages wait in the sockets, within their marks
    /// (PAUSE). A message that the proxy has in hand goes back to the socket that it came from.
    ///
    /// Takes effect when the task of the proxy runs next, after the message being forwarded.
    #[doc = example!(r#"let work = PullSocket::bind("tcp://127.0.0.1:0").await?;
let workers = PushSocket::bind("tcp://127.0.0.1:0").await?;
let proxy = Proxy::new(&work, &workers);
let control = proxy.control();
control.pause();
assert!(control.is_paused());
control.resume();
assert!(!control.is_paused());"#)]
    pub fn pause(&self) {
        self.command_unless(Command::Terminate, Command::Pause);
    }

    /// Goes on after [`pause`](Self::pause) (RESUME), which has an example.
    pub fn resume(&self) {
        self.command_unless(Command::Terminate, Command::Run);
    }

    /// Ends the proxy, which returns `Ok` even if it was blocked or paused, and now if it has not begun
    /// (TERMINATE). There is no way back; the sockets stay open.
    #[doc = example!(r#"let work = PullSocket::bind("tcp://127.0.0.1:0").await?;
let workers = PushSocket::bind("tcp://127.0.0.1:0").await?;
let mut proxy = Proxy::new(&work, &workers);
let control = proxy.control();
control.terminate();
assert!(control.is_terminated());
proxy.run().await?;"#)]
    pub fn terminate(&self) {
        self.command_unless(Command::Terminate, Command::Terminate);
    }

    /// Whether the proxy is told to pause.
    ///
    /// See [`pause`](Self::pause).
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.command() == Command::Pause
    }

    /// Whether the proxy is told to end.
    ///
    /// See [`terminate`](Self::terminate).
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.command() == Command::Terminate
    }

    /// What the proxy has forwarded so far (STATISTICS), as of when its task last ran.
    #[doc = example!(r#"let work = PullSocket::bind("tcp://127.0.0.1:0").await?;
let workers = PushSocket::bind("tcp://127.0.0.1:0").await?;
let control = Proxy::new(&work, &workers).control();
let stats = control.stats();
println!("{} came, {} were forwarded", stats.frontend.received, stats.backend.sent);"#)]
    #[must_use]
    pub fn stats(&self) -> ProxyStats {
        self.lock().stats
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn command_unless(&self, last: Command, command: Command) {
        let waker = {
            let mut state = self.lock();
            if self.command() == last {
                return;
            }
            self.shared.command.store(command as u8, Ordering::Release);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn command(&self) -> Command {
        match self.shared.command.load(Ordering::Acquire) {
            0 => Command::Run,
            1 => Command::Pause,
            _ => Command::Terminate,
        }
    }

    /// Has commands from now on wake this task; returns the waker before it, to be dropped.
    pub(super) fn register(&self, waker: Option<&Waker>) -> Option<Waker> {
        // Cloned here and dropped by the caller: a waker can run any code when it is.
        let waker = waker.cloned();
        std::mem::replace(&mut self.lock().waker, waker)
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut ProxyStats)) {
        change(&mut self.lock().stats);
    }
}

/// What a proxy has done since it was made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ProxyStats {
    /// The first socket of the proxy.
    pub frontend: SideStats,
    /// The second.
    pub backend: SideStats,
    /// Copies that the capture socket took.
    pub captured: u64,
    /// Copies that it refused: too large for it, or no peer had the identity in front.
    pub uncaptured: u64,
}

/// One side of a proxy: what came from it, and what went to it.
///
/// What was received on one side was sent or dropped on the other.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SideStats {
    /// Messages that came from this side.
    pub received: u64,
    /// Payload bytes of those, over all frames.
    pub received_bytes: u64,
    /// Messages that this side took.
    pub sent: u64,
    /// Payload bytes of those.
    pub sent_bytes: u64,
    /// Messages that this side refused, each of which was dropped: addressed to an identity that no peer
    /// has, without a body, too large, or at the marks with `OnFull::Fail`. What it dropped by itself is
    /// in the statistics of the socket.
    pub dropped: u64,
}

/// What went one way since it was last added to the statistics.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Flow {
    pub(super) sent: u64,
    pub(super) sent_bytes: u64,
    pub(super) dropped: u64,
    pub(super) dropped_bytes: u64,
    pub(super) captured: u64,
    pub(super) uncaptured: u64,
}

impl ProxyStats {
    pub(super) fn add_to_backend(&mut self, flow: Flow) {
        add(flow, &mut self.frontend, &mut self.backend);
        self.add_captured(flow);
    }

    pub(super) fn add_to_frontend(&mut self, flow: Flow) {
        add(flow, &mut self.backend, &mut self.frontend);
        self.add_captured(flow);
    }

    fn add_captured(&mut self, flow: Flow) {
        self.captured += flow.captured;
        self.uncaptured += flow.uncaptured;
    }
}

fn add(flow: Flow, from: &mut SideStats, to: &mut SideStats) {
    from.received += flow.sent + flow.dropped;
    from.received_bytes += flow.sent_bytes + flow.dropped_bytes;
    to.sent += flow.sent;
    to.sent_bytes += flow.sent_bytes;
    to.dropped += flow.dropped;
}
