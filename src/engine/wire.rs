//! What a peer does with its stream: reads, writes until the kernel takes no more, and flushes.

use std::io;
use std::task::{Context, Poll, ready};

use super::inproc::Link;
use super::peer::Peer;
use crate::resilience::PoisonGuard;
use crate::runtime::{AsyncStream, RecvBuf, SendBuf};

impl<S: AsyncStream> Peer<S> {
    /// Reads into the large frame under way, or else into `slab`.
    pub(crate) fn poll_read(&mut self, slab: &mut RecvBuf) -> Poll<io::Result<usize>> {
        let mut cx = Context::from_waker(&self.waker);
        let target = self.large.as_mut().unwrap_or(slab);
        self.link.poll_read(&mut cx, target)
    }

    /// Writes what is queued until the kernel takes no more, or `WRITES_PER_TURN` times, and flushes what it took.
    ///
    /// The guard covers each write: a panic inside the stream leaves the connection poisoned.
    pub(crate) fn poll_flush(&mut self) -> Poll<io::Result<()>> {
        /// Enough to empty any queue of default size, few enough not to keep the lock for long.
        const WRITES_PER_TURN: usize = 16;
        if self.poisoned {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.write_blocked = false;
        for _ in 0..WRITES_PER_TURN {
            self.queue_commands();
            if self.out.is_empty() {
                // Commands may have waited for what was before them to leave.
                ready!(self.poll_flush_stream())?;
                self.queue_commands();
                if self.out.is_empty() {
                    return Poll::Ready(Ok(()));
                }
            }
            match self.touch_stream(Link::poll_write) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.block();
                    // What it has taken is to leave; it is the stream that says when it takes more.
                    ready!(self.poll_flush_stream())?;
                    return Poll::Pending;
                }
            }
        }
        ready!(self.poll_flush_stream())?;
        self.queue_commands();
        if self.out.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.wake();
        Poll::Pending
    }

    /// Has what the stream took leave, if it holds any.
    fn poll_flush_stream(&mut self) -> Poll<io::Result<()>> {
        if !self.out.awaits_flush() {
            return Poll::Ready(Ok(()));
        }
        let result = self.touch_stream(|link, cx, _| link.poll_flush(cx));
        match &result {
            Poll::Ready(Ok(())) => self.out.flush(),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.block(),
        }
        result
    }

    /// Does something to the stream that is for the peer to see.
    #[inline]
    fn touch_stream<T>(
        &mut self,
        touch: impl FnOnce(&mut Link<S>, &mut Context<'_>, &mut SendBuf) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut cx = Context::from_waker(&self.waker);
        let guard = PoisonGuard::new(&mut self.poisoned);
        let result = touch(&mut self.link, &mut cx, &mut self.out);
        guard.disarm();
        result
    }

    /// The stream takes no more for now, and will wake the signal.
    fn block(&mut self) {
        self.write_blocked = true;
        self.blocked_at = self.out.queued_total();
        self.held_up = true;
    }

    /// Queues what waited for room: an empty queue says that there is no such thing.
    fn queue_commands(&mut self) {
        self.pong.queue(&mut self.connection, &mut self.out);
        self.encode_due_changes();
    }

    /// Shuts our half of the stream down.
    pub(crate) fn poll_shutdown(&mut self) -> Poll<io::Result<()>> {
        let mut cx = Context::from_waker(&self.waker);
        self.link.poll_close(&mut cx)
    }
}
