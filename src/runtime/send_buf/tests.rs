use super::*;

/// What a queue is meant to be: messages and commands as plain bytes.
#[derive(Default)]
struct Model {
    entries: VecDeque<(Vec<u8>, Option<usize>)>,
    /// Bytes written of the front entry and those behind it.
    written: usize,
    /// Bytes that were ever put: also makes every byte differ from its neighbours.
    total: usize,
}

/// A queue and what it should do, in step.
#[derive(Default)]
struct Pair {
    queue: SendBuf,
    model: Model,
}

impl Pair {
    fn fresh(&mut self, len: usize) -> Vec<u8> {
        let start = self.model.total;
        self.model.total += len;
        (start..start + len).map(|at| (at % 251) as u8).collect()
    }

    /// Puts pieces; the flag says whether a piece is referenced.
    fn put(&mut self, pieces: &[(usize, bool)], is_message: bool) {
        let mut whole = Vec::new();
        for &(len, referenced) in pieces {
            let bytes = self.fresh(len);
            whole.extend_from_slice(&bytes);
            if referenced {
                self.queue.reference(bytes.into());
            } else {
                self.queue.put(&bytes);
            }
        }
        let cost = is_message.then_some(whole.len() + 1000);
        match cost {
            Some(cost) => self.queue.end_message(Extent { size: cost, frames: 1 }),
            None => self.queue.end_control(),
        }
        self.model.entries.push_back((whole, cost));
    }

    /// A kernel that takes up to `slices` slices and `len` bytes; the accounts after it.
    fn write(&mut self, slices: usize, len: usize) {
        let mut io = [IoSlice::new(&[]); 64];
        let filled = self.queue.io_slices(&mut io[..slices]);
        assert!(io[..filled].iter().all(|slice| !slice.is_empty()));
        assert!(filled <= self.queue.io_slice_count());
        assert_eq!(self.queue.chunk(), io.first().map_or(&[][..], |first| first));
        let mut seen: Vec<u8> = io[..filled].iter().flat_map(|slice| slice.iter().copied()).collect();
        seen.truncate(len);
        let due = self.model.entries.iter().flat_map(|(bytes, _)| bytes).skip(self.model.written);
        assert!(seen.iter().eq(due.take(seen.len())), "wrong bytes");
        self.queue.advance(seen.len());
        self.model.written += seen.len();
        self.settle();
    }

    fn settle(&mut self) {
        let mut expected = Vec::new();
        while self.model.entries.front().is_some_and(|(bytes, _)| bytes.len() <= self.model.written) {
            let (bytes, cost) = self.model.entries.pop_front().unwrap();
            self.model.written -= bytes.len();
            expected.extend(cost);
        }
        if self.queue.awaits_flush() {
            assert!(self.queue.pop_written().is_none(), "nothing counts before it is flushed");
        }
        self.queue.flush();
        let reported: Vec<Written> = std::iter::from_fn(|| self.queue.pop_written()).collect();
        assert_eq!(reported.iter().map(|written| written.messages).sum::<usize>(), expected.len());
        assert_eq!(
            reported.iter().map(|written| written.all.size).sum::<usize>(),
            expected.iter().sum::<usize>()
        );
        self.check();
    }

    fn check(&self) {
        let (queue, model) = (&self.queue, &self.model);
        let kept: usize = model.entries.iter().map(|(bytes, _)| bytes.len()).sum();
        assert_eq!(queue.remaining(), kept - model.written);
        assert_eq!(queue.remaining(), queue.remaining_copied() + queue.remaining_shared());
        assert_eq!(queue.is_empty(), queue.remaining() == 0);
        assert_eq!(queue.queued_total(), model.total as u64);
        assert_eq!(queue.written_total(), (model.total - queue.remaining()) as u64);
        let in_message = model.entries.front().is_some_and(|(_, cost)| cost.is_some());
        assert_eq!(queue.is_mid_message(), in_message && model.written > 0);
    }

    /// The connection is lost.
    fn drain(mut self) {
        let unsent = self.queue.drain_unsent();
        let left = self.model.entries.iter().enumerate();
        let messages: Vec<_> = left.filter(|(_, (_, cost))| cost.is_some()).collect();
        assert_eq!(unsent.len(), messages.len());
        for (unsent, (index, (bytes, _))) in unsent.iter().zip(messages) {
            assert_eq!(unsent.pieces.concat(), *bytes);
            assert_eq!(unsent.begun, index == 0 && self.model.written > 0);
        }
        assert!(self.queue.is_empty() && !self.queue.is_mid_message());
        assert_eq!(self.queue.arena.capacity(), 0);
    }
}

/// Every script of up to five steps. Kills: reporting early or twice, losing the cursor between kinds of
/// pieces, recovering from the wrong place or commands, forgetting what a begun message needs.
#[test]
fn all_short_scripts_match_the_model() {
    const C: bool = false;
    const R: bool = true;
    let steps: [fn(&mut Pair); 9] = [
        |pair| pair.put(&[(2, C)], true),
        |pair| pair.put(&[(1, C), (3, R)], true),
        |pair| pair.put(&[(2, R), (1, C), (1, C)], true),
        |pair| pair.put(&[(1, C)], false),
        |pair| pair.write(64, 1),
        |pair| pair.write(64, 2),
        |pair| pair.write(1, 3),
        |pair| pair.write(2, usize::MAX),
        |pair| pair.write(64, usize::MAX),
    ];
    for len in 1..=5 {
        for script in 0..steps.len().pow(len) {
            let mut pair = Pair::default();
            let mut rest = script;
            for _ in 0..len {
                steps[rest % steps.len()](&mut pair);
                rest /= steps.len();
            }
            pair.check();
            pair.drain();
        }
    }
}

