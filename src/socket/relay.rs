//! Sockets as a proxy sees them: polled, and all types alike.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::Socket;
use super::flush::Flush;
pub(crate) use super::recv::Turn;
use super::types::{Kind, Sends};
use super::wait::Waiting;
use crate::engine::Manner;
use crate::error::Result;
use crate::message::Message;
use crate::monitor::PeerId;
use crate::resilience::BytePermits;
use crate::runtime::AsyncStream;

pub(crate) use self::sealed::{Inlet, Outlet};

/// A socket that can be a side of a [`Proxy`](crate::proxy::Proxy): each type and runtime.
pub trait ProxySocket: Clone + Inlet + Outlet {}

impl<T: Kind, S: AsyncStream, P: BytePermits> ProxySocket for Socket<T, S, P> {}

/// Where a [`Proxy`](crate::proxy::Proxy) sends copies to: a socket that sends, or nowhere.
pub trait Capture: Outlet {}

impl<T: Sends, S: AsyncStream, P: BytePermits> Capture for Socket<T, S, P> {}

/// The capture of a [`Proxy`](crate::proxy::Proxy) that has none.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NoCapture;

impl Capture for NoCapture {}

/// Keeps what a proxy does to its sockets private.
pub(crate) mod sealed {
    use super::{Context, Message, PeerId, Poll, Result, Turn};

    /// Where messages come from.
    #[expect(unnameable_types, reason = "sealed")]
    #[expect(private_interfaces, reason = "sealed: only this crate implements or calls it")]
    pub trait Inlet {
        #[doc(hidden)]
        const RECEIVES: bool;

        #[doc(hidden)]
        fn poll_receive(&self, turn: &mut Turn, cx: &mut Context<'_>) -> Poll<Result<(PeerId, Message)>>;

        /// Gives the place among those that wait back.
        #[doc(hidden)]
        fn leave(&self, turn: &mut Turn);

        /// Gives the message back that was received last.
        #[doc(hidden)]
        fn put_back(&self, peer: PeerId, message: Message);
    }

    /// Where messages go.
    #[expect(unnameable_types, reason = "sealed")]
    pub trait Outlet {
        #[doc(hidden)]
        const SENDS: bool;

        /// The state of one that sends message after message.
        #[doc(hidden)]
        type Sending: Default;

        /// Of a message that was not accepted nothing is missing.
        #[doc(hidden)]
        fn poll_send(
            &self,
            sending: &mut Self::Sending,
            message: &mut Message,
            cx: &mut Context<'_>,
        ) -> Poll<Result<()>>;

        /// Writes what nobody else would write, when no message follows at once.
        #[doc(hidden)]
        fn poll_written(&self, sending: &mut Self::Sending, cx: &mut Context<'_>) -> Poll<Result<()>>;

        /// Gives the place among those that wait back.
        #[doc(hidden)]
        fn leave(&self, sending: &mut Self::Sending);

        /// What tells this socket from others.
        #[doc(hidden)]
        fn address(&self) -> *const ();
    }
}

#[expect(private_interfaces, reason = "sealed")]
impl<T: Kind, S: AsyncStream, P: BytePermits> Inlet for Socket<T, S, P> {
    const RECEIVES: bool = T::TYPE.receives();

    fn poll_receive(&self, turn: &mut Turn, cx: &mut Context<'_>) -> Poll<Result<(PeerId, Message)>> {
        turn.poll_from(&self.shared, cx)
    }

    fn leave(&self, turn: &mut Turn) {
        turn.cancel(&self.shared);
    }

    fn put_back(&self, peer: PeerId, message: Message) {
        self.shared.with(|core| core.inbound.put_back(&mut core.base, &mut *core.pattern, peer, message));
    }
}

/// One that sends message after message into a socket.
#[doc(hidden)]
#[expect(unnameable_types, missing_debug_implementations, reason = "sealed")]
pub struct Feeding<P: BytePermits> {
    waiting: Waiting<P>,
    flush: Flush,
    /// Something was sent since the last flush.
    unwritten: bool,
}

impl<P: BytePermits> Default for Feeding<P> {
    fn default() -> Self {
        Self { waiting: Waiting::default(), flush: Flush::default(), unwritten: false }
    }
}

impl<T: Kind, S: AsyncStream, P: BytePermits> Outlet for Socket<T, S, P> {
    const SENDS: bool = T::TYPE.sends();
    type Sending = Feeding<P>;

    fn poll_send(
        &self,
        sending: &mut Feeding<P>,
        message: &mut Message,
        cx: &mut Context<'_>,
    ) -> Poll<Result<()>> {
        ready!(sending.waiting.poll_submit(self, message, Manner::Send, cx))?;
        sending.unwritten = true;
        Poll::Ready(Ok(()))
    }

    fn poll_written(&self, sending: &mut Feeding<P>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if !sending.unwritten {
            return Poll::Ready(Ok(()));
        }
        if self.shared.with(|core| core.base.writes_by_hand()) {
            ready!(sending.flush.poll(&self.shared, cx))?;
        }
        sending.unwritten = false;
        Poll::Ready(Ok(()))
    }

    fn leave(&self, sending: &mut Feeding<P>) {
        sending.waiting.cancel(&self.shared);
        sending.flush.leave(&self.shared);
    }

    fn address(&self) -> *const () {
        Arc::as_ptr(&self.shared).cast()
    }
}

impl Outlet for NoCapture {
    const SENDS: bool = false;
    type Sending = ();

    fn poll_send(&self, (): &mut (), _message: &mut Message, _cx: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_written(&self, (): &mut (), _cx: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn leave(&self, (): &mut ()) {}

    fn address(&self) -> *const () {
        std::ptr::null()
    }
}

#[cfg(test)]
mod tests {
    use crate::protocol::SocketType;
    use crate::socket::{self, Kind, Receives, Sends};

    fn sends<T: Sends>() -> SocketType {
        T::TYPE
    }

    fn receives<T: Receives>() -> SocketType {
        T::TYPE
    }

    #[test]
    fn what_a_type_can_do_is_what_its_methods_say() {
        let sending = [
            sends::<socket::Pair>(),
            sends::<socket::Pub>(),
            sends::<socket::Req>(),
            sends::<socket::Rep>(),
            sends::<socket::Dealer>(),
            sends::<socket::Router>(),
            sends::<socket::Push>(),
            sends::<socket::XPub>(),
            sends::<socket::XSub>(),
        ];
        assert!(sending.iter().all(|socket_type| socket_type.sends()));
        let receiving = [
            receives::<socket::Pair>(),
            receives::<socket::Sub>(),
            receives::<socket::Req>(),
            receives::<socket::Rep>(),
            receives::<socket::Dealer>(),
            receives::<socket::Router>(),
            receives::<socket::Pull>(),
            receives::<socket::XPub>(),
            receives::<socket::XSub>(),
        ];
        assert!(receiving.iter().all(|socket_type| socket_type.receives()));
        assert!(!socket::Sub::TYPE.sends() && !socket::Pull::TYPE.sends());
        assert!(!socket::Pub::TYPE.receives() && !socket::Push::TYPE.receives());
    }
}
