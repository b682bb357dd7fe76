//! Calls as futures, and what they are given.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::endpoint::Endpoint;
use crate::options::TransportOptions;
use crate::runtime::{AsyncStream, Listener, RecvBuf, Runtime, SendBuf};

/// Runs both to the end.
pub(in crate::runtime) async fn both<A: Future, B: Future>(one: A, other: B) -> (A::Output, B::Output) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut first, mut second) = (None, None);
    poll_fn(|cx| {
        if first.is_none() {
            first = done(one.as_mut().poll(cx));
        }
        if second.is_none() {
            second = done(other.as_mut().poll(cx));
        }
        match (first.take(), second.take()) {
            (Some(first), Some(second)) => Poll::Ready((first, second)),
            unfinished => {
                (first, second) = unfinished;
                Poll::Pending
            }
        }
    })
    .await
}

fn done<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

pub(in crate::runtime) fn options() -> TransportOptions {
    TransportOptions::default()
}

pub(in crate::runtime) fn endpoint(text: &str) -> Endpoint {
    text.parse().unwrap()
}

pub(in crate::runtime) async fn bind<R: Runtime>(text: &str) -> R::Listener {
    R::current().unwrap().bind(&endpoint(text), &options()).await.unwrap()
}

pub(in crate::runtime) async fn connect<R: Runtime>(endpoint: &Endpoint) -> io::Result<R::Stream> {
    R::current().unwrap().connect(endpoint, &options()).await
}

pub(in crate::runtime) async fn accept<L: Listener>(listener: &mut L) -> io::Result<L::Stream> {
    poll_fn(|cx| listener.poll_accept(cx)).await
}

pub(in crate::runtime) async fn read<S: AsyncStream>(stream: &mut S, buf: &mut RecvBuf) -> io::Result<usize> {
    poll_fn(|cx| stream.poll_read(cx, buf)).await
}

pub(in crate::runtime) async fn write_all<S: AsyncStream>(
    stream: &mut S,
    src: &mut SendBuf,
) -> io::Result<()> {
    while !src.is_empty() {
        poll_fn(|cx| stream.poll_write(cx, src)).await?;
    }
    poll_fn(|cx| stream.poll_flush(cx)).await
}

pub(in crate::runtime) async fn close<S: AsyncStream>(stream: &mut S) {
    poll_fn(|cx| stream.poll_close(cx)).await.unwrap();
}

/// Polls once, as a future does that is dropped afterwards.
pub(in crate::runtime) fn poll_once<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    poll(&mut Context::from_waker(Waker::noop()))
}
