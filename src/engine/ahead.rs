//! Bytes of a budget that are acquired for the next messages of a burst, while there are plenty.

use std::any::TypeId;
use std::sync::atomic::{AtomicU64, Ordering};

use super::base::Base;
use super::burst::Payment;
use super::core::Core;
use super::outbound::Outbound;
use crate::message::Message;
use crate::resilience::{BytePermits, NoOpPermits, Permit};
use crate::runtime::AsyncStream;

/// The most that is acquired ahead of messages: enough that what it costs is nothing for each of them.
const MOST: usize = 16 * 1024;
/// How many times that must be free: whoever shares the budget is not to run short for messages that may never come.
const PLENTY: usize = 8;

/// The budget of a handle's permits: the same for its clones, and for nothing else.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct BudgetId(u64);

impl BudgetId {
    pub(crate) const NONE: Self = Self(0);

    /// That of permits which are now given to a handle.
    pub(crate) fn new<P: BytePermits>() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        if Self::is_limited::<P>() { Self(LAST.fetch_add(1, Ordering::Relaxed) + 1) } else { Self::NONE }
    }

    /// Whether there is anything to acquire ahead; known where the code is compiled.
    #[inline(always)]
    pub(crate) fn is_limited<P: BytePermits>() -> bool {
        TypeId::of::<P>() != TypeId::of::<NoOpPermits>()
    }
}

/// Whose bytes are held ahead, and how many are asked for next: twice as many as there were, half as many as there
/// were not.
#[derive(Debug, Default)]
pub(crate) struct Lot {
    budget: BudgetId,
    next: usize,
}

/// What is acquired with a message.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Ahead {
    /// Beyond what the message costs.
    keep: usize,
}

impl Lot {
    /// What to acquire with a message of this cost.
    fn ask(&mut self, budget: BudgetId, cost: usize) -> Ahead {
        if self.budget != budget {
            self.next = 0;
        }
        let keep = self.next.max(cost);
        // What does not last for another message is of no use.
        let keep = if keep > MOST { 0 } else { keep };
        self.next = keep / 2;
        Ahead { keep }
    }

    fn kept(&mut self, budget: BudgetId, keep: usize) {
        *self = Self { budget, next: MOST.min(2 * keep) };
    }
}

impl Ahead {
    pub(crate) const fn is_none(self) -> bool {
        self.keep == 0
    }

    /// The permit of a message of this cost, and what was acquired with it; no lock is to be held.
    pub(crate) fn acquire(self, permits: &impl BytePermits, cost: usize) -> Option<(Permit, Permit)> {
        let all = PLENTY.saturating_mul(self.keep).saturating_add(cost);
        let mut permit = permits.try_acquire(all)?;
        let mut more = permit.split_excess(cost);
        // Less than was asked for: everything that there is, or a budget of another kind.
        let is_plenty = permit.bytes() == cost && more.bytes() == all - cost;
        drop(more.split_excess(if is_plenty { self.keep } else { 0 }));
        Some((permit, more))
    }
}

impl Outbound {
    #[inline(never)]
    fn plan_ahead(&mut self, budget: BudgetId, cost: usize) -> Ahead {
        if self.may_be_ahead() { self.lot.ask(budget, cost) } else { Ahead::default() }
    }

    fn may_be_ahead(&self) -> bool {
        self.in_burst && self.joinable && self.sole_peer.is_some()
    }

    /// Keeps bytes for the rest of a burst, which the companion gives back when the burst is over; what is to be given
    /// back at once is returned.
    pub(crate) fn keep_ahead(&mut self, budget: BudgetId, ahead: Permit) -> Permit {
        // It may have ended since.
        if self.may_be_ahead() && ahead.bytes() > 0 {
            self.lot.kept(budget, ahead.bytes());
            std::mem::replace(&mut self.ahead, ahead)
        } else {
            ahead
        }
    }
}

impl Outbound {
    pub(super) fn return_ahead<S: AsyncStream>(&mut self, base: &mut Base<S>) {
        let ahead = std::mem::take(&mut self.ahead);
        base.effects.drop_permit(ahead);
    }
}

impl<S: AsyncStream> Core<S> {
    /// Queues a message of a burst on bytes that were acquired before, if there are enough of them; otherwise says
    /// what to acquire with it.
    #[inline]
    pub(crate) fn join_ahead(&mut self, budget: BudgetId, message: &mut Message) -> Result<(), Ahead> {
        if self.outbound.lot.budget == budget && self.join_burst(message, Payment::Ahead).is_none() {
            return Ok(());
        }
        Err(self.outbound.plan_ahead(budget, message.cost()))
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Waker};

    use super::*;
    use crate::resilience::SemaphorePermits;

    fn acquire(budget: &SemaphorePermits, keep: usize, cost: usize) -> Option<(usize, usize)> {
        let (permit, ahead) = Ahead { keep }.acquire(budget, cost)?;
        assert_eq!(budget.in_use(), permit.bytes() + ahead.bytes());
        Some((permit.bytes(), ahead.bytes()))
    }

    /// Kills taking ahead of those who wait, from a budget that runs short, and keeping more than was wanted.
    #[test]
    fn bytes_are_acquired_ahead_from_plenty_only() {
        let budget = SemaphorePermits::new(1000);
        assert_eq!(acquire(&budget, 100, 200), Some((200, 100)));
        assert_eq!(
            acquire(&budget, 101, 200),
            Some((200, 0)),
            "everything, which is less than was asked for"
        );
        assert_eq!(acquire(&budget, 10, 5000), Some((1000, 0)), "alone");
        let held = budget.try_acquire(500).unwrap();
        assert!(acquire(&budget, 60, 60).is_none(), "not plenty");
        let mut waiting = budget.acquire(600);
        assert!(Pin::new(&mut waiting).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(acquire(&budget, 1, 1).is_none(), "somebody waits");
        drop((waiting, held));
        assert_eq!(budget.in_use(), 0);
    }

    #[test]
    fn what_is_asked_for_follows_what_there_was() {
        let (one, other) = (BudgetId(1), BudgetId(2));
        let mut lot = Lot::default();
        let asked = |lot: &mut Lot, budget| lot.ask(budget, 100).keep;
        assert_eq!(asked(&mut lot, one), 100);
        for keep in [100, 200, 400] {
            lot.kept(one, keep);
            assert_eq!(lot.next, 2 * keep);
        }
        assert_eq!([asked(&mut lot, one), asked(&mut lot, one)], [800, 400], "in vain");
        lot.kept(one, MOST);
        assert_eq!(asked(&mut lot, one), MOST);
        assert_eq!(asked(&mut lot, other), 100, "another budget is another matter");
        assert!(lot.ask(one, MOST + 1).is_none(), "a large message pays for itself");
    }

    #[test]
    fn every_budget_is_another() {
        let ids = [BudgetId::new::<SemaphorePermits>(), BudgetId::new::<SemaphorePermits>(), BudgetId::NONE];
        assert!(ids[0] != ids[1] && !ids[..2].contains(&ids[2]));
        assert_eq!(BudgetId::new::<NoOpPermits>(), BudgetId::NONE);
    }
}
