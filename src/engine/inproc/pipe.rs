//! Two queues of messages between two sockets of one process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::endpoint::Endpoint;
use crate::engine::pending::Queued;
use crate::fifo::Fifo;
use crate::message::{Count, Extent, Message, Tally};
use crate::resilience::{HighWater, Permit};

/// Entries that a drained queue may keep memory for: an idle connection holds next to nothing.
const KEPT_CAPACITY: usize = 32;

/// Messages of a burst that are worth waking the reader for, or payload bytes.
const ENOUGH: Count = Count { messages: 64, all: Extent { size: 32 * 1024, frames: usize::MAX } };

/// One side's end of a connection: reads what the other side wrote, and the other way round.
///
/// The reader fetches all that is there at once, so that the lock of a pipe, and with it the memory behind it,
/// changes hands once for many messages.
///
/// No method wakes anybody or runs foreign code: the wakers come back, to be woken without any lock.
/// Dropping an end closes it.
#[derive(Debug)]
pub(crate) struct End {
    /// The endpoint that both sides know the connection by.
    name: Arc<str>,
    incoming: Arc<Pipe>,
    /// What was fetched from there and not taken: it can still go back.
    fetched: Fifo<Queued>,
    outgoing: Arc<Pipe>,
    /// All that was ever written, and what of it the owner knows to be taken.
    written: Count,
    settled: Count,
    /// What was written in a burst while the reader waits.
    untold: Count,
}

/// The messages of one direction, as many as the writer lets in: the marks are its business, and it knows
/// what it wrote from what the reader says it took.
#[derive(Debug, Default)]
struct Pipe {
    state: Mutex<State>,
    /// All that the reader has ever taken; it alone counts.
    taken: Tally,
    /// The writer waits for room. It says so before it looks at `taken` for the last time, and the reader
    /// looks here after it has counted: one of them sees the other.
    awaited: AtomicBool,
    /// It was woken for room since it last asked.
    freed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    queue: Fifo<Queued>,
    reader: Side,
    writer: Side,
    /// The reader found nothing and wants to be woken when there is something.
    reader_waits: bool,
}

#[derive(Debug, Default)]
struct Side {
    waker: Option<Waker>,
    closed: bool,
}

/// What there is to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Incoming {
    /// Nothing for now; the reader's waker is woken when that changes.
    Nothing,
    Messages,
    /// The other side has closed; what it left is all that comes.
    Ended {
        empty: bool,
    },
}

/// A message taken, what is behind it, and the writer if it waits for room.
#[derive(Debug)]
pub(crate) struct Popped {
    pub(crate) message: Option<Queued>,
    pub(crate) rest: Incoming,
    pub(crate) writer: Option<Waker>,
}

/// Whom to wake for a message that was passed on.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) reader: Option<Waker>,
    /// The reader waits, and is to be told later.
    pub(crate) unannounced: bool,
}

/// What an end that was closed leaves to its owner.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    pub(crate) taken: Count,
    /// What the other side never took.
    pub(crate) unsent: Fifo<Queued>,
    /// What the other side left for good, as taken, and we never took.
    pub(crate) abandoned: Count,
    /// The other side.
    pub(crate) waker: Option<Waker>,
}

fn count_of(queue: &Fifo<Queued>) -> Count {
    let mut count = Count::default();
    queue.iter().for_each(|queued| count.add(queued.message.extent()));
    count
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic half-way; a poisoned lock is as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer, if it waits for room.
    #[inline]
    fn writer_to_wake(&self) -> Option<Waker> {
        if !(self.awaited.load(Ordering::SeqCst) && self.awaited.swap(false, Ordering::SeqCst)) {
            return None;
        }
        self.freed.store(true, Ordering::Release);
        self.lock().writer.waker.clone()
    }
}

impl State {
    fn reader_to_wake(&mut self) -> Option<Waker> {
        if std::mem::take(&mut self.reader_waits) { self.reader.waker.clone() } else { None }
    }

    /// Puts what the reader has fetched back in front.
    fn put_back(&mut self, fetched: &mut Fifo<Queued>) {
        fetched.append(&mut self.queue);
        std::mem::swap(fetched, &mut self.queue);
    }
}

