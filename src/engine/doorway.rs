//! Accepted connections: how many may be there, and who makes room when the handshakes are too many.

use std::collections::hash_map::Entry::Occupied;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use crate::endpoint::{Endpoint, Host};
use crate::monitor::PeerId;

/// Where a connection comes from, as far as one party can be told from another.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Quarter {
    V4([u8; 4]),
    /// The first 64 bits: whoever has one address of such a network has all of them.
    V6([u8; 8]),
    /// Everybody that has no address: local sockets, streams of the user's own.
    Unnamed,
}

impl Quarter {
    pub(crate) fn of(address: Option<&Endpoint>) -> Self {
        let Some(Endpoint::Tcp(tcp)) = address else { return Self::Unnamed };
        let Host::Ip(ip) = tcp.host() else { return Self::Unnamed };
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self::V4(ip.octets()),
            IpAddr::V6(ip) => {
                let [a, b, c, d, e, f, g, h, ..] = ip.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

/// The accepted connections of a socket.
#[derive(Debug)]
pub(crate) struct Doorway {
    /// Those in the handshake, oldest first.
    handshaking: HashMap<Quarter, VecDeque<PeerId>>,
    handshakes: usize,
    max_handshakes: usize,
    /// All of them.
    connections: usize,
    max_connections: usize,
    /// Those of each address, where their number is limited.
    by_address: HashMap<Quarter, usize>,
    max_per_address: usize,
}

/// What becomes of a connection that was just accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Entry {
    /// There is room.
    Free,
    /// There is once this one is hung up on.
    InsteadOf(PeerId),
    /// There is none, and nobody to make any.
    Full,
}

impl Doorway {
    pub(crate) fn new(max_handshakes: usize, max_connections: usize, max_per_address: usize) -> Self {
        Self {
            handshaking: HashMap::new(),
            handshakes: 0,
            max_handshakes,
            connections: 0,
            max_connections,
            by_address: HashMap::new(),
            max_per_address,
        }
    }

    /// Whether one more may come in. Slots are nobody's while some are free: a thousand clients behind one
    /// address may well reconnect together. When there are none left, the oldest handshake of those who hold
    /// most of them makes room, whatever it has sent: so whoever fills them shuts only itself out. An address that
    /// has its share makes room among its own.
    pub(crate) fn ask(&self, from: Quarter) -> Entry {
        if self.by_address.get(&from).is_some_and(|own| *own >= self.max_per_address) {
            return self
                .handshaking
                .get(&from)
                .and_then(VecDeque::front)
                .map_or(Entry::Full, |id| Entry::InsteadOf(*id));
        }
        if self.handshakes < self.max_handshakes && self.connections < self.max_connections {
            return Entry::Free;
        }
        let most = self.handshaking.values().max_by_key(|ids| ids.len()).and_then(|ids| ids.front());
        most.map_or(Entry::Full, |id| Entry::InsteadOf(*id))
    }

    pub(crate) fn enter(&mut self, from: Quarter, id: PeerId) {
        self.connections += 1;
        self.handshakes += 1;
        self.handshaking.entry(from).or_default().push_back(id);
        if self.limits(from) {
            *self.by_address.entry(from).or_default() += 1;
        }
    }

    /// Whether connections from there are counted.
    fn limits(&self, from: Quarter) -> bool {
        self.max_per_address != usize::MAX && from != Quarter::Unnamed
    }

    /// A connection has completed its handshake.
    pub(crate) fn admit(&mut self, from: Quarter, id: PeerId) {
        let Some(ids) = self.handshaking.get_mut(&from) else { return };
        let Some(place) = ids.iter().position(|other| *other == id) else { return };
        ids.remove(place);
        self.handshakes -= 1;
        if ids.is_empty() {
            self.handshaking.remove(&from);
        }
    }

    /// A connection is gone, in the handshake or after it.
    pub(crate) fn leave(&mut self, from: Quarter, id: PeerId) {
        self.admit(from, id);
        self.connections -= 1;
        if let Occupied(mut own) = self.by_address.entry(from) {
            *own.get_mut() -= 1;
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quarter(address: &str) -> Quarter {
        Quarter::of(Some(&address.parse().unwrap()))
    }

    fn id(number: u32) -> PeerId {
        PeerId::new(number, 0)
    }

    #[test]
    fn addresses_of_one_party_are_one() {
        assert_eq!(quarter("tcp://10.0.0.1:1"), quarter("tcp://10.0.0.1:2"));
        assert_eq!(quarter("tcp://10.0.0.1:1"), quarter("tcp://[::ffff:10.0.0.1]:1"));
        assert_ne!(quarter("tcp://10.0.0.1:1"), quarter("tcp://10.0.0.2:1"));
        assert_eq!(quarter("tcp://[2001:db8::1]:1"), quarter("tcp://[2001:db8::ffff:1]:1"));
        assert_ne!(quarter("tcp://[2001:db8::1]:1"), quarter("tcp://[2001:db8:0:1::1]:1"));
        assert_eq!(Quarter::of(None), Quarter::Unnamed);
    }

    #[test]
    fn the_oldest_of_those_who_hold_most_makes_room() {
        let mut doorway = Doorway::new(4, usize::MAX, usize::MAX);
        let (many, one) = (quarter("tcp://10.0.0.1:1"), quarter("tcp://10.0.0.2:1"));
        doorway.enter(one, id(0));
        for number in 1..=3 {
            assert_eq!(doorway.ask(Quarter::Unnamed), Entry::Free);
            doorway.enter(many, id(number));
        }
        assert_eq!(doorway.ask(Quarter::Unnamed), Entry::InsteadOf(id(1)));
        doorway.leave(many, id(1));
        assert_eq!(doorway.ask(Quarter::Unnamed), Entry::Free);
        doorway.enter(many, id(4));
        doorway.admit(many, id(2));
        doorway.admit(many, id(3));
        assert_eq!(doorway.ask(Quarter::Unnamed), Entry::Free, "those that are through take no slot");
    }

    #[test]
    fn connections_are_bounded_and_handshakes_make_room_for_others() {
        let mut doorway = Doorway::new(10, 2, usize::MAX);
        let from = Quarter::Unnamed;
        doorway.enter(from, id(0));
        doorway.admit(from, id(0));
        doorway.enter(from, id(1));
        assert_eq!(doorway.ask(Quarter::Unnamed), Entry::InsteadOf(id(1)));
        doorway.admit(from, id(1));
        assert_eq!(doorway.ask(Quarter::Unnamed), Entry::Full);
        doorway.leave(from, id(0));
        assert_eq!(doorway.ask(Quarter::Unnamed), Entry::Free);
    }

    #[test]
    fn an_address_that_has_its_share_makes_room_among_its_own() {
        let mut doorway = Doorway::new(10, usize::MAX, 2);
        let (many, one) = (quarter("tcp://10.0.0.1:1"), quarter("tcp://10.0.0.2:1"));
        for number in 0..2 {
            assert_eq!(doorway.ask(many), Entry::Free);
            doorway.enter(many, id(number));
        }
        assert_eq!((doorway.ask(many), doorway.ask(one)), (Entry::InsteadOf(id(0)), Entry::Free));
        doorway.admit(many, id(0));
        assert_eq!(doorway.ask(many), Entry::InsteadOf(id(1)));
        doorway.admit(many, id(1));
        assert_eq!((doorway.ask(many), doorway.ask(one)), (Entry::Full, Entry::Free));
        doorway.leave(many, id(0));
        assert_eq!(doorway.ask(many), Entry::Free);
        doorway.leave(many, id(1));
        assert!(doorway.by_address.is_empty());
        for number in 2..9 {
            assert_eq!(doorway.ask(Quarter::Unnamed), Entry::Free, "who has no address has no share");
            doorway.enter(Quarter::Unnamed, id(number));
        }
    }
}
