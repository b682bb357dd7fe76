//! The policy of a socket type: where messages go, and what becomes of those that come.

use std::task::Waker;

use super::commands::Commands;
use crate::error::Error;
use crate::message::{Extent, Frame, Message};
use crate::monitor::{DisconnectReason, DropCause, PeerId};
use crate::protocol::PeerInfo;
use crate::security::Subscriber;

/// One socket type's rules, consulted by the engine; pure state, no I/O.
///
/// Boxed in the core, so that the machinery is compiled once per stream type and not once per socket
/// type; the socket types stay distinct in the handles. What a method wants done beyond its answer goes
/// to its `tasks`, which the engine carries out when the method has returned.
pub(crate) trait Pattern: Send {
    /// A peer has completed the handshake.
    fn attach(&mut self, peer: Newcomer<'_>, commands: &mut Commands) -> Admission;

    /// A peer that was admitted is gone, or another has taken its place: nothing can be sent to it. What it sent before may still be accepted
    /// until it is [forgotten](Self::forget).
    fn detach(&mut self, peer: PeerId, commands: &mut Commands);

    /// Nothing that a peer sent, and that was detached, is left to be accepted.
    fn forget(&mut self, _peer: PeerId, _commands: &mut Commands) {}

    /// The socket has ended: nothing comes any more, and who waits for it is to find out.
    fn end(&mut self, _commands: &mut Commands) {}

    /// Whether any further peer would be refused for as long as the present ones stay: then none is dialled.
    fn is_full(&self) -> bool {
        false
    }

    /// Chooses where `message` goes; `room` says whether a peer can take it. May be asked again for the
    /// same message until there is room.
    ///
    /// Types that queue without a peer must not look at `message`.
    fn route(&mut self, message: &Message, room: &dyn Fn(PeerId) -> Room, commands: &mut Commands) -> Route;

    /// How large `message`, of this extent, will be on the wire: envelopes come and go.
    fn on_wire(&self, extent: Extent, _message: &Message) -> Extent {
        extent
    }

    /// The only peer that `message` could go to, if the type looks at that and it is there.
    fn addressee(&self, _message: &Message) -> Option<PeerId> {
        None
    }

    /// The peer that a message with this in front goes to, if the type looks at nothing else and it is there.
    fn named(&self, _name: &[u8]) -> Option<PeerId> {
        None
    }

    /// Whether `send` drops a message whose addressee is at its mark, where the application has not chosen
    /// otherwise: a peer that does not read must not stop one that serves others.
    fn drops_when_full(&self) -> bool {
        false
    }

    /// Whether `send` drops a message for somebody who is not there.
    fn drops_unroutable(&self) -> bool {
        false
    }

    /// The one peer that every message goes to as it is, while that is so: asked after each change of
    /// peers, so that sending need not ask for each message.
    fn sole_peer(&self) -> Option<PeerId> {
        None
    }

    /// Where the message goes that was just routed to many; the engine takes the list and gives it back.
    fn targets(&mut self) -> &mut Vec<PeerId> {
        unreachable!("only asked where `route` answered `Many`")
    }

    /// Makes of a message that was routed to many what goes on the wire to each of them.
    fn outgoing_to_many(&mut self, _message: &mut Message) {}

    /// A message was accepted for the socket's own queue: no peer has it yet.
    fn queued(&mut self) {}

    /// The message that was just routed was dropped instead of being sent; only called where
    /// the application takes turns.
    fn dropped(&mut self) {}

    /// Makes of `message` what goes on the wire to the peer that was chosen for it.
    fn outgoing(&mut self, _peer: PeerId, _message: &mut Message) {}

    /// Makes of what went to a lost peer, and never left, what was accepted: it goes back into the socket's
    /// queue. False drops it.
    fn returned(&mut self, _message: &mut Message) -> bool {
        true
    }

    /// A peer that had no room has some again.
    fn room_freed(&mut self, _peer: PeerId) {}

    /// Turns what `peer` sent into what the application receives.
    fn filter(&mut self, peer: PeerId, message: &mut Message, commands: &mut Commands) -> Verdict;

    /// What [`filter`](Self::filter) puts in front of each message of this peer, if it does nothing else with one, for as
    /// long as no other method is called.
    fn envelope(&self, _peer: PeerId) -> Option<&Frame> {
        None
    }

    /// Whether the application still wants what was accepted a while ago, and waited to be received.
    fn still_wants(&self, _message: &Message) -> bool {
        true
    }

    /// How messages get to the application, and whether it has to take turns.
    fn delivery(&self) -> Delivery {
        Delivery::Filtered
    }

    /// A peer subscribed to a topic, or ended a subscription, by a command.
    fn subscription(&mut self, _peer: PeerId, _topic: &[u8], _subscribe: bool, _commands: &mut Commands) {}

    /// Whether the application may send now, and what becomes of what has arrived; asked before every attempt to.
    fn may_send(&mut self, _commands: &mut Commands) -> Result<Arrived, Error> {
        Ok(Arrived::Stays)
    }

    /// Whether the application may receive now.
    fn may_receive(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// A message that `peer` sent goes to the application.
    fn deliver(&mut self, _peer: PeerId, _message: &mut Message) {}

    /// The message that was delivered last comes back, and will be delivered again: undoes
    /// [`deliver`](Self::deliver). False if the application has gone on and cannot get it again.
    fn take_back(&mut self, _message: &mut Message) -> bool {
        true
    }

    /// A `recv` was dropped before it had a message.
    fn recv_abandoned(&mut self) {}

    /// What went to a lost peer is given up, because peers refuse it; as [`returned`](Self::returned) otherwise.
    fn refused(&mut self, _message: &mut Message) {}

    /// What a lost peer had queued is settled; it may be that it `refused` the one message that it got.
    fn settled(&mut self, _refused: bool, _commands: &mut Commands) {}

    /// Whether messages may wait in the socket while no peer is connected, and return there from a
    /// lost peer: true for types that do not care which peer gets a message.
    fn queues_without_peer(&self) -> bool {
        false
    }

    /// Whether the application can receive; the companion reads and discards for those that cannot.
    fn receives(&self) -> bool {
        true
    }

    /// Whether some of what peers send is for the socket itself, which must not wait until the application
    /// receives.
    fn acts_on_messages(&self) -> bool {
        false
    }

    /// The type's subscriptions, for those that subscribe or are subscribed to.
    fn topics(&mut self) -> Option<&mut dyn TopicPattern> {
        None
    }

    /// The requests under way, of the type that has many at once.
    fn requests(&mut self) -> &mut dyn RequestPattern {
        unreachable!("only asked of the type that has them")
    }

    /// The peer of this identity, for types that know their peers by name.
    fn peer_of(&self, _identity: &[u8]) -> Option<PeerId> {
        None
    }
}

/// What the application asks of types that have to do with topics.
pub(crate) trait TopicPattern {
    /// Adds a subscription: of the socket itself, or of the peer whose message was received last (XPUB).
    ///
    /// An error if this is not for the application to decide.
    fn subscribe(&mut self, topic: &[u8], commands: &mut Commands) -> Result<(), Error>;

    /// Takes one back; false if there is none of this topic.
    fn unsubscribe(&mut self, topic: &[u8], commands: &mut Commands) -> Result<bool, Error>;

    /// How many peers would get a message that begins with `prefix`.
    fn subscribers(&mut self, prefix: &[u8]) -> usize;

    /// Distinct topics.
    fn topic_count(&self) -> usize;
}

/// What the application asks of the type that has many requests at once.
pub(crate) trait RequestPattern {
    /// Begins a request; returns the number that stands in front of it, and of its reply.
    fn begin(&mut self) -> u64;

    /// What came of a request, if that is known by now. The reply is handed out once; one whose peer is lost may
    /// be sent again.
    fn outcome(&mut self, number: u64) -> Option<Outcome>;

    /// Has what comes of a request wake this waker, and returns the one that it had before.
    fn await_outcome(&mut self, number: u64, waker: Waker) -> Option<Waker>;

    /// Nobody waits for the reply any more.
    fn finish(&mut self, number: u64) -> Finished;

    /// Requests that were begun and not finished.
    fn count(&self) -> usize;
}

/// What a request leaves.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    pub(crate) waker: Option<Waker>,
    /// Its reply had come, and was not handed out.
    pub(crate) untaken: bool,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Reply(Message),
    /// The peer that was to reply is gone.
    Lost,
}

/// A peer that has completed the handshake.
#[derive(Clone, Copy)]
pub(crate) struct Newcomer<'a> {
    pub(crate) id: PeerId,
    pub(crate) info: &'a PeerInfo,
    /// The identity that the application chose for it.
    pub(crate) alias: Option<&'a Frame>,
    /// Whether it comes from where that other peer came from.
    pub(crate) same_origin: &'a dyn Fn(PeerId) -> bool,
}

