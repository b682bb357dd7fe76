//! Taking the requests of a server: one at a time, or as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};

use super::request::{Reply, Request};
use super::server::Server;
use crate::error::{Error, Result};
use crate::resilience::{Acquire, BytePermits, NoOpPermits, Permit};
use crate::runtime::{AsyncStream, Runtime};
use crate::socket::RequestPlace;

/// How far one has come that takes a request: it gets a place among those that are handed out, then a request.
#[derive(Debug, Default)]
pub(super) struct Taking {
    acquiring: Option<Acquire>,
    place: Option<Permit>,
    waiting: RequestPlace,
}

impl Taking {
    /// Ready, it has begun anew.
    pub(super) fn poll<S: AsyncStream, P: BytePermits>(
        &mut self,
        server: &Server<S, P>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Request<S, P>>> {
        let (socket, unsettled) = (&server.bounded.socket, &server.unsettled);
        let place = match self.place.take() {
            Some(place) => place,
            None => {
                let acquiring = self.acquiring.get_or_insert_with(|| server.bounded.place());
                let place = ready!(socket.poll_before_request(&mut self.waiting, acquiring, cx));
                self.acquiring = None;
                place?
            }
        };
        match socket.poll_request(&mut self.waiting, cx, || unsettled.add()) {
            Poll::Ready(Ok((to, message))) => {
                let reply = Reply::new(socket.clone(), to, unsettled.clone(), place);
                Poll::Ready(Ok(Request { message, reply }))
            }
            Poll::Ready(Err(error)) => {
                // It may have found that nothing is left.
                socket.tell_settled();
                Poll::Ready(Err(error))
            }
            Poll::Pending => {
                self.place = Some(place);
                Poll::Pending
            }
        }
    }

    fn cancel<S: AsyncStream, P: BytePermits>(&mut self, server: &Server<S, P>) {
        server.bounded.socket.leave_requests(&mut self.waiting);
    }
}

/// One call of [`Server::next`].
pub(super) struct Next<'a, S: AsyncStream, P: BytePermits> {
    server: &'a Server<S, P>,
    taking: Taking,
}

impl<'a, S: AsyncStream, P: BytePermits> Next<'a, S, P> {
    pub(super) fn new(server: &'a Server<S, P>) -> Self {
        Self { server, taking: Taking::default() }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Request<S, P>>> {
        self.taking.poll(self.server, cx)
    }
}

impl<S: AsyncStream, P: BytePermits> Drop for Next<'_, S, P> {
    fn drop(&mut self) {
        self.taking.cancel(self.server);
    }
}

/// The requests of a [`Server`], in turn with all who call [`next`](Server::next): made by
/// [`requests`](Server::requests).
///
/// It ends when the server is closed, or drained and all that had arrived by then is handed out, and after the error that
/// ends its socket. A request that did not come in time (`recv_timeout`) is an error that ends nothing.
///
/// # Cancel safety
/// Dropping the future of its `next()` loses nothing: requests stay in the server. Once polled, the stream keeps a place
/// among those who wait, and one of `max_outstanding`, until it has yielded or is dropped; so poll it again once it was
/// woken, or drop it, or others go on waiting for what it was woken for.
#[must_use = "streams do nothing unless polled"]
pub struct RequestStream<S: AsyncStream, P: BytePermits = NoOpPermits> {
    server: Server<S, P>,
    taking: Taking,
    /// It has yielded its last item.
    ended: bool,
}

impl<S: AsyncStream, P: BytePermits> RequestStream<S, P> {
    pub(super) fn new(server: Server<S, P>) -> Self {
        Self { server, taking: Taking::default(), ended: false }
    }
}

impl<S, P> Stream for RequestStream<S, P>
where
    S: AsyncStream,
    S::Runtime: Runtime,
    P: BytePermits,
{
    type Item = Result<Request<S, P>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        let request = ready!(this.taking.poll(&this.server, cx));
        this.ended = request.as_ref().is_err_and(|error| !matches!(error, Error::Timeout(_)));
        Poll::Ready(Some(request).filter(|request| !matches!(request, Err(Error::Closed))))
    }
}

impl<S, P> FusedStream for RequestStream<S, P>
where
    S: AsyncStream,
    S::Runtime: Runtime,
    P: BytePermits,
{
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<S: AsyncStream, P: BytePermits> Drop for RequestStream<S, P> {
    fn drop(&mut self) {
        self.taking.cancel(&self.server);
    }
}

impl<S: AsyncStream, P: BytePermits> fmt::Debug for RequestStream<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestStream").field("server", &self.server).finish_non_exhaustive()
    }
}
