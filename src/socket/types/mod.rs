//! The socket types: what each can do, and the policy behind it.

mod answers;
mod asks;
mod dealer;
mod envelope;
mod kind;
mod options;
mod pair;
mod pub_socket;
mod publisher;
mod pull;
mod push;
mod rep;
mod req;
mod round_robin;
mod router;
mod sub;
mod subscriber;
mod table;
mod xpub;
mod xsub;

pub use self::answers::Answers;
pub use self::asks::Asks;
pub use self::dealer::{Dealer, DealerSocket};
pub(super) use self::envelope::{put_into_envelope, take_envelope};
pub use self::kind::{
    Addressed, Kind, Publishes, Receives, Requests, Sends, SendsToAny, Subscribes, Topical,
};
pub(super) use self::options::validate;
pub use self::pair::{Pair, PairSocket};
pub use self::pub_socket::{Pub, PubSocket};
pub use self::pull::{Pull, PullSocket};
pub use self::push::{Push, PushSocket};
pub use self::rep::{Rep, RepSocket};
pub use self::req::{Req, ReqSocket};
pub use self::router::{Router, RouterSocket};
pub use self::sub::{Sub, SubSocket};
#[cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
pub(crate) use self::table::socket_types;
pub use self::xpub::{XPub, XPubSocket};
pub use self::xsub::{XSub, XSubSocket};