impl Newcomer<'_> {
    /// Who it is to a filter of subscriptions.
    pub(crate) fn subscriber(&self) -> Subscriber {
        let PeerInfo { user, granted, credentials, .. } = self.info;
        Subscriber {
            peer: self.id,
            user: user.clone(),
            user_metadata: granted.clone(),
            credentials: credentials.clone(),
        }
    }
}

/// What a peer can take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Room {
    /// The message.
    Enough,
    /// A smaller message.
    TooLittle,
    /// Nothing.
    None,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Route {
    /// To this peer, which has room.
    To(PeerId),
    /// To all [`targets`](Pattern::targets), as far as they have room.
    Many,
    /// It was for the socket itself, which has acted on it.
    Consumed,
    /// Nowhere yet: this peer has to have room for it first, or any where none is named.
    Full(Option<PeerId>),
    /// Nowhere yet: there is no peer.
    NoPeer,
    /// Nowhere: it has an address and nothing else.
    NoBody,
    /// Nowhere: nobody has the identity that it is addressed to.
    Unroutable,
    /// Nowhere, and the type is configured to drop what cannot be delivered.
    Drop(DropCause),
    /// Nowhere: it asks for more than a peer with the same options would grant.
    Over(Exceeded),
}

/// A limit on subscriptions that was to be exceeded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Exceeded {
    pub(crate) option: &'static str,
    pub(crate) max: usize,
}

