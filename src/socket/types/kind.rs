//! What a socket type is and can do, at compile time.

use crate::engine::Pattern;
use crate::options::SocketOptions;
use crate::protocol::SocketType;

/// The marker of a socket type.
pub trait Kind: sealed::Policy + 'static {
    /// The type as the protocol names it.
    const TYPE: SocketType;
}

/// Socket types that send.
pub trait Sends: Kind {}

/// Socket types whose messages may go to any peer, so that room can be reserved before the message
/// is known.
pub trait SendsToAny: Sends {}

/// Socket types whose messages carry the identity of a peer in front.
pub trait Addressed: Sends + Receives {}

/// Socket types that receive.
pub trait Receives: Kind {}

/// Socket types that await a reply to each request.
pub trait Requests: Sends + Receives {}

/// Socket types that have to do with topics.
pub trait Topical: Kind {}

/// Socket types that subscribe to topics, or decide about the subscriptions of others.
pub trait Subscribes: Topical {}

/// Socket types that publish to subscribers.
pub trait Publishes: Topical + Sends {}

/// Keeps the set of socket types closed, and the policy behind them private.
pub(crate) mod sealed {
    use super::{Pattern, SocketOptions};

    #[expect(unnameable_types, reason = "sealed")]
    pub trait Policy {
        #[doc(hidden)]
        #[expect(private_interfaces, reason = "sealed: only this crate implements or calls it")]
        fn pattern(options: &SocketOptions) -> Box<dyn Pattern>;
    }
}

/// Declares a socket type: its marker, the pattern behind it, and the alias that users see. What it can do is in the
/// table of all types.
macro_rules! socket_type {
    (
        $(#[$doc:meta])*
        $marker:ident, $alias:ident;
        $pattern:expr
    ) => {
        #[doc = concat!("The marker of [`", stringify!($alias), "`].")]
        #[derive(Debug)]
        #[non_exhaustive]
        pub struct $marker;

        $(#[$doc])*
        pub type $alias<S, P = $crate::resilience::NoOpPermits> = $crate::socket::Socket<$marker, S, P>;

        impl $crate::socket::types::kind::sealed::Policy for $marker {
            #[expect(private_interfaces, reason = "sealed")]
            fn pattern(options: &$crate::options::SocketOptions) -> Box<dyn $crate::engine::Pattern> {
                let pattern: fn(&$crate::options::SocketOptions) -> _ = $pattern;
                Box::new(pattern(options))
            }
        }
    };
}
pub(super) use socket_type;
