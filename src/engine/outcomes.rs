//! What those who wait for connections, endpoints and the socket itself to change wait for.

use std::task::Poll;

use super::base::Base;
use super::endpoints::{BindState, Endpoints};
use super::peer::Stage;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::monitor::PeerId;
use crate::runtime::AsyncStream;

impl Endpoints {
    /// Ready with a connection, or with the failure of an attempt that ended after the first call.
    pub(crate) fn connection<S: AsyncStream>(
        &self,
        base: &Base<S>,
        failures: &mut Option<u64>,
    ) -> Poll<Result<(), Error>> {
        if let Some(error) = base.life.closed_error() {
            return Poll::Ready(Err(error));
        }
        if base.peers.live().next().is_some() {
            *failures = None;
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = self.no_connection_will_come(base) {
            return Poll::Ready(Err(error));
        }
        let now = self.dials.iter().map(|dial| dial.outcomes).sum();
        if *failures.get_or_insert(now) < now {
            return Poll::Ready(Err(self.last_failure()));
        }
        Poll::Pending
    }

    /// The outcome of the handshake of an explicit stream.
    pub(crate) fn handshake_outcome<S: AsyncStream>(
        &mut self,
        base: &Base<S>,
        id: PeerId,
    ) -> Poll<Result<(), Error>> {
        if let Some(error) = base.life.closed_error() {
            return Poll::Ready(Err(error));
        }
        match base.peers.get(id).map(|peer| peer.stage) {
            // Without a failure it was done, and the connection has ended since: what came by it is there.
            None => Poll::Ready(self.given_failure.take().map_or(Ok(()), Err)),
            Some(Stage::Handshaking) => Poll::Pending,
            Some(_) => Poll::Ready(Ok(())),
        }
    }

    /// The outcome of the first attempt of a dial.
    pub(crate) fn dial_outcome<S: AsyncStream>(
        &mut self,
        base: &Base<S>,
        id: u32,
    ) -> Poll<Result<(), Error>> {
        if let Some(error) = base.life.closed_error() {
            return Poll::Ready(Err(error));
        }
        match self.dial(id) {
            None => Poll::Ready(Err(Error::NotConnected)),
            Some(dial) if !dial.once => Poll::Ready(Ok(())),
            Some(dial) if dial.is_stopped() => {
                Poll::Ready(Err(dial.last_failure().unwrap_or(Error::NotConnected)))
            }
            Some(_) => Poll::Pending,
        }
    }

    /// The outcome of a bind; one that failed is forgotten.
    pub(crate) fn bind_outcome<S: AsyncStream>(
        &mut self,
        base: &Base<S>,
        id: u32,
    ) -> Poll<Result<Endpoint, Error>> {
        if let Some(error) = base.life.closed_error() {
            return Poll::Ready(Err(error));
        }
        let Some(listener) = self.listener(id) else {
            return Poll::Ready(Err(Error::NotConnected));
        };
        match listener.state.clone() {
            BindState::Pending => Poll::Pending,
            BindState::Bound(endpoint) => Poll::Ready(Ok(endpoint)),
            BindState::Failed(error) => {
                let error = error.binding(&listener.requested);
                self.forget_listener(id);
                Poll::Ready(Err(error))
            }
        }
    }
}
