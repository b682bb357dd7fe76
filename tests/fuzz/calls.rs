//! Calls on a socket, noted down.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use monocoque::prelude::*;
use monocoque::runtime::sim;
use monocoque::socket::PeerRef;

use crate::able::{Able, Refused, Room};
use crate::journal::{Fate, Journal, Name};
use crate::plan::{Call, How, Kind, Letter, Take, To, name};

/// One call, on a handle of its own.
pub struct Caller {
    pub id: usize,
    pub kind: Kind,
    pub handle: Box<dyn Able>,
    pub journal: Rc<RefCell<Journal>>,
    pub session: u64,
}

impl Caller {
    pub async fn perform(self, call: Call) {
        match call {
            Call::Send(how, letter) => drop(self.send(how, &letter).await),
            Call::SendMany(how, letter, count) => {
                for _ in 0..count {
                    if self.send(how, &letter).await.is_none() {
                        return;
                    }
                }
            }
            Call::SendTogether(letter, count) => self.send_together(&letter, count).await,
            Call::Reserve { bytes, frames, hold, letter } => {
                let (name, message) = self.maybe_write(letter.as_ref());
                let room = Room { bytes, frames, hold, message };
                if let Some(done) = self.handle.reserve(room) {
                    let result = done.await;
                    if let Some(name) = name {
                        self.settle(name, None, result);
                    }
                }
            }
            Call::SendTo(to, letter) => {
                let (named, message) = self.write(&letter);
                let mut original = message.clone();
                original.push_front(name(to));
                if let Some(sent) = self.handle.send_to(name(to), message) {
                    let result = sent.await;
                    self.settle(named, Some(original), result);
                }
            }
            Call::Request(letter) => self.request(&letter, None).await,
            Call::RequestWithin(letter, limit) => self.request(&letter, Some(limit)).await,
            Call::TryRequest { letter, hold, take } => self.try_request(&letter, hold, take).await,
            Call::Receive(take) => drop(self.receive(take).await),
            Call::ReceiveMany(take, count) => {
                for _ in 0..count {
                    if self.receive(take).await.is_none() {
                        return;
                    }
                }
            }
            Call::Serve(count) => self.serve(count).await,
            Call::Answer { times, count, hold, stream, drop } => {
                for _ in 0..times {
                    if self.answer(count, hold, stream, drop).await.is_none() {
                        return;
                    }
                }
            }
            other => self.control(other).await,
        }
    }

    /// Calls that move no message.
    async fn control(self, call: Call) {
        let at = |place: crate::plan::Place| place.endpoint(self.session);
        let handle = &self.handle;
        match call {
            Call::Flush => {
                if let Some(flush) = handle.flush() {
                    let _ = flush.await;
                }
            }
            Call::Subscribe(topic) => drop(handle.subscribe(topic.bytes())),
            Call::Unsubscribe(topic) => drop(handle.unsubscribe(topic.bytes())),
            Call::WaitForSubscribers(topic, count) => {
                if let Some(enough) = handle.wait_for_subscribers(topic.bytes(), count) {
                    let _ = enough.await;
                }
            }
            Call::WaitForPeers(count) => drop(handle.wait_for_peers(count).await),
            Call::TryReconnect => drop(handle.try_reconnect().await),
            Call::Bind(place) => drop(handle.bind(at(place)).await),
            Call::Unbind(place) => drop(handle.unbind(at(place))),
            Call::Connect(place) => drop(handle.connect(at(place))),
            Call::ConnectAs(place, n) => drop(handle.connect_as(at(place), name(n))),
            Call::Disconnect(place) => drop(handle.disconnect(at(place))),
            Call::DisconnectPeer(n) => {
                let peers = handle.peers();
                if let Some(peer) = peers.get(n % peers.len().max(1)) {
                    let _ = handle.disconnect_peer((*peer).into());
                }
            }
            Call::DisconnectIdentity(n) => drop(handle.disconnect_peer(PeerRef::from(name(n)))),
            Call::DrainWithin(limit) => {
                if let Some(drained) = handle.drain_within(limit) {
                    let _ = drained.await;
                }
            }
            Call::Drain => drop(handle.drain()),
            Call::Close => drop(handle.close().await),
            _ => unreachable!("{call:?} moves messages"),
        }
    }

    fn write(&self, letter: &Letter) -> (Name, Message) {
        self.journal.borrow_mut().write(self.id, letter)
    }

    fn maybe_write(&self, letter: Option<&Letter>) -> (Option<Name>, Option<Message>) {
        letter.map(|letter| self.write(letter)).unzip()
    }

    /// A message with all that goes in front of it.
    fn address(&self, letter: &Letter) -> (Name, Message) {
        let (named, mut message) = self.write(letter);
        if self.kind == Kind::Router {
            let last = self.journal.borrow().last_identity.get(&self.id).cloned();
            let identity = match letter.to {
                To::Last => last.unwrap_or_else(|| name(0).into()),
                To::Name(n) => name(n).into(),
            };
            message.push_front(identity);
        }
        (named, message)
    }

