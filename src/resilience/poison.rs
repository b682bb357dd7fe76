//! The flag that an interrupted write leaves behind.

/// Marks a critical section as failed unless it is [disarmed](Self::disarm): armed by default.
///
/// A multipart write that stops in the middle (by an error, a panic, or because its future was dropped)
/// leaves half a message on the wire, and the connection is of no use any more. The guard sets the flag
/// before the first byte and clears it only on the way out that is known to be good.
///
/// ```
/// use monocoque::resilience::PoisonGuard;
///
/// fn write(poisoned: &mut bool, fails: bool) -> Result<(), &'static str> {
///     let guard = PoisonGuard::new(poisoned);
///     if fails {
///         return Err("half a message was written");
///     }
///     guard.disarm();
///     Ok(())
/// }
///
/// let mut poisoned = false;
/// assert!(write(&mut poisoned, false).is_ok() && !poisoned);
/// assert!(write(&mut poisoned, true).is_err() && poisoned);
/// ```
#[derive(Debug)]
#[must_use = "a guard that is dropped at once leaves the flag set"]
pub struct PoisonGuard<'a> {
    flag: &'a mut bool,
}

impl<'a> PoisonGuard<'a> {
    /// Sets `flag` at once.
    ///
    /// [`PoisonGuard`] shows it at work.
    #[inline]
    pub fn new(flag: &'a mut bool) -> Self {
        *flag = true;
        Self { flag }
    }

    /// Clears the flag: the critical section is complete.
    ///
    /// [`PoisonGuard`] shows it at work.
    #[inline]
    pub fn disarm(self) {
        *self.flag = false;
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn armed_at_once_and_until_disarmed() {
        let mut flag = false;
        let guard = PoisonGuard::new(&mut flag);
        assert!(*guard.flag, "set while the section runs");
        guard.disarm();
        assert!(!flag);
        drop(PoisonGuard::new(&mut flag));
        assert!(flag);
        PoisonGuard::new(&mut flag).disarm();
        assert!(!flag, "a later section that completes clears it");
    }

    #[test]
    fn a_dropped_future_poisons() {
        let mut flag = false;
        {
            let mut flush = pin!(async {
                let guard = PoisonGuard::new(&mut flag);
                std::future::pending::<()>().await;
                guard.disarm();
            });
            assert!(flush.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        assert!(flag);
    }

    #[test]
    fn a_panic_poisons() {
        let mut flag = false;
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _guard = PoisonGuard::new(&mut flag);
            std::panic::resume_unwind(Box::new("in the middle of a write"));
        }));
        assert!(panicked.is_err() && flag);
    }
}
