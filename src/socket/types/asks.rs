//! What is behind a [`Client`](crate::rpc::Client): a DEALER that knows which peer each of its requests went to.
//!
//! A pattern of its own, and not calls of a DEALER: only the pattern learns which peer was chosen, and so what a lost
//! connection means for each request. It also takes replies where they are decoded, which the companion does as they
//! come: nobody has to receive for the others, so that no dropped future can leave them without.

use std::collections::BTreeMap;
use std::task::Waker;

use super::kind::Kind;
use super::kind::sealed::Policy;
use super::round_robin::next_with_room;
use crate::engine::{
    Admission, Commands, Finished, Newcomer, Outcome, Pattern, RequestPattern, Room, Route, Verdict,
};
use crate::message::Message;
use crate::monitor::{DropCause, PeerId};
use crate::options::SocketOptions;
use crate::protocol::SocketType;
use crate::routing::LoadBalance;

/// The marker of the socket of a [`Client`](crate::rpc::Client): a DEALER to its peers, whose sending and receiving is
/// the client's.
#[derive(Debug)]
#[non_exhaustive]
pub struct Asks;

impl Kind for Asks {
    const TYPE: SocketType = SocketType::Dealer;
}

impl Policy for Asks {
    #[expect(private_interfaces, reason = "sealed")]
    fn pattern(_options: &SocketOptions) -> Box<dyn Pattern> {
        Box::new(Asking::new(fastrand::u64(..)))
    }
}

/// The policy of a client's socket.
#[derive(Debug)]
struct Asking {
    peers: LoadBalance<PeerId>,
    /// By number, in the order in which they were begun: a loss is told in that order.
    requests: BTreeMap<u64, Request>,
    next: u64,
}

/// One request, from its beginning until nobody waits for it.
#[derive(Debug, Default)]
struct Request {
    stage: Stage,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
enum Stage {
    /// No peer has it.
    #[default]
    Unsent,
    /// This peer is to reply.
    Awaiting(PeerId),
    Replied(Message),
    /// The peer that was to reply is gone.
    Lost,
}

impl Asking {
    /// Numbers begin anywhere: a server that knows us by our identity may answer the client that had it before.
    fn new(first: u64) -> Self {
        Self { peers: LoadBalance::default(), requests: BTreeMap::new(), next: first }
    }
}

/// The number in front of a message.
fn number(message: &Message) -> Option<u64> {
    Some(u64::from_be_bytes(message.get(0)?[..].try_into().ok()?))
}

/// The number of a reply: it is followed by an empty frame and at least one of the reply's own.
fn number_of_reply(message: &Message) -> Option<u64> {
    let fits = message.len() > 2 && message.get(1).is_some_and(|delimiter| delimiter.is_empty());
    number(message).filter(|_| fits)
}

impl Pattern for Asking {
    fn attach(&mut self, peer: Newcomer<'_>, _commands: &mut Commands) -> Admission {
        self.peers.insert(peer.id);
        Admission::Admit
    }

    fn detach(&mut self, peer: PeerId, _commands: &mut Commands) {
        self.peers.remove(peer);
    }

    /// Not earlier: what it had sent before it was lost may be the reply.
    fn forget(&mut self, peer: PeerId, commands: &mut Commands) {
        for request in self.requests.values_mut() {
            if matches!(request.stage, Stage::Awaiting(from) if from == peer) {
                request.stage = Stage::Lost;
                commands.wake(request.waker.take());
            }
        }
    }

    fn end(&mut self, commands: &mut Commands) {
        self.requests.values_mut().for_each(|request| commands.wake(request.waker.take()));
    }

    fn route(
        &mut self,
        _message: &Message,
        room: &dyn Fn(PeerId) -> Room,
        _commands: &mut Commands,
    ) -> Route {
        next_with_room(&mut self.peers, room)
    }

    fn outgoing(&mut self, peer: PeerId, message: &mut Message) {
        if let Some(request) = number(message).and_then(|number| self.requests.get_mut(&number)) {
            request.stage = Stage::Awaiting(peer);
        }
    }

    fn room_freed(&mut self, peer: PeerId) {
        self.peers.activate(peer);
    }

    /// What nobody waits for, or not from this peer, is late, doubled or made up.
    fn filter(&mut self, peer: PeerId, message: &mut Message, commands: &mut Commands) -> Verdict {
        let request = number_of_reply(message).and_then(|number| self.requests.get_mut(&number));
        match request {
            Some(request) if matches!(request.stage, Stage::Awaiting(from) if from == peer) => {
                let mut reply = std::mem::take(message);
                (0..2).for_each(|_| drop(reply.pop_front()));
                request.stage = Stage::Replied(reply);
                commands.wake(request.waker.take());
                Verdict::Delivered
            }
            _ => Verdict::Discard(DropCause::Unexpected),
        }
    }

    /// Not by `recv`: the companion reads as it comes. What is kept is one reply for each request under way.
    fn receives(&self) -> bool {
        false
    }

    fn requests(&mut self) -> &mut dyn RequestPattern {
        self
    }
}

impl RequestPattern for Asking {
    fn begin(&mut self) -> u64 {
        let number = self.next;
        self.next = number.wrapping_add(1);
        self.requests.insert(number, Request::default());
        number
    }

