//! What is seen of a connection from outside.

use std::fmt;
use std::sync::Arc;

use super::fault::{Cut, Direction, LinkId};
use crate::endpoint::Endpoint;

/// The state of one connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LinkInfo {
    /// Its number.
    pub id: LinkId,
    /// What the client connected to.
    pub endpoint: Endpoint,
    /// The host that it was made from, and the one that answered.
    pub hosts: [Arc<str>; 2],
    /// How it was cut, if it was.
    pub cut: Option<Cut>,
    /// Whether both ends have been dropped.
    pub closed: bool,
    /// From the end that connected.
    pub to_server: DirectionInfo,
    /// From the end that accepted.
    pub to_client: DirectionInfo,
}

/// The state of one direction of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DirectionInfo {
    /// Bytes that writes have accepted.
    pub sent: u64,
    /// Bytes that have arrived at the receiving end; what was lost never does.
    pub delivered: u64,
    /// Bytes that have arrived and were not read.
    pub unread: usize,
    /// Whether it is stalled.
    pub stalled: bool,
}

impl LinkInfo {
    /// The state of one direction.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Direction, Sim};
    ///
    /// let sim = Sim::new(7);
    /// sim.block_on(async {
    /// #     let _listener = sim::raw_listen("tcp://server:5555").await?;
    ///     let mut client = sim::raw_connect("tcp://server:5555").await?;
    ///     client.write_all(b"hello").await?;
    ///     let link = sim.network().link(client.link()).unwrap();
    ///     // Accepted by the system, and on its way.
    ///     assert_eq!((link.direction(Direction::ToServer).sent, link.to_server.delivered), (5, 0));
    /// #     Ok::<_, std::io::Error>(())
    /// })
    /// # .unwrap();
    /// ```
    #[must_use]
    pub const fn direction(&self, direction: Direction) -> &DirectionInfo {
        match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        }
    }
}

impl fmt::Display for LinkInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} to {}: {} to server, {} to client",
            self.id, self.endpoint, self.to_server, self.to_client
        )?;
        match self.cut {
            Some(cut) => write!(f, ", cut by {cut:?}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for DirectionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes delivered and {} unread", self.delivered, self.sent, self.unread)?;
        f.write_str(if self.stalled { " (stalled)" } else { "" })
    }
}
