//! An epoll with one stream in it: what a runtime asks before it reads.

use harness::Result;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::stream::Stream;

pub struct Waiting(Epoll);

impl Waiting {
    /// Makes the stream non-blocking, and watches it by edges.
    pub fn new(stream: &Stream) -> Result<Self> {
        stream.set_nonblocking()?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(stream, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, 0))?;
        Ok(Self(epoll))
    }

    /// Returns when something has come that may be new.
    pub fn wait(&self) -> Result<()> {
        self.0.wait(&mut [EpollEvent::empty()], EpollTimeout::NONE)?;
        Ok(())
    }
}
