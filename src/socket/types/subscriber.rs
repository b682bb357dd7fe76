//! The policy of SUB and XSUB, and how the application subscribes (RFC 29).

use super::kind::Subscribes;
use super::publisher::{parse, subscription_frames};
use crate::engine::{
    Admission, Change, Commands, Exceeded, Newcomer, Pattern, Room, Route, TopicPattern, Verdict,
};
use crate::error::Result;
use crate::message::{Frame, Message};
use crate::monitor::{DropCause, PeerId};
use crate::options::SocketOptions;
use crate::resilience::BytePermits;
use crate::routing::{Released, Topics};
use crate::runtime::AsyncStream;
use crate::socket::Socket;

impl<T: Subscribes, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Subscribes to all messages whose first frame begins with `topic`; the empty topic is all of them
    /// (SUBSCRIBE).
    ///
    /// The peers that there are and all later ones are told, outside of their high-water marks. A publisher
    /// that does not read is told the outcome when it does: what was taken back by then it never hears of.
    /// Subscribed to twice, a topic has to be unsubscribed from twice. On an XPUB (`xpub_manual`) it is the peer whose
    /// message was received last that is subscribed.
    ///
    /// # Errors
    /// [`Error::SubscriptionLimit`](crate::Error::SubscriptionLimit) when a publisher with the same
    /// `max_subscriptions` and `max_subscription_bytes` would refuse it;
    /// [`Error::Closed`](crate::Error::Closed); [`Error::CompanionGone`](crate::Error::CompanionGone);
    /// [`Error::InvalidState`](crate::Error::InvalidState) on an XPUB without `xpub_manual`.
    #[doc = example!(r#"let publisher = PubSocket::bind("tcp://127.0.0.1:0").await?;
let sub = SubSocket::connect(publisher.local_endpoint().unwrap()).await?;
sub.subscribe("news.")?;
publisher.wait_for_subscribers("news.", 1).await?;
publisher.send("weather: rain").await?;
publisher.send("news.sport: nil all").await?;
assert_eq!(sub.recv().await?[0], "news.sport: nil all");"#)]
    pub fn subscribe(&self, topic: impl AsRef<[u8]>) -> Result<()> {
        self.shared
            .with(|core| core.change_topics(|topics, commands| topics.subscribe(topic.as_ref(), commands)))
    }

    /// Takes a subscription back; false if there was none to this topic (UNSUBSCRIBE).
    ///
    /// What a SUB gets is decided when it receives: messages of the topic that have arrived by now are dropped
    /// then, and counted as [`DropCause::NotSubscribed`], unless it has been
    /// subscribed to again. An XSUB receives all that comes.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    #[doc = example!(r#"let publisher = PubSocket::bind("tcp://127.0.0.1:0").await?;
let sub = SubSocket::connect(publisher.local_endpoint().unwrap()).await?;
sub.subscribe("news.")?;
assert!(sub.unsubscribe("news.")?);
assert!(!sub.unsubscribe("news.")?, "there is no such subscription any more");
# drop(publisher);"#)]
    pub fn unsubscribe(&self, topic: impl AsRef<[u8]>) -> Result<bool> {
        self.shared
            .with(|core| core.change_topics(|topics, commands| topics.unsubscribe(topic.as_ref(), commands)))
    }
}

/// Keeps the subscriptions that there should be, and tells each publisher, old and new.
#[derive(Debug)]
pub(super) struct Subscribing {
    topics: Topics,
    peers: Vec<PeerId>,
    /// What the last `route` found.
    targets: Vec<PeerId>,
    /// XSUB: subscriptions are messages of the application, and nothing is filtered here.
    raw: bool,
    invert: bool,
    only_first: bool,
    verbose: bool,
    /// XSUB: nobody gets a message until everybody has room for it.
    nodrop: bool,
    limits: Limits,
}

/// What a publisher with the same options takes from one subscriber: over them it would hang up, again and again.
#[derive(Clone, Copy, Debug)]
struct Limits {
    topics: usize,
    bytes: usize,
}

impl Limits {
    /// Whether so many topics, of so many bytes together, are within them.
    fn check(self, topics: usize, bytes: usize) -> Result<(), Exceeded> {
        match () {
            () if topics > self.topics => Err(Exceeded { option: "max_subscriptions", max: self.topics }),
            () if bytes > self.bytes => Err(Exceeded { option: "max_subscription_bytes", max: self.bytes }),
            () => Ok(()),
        }
    }
}

impl Subscribing {
    /// SUB: receives what it subscribed to.
    pub(super) fn filtering(options: &SocketOptions) -> Self {
        Self {
            topics: Topics::default(),
            peers: Vec::new(),
            targets: Vec::new(),
            raw: false,
            invert: options.invert_matching(),
            only_first: options.only_first_subscribe(),
            verbose: false,
            nodrop: options.holds_back(),
            limits: Limits { topics: options.max_subscriptions(), bytes: options.max_subscription_bytes() },
        }
    }

