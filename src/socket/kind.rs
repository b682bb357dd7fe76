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
