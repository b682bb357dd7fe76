//! Where a connection comes from, as far as a peer cannot make it up.

use std::net::IpAddr;
use std::sync::Arc;

use super::endpoints::Endpoints;
use super::peer::{Origin, Peer};
use crate::endpoint::{Endpoint, Host};
use crate::protocol::PeerInfo;
use crate::security::Credentials;

/// What two connections must share for one to take the other's identity over.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Caller {
    /// Whom the authenticator has named, wherever it calls from.
    User(Arc<str>),
    /// The key that the mechanism has proven, where the authenticator names nobody.
    Shown(Credentials),
    /// Over tcp: the address of the host. The port is another for each connection.
    Host(Host),
    /// Over ipc: the endpoint, which only those can open whom the rights on its file let.
    File(Endpoint),
    /// Over inproc: this process.
    Process,
}

impl<S> Peer<S> {
    /// Who the peer is, that was let in.
    pub(super) fn known_caller(&self, endpoints: &Endpoints) -> Option<Caller> {
        self.caller(self.info.as_deref()?, endpoints)
    }

    /// Who the peer of this `info` is. `None` for a stream of which nothing is known: it is like no other.
    pub(super) fn caller(&self, info: &PeerInfo, endpoints: &Endpoints) -> Option<Caller> {
        if let Some(user) = &info.user {
            return Some(Caller::User(Arc::clone(user)));
        }
        if info.credentials != Credentials::Null {
            return Some(Caller::Shown(info.credentials.clone()));
        }
        if self.link.inproc().is_some() {
            return Some(Caller::Process);
        }
        match (&self.address, endpoints.of(self.origin)) {
            (Some(Endpoint::Tcp(address)), _) => Some(Caller::Host(folded(address.host()))),
            (_, Some(endpoint @ Endpoint::Ipc(_))) => Some(Caller::File(endpoint.clone())),
            _ => None,
        }
    }
}

impl Endpoints {
    /// The endpoint that a connection belongs to.
    fn of(&self, origin: Origin) -> Option<&Endpoint> {
        match origin {
            Origin::Dial(id) => self.dials.iter().find(|dial| dial.id == id).map(|dial| &dial.endpoint),
            Origin::Listener(id) => self.listeners.iter().find(|listener| listener.id == id)?.local(),
            Origin::Given => None,
        }
    }
}

/// A host that reaches one listener by IPv4 and another by IPv4 in IPv6 is one host.
fn folded(host: &Host) -> Host {
    match host {
        Host::Ip(ip @ IpAddr::V6(_)) => Host::Ip(ip.to_canonical()),
        Host::Ip(_) | Host::Name(_) | Host::Any => host.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_addresses_are_folded() {
        let host = |ip: &str| Host::Ip(ip.parse().unwrap());
        assert_eq!(folded(&host("::ffff:192.0.2.1")), host("192.0.2.1"));
        for as_it_is in [host("192.0.2.1"), host("2001:db8::1"), Host::Name("fe80::1%eth0".to_owned())] {
            assert_eq!(folded(&as_it_is), as_it_is);
        }
    }
}
