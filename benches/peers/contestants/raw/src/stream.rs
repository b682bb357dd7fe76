//! A TCP or a Unix stream.

use std::io::{IoSlice, Read, Result as IoResult, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use harness::{Bind, Result, unsupported};

pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Listens, and accepts one peer.
    pub fn accept(bind: Bind) -> Result<Self> {
        if bind.peers > 1 {
            return unsupported("one stream");
        }
        if let Some(path) = bind.endpoint.strip_prefix("ipc://") {
            let _ = std::fs::remove_file(path);
            let listener = UnixListener::bind(path)?;
            let endpoint = bind.endpoint.clone();
            bind.announce(endpoint);
            return Ok(Self::Unix(listener.accept()?.0));
        }
        let Some(address) = bind.endpoint.strip_prefix("tcp://") else { return unsupported("no inproc") };
        let listener = TcpListener::bind(address)?;
        bind.announce(format!("tcp://{}", listener.local_addr()?));
        Self::tcp(listener.accept()?.0)
    }

    pub fn connect(endpoint: &str) -> Result<Self> {
        match endpoint.split_once("://") {
            Some(("ipc", path)) => Ok(Self::Unix(UnixStream::connect(path)?)),
            Some(("tcp", address)) => Self::tcp(TcpStream::connect(address)?),
            _ => unsupported("no inproc"),
        }
    }

    pub fn set_nonblocking(&self) -> IoResult<()> {
        match self {
            Self::Tcp(stream) => stream.set_nonblocking(true),
            Self::Unix(stream) => stream.set_nonblocking(true),
        }
    }

    pub fn tcp(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> IoResult<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(slices),
            Self::Unix(stream) => stream.write_vectored(slices),
        }
    }

    fn flush(&mut self) -> IoResult<()> {
        Ok(())
    }
}
