//! The socket types, and which of them may talk to which.

use std::fmt;

/// The eleven socket types that peers announce to each other (RFC 37, Socket-Type property).
///
/// ```
/// use monocoque::SocketType;
///
/// assert!(SocketType::Push.is_compatible(SocketType::Pull));
/// assert!(!SocketType::Push.is_compatible(SocketType::Router));
/// assert_eq!(SocketType::XPub.as_str(), "XPUB");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SocketType {
    /// PAIR: one peer, both directions.
    Pair,
    /// PUB: sends to all subscribers.
    Pub,
    /// SUB: receives what it subscribed to.
    Sub,
    /// REQ: one request, one reply.
    Req,
    /// REP: answers requests.
    Rep,
    /// DEALER: any number of requests under way, spread over its peers.
    Dealer,
    /// ROUTER: addresses its peers by identity.
    Router,
    /// PULL: receives from all pushers.
    Pull,
    /// PUSH: spreads messages over its pullers.
    Push,
    /// XPUB: a PUB that sees subscriptions.
    XPub,
    /// XSUB: a SUB that sends subscriptions as messages.
    XSub,
}

impl SocketType {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pair => "PAIR",
            Self::Pub => "PUB",
            Self::Sub => "SUB",
            Self::Req => "REQ",
            Self::Rep => "REP",
            Self::Dealer => "DEALER",
            Self::Router => "ROUTER",
            Self::Pull => "PULL",
            Self::Push => "PUSH",
            Self::XPub => "XPUB",
            Self::XSub => "XSUB",
        }
    }

    /// The type of this name; the case matters, as in the RFC's grammar.
    pub(crate) fn parse(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"PAIR" => Self::Pair,
            b"PUB" => Self::Pub,
            b"SUB" => Self::Sub,
            b"REQ" => Self::Req,
            b"REP" => Self::Rep,
            b"DEALER" => Self::Dealer,
            b"ROUTER" => Self::Router,
            b"PULL" => Self::Pull,
            b"PUSH" => Self::Push,
            b"XPUB" => Self::XPub,
            b"XSUB" => Self::XSub,
            _ => return None,
        })
    }

    /// Whether the option `probe_router` applies: to types that may have a ROUTER as their peer and send
    /// to it unasked (libzmq's PROBE_ROUTER).
    pub(crate) const fn probes(self) -> bool {
        matches!(self, Self::Req | Self::Dealer | Self::Router)
    }

    /// Whether the application sends with sockets of this type.
    pub(crate) const fn sends(self) -> bool {
        !matches!(self, Self::Sub | Self::Pull)
    }

    /// Whether the application receives with sockets of this type.
    pub(crate) const fn receives(self) -> bool {
        !matches!(self, Self::Pub | Self::Push)
    }

    /// Whether what is older may give way to what it sends (`OnFull::DropOldest`): REQ and REP have one message at
    /// a time, and an XSUB's are in order with its subscriptions.
    pub(crate) const fn displaces(self) -> bool {
        self.sends() && !matches!(self, Self::Req | Self::Rep | Self::XSub)
    }

    /// Whether it serves many peers, of which one that does not read may be let go (`OnFull::Disconnect`).
    pub(crate) const fn lets_go(self) -> bool {
        self.publishes() || self.is_router()
    }

    pub(crate) const fn is_router(self) -> bool {
        matches!(self, Self::Router)
    }

    pub(crate) const fn is_req(self) -> bool {
        matches!(self, Self::Req)
    }

    pub(crate) const fn is_xpub(self) -> bool {
        matches!(self, Self::XPub)
    }

    pub(crate) const fn is_xsub(self) -> bool {
        matches!(self, Self::XSub)
    }

    /// Whether it sends to those who have subscribed.
    pub(crate) const fn publishes(self) -> bool {
        matches!(self, Self::Pub | Self::XPub)
    }

    /// Whether it has to do with topics.
    pub(crate) const fn is_topical(self) -> bool {
        self.publishes() || matches!(self, Self::Sub | Self::XSub)
    }

    /// Whether it compares messages with topics; an XSUB takes all that comes.
    pub(crate) const fn matches_topics(self) -> bool {
        self.is_topical() && !self.is_xsub()
    }

    /// Whether frames of messages may be subscriptions to it; a SUB has calls for that, and sends no messages.
    pub(crate) const fn parses_subscriptions(self) -> bool {
        self.publishes() || self.is_xsub()
    }

    /// Whether messages may wait in the socket for any peer, and go back there from a lost one.
    pub(crate) const fn queues_without_peer(self) -> bool {
        matches!(self, Self::Push | Self::Dealer | Self::Req | Self::Pair)
    }

    /// Whether the option `conflate` applies (libzmq's CONFLATE).
    pub(crate) const fn conflates(self) -> bool {
        matches!(self, Self::Push | Self::Pull | Self::Pub | Self::Sub | Self::Dealer)
    }

    /// Whether the options `hello_message`, `disconnect_message` and `hiccup_message` apply: to types that
    /// may send and receive at any time.
    pub(crate) const fn converses(self) -> bool {
        matches!(self, Self::Dealer | Self::Router)
    }

    /// Whether two connections to one endpoint make no sense: answers and publications would come twice, or
    /// to the wrong one (libzmq refuses the second in silence).
    pub(crate) const fn connects_once(self) -> bool {
        matches!(self, Self::Dealer | Self::Req | Self::Pub | Self::Sub)
    }

    /// Whether a socket of this type may talk to a `peer` of that type; the relation is symmetric.
    #[must_use]
    pub const fn is_compatible(self, peer: Self) -> bool {
        match self {
            Self::Pair => matches!(peer, Self::Pair),
            Self::Pub | Self::XPub => matches!(peer, Self::Sub | Self::XSub),
            Self::Sub | Self::XSub => matches!(peer, Self::Pub | Self::XPub),
            Self::Req => matches!(peer, Self::Rep | Self::Router),
            Self::Rep => matches!(peer, Self::Req | Self::Dealer),
            Self::Dealer => matches!(peer, Self::Rep | Self::Dealer | Self::Router),
            Self::Router => matches!(peer, Self::Req | Self::Dealer | Self::Router),
            Self::Pull => matches!(peer, Self::Push),
            Self::Push => matches!(peer, Self::Pull),
        }
    }

    /// Whether this type announces its identity, for a ROUTER to address it by.
    pub(crate) const fn sends_identity(self) -> bool {
        matches!(self, Self::Req | Self::Dealer | Self::Router)
    }
}

