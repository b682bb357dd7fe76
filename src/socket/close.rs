//! Closing.

use super::Socket;
use crate::engine::{Core, Waiter};
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

impl<T, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Closes the socket for all its handles and waits until what is queued is written, for at most
    /// `linger`; returns how many messages could not be sent. Whatever the socket was bound to is free then.
    ///
    /// Calls of other handles fail with [`Error::Closed`](crate::Error::Closed). Dropping the last handle
    /// closes as well, and lingers in the background for as long as the runtime lives.
    ///
    /// # Cancel safety
    /// Once polled, the socket is closing; dropping the future leaves that to the companion task, and without
    /// one to the next call that waits.
    pub async fn close(&self) -> u64 {
        let waiter = Waiter::new(&self.shared);
        self.shared.with(Core::begin_close);
        waiter.until(Core::closed).await
    }
}
