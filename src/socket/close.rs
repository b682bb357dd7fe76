//! Closing.

use std::future::poll_fn;

use super::Socket;
use super::reconnect::Watch;
use crate::engine::WaitKey;
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
    /// Once polled, the socket is closing; dropping the future leaves that to the companion task.
    pub async fn close(&self) -> u64 {
        let mut watch = Watch::new(&self.shared);
        let mut helper: WaitKey = None;
        self.shared.with(|core| core.begin_close());
        poll_fn(|cx| {
            self.shared.with(|core| {
                if core.is_detached() {
                    core.detached_turn();
                }
                let result = core.poll_closed(&mut watch.key, cx.waker());
                if result.is_pending() {
                    core.park_helper(&mut helper, cx.waker());
                }
                result
            })
        })
        .await
    }
}