impl fmt::Display for SocketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::SocketType::{self, *};

    const ALL: [SocketType; 11] = [Pair, Pub, Sub, Req, Rep, Dealer, Router, Pull, Push, XPub, XSub];

    #[test]
    fn names_round_trip() {
        for socket_type in ALL {
            assert_eq!(SocketType::parse(socket_type.as_str().as_bytes()), Some(socket_type));
        }
        for unknown in ["", "req", "Req", "REQ ", "REQ\0", "CLIENT", "STREAM"] {
            assert_eq!(SocketType::parse(unknown.as_bytes()), None, "{unknown:?}");
        }
    }

    /// The table of RFC 37, one row per pair that is not symmetric to an earlier one.
    #[test]
    fn trap_39_socket_type_matrix() {
        let legal = [
            (Req, Rep),
            (Req, Router),
            (Rep, Dealer),
            (Dealer, Dealer),
            (Dealer, Router),
            (Router, Router),
            (Pub, Sub),
            (Pub, XSub),
            (XPub, Sub),
            (XPub, XSub),
            (Push, Pull),
            (Pair, Pair),
        ];
        for a in ALL {
            for b in ALL {
                let expected = legal.contains(&(a, b)) || legal.contains(&(b, a));
                assert_eq!(a.is_compatible(b), expected, "{a} and {b}");
            }
        }
    }
}
