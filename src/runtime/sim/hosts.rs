//! Who listens where, and connection attempts on their way.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::clock::{Event, EventKey};
use super::fault::{Answer, LinkId, Plan};
use super::link::{End, Link};
use super::machine::{self, Host as Machine, Parting};
use super::world::{Core, World};
use crate::endpoint::{Endpoint, Host, IpcEndpoint};
use crate::runtime::race::interleave;

/// Where the ports begin that are given to those who bind port 0 (RFC 6335, dynamic ports).
const FIRST_FREE_PORT: u16 = 49152;

/// After how long an attempt that met a full backlog is made again, as TCP repeats a lost SYN (RFC 6298).
const RETRY: Duration = Duration::from_secs(1);

/// One connection attempt.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct DialId(pub(super) u64);

#[derive(Debug, Default)]
pub(super) struct Hosts {
    dials: BTreeMap<DialId, Dial>,
    /// Attempts that would have reached their destination while the network was held, or their hosts parted.
    held: Vec<DialId>,
    listeners: BTreeMap<String, Backlog>,
    next_dial: u64,
    next_link: u64,
    /// Counts from [`FIRST_FREE_PORT`].
    next_port: u16,
    next_path: u64,
    /// For the next connections to an endpoint, or to any.
    plans: VecDeque<(Option<String>, Plan)>,
    rules: BTreeMap<String, Answer>,
    /// The addresses of the names that have any.
    names: BTreeMap<String, Vec<IpAddr>>,
    pub(super) parting: Parting,
}

#[derive(Debug)]
struct Backlog {
    failures: usize,
    /// Where it runs, if that was said.
    host: Option<Machine>,
    limit: usize,
    waiting: VecDeque<LinkId>,
    waker: Option<Waker>,
}

#[derive(Debug)]
struct Dial {
    endpoint: Endpoint,
    from: Machine,
    plan: Plan,
    state: DialState,
    waker: Option<Waker>,
}

#[derive(Debug)]
enum DialState {
    /// `None` where no answer will come.
    UnderWay(Option<EventKey>),
    Connected(LinkId),
    Refused,
}

impl Hosts {
    pub(super) fn plan_next(&mut self, endpoint: Option<&Endpoint>, plan: Plan) {
        self.plans.push_back((endpoint.map(name), plan));
    }

    pub(super) fn set_rule(&mut self, endpoint: &Endpoint, answer: Option<Answer>) {
        match answer {
            Some(answer) => self.rules.insert(name(endpoint), answer),
            None => self.rules.remove(&name(endpoint)),
        };
    }

    pub(super) fn set_addresses(&mut self, name: String, addresses: Vec<IpAddr>) {
        self.names.insert(name, addresses);
    }

    /// Where to look for `endpoint`, in this order: the addresses of its name, or the place itself.
    pub(super) fn addresses(&self, endpoint: &Endpoint) -> Vec<Endpoint> {
        let Endpoint::Tcp(tcp) = endpoint else { return vec![endpoint.clone()] };
        let Host::Name(name) = tcp.host() else { return vec![endpoint.clone()] };
        let Some(addresses) = self.names.get(name) else { return vec![endpoint.clone()] };
        let addresses = addresses.iter().map(|address| SocketAddr::new(*address, tcp.port())).collect();
        interleave(addresses).into_iter().map(Endpoint::from).collect()
    }

    /// Lets the next `count` accepts of the listener on `endpoint` fail; `false` if nobody listens there.
    pub(super) fn fail_accepts(&mut self, endpoint: &Endpoint, count: usize) -> bool {
        let backlog = self.listeners.get_mut(&name(endpoint));
        backlog.map(|backlog| backlog.failures = count).is_some()
    }

    pub(super) fn take_held(&mut self) -> Vec<DialId> {
        std::mem::take(&mut self.held)
    }

    pub(super) fn discard_wakers(&mut self, core: &mut Core) {
        for backlog in self.listeners.values_mut() {
            core.discard(&mut backlog.waker);
        }
        for dial in self.dials.values_mut() {
            core.discard(&mut dial.waker);
        }
    }

    fn take_plan(&mut self, endpoint: &Endpoint) -> Plan {
        let name = name(endpoint);
        let fits =
            |planned: &(Option<String>, _)| planned.0.as_ref().is_none_or(|for_name| *for_name == name);
        let position = self.plans.iter().position(fits);
        position.and_then(|at| self.plans.remove(at)).map(|(_, plan)| plan).unwrap_or_default()
    }

