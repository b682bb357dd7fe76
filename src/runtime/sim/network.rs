//! [`Network`]: the hand that cuts, stalls and refuses while a simulation runs.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::fault::{Answer, Cut, Direction, LinkId, Plan};
use super::link::Link;
use super::link_info::LinkInfo;
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
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Cut, Sim};
    ///
    /// let sim = Sim::new(7);
    /// sim.block_on(async {
    /// #     let _listener = sim::raw_listen("tcp://server:5555").await.unwrap();
    ///     let _client = sim::raw_connect("tcp://server:5555").await.unwrap();
    /// });
    /// // All that there are.
    /// for link in sim.network().links() {
    ///     sim.network().cut(link.id, Cut::Fin);
    ///     println!("{link}");
    /// }
    /// ```
    #[must_use]
    pub fn links(&self) -> Vec<LinkInfo> {
        self.shared.with(|world| world.links.values().map(Link::info).collect())
    }

    /// One connection, also if it is over; `None` if there never was such a one.
    ///
    /// [`direction`](LinkInfo::direction) looks at one.
    #[must_use]
    pub fn link(&self, link: LinkId) -> Option<LinkInfo> {
        self.shared.with(|world| {
            let live = world.links.get(&link).map(Link::info);
            live.or_else(|| world.closed.get(&link).cloned())
        })
    }

    /// Plans the next connection that is attempted; further calls plan those after it.
    ///
    /// [`Plan::refuse`] shows that it is for one attempt.
    pub fn on_next_connect(&self, plan: Plan) {
        self.shared.with(|world| world.hosts.plan_next(None, plan));
    }

    /// Plans the next connection that is attempted to `endpoint`.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Plan, Sim};
    ///
    /// let sim = Sim::new(7);
    /// sim.network().on_next_connect_to("tcp://second:5555", Plan::new().refuse());
    /// sim.block_on(async {
    ///     let _listener = sim::raw_listen("tcp://*:5555").await.unwrap();
    ///     assert!(sim::raw_connect("tcp://first:5555").await.is_ok());
    ///     assert!(sim::raw_connect("tcp://second:5555").await.is_err());
    /// });
    /// ```
    #[track_caller]
    pub fn on_next_connect_to(&self, endpoint: impl IntoEndpoint, plan: Plan) {
        let endpoint = well_formed(endpoint);
        self.shared.with(|world| world.hosts.plan_next(Some(&endpoint), plan));
    }

    /// Replaces the plan of the whole network for all connections that are attempted from now on; see
    /// [`SimConfig::with_links`](super::SimConfig::with_links).
    ///
    /// [`Plan::with_read_chunk`] shows one.
    pub fn on_every_connect(&self, plan: Plan) {
        self.shared.with(|world| world.core.config.links = plan);
    }

    /// Cuts a connection now.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Cut, Sim};
    ///
    /// let sim = Sim::new(7);
    /// sim.block_on(async {
    ///     let _listener = sim::raw_listen("tcp://server:5555").await.unwrap();
    ///     let mut client = sim::raw_connect("tcp://server:5555").await.unwrap();
    ///     sim.network().cut(client.link(), Cut::Fin);
    ///     assert_eq!(client.read_some(&mut [0; 1]).await.unwrap(), 0, "the end of the stream");
    /// });
    /// ```
    pub fn cut(&self, link: LinkId, cut: Cut) {
        self.on_link(link, |link, core| link.cut(cut, core));
    }

    /// Cuts a connection when exactly `bytes` bytes of `direction` have arrived, counted from its
    /// beginning; at once if there are that many already.
    ///
    /// [`Plan::cut_after`] is the same beforehand.
    pub fn cut_after(&self, link: LinkId, direction: Direction, bytes: u64, cut: Cut) {
        self.on_link(link, |link, core| link.cut_after(direction, bytes, cut, core));
    }

    /// Lets nothing more arrive in `direction`; what is sent stays under way.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Direction, Sim};
    /// use std::time::Duration;
    ///
    /// let sim = Sim::new(7);
    /// sim.block_on(async {
    ///     let mut listener = sim::raw_listen("tcp://server:5555").await.unwrap();
    ///     let mut client = sim::raw_connect("tcp://server:5555").await.unwrap();
    ///     let mut server = listener.accept().await.unwrap();
    ///     sim.network().stall(client.link(), Direction::ToServer);
    ///     client.write_all(b"late").await.unwrap();
    ///     assert!(sim::timeout(Duration::from_secs(60), server.read_some(&mut [0; 4])).await.is_err());
    ///     sim.network().resume(client.link(), Direction::ToServer);
    ///     assert_eq!(server.read_some(&mut [0; 4]).await.unwrap(), 4);
    /// });
    /// ```
    pub fn stall(&self, link: LinkId, direction: Direction) {
        self.on_link(link, |link, _| link.stall(direction));
    }

    /// Stalls `direction` when exactly `bytes` bytes of it have arrived; see
    /// [`cut_after`](Self::cut_after).
    ///
    /// [`stall`](Self::stall) shows what it does.
    pub fn stall_after(&self, link: LinkId, direction: Direction, bytes: u64) {
        self.on_link(link, |link, core| link.stall_after(direction, bytes, core));
    }

    /// Lets `direction` go on after a stall; what should have arrived arrives now.
    ///
    /// See [`stall`](Self::stall).
    pub fn resume(&self, link: LinkId, direction: Direction) {
        self.on_link(link, |link, core| link.resume(direction, core));
    }

    /// Changes how many bytes of `direction` may be written and not read; see
    /// [`Plan::with_capacity`].
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Direction, Sim};
    /// use std::time::Duration;
    ///
    /// let sim = Sim::new(7);
    /// sim.block_on(async {
    /// #     let _listener = sim::raw_listen("tcp://server:5555").await.unwrap();
    ///     let mut client = sim::raw_connect("tcp://server:5555").await.unwrap();
    ///     // The kernel takes no more.
    ///     sim.network().set_capacity(client.link(), Direction::ToServer, 0);
    ///     assert!(sim::timeout(Duration::from_secs(60), client.write_all(b"x")).await.is_err());
    /// });
    /// ```
    pub fn set_capacity(&self, link: LinkId, direction: Direction, bytes: usize) {
        self.on_link(link, |link, core| link.set_capacity(direction, bytes, core));
    }

    /// Refuses connections to `endpoint` from now on, although somebody may listen.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Sim};
    ///
    /// let (sim, server) = (Sim::new(7), "tcp://server:5555");
    /// sim.block_on(async {
    /// #     let _listener = sim::raw_listen(server).await.unwrap();
    ///     sim.network().refuse(server);
    ///     assert!(sim::raw_connect(server).await.is_err());
    ///     sim.network().allow(server);
    ///     assert!(sim::raw_connect(server).await.is_ok());
    /// });
    /// ```
    #[track_caller]
    pub fn refuse(&self, endpoint: impl IntoEndpoint) {
        self.rule(endpoint, Some(Answer::Refused));
    }

    /// Never answers attempts to connect to `endpoint` from now on.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Sim};
    /// use std::time::Duration;
    ///
    /// let sim = Sim::new(7);
    /// sim.network().black_hole("tcp://server:5555");
    /// sim.block_on(async {
    ///     let _listener = sim::raw_listen("tcp://server:5555").await.unwrap();
    ///     let connecting = sim::raw_connect("tcp://server:5555");
    ///     assert!(sim::timeout(Duration::from_secs(3600), connecting).await.is_err());
    /// });
    /// ```
    #[track_caller]
    pub fn black_hole(&self, endpoint: impl IntoEndpoint) {
        self.rule(endpoint, Some(Answer::BlackHole));
    }

    /// Ends [`refuse`](Self::refuse), which has an example, and [`black_hole`](Self::black_hole) for new attempts.
    #[track_caller]
    pub fn allow(&self, endpoint: impl IntoEndpoint) {
        self.rule(endpoint, None);
    }

    /// Gives a host name its addresses; connections to the name go to them as RFC 8305 has it, and no longer
    /// to the place that is called so. Each address is a place of its own.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Sim};
    /// use std::net::Ipv4Addr;
    ///
    /// let sim = Sim::new(7);
    /// let addresses = [1, 2].map(|host| Ipv4Addr::new(10, 0, 0, host).into());
    /// sim.network().set_addresses("broker", addresses);
    /// sim.block_on(async {
    ///     // The first of them is down.
    ///     let _second = sim::raw_listen("tcp://10.0.0.2:5555").await.unwrap();
    ///     assert!(sim::raw_connect("tcp://broker:5555").await.is_ok());
    /// });
    /// ```
    pub fn set_addresses(&self, name: impl Into<String>, addresses: impl IntoIterator<Item = IpAddr>) {
        let (name, addresses) = (name.into(), addresses.into_iter().collect());
        self.shared.with(|world| world.hosts.set_addresses(name, addresses));
    }

    /// Lets the next `count` accepts on `endpoint` fail while a connection waits, as when descriptors
    /// run out; the connection goes on waiting.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Sim};
    ///
    /// let sim = Sim::new(7);
    /// sim.block_on(async {
    ///     let mut listener = sim::raw_listen("tcp://server:5555").await.unwrap();
    ///     let _client = sim::raw_connect("tcp://server:5555").await.unwrap();
    ///     sim.network().fail_accepts("tcp://server:5555", 1);
    ///     assert!(listener.accept().await.is_err());
    ///     assert!(listener.accept().await.is_ok(), "it still waits");
    /// });
    /// ```
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
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Sim};
    /// use std::time::Duration;
    ///
    /// let sim = Sim::new(7);
    /// sim.block_on(async {
    /// #     let _listener = sim::raw_listen("tcp://server:5555").await.unwrap();
    ///     sim.network().hold();
    ///     let connecting = sim::spawn(sim::raw_connect("tcp://server:5555"));
    ///     sim::sleep(Duration::from_secs(60)).await;
    ///     assert!(!connecting.is_finished());
    ///     sim.network().release();
    ///     assert!(connecting.await.unwrap().is_ok());
    /// });
    /// ```
    pub fn hold(&self) {
        self.shared.with(|world| world.hold(true));
    }

    /// Lets everything arrive now that should have arrived since [`hold`](Self::hold), which has an example.
    pub fn release(&self) {
        self.shared.with(|world| world.hold(false));
    }

    /// Parts two hosts: nothing arrives between them, connection attempts included, until [`heal`](Self::heal). What
    /// is sent stays under way.
    ///
    /// A host is what stands in an endpoint, or what [`on`](super::on) says; who is on none is on `localhost`.
    ///
    /// ```
    /// use monocoque::runtime::sim::{self, Sim};
    /// use std::time::Duration;
    ///
    /// let sim = Sim::new(7);
    /// sim.block_on(async {
    /// #     let _listener = sim::raw_listen("tcp://server:5555").await.unwrap();
    ///     sim.network().partition("client", "server");
    ///     let connecting = sim::spawn_on("client", sim::raw_connect("tcp://server:5555"));
    ///     // Others are not concerned.
    ///     assert!(sim::raw_connect("tcp://server:5555").await.is_ok() && !connecting.is_finished());
    ///     sim.network().heal("client", "server");
    ///     assert!(connecting.await.unwrap().is_ok());
    /// });
    /// ```
    pub fn partition(&self, one: &str, other: &str) {
        self.shared.with(|world| world.part([one, other], true));
    }

    /// Ends a [`partition`](Self::partition), which has an example: what should have arrived arrives now.
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
