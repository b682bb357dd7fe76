//! What a client and a server have in common: a socket on a runtime, and places for so many requests.

use super::options::Settings;
use crate::error::Result;
use crate::resilience::{Acquire, BytePermits, NoOpPermits, Permit, SemaphorePermits};
use crate::runtime::AsyncStream;
use crate::socket::{Host, Kind, Socket};

/// A handle of a socket whose requests under way are bounded; clones share the bound.
pub(super) struct Bounded<T, S: AsyncStream, P: BytePermits> {
    pub(super) socket: Socket<T, S, P>,
    pub(super) runtime: S::Runtime,
    /// One for each request under way.
    places: SemaphorePermits,
}

impl<T, S> Bounded<T, S, NoOpPermits>
where
    T: Kind,
    S: AsyncStream,
    S::Runtime: Host<S>,
{
    /// Opens a socket without any endpoint.
    pub(super) fn open(host: &S::Runtime, settings: &Settings) -> Result<Self> {
        Ok(Self::over(Socket::new_on(host, settings.socket.clone())?, host.clone(), settings))
    }

    pub(super) fn over(socket: Socket<T, S>, runtime: S::Runtime, settings: &Settings) -> Self {
        Self { socket, runtime, places: SemaphorePermits::new(settings.max_outstanding) }
    }
}

impl<T, S: AsyncStream, P: BytePermits> Bounded<T, S, P> {
    pub(super) fn with_permits<Q: BytePermits>(self, permits: Q) -> Bounded<T, S, Q> {
        let Self { socket, runtime, places } = self;
        Bounded { socket: socket.with_permits(permits), runtime, places }
    }

    /// A place among those under way, if one is free and nobody waits for it.
    pub(super) fn try_place(&self) -> Option<Permit> {
        self.places.try_acquire(1)
    }

    /// A place among those under way, once it is the caller's turn.
    pub(super) fn place(&self) -> Acquire {
        self.places.acquire(1)
    }
}

impl<T, S, P> Clone for Bounded<T, S, P>
where
    S: AsyncStream,
    S::Runtime: Clone,
    P: BytePermits,
{
    fn clone(&self) -> Self {
        Self { socket: self.socket.clone(), runtime: self.runtime.clone(), places: self.places.clone() }
    }
}