impl From<Exceeded> for Error {
    fn from(Exceeded { option, max }: Exceeded) -> Self {
        Self::SubscriptionLimit { option, max }
    }
}

/// What becomes of a message that arrived.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It goes to the application.
    Deliver,
    /// Nobody wants it, for this reason.
    Discard(DropCause),
    /// It was for the socket itself, which has acted on it.
    Consumed,
    /// The pattern has handed it to the application itself.
    Delivered,
}

/// How messages get to the application.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Delivery {
    /// The pattern has a say in when the application sends and receives, and what: only then is it asked
    /// [`may_send`](Pattern::may_send), [`may_receive`](Pattern::may_receive), [`deliver`](Pattern::deliver),
    /// [`take_back`](Pattern::take_back) and [`recv_abandoned`](Pattern::recv_abandoned).
    ByTurns,
    /// Only the last message of each peer, as the pattern filters them.
    Latest,
    /// All in order, as the pattern filters them.
    Filtered,
    /// All in order, and the pattern need not see them.
    AsIs,
}

impl Delivery {
    /// Whether messages go to the application one after the other as they come.
    pub(super) fn is_in_order(self) -> bool {
        matches!(self, Self::Filtered | Self::AsIs)
    }
}

/// What becomes of messages that have arrived when the application sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Arrived {
    Stays,
    /// It answers nothing that is still to be asked.
    IsStale,
}

/// The verdict on a new peer.
#[derive(Clone, Debug)]
pub(crate) enum Admission {
    /// Welcome.
    Admit,
    /// Welcome in the place of this one, whose identity it has taken over: nothing more goes to that one, and
    /// what still comes from it is received.
    Succeed(PeerId),
    /// Its connection ends, for this reason, and it is not told that it might have sent anything.
    Refuse(DisconnectReason),
}
