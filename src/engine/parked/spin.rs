//! Looking again and again before sleeping (option `recv_spin`).

use std::time::{Duration, Instant};

use super::Waits;
use super::list::Key;
use crate::engine::clock::later;

/// Looks of one wait at most: where time only passes while everybody sleeps, it would never end otherwise.
const LOOKS: u32 = 10_000;

/// Who looks again and again, and how long still.
#[derive(Debug)]
pub(super) struct Spinning {
    key: Key,
    until: Instant,
    looks: u32,
}

impl Waits {
    /// Whether one who has nothing is to look once more before it sleeps; `is_new` if it has only begun to wait.
    ///
    /// One at a time does: of several, the last to come.
    pub(super) fn looks_again(
        &mut self,
        key: Key,
        is_new: bool,
        spin: Duration,
        now: impl FnOnce() -> Instant,
    ) -> bool {
        if spin.is_zero() {
            return false;
        }
        if is_new {
            self.spinning = Some(Spinning { key, until: later(now(), spin), looks: LOOKS });
            return true;
        }
        let Some(spinning) = self.spinning.as_mut().filter(|spinning| spinning.key == key) else {
            return false;
        };
        spinning.looks -= 1;
        let goes_on = spinning.looks > 0 && now() < spinning.until;
        if !goes_on {
            self.spinning = None;
        }
        goes_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPIN: Duration = Duration::from_micros(100);

    #[test]
    fn it_ends_when_its_time_is_over_and_does_not_begin_again() {
        let (mut waits, start) = (Waits::default(), Instant::now());
        let mut look = |key, is_new, micros| {
            waits.looks_again(key, is_new, SPIN, || start + Duration::from_micros(micros))
        };
        assert!(look(1, true, 0) && look(1, false, 99));
        assert!(!look(1, false, 100) && !look(1, false, 101));
        // Of several, the last to come; the others sleep.
        assert!(look(2, true, 200) && look(3, true, 210));
        assert!(!look(2, false, 220) && look(3, false, 220));
    }

    #[test]
    fn it_ends_where_no_time_passes() {
        let (mut waits, now) = (Waits::default(), Instant::now());
        assert!(waits.looks_again(1, true, SPIN, || now));
        let looks = (0..).take_while(|_| waits.looks_again(1, false, SPIN, || now)).count();
        assert_eq!(looks, LOOKS as usize - 1);
    }

    #[test]
    fn nobody_does_unless_it_is_wanted() {
        let no_clock = || unreachable!("no clock is read");
        assert!(!Waits::default().looks_again(1, true, Duration::ZERO, no_clock));
    }
}
