//! [`Network`]: the hand that cuts, stalls and refuses while a simulation runs.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::fault::{Answer, Cut, Direction, LinkId, Plan};
use super::link::Link;
use super::world::{Core, Shared};
use crate::endpoint::{Endpoint, IntoEndpoint};

/// Control over the connections of one simulation; clones control the same network.
///
/// Endpoints are given as for binding and connecting. Calls about a link that is gone do nothing.
///
/// # Panics
/// Methods that take an endpoint panic if it is malformed: tests write it themselves.
#[derive(Clone)]
pub struct Network {
    shared: Arc<Shared>,
}

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

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("links", &self.links()).finish()
    }
}

impl Network {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The connections of which at least one end lives, in the order of establishment.
    #[must_use]
    pub fn links(&self) -> Vec<LinkInfo> {
        self.shared.with(|world| world.links.values().map(Link::info).collect())
    }

    /// One connection, also if it is over; `None` if there never was such a one.
    #[must_use]
    pub fn link(&self, link: LinkId) -> Option<LinkInfo> {
        self.shared.with(|world| {
            let live = world.links.get(&link).map(Link::info);
            live.or_else(|| world.closed.get(&link).cloned())
        })
    }

    /// Plans the next connection that is attempted; further calls plan those after it.
    pub fn on_next_connect(&self, plan: Plan) {
        self.shared.with(|world| world.hosts.plan_next(None, plan));
    }

    /// Plans the next connection that is attempted to `endpoint`.
    #[track_caller]
    pub fn on_next_connect_to(&self, endpoint: impl IntoEndpoint, plan: Plan) {
        let endpoint = well_formed(endpoint);
        self.shared.with(|world| world.hosts.plan_next(Some(&endpoint), plan));
    }

    /// Replaces the plan of the whole network for all connections that are attempted from now on; see
    /// [`SimConfig::with_links`](super::SimConfig::with_links).
    pub fn on_every_connect(&self, plan: Plan) {
        self.shared.with(|world| world.core.config.links = plan);
    }

    /// Cuts a connection now.
    pub fn cut(&self, link: LinkId, cut: Cut) {
        self.on_link(link, |link, core| link.cut(cut, core));
    }

    /// Cuts a connection when exactly `bytes` bytes of `direction` have arrived, counted from its
    /// beginning; at once if there are that many already.
    pub fn cut_after(&self, link: LinkId, direction: Direction, bytes: u64, cut: Cut) {
        self.on_link(link, |link, core| link.cut_after(direction, bytes, cut, core));
    }

    /// Lets nothing more arrive in `direction`; what is sent stays under way.
    pub fn stall(&self, link: LinkId, direction: Direction) {
        self.on_link(link, |link, _| link.stall(direction));
    }

    /// Stalls `direction` when exactly `bytes` bytes of it have arrived; see
    /// [`cut_after`](Self::cut_after).
    pub fn stall_after(&self, link: LinkId, direction: Direction, bytes: u64) {
        self.on_link(link, |link, core| link.stall_after(direction, bytes, core));
    }

    /// Lets `direction` go on after a stall; what should have arrived arrives now.
    pub fn resume(&self, link: LinkId, direction: Direction) {
        self.on_link(link, |link, core| link.resume(direction, core));
    }

    /// Changes how many bytes of `direction` may be written and not read; see
    /// [`Plan::with_capacity`].
    pub fn set_capacity(&self, link: LinkId, direction: Direction, bytes: usize) {
        self.on_link(link, |link, core| link.set_capacity(direction, bytes, core));
    }

    /// Refuses connections to `endpoint` from now on, although somebody may listen.
    #[track_caller]
    pub fn refuse(&self, endpoint: impl IntoEndpoint) {
        self.rule(endpoint, Some(Answer::Refused));
    }

    /// Never answers attempts to connect to `endpoint` from now on.
    #[track_caller]
    pub fn black_hole(&self, endpoint: impl IntoEndpoint) {
        self.rule(endpoint, Some(Answer::BlackHole));
    }

    /// Ends [`refuse`](Self::refuse) and [`black_hole`](Self::black_hole) for new attempts.
    #[track_caller]
    pub fn allow(&self, endpoint: impl IntoEndpoint) {
        self.rule(endpoint, None);
    }

    /// Gives a host name its addresses; connections to the name go to them as RFC 8305 has it, and no longer
    /// to the place that is called so. Each address is a place of its own.
    pub fn set_addresses(&self, name: impl Into<String>, addresses: impl IntoIterator<Item = IpAddr>) {
        let (name, addresses) = (name.into(), addresses.into_iter().collect());
        self.shared.with(|world| world.hosts.set_addresses(name, addresses));
    }

    /// Lets the next `count` accepts on `endpoint` fail while a connection waits, as when descriptors
    /// run out; the connection goes on waiting.
    ///
    /// # Panics
    /// If nobody listens on `endpoint`, or it is malformed.
    #[track_caller]
    pub fn fail_accepts(&self, endpoint: impl IntoEndpoint, count: usize) {
        let endpoint = well_formed(endpoint);
        let listening = self.shared.with(|world| world.hosts.fail_accepts(&endpoint, count));
        assert!(listening, "nobody listens on {endpoint}");
    }

    /// Lets nothing arrive anywhere, connection attempts included, until [`release`](Self::release).
    pub fn hold(&self) {
        self.shared.with(|world| world.hold(true));
    }

    /// Lets everything arrive now that should have arrived since [`hold`](Self::hold).
    pub fn release(&self) {
        self.shared.with(|world| world.hold(false));
    }

    /// Parts two hosts: nothing arrives between them, connection attempts included, until [`heal`](Self::heal). What
    /// is sent stays under way.
    ///
    /// A host is what stands in an endpoint, or what [`on`](super::on) says; who is on none is on `localhost`.
    pub fn partition(&self, one: &str, other: &str) {
        self.shared.with(|world| world.part([one, other], true));
    }

    /// Ends a [`partition`](Self::partition): what should have arrived arrives now.
    pub fn heal(&self, one: &str, other: &str) {
        self.shared.with(|world| world.part([one, other], false));
    }

    fn on_link(&self, link: LinkId, f: impl FnOnce(&mut Link, &mut Core)) {
        self.shared.with(|world| {
            if let Some(link) = world.links.get_mut(&link) {
                f(link, &mut world.core);
            }
        });
    }

    #[track_caller]
    fn rule(&self, endpoint: impl IntoEndpoint, answer: Option<Answer>) {
        let endpoint = well_formed(endpoint);
        self.shared.with(|world| world.hosts.set_rule(&endpoint, answer));
    }
}

#[track_caller]
fn well_formed(endpoint: impl IntoEndpoint) -> Endpoint {
    match endpoint.into_endpoint() {
        Ok(endpoint) => endpoint,
        Err(error) => panic!("{error}"),
    }
}
