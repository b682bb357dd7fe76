//! The ready queue: which peers have something to do, and who is told about it.
//!
//! Every peer has one waker for all its life. A wake puts the peer on the queue, so a turn costs what
//! is ready and never what exists, and peers are served in the order in which they became ready.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

use super::parked::{List, WaitList};
use crate::foreign::quietly;
use crate::monitor::PeerId;

/// Somebody holds the core and looks at the queue before letting go: nobody else needs waking.
const IN_TURN: u8 = 1;
/// The queue is not empty.
const EVENTS: u8 = 2;
/// Somebody other than the companion was told, and the companion has been, to look later whether they came.
const TOLD: u8 = 4;

/// Whom to wake: the one that should act, and the companion if it is to mind that.
pub(crate) type Next = [Option<Waker>; 2];

/// Peers with pending events, and the tasks that can act on them.
#[derive(Debug, Default)]
pub(crate) struct ReadyQueue {
    state: Mutex<State>,
    /// `IN_TURN` and `EVENTS`, in one place: of a turn that ends and an event that comes, one is first, and
    /// the other sees it. So a turn in which nothing came needs no lock. `EVENTS` changes under the lock, and
    /// so does `TOLD`.
    flags: AtomicU8,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<PeerId>,
    /// Futures in `recv`: the first to be told, so that a message needs no hop through the companion.
    receivers: WaitList,
    /// Other futures that drive a socket without a companion.
    helpers: WaitList,
    /// One of our own around that of its task: it can be cloned under a lock.
    companion: Option<Waker>,
}

impl ReadyQueue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic half-way; a poisoned lock is as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The task that should act next, if there is something to act on. One that is about to go to sleep and
    /// has not left its waker yet will see that it was meant.
    ///
    /// A future that is told may never be polled again, though it is there: one that is raced against others
    /// and kept, a socket that was used as a `Stream`. What it was told of may be a handshake or the end of a
    /// connection, which others wait for. So the companion is told as well, of the first of many, and looks
    /// some time later.
    fn tell(&self, state: &mut State) -> Next {
        if state.queue.is_empty() {
            return [None, None];
        }
        let parked = [&mut state.receivers, &mut state.helpers].into_iter().find(|list| !list.is_empty());
        let Some(list) = parked else { return [state.companion.clone(), None] };
        let is_first = self.flags.fetch_or(TOLD, Ordering::AcqRel) & TOLD == 0;
        [list.wake_next(), state.companion.clone().filter(|_| is_first)]
    }

    /// Whether others were told since the companion last forgot.
    pub(crate) fn has_told(&self) -> bool {
        self.flags.load(Ordering::Acquire) & TOLD != 0
    }

    /// The companion has looked at all that they were told of; called in a turn, in which nobody is told.
    pub(crate) fn forget_told(&self) {
        let _state = self.lock();
        self.flags.fetch_and(!TOLD, Ordering::AcqRel);
    }

    fn push(&self, peer: PeerId) {
        let next = {
            let mut state = self.lock();
            state.queue.push_back(peer);
            let before = self.flags.fetch_or(EVENTS, Ordering::AcqRel);
            if before & IN_TURN == 0 { self.tell(&mut state) } else { [None, None] }
        };
        for waker in next.into_iter().flatten() {
            quietly(|| waker.wake());
        }
    }

    /// Starts a stretch in which the caller polls streams and answers for the queue.
    pub(crate) fn begin_turn(&self) {
        self.flags.fetch_or(IN_TURN, Ordering::AcqRel);
    }

    /// Ends it; returns whom to wake for what is still queued.
    #[must_use]
    pub(crate) fn end_turn(&self) -> Next {
        let before = self.flags.fetch_and(!IN_TURN, Ordering::AcqRel);
        if before & EVENTS == 0 { [None, None] } else { self.tell(&mut self.lock()) }
    }

    /// Whether some peer has something to do; one that gets it just now may be missed, and is not forgotten
    /// by whoever parks or ends a turn afterwards.
    #[inline]
    pub(crate) fn has_events(&self) -> bool {
        self.flags.load(Ordering::Acquire) & EVENTS != 0
    }

    /// The peer that has been ready for longest; called in a turn.
    pub(crate) fn pop(&self) -> Option<PeerId> {
        if !self.has_events() {
            return None;
        }
        let mut state = self.lock();
        let peer = state.queue.pop_front();
        if state.queue.is_empty() {
            self.flags.fetch_and(!EVENTS, Ordering::AcqRel);
        }
        peer
    }

    /// Whom to wake for what is queued: called by those who have just gone to sleep, or leave.
    #[must_use]
    pub(crate) fn next(&self) -> Next {
        if self.has_events() { self.tell(&mut self.lock()) } else { [None, None] }
    }

    /// Does something to the list of those who receive, or of those who drive.
    pub(super) fn on_list<R>(&self, list: List, act: impl FnOnce(&mut WaitList) -> R) -> R {
        let mut state = self.lock();
        act(if list == List::Receivers { &mut state.receivers } else { &mut state.helpers })
    }

    /// Sets the waker that is told when no receiver waits; returns the old one to be dropped.
    pub(crate) fn set_companion(&self, waker: Option<Waker>) -> Option<Waker> {
        let waker = waker.map(|waker| Waker::from(Arc::new(Own(waker))));
        std::mem::replace(&mut self.lock().companion, waker)
    }

    pub(crate) fn companion(&self) -> Option<Waker> {
        self.lock().companion.clone()
    }
}

