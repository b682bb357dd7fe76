//! What those who wait for connections, endpoints and the socket itself to change wait for.

use std::task::Poll;

use super::core::Core;
use super::endpoints::BindState;
use super::peer::Stage;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::monitor::PeerId;
use crate::runtime::AsyncStream;

impl<S: AsyncStream> Core<S> {
    /// Ready with a connection, or with the failure of an attempt that ended after the first call.
    pub(crate) fn connection(&mut self, failures: &mut Option<u64>) -> Poll<Result<(), Error>> {
        if let Some(error) = self.closed_error() {
            return Poll::Ready(Err(error));
        }
        if self.peers.live().next().is_some() {
            *failures = None;
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = self.no_connection_will_come() {
            return Poll::Ready(Err(error));
        }
        let now = self.endpoints.dials.iter().map(|dial| dial.outcomes).sum();
        if *failures.get_or_insert(now) < now {
            return Poll::Ready(Err(self.endpoints.last_failure()));
        }
        Poll::Pending
    }

    /// The outcome of the handshake of an explicit stream.
    pub(crate) fn handshake_outcome(&mut self, id: PeerId) -> Poll<Result<(), Error>> {
        if let Some(error) = self.closed_error() {
            return Poll::Ready(Err(error));
        }
        match self.peers.get(id).map(|peer| peer.stage) {
            // Without a failure it was done, and the connection has ended since: what came by it is there.
            None => Poll::Ready(self.endpoints.given_failure.take().map_or(Ok(()), Err)),
            Some(Stage::Handshaking) => Poll::Pending,
            Some(_) => Poll::Ready(Ok(())),
        }
    }

    /// The outcome of the first attempt of a dial.
    pub(crate) fn dial_outcome(&mut self, id: u32) -> Poll<Result<(), Error>> {
        if let Some(error) = self.closed_error() {
            return Poll::Ready(Err(error));
        }
        match self.endpoints.dial(id) {
            None => Poll::Ready(Err(Error::NotConnected)),
            Some(dial) if !dial.once => Poll::Ready(Ok(())),
            Some(dial) if dial.is_stopped() => {
                Poll::Ready(Err(dial.last_failure().unwrap_or(Error::NotConnected)))
            }
            Some(_) => Poll::Pending,
        }
    }

    /// The outcome of a bind; one that failed is forgotten.
    pub(crate) fn bind_outcome(&mut self, id: u32) -> Poll<Result<Endpoint, Error>> {
        if let Some(error) = self.closed_error() {
            return Poll::Ready(Err(error));
        }
        let Some(listener) = self.endpoints.listener(id) else {
            return Poll::Ready(Err(Error::NotConnected));
        };
        match listener.state.clone() {
            BindState::Pending => Poll::Pending,
            BindState::Bound(endpoint) => Poll::Ready(Ok(endpoint)),
            BindState::Failed(error) => {
                let error = error.binding(&listener.requested);
                self.endpoints.forget_listener(id);
                Poll::Ready(Err(error))
            }
        }
    }
}
