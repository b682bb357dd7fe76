//! Two queues of messages between two sockets of one process.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::endpoint::Endpoint;
use crate::engine::pending::Queued;
use crate::resilience::HighWater;

/// Entries that a drained queue may keep memory for: an idle connection holds next to nothing.
const KEPT_CAPACITY: usize = 32;

/// One side's end of a connection: reads what the other side wrote, and the other way round.
///
/// No method wakes anybody or runs foreign code: the wakers come back, to be woken without any lock.
/// Dropping an end closes it.
#[derive(Debug)]
pub(crate) struct End {
    /// The endpoint that both sides know the connection by.
    name: Arc<str>,
    incoming: Arc<Pipe>,
    outgoing: Arc<Pipe>,
}

/// The messages of one direction, as many as the writer lets in: the marks are its business, and it knows
/// what it wrote from what the reader says it took.
#[derive(Debug, Default)]
struct Pipe {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Queued>,
    /// Since the writer last asked.
    taken: Taken,
    reader: Side,
    writer: Side,
}

#[derive(Debug, Default)]
struct Side {
    waker: Option<Waker>,
    /// It found nothing to do and wants to be woken when there is.
    waits: bool,
    closed: bool,
}

/// What the reader took out of a pipe.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Taken {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
    /// The writer has waited for it.
    pub(crate) awaited: bool,
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

/// What an end that was closed leaves to its owner.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    pub(crate) taken: Taken,
    /// What the other side never took.
    pub(crate) unsent: VecDeque<Queued>,
    /// The other side.
    pub(crate) waker: Option<Waker>,
}

impl Side {
    fn wake_if_waiting(&mut self) -> Option<Waker> {
        if std::mem::take(&mut self.waits) { self.waker.clone() } else { None }
    }
}

