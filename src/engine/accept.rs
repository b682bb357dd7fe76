//! Listening: binding, accepting, and waiting out a lack of descriptors.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::base::Base;
use super::core::Core;
use super::doorway::{Entry, Quarter};
use super::endpoints::Endpoints;
use super::peer::Origin;
use super::shared::Shared;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::monitor::{DisconnectReason, SocketEvent};
use crate::runtime::{AsyncStream, Listener, Runtime};

/// Connections taken from one listener in a row.
const ACCEPTS_PER_TURN: usize = 64;
/// The first pause after `accept` failed, for instance because descriptors ran out; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long an address is waited for that another socket of this process is about to leave. It takes one
/// turn of that socket's companion task, but on a runtime that nobody runs it would take for ever.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The listeners of a socket, as its companion holds them.
pub(super) struct Accepting<R: Runtime> {
    runtime: R,
    listeners: Vec<Listening<R>>,
}

struct Listening<R: Runtime> {
    id: u32,
    state: State<R>,
    pause: Duration,
    /// When to try again what could not be done yet.
    resume_at: Option<Instant>,
}

enum State<R: Runtime> {
    /// Another listener of this process is about to leave the endpoint.
    Waiting(Endpoint),
    Binding(R::Binding),
    Open(R::Listener),
    Closing(R::Listener),
    Closed,
}

impl<R: Runtime> Accepting<R> {
    pub(super) fn new(runtime: R) -> Self {
        Self { runtime, listeners: Vec::new() }
    }

    /// Takes a listener over that is bound already.
    pub(super) fn adopt(&mut self, id: u32, listener: R::Listener) {
        let state = State::Open(listener);
        self.listeners.push(Listening { id, state, pause: FIRST_PAUSE, resume_at: None });
    }

    /// Begins to close listeners that are not wanted any more and to open new ones.
    pub(super) fn open(&mut self, wanted: Vec<(u32, Endpoint)>, now: Instant) {
        for listening in &mut self.listeners {
            if !wanted.iter().any(|(id, _)| *id == listening.id) {
                listening.begin_close();
            }
        }
        for (id, endpoint) in wanted {
            if !self.listeners.iter().any(|listening| listening.id == id) {
                let state = State::Waiting(endpoint);
                let resume_at = Some(now + LONGEST_WAIT);
                self.listeners.push(Listening { id, state, pause: FIRST_PAUSE, resume_at });
            }
        }
    }

    /// Goes on closing, and tells which listeners are gone; true if there were some.
    pub(super) fn close(&mut self, cx: &mut Context<'_>, shared: &Shared<R::Stream>) -> bool {
        self.listeners.retain_mut(|listening| listening.poll_close(cx).is_pending());
        let held = |id| self.listeners.iter().any(|listening| listening.id == id);
        shared.with(|core| core.endpoints.departed(&mut core.base, |id| !held(id)))
    }

    /// When the first paused listener accepts again.
    pub(super) fn retry_at(&self) -> impl Iterator<Item = Instant> + '_ {
        self.listeners.iter().filter_map(|listening| listening.resume_at)
    }

    /// Binds and accepts what can be; true if another look is due at once.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, now: Instant, shared: &Shared<R::Stream>) -> bool {
        let mut busy = false;
        for listening in &mut self.listeners {
            listening.poll_wait(cx, now, &self.runtime, shared);
            busy |= listening.poll_binding(cx, shared);
            busy |= listening.poll_accept(cx, now, shared);
        }
        busy
    }
}

impl<R: Runtime> Listening<R> {
    fn begin_close(&mut self) {
        self.resume_at = None;
        self.state = match std::mem::replace(&mut self.state, State::Closed) {
            State::Open(listener) | State::Closing(listener) => State::Closing(listener),
            State::Waiting(_) | State::Binding(_) | State::Closed => State::Closed,
        };
    }

    /// Ready once a listener that is not wanted any more can be dropped.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.state {
            State::Closing(listener) => listener.poll_close(cx),
            State::Closed => Poll::Ready(()),
            State::Waiting(_) | State::Binding(_) | State::Open(_) => Poll::Pending,
        }
    }

    /// Starts to bind once nobody is about to leave the address.
    fn poll_wait(&mut self, cx: &mut Context<'_>, now: Instant, runtime: &R, shared: &Shared<R::Stream>) {
        let State::Waiting(endpoint) = &self.state else { return };
        let overdue = self.resume_at.is_some_and(|at| now >= at);
        if runtime.vacating().poll_left(endpoint, cx).is_pending() && !overdue {
            return;
        }
        self.resume_at = None;
        let options = shared.with(|core| core.base.options.transport.clone());
        self.state = State::Binding(runtime.bind(endpoint, &options));
    }

    fn poll_binding(&mut self, cx: &mut Context<'_>, shared: &Shared<R::Stream>) -> bool {
        let State::Binding(binding) = &mut self.state else { return false };
        let Poll::Ready(result) = Pin::new(binding).poll(cx) else { return false };
        let local = match result {
            Ok(listener) => {
                let local = listener.local_endpoint().clone();
                self.state = State::Open(listener);
                Ok(local)
            }
            Err(error) => {
                self.state = State::Closed;
                Err(error.into())
            }
        };
        shared.with(|core| core.endpoints.bound(&mut core.base, self.id, local));
        true
    }

    /// Accepts a batch; true if there may be more.
    fn poll_accept(&mut self, cx: &mut Context<'_>, now: Instant, shared: &Shared<R::Stream>) -> bool {
        let State::Open(listener) = &mut self.state else { return false };
        if self.resume_at.is_some_and(|at| now < at) {
            return false;
        }
        self.resume_at = None;
        for _ in 0..ACCEPTS_PER_TURN {
            match listener.poll_accept(cx) {
                Poll::Pending => return false,
                Poll::Ready(Ok(stream)) => {
                    self.pause = FIRST_PAUSE;
                    shared.with(|core| core.accepted(self.id, stream, now));
                }
                Poll::Ready(Err(error)) if is_about_the_peer(&error) => {}
                Poll::Ready(Err(error)) => {
                    self.resume_at = Some(now + self.pause);
                    shared.with(|core| {
                        core.endpoints.accept_failed(&mut core.base, self.id, error, self.pause)
                    });
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                    return false;
                }
            }
        }
        true
    }
}

/// Whether the error concerns one connection that ended before it was accepted, and not the listener.
fn is_about_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

impl Endpoints {
    fn accept_failed<S: AsyncStream>(
        &mut self,
        base: &mut Base<S>,
        listener: u32,
        cause: io::Error,
        retry_in: Duration,
    ) {
        let Some(listener) = self.listener(listener) else { return };
        let endpoint = listener.local().unwrap_or(&listener.requested).clone();
        let cause = Error::from(cause);
        listener.attempts.fail(cause.clone());
        base.emit(SocketEvent::AcceptFailed { endpoint, cause, retry_in });
    }
}

impl<S: AsyncStream> Core<S> {
    /// Takes an accepted connection in. One for which there is no room is told apart by its events.
    fn accepted(&mut self, listener: u32, stream: S, now: Instant) {
        if self.endpoints.listener(listener).is_none() {
            return self.base.effects.drop_stream(stream);
        }
        let entry = self.doorway.ask(Quarter::of(stream.peer_endpoint().as_ref()));
        let id = self.attach(stream, Origin::Listener(listener), now);
        match entry {
            Entry::Free => {}
            Entry::InsteadOf(other) => self.inbound.doom(&mut self.base, other, DisconnectReason::Crowded),
            Entry::Full => self.inbound.doom(&mut self.base, id, DisconnectReason::Crowded),
        }
    }
}
