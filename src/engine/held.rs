//! The permits of the messages in a queue.

use crate::fifo::Fifo;
use crate::resilience::Permit;

/// Permits by the ordinals of their messages. Those of one budget for messages in a row are one: giving
/// them back costs as much as a single one.
#[derive(Debug, Default)]
pub(crate) struct Held {
    runs: Fifo<Run>,
}

#[derive(Debug)]
struct Run {
    first: u64,
    last: u64,
    permit: Permit,
    /// Each message holds as many bytes as it costs. Otherwise there is only one message.
    exact: bool,
}

impl Held {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Holds the permit of the message with this ordinal, which costs `cost` bytes.
    pub(crate) fn push(&mut self, ordinal: u64, mut permit: Permit, cost: usize) {
        let exact = permit.bytes() == cost;
        if !(exact && self.extend(ordinal, &mut permit, cost)) {
            self.runs.push_back(Run { first: ordinal, last: ordinal, permit, exact });
        }
    }

    /// The same with `cost` bytes of `ahead`, which has as many.
    #[inline]
    pub(crate) fn charge(&mut self, ordinal: u64, ahead: &mut Permit, cost: usize) {
        if !self.extend(ordinal, ahead, cost) {
            let permit = ahead.split(cost);
            self.runs.push_back(Run { first: ordinal, last: ordinal, permit, exact: true });
        }
    }

    /// Lets the last run go on with the next message, if it is of the same budget.
    #[inline]
    fn extend(&mut self, ordinal: u64, permit: &mut Permit, cost: usize) -> bool {
        let Some(run) = self.runs.back_mut() else { return false };
        let goes_on = run.exact && run.last + 1 == ordinal && run.permit.take_over(permit, cost);
        if goes_on {
            run.last = ordinal;
        }
        goes_on
    }

    /// Gives back what belongs to messages up to this ordinal; those that are in a run which goes on cost
    /// `each` bytes.
    pub(crate) fn release(&mut self, up_to: u64, each: usize, mut give_back: impl FnMut(Permit)) {
        while self.runs.front().is_some_and(|run| run.first <= up_to) {
            give_back(self.take_front(up_to, each));
        }
    }

    /// The permit of the first message, if it has this ordinal and costs `cost` bytes.
    pub(crate) fn take(&mut self, ordinal: u64, cost: usize) -> Permit {
        let is_next = self.runs.front().is_some_and(|run| run.first == ordinal);
        if is_next { self.take_front(ordinal, cost) } else { Permit::none() }
    }

    fn take_front(&mut self, up_to: u64, each: usize) -> Permit {
        match self.runs.front_mut() {
            Some(run) if run.last > up_to => {
                let messages = (up_to + 1 - run.first) as usize;
                run.first = up_to + 1;
                run.permit.split(messages * each)
            }
            Some(_) => self.runs.pop_front().map_or_else(Permit::none, |run| run.permit),
            None => Permit::none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resilience::{BytePermits, SemaphorePermits};

    fn release(held: &mut Held, up_to: u64, each: usize) -> Vec<usize> {
        let mut released = Vec::new();
        held.release(up_to, each, |permit| released.push(permit.bytes()));
        released
    }

    /// Kills giving back too much, too little or too early, and mixing budgets or gaps into one run.
    #[test]
    fn messages_of_one_budget_in_a_row_are_one_run() {
        let (budget, other) = (SemaphorePermits::new(1000), SemaphorePermits::new(1000));
        let mut held = Held::default();
        for (ordinal, cost) in [(1, 10), (2, 10), (3, 20), (5, 20)] {
            held.push(ordinal, budget.try_acquire(cost).unwrap(), cost);
        }
        held.push(6, other.try_acquire(30).unwrap(), 30);
        assert_eq!(held.runs.len(), 3);
        assert_eq!(release(&mut held, 1, 10), [10]);
        assert_eq!((budget.in_use(), other.in_use()), (50, 30));
        assert_eq!(release(&mut held, 2, 10), [10]);
        assert_eq!(release(&mut held, 4, 20), [20]);
        assert_eq!(release(&mut held, 4, 20), [0; 0]);
        assert_eq!(release(&mut held, 6, 30), [20, 30]);
        assert!(held.is_empty());
        assert_eq!((budget.in_use(), other.in_use()), (0, 0));
    }

    /// A message that costs more than the whole budget holds less than it costs.
    #[test]
    fn an_oversize_message_is_a_run_of_its_own() {
        let budget = SemaphorePermits::new(1000);
        let mut held = Held::default();
        held.push(1, budget.try_acquire(5000).unwrap(), 5000);
        assert_eq!(release(&mut held, 1, 5000), [1000]);
    }

    #[test]
    fn bytes_acquired_ahead_are_charged_one_message_after_the_other() {
        let budget = SemaphorePermits::new(1000);
        let mut ahead = budget.try_acquire(100).unwrap();
        let mut held = Held::default();
        for ordinal in 1..=3 {
            held.charge(ordinal, &mut ahead, 30);
        }
        assert_eq!((held.runs.len(), ahead.bytes()), (1, 10));
        let first = held.take(1, 30);
        assert_eq!(first.bytes(), 30);
        assert!(held.take(1, 30).is_none());
        drop((ahead, first));
        assert_eq!(budget.in_use(), 60);
        assert_eq!(held.take(2, 30).bytes(), 30);
        assert_eq!(held.take(3, 30).bytes(), 30);
        assert!(held.is_empty());
        assert_eq!(budget.in_use(), 0);
    }
}