/// A waker around a foreign one: nothing foreign runs when it is cloned.
struct Own(Waker);

impl Wake for Own {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake_by_ref();
    }
}

/// The waker of one peer.
#[derive(Debug)]
pub(crate) struct PeerSignal {
    peer: PeerId,
    queued: AtomicBool,
    ready: Arc<ReadyQueue>,
}

impl PeerSignal {
    pub(crate) fn new(peer: PeerId, ready: &Arc<ReadyQueue>) -> Arc<Self> {
        Arc::new(Self { peer, queued: AtomicBool::new(false), ready: Arc::clone(ready) })
    }

    /// Marks the peer as taken off the queue; called before it is polled, so that an event during the
    /// poll queues it again.
    pub(crate) fn taken(&self) {
        self.queued.store(false, Ordering::Release);
    }
}

impl Wake for PeerSignal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.ready.push(self.peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::test_wakers::unpark_this_thread;
    use futures_test::task::new_count_waker;
    use std::sync::atomic::AtomicUsize;
    use std::thread;

    fn park(ready: &ReadyQueue, key: u64, waker: &Waker) {
        ready.on_list(List::Receivers, |list| {
            assert!(!list.enter(key, 0, None, waker));
            list.arm(key, waker.clone()).unwrap();
        });
    }

    fn wake(next: Next) {
        next.into_iter().flatten().for_each(Waker::wake);
    }

    /// Kills leaving all to one that is told and may not come.
    #[test]
    fn the_companion_is_told_of_the_first_of_many_that_others_are_told_of() {
        let ready = Arc::new(ReadyQueue::default());
        let (waker, companion) = new_count_waker();
        ready.set_companion(Some(waker));
        for round in 1..=3 {
            assert!(!ready.has_told());
            for peer in 0..5 {
                park(&ready, peer, Waker::noop());
                PeerSignal::new(PeerId::new(peer as u32, 0), &ready).wake_by_ref();
            }
            assert!(ready.has_told());
            assert_eq!(companion.get(), round);
            ready.begin_turn();
            while ready.pop().is_some() {}
            ready.forget_told();
            wake(ready.end_turn());
            (0..5).for_each(|peer| drop(ready.on_list(List::Receivers, |list| list.leave(peer, 0))));
        }
    }

    #[test]
    fn a_parked_receiver_is_told_before_the_companion_which_minds_it() {
        let ready = Arc::new(ReadyQueue::default());
        let (waker, companion) = new_count_waker();
        ready.set_companion(Some(waker));
        let (waker, receiver) = new_count_waker();
        park(&ready, 1, &waker);
        let signal = PeerSignal::new(PeerId::new(0, 0), &ready);
        signal.wake_by_ref();
        signal.wake_by_ref();
        assert_eq!((receiver.get(), companion.get()), (1, 1));
        assert_eq!(ready.pop(), Some(PeerId::new(0, 0)));
        assert_eq!(ready.pop(), None, "queued once");
    }

    #[test]
    fn a_dropped_receiver_hands_its_wake_on() {
        let ready = Arc::new(ReadyQueue::default());
        let (waker, companion) = new_count_waker();
        ready.set_companion(Some(waker));
        park(&ready, 1, Waker::noop());
        PeerSignal::new(PeerId::new(0, 0), &ready).wake_by_ref();
        assert_eq!(companion.get(), 1, "to mind it");
        assert!(ready.on_list(List::Receivers, |list| list.leave(1, 0)).passes_on);
        wake(ready.next());
        assert_eq!(companion.get(), 2);
    }

    #[test]
    fn nothing_is_woken_inside_a_turn_and_nothing_is_forgotten_after_it() {
        let ready = Arc::new(ReadyQueue::default());
        let (waker, companion) = new_count_waker();
        ready.set_companion(Some(waker));
        ready.begin_turn();
        PeerSignal::new(PeerId::new(3, 1), &ready).wake_by_ref();
        assert_eq!(companion.get(), 0);
        assert!(ready.end_turn()[0].is_some());
        park(&ready, 1, Waker::noop());
        assert!(ready.next()[0].is_some(), "something is ready");
    }

    /// Kills a turn that ends without an event that took it for open: it hangs.
    #[test]
    fn what_comes_as_a_turn_ends_is_seen_by_one_or_the_other() {
        const EVENTS: usize = 20_000;
        let ready = Arc::new(ReadyQueue::default());
        let signal = PeerSignal::new(PeerId::new(0, 0), &ready);
        let (sent, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        ready.set_companion(Some(unpark_this_thread()));
        let other = thread::spawn({
            let (signal, sent, seen) = (Arc::clone(&signal), Arc::clone(&sent), Arc::clone(&seen));
            move || {
                for event in 1..=EVENTS {
                    sent.store(event, Ordering::SeqCst);
                    signal.wake_by_ref();
                    while seen.load(Ordering::SeqCst) < event {
                        thread::yield_now();
                    }
                }
            }
        });
        while seen.load(Ordering::SeqCst) < EVENTS {
            ready.begin_turn();
            while ready.pop().is_some() {
                signal.taken();
                seen.store(sent.load(Ordering::SeqCst), Ordering::SeqCst);
            }
            match ready.end_turn() {
                [Some(waker), _] => waker.wake(),
                _ if seen.load(Ordering::SeqCst) < EVENTS => thread::park(),
                _ => {}
            }
        }
        other.join().unwrap();
    }
}
