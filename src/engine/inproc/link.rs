//! What a connection is made of.

use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::pipe::End;
use crate::endpoint::Endpoint;
use crate::runtime::{AsyncStream, RecvBuf, SendBuf};

/// A stream of bytes, or one end of a connection inside of the process.
#[derive(Debug)]
pub(crate) enum Link<S> {
    Stream(S),
    Inproc(End),
}

impl<S> Link<S> {
    /// The end of an inproc connection.
    #[inline]
    pub(crate) fn inproc(&self) -> Option<&End> {
        match self {
            Self::Stream(_) => None,
            Self::Inproc(end) => Some(end),
        }
    }

    /// The same, to write to it.
    #[inline]
    pub(crate) fn inproc_mut(&mut self) -> Option<&mut End> {
        match self {
            Self::Stream(_) => None,
            Self::Inproc(end) => Some(end),
        }
    }
}

/// Bytes go to streams only: an end of a connection inside of the process neither has nor takes any.
impl<S: AsyncStream> Link<S> {
    #[inline]
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut RecvBuf) -> Poll<io::Result<usize>> {
        match self {
            Self::Stream(stream) => stream.poll_read(cx, buf),
            Self::Inproc(_) => Poll::Pending,
        }
    }

    #[inline]
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, src: &mut SendBuf) -> Poll<io::Result<usize>> {
        match self {
            Self::Stream(stream) => stream.poll_write(cx, src),
            Self::Inproc(_) => Poll::Pending,
        }
    }

    #[inline]
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Stream(stream) => stream.poll_flush(cx),
            Self::Inproc(_) => Poll::Ready(Ok(())),
        }
    }

    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Stream(stream) => stream.poll_close(cx),
            Self::Inproc(_) => Poll::Ready(Ok(())),
        }
    }

    /// Whether the other side has confirmed the end of the stream.
    pub(crate) fn has_ended(&self) -> io::Result<bool> {
        match self {
            Self::Stream(stream) => stream.has_ended(),
            Self::Inproc(_) => Ok(true),
        }
    }

    /// The address of this end, where the link knows it.
    pub(crate) fn local_endpoint(&self) -> Option<Endpoint> {
        match self {
            Self::Stream(stream) => stream.local_endpoint(),
            Self::Inproc(_) => None,
        }
    }

    /// Whether a layer of the stream is in its own handshake.
    pub(crate) fn is_handshaking(&self) -> bool {
        match self {
            Self::Stream(stream) => stream.is_handshaking(),
            Self::Inproc(_) => false,
        }
    }

    /// The certificates by which the other end has proved who it is.
    pub(crate) fn peer_certificates(&self) -> &[Bytes] {
        match self {
            Self::Stream(stream) => stream.peer_certificates(),
            Self::Inproc(_) => &[],
        }
    }

    /// The address of the other end, where the link knows it.
    pub(crate) fn peer_endpoint(&self) -> Option<Endpoint> {
        match self {
            Self::Stream(stream) => stream.peer_endpoint(),
            Self::Inproc(end) => Some(end.endpoint()),
        }
    }
}