    /// Accepted ones are settled as it comes to be known: whoever drops the call sent those, and no other.
    async fn send_together(&self, letter: &Letter, count: u8) {
        let (names, messages): (Vec<_>, Vec<_>) = (0..count).map(|_| self.address(letter)).unzip();
        let mut settled = 0;
        let told = Box::new(|accepted: usize| {
            let mut journal = self.journal.borrow_mut();
            names[settled..accepted].iter().for_each(|name| journal.settle(*name, true));
            settled = accepted;
        });
        let Some(sending) = self.handle.send_together(messages.clone(), told) else { return };
        let result = sending.await;
        let mut journal = self.journal.borrow_mut();
        let accepted =
            names.iter().filter(|name| matches!(journal.fate(**name), Some(Fate::Accepted(_)))).count();
        let unsent = match &result {
            Ok(said) if *said == accepted => &[],
            Ok(said) => {
                return journal.faults.push(format!("{said} of {names:?} accepted, and {accepted} told"));
            }
            Err((_, unsent)) => unsent.as_slice(),
        };
        names[accepted..].iter().for_each(|name| journal.settle(*name, false));
        if unsent != &messages[accepted..] {
            journal
                .faults
                .push(format!("of {names:?} {accepted} were accepted, and these came back: {unsent:?}"));
        }
    }

    /// `None` once sending is of no use.
    async fn send(&self, how: How, letter: &Letter) -> Option<()> {
        let (named, message) = self.address(letter);
        let original = message.clone();
        let result = self.handle.send(how, message)?.await;
        let over = matches!(result, Err((Error::Closed | Error::CompanionGone, _)));
        self.settle(named, Some(original), result);
        (!over).then_some(())
    }

    /// What is refused comes back as it was.
    fn settle(&self, name: Name, original: Option<Message>, result: Result<(), Refused>) {
        let mut journal = self.journal.borrow_mut();
        journal.settle(name, result.is_ok());
        if let (Some(original), Err((error, Some(returned)))) = (original, result) {
            if returned != original {
                journal
                    .faults
                    .push(format!("message {name:?} came back changed, with {error}: {returned:?}"));
            }
        }
    }

    async fn request(&self, letter: &Letter, limit: Option<Duration>) {
        let (name, message) = self.write(letter);
        let original = message.clone();
        let asked = match limit {
            None => self.handle.request(message),
            Some(limit) => self.handle.request_within(message, limit),
        };
        let Some(reply) = asked else { return };
        self.journal.borrow_mut().unsure(name);
        match reply.await {
            Ok(reply) => self.journal.borrow_mut().receive((self.id, self.kind), &reply),
            // It comes back only if it was never sent.
            Err(refused @ (_, Some(_))) => self.settle(name, Some(original), Err(refused)),
            Err(_) => {}
        }
    }

    async fn try_request(&self, letter: &Letter, hold: Duration, take: bool) {
        let (name, message) = self.write(letter);
        let original = message.clone();
        let Some(asked) = self.handle.try_request(message) else { return };
        let pending = match asked {
            Ok(pending) => pending,
            Err(refused) => return self.settle(name, Some(original), Err(refused)),
        };
        self.journal.borrow_mut().unsure(name);
        sim::sleep(hold).await;
        if !take {
            return;
        }
        if let Ok(reply) = pending.await {
            self.journal.borrow_mut().receive((self.id, self.kind), &reply);
        }
    }

    /// `None` once serving is of no use.
    async fn answer(&self, count: u8, hold: Duration, stream: bool, drops: bool) -> Option<()> {
        let mut replies = Vec::new();
        for _ in 0..count {
            let Ok((message, reply)) = self.handle.next_request(stream)?.await else { break };
            self.journal.borrow_mut().receive((self.id, self.kind), &message);
            replies.push(reply);
        }
        let all = replies.len() == usize::from(count);
        sim::sleep(hold).await;
        let letter = Letter { to: To::Last, topic: crate::plan::Topic(0), sizes: vec![3] };
        while let Some(reply) = replies.pop() {
            if drops && replies.len() % 2 == 0 {
                continue;
            }
            let (name, message) = self.write(&letter);
            let original = message.clone();
            let result = reply(message).await;
            self.settle(name, Some(original), result);
        }
        all.then_some(())
    }

    /// `None` once receiving is of no use.
    async fn receive(&self, take: Take) -> Option<Vec<Message>> {
        let result = self.handle.receive(take)?.await;
        let received = match result {
            Ok(received) => received,
            Err(Error::Timeout(_) | Error::PeerLost) => return Some(Vec::new()),
            Err(_) => return None,
        };
        let mut journal = self.journal.borrow_mut();
        for message in &received {
            journal.receive((self.id, self.kind), message);
        }
        drop(journal);
        Some(received)
    }

    async fn serve(&self, count: u8) {
        let letter = Letter { to: To::Last, topic: crate::plan::Topic(0), sizes: vec![3] };
        for _ in 0..count {
            if self.receive(Take::Recv).await.is_none() || self.send(How::Send, &letter).await.is_none() {
                return;
            }
        }
    }
}