    /// XSUB: receives what its peers send.
    pub(super) fn raw(options: &SocketOptions) -> Self {
        Self { raw: true, verbose: options.xsub_verbose_unsubscribe(), ..Self::filtering(options) }
    }

    /// Whether these topics may be asked for as well.
    fn check<'a>(&self, topics: impl Iterator<Item = &'a [u8]>) -> Result<(), Exceeded> {
        let (mut count, mut bytes) = self.topics.usage();
        for topic in topics.filter(|topic| !self.topics.contains(topic)) {
            count += 1;
            bytes += topic.len();
            self.limits.check(count, bytes)?;
        }
        Ok(())
    }

    /// Asks for a topic or gives it up, and tells the peers; whether there was one to give up.
    fn change(&mut self, topic: &[u8], subscribe: bool, commands: &mut Commands) -> bool {
        if subscribe {
            let is_new = self.topics.add(topic);
            self.tell(
                Change { subscribe, was_wanted: !is_new, is_wanted: true, topic: topic.into() },
                commands,
            );
            return true;
        }
        let released = self.topics.remove(topic);
        let was_wanted = released != Released::Absent;
        if released == Released::Last || self.verbose {
            let is_wanted = released == Released::More;
            self.tell(Change { subscribe, was_wanted, is_wanted, topic: topic.into() }, commands);
        }
        was_wanted
    }

    fn tell(&self, change: Change, commands: &mut Commands) {
        self.peers.iter().for_each(|peer| commands.tell(*peer, change.clone()));
    }
}

impl Pattern for Subscribing {
    /// The peer learns everything that there is to subscribe to.
    fn attach(&mut self, peer: Newcomer<'_>, commands: &mut Commands) -> Admission {
        self.peers.push(peer.id);
        self.topics.for_each(|topic| {
            let topic = Frame::from(topic);
            commands.tell(peer.id, Change { topic, subscribe: true, was_wanted: false, is_wanted: true });
        });
        Admission::Admit
    }

    fn detach(&mut self, peer: PeerId, _commands: &mut Commands) {
        self.peers.retain(|other| *other != peer);
    }

    /// XSUB: a frame that begins with a byte 1 or 0 is a subscription; what is left goes to all peers.
    fn route(&mut self, message: &Message, room: &dyn Fn(PeerId) -> Room, commands: &mut Commands) -> Route {
        let most = subscription_frames(message, self.only_first);
        let subscriptions = || message.frames().take(most).filter_map(parse);
        let left = message.len() - subscriptions().count();
        let asked_for = subscriptions().filter(|(subscribe, _)| *subscribe).map(|(_, topic)| topic);
        if let Err(limit) = self.check(asked_for) {
            return Route::Over(limit);
        }
        let full = || self.peers.iter().find(|peer| room(**peer) != Room::Enough);
        if let Some(peer) = (left > 0 && self.nodrop).then(full).flatten() {
            return Route::Full(Some(*peer));
        }
        for (subscribe, topic) in subscriptions() {
            self.change(topic, subscribe, commands);
        }
        if left == 0 {
            return Route::Consumed;
        }
        self.targets.clone_from(&self.peers);
        Route::Many
    }

    fn outgoing_to_many(&mut self, message: &mut Message) {
        let most = subscription_frames(message, self.only_first);
        if message.frames().take(most).any(|frame| parse(frame).is_some()) {
            let frames = std::mem::take(message).into_iter().enumerate();
            let rest = frames.filter(|(place, frame)| *place >= most || parse(frame).is_none());
            *message = rest.map(|(_, frame)| frame).collect();
        }
    }

    fn targets(&mut self) -> &mut Vec<PeerId> {
        &mut self.targets
    }

    fn filter(&mut self, _peer: PeerId, message: &mut Message, _commands: &mut Commands) -> Verdict {
        if self.still_wants(message) { Verdict::Deliver } else { Verdict::Discard(DropCause::NotSubscribed) }
    }

    fn still_wants(&self, message: &Message) -> bool {
        self.raw || message.get(0).is_some_and(|topic| self.topics.matches(topic) != self.invert)
    }

    fn topics(&mut self) -> Option<&mut dyn TopicPattern> {
        Some(self)
    }
}

impl TopicPattern for Subscribing {
    fn subscribe(&mut self, topic: &[u8], commands: &mut Commands) -> Result<()> {
        self.check(std::iter::once(topic))?;
        self.change(topic, true, commands);
        Ok(())
    }

    fn unsubscribe(&mut self, topic: &[u8], commands: &mut Commands) -> Result<bool> {
        Ok(self.change(topic, false, commands))
    }

    /// Nobody subscribes to a subscriber.
    fn subscribers(&mut self, _prefix: &[u8]) -> usize {
        0
    }

    fn topic_count(&self) -> usize {
        self.topics.len()
    }
}
