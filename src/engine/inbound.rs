//! The way in: reading, decoding, and handing messages out.

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use super::core::Core;
use super::pattern::{Pattern, Verdict};
use super::peer::{Peer, Stage};
use super::wait::WaitKey;
use crate::error::Error;
use crate::message::Message;
use crate::monitor::{DisconnectReason, PeerId};
use crate::options::SocketOptions;
use crate::protocol::{Event, ProtocolError};
use crate::resilience::{FlushPolicy, HighWater};
use crate::routing::FairQueue;
use crate::runtime::{AsyncStream, RecvBuf};

/// Size of the read buffer that all connections of a socket share: what the kernel hands over in one
/// read without falling out of the first-level caches.
const SLAB: usize = 32 * 1024;

/// Messages that `recv` returns in a row before it lets other tasks run once.
pub(super) const RECEIVES_PER_POLL: u32 = 1024;

/// Messages from pipes that `recv` returns in a row before it looks at the streams.
const PASSED_PER_STREAM_TURN: u32 = 16;

/// Peers that one turn takes off the ready queue, so that a storm of wakes cannot keep the lock.
const PEERS_PER_TURN: usize = 1024;

/// What was read and not yet received.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(super) slab: RecvBuf,
    /// Whose undecoded bytes are in the slab.
    pub(super) slab_owner: Option<PeerId>,
    /// No whole message is left in the slab.
    slab_drained: bool,
    /// Peers whose stream may have something to read, in order of their events.
    readable: VecDeque<PeerId>,
    /// Peers with decoded messages.
    pub(super) inboxes: FairQueue<PeerId>,
    /// Inproc peers with something to take.
    pub(super) pipes: FairQueue<PeerId>,
    /// Messages of peers that are gone, and those that came back: received before all others.
    pub(super) orphans: VecDeque<(PeerId, Message)>,
    pub(super) orphan_level: HighWater,
    /// Messages taken from pipes since a stream last had its turn.
    passed: u32,
    /// Polls of `recv` so far: tells the companion whether somebody reads inline.
    pub(super) calls: u64,
    /// `calls` when the companion last looked.
    seen_calls: u64,
    /// The companion knows that something is left to be read.
    watched: bool,
    /// It has put its look off.
    delayed: bool,
    /// Whose message `poll_recv` or `try_recv` returned last.
    pub(crate) from: Option<PeerId>,
    /// Messages returned since `recv` last gave way.
    pub(super) burst: u32,
    /// The pattern has a say in when the application receives, and what.
    pub(crate) gated: bool,
    /// Messages go to the application as they come.
    plain: bool,
    /// The pattern does not even have to see them.
    pub(super) direct: bool,
}

impl Inbound {
    pub(crate) fn new(options: &SocketOptions, pattern: &dyn Pattern, conflates: bool) -> Self {
        let gated = pattern.takes_turns();
        Self {
            slab: RecvBuf::with_capacity(SLAB),
            slab_owner: None,
            slab_drained: true,
            readable: VecDeque::new(),
            inboxes: FairQueue::default(),
            pipes: FairQueue::default(),
            orphans: VecDeque::new(),
            orphan_level: HighWater::new(options.recv_hwm, options.recv_hwm_bytes),
            passed: 0,
            calls: 0,
            seen_calls: 0,
            watched: false,
            delayed: false,
            from: None,
            burst: 0,
            gated,
            plain: !gated && !conflates,
            direct: !gated && !conflates && pattern.accepts_all(),
        }
    }

    /// Nothing was read ahead: what comes next is still where it came in.
    #[inline]
    fn nothing_ahead(&self) -> bool {
        self.orphans.is_empty() && self.inboxes.is_empty()
    }

    /// What comes next is in the slab, if anywhere.
    #[inline]
    pub(super) fn only_slab(&self) -> bool {
        self.nothing_ahead() && self.pipes.is_empty()
    }

    pub(crate) fn orphaned(&self) -> usize {
        self.orphans.len()
    }
}

/// What the companion found to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ReadAhead {
    /// Nothing more for now.
    Idle,
    /// More than one turn takes.
    Again,
    /// Something, but the application was receiving a moment ago and will get to it: look later.
    Later,
}

