//! The policy of PUB and XPUB, and how the application looks at their subscribers (RFC 29).

use std::collections::HashMap;
use std::task::Poll;

use super::kind::{Publishes, Topical};
use crate::engine::{
    Admission, Commands, Delivery, Ends, Newcomer, Pattern, Room, Route, TopicPattern, Verdict, Waiter,
    notice,
};
use crate::error::{Error, Result};
use crate::message::{Frame, Message};
use crate::monitor::{DisconnectReason, DropCause, PeerId};
use crate::options::SocketOptions;
use crate::resilience::BytePermits;
use crate::routing::{Inserted, Removed, Subscriptions};
use crate::runtime::AsyncStream;
use crate::security::Subscriber;
use crate::socket::Socket;

impl<T: Publishes, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// Waits until at least `count` peers have subscriptions that match a message beginning with `prefix`:
    /// a message sent then goes to all of them. (With `invert_matching`: that do not match `prefix`.)
    ///
    /// # Errors
    /// [`Error::Closed`] and the errors after which no connection will come.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    #[doc = example!(r#"let publisher = PubSocket::bind("tcp://127.0.0.1:0").await?;
let sub = SubSocket::connect(publisher.local_endpoint().unwrap()).await?;
sub.subscribe("news.")?;
publisher.wait_for_subscribers("news.sport", 1).await?;
publisher.send("news.sport: nil all").await?;
assert_eq!(sub.recv().await?[0], "news.sport: nil all");"#)]
    pub async fn wait_for_subscribers(&self, prefix: impl AsRef<[u8]>, count: usize) -> Result<()> {
        let prefix = prefix.as_ref();
        Waiter::new(&self.shared)
            .until(|core| {
                let enough = core.pattern.topics().is_some_and(|topics| topics.subscribers(prefix) >= count);
                if enough {
                    return Poll::Ready(Ok(()));
                }
                core.base
                    .life
                    .closed_error()
                    .or_else(|| core.endpoints.no_connection_will_come(&core.base))
                    .map_or(Poll::Pending, |error| Poll::Ready(Err(error)))
            })
            .await
    }
}

impl<T: Topical, S: AsyncStream, P: BytePermits> Socket<T, S, P> {
    /// The number of different topics that this socket, or its peers all together, are subscribed to
    /// (TOPICS_COUNT).
    #[must_use]
    #[doc = example!(r#"let publisher = PubSocket::bind("tcp://127.0.0.1:0").await?;
let sub = SubSocket::connect(publisher.local_endpoint().unwrap()).await?;
sub.subscribe("news.")?;
publisher.wait_for_subscribers("news.", 1).await?;
assert_eq!(publisher.topic_count(), 1);"#)]
    pub fn topic_count(&self) -> usize {
        self.shared.with(|core| core.pattern.topics().map_or(0, |topics| topics.topic_count()))
    }
}

/// Sends each message to the peers that subscribed to its first frame.
#[derive(Debug)]
pub(super) struct Publishing {
    subscriptions: Subscriptions<PeerId>,
    /// What the last `route` found.
    targets: Vec<PeerId>,
    /// Nobody gets a message until everybody has room for it.
    nodrop: bool,
    /// XPUB: what the application sees of the peers.
    application: Option<Application>,
    options: SocketOptions,
    /// Who the peers are, where a filter asks for it.
    subscribers: HashMap<PeerId, Subscriber>,
}

/// The application's side of XPUB.
#[derive(Debug, Default)]
struct Application {
    /// XPUB_MANUAL: what the peers asked for; the application decides what they get.
    requested: Option<Subscriptions<PeerId>>,
    /// Whose message was received last.
    last: Option<PeerId>,
    /// XPUB_MANUAL_LAST_VALUE: whom the next message is for.
    next: Option<PeerId>,
}

impl Publishing {
    /// PUB: keeps subscriptions to itself.
    pub(super) fn quiet(options: &SocketOptions) -> Self {
        let nodrop = options.holds_back();
        Self {
            subscriptions: Subscriptions::default(),
            targets: Vec::new(),
            nodrop,
            application: None,
            options: options.clone(),
            subscribers: HashMap::new(),
        }
    }

    /// XPUB: the application sees subscriptions as messages.
    pub(super) fn open(options: &SocketOptions) -> Self {
        let manual = options.xpub_manual() || options.xpub_manual_last_value();
        let requested = manual.then(Subscriptions::default);
        let application = Application { requested, ..Application::default() };
        Self { application: Some(application), ..Self::quiet(options) }
    }

