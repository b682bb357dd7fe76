//! The policy of SUB and XSUB, and how the application subscribes (RFC 29).

use super::Socket;
use super::kind::Subscribes;
use super::publisher::parse;
use crate::engine::{Admission, Newcomer, Pattern, Room, Route, Tasks, TopicPattern, Verdict};
use crate::error::Result;
use crate::message::{Frame, Message};
use crate::monitor::PeerId;
use crate::options::SocketOptions;
use crate::resilience::BytePermits;
use crate::routing::{Released, Topics};
use crate::runtime::AsyncStream;

impl<T: Subscribes, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Subscribes to all messages whose first frame begins with `topic`; the empty topic is all of them
    /// (SUBSCRIBE).
    ///
    /// The peers that there are and all later ones are told, outside of their high-water marks. Subscribed
    /// to twice, a topic has to be unsubscribed from twice. On an XPUB (`xpub_manual`) it is the peer whose
    /// message was received last that is subscribed.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed); [`Error::CompanionGone`](crate::Error::CompanionGone).
    pub fn subscribe(&self, topic: impl AsRef<[u8]>) -> Result<()> {
        self.shared.with(|core| core.change_topics(|topics, tasks| topics.subscribe(topic.as_ref(), tasks)))
    }

    /// Takes a subscription back; false if there was none to this topic (UNSUBSCRIBE).
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub fn unsubscribe(&self, topic: impl AsRef<[u8]>) -> Result<bool> {
        self.shared.with(|core| core.change_topics(|topics, tasks| topics.unsubscribe(topic.as_ref(), tasks)))
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
            verbose: options.xsub_verbose_unsubscribe(),
        }
    }

    /// XSUB: receives what its peers send.
    pub(super) fn raw(options: &SocketOptions) -> Self {
        Self { raw: true, ..Self::filtering(options) }
    }
}

impl Pattern for Subscribing {
    /// The peer learns everything that there is to subscribe to.
    fn attach(&mut self, peer: Newcomer<'_>, tasks: &mut Tasks) -> Admission {
        self.peers.push(peer.id);
        self.topics.for_each(|topic| tasks.subscribe(peer.id, Frame::from(topic)));
        Admission::Admit
    }

    fn detach(&mut self, peer: PeerId, _tasks: &mut Tasks) {
        self.peers.retain(|other| *other != peer);
    }

    /// XSUB: a message that begins with a byte 1 or 0 is a subscription, any other goes to all peers.
    fn route(&mut self, message: &Message, _room: &dyn Fn(PeerId) -> Room, tasks: &mut Tasks) -> Route {
        if message.get(0).and_then(parse).is_none() {
            self.targets.clone_from(&self.peers);
            return Route::Many;
        }
        let frames = if self.only_first { 1 } else { message.len() };
        for (subscribe, topic) in message.frames().take(frames).filter_map(parse) {
            if subscribe {
                self.subscribe(topic, tasks);
            } else {
                self.unsubscribe(topic, tasks);
            }
        }
        Route::Consumed
    }

    fn targets(&mut self) -> &mut Vec<PeerId> {
        &mut self.targets
    }

    fn accept(&mut self, _peer: PeerId, message: &mut Message, _tasks: &mut Tasks) -> Verdict {
        let wanted =
            self.raw || message.get(0).is_some_and(|topic| self.topics.matches(topic) != self.invert);
        if wanted { Verdict::Deliver } else { Verdict::Discard }
    }

    fn topics(&mut self) -> Option<&mut dyn TopicPattern> {
        Some(self)
    }
}

impl TopicPattern for Subscribing {
    fn subscribe(&mut self, topic: &[u8], tasks: &mut Tasks) {
        self.topics.add(topic);
        self.peers.iter().for_each(|peer| tasks.subscribe(*peer, Frame::from(topic)));
    }

    fn unsubscribe(&mut self, topic: &[u8], tasks: &mut Tasks) -> bool {
        let released = self.topics.remove(topic);
        if released == Released::Last || self.verbose && released == Released::More {
            self.peers.iter().for_each(|peer| tasks.cancel(*peer, Frame::from(topic)));
        }
        released != Released::Absent
    }

    /// Nobody subscribes to a subscriber.
    fn subscribers(&mut self, _prefix: &[u8]) -> usize {
        0
    }

    fn topic_count(&self) -> usize {
        self.topics.len()
    }
}
