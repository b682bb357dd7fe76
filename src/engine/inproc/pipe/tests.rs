use std::thread;

use super::*;
use futures_test::task::{AwokenCount, new_count_waker};

use crate::engine::test_wakers::unpark_this_thread;
use crate::message::{Frame, Message};
use crate::resilience::Permit;

/// A connection whose sides count their wakes, and have looked once.
fn connection() -> [(End, AwokenCount); 2] {
    let (a, b) = End::pair("name");
    [a, b].map(|mut end| {
        let (waker, counter) = new_count_waker();
        end.register(&waker);
        assert_eq!(end.look(), Incoming::Nothing);
        (end, counter)
    })
}

fn queued(size: usize) -> Queued {
    Queued::new(Message::from(vec![0; size]), Permit::none())
}

/// What `messages` messages cost that have so many bytes together.
fn cost(messages: usize, bytes: usize) -> usize {
    messages * Frame::COST + bytes
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[test]
fn a_reader_is_woken_once_for_what_it_has_not_seen() {
    let [(mut a, _), (mut b, reader)] = connection();
    for _ in 0..3 {
        wake(a.push(queued(1), false).reader);
    }
    assert_eq!((reader.get(), b.look()), (1, Incoming::Messages));
    for rest in [Incoming::Messages, Incoming::Messages, Incoming::Nothing, Incoming::Nothing] {
        assert_eq!(b.pop().rest, rest);
    }
    wake(a.push(queued(1), false).reader);
    assert_eq!(reader.get(), 2);
}

/// Kills a burst that tells nobody for good, and a message that is lost or doubled where it has to be told.
#[test]
fn a_burst_is_passed_on_untold_until_there_is_much_of_it() {
    let [(mut a, _), (mut b, reader)] = connection();
    let pushed = (1..).take_while(|&size| a.push_untold(&mut vec![0; size].into())).count();
    assert_eq!((pushed, reader.get()), (ENOUGH.messages - 1, 0));
    let mut refused = Message::from(vec![0; pushed + 1]);
    assert!(!a.push_untold(&mut refused));
    assert_eq!(refused.size(), pushed + 1, "it changes nothing");
    wake(a.push(Queued::new(refused, Permit::none()), true).reader);
    assert_eq!(reader.get(), 1);
    // One that does not wait need not be told.
    assert!(a.push_untold(&mut vec![0; pushed + 2].into()));
    for size in 1..=pushed + 1 {
        b.look();
        let (queued, writer) = b.pop_before_others().unwrap();
        assert_eq!((queued.message.size(), writer.is_none()), (size, true));
    }
    assert!(b.pop_before_others().is_none(), "the last is left to one who looks behind it");
    let last = b.pop();
    assert_eq!((last.message.unwrap().message.size(), last.rest), (pushed + 2, Incoming::Nothing));
    let taken = a.settle();
    assert_eq!(taken.messages, pushed + 2);
    assert_eq!(taken.all.size, (1..=pushed + 2).sum::<usize>());
    assert!(a.push_untold(&mut Message::from(vec![0; 10])), "it waits again, and is left alone again");
    a.await_room();
    wake(a.push(queued(1), false).reader);
    b.look();
    assert!(b.pop_before_others().unwrap().1.is_some(), "the writer waits for room");
}

/// What the writer learns and when it is woken: kills a level that is stale, and a wake that is lost
/// when the writer learns of the room before it is woken.
#[test]
fn one_message_out_makes_room_for_one() {
    let [(mut a, writer), (mut b, _)] = connection();
    let mut level = HighWater::new(2, cost(2, 100));
    for _ in 0..2 {
        assert!(a.has_room(level, cost(1, 10)));
        wake(a.push(queued(10), false).reader);
        level.add(cost(1, 10));
    }
    wake(b.pop().writer);
    assert_eq!(writer.get(), 0, "nobody waits");
    assert!(a.has_room(level, cost(1, 90)) && !a.has_room(level, cost(1, 91)));
    assert_eq!(a.level(level).messages(), 1);
    let popped = b.pop();
    wake(popped.writer);
    assert_eq!(writer.get(), 1);
    assert_eq!(a.settle(), Count { messages: 2, all: Extent { size: 20, frames: 2 } });
    assert_eq!((a.was_freed(), a.was_freed()), (true, false));
    assert_eq!(a.settle(), Count::default());
}

#[test]
fn what_is_left_in_good_order_is_read_before_the_end() {
    let [(mut a, _), (mut b, reader)] = connection();
    wake(a.push(queued(1), false).reader);
    wake(a.push(queued(2), false).reader);
    let closed = a.close(true);
    wake(closed.waker);
    assert_eq!((closed.taken.messages, closed.taken.all.cost(), closed.unsent.len()), (2, cost(2, 3), 0));
    assert_eq!(reader.get(), 2);
    assert_eq!(b.look(), Incoming::Ended { empty: false });
    assert!(a.close(false).unsent.is_empty(), "once");
    drop(a);
    assert_eq!(b.pop().rest, Incoming::Messages);
    let last = b.pop();
    assert_eq!((last.message.unwrap().message.size(), last.rest), (2, Incoming::Ended { empty: true }));
    assert!(b.pop().message.is_none());
}

/// Kills losing or doubling what was fetched and not taken.
#[test]
fn what_was_not_taken_comes_back() {
    // The writer gives up, and the reader is not there to take what would be left to it.
    for reader_leaves in [false, true] {
        let [(mut a, _), (mut b, reader)] = connection();
        wake(a.push(queued(1), false).reader);
        wake(a.push(queued(2), false).reader);
        assert_eq!(b.pop().message.unwrap().message.size(), 1);
        wake(a.push(queued(3), false).reader);
        if reader_leaves {
            assert!(b.close(true).unsent.is_empty());
        }
        let closed = a.close(reader_leaves);
        wake(closed.waker);
        let unsent: Vec<usize> = closed.unsent.iter().map(|queued| queued.message.size()).collect();
        let taken = (closed.taken.messages, closed.taken.all.cost());
        assert_eq!(
            (taken, unsent),
            if reader_leaves { ((1, cost(1, 1)), vec![2, 3]) } else { ((2, cost(2, 3)), vec![3]) }
        );
        assert_eq!(reader.get(), if reader_leaves { 1 } else { 2 });
        assert_eq!(b.look(), Incoming::Ended { empty: reader_leaves });
        assert_eq!(b.pop().message.map(|queued| queued.message.size()), Some(2).filter(|_| !reader_leaves));
    }
}

/// Whoever is first: nothing is left to a reader that has stopped, nor taken back from one that has not.
#[test]
fn a_reader_that_stops_is_left_nothing() {
    let [(mut a, _), (mut b, _)] = connection();
    wake(a.push(queued(1), false).reader);
    assert!(!b.stop_reading());
    let closed = a.close(true);
    assert_eq!((closed.taken.messages, closed.unsent.len()), (0, 1));

    let [(mut a, _), (mut b, _)] = connection();
    wake(a.push(queued(1), false).reader);
    let closed = a.close(true);
    assert_eq!((closed.taken.messages, closed.unsent.len()), (1, 0));
    assert!(b.stop_reading());
    assert_eq!(b.pop().message.unwrap().message.size(), 1);
}

#[test]
fn a_burst_is_there_at_once_and_announced_in_bulk_and_at_its_end() {
    let [(mut a, _), (mut b, reader)] = connection();
    for n in 1..=ENOUGH.messages {
        let Passed { reader, unannounced } = a.push(queued(1), true);
        assert_eq!((reader.is_some(), unannounced), (n == ENOUGH.messages, n < ENOUGH.messages));
    }
    assert!(!a.push(queued(1), true).unannounced, "it is awake");
    while b.pop().rest == Incoming::Messages {}
    assert_eq!(a.settle().messages, ENOUGH.messages + 1);
    assert!(a.push(queued(1), true).unannounced);
    assert!(a.push(queued(2), true).unannounced);
    wake(a.announce());
    wake(a.announce());
    assert_eq!(reader.get(), 1);
    assert_eq!((b.pop().message.unwrap().message.size(), b.pop().message.unwrap().message.size()), (1, 2));
    wake(a.announce());
    assert_eq!(reader.get(), 1, "for nothing");
    wake(a.push(queued(ENOUGH.all.size), true).reader);
    assert_eq!(reader.get(), 2);
}

/// Kills an order of telling and looking in which a writer at its mark or a reader is forgotten: it hangs.
#[test]
fn two_threads_never_forget_each_other() {
    const MESSAGES: usize = 10_000;
    for mark in [1, 3] {
        let (mut a, mut b) = End::pair("threads");
        let reader = thread::spawn(move || {
            b.register(&unpark_this_thread());
            for n in 0..MESSAGES {
                let message = loop {
                    let popped = b.pop();
                    wake(popped.writer);
                    if let Some(message) = popped.message {
                        break message;
                    }
                    // Some may have come since there was none, and nobody tells who knows of them.
                    if popped.rest == Incoming::Nothing {
                        thread::park();
                    }
                };
                assert_eq!(message.message.size(), n % 5);
            }
        });
        a.register(&unpark_this_thread());
        let mut level = HighWater::new(mark, usize::MAX);
        for n in 0..MESSAGES {
            let cost = cost(1, n % 5);
            while !a.has_room(level, cost) {
                wake(a.announce());
                thread::park();
            }
            let taken = a.settle();
            level.remove_all(taken.messages, taken.all.cost());
            level.add(cost);
            wake(a.push(queued(n % 5), true).reader);
        }
        wake(a.announce());
        reader.join().unwrap();
        assert_eq!((a.level(level).messages(), a.level(level).bytes()), (0, 0));
    }
}

#[test]
fn dropping_an_end_ends_the_other() {
    let [(a, _), (mut b, reader)] = connection();
    drop(a);
    assert_eq!((reader.get(), b.look()), (1, Incoming::Ended { empty: true }));
}

#[test]
fn a_drained_pipe_holds_no_memory() {
    let [(mut a, _), (mut b, _)] = connection();
    for _ in 0..10_000 {
        drop(a.push(queued(1), true));
    }
    while b.pop().rest == Incoming::Messages {}
    assert!(b.incoming.lock().queue.capacity() <= KEPT_CAPACITY);
    assert!(b.fetched.capacity() <= KEPT_CAPACITY);
}

#[test]
fn what_is_left_for_a_reader_that_never_comes_is_counted_by_it() {
    let [(mut a, _), (mut b, _)] = connection();
    wake(a.push(queued(1), false).reader);
    wake(a.push(queued(1), false).reader);
    wake(b.pop().writer);
    assert_eq!(a.close(true).taken.messages, 2);
    assert_eq!([(); 2].map(|()| b.close(false).abandoned.messages), [1, 0], "once");
    let [(mut a, _), (mut b, _)] = connection();
    wake(a.push(queued(1), false).reader);
    assert_eq!(b.close(false).abandoned, Count::default(), "it goes back");
    assert_eq!((a.close(true).taken.messages, a.close(true).unsent.len()), (0, 0));
}
