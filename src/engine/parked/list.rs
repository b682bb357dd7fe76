//! Those who wait for one thing, in order.

use std::collections::VecDeque;
use std::task::Waker;

use crate::resilience::HighWater;

/// A place among those who wait: lower keys came first. It is kept until its owner leaves, so that one who is
/// woken in vain is the next again.
pub(crate) type Key = u64;

/// Waiting futures in order of arrival; those who were woken and have not been back are counted.
///
/// No method clones, wakes or drops a waker: they come in and go out by value, for that to happen outside of
/// the lock. So an entry may have none yet, and one that is woken before it has got one finds itself gone.
#[derive(Debug, Default)]
pub(crate) struct WaitList {
    asleep: VecDeque<Asleep>,
    /// Woken and not back, and what they need together.
    woken: usize,
    woken_need: u64,
}

#[derive(Debug)]
struct Asleep {
    key: Key,
    need: u64,
    waker: Option<Waker>,
}

/// Of one who has left.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) waker: Option<Waker>,
    /// It had been woken, or stood before all others: what it leaves is for the next.
    pub(crate) passes_on: bool,
}

impl WaitList {
    /// Goes to sleep at the place of `key`; `stood` is what it needed when it stood here before. Whether it
    /// has this waker already.
    pub(crate) fn enter(&mut self, key: Key, need: u64, stood: Option<u64>, waker: &Waker) -> bool {
        match self.position(key) {
            Ok(index) => {
                let asleep = &mut self.asleep[index];
                asleep.need = need;
                asleep.waker.as_ref().is_some_and(|own| own.will_wake(waker))
            }
            Err(index) => {
                self.come_back(stood);
                self.asleep.insert(index, Asleep { key, need, waker: None });
                false
            }
        }
    }

    /// Gives one who sleeps its waker; the one that it had before comes back, or the new one from one who has
    /// been woken in the meantime.
    pub(crate) fn arm(&mut self, key: Key, waker: Waker) -> Result<Option<Waker>, Waker> {
        match self.position(key) {
            Ok(index) => Ok(self.asleep[index].waker.replace(waker)),
            Err(_) => Err(waker),
        }
    }

    /// Leaves for good; `need` is what it stood here with.
    pub(crate) fn leave(&mut self, key: Key, need: u64) -> Left {
        const KEPT: usize = 64;
        let left = match self.position(key) {
            Ok(index) => {
                let waker = self.asleep.remove(index).and_then(|asleep| asleep.waker);
                Left { waker, passes_on: index == 0 }
            }
            Err(_) => {
                self.come_back(Some(need));
                Left { waker: None, passes_on: true }
            }
        };
        if self.asleep.is_empty() && self.asleep.capacity() > KEPT {
            self.asleep = VecDeque::new();
        }
        left
    }

    fn come_back(&mut self, stood: Option<u64>) {
        if let Some(need) = stood {
            self.woken -= 1;
            self.woken_need -= need;
        }
    }

    /// Whether nobody sleeps.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.asleep.is_empty()
    }

    /// Whether somebody was woken and has not been back.
    pub(crate) fn is_answering(&self) -> bool {
        self.woken > 0
    }

    /// Whether one with this place may go before all who sleep: one who was woken, and the first.
    pub(crate) fn may_pass(&self, key: Key) -> bool {
        self.position(key).unwrap_or(0) == 0
    }

    /// Wakes the first; its waker, if it has one by now.
    pub(crate) fn wake_next(&mut self) -> Option<Waker> {
        let Asleep { need, waker, .. } = self.asleep.pop_front()?;
        self.woken += 1;
        self.woken_need += need;
        waker
    }

    /// Wakes one, whatever its place.
    pub(crate) fn wake(&mut self, key: Key) -> Option<Waker> {
        let Asleep { need, waker, .. } = self.asleep.remove(self.position(key).ok()?)?;
        self.woken += 1;
        self.woken_need += need;
        waker
    }

    pub(crate) fn wake_all(&mut self, wakers: &mut Vec<Waker>) {
        while !self.is_empty() {
            wakers.extend(self.wake_next());
        }
    }

    /// Wakes those whose messages fit below the mark, in order, beside those who are about to fill it.
    pub(crate) fn wake_fitting(&mut self, mut level: HighWater, wakers: &mut Vec<Waker>) {
        level.reserve_all(self.woken, self.woken_need as usize);
        while let Some(need) = self.asleep.front().map(|first| first.need as usize) {
            if !level.has_room(need) {
                return;
            }
            level.reserve(need);
            wakers.extend(self.wake_next());
        }
    }

    /// Wakes those who wait for no more than `reached`.
    pub(crate) fn wake_up_to(&mut self, reached: u64, wakers: &mut Vec<Waker>) {
        let due = |asleep: &Asleep| asleep.need <= reached;
        while let Some(key) = self.asleep.iter().find(|asleep| due(asleep)).map(|asleep| asleep.key) {
            wakers.extend(self.wake(key));
        }
    }

    fn position(&self, key: Key) -> Result<usize, usize> {
        self.asleep.binary_search_by_key(&key, |asleep| asleep.key)
    }
}

#[cfg(test)]
mod tests;
