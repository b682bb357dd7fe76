//! Where the messages in a queue end.

use crate::fifo::Fifo;
use crate::message::Extent;

/// The lengths of the messages and commands in a queue, in order; equal ones in a row take one entry, and
/// are counted as written in one step.
#[derive(Debug, Default)]
pub(super) struct Boundaries {
    /// All but the newest.
    older: Fifo<Run>,
    newest: Run,
}

/// Messages or commands of equal length, one behind the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    pub(super) count: usize,
    /// Bytes of each in the queue.
    pub(super) len: usize,
    /// How large each message is; [`COMMAND`](Self::COMMAND) for commands, which are not counted and not
    /// recovered.
    message: Extent,
}

impl Run {
    /// A message has a frame at least. Told apart by that, a run is compared in three words.
    const COMMAND: Extent = Extent { size: 0, frames: 0 };

    pub(super) fn message(&self) -> Option<Extent> {
        (self.message.frames > 0).then_some(self.message)
    }
}

impl Boundaries {
    /// Adds a message or command of `len` bytes, which are at least one.
    #[inline]
    pub(super) fn push(&mut self, len: usize, message: Option<Extent>) {
        debug_assert!(len > 0, "nothing to be told apart by");
        let message = message.unwrap_or(Run::COMMAND);
        if self.newest.len == len && self.newest.message == message {
            self.newest.count += 1;
        } else {
            self.begin_run(Run { count: 1, len, message });
        }
    }

    fn begin_run(&mut self, run: Run) {
        let before = std::mem::replace(&mut self.newest, run);
        if before.count > 0 {
            self.older.push_back(before);
        }
    }

    /// The first run that is not empty.
    pub(super) fn front(&self) -> Option<&Run> {
        self.older.front().or_else(|| (self.newest.count > 0).then_some(&self.newest))
    }

    /// Takes what fits into the first `written` bytes off the front, from one run at most.
    pub(super) fn pop_written(&mut self, written: usize) -> Option<Run> {
        let run = self.older.front_mut().unwrap_or(&mut self.newest);
        let count = run.count.min(written.checked_div(run.len)?);
        if count == 0 {
            return None;
        }
        run.count -= count;
        let popped = Run { count, ..*run };
        if run.count == 0 {
            self.older.pop_front();
        }
        Some(popped)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.front().is_none()
    }

    /// Each message and command: its length, and how large the message is if it is one.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, Option<Extent>)> {
        let runs = self.older.iter().chain([&self.newest]);
        runs.flat_map(|run| std::iter::repeat_n((run.len, run.message()), run.count))
    }

    /// The bytes that it has allocated.
    pub(super) fn capacity(&self) -> usize {
        self.older.capacity() * size_of::<Run>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "what boundaries are made of")]
    fn some(size: usize) -> Option<Extent> {
        Some(Extent { size, frames: 1 })
    }

    /// Kills merging commands with messages or unequal messages, and counting what is not written.
    #[test]
    fn equal_messages_in_a_row_are_one_run() {
        let mut boundaries = Boundaries::default();
        for (len, message) in [(5, some(3)), (5, some(3)), (5, some(4)), (5, None), (5, some(3))] {
            boundaries.push(len, message);
        }
        assert_eq!(boundaries.older.len(), 3);
        assert_eq!(boundaries.iter().count(), 5);
        let mut pop = |written| boundaries.pop_written(written).map(|run| (run.count, run.message()));
        assert_eq!(pop(4), None);
        assert_eq!(pop(9), Some((1, some(3))));
        assert_eq!(pop(4), None);
        assert_eq!(pop(25), Some((1, some(3))), "from one run at most");
        assert_eq!(
            [pop(5), pop(5), pop(5), pop(5)],
            [Some((1, some(4))), Some((1, None)), Some((1, some(3))), None]
        );
        assert!(boundaries.is_empty());
    }

    #[test]
    fn a_long_run_takes_no_memory() {
        let mut boundaries = Boundaries::default();
        for _ in 0..1_000_000 {
            boundaries.push(66, some(64));
        }
        assert_eq!(boundaries.capacity(), 0);
        assert_eq!(boundaries.pop_written(66 * 400_000 + 65).map(|run| run.count), Some(400_000));
        assert_eq!(boundaries.front().map(|run| run.count), Some(600_000));
    }
}