    fn change(&mut self, peer: PeerId, topic: &[u8], subscribe: bool, commands: &mut Commands) {
        if !self.subscriptions.contains_peer(peer) {
            // We let go of it: it gets nothing any more, and nobody would take its subscription back.
            return;
        }
        if subscribe && !self.allows(peer, topic) {
            return commands.refuse_subscription(peer, topic);
        }
        let notify = if subscribe { self.add(peer, topic) } else { self.take(peer, topic) };
        if self.is_flooded_by(peer) {
            // The application never saw this one: it is not to see its end.
            self.take(peer, topic);
            return commands.disconnect(peer, DisconnectReason::TooManySubscriptions);
        }
        if notify && self.application.is_some() {
            commands.deliver(peer, notice(subscribe, topic));
        }
        commands.subscriptions_changed();
    }

    fn allows(&self, peer: PeerId, topic: &[u8]) -> bool {
        let Some(filter) = &self.options.types.subscription_filter else { return true };
        self.subscribers.get(&peer).is_some_and(|subscriber| filter.allows(subscriber, topic))
    }

    /// Adds what a peer asked for; whether the application is to see it.
    fn add(&mut self, peer: PeerId, topic: &[u8]) -> bool {
        if let Some(requested) = self.requested() {
            requested.insert(topic, peer);
            return true;
        }
        let verbose = self.options.xpub_verbose() || self.options.xpub_verboser();
        self.subscriptions.insert(topic, peer) == Inserted::First || verbose
    }

    fn take(&mut self, peer: PeerId, topic: &[u8]) -> bool {
        // What was refused was not told, and its end is not to be.
        let filtered = self.options.has_subscription_filter();
        if let Some(requested) = self.requested() {
            return requested.remove(topic, peer) != Removed::Absent || !filtered;
        }
        let verbose = self.options.xpub_verboser();
        match self.subscriptions.remove(topic, peer) {
            Removed::Last => true,
            Removed::Others => verbose,
            Removed::Absent => verbose && !filtered,
        }
    }

    fn requested(&mut self) -> Option<&mut Subscriptions<PeerId>> {
        self.application.as_mut()?.requested.as_mut()
    }

    fn is_flooded_by(&mut self, peer: PeerId) -> bool {
        let (topics, bytes) = match self.requested() {
            Some(requested) => requested.usage(peer),
            None => self.subscriptions.usage(peer),
        };
        topics > self.options.max_subscriptions() || bytes > self.options.max_subscription_bytes()
    }

    /// Acts on the subscriptions in a message, as peers before ZMTP 3.1 and XSUB applications send them.
    /// What is left of it is for the application.
    fn take_subscriptions(
        &mut self,
        peer: PeerId,
        message: &mut Message,
        commands: &mut Commands,
    ) -> Verdict {
        let most = subscription_frames(message, self.options.only_first_subscribe());
        if message.frames().take(most).all(|frame| parse(frame).is_none()) {
            return match self.application {
                Some(_) => Verdict::Deliver,
                None => Verdict::Discard(DropCause::NotReceiving),
            };
        }
        let mut rest = Message::new();
        for (place, frame) in std::mem::take(message).into_iter().enumerate() {
            match parse(&frame).filter(|_| place < most) {
                Some((subscribe, topic)) => self.change(peer, topic, subscribe, commands),
                None => rest.push_back(frame),
            }
        }
        if self.application.is_some() && !rest.is_empty() {
            // Behind what it has to see of the subscriptions.
            commands.deliver(peer, rest);
        }
        Verdict::Consumed
    }

    fn choose_targets(&mut self, topic: &[u8]) {
        let targets = &mut self.targets;
        targets.clear();
        if self.options.invert_matching() {
            self.subscriptions.for_each_mismatch(topic, |peer| targets.push(peer));
        } else {
            self.subscriptions.for_each_match(topic, |peer| targets.push(peer));
        }
        if let Some(only) = self.application.as_ref().and_then(|application| application.next) {
            targets.retain(|peer| *peer == only);
        }
    }

    /// Whom the application decides about, and whether it is still there.
    fn last(&self) -> Result<Option<PeerId>> {
        match &self.application {
            Some(Application { requested: Some(_), last, .. }) => Ok(*last),
            _ => Err(Error::InvalidState),
        }
    }
}

/// How many frames of a message may be subscriptions.
pub(super) fn subscription_frames(message: &Message, only_first: bool) -> usize {
    if only_first { 1 } else { message.len() }
}

/// The subscription that a frame stands for: a byte 1 or 0, and the topic.
pub(super) fn parse(frame: &Frame) -> Option<(bool, &[u8])> {
    match frame.split_first()? {
        (1, topic) => Some((true, topic)),
        (0, topic) => Some((false, topic)),
        _ => None,
    }
}