impl<S: AsyncStream> Core<S> {
    /// One step of `recv`.
    #[inline(never)]
    pub(crate) fn poll_recv(&mut self, key: &mut WaitKey, waker: &Waker) -> Poll<Result<Message, Error>> {
        let plain = key.is_none() && self.inbound.only_slab() && self.inbound.burst < RECEIVES_PER_POLL;
        if plain && self.inbound.plain && self.ended().is_none() {
            if let Some((id, message)) = self.decode_slab() {
                self.inbound.from = Some(id);
                self.inbound.calls += 1;
                self.inbound.burst += 1;
                self.delivered();
                return Poll::Ready(Ok(message));
            }
        }
        if self.inbound.burst >= RECEIVES_PER_POLL {
            self.inbound.burst = 0;
            self.effects.wake(Some(waker.clone()));
            return Poll::Pending;
        }
        loop {
            match self.try_recv() {
                Err(Error::WouldBlock) => {}
                done => {
                    self.inbound.burst += 1;
                    self.unpark_receiver(key);
                    return Poll::Ready(done);
                }
            }
            if self.is_detached() {
                self.detached_tick();
            }
            if self.ready.park_receiver(key, waker) {
                self.inbound.burst = 0;
                return Poll::Pending;
            }
        }
    }

    /// The next message, without waiting.
    pub(crate) fn try_recv(&mut self) -> Result<Message, Error> {
        if let Some(error) = self.ended() {
            return Err(error);
        }
        if self.inbound.gated {
            self.pattern.may_receive()?;
        }
        self.inbound.calls += 1;
        if self.conflates {
            self.read_latest();
        }
        let next = self.take_decoded().or_else(|| self.turn(Self::read_message));
        let Some((id, mut message)) = next else {
            return Err(self.hopeless().unwrap_or(Error::WouldBlock));
        };
        self.inbound.from = Some(id);
        if self.inbound.gated {
            self.pattern.deliver(id, &mut message);
        }
        self.delivered();
        Ok(message)
    }

    /// A message goes to the application, which may or may not come back for what is left.
    #[inline]
    pub(super) fn delivered(&mut self) {
        self.counters.delivered += 1;
        if !self.inbound.readable.is_empty() || !self.inbound.slab.filled().is_empty() {
            self.watch();
        }
    }

    /// A message that is there already: in a pipe, read ahead, or in the slab.
    #[inline]
    fn take_decoded(&mut self) -> Option<(PeerId, Message)> {
        if self.inbound.orphans.is_empty() {
            if let Some(message) = self.take_passed() {
                return Some(message);
            }
        }
        loop {
            let message = self.take_read_ahead().or_else(|| self.decode_slab());
            if message.is_some() {
                self.inbound.passed = 0;
                return message;
            }
            // A command may have led to a message of the socket's own.
            if self.inbound.nothing_ahead() {
                return None;
            }
        }
    }

    /// A message from the pipe whose turn it is, unless the streams have waited for long enough: pipes that
    /// are never empty must not keep them from their turn.
    #[inline]
    fn take_passed(&mut self) -> Option<(PeerId, Message)> {
        while self.inbound.passed < PASSED_PER_STREAM_TURN {
            let id = self.inbound.pipes.pop()?;
            let message = self.take_from_pipe(id);
            if message.is_some() {
                self.inbound.passed += 1;
                return message;
            }
        }
        None
    }

    fn take_read_ahead(&mut self) -> Option<(PeerId, Message)> {
        if !self.inbound.orphans.is_empty() {
            return self.take_orphan();
        }
        while let Some(id) = self.inbound.inboxes.pop() {
            let message = self.take_from_inbox(id);
            if message.is_some() {
                return message;
            }
        }
        None
    }

    fn take_orphan(&mut self) -> Option<(PeerId, Message)> {
        let (id, message) = self.inbound.orphans.pop_front()?;
        let was_full = self.inbound.orphan_level.is_full();
        self.inbound.orphan_level.remove(message.size());
        if was_full && !self.inbound.orphan_level.is_full() {
            for id in self.peers.ids(|peer| peer.paused && !peer.inbox_level.is_full()) {
                self.resume_reading(id);
            }
        }
        Some((id, message))
    }

