//! Watching a socket where a runtime forgets what it said: it tells of readiness once for each time that it is
//! asked.

use std::io;
use std::task::{Poll, ready};

use socket2::Socket;

use super::socket::{Attempted, Way};

/// Whether what is wanted may be there, in one direction.
#[derive(Clone, Copy, Debug)]
pub(in crate::runtime) struct Drained {
    input: bool,
    output: bool,
}

impl Drained {
    /// A socket that was just opened has nothing to read, and room to write.
    pub(in crate::runtime) const fn fresh() -> Self {
        Self { input: true, output: false }
    }

    fn of(&mut self, way: Way) -> &mut bool {
        match way {
            Way::In => &mut self.input,
            Way::Out => &mut self.output,
        }
    }

    /// Makes attempts, and waits by `poll_ready` before those that would find nothing.
    pub(in crate::runtime) fn poll_io<T>(
        &mut self,
        way: Way,
        socket: &Socket,
        mut poll_ready: impl FnMut() -> Poll<io::Result<()>>,
        mut attempt: impl FnMut(&Socket) -> Attempted<T>,
    ) -> Poll<io::Result<T>> {
        let drained = self.of(way);
        loop {
            if *drained {
                match poll_ready() {
                    // Nobody has looked since the task last gave way: what is written may find room meanwhile.
                    Poll::Pending if matches!(way, Way::Out) => return attempt(socket).unless_blocked(),
                    ready => ready!(ready)?,
                }
                *drained = false;
            }
            let attempted = attempt(socket);
            *drained = attempted.drained || attempted.is_blocked();
            if !attempted.is_blocked() {
                return Poll::Ready(attempted.result);
            }
        }
    }
}
