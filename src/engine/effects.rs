//! What happens after the lock is released.

use std::task::Waker;

use super::inproc::Link;
use super::ready::Next;
use crate::foreign::each_quietly;
use crate::resilience::Permit;
use crate::runtime::Leaving;

/// Wakers to wake and values to drop once the core is unlocked: all of them may run foreign code, which
/// may take the lock again.
#[derive(Debug)]
pub(crate) struct Effects<S> {
    wakers: Vec<Waker>,
    /// Wakers of those who wait no more.
    unused: Vec<Waker>,
    permits: Vec<Permit>,
    links: Vec<Link<S>>,
    leaving: Vec<Leaving>,
    /// A slot of its own keeps the commonest effect free of allocation.
    companion: Option<Waker>,
    /// Anything at all is here: one look on every way out of the lock.
    any: bool,
}

impl<S> Default for Effects<S> {
    fn default() -> Self {
        Self {
            wakers: Vec::new(),
            unused: Vec::new(),
            permits: Vec::new(),
            links: Vec::new(),
            leaving: Vec::new(),
            companion: None,
            any: false,
        }
    }
}

impl<S> Effects<S> {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        !self.any
    }

    #[inline]
    pub(crate) fn wake(&mut self, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.any = true;
            self.wakers.push(waker);
        }
    }

    /// The companion comes last: it finds what the other has left.
    #[inline]
    pub(crate) fn wake_next(&mut self, [first, companion]: Next) {
        self.wake(first);
        self.wake_companion(companion);
    }

    #[inline]
    pub(crate) fn wake_companion(&mut self, waker: Option<Waker>) {
        if waker.is_some() {
            self.any = true;
            self.companion = waker;
        }
    }

    /// Something is left to be done, though it is not kept here.
    pub(crate) fn expect(&mut self) {
        self.any = true;
    }

    /// For those who collect wakers themselves.
    pub(crate) fn wakers(&mut self) -> &mut Vec<Waker> {
        self.any = true;
        &mut self.wakers
    }

    pub(crate) fn drop_waker(&mut self, waker: Option<Waker>) {
        self.any |= waker.is_some();
        self.unused.extend(waker);
    }

    pub(crate) fn drop_permit(&mut self, permit: Permit) {
        if !permit.is_none() {
            self.any = true;
            self.permits.push(permit);
        }
    }

    pub(crate) fn drop_link(&mut self, link: Link<S>) {
        self.any = true;
        self.links.push(link);
    }

    /// An address is free: wakes whoever waits for it.
    pub(crate) fn drop_leaving(&mut self, leaving: Option<Leaving>) {
        self.any |= leaving.is_some();
        self.leaving.extend(leaving);
    }

    pub(crate) fn drop_stream(&mut self, stream: S) {
        self.drop_link(Link::Stream(stream));
    }

    /// Runs everything: call without the lock.
    pub(crate) fn run(self) {
        let Self { wakers, unused, permits, links, leaving, companion, any: _ } = self;
        each_quietly(permits.into_iter(), drop);
        each_quietly(links.into_iter(), drop);
        each_quietly(leaving.into_iter(), drop);
        each_quietly(unused.into_iter(), drop);
        each_quietly(wakers.into_iter().chain(companion), Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    /// Panics when it is woken, and what it panics with when it is dropped.
    struct Bad;

    struct Worse;

    impl Drop for Worse {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }

    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic_any(Worse);
        }
    }

    #[derive(Default)]
    struct Good(AtomicUsize);

    impl Wake for Good {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn one_that_panics_keeps_nobody_from_being_woken() {
        let good = Arc::<Good>::default();
        let mut effects = Effects::<()>::default();
        for _ in 0..3 {
            effects.wake(Some(Waker::from(Arc::new(Bad))));
            effects.wake(Some(Waker::from(Arc::clone(&good))));
        }
        effects.wake_companion(Some(Waker::from(Arc::clone(&good))));
        effects.run();
        assert_eq!(good.0.load(Ordering::SeqCst), 4);
        assert_eq!(Arc::strong_count(&good), 1);
    }
}