/// An idle connection holds next to nothing.
fn tidy(drained: &mut Fifo<Queued>) {
    if drained.capacity() > KEPT_CAPACITY {
        *drained = Fifo::new();
    }
}

impl End {
    /// The two ends of a new connection.
    pub(crate) fn pair(name: &str) -> (Self, Self) {
        let (there, back) = (Arc::<Pipe>::default(), Arc::<Pipe>::default());
        let name: Arc<str> = name.into();
        let end = |incoming: &Arc<Pipe>, outgoing: &Arc<Pipe>| Self {
            name: Arc::clone(&name),
            incoming: Arc::clone(incoming),
            fetched: Fifo::new(),
            outgoing: Arc::clone(outgoing),
            written: Count::default(),
            settled: Count::default(),
            untold: Count::default(),
        };
        (end(&back, &there), end(&there, &back))
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::Inproc(self.name.as_ref().to_owned())
    }

    /// Sets whom the other side wakes. What it did before has woken nobody.
    pub(crate) fn register(&self, waker: &Waker) {
        self.incoming.lock().reader.waker = Some(waker.clone());
        self.outgoing.lock().writer.waker = Some(waker.clone());
    }
}

/// Writing.
impl End {
    /// Passes a message on. Returns the reader if it waits and is to be told: in a burst it is left alone until
    /// there are many, or [`announce`](Self::announce).
    #[inline]
    pub(crate) fn push(&mut self, message: Queued, in_burst: bool) -> Passed {
        let extent = message.message.extent();
        self.written.add(extent);
        self.untold.add(extent);
        let mut state = self.outgoing.lock();
        state.queue.push_back(message);
        if !state.reader_waits {
            self.untold = Count::default();
        }
        let reader = if in_burst && self.untold.is_below(ENOUGH) { None } else { state.reader_to_wake() };
        Passed { reader, unannounced: state.reader_waits }
    }

    /// Passes a message of a burst on, for which nothing is paid, if nobody is to be woken for it; false changes nothing.
    #[inline]
    pub(crate) fn push_untold(&mut self, message: &mut Message) -> bool {
        let extent = message.extent();
        let mut state = self.outgoing.lock();
        let mut untold = Count::default();
        if state.reader_waits {
            untold = self.untold;
            untold.add(extent);
            if !untold.is_below(ENOUGH) {
                return false;
            }
        }
        // A blank one takes no call to be dropped.
        let message = std::mem::replace(message, Message::BLANK);
        state.queue.push_back(Queued::new(message, Permit::none()));
        self.untold = untold;
        self.written.add(extent);
        true
    }

    /// Returns the reader if it waits and has something to read.
    pub(crate) fn announce(&self) -> Option<Waker> {
        let mut state = self.outgoing.lock();
        if state.queue.is_empty() { None } else { state.reader_to_wake() }
    }

    /// Takes back what the reader has not fetched.
    pub(crate) fn retract(&mut self) -> Fifo<Queued> {
        let retracted = std::mem::take(&mut self.outgoing.lock().queue);
        self.written = self.written.since(count_of(&retracted));
        retracted
    }

    /// Takes back the oldest message that the reader has not fetched.
    pub(crate) fn retract_oldest(&mut self) -> Option<Queued> {
        let queued = self.outgoing.lock().queue.pop_front()?;
        let mut one = Count::default();
        one.add(queued.message.extent());
        self.written = self.written.since(one);
        Some(queued)
    }

    /// Whether a message that costs `cost` fits below the mark, `level` being what the writer knows; if not,
    /// the writer is woken when the reader takes something.
    pub(crate) fn has_room(&self, level: HighWater, cost: usize) -> bool {
        if self.level(level).has_room(cost) {
            return true;
        }
        self.await_room();
        self.level(level).has_room(cost)
    }

    /// Has the writer woken when the reader takes something.
    pub(crate) fn await_room(&self) {
        self.outgoing.awaited.store(true, Ordering::SeqCst);
    }

    /// What is queued, `level` being what the writer knows.
    pub(crate) fn level(&self, mut level: HighWater) -> HighWater {
        let taken = self.outgoing.taken.count().since(self.settled);
        level.remove_all(taken.messages, taken.all.cost());
        level
    }

