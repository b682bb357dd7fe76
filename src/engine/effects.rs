//! What happens after the lock is released.

use std::task::Waker;

use super::inproc::Link;
use crate::resilience::Permit;
use crate::runtime::Leaving;

/// Wakers to wake and values to drop once the core is unlocked: all of them may run foreign code, which
/// may take the lock again.
#[derive(Debug)]
pub(crate) struct Effects<S> {
    wakers: Vec<Waker>,
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

    pub(crate) fn wake(&mut self, waker: Option<Waker>) {
        self.any |= waker.is_some();
        self.wakers.extend(waker);
    }

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
        let Self { wakers, permits, links, leaving, companion, any: _ } = self;
        drop((permits, links, leaving));
        for waker in wakers.into_iter().chain(companion) {
            waker.wake();
        }
    }
}
