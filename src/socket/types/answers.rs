//! What is behind a [`Server`](crate::rpc::Server): a ROUTER that receives requests only.

use super::kind::Kind;
use super::kind::sealed::Policy;
use super::router::Addressing;
use crate::engine::Pattern;
use crate::options::SocketOptions;
use crate::protocol::SocketType;

/// The marker of the socket of a [`Server`](crate::rpc::Server): a ROUTER to its peers, whose sending and receiving is
/// the server's.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answers;

impl Kind for Answers {
    const TYPE: SocketType = SocketType::Router;
}

impl Policy for Answers {
    #[expect(private_interfaces, reason = "sealed")]
    fn pattern(options: &SocketOptions) -> Box<dyn Pattern> {
        Box::new(Addressing::serving(options))
    }
}
