//! What generic code needs to say to run sockets in tasks that move between threads.

use super::Host;
use crate::engine::CompanionTask;
use crate::resilience::BytePermits;
use crate::runtime::{AsyncStream, Connector, Runtime, Shared, Sleeper};

/// Streams whose sockets may be shared between threads, with all their futures: those of tokio and smol, and whatever else is
/// `Send` and [`Shared`]. Implemented for all of them.
///
/// The one bound with which code that is generic over these runtimes spawns what it does with a socket (code that is to
/// run on compio or `tokio_local` as well has [who calls it](crate::guide::cookbook) say what is spawned):
///
/// ```
/// use monocoque::prelude::*;
/// use monocoque::runtime::Spawn;
/// use monocoque::socket::{PullSocket, SendPermits, SendStream};
/// use std::future::Future;
/// use std::pin::Pin;
///
/// type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
///
/// /// Receives until the socket ends, in the background.
/// fn print_all<S: SendStream, P: SendPermits>(host: &impl Spawn<Task>, pull: PullSocket<S, P>) {
///     host.spawn(Box::pin(async move {
///         while let Ok(message) = pull.recv().await {
///             println!("{message:?}");
///         }
///     }));
/// }
/// ```
pub trait SendStream: AsyncStream<Sharing = Shared> + Send {}

impl<S: AsyncStream<Sharing = Shared> + Send> SendStream for S {}

/// Runtimes whose futures may be sent, so that opening a socket on them may be spawned too. Implemented for all of them.
pub trait SendHost<S: SendStream>:
    Host<S>
    + Runtime<Listener: Send, Binding: Send>
    + Connector<Connecting: Send>
    + Sleeper<Sleep: Send>
    + Send
    + Sync
{
}

impl<S, R> SendHost<S> for R
where
    S: SendStream,
    R: Host<S>
        + Runtime<Listener: Send, Binding: Send>
        + Connector<Connecting: Send>
        + Sleeper<Sleep: Send>
        + Send
        + Sync,
    CompanionTask<R>: Send,
{
}

/// Byte permits whose futures may be sent. Implemented for all of them.
pub trait SendPermits: BytePermits<Acquire: Send + Sync> + Send + Sync {}

impl<P: BytePermits<Acquire: Send + Sync> + Send + Sync> SendPermits for P {}
