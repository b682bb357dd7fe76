//! More endpoints for an open socket, and fewer.

use super::Socket;
use super::open::{Host, connectable};
use super::types::Kind;
use crate::endpoint::{Endpoint, IntoEndpoint};
use crate::engine::Waiter;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

impl<T: Kind, S: AsyncStream, P: BytePermits> Socket<T, S, P>
where
    S::Runtime: Host<S>,
{
    /// Listens on one more endpoint; returns it with the port that the system chose.
    ///
    /// # Errors
    /// A malformed endpoint, an address in use or not available, [`Error::Closed`].
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the socket may or may not listen on the endpoint.
    #[doc = example!(r#"let pull = PullSocket::new(SocketOptions::default())?;
let everywhere = ["tcp://127.0.0.1:0", "inproc://bind_to"];
for endpoint in everywhere {
    pull.bind_to(endpoint).await?;
}
assert_eq!(pull.stats().endpoints.len(), 2);"#)]
    pub async fn bind_to(&self, endpoint: impl IntoEndpoint) -> Result<Endpoint> {
        let endpoint = endpoint.into_endpoint()?;
        endpoint.check_bindable()?;
        let listener = self.shared.with(|core| match core.inbound.door_is_shut(&core.base) {
            Some(error) => Err(error),
            None => Ok(core.endpoints.listen(&mut core.base, endpoint)),
        })?;
        Waiter::new(&self.shared).until(|core| core.endpoints.bind_outcome(&core.base, listener)).await
    }

    /// Connects to one more endpoint, now and whenever the connection is lost; returns at once.
    ///
    /// A DEALER, REQ, PUB or SUB that connects to the endpoint already stays as it is; the other types get a
    /// second connection.
    ///
    /// # Errors
    /// A malformed endpoint, [`Error::Closed`].
    #[doc = example!(r#"let workers = [PullSocket::bind("tcp://127.0.0.1:0").await?, PullSocket::bind("tcp://127.0.0.1:0").await?];
let push = PushSocket::new(SocketOptions::default())?;
for worker in &workers {
    push.connect_to(worker.local_endpoint().unwrap())?;
}
push.wait_for_peers(2).await?;"#)]
    pub fn connect_to(&self, endpoint: impl IntoEndpoint) -> Result<()> {
        let endpoint = connectable(endpoint)?;
        self.shared.with(|core| match core.inbound.door_is_shut(&core.base) {
            Some(error) => Err(error),
            None => {
                core.endpoints.dial_once_more(&mut core.base, endpoint);
                Ok(())
            }
        })
    }

    /// Stops listening on an endpoint, as given to or returned by [`bind_to`](Self::bind_to), and ends
    /// the connections accepted there once what is queued for them is written (`zmq_unbind`).
    ///
    /// The companion task closes the listener: sockets of this process that bind the address next wait for
    /// that, and [`SocketEvent::Unbound`](crate::monitor::SocketEvent::Unbound) tells when it is free for
    /// all.
    ///
    /// # Errors
    /// [`Error::UnknownEndpoint`] if the socket does not listen there.
    #[doc = example!(r#"let pull = PullSocket::new(SocketOptions::default())?;
let endpoint = pull.bind_to("tcp://127.0.0.1:0").await?;
pull.unbind(&endpoint)?;
assert!(pull.local_endpoint().is_none());"#)]
    pub fn unbind(&self, endpoint: impl IntoEndpoint) -> Result<()> {
        let endpoint = endpoint.into_endpoint()?;
        self.shared.with(|core| core.remove_listener(&endpoint))
    }

    /// Stops connecting to an endpoint, and ends its connection once what is queued for it is written
    /// (`zmq_disconnect`).
    ///
    /// # Errors
    /// [`Error::UnknownEndpoint`] if the socket does not connect there.
    #[doc = example!(r#"let pull = PullSocket::bind("tcp://127.0.0.1:0").await?;
let push = PushSocket::connect(pull.local_endpoint().unwrap()).await?;
push.disconnect(pull.local_endpoint().unwrap())?;
assert!(push.stats().endpoints.is_empty());"#)]
    pub fn disconnect(&self, endpoint: impl IntoEndpoint) -> Result<()> {
        let endpoint = endpoint.into_endpoint()?;
        self.shared.with(|core| core.remove_dial(&endpoint))
    }
}
