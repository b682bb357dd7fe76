//! Sockets of one stream that is connected already.

use std::future::poll_fn;

use super::Socket;
use super::open::{Host, current};
use super::types::{Kind, validate};
use crate::engine::{BudgetId, Companion, Core, Judgements, Origin, Shared, Waiter};
use crate::error::Result;
use crate::options::SocketOptions;
use crate::resilience::NoOpPermits;
use crate::runtime::{AsyncStream, Detached, Sleeper};

impl<T, S> Socket<T, S, NoOpPermits>
where
    T: Kind,
    S: AsyncStream,
    S::Runtime: Host<S>,
{
    /// Makes a socket of one connected stream of this runtime, with a companion task and without
    /// reconnection; resolves when the handshake is done. `from_tcp` and `from_unix` of the facades are
    /// this for their streams.
    ///
    /// [`from_stream`](Self::from_stream) is the same for streams of no runtime.
    ///
    /// # Errors
    /// What made the handshake fail; an option that cannot work; no runtime.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the stream is closed.
    pub async fn from_runtime_stream(stream: S, options: SocketOptions) -> Result<Self> {
        Self::from_stream_on(&current::<S>()?, stream, options).await
    }

    /// [`from_runtime_stream`](Self::from_runtime_stream) on a given runtime, wherever the caller runs. A stream with a
    /// layer, such as TLS, is made of one below by [`Layered::wrap`](crate::runtime::Layered::wrap).
    ///
    /// See [`from_runtime_stream`](Self::from_runtime_stream).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the stream is closed.
    pub async fn from_stream_on(host: &S::Runtime, stream: S, options: SocketOptions) -> Result<Self> {
        let socket = Self::new_on(host, options)?;
        handshake(&socket.shared, stream, host.now()).await?;
        Ok(socket)
    }
}

impl<T, S> Socket<T, S, NoOpPermits>
where
    T: Kind,
    S: AsyncStream<Runtime = Detached>,
{
    /// Makes a socket of one stream of your own, with default options; see
    /// [`from_stream_with_options`](Self::from_stream_with_options).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the stream is closed.
    #[doc = example!(r#"use monocoque::runtime::{Detached, FuturesIo};
use monocoque::socket;

// Any stream of bytes; this one is at its end, so there is no handshake.
let stream = FuturesIo::new(futures_util::io::Cursor::new(Vec::new()));
let push = socket::PushSocket::from_stream(stream).await;
assert!(push.is_err());"#)]
    pub async fn from_stream(stream: S) -> Result<Self> {
        Self::from_stream_with_options(stream, SocketOptions::default()).await
    }

    /// Makes a socket of one stream of your own; resolves when the handshake is done.
    ///
    /// Such a socket has no companion task: it makes progress only while one of its futures is polled,
    /// `send` resolves when the stream has taken the bytes, deadlines are checked when it is polled, and
    /// dropping it drops what is queued (use [`close`](Self::close)).
    ///
    /// # Errors
    /// What made the handshake fail; an option that cannot work.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the stream is closed.
    #[doc = example!(r#"use monocoque::runtime::FuturesIo;
use monocoque::socket;

let stream = FuturesIo::new(futures_util::io::Cursor::new(Vec::new()));
let options = SocketOptions::default().with_identity("worker-7");
let dealer = socket::DealerSocket::from_stream_with_options(stream, options).await;
assert!(dealer.is_err(), "the stream is at its end");"#)]
    pub async fn from_stream_with_options(stream: S, options: SocketOptions) -> Result<Self> {
        validate::<S::Sharing>(&options, T::TYPE)?;
        let core = Core::new(T::TYPE, T::pattern(&options), options, Companion::None);
        let socket = Self::from_shared(Shared::new(core), NoOpPermits, BudgetId::NONE);
        handshake(&socket.shared, stream, std::time::Instant::now()).await?;
        Ok(socket)
    }
}

/// Attaches an explicit stream and waits for its handshake.
async fn handshake<S: AsyncStream>(shared: &Shared<S>, stream: S, now: std::time::Instant) -> Result<()> {
    let id = shared.with(|core| core.attach(stream, Origin::Given, now));
    if !shared.is_detached() {
        return Waiter::new(shared).until(|core| core.endpoints.handshake_outcome(&core.base, id)).await;
    }
    // Nobody else is there to ask the authenticator.
    let (mut waiter, mut judgements) = (Waiter::new(shared), Judgements::default());
    poll_fn(|cx| {
        judgements.register(Some(cx.waker().clone()));
        loop {
            let outcome = waiter.poll_change(cx, |core| core.endpoints.handshake_outcome(&core.base, id));
            judgements.ask(shared.with(|core| core.asked.take_questions(&mut core.base)), shared);
            if outcome.is_ready() || !judgements.poll(shared) {
                return outcome;
            }
        }
    })
    .await
}
