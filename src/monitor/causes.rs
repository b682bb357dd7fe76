//! Why messages were dropped and connections ended, to be counted by.

use std::fmt;

/// Something that is counted by cause.
pub(crate) trait Cause: Copy + fmt::Debug + fmt::Display + 'static {
    /// Every cause, in the order of their indices.
    const ALL: &'static [Self];

    fn index(self) -> usize;
}

/// An enum of causes, each with its text in one table.
macro_rules! causes {
    ($(#[$docs:meta])* $name:ident { $($(#[$doc:meta])* $cause:ident = $text:literal,)+ }) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $cause,)+
        }

        impl Cause for $name {
            const ALL: &'static [Self] = &[$(Self::$cause,)+];

            #[inline]
            fn index(self) -> usize {
                self as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$cause => $text,)+
                })
            }
        }
    };
}

causes! {
    /// Why messages were dropped, on their way out or after they had arrived.
    DropCause {
        /// Nobody has the identity they were addressed to (ROUTER without `router_mandatory`).
        Unroutable = "nobody has the identity that they were addressed to",
        /// Their peer was at its mark, and the socket drops what it cannot queue.
        PeerFull = "the peer is at its mark",
        /// Newer messages took their place when the peer was at its mark (`OnFull::DropOldest`).
        Displaced = "newer messages took their place at the mark",
        /// No peer had subscribed to their topic (PUB, XPUB).
        NoSubscriber = "nobody has subscribed to their topic",
        /// A later message took their place (`conflate`), in either direction.
        Conflated = "later messages took their place",
        /// They waited too long for a peer (`while_disconnected`).
        Expired = "they waited too long for a peer",
        /// A later request took their place, or they answered an earlier one (REQ).
        Superseded = "a later request took its place",
        /// They were queued for a peer that went away, and another will not do.
        PeerLost = "the peer is gone",
        /// Their peers ended the connection when it had come to them, again and again (`max_resends`).
        Refused = "peers keep ending the connection when it has come to them",
        /// They were queued for a peer that `disconnect_peer` ended, and another will not do.
        Dismissed = "the peer was disconnected by the application",
        /// Half-written when a cancelled write closed their connection (`OnCancel::Poison`).
        Cancelled = "a write was cancelled in the middle of a message",
        /// Still queued when linger ran out, or not yet received when the socket was closed.
        Closed = "the socket was closed",
        /// Still queued, or not yet received, when the companion task was lost.
        CompanionGone = "the companion task is gone",
        /// Begun to arrive when their connection ended; not counted as received.
        Incomplete = "the connection ended before the message did",
        /// They arrived on a socket that only sends.
        NotReceiving = "the socket only sends",
        /// No subscription matches them, or none does any more when they would be received (SUB).
        NotSubscribed = "no subscription matches them",
        /// They arrived out of turn: no reply was awaited from that peer (REQ), or none by that number any more
        /// ([`Client`](crate::rpc::Client)), or they have no envelope (REP, [`Server`](crate::rpc::Server)).
        Unexpected = "they came out of turn or without an envelope",
        /// Replies that never were: their requests were dropped unanswered ([`Server`](crate::rpc::Server)).
        Unanswered = "their requests were dropped unanswered",
        /// Their connection had ended, and there was no room for what it left (`leftover_bytes`), or to tell of it
        /// (`router_notify`, `disconnect_message`, `hiccup_message`).
        Leftover = "they were left by a connection that had ended, past the bound on such leftovers",
        /// They arrived from a peer that the socket was letting go (`unbind`, `disconnect`,
        /// `disconnect_peer`).
        Departing = "they came from a peer that was being let go",
    }
}

causes! {
    /// The kind of a [`DisconnectReason`](super::DisconnectReason), to count by.
    DisconnectKind {
        /// The peer closed it.
        EndOfStream = "the peer closed the connection",
        /// The transport failed.
        Io = "the transport failed",
        /// The peer broke the protocol, or refused us.
        Protocol = "the peer broke the protocol or refused us",
        /// The peer was silent for too long.
        Timeout = "the peer was silent for too long",
        /// A cancelled write left it in the middle of a message.
        Poisoned = "a write was cancelled in the middle of a message",
        /// A new connection took over its identity.
        Replaced = "another connection took over the identity",
        /// Its identity belongs to another connection.
        IdentityTaken = "another connection has the identity",
        /// A PAIR socket talks to another peer already.
        Occupied = "the PAIR socket has a peer already",
        /// It subscribed to more than is allowed.
        TooManySubscriptions = "the peer has too many subscriptions",
        /// There was no room for it.
        Crowded = "there was no room for the connection",
        /// It did not take its messages in time.
        TooSlow = "the peer was at its mark",
        /// The authenticator denied it.
        Denied = "the authenticator denied the peer",
        /// The authenticator had no answer for now.
        PutOff = "the authenticator had no answer for now",
        /// The authenticator could not tell.
        AuthenticatorFailed = "the authenticator failed",
        /// A new request was sent while its reply was outstanding.
        RequestAbandoned = "a new request was sent before the reply to the last",
        /// `disconnect_peer` ended it.
        Dismissed = "the application disconnected the peer",
        /// We closed it.
        Closed = "the socket was closed",
        /// The socket's companion task is gone.
        CompanionGone = "the companion task is gone",
    }
}

/// Counts by cause; takes no memory until something is counted.
#[derive(Clone)]
pub(crate) struct Counts<C> {
    counts: Box<[u64]>,
    cause: std::marker::PhantomData<C>,
}

impl<C> Default for Counts<C> {
    fn default() -> Self {
        Self { counts: Box::default(), cause: std::marker::PhantomData }
    }
}

impl<C: Cause> Counts<C> {
    pub(crate) fn add(&mut self, cause: C, count: u64) {
        if self.counts.is_empty() {
            self.counts = vec![0; C::ALL.len()].into();
        }
        self.counts[cause.index()] += count;
    }

    pub(crate) fn of(&self, cause: C) -> u64 {
        self.counts.get(cause.index()).copied().unwrap_or(0)
    }

    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The causes of which there were any.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (C, u64)> + '_ {
        C::ALL.iter().map(|&cause| (cause, self.of(cause))).filter(|&(_, count)| count > 0)
    }
}

impl<C: Cause> fmt::Debug for Counts<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The total, and in brackets what it is made of.
impl<C: Cause> fmt::Display for Counts<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.total().fmt(f)?;
        for (place, (cause, count)) in self.iter().enumerate() {
            write!(f, "{}{count}: {cause}", if place == 0 { " (" } else { ", " })?;
        }
        f.write_str(if self.total() > 0 { ")" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_name_their_causes() {
        let mut counts = Counts::default();
        assert_eq!((format!("{counts:?}"), counts.to_string()), ("{}".into(), "0".into()));
        counts.add(DropCause::PeerFull, 2);
        counts.add(DropCause::Closed, 1);
        counts.add(DropCause::PeerFull, 1);
        assert_eq!((counts.of(DropCause::PeerFull), counts.of(DropCause::Expired)), (3, 0));
        assert_eq!(counts.total(), 4);
        assert_eq!(format!("{counts:?}"), "{PeerFull: 3, Closed: 1}");
        assert_eq!(counts.to_string(), "4 (3: the peer is at its mark, 1: the socket was closed)");
    }

    #[test]
    fn every_cause_stands_at_its_index() {
        fn check<C: Cause>() {
            assert!(C::ALL.iter().enumerate().all(|(index, cause)| cause.index() == index));
        }
        check::<DropCause>();
        check::<DisconnectKind>();
    }
}