    /// What the reader has taken since the last call.
    pub(crate) fn settle(&mut self) -> Count {
        let now = self.outgoing.taken.count();
        now.since(std::mem::replace(&mut self.settled, now))
    }

    /// Whether the writer was woken for room since the last call.
    pub(crate) fn was_freed(&self) -> bool {
        self.outgoing.freed.swap(false, Ordering::AcqRel)
    }

    /// Closes both directions. With `leave` the other side may still take what was written, which counts as
    /// taken, as does what it has fetched; else, and if it does not read any more, the rest comes back. Once
    /// only.
    pub(crate) fn close(&mut self, leave: bool) -> Closed {
        let mut own = [None, None];
        let mut closed = {
            let mut state = self.outgoing.lock();
            if std::mem::replace(&mut state.writer.closed, true) {
                return Closed::default();
            }
            own[0] = state.writer.waker.take();
            let left = leave && !state.reader.closed;
            let unsent = if left { Fifo::new() } else { std::mem::take(&mut state.queue) };
            let taken = self.written.since(count_of(&unsent)).since(self.settled);
            Closed { taken, unsent, abandoned: Count::default(), waker: state.reader.waker.clone() }
        };
        {
            let mut state = self.incoming.lock();
            state.reader.closed = true;
            state.put_back(&mut self.fetched);
            if state.writer.closed {
                closed.abandoned = count_of(&state.queue);
            }
            own[1] = state.reader.waker.take();
        }
        closed
    }
}

/// Reading.
impl End {
    /// Takes the next message.
    #[inline]
    pub(crate) fn pop(&mut self) -> Popped {
        if self.fetched.is_empty() {
            self.look();
        }
        let message = self.fetched.pop_front();
        let mut writer = None;
        if let Some(message) = &message {
            self.incoming.taken.add(message.message.extent());
            writer = self.incoming.writer_to_wake();
        }
        let rest = if self.fetched.is_empty() { self.look() } else { Incoming::Messages };
        Popped { message, rest, writer }
    }

    /// Takes the next message, if others are behind it that were fetched with it; and the writer if it waits for room.
    #[inline]
    pub(crate) fn pop_before_others(&mut self) -> Option<(Queued, Option<Waker>)> {
        if self.fetched.len() < 2 {
            return None;
        }
        let queued = self.fetched.pop_front()?;
        self.incoming.taken.add(queued.message.extent());
        Some((queued, self.incoming.writer_to_wake()))
    }

    /// The same for a message that nothing was paid for, which is put into `into`; false if there is none.
    #[inline(always)]
    pub(crate) fn pop_unpaid(&mut self, into: &mut Message, writer: &mut Option<Waker>) -> bool {
        if self.fetched.len() < 2 || !self.fetched.front().is_some_and(|queued| queued.permit.is_none()) {
            return false;
        }
        let Some(Queued { message, permit, .. }) = self.fetched.pop_front() else { return false };
        // Nothing to give back: spares the look for it.
        std::mem::forget(permit);
        *into = message;
        self.incoming.taken.add(into.extent());
        *writer = self.incoming.writer_to_wake();
        true
    }

    /// What there is to read, for a reader that wants to be woken if there is nothing.
    pub(crate) fn look(&mut self) -> Incoming {
        let mut state = self.incoming.lock();
        if self.fetched.is_empty() {
            std::mem::swap(&mut state.queue, &mut self.fetched);
        }
        let empty = self.fetched.is_empty();
        if state.writer.closed {
            return Incoming::Ended { empty };
        }
        if !empty {
            return Incoming::Messages;
        }
        state.reader_waits = true;
        tidy(&mut state.queue);
        tidy(&mut self.fetched);
        Incoming::Nothing
    }

    /// Whether the other side has closed.
    pub(crate) fn is_left(&self) -> bool {
        self.incoming.lock().writer.closed
    }

    /// Lets the writer leave nothing behind from now on: what is not taken goes back to it. Returns whether
    /// it has left already, and what it left is ours.
    pub(crate) fn stop_reading(&mut self) -> bool {
        let mut state = self.incoming.lock();
        state.reader.closed = true;
        state.put_back(&mut self.fetched);
        state.writer.closed
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let Closed { waker, unsent, taken: _, abandoned: _ } = self.close(false);
        drop(unsent);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests;