    pub(super) fn take_from_inbox(&mut self, id: PeerId) -> Option<(PeerId, Message)> {
        let peer = self.peers.get_mut(id)?;
        let message = peer.inbox.pop_front()?;
        peer.inbox_level.remove(message.size());
        if peer.inbox.is_empty() {
            peer.inbox = VecDeque::new();
        } else {
            self.inbound.inboxes.push(id);
        }
        if peer.paused && !self.at_mark(id) {
            self.resume_reading(id);
        }
        Some((id, message))
    }

    fn resume_reading(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.paused = false;
            if peer.link.inproc().is_some() {
                return self.handle_inproc(id);
            }
            self.mark_readable(id);
        }
    }

    /// Reads from peers, in turn, until one yields a message or none has anything.
    fn read_message(&mut self) -> Option<(PeerId, Message)> {
        loop {
            self.collect_ready();
            // The first messages may have come in the same read as the end of the handshake.
            if let Some(message) = self.take_decoded() {
                return Some(message);
            }
            let Some(id) = self.inbound.readable.pop_front() else {
                // The streams have had their turn.
                if std::mem::take(&mut self.inbound.passed) > 0 {
                    continue;
                }
                return None;
            };
            if !self.load_slab(id) {
                continue;
            }
            if let Some(message) = self.decode_slab() {
                // Bytes that waited for room; the stream itself is still to be read.
                self.inbound.readable.push_back(id);
                self.inbound.passed = 0;
                return Some(message);
            }
            if !self.inbound.nothing_ahead() {
                // Older than what is left in the slab.
                self.inbound.readable.push_back(id);
                continue;
            }
            self.read(id);
        }
    }

    /// Turns events of streams into flushes and entries of the readable list.
    pub(crate) fn collect_ready(&mut self) {
        for _ in 0..PEERS_PER_TURN {
            let Some(id) = self.ready.pop() else { break };
            let Some(peer) = self.peers.get_mut(id) else { continue };
            peer.taken_off_queue();
            if peer.link.inproc().is_some() {
                self.handle_inproc(id);
                continue;
            }
            // Where only `flush` writes, an event goes on with what it began.
            let begun = std::mem::replace(&mut peer.write_blocked, false);
            let flush = begun || self.options.flush_policy != FlushPolicy::Manual;
            if flush && !peer.out.is_empty() || peer.stage == Stage::Retiring || peer.poisoned {
                self.flush_peer(id);
            }
            self.mark_readable(id);
            self.read_unless_for_application(id);
        }
    }

    fn mark_readable(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(id) {
            if !peer.readable && !peer.paused {
                peer.readable = true;
                self.inbound.readable.push_back(id);
            }
        }
    }

    /// Reads at once what is not for the application to wait for: handshakes, the end of departing
    /// peers, and everything on sockets that cannot receive.
    ///
    /// Bounded, so that one peer cannot keep the turn; the companion goes on where this stops.
    fn read_unless_for_application(&mut self, id: PeerId) {
        const READS_PER_TURN: usize = 16;
        for _ in 0..READS_PER_TURN {
            let for_application = |peer: &Peer<S>| peer.stage == Stage::Live && self.pattern.receives();
            if !self.peers.get(id).is_some_and(|peer| peer.readable && !for_application(peer)) {
                return;
            }
            // Just marked: it stands at the back.
            if let Some(index) = self.inbound.readable.iter().rposition(|other| *other == id) {
                self.inbound.readable.remove(index);
            }
            self.load_slab(id);
            self.read(id);
            self.fill_inbox(id);
        }
        self.watch();
    }

    /// Has the companion look at the readable list.
    fn watch(&mut self) {
        if !self.inbound.watched {
            self.inbound.watched = true;
            self.wake_companion();
        }
    }

    /// Makes the slab hold the undecoded bytes of `id`, moving another peer's away. False if the peer
    /// is gone.
    fn load_slab(&mut self, id: PeerId) -> bool {
        if self.inbound.slab_owner == Some(id) {
            return true;
        }
        self.unload_slab();
        let Some(peer) = self.peers.get_mut(id) else { return false };
        let partial = std::mem::take(&mut peer.partial);
        self.inbound.slab.extend_from_slice(&partial);
        self.inbound.slab_owner = Some(id);
        self.inbound.slab_drained = partial.is_empty();
        true
    }

    /// Moves what is left in the slab to the peer that it belongs to.
    fn unload_slab(&mut self) {
        let Some(id) = self.inbound.slab_owner.take() else { return };
        if let Some(owner) = self.peers.get_mut(id) {
            owner.partial = self.inbound.slab.filled().to_vec();
            if !self.inbound.slab_drained {
                self.mark_readable(id);
            }
        }
        self.inbound.slab.clear();
    }

    /// Reads once, and after a short read once more, so that the stream is left waiting for its next
    /// event. The peer stays on the readable list unless it has nothing.
    fn read(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if let Some(reason) = peer.ending.take() {
            self.disconnect(id, reason);
            return;
        }
        self.inbound.slab.compact();
        for _ in 0..2 {
            let room = match &mut peer.large {
                Some(large) => large.unfilled().len(),
                None => self.inbound.slab.unfilled().len(),
            };
            match peer.poll_read(&mut self.inbound.slab) {
                Poll::Pending => {
                    peer.readable = false;
                    break;
                }
                Poll::Ready(Ok(read)) if read > 0 => {
                    peer.liveness.reads += 1;
                    self.inbound.slab_drained = false;
                    if read == room {
                        break;
                    }
                }
                Poll::Ready(end) => {
                    peer.ending = Some(match end {
                        Ok(_) => DisconnectReason::EndOfStream,
                        Err(error) => DisconnectReason::Io(error.into()),
                    });
                    break;
                }
            }
        }
        if peer.readable {
            self.inbound.readable.push_back(id);
        }
        self.finish_large(id);
    }

    /// Hands a large frame over once it is complete.
    fn finish_large(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if !peer.large.as_ref().is_some_and(RecvBuf::is_complete) {
            return;
        }
        let Some(payload) = peer.large.take().map(RecvBuf::into_bytes) else { return };
        let event = peer.connection.handle_large_frame(payload, &mut peer.out);
        match event {
            Ok(Some(Event::Message(mut message))) => {
                if self.accept(id, &mut message) {
                    self.put_into_inbox(id, message);
                }
            }
            other => self.handle_other(id, other),
        }
    }

    /// Decodes the next message from the slab.
    fn decode_slab(&mut self) -> Option<(PeerId, Message)> {
        let id = self.inbound.slab_owner?;
        let mut message = Message::new();
        self.decode_next(&mut message).then_some((id, message))
    }

    /// Decodes the next message from the slab into `into`; false if there is none.
    #[inline]
    fn decode_next(&mut self, into: &mut Message) -> bool {
        let Some(id) = self.inbound.slab_owner else { return false };
        loop {
            let Some(peer) = self.peers.get_mut(id) else { return false };
            if peer.stage == Stage::Draining {
                self.inbound.slab.clear();
            }
            let mut input = self.inbound.slab.filled();
            let before = input.len();
            if before == 0 || peer.large.is_some() {
                self.inbound.slab_drained = true;
                return false;
            }
            let event = peer.connection.handle_input(&mut input, &mut peer.out);
            let used = before - input.len();
            self.inbound.slab.consume(used);
            match event {
                Ok(Some(Event::Message(message))) => *into = message,
                Ok(None) => {
                    self.inbound.slab_drained = true;
                    self.handle_other(id, Ok(None));
                    return false;
                }
                other => {
                    self.handle_other(id, other);
                    if !self.inbound.nothing_ahead() {
                        // What the command led to comes first.
                        return false;
                    }
                    continue;
                }
            }
            if self.accept(id, into) {
                return true;
            }
            if !self.inbound.nothing_ahead() {
                // What it led to comes before what is behind it.
                return false;
            }
        }
    }

    /// Counts a message that arrived; whether the application gets it.
    #[inline]
    pub(crate) fn accept(&mut self, id: PeerId, message: &mut Message) -> bool {
        let verdict = self.pattern.accept(id, message, &mut self.tasks);
        self.perform_tasks();
        if verdict == Verdict::Consumed {
            return false;
        }
        if let Some(peer) = self.peers.get_mut(id) {
            peer.received += 1;
        }
        self.counters.received += 1;
        self.counters.recv_dropped += u64::from(verdict == Verdict::Discard);
        verdict == Verdict::Deliver
    }

    /// Everything but messages.
    fn handle_other(&mut self, id: PeerId, event: Result<Option<Event>, ProtocolError>) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        // Whatever the protocol answered by itself: READY, PONG, ERROR.
        peer.out.end_control();
        match event {
            Ok(None | Some(Event::Ignored | Event::Message(_))) => {}
            Ok(Some(Event::LargeFrame { len })) => {
                let mut large = RecvBuf::for_frame(len);
                large.extend_from_slice(self.inbound.slab.filled());
                self.inbound.slab.clear();
                peer.large = Some(large);
            }
            Ok(Some(Event::Handshaken(info))) => self.admit(id, info),
            Ok(Some(Event::Ping { ttl })) => {
                if std::mem::replace(&mut peer.liveness.remote_ttl, ttl) != ttl {
                    self.unclocked.push(id);
                    self.wake_companion();
                }
            }
            Ok(Some(Event::Pong { context })) => peer.prove(&context),
            Ok(Some(Event::Subscribe { topic })) => self.handle_subscription(id, &topic, true),
            Ok(Some(Event::Cancel { topic })) => self.handle_subscription(id, &topic, false),
            Err(error) => {
                // An ERROR may be on its way to the peer; nothing that follows from it is of use.
                let _ = peer.poll_flush();
                peer.write_failed = true;
                self.inbound.slab.clear();
                self.disconnect(id, DisconnectReason::Protocol(error.into()));
                return;
            }
        }
        if self.peers.get(id).is_some_and(|peer| !peer.out.is_empty() && !peer.write_blocked) {
            self.turn(|core| core.flush_peer(id));
        }
    }

    pub(crate) fn put_into_inbox(&mut self, id: PeerId, message: Message) {
        let Some(peer) = self.peers.get_mut(id) else {
            self.inbound.orphan_level.add(message.size());
            self.inbound.orphans.push_back((id, message));
            let receiver = self.ready.pop_receiver();
            self.effects.wake(receiver);
            return;
        };
        if peer.inbox.is_empty() {
            self.inbound.inboxes.push(id);
        } else if self.conflates {
            return self.replace_received(id, message);
        }
        peer.inbox_level.add(message.size());
        peer.inbox.push_back(message);
        let receiver = self.ready.pop_receiver();
        self.effects.wake(receiver);
    }

    /// Decodes from the slab into the inbox of its owner until the mark, where reading pauses.
    fn fill_inbox(&mut self, id: PeerId) {
        while self.inbound.slab_owner == Some(id) && !self.inbound.slab_drained {
            if self.at_mark(id) {
                if let Some(peer) = self.peers.get_mut(id) {
                    peer.paused = true;
                }
                return;
            }
            if let Some((id, message)) = self.decode_slab() {
                self.put_into_inbox(id, message);
            }
        }
    }

    /// Takes what the kernel still holds of a connection that can no longer be written to.
    pub(crate) fn salvage(&mut self, id: PeerId) {
        const READS: usize = 64;
        for _ in 0..READS {
            if !self.load_slab(id) || self.at_mark(id) {
                return;
            }
            self.fill_inbox(id);
            let Some(peer) = self.peers.get_mut(id) else { return };
            if peer.ending.is_some() {
                return;
            }
            peer.readable = true;
            self.read(id);
            self.fill_inbox(id);
            if !self.peers.get(id).is_some_and(|peer| peer.readable) {
                return;
            }
        }
    }

    /// Whether reading ahead from this peer has to stop. Messages of peers that are gone count for
    /// all: a peer that reconnects again and again must not pile up memory. A handshake goes on all the
    /// same: it brings no message, and has a deadline.
    pub(super) fn at_mark(&self, id: PeerId) -> bool {
        self.peers.get(id).is_some_and(|peer| {
            let orphans_full = peer.stage != Stage::Handshaking && self.inbound.orphan_level.is_full();
            orphans_full || !self.conflates && peer.inbox_level.is_full()
        })
    }

    /// The companion's share of reading: while nobody receives, up to the marks.
    pub(crate) fn read_ahead(&mut self) -> ReadAhead {
        let left = self.left_in_slab();
        if self.inbound.readable.is_empty() && left.is_none() {
            self.inbound.watched = false;
            return ReadAhead::Idle;
        }
        self.inbound.watched = true;
        if self.inbound.delayed {
            return ReadAhead::Idle;
        }
        if self.inbound.seen_calls != self.inbound.calls {
            self.inbound.seen_calls = self.inbound.calls;
            self.inbound.delayed = true;
            // One that has parked since will get to it only if it is told.
            let receiver = self.ready.pop_receiver();
            self.effects.wake(receiver);
            return ReadAhead::Later;
        }
        if let Some(id) = left {
            self.fill_inbox(id);
        }
        self.read_ahead_now();
        ReadAhead::Again
    }

    /// Whose bytes in the slab may be decoded further: a PING may be among them, which cannot wait for the
    /// application.
    fn left_in_slab(&self) -> Option<PeerId> {
        let owner = self.inbound.slab_owner.filter(|_| !self.inbound.slab_drained)?;
        self.peers.get(owner).filter(|peer| !peer.paused).map(|peer| peer.id)
    }

    /// Reads once from every peer that may have something, into the inboxes; whether there was one.
    pub(crate) fn read_ahead_now(&mut self) -> bool {
        let found = !self.inbound.readable.is_empty();
        for _ in 0..self.inbound.readable.len() {
            let Some(id) = self.inbound.readable.pop_front() else { break };
            if self.load_slab(id) {
                self.read_into_inbox(id);
            }
        }
        found
    }

    /// The time for the delayed look has come.
    pub(crate) fn end_read_delay(&mut self) {
        self.inbound.delayed = false;
    }

    fn read_into_inbox(&mut self, id: PeerId) {
        self.fill_inbox(id);
        let at_mark = self.at_mark(id);
        let Some(peer) = self.peers.get_mut(id) else { return };
        if at_mark {
            peer.paused = true;
            peer.readable = false;
            return;
        }
        self.read(id);
        self.fill_inbox(id);
    }

    /// Decodes the whole messages of a peer that is about to be removed, whatever the mark.
    pub(crate) fn decode_rest(&mut self, id: PeerId) {
        self.take_rest(id);
        if !self.load_slab(id) {
            return;
        }
        while self.inbound.slab_owner == Some(id) && !self.inbound.slab_drained {
            if let Some((id, message)) = self.decode_slab() {
                self.put_into_inbox(id, message);
            }
        }
    }

    /// Whether a message of this peer has begun to arrive and not ended.
    pub(crate) fn has_begun_message(&self, id: PeerId) -> bool {
        let Some(peer) = self.peers.get(id) else { return false };
        let in_slab = self.inbound.slab_owner == Some(id);
        let undecoded = if in_slab { self.inbound.slab.filled() } else { &peer.partial };
        peer.large.is_some() || peer.connection.has_begun_message(undecoded)
    }

    /// What a peer that is gone leaves to the application.
    pub(crate) fn orphan_inbox(&mut self, peer: &mut Peer<S>) {
        if self.inbound.slab_owner == Some(peer.id) {
            self.inbound.slab_owner = None;
            self.inbound.slab.clear();
        }
        self.inbound.inboxes.remove(peer.id);
        if peer.link.inproc().is_some() {
            self.inbound.pipes.remove(peer.id);
        }
        for message in peer.inbox.drain(..) {
            self.inbound.orphan_level.add(message.size());
            self.inbound.orphans.push_back((peer.id, message));
        }
    }

    /// Drops everything that has arrived by now and was not received.
    pub(crate) fn discard_received(&mut self) {
        self.turn(|core| {
            core.collect_ready();
            core.inbound.passed = 0;
            core.read_ahead_now();
            while core.take_decoded().is_some() {
                core.counters.recv_dropped += 1;
                core.inbound.passed = 0;
            }
        });
    }

    /// A `recv` was dropped without a message.
    pub(crate) fn abandon_recv(&mut self, key: &mut WaitKey) {
        self.unpark_receiver(key);
        if self.inbound.gated {
            self.pattern.recv_abandoned();
        }
    }

    /// A `recv` ended, with or without a message: passes on the wake that it may have taken.
    pub(crate) fn unpark_receiver(&mut self, key: &mut WaitKey) {
        if key.is_none() {
            return;
        }
        let next = self.ready.unpark_receiver(key);
        self.effects.wake(next);
        if self.inbound.only_slab() {
            return;
        }
        let receiver = self.ready.pop_receiver();
        self.effects.wake(receiver);
    }
}