    /// Where whoever answers at `endpoint` runs: on the host that was said, or on the one that the endpoint names.
    fn host_at(&mut self, endpoint: &Endpoint, from: &Machine) -> Machine {
        let said = self.listener(endpoint).and_then(|backlog| backlog.host.clone());
        said.unwrap_or_else(|| match endpoint {
            Endpoint::Tcp(tcp) => tcp.host().to_string().into(),
            _ => from.clone(),
        })
    }

    /// The listener that `endpoint` leads to: its own, or one on all addresses.
    fn listener(&mut self, endpoint: &Endpoint) -> Option<&mut Backlog> {
        let own = name(endpoint);
        let name = if self.listeners.contains_key(&own) { own } else { wildcard(endpoint.port()?) };
        self.listeners.get_mut(&name)
    }

    fn free_port(&mut self, endpoint: &Endpoint) -> io::Result<Endpoint> {
        let ports = u16::MAX - FIRST_FREE_PORT + 1;
        for _ in 0..ports {
            let candidate = endpoint.clone().with_port(FIRST_FREE_PORT + self.next_port % ports);
            self.next_port = (self.next_port + 1) % ports;
            if !self.listeners.contains_key(&name(&candidate)) {
                return Ok(candidate);
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    fn free_path(&mut self) -> Endpoint {
        loop {
            let candidate = Endpoint::Ipc(IpcEndpoint::Path(format!("/tmp/{}", self.next_path).into()));
            self.next_path += 1;
            if !self.listeners.contains_key(&name(&candidate)) {
                return candidate;
            }
        }
    }
}

/// Listening.
impl World {
    /// Binds `endpoint` and returns it with its port.
    pub(super) fn bind(&mut self, endpoint: &Endpoint, backlog: u32) -> io::Result<Endpoint> {
        let endpoint = match endpoint {
            Endpoint::Tcp(tcp) if tcp.port() == 0 => self.hosts.free_port(endpoint)?,
            Endpoint::Ipc(IpcEndpoint::Any) => self.hosts.free_path(),
            _ => endpoint.clone(),
        };
        let name = name(&endpoint);
        if self.hosts.listeners.contains_key(&name) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let limit = usize::try_from(backlog).unwrap_or(usize::MAX).max(1);
        let host = machine::said();
        let backlog = Backlog { failures: 0, host, limit, waiting: VecDeque::new(), waker: None };
        self.hosts.listeners.insert(name, backlog);
        Ok(reachable(endpoint))
    }

    /// Frees `endpoint` and resets the connections that were not accepted.
    pub(super) fn unbind(&mut self, endpoint: &Endpoint) {
        let Some(mut backlog) = self.hosts.listeners.remove(&name(endpoint)) else { return };
        self.core.discard(&mut backlog.waker);
        for link in backlog.waiting {
            self.drop_end(link, End::Server, true);
        }
    }

    pub(super) fn poll_accept(&mut self, endpoint: &Endpoint, cx: &Context<'_>) -> Poll<io::Result<LinkId>> {
        let Some(backlog) = self.hosts.listeners.get_mut(&name(endpoint)) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        if backlog.waiting.is_empty() {
            self.core.park(&mut backlog.waker, cx);
            return Poll::Pending;
        }
        if self.core.put_off(cx) {
            return Poll::Pending;
        }
        if backlog.failures > 0 {
            backlog.failures -= 1;
            return Poll::Ready(Err(io::Error::other("no descriptors left (simulated)")));
        }
        match backlog.waiting.pop_front() {
            Some(link) => Poll::Ready(Ok(link)),
            None => Poll::Pending,
        }
    }
}

/// Connecting.
impl World {
    /// Starts a connection attempt.
    pub(super) fn dial(&mut self, endpoint: Endpoint) -> DialId {
        let plan = self.hosts.take_plan(&endpoint).over(&self.core.config.links);
        let id = DialId(self.hosts.next_dial);
        self.hosts.next_dial += 1;
        let at = self.core.now() + plan.draw_latency(&mut self.core.rng);
        let key = self.core.clock.schedule(at, Event::Connect(id));
        let dial = Dial {
            endpoint,
            from: machine::current(),
            plan,
            state: DialState::UnderWay(Some(key)),
            waker: None,
        };
        self.hosts.dials.insert(id, dial);
        id
    }

    /// An attempt reaches its destination.
    pub(super) fn handle_dial(&mut self, id: DialId) {
        let Some(mut dial) = self.hosts.dials.remove(&id) else { return };
        let hosts = [dial.from.clone(), self.hosts.host_at(&dial.endpoint, &dial.from)];
        if self.core.held || self.hosts.parting.parts(&hosts) {
            self.hosts.held.push(id);
            self.hosts.dials.insert(id, dial);
            return;
        }
        dial.state = self.answer(id, &dial, hosts);
        if !matches!(dial.state, DialState::UnderWay(_)) {
            self.core.wake(&mut dial.waker);
        }
        self.hosts.dials.insert(id, dial);
    }

    fn answer(&mut self, id: DialId, dial: &Dial, hosts: [Machine; 2]) -> DialState {
        let link = LinkId(self.hosts.next_link);
        let rule = self.hosts.rules.get(&name(&dial.endpoint)).copied();
        let state = match (dial.plan.answer().or(rule), self.hosts.listener(&dial.endpoint)) {
            (Some(Answer::BlackHole), _) => DialState::UnderWay(None),
            (Some(Answer::Refused), _) | (None, None) => DialState::Refused,
            (None, Some(backlog)) if backlog.waiting.len() >= backlog.limit => {
                let at = self.core.now() + RETRY;
                DialState::UnderWay(Some(self.core.clock.schedule(at, Event::Connect(id))))
            }
            (None, Some(backlog)) => {
                backlog.waiting.push_back(link);
                self.core.wake(&mut backlog.waker);
                DialState::Connected(link)
            }
        };
        if let DialState::Connected(_) = state {
            self.hosts.next_link += 1;
            let made = Link::new(link, dial.endpoint.clone(), hosts, dial.plan.clone(), &mut self.core);
            self.links.insert(link, made);
        }
        self.core.note(&[5, id.0, u64::from(matches!(state, DialState::Connected(_)))]);
        state
    }

    pub(super) fn poll_dial(&mut self, id: DialId, cx: &Context<'_>) -> Poll<io::Result<LinkId>> {
        let Some(dial) = self.hosts.dials.get_mut(&id) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let outcome = match dial.state {
            DialState::UnderWay(_) => {
                self.core.park(&mut dial.waker, cx);
                return Poll::Pending;
            }
            DialState::Connected(link) => Ok(link),
            DialState::Refused => Err(io::ErrorKind::ConnectionRefused.into()),
        };
        self.hosts.dials.remove(&id);
        Poll::Ready(outcome)
    }

    /// Gives an attempt up.
    pub(super) fn drop_dial(&mut self, id: DialId) {
        let Some(mut dial) = self.hosts.dials.remove(&id) else { return };
        self.core.discard(&mut dial.waker);
        match dial.state {
            DialState::UnderWay(Some(key)) => drop(self.core.clock.cancel(key)),
            DialState::Connected(link) => self.drop_end(link, End::Client, false),
            DialState::UnderWay(None) | DialState::Refused => {}
        }
    }
}

/// An address of the simulated network for the client of a link to `server`: each has its own, but the
/// clients of Unix sockets have none.
pub(super) fn client_endpoint(link: LinkId, server: &Endpoint) -> Endpoint {
    if let Endpoint::Ipc(_) = server {
        return Endpoint::Ipc(IpcEndpoint::Unnamed);
    }
    let host = Ipv4Addr::from_bits(0x0a00_0000 | (link.0 as u32 & 0x00ff_ffff));
    SocketAddr::new(host.into(), FIRST_FREE_PORT).into()
}

/// The endpoint under which a listener is registered and found.
fn name(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Tcp(tcp) if is_wildcard(tcp.host()) => wildcard(tcp.port()),
        // Wherever the connection is made from.
        Endpoint::Tcp(tcp) => format!("tcp://{}:{}", tcp.host(), tcp.port()),
        other => other.to_string(),
    }
}

fn wildcard(port: u16) -> String {
    format!("tcp://*:{port}")
}

fn is_wildcard(host: &Host) -> bool {
    match host {
        Host::Ip(address) => address.is_unspecified(),
        Host::Name(_) => false,
        Host::Any => true,
    }
}

/// The bound endpoint in a form that can be connected to, as systems show it.
fn reachable(endpoint: Endpoint) -> Endpoint {
    match &endpoint {
        Endpoint::Tcp(tcp) if *tcp.host() == Host::Any => {
            SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), tcp.port()).into()
        }
        _ => endpoint,
    }
}