#[test]
fn random_scripts_match_the_model() {
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..200 {
        let mut pair = Pair::default();
        for _ in 0..random.usize(1..80) {
            if random.bool() {
                let pieces: Vec<_> =
                    (0..random.usize(1..5)).map(|_| (random.usize(1..400), random.bool())).collect();
                pair.put(&pieces, random.u8(..) < 220);
            } else {
                let len = random.usize(..pair.queue.remaining() + 2);
                pair.write(random.usize(1..=64), len);
            }
        }
        pair.drain();
    }
}

/// A kernel that never takes whole messages, and a queue that is never empty: the usual state of a
/// saturated connection.
#[test]
fn a_saturated_connection_does_not_pile_up() {
    let mut pair = Pair::default();
    pair.put(&[(700, false), (50, true)], true);
    for _ in 0..2000 {
        pair.put(&[(700, false), (50, true)], true);
        pair.write(64, 749);
        assert!(pair.queue.arena.capacity() < 4 * COMPACT_FROM);
        assert!(pair.queue.shared.len() <= pair.model.entries.len());
    }
    assert!(pair.queue.remaining() > 2000, "it fell behind on purpose");
    pair.drain();
}

#[test]
fn a_long_message_is_kept_until_its_last_byte() {
    let mut pair = Pair::default();
    pair.put(&[(5, false)], true);
    pair.put(&vec![(300, false); 1000], true);
    for _ in 0..299 {
        pair.write(64, 1000);
        assert!(pair.queue.arena.len() >= 300_000);
    }
    pair.drain();
}

#[test]
fn copies_small_and_references_large() {
    let large = Bytes::from(vec![1; REFERENCE_FROM]);
    let mut queue = SendBuf::default();
    queue.put(b"head");
    queue.put_shared(&large.slice(1..));
    queue.put_shared(&large);
    queue.end_message(Extent { size: 2 * REFERENCE_FROM, frames: 1 });
    assert_eq!((queue.remaining_copied(), queue.remaining_shared()), (REFERENCE_FROM + 3, REFERENCE_FROM));
    assert_eq!(queue.chunk().len(), REFERENCE_FROM + 3);
    queue.advance(REFERENCE_FROM + 4);
    assert_eq!(queue.chunk().as_ptr(), large[1..].as_ptr());
    let unsent = queue.drain_unsent();
    assert_eq!(unsent[0].pieces.len(), 2);
    assert_eq!(unsent[0].pieces[1].as_ptr(), large.as_ptr(), "recovered without copying");
}

#[test]
fn commands_that_put_nothing_have_no_end() {
    let mut queue = SendBuf::default();
    queue.end_control();
    queue.put(b"abc");
    queue.end_control();
    queue.end_control();
    assert_eq!(queue.arena.boundaries.iter().count(), 1);
    queue.advance(3);
    queue.flush();
    assert_eq!(queue.pop_written(), None);
    assert!(queue.arena.boundaries.is_empty());
}

#[test]
fn an_empty_queue_owns_nothing() {
    let mut pair = Pair::default();
    pair.put(&[(10, false), (50, true)], true);
    assert_eq!(pair.queue.take_arena().capacity(), 0, "still needed");
    pair.write(64, 59);
    pair.write(64, 1);
    let arena = pair.queue.take_arena();
    assert!(arena.capacity() > 0);
    assert_eq!((pair.queue.arena.capacity(), pair.queue.shared.capacity()), (0, 0));
    pair.queue.give_arena(arena);
    assert!(pair.queue.arena.capacity() > 0);
    pair.put(&[(10, false)], true);
    pair.drain();
}

#[test]
fn the_arena_of_a_backlog_is_freed() {
    let mut pair = Pair::default();
    pair.put(&[(RECYCLE_UP_TO + 1, false)], true);
    pair.write(64, usize::MAX);
    assert_eq!(pair.queue.take_arena().capacity(), 0);
}

/// Kills an arena that doubles for ever, and one that keeps what a backlog took until it is empty.
#[test]
fn the_backlog_of_a_stuck_connection_takes_little_more_than_its_bytes() {
    const MESSAGES: usize = 20_000;
    let mut queue = SendBuf::default();
    for _ in 0..MESSAGES {
        queue.put(&[7; 1000]);
        queue.end_message(Extent { size: 1000, frames: 1 });
    }
    assert!(queue.arena.capacity() < MESSAGES * 1000 * 9 / 8 + 1000);
    for left in (0..MESSAGES).rev() {
        queue.advance(1000);
        queue.flush();
        while queue.pop_written().is_some() {}
        assert!(queue.arena.capacity() <= (5 * left * 1000).max(5 << 20), "{left}");
    }
}

/// Kills keeping what a layer has written as if it might be sent again.
#[test]
fn what_a_layer_has_written_is_forgotten() {
    let mut queue = SendBuf::default();
    for _ in 0..10_000 {
        queue.put(&[7; 1000]);
        queue.advance(999);
        queue.forget_written();
        assert_eq!(queue.remaining(), 1);
        queue.advance(1);
        queue.forget_written();
    }
    assert!(queue.is_empty() && queue.arena.capacity() < 10_000);
}

#[test]
#[should_panic(expected = "advanced beyond")]
fn a_stream_that_lies_is_caught() {
    SendBuf::default().advance(1);
}
