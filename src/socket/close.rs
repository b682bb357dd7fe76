//! Closing.

use super::Socket;
use crate::engine::{Core, Waiter};
use crate::error::Result;
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

impl<T, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Stops taking work in, while what is sent still leaves: the first half of a graceful shutdown, of which
    /// [`close`](Self::close) is the second. Returns at once.
    ///
    /// From now on nobody new is let in (all endpoints that it listens on are unbound, handshakes under way
    /// end, and none can be added), and nothing more is read from the peers that are connected. What had arrived
    /// by now is still received; after that, `recv` fails with [`Error::Closed`](crate::Error::Closed) and the `Stream` ends, so that
    /// the loop of a server ends by itself. Sending goes on as before.
    ///
    /// What peers send meanwhile stays with them as at a mark, and with it the end of a connection and, where
    /// they are on, their heartbeats: when this socket is closed, a PUSH, DEALER or REQ takes what it has not
    /// written to another peer. What the kernel had taken from them already is lost, as with any connection that
    /// ends. What the closing socket still reads of it is dropped and counted as
    /// [`DropCause::Closed`](crate::monitor::DropCause::Closed), so from now on an alarm on drops of received messages leaves
    /// that cause out. A socket that receives nothing (PUSH, PUB) goes on to read subscriptions; a
    /// [`proxy`](mod@crate::proxy) ends with the first of its sockets that is drained.
    ///
    /// Applies to all handles, and cannot be undone.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed) and [`Error::CompanionGone`](crate::Error::CompanionGone).
    #[doc = example!(r#"let router = RouterSocket::bind("tcp://127.0.0.1:0").await?;
router.drain()?;
// What had arrived would still come.
assert!(matches!(router.recv().await, Err(Error::Closed)));"#)]
    pub fn drain(&self) -> Result<()> {
        self.shared.with(Core::drain)
    }

    /// Closes the socket for all its handles and waits until what is queued is written, for at most
    /// `linger`; returns how many messages could not be sent. Whatever the socket was bound to is free then.
    ///
    /// Calls of other handles fail with [`Error::Closed`](crate::Error::Closed). Dropping the last handle
    /// closes as well, and lingers in the background for as long as the runtime lives.
    ///
    /// # Cancel safety
    /// Once polled, the socket is closing; dropping the future leaves that to the companion task, and without
    /// one to the next call that waits.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.send("last words").await?;
assert_eq!(push.close().await, 0, "nothing was left unsent");
assert_eq!(pull.recv().await?[0], "last words");"#)]
    pub async fn close(&self) -> u64 {
        let waiter = Waiter::new(&self.shared);
        self.shared.with(Core::begin_close);
        waiter.until(Core::closed).await
    }
}