    fn outcome(&mut self, number: u64) -> Option<Outcome> {
        let stage = &mut self.requests.get_mut(&number)?.stage;
        match std::mem::take(stage) {
            Stage::Replied(reply) => Some(Outcome::Reply(reply)),
            // It was accepted, and has gone to nobody.
            Stage::Lost | Stage::Unsent => Some(Outcome::Lost),
            awaiting @ Stage::Awaiting(_) => {
                *stage = awaiting;
                None
            }
        }
    }

    fn await_outcome(&mut self, number: u64, waker: Waker) -> Option<Waker> {
        match self.requests.get_mut(&number) {
            Some(request) => request.waker.replace(waker),
            None => Some(waker),
        }
    }

    fn finish(&mut self, number: u64) -> Finished {
        let Some(Request { stage, waker }) = self.requests.remove(&number) else {
            return Finished::default();
        };
        Finished { waker, untaken: matches!(stage, Stage::Replied(_)) }
    }

    fn count(&self) -> usize {
        self.requests.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: PeerId = PeerId::new(1, 0);
    const OTHER: PeerId = PeerId::new(2, 0);

    fn sent_to(asking: &mut Asking, peer: PeerId) -> u64 {
        let number = asking.begin();
        asking.outgoing(peer, &mut enveloped(number, "request"));
        number
    }

    fn enveloped(number: u64, body: &str) -> Message {
        Message::from((number.to_be_bytes(), "", body))
    }

    fn filter(asking: &mut Asking, peer: PeerId, message: impl Into<Message>) -> Verdict {
        asking.filter(peer, &mut message.into(), &mut Commands::default())
    }

    fn reply(asking: &mut Asking, number: u64) -> Option<Message> {
        match asking.outcome(number) {
            Some(Outcome::Reply(reply)) => Some(reply),
            _ => None,
        }
    }

    #[test]
    fn replies_come_in_any_order_and_once() {
        let mut asking = Asking::new(u64::MAX);
        let [first, second] = [(); 2].map(|()| sent_to(&mut asking, SERVER));
        assert_eq!((first, second), (u64::MAX, 0), "numbers go round");
        assert_eq!(filter(&mut asking, SERVER, enveloped(second, "2")), Verdict::Delivered);
        assert!(asking.outcome(first).is_none());
        let again = filter(&mut asking, SERVER, enveloped(second, "3"));
        assert_eq!(again, Verdict::Discard(DropCause::Unexpected), "one reply for each request");
        assert_eq!(filter(&mut asking, SERVER, enveloped(first, "1")), Verdict::Delivered);
        assert_eq!(reply(&mut asking, first), Some("1".into()));
        assert_eq!(reply(&mut asking, second), Some("2".into()));
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        let mut asking = Asking::new(7);
        let number = sent_to(&mut asking, SERVER);
        let ours = number.to_be_bytes();
        let unexpected = Verdict::Discard(DropCause::Unexpected);
        assert_eq!(filter(&mut asking, OTHER, enveloped(number, "from another")), unexpected);
        assert_eq!(filter(&mut asking, SERVER, enveloped(number + 1, "of no request")), unexpected);
        assert_eq!(filter(&mut asking, SERVER, (ours, "")), unexpected, "no body");
        assert_eq!(filter(&mut asking, SERVER, (ours, "no delimiter", "body")), unexpected);
        assert_eq!(filter(&mut asking, SERVER, ("", "body")), unexpected, "no number");
        assert_eq!(filter(&mut asking, SERVER, (&ours[..7], "", "short")), unexpected);
        assert_eq!(filter(&mut asking, SERVER, Message::new()), unexpected);
        assert!(asking.outcome(number).is_none(), "it goes on waiting");
    }

    /// Kills telling a loss when a connection ends and not when all that it had sent was looked at.
    #[test]
    fn only_what_a_lost_peer_has_not_answered_is_lost() {
        let mut asking = Asking::new(1);
        let [answered, unanswered] = [(); 2].map(|()| sent_to(&mut asking, SERVER));
        let elsewhere = sent_to(&mut asking, OTHER);
        let mut commands = Commands::default();
        asking.detach(SERVER, &mut commands);
        assert_eq!(filter(&mut asking, SERVER, enveloped(answered, "left behind")), Verdict::Delivered);
        asking.forget(SERVER, &mut commands);
        assert!(matches!(asking.outcome(unanswered), Some(Outcome::Lost)));
        assert_eq!(reply(&mut asking, answered), Some("left behind".into()));
        assert!(asking.outcome(elsewhere).is_none());
    }

    #[test]
    fn nothing_is_kept_of_what_is_finished() {
        let mut asking = Asking::new(1);
        let number = sent_to(&mut asking, SERVER);
        assert!(asking.await_outcome(number, Waker::noop().clone()).is_none());
        let Finished { waker, untaken } = asking.finish(number);
        assert!(waker.is_some() && !untaken, "the waker, to be dropped elsewhere");
        assert_eq!(asking.count(), 0);
        assert_eq!(
            filter(&mut asking, SERVER, enveloped(number, "late")),
            Verdict::Discard(DropCause::Unexpected)
        );
        let answered = sent_to(&mut asking, SERVER);
        assert_eq!(filter(&mut asking, SERVER, enveloped(answered, "in vain")), Verdict::Delivered);
        assert!(asking.finish(answered).untaken);
        assert!(!asking.finish(answered).untaken, "it is gone");
    }
}
