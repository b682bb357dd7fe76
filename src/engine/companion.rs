//! The companion task of a socket.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::accept::Accepting;
use super::core::Core;
use super::judgements::Judgements;
use super::shared::Shared;
use crate::error::{Error, TimeoutKind};
use crate::runtime::{AsyncStream, Listener, Runtime};

/// Turns of the companion before it lets other tasks run.
const TURNS_PER_POLL: usize = 16;

/// The companion task of a socket opened by endpoint or from a runtime's own stream.
///
/// It does only what nobody else is there to do: writes what a burst of sends left behind, connects
/// and reconnects, accepts, sends heartbeats and minds deadlines, reads ahead while the application
/// does not receive, and lingers after the socket was closed or dropped. It ends when the socket is
/// closed; if it ends earlier (panic, abort, end of its runtime) every waiting call fails with
/// [`Error::CompanionGone`].
pub struct CompanionTask<R: Runtime> {
    shared: Arc<Shared<R::Stream>>,
    runtime: R,
    accepting: Accepting<R>,
    attempts: Vec<Attempt<R>>,
    judgements: Judgements<<R::Stream as AsyncStream>::Sharing>,
    timer: Timer<R>,
    waker: Option<Waker>,
    finished: bool,
}

/// The one timer: it is made once and moved afterwards.
struct Timer<R: Runtime> {
    sleep: Option<R::Sleep>,
    /// When it fires; `None` if it has.
    armed: Option<Instant>,
}

impl<R: Runtime> Timer<R> {
    /// Arms it; true if it has fired already.
    fn poll(&mut self, runtime: &R, deadline: Option<Instant>, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = deadline else { return false };
        // An armed timer that fires too early only costs a look; one that fires too late costs a deadline.
        if self.armed.is_none_or(|armed| deadline < armed) {
            match &mut self.sleep {
                Some(sleep) => runtime.reset(sleep, deadline),
                sleep => *sleep = Some(runtime.sleep_until(deadline)),
            }
            self.armed = Some(deadline);
        }
        let fired = self.sleep.as_mut().is_some_and(|sleep| Pin::new(sleep).poll(cx).is_ready());
        if fired {
            self.armed = None;
        }
        fired
    }
}

/// A connection being made.
struct Attempt<R: Runtime> {
    dial: u32,
    connecting: R::Connecting,
    deadline: Instant,
}

impl<R: Runtime> CompanionTask<R> {
    pub(crate) fn new(shared: Arc<Shared<R::Stream>>, runtime: R) -> Self {
        Self {
            shared,
            accepting: Accepting::new(runtime.clone()),
            runtime,
            attempts: Vec::new(),
            judgements: Judgements::default(),
            timer: Timer { sleep: None, armed: None },
            waker: None,
            finished: false,
        }
    }

    /// Takes a listener over that is bound already.
    pub(crate) fn adopt(&mut self, listener: R::Listener) {
        let local = listener.local_endpoint().clone();
        let id = self.shared.with(|core| core.endpoints.adopt_listener(local));
        self.accepting.adopt(id, listener);
    }

    /// Makes the current task the one that events wake.
    fn register(&mut self, cx: &Context<'_>) {
        if self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            return;
        }
        self.waker = Some(cx.waker().clone());
        drop(self.shared.ready.set_companion(self.waker.clone()));
        self.judgements.register(self.waker.clone());
    }

    /// Polls the connections being made; true if one came to an end.
    fn poll_attempts(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let shared = &self.shared;
        let before = self.attempts.len();
        self.attempts.retain_mut(|attempt| match Pin::new(&mut attempt.connecting).poll(cx) {
            Poll::Ready(Ok(stream)) => {
                shared.with(|core| core.connected(attempt.dial, stream, now));
                false
            }
            Poll::Ready(Err(error)) => {
                shared.with(|core| core.endpoints.connect_failed(&mut core.base, attempt.dial, error.into()));
                false
            }
            Poll::Pending if now >= attempt.deadline => {
                let error = Error::Timeout(TimeoutKind::Connect);
                shared.with(|core| core.endpoints.connect_failed(&mut core.base, attempt.dial, error));
                false
            }
            Poll::Pending => true,
        });
        self.attempts.len() < before
    }

    fn start_attempt(&mut self, dial: u32, now: Instant) {
        let target = self.shared.with(|core| {
            let deadline = super::clock::later(now, core.base.options.connect_timeout);
            let dial = core.endpoints.dial(dial)?;
            dial.answer_by = dial.once.then_some(deadline);
            Some((dial.endpoint.clone(), core.base.options.transport.clone(), deadline))
        });
        if let Some((endpoint, options, deadline)) = target {
            let connecting = self.runtime.connect(&endpoint, &options);
            self.attempts.push(Attempt { dial, connecting, deadline });
        }
    }

    /// One turn; `None` when the socket is closed, else whether to go on at once.
    fn turn(&mut self, cx: &mut Context<'_>) -> Option<bool> {
        let now = self.runtime.now();
        let mut busy = self.poll_attempts(cx, now);
        let step = self.shared.with(|core| core.drive(now));
        if step.closed {
            return None;
        }
        let changed = step.listeners.is_some();
        if let Some(listeners) = step.listeners {
            self.accepting.open(listeners, now);
        }
        if changed || step.departing {
            busy |= self.accepting.close(cx, &self.shared);
        }
        busy |= super::retry::ask(&step.delays, &self.shared, now);
        self.judgements.ask(step.questions, &self.shared);
        busy |= self.judgements.poll(&self.shared);
        busy |= self.accepting.poll(cx, now, &self.shared);
        for dial in &step.start {
            self.start_attempt(*dial, now);
        }
        busy |= !step.start.is_empty();
        if step.again {
            cx.waker().wake_by_ref();
        }
        let own = self.attempts.iter().map(|attempt| attempt.deadline).chain(self.accepting.retry_at());
        let deadline = own.chain(step.deadline).min();
        Some(busy | self.timer.poll(&self.runtime, deadline, cx))
    }
}

impl<R: Runtime> Future for CompanionTask<R> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.register(cx);
        for _ in 0..TURNS_PER_POLL {
            match this.turn(cx) {
                None => {
                    this.finished = true;
                    this.judgements = Judgements::default();
                    return Poll::Ready(());
                }
                // Others have their turn first.
                Some(true) if this.judgements.worked => break,
                Some(true) => {}
                Some(false) => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

// Nothing in it is ever pinned in place: the traits ask for `Unpin` futures.
impl<R: Runtime> Unpin for CompanionTask<R> {}

impl<R: Runtime> Drop for CompanionTask<R> {
    fn drop(&mut self) {
        drop(self.shared.ready.set_companion(None));
        if !self.finished {
            // Closed before anybody is told so.
            self.accepting = Accepting::new(self.runtime.clone());
            self.shared.with(Core::companion_gone);
        }
    }
}

impl<R: Runtime> std::fmt::Debug for CompanionTask<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompanionTask").field("attempts", &self.attempts.len()).finish_non_exhaustive()
    }
}