impl Pattern for Publishing {
    fn attach(&mut self, peer: Newcomer<'_>, commands: &mut Commands) -> Admission {
        self.subscriptions.insert_peer(peer.id);
        if self.options.has_subscription_filter() {
            self.subscribers.insert(peer.id, peer.subscriber());
        }
        if let Some(welcome) = self.options.xpub_welcome_message() {
            commands.send(peer.id, welcome.clone());
        }
        Admission::Admit
    }

    fn detach(&mut self, peer: PeerId, commands: &mut Commands) {
        let notify = self.application.is_some();
        self.subscribers.remove(&peer);
        if let Some(application) = &mut self.application {
            application.last.take_if(|last| *last == peer);
            application.next.take_if(|next| *next == peer);
        }
        let mut ends = Ends::default();
        let gone = |topic: &[u8]| {
            if notify {
                ends.push(topic);
            }
        };
        // In manual mode every subscription was told, and every end of one is to be.
        if let Some(requested) = self.requested() {
            requested.for_each_topic(peer, gone);
            requested.remove_peer(peer, |_| {});
            self.subscriptions.remove_peer(peer, |_| {});
        } else if self.options.xpub_verboser() {
            self.subscriptions.for_each_topic(peer, gone);
            self.subscriptions.remove_peer(peer, |_| {});
        } else {
            self.subscriptions.remove_peer(peer, gone);
        }
        commands.tell_ends(peer, ends);
        commands.subscriptions_changed();
    }

    fn route(&mut self, message: &Message, room: &dyn Fn(PeerId) -> Room, _commands: &mut Commands) -> Route {
        let Some(topic) = message.get(0) else { return Route::NoBody };
        self.choose_targets(topic);
        let full = || self.targets.iter().find(|peer| room(**peer) != Room::Enough);
        if let Some(peer) = self.nodrop.then(full).flatten() {
            return Route::Full(Some(*peer));
        }
        if let Some(application) = &mut self.application {
            application.next = None;
        }
        Route::Many
    }

    fn targets(&mut self) -> &mut Vec<PeerId> {
        &mut self.targets
    }

    fn filter(&mut self, peer: PeerId, message: &mut Message, commands: &mut Commands) -> Verdict {
        self.take_subscriptions(peer, message, commands)
    }

    fn subscription(&mut self, peer: PeerId, topic: &[u8], subscribe: bool, commands: &mut Commands) {
        self.change(peer, topic, subscribe, commands);
    }

    fn delivery(&self) -> Delivery {
        let is_manual = |application: &Application| application.requested.is_some();
        if self.application.as_ref().is_some_and(is_manual) { Delivery::ByTurns } else { Delivery::Filtered }
    }

    /// What a peer said before it went is delivered as well, but nobody can be subscribed for it any more.
    fn deliver(&mut self, peer: PeerId, message: &mut Message) {
        let last = self.subscriptions.contains_peer(peer).then_some(peer);
        let Some(application) = &mut self.application else { return };
        application.last = last;
        if !self.options.xpub_manual_last_value() {
            return;
        }
        // Who ends a subscription, or sends something else, waits for no value: the next message is for everybody.
        match message.get(0).and_then(parse) {
            Some((true, _)) => application.next = last,
            Some((false, _)) => drop(application.next.take_if(|next| *next == peer)),
            None => {}
        }
    }

    fn receives(&self) -> bool {
        self.application.is_some()
    }

    fn acts_on_messages(&self) -> bool {
        true
    }

    fn topics(&mut self) -> Option<&mut dyn TopicPattern> {
        Some(self)
    }
}

impl TopicPattern for Publishing {
    fn subscribe(&mut self, topic: &[u8], commands: &mut Commands) -> Result<()> {
        if let Some(last) = self.last()? {
            self.subscriptions.insert(topic, last);
            commands.subscriptions_changed();
        }
        Ok(())
    }

    fn unsubscribe(&mut self, topic: &[u8], commands: &mut Commands) -> Result<bool> {
        let Some(last) = self.last()? else { return Ok(false) };
        commands.subscriptions_changed();
        Ok(self.subscriptions.remove(topic, last) != Removed::Absent)
    }

    fn subscribers(&mut self, prefix: &[u8]) -> usize {
        let mut count = 0;
        if self.options.invert_matching() {
            self.subscriptions.for_each_mismatch(prefix, |_| count += 1);
            return count;
        }
        self.subscriptions.subscribers(prefix)
    }

    fn topic_count(&self) -> usize {
        self.subscriptions.topics()
    }
}