impl State {
    fn incoming(&mut self) -> Incoming {
        let empty = self.queue.is_empty();
        if self.writer.closed {
            return Incoming::Ended { empty };
        }
        if !empty {
            return Incoming::Messages;
        }
        self.reader.waits = true;
        if self.queue.capacity() > KEPT_CAPACITY {
            self.queue = VecDeque::new();
        }
        Incoming::Nothing
    }
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic half-way; a poisoned lock is as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl End {
    /// The two ends of a new connection.
    pub(crate) fn pair(name: &str) -> (Self, Self) {
        let (incoming, outgoing) = (Arc::<Pipe>::default(), Arc::<Pipe>::default());
        let one = Self { name: name.into(), incoming, outgoing };
        let (incoming, outgoing) = (Arc::clone(&one.outgoing), Arc::clone(&one.incoming));
        let other = Self { name: Arc::clone(&one.name), incoming, outgoing };
        (one, other)
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::Inproc(self.name.as_ref().to_owned())
    }

    /// Sets whom the other side wakes. What it did before has woken nobody.
    pub(crate) fn register(&self, waker: &Waker) {
        self.incoming.lock().reader.waker = Some(waker.clone());
        self.outgoing.lock().writer.waker = Some(waker.clone());
    }

    /// Passes a message on. Returns the reader if it waits, and what it has taken since the last call.
    #[inline]
    pub(crate) fn push(&self, message: Queued) -> (Option<Waker>, Taken) {
        let mut state = self.outgoing.lock();
        state.queue.push_back(message);
        // Whether somebody waits for the room is for the wake to tell, which comes.
        let taken = Taken { awaited: false, ..state.taken };
        state.taken = Taken { awaited: state.taken.awaited, ..Taken::default() };
        (state.reader.wake_if_waiting(), taken)
    }

    /// Takes back what the reader has not taken.
    pub(crate) fn retract(&self) -> VecDeque<Queued> {
        std::mem::take(&mut self.outgoing.lock().queue)
    }

    /// Takes the next message.
    #[inline]
    pub(crate) fn pop(&self) -> Popped {
        let mut state = self.incoming.lock();
        let message = state.queue.pop_front();
        let mut writer = None;
        if let Some(message) = &message {
            state.taken.messages += 1;
            state.taken.bytes += message.size;
            writer = state.writer.wake_if_waiting();
            state.taken.awaited |= writer.is_some();
        }
        Popped { message, rest: state.incoming(), writer }
    }

    /// What there is to read, for a reader that wants to be woken if there is nothing.
    pub(crate) fn look(&self) -> Incoming {
        self.incoming.lock().incoming()
    }

    /// Lets the writer leave nothing behind from now on: what is not taken goes back to it. Returns whether
    /// it has left already, and what it left is ours.
    pub(crate) fn stop_reading(&self) -> bool {
        let mut state = self.incoming.lock();
        state.reader.closed = true;
        state.writer.closed
    }

    /// Whether a message of `size` bytes fits below the mark, `level` being what the writer knows; if not,
    /// the writer is woken when the reader takes something.
    pub(crate) fn has_room(&self, level: HighWater, size: usize) -> bool {
        let mut state = self.outgoing.lock();
        let room = state.current(level).has_room(size);
        state.writer.waits |= !room;
        room
    }

    /// What is queued, `level` being what the writer knows.
    pub(crate) fn level(&self, level: HighWater) -> HighWater {
        self.outgoing.lock().current(level)
    }

    /// What the reader has taken since the last call.
    pub(crate) fn settle(&self) -> Taken {
        std::mem::take(&mut self.outgoing.lock().taken)
    }

    /// Closes both directions. With `leave` the other side may still take what was written, which counts as
    /// taken; else, and if it does not read any more, that comes back. Once only.
    pub(crate) fn close(&self, leave: bool) -> Closed {
        let mut own = [None, None];
        let closed = {
            let mut state = self.outgoing.lock();
            if std::mem::replace(&mut state.writer.closed, true) {
                return Closed::default();
            }
            own[0] = state.writer.waker.take();
            let mut taken = std::mem::take(&mut state.taken);
            let unsent = if leave && !state.reader.closed {
                taken.messages += state.queue.len();
                taken.bytes += state.queue.iter().map(|message| message.size).sum::<usize>();
                VecDeque::new()
            } else {
                std::mem::take(&mut state.queue)
            };
            Closed { taken, unsent, waker: state.reader.waker.clone() }
        };
        {
            let mut state = self.incoming.lock();
            state.reader.closed = true;
            own[1] = state.reader.waker.take();
        }
        closed
    }
}

impl State {
    fn current(&self, mut level: HighWater) -> HighWater {
        level.remove_all(self.taken.messages, self.taken.bytes);
        level
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let Closed { waker, unsent, taken: _ } = self.close(false);
        drop(unsent);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;
    use crate::message::Message;
    use crate::resilience::Permit;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Counter {
        fn woken(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    /// A connection whose sides count their wakes, and have looked once.
    fn connection() -> [(End, Arc<Counter>); 2] {
        let (a, b) = End::pair("name");
        [a, b].map(|end| {
            let counter = Arc::new(Counter::default());
            end.register(&Waker::from(Arc::clone(&counter)));
            assert_eq!(end.look(), Incoming::Nothing);
            (end, counter)
        })
    }

    fn queued(size: usize) -> Queued {
        Queued::new(Message::from(vec![0; size]), Permit::none())
    }

    fn wake(waker: Option<Waker>) {
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    #[test]
    fn a_reader_is_woken_once_for_what_it_has_not_seen() {
        let [(a, _), (b, reader)] = connection();
        for _ in 0..3 {
            wake(a.push(queued(1)).0);
        }
        assert_eq!((reader.woken(), b.look()), (1, Incoming::Messages));
        for rest in [Incoming::Messages, Incoming::Messages, Incoming::Nothing, Incoming::Nothing] {
            assert_eq!(b.pop().rest, rest);
        }
        wake(a.push(queued(1)).0);
        assert_eq!(reader.woken(), 2);
    }

    /// What the writer learns and when it is woken: kills a level that is stale, and a wake that is lost
    /// when the writer learns of the room before it is woken.
    #[test]
    fn one_message_out_makes_room_for_one() {
        let [(a, writer), (b, _)] = connection();
        let mut level = HighWater::new(2, 100);
        for _ in 0..2 {
            assert!(a.has_room(level, 10));
            wake(a.push(queued(10)).0);
            level.add(10);
        }
        wake(b.pop().writer);
        assert_eq!(writer.woken(), 0, "nobody waits");
        assert!(a.has_room(level, 90) && !a.has_room(level, 91));
        assert_eq!(a.level(level).messages(), 1);
        let popped = b.pop();
        wake(popped.writer);
        assert_eq!(writer.woken(), 1);
        let (_, taken) = a.push(queued(10));
        assert_eq!(taken, Taken { messages: 2, bytes: 20, awaited: false });
        assert_eq!(a.settle(), Taken { messages: 0, bytes: 0, awaited: true });
        assert_eq!(a.settle(), Taken::default());
    }

    #[test]
    fn what_is_left_in_good_order_is_read_before_the_end() {
        let [(a, _), (b, reader)] = connection();
        wake(a.push(queued(1)).0);
        wake(a.push(queued(2)).0);
        let closed = a.close(true);
        wake(closed.waker);
        assert_eq!((closed.taken.messages, closed.taken.bytes, closed.unsent.len()), (2, 3, 0));
        assert_eq!(reader.woken(), 2);
        assert_eq!(b.look(), Incoming::Ended { empty: false });
        assert!(a.close(false).unsent.is_empty(), "once");
        drop(a);
        assert_eq!(b.pop().rest, Incoming::Ended { empty: false });
        let last = b.pop();
        assert_eq!((last.message.unwrap().size, last.rest), (2, Incoming::Ended { empty: true }));
        assert!(b.pop().message.is_none());
    }

    #[test]
    fn what_was_not_taken_comes_back() {
        // The writer gives up, and the reader is not there to take what would be left to it.
        for reader_leaves in [false, true] {
            let [(a, _), (b, reader)] = connection();
            wake(a.push(queued(1)).0);
            wake(a.push(queued(2)).0);
            drop(b.pop());
            if reader_leaves {
                assert!(b.close(true).unsent.is_empty());
            }
            let closed = a.close(reader_leaves);
            wake(closed.waker);
            assert_eq!((closed.taken.messages, closed.unsent.len()), (1, 1));
            assert_eq!(reader.woken(), if reader_leaves { 1 } else { 2 });
            assert_eq!(b.look(), Incoming::Ended { empty: true });
        }
    }

    #[test]
    fn dropping_an_end_ends_the_other() {
        let [(a, _), (b, reader)] = connection();
        drop(a);
        assert_eq!((reader.woken(), b.look()), (1, Incoming::Ended { empty: true }));
    }

    #[test]
    fn a_drained_pipe_holds_no_memory() {
        let [(a, _), (b, _)] = connection();
        for _ in 0..10_000 {
            drop(a.push(queued(1)));
        }
        while b.pop().rest == Incoming::Messages {}
        assert!(b.incoming.lock().queue.capacity() <= KEPT_CAPACITY);
    }
}
