//! The poison flag around a critical section.

/// Marks something as poisoned unless the section it guards runs to its end.
///
/// The flag is set when the guard is made and cleared by [`disarm`](Self::disarm): leaving the section
/// in any other way, by an error, a panic or a dropped future, leaves the flag set. Sockets arm one
/// around every write that puts part of a message on the wire.
///
/// ```
/// use monocoque::resilience::PoisonGuard;
///
/// let mut poisoned = false;
/// let guard = PoisonGuard::new(&mut poisoned);
/// // ... the write ...
/// guard.disarm();
/// assert!(!poisoned);
///
/// drop(PoisonGuard::new(&mut poisoned));
/// assert!(poisoned);
/// ```
#[derive(Debug)]
#[must_use = "dropping the guard poisons"]
pub struct PoisonGuard<'a> {
    flag: &'a mut bool,
}

impl<'a> PoisonGuard<'a> {
    /// Arms the guard: sets `flag` at once.
    #[inline]
    pub fn new(flag: &'a mut bool) -> Self {
        *flag = true;
        Self { flag }
    }

    /// The section is complete: clears the flag.
    #[inline]
    pub fn disarm(self) {
        *self.flag = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn armed_from_the_start_and_cleared_only_by_disarm() {
        let mut flag = false;
        let guard = PoisonGuard::new(&mut flag);
        assert!(*guard.flag);
        guard.disarm();
        assert!(!flag);
        let _ = PoisonGuard::new(&mut flag);
        assert!(flag);
    }

    #[test]
    fn a_panic_poisons() {
        let mut flag = false;
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _guard = PoisonGuard::new(&mut flag);
            std::panic::resume_unwind(Box::new("in the middle of a write"));
        }));
        assert!(caught.is_err() && flag);
    }
}
