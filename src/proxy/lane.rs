//! One direction of a proxy.

use std::task::{Context, Poll};

use super::control::{Command, Flow, ProxyControl};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::monitor::PeerId;
use crate::socket::relay::{Inlet, Outlet, Turn};

/// Messages that go one way before the other way has its turn.
const MESSAGES_PER_TURN: usize = 64;

/// Takes messages from one socket and gives them to another.
///
/// It holds at most one message, which goes back to where it came from when the lane rests or is dropped.
pub(super) struct Lane<'a, F: Inlet, B: Outlet, C: Outlet> {
    from: &'a F,
    to: &'a B,
    capture: &'a C,
    receiving: Turn,
    held: Option<Held>,
    sending: B::Sending,
    capturing: C::Sending,
    flow: Flow,
}

/// A message on its way.
struct Held {
    from: PeerId,
    message: Message,
    size: u64,
    /// What the capture socket is still to get.
    copy: Option<Message>,
}

/// What a turn of a lane came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) stop: Stop,
    /// It forwarded something.
    pub(super) moved: bool,
}

impl Outcome {
    /// Of a lane that is not there.
    pub(super) const NOTHING: Self = Self { stop: Stop::Waits, moved: false };
}

/// Why a lane stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stop {
    /// It waits for a socket, which will wake the task.
    Waits,
    /// It is not its turn: a REQ or REP that both lanes use has to be used by the other first.
    NotItsTurn,
    /// It could go on.
    Turn,
}

/// What became of a step.
enum Step {
    Done,
    Stopped(Stop),
}

impl<'a, F: Inlet, B: Outlet, C: Outlet> Lane<'a, F, B, C> {
    pub(super) fn new(from: &'a F, to: &'a B, capture: &'a C) -> Self {
        Self {
            from,
            to,
            capture,
            receiving: Turn::default(),
            held: None,
            sending: B::Sending::default(),
            capturing: C::Sending::default(),
            flow: Flow::default(),
        }
    }

    /// Forwards until one of the sockets has to be waited for, or the other lane has its turn.
    pub(super) fn poll(&mut self, control: &ProxyControl, cx: &mut Context<'_>) -> Result<Outcome> {
        let before = self.flow;
        let stop = self.poll_messages(control, cx)?;
        Ok(Outcome { stop, moved: self.flow != before })
    }

    fn poll_messages(&mut self, control: &ProxyControl, cx: &mut Context<'_>) -> Result<Stop> {
        for _ in 0..MESSAGES_PER_TURN {
            if control.command() != Command::Run {
                break;
            }
            if let Step::Stopped(stop) = self.poll_message(cx)? {
                return Ok(stop);
            }
        }
        Ok(Stop::Turn)
    }

    /// What was forwarded since this was last asked.
    pub(super) fn take_flow(&mut self) -> Flow {
        std::mem::take(&mut self.flow)
    }

    /// Lets go of everything: places in queues, and the message in hand.
    pub(super) fn rest(&mut self) {
        self.from.leave(&mut self.receiving);
        self.to.leave(&mut self.sending);
        self.capture.leave(&mut self.capturing);
        if let Some(held) = self.held.take() {
            self.from.put_back(held.from, held.message);
        }
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Result<Step> {
        if self.held.is_none() {
            if let Step::Stopped(stop) = self.poll_receive(cx)? {
                return Ok(Step::Stopped(stop));
            }
        }
        match self.poll_capture(cx)? {
            Step::Done => self.poll_send(cx),
            stopped => Ok(stopped),
        }
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Result<Step> {
        loop {
            match self.from.poll_receive(&mut self.receiving, cx) {
                Poll::Ready(Ok((from, message))) => {
                    let copy = C::SENDS.then(|| message.clone());
                    self.held = Some(Held { from, size: message.size() as u64, message, copy });
                    return Ok(Step::Done);
                }
                // The limits of calls are not for one that is there to wait.
                Poll::Ready(Err(Error::Timeout(_))) => {}
                Poll::Ready(Err(Error::InvalidState)) => return Ok(Step::Stopped(Stop::NotItsTurn)),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    self.poll_written(cx)?;
                    return Ok(Step::Stopped(Stop::Waits));
                }
            }
        }
    }

    /// Nothing follows at once: has what was sent leave.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Result<()> {
        for written in
            [self.to.poll_written(&mut self.sending, cx), self.capture.poll_written(&mut self.capturing, cx)]
        {
            match written {
                Poll::Pending | Poll::Ready(Ok(()) | Err(Error::Poisoned)) => {}
                Poll::Ready(Err(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// The capture socket comes first: it sees all that is forwarded, and holds it up if it has to.
    fn poll_capture(&mut self, cx: &mut Context<'_>) -> Result<Step> {
        let Some(copy) = self.held.as_mut().and_then(|held| held.copy.as_mut()) else {
            return Ok(Step::Done);
        };
        let taken = match poll_outlet(self.capture, &mut self.capturing, copy, cx)? {
            Sent::Taken => &mut self.flow.captured,
            Sent::Refused => &mut self.flow.uncaptured,
            Sent::Stopped(stop) => return Ok(Step::Stopped(stop)),
        };
        *taken += 1;
        if let Some(held) = &mut self.held {
            held.copy = None;
        }
        Ok(Step::Done)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<Step> {
        let Some(held) = &mut self.held else { return Ok(Step::Done) };
        let (count, bytes) = match poll_outlet(self.to, &mut self.sending, &mut held.message, cx)? {
            Sent::Taken => (&mut self.flow.sent, &mut self.flow.sent_bytes),
            Sent::Refused => (&mut self.flow.dropped, &mut self.flow.dropped_bytes),
            Sent::Stopped(stop) => return Ok(Step::Stopped(stop)),
        };
        *count += 1;
        *bytes += held.size;
        self.held = None;
        Ok(Step::Done)
    }
}

impl<F: Inlet, B: Outlet, C: Outlet> Drop for Lane<'_, F, B, C> {
    fn drop(&mut self) {
        self.rest();
    }
}

/// What became of a message that was offered to a socket.
enum Sent {
    Taken,
    /// The message itself cannot be sent: waiting would not help.
    Refused,
    Stopped(Stop),
}

fn poll_outlet<B: Outlet>(
    to: &B,
    sending: &mut B::Sending,
    message: &mut Message,
    cx: &mut Context<'_>,
) -> Result<Sent> {
    loop {
        match to.poll_send(sending, message, cx) {
            Poll::Ready(Ok(())) => return Ok(Sent::Taken),
            Poll::Pending => return Ok(Sent::Stopped(Stop::Waits)),
            Poll::Ready(Err(error)) => match error {
                // Reported once, or because a limit of calls is over: the next attempt may succeed.
                Error::Poisoned | Error::Timeout(_) => {}
                Error::InvalidState => return Ok(Sent::Stopped(Stop::NotItsTurn)),
                Error::Unroutable
                | Error::EmptyMessage
                | Error::MessageTooLarge { .. }
                | Error::TooManyFrames { .. }
                | Error::SubscriptionLimit { .. }
                | Error::Full => {
                    return Ok(Sent::Refused);
                }
                error => return Err(error),
            },
        }
    }
}
