//! The calls that `dropped.rs` has no use for, between sockets of other types: dropped at every await point,
//! a hundred thousand times for each pair.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::rt::{self, *};
use crate::dropping::{poll_times, rounds};

const ANY: &str = "tcp://127.0.0.1:0";

/// More than the small buffers between the sockets hold, so that connections block inside of messages.
const LARGE: usize = 30_000;

/// Rounds between two messages that are sent by calls which are not dropped.
const KEPT: usize = 64;

const MODES: [OnCancel; 2] = [OnCancel::Resume, OnCancel::Poison];

fn options(on_cancel: OnCancel) -> SocketOptions {
    SocketOptions::default()
        .with_send_hwm(4)
        .with_recv_hwm(4)
        .with_send_buffer(4096)
        .with_recv_buffer(4096)
        .with_on_cancel(on_cancel)
        .with_backoff(Backoff::new().with_max(Duration::from_millis(1)))
}

/// Its number, and now and then much behind it.
fn message(number: u32) -> Message {
    let mut message = Message::from(number.to_be_bytes());
    message.push_back(vec![number as u8; if number % 64 == 7 { LARGE } else { 3 }]);
    message
}

fn number_of(message: &Message) -> u32 {
    let number = u32::from_be_bytes(message[0][..].try_into().unwrap());
    assert!(*message == self::message(number), "message {number} is torn");
    number
}

/// One way, from a socket that counts what it was made to accept to one that looks at what comes.
struct OneWay {
    random: fastrand::Rng,
    on_cancel: OnCancel,
    accepted: u32,
    received: Vec<u32>,
    dropped: usize,
    poisoned: usize,
}

impl OneWay {
    fn new(on_cancel: OnCancel) -> Self {
        let random = fastrand::Rng::with_seed(3);
        Self { random, on_cancel, accepted: 0, received: Vec::new(), dropped: 0, poisoned: 0 }
    }

    fn polls(&mut self) -> usize {
        self.random.usize(..4)
    }

    fn sent(&mut self, result: Option<Result<()>>) {
        match result {
            Some(Ok(())) => self.accepted += 1,
            other => self.flushed(other),
        }
    }

    /// Only `Poison` has calls fail, once after each time that it closed the connection.
    fn flushed(&mut self, result: Option<Result<()>>) {
        match result {
            Some(Ok(())) => {}
            None => self.dropped += 1,
            Some(Err(error)) => {
                assert!(self.on_cancel == OnCancel::Poison && matches!(error, Error::Poisoned), "{error}");
                self.poisoned += 1;
            }
        }
    }

    fn took(&mut self, messages: &[Message]) {
        self.dropped += usize::from(messages.is_empty());
        for message in messages {
            let number = number_of(message);
            assert!(number < self.accepted, "message {number} was never accepted");
            self.received.push(number);
        }
    }

    /// However seldom the machine has a call wait: enough were dropped, and some of them in a message.
    fn dropped_enough(&self, rounds: usize) -> bool {
        self.dropped > rounds / 50 && (self.on_cancel == OnCancel::Resume || self.poisoned > 0)
    }

    /// Sends one message by calls that are not dropped, with all that comes received meanwhile.
    async fn get_through<F: Future<Output = Result<(), SendError>>>(
        &mut self,
        send: impl Fn(Message) -> F,
        try_recv: impl Fn() -> Result<Message>,
    ) {
        let before = self.accepted;
        while self.accepted == before {
            let mut sending = pin!(send(message(before)));
            let sent = loop {
                if let Poll::Ready(sent) = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx))).await {
                    break sent;
                }
                while let Ok(message) = try_recv() {
                    self.took(&[message]);
                }
                rt::yield_now().await;
            };
            self.sent(Some(sent.map_err(Error::from)));
        }
    }

    fn check(&self, rounds: usize) {
        let once: BTreeSet<u32> = self.received.iter().copied().collect();
        assert_eq!(once.len(), self.received.len(), "nothing comes twice");
        if self.on_cancel == OnCancel::Resume {
            assert!(self.received.iter().copied().eq(0..self.accepted), "all of it, in order");
        }
        assert!(self.accepted as usize >= rounds / KEPT);
        assert_eq!(self.poisoned > 0, self.on_cancel == OnCancel::Poison);
    }
}

async fn push_to_pull(on_cancel: OnCancel, push_binds: bool) {
    let (push, pull) = if push_binds {
        let push = PushSocket::bind_with_options(ANY, options(on_cancel)).await.unwrap();
        let endpoint = push.local_endpoint().unwrap();
        (push, PullSocket::connect_with_options(endpoint, options(on_cancel)).await.unwrap())
    } else {
        let pull = PullSocket::bind_with_options(ANY, options(on_cancel)).await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        (PushSocket::connect_with_options(endpoint, options(on_cancel)).await.unwrap(), pull)
    };
    let mut way = OneWay::new(on_cancel);
    let (rounds, mut round) = (rounds() / 2, 0);
    while round < rounds || !way.dropped_enough(rounds) {
        if round % KEPT == 0 {
            way.get_through(|message| push.send(message), || pull.try_recv()).await;
        }
        round += 1;
        // A PULL at its mark does not read, and learns that the connection has ended when it does.
        while !push.is_connected() && way.random.u8(..16) != 0 {
            receive(&pull, &mut way).await;
            rt::yield_now().await;
        }
        let (polls, next) = (way.polls(), message(way.accepted));
        match way.random.u8(..10) {
            0..3 => send(&push, next, &mut way).await,
            3 => {
                let reserve = push.reserve_frames(next.size(), next.len());
                let reserved = poll_times(reserve, polls, rt::yield_now).await;
                way.sent(reserved.map(|permit| permit?.send(next).map_err(Error::from)));
            }
            4 => {
                let flushed = poll_times(push.flush(), polls, rt::yield_now).await;
                way.flushed(flushed);
            }
            _ => receive(&pull, &mut way).await,
        }
    }
    let last = meanwhile(&pull, &mut way, async {
        while push.send("the last").await.is_err() {
            push.wait_for_peers(1).await.unwrap();
        }
    });
    last.await;
    way.check(rounds);
    let (sender, receiver) = (push.stats(), pull.stats());
    assert_eq!(sender.accepted, u64::from(way.accepted) + 1);
    assert_eq!(sender.accepted, sender.sent + sender.queued + sender.dropped_total());
    assert_eq!(sender.dropped(DropCause::Cancelled), sender.dropped_total());
    assert!(receiver.delivered >= sender.sent - sender.in_doubt, "{sender:?}\n{receiver:?}");
}

async fn send(push: &PushSocket, next: Message, way: &mut OneWay) {
    let polls = way.polls();
    let sent = if way.random.bool() {
        poll_times(push.send(next), polls, rt::yield_now).await
    } else {
        poll_times(push.feed(next), polls, rt::yield_now).await
    };
    way.sent(sent.map(|result| result.map_err(Error::from)));
}

/// Receives in one of the ways that tell more than the message, or more than one.
async fn receive(pull: &PullSocket, way: &mut OneWay) {
    let polls = way.polls();
    let mut messages = Vec::new();
    match way.random.u8(..3) {
        0 => {
            let received = poll_times(pull.recv_many(&mut messages, 3), polls, rt::yield_now).await;
            assert_eq!(received.map_or(0, Result::unwrap), messages.len());
        }
        1 => messages.extend(poll_times(pull.recv(), polls, rt::yield_now).await.map(Result::unwrap)),
        _ => {
            let received = poll_times(pull.recv_with_peer(), polls, rt::yield_now).await;
            messages.extend(received.map(|received| received.unwrap().1));
        }
    }
    way.took(&messages);
}

/// Receives all that comes, up to the last message that `sending` sends.
async fn meanwhile(pull: &PullSocket, way: &mut OneWay, sending: impl Future<Output = ()>) {
    let receiving = async {
        loop {
            let (_, message) = pull.recv_with_peer().await.unwrap();
            if message[0] == "the last" {
                return;
            }
            way.took(&[message]);
        }
    };
    futures_util::future::join(sending, receiving).await;
}

#[test]
fn push_and_pull() {
    for on_cancel in MODES {
        for push_binds in [false, true] {
            rt::run(push_to_pull(on_cancel, push_binds));
        }
    }
}

/// Answers every request with itself, though its calls are dropped as well.
async fn echo(rep: RepSocket) {
    let mut random = fastrand::Rng::with_seed(4);
    loop {
        match poll_times(rep.recv(), random.usize(1..4), rt::yield_now).await {
            None => {}
            Some(Err(error)) => {
                assert!(matches!(error, Error::Closed), "{error}");
                return;
            }
            Some(Ok(request)) => {
                let answer = || rep.send(request.clone());
                let mut sent = None;
                while sent.is_none() {
                    rt::yield_now().await;
                    sent = poll_times(answer(), random.usize(..4), rt::yield_now).await;
                }
                sent.unwrap().unwrap();
            }
        }
        rt::yield_now().await;
    }
}

/// No request gets a reply but its own. Without numbers the connection is given up for each that is dropped,
/// which takes its time.
async fn requests(on_cancel: OnCancel, correlate: bool, rounds: usize) {
    // What comes of requests that were given up piles up on the way back, and no reply is to be dropped for it.
    let patient = options(OnCancel::Resume).with_on_full(OnFull::Wait);
    let rep = RepSocket::bind_with_options(ANY, patient).await.unwrap();
    let client = options(on_cancel).with_req_correlate(correlate);
    let req = ReqSocket::connect_with_options(rep.local_endpoint().unwrap(), client).await.unwrap();
    rt::spawn(echo(rep.clone()));
    let mut random = fastrand::Rng::with_seed(5);
    let (mut answered, mut dropped, mut failed) = (0, 0, 0);
    let poisons = correlate && on_cancel == OnCancel::Poison;
    let enough = rounds / KEPT;
    let mut n = 0;
    // How soon the replies are there depends on the machine: enough calls are dropped and answered.
    while n < rounds as u32 || answered < enough || dropped < enough || poisons && failed == 0 {
        n += 1;
        if !req.is_connected() && random.bool() {
            req.wait_for_peers(1).await.unwrap();
        }
        let request = req.request(message(n));
        let reply = match n % 32 {
            0 | 1 => Some(request.await),
            // A reply is not there at once.
            2 | 3 => poll_times(request, 1, rt::yield_now).await,
            _ => {
                let polls = random.usize(..if correlate { 20 } else { 200 });
                poll_times(request, polls, rt::yield_now).await
            }
        };
        match reply {
            None => {
                dropped += 1;
                // The rest of it may be under way: a `request` that waits for its reply does not wait for
                // the wire, a `flush` does.
                let flushed = poll_times(req.flush(), random.usize(..3), rt::yield_now).await;
                failed += usize::from(flushed.is_some_and(|flushed| flushed.is_err()));
            }
            Some(Ok(reply)) => {
                assert_eq!(number_of(&reply), n, "a reply to an older request");
                answered += 1;
            }
            Some(Err(refused)) => {
                let error = refused.error();
                assert!(on_cancel == OnCancel::Poison, "{error}");
                assert!(matches!(error, Error::Poisoned | Error::PeerLost), "{error}");
                failed += 1;
            }
        }
    }
    let last = message(u32::MAX);
    while !req.request(last.clone()).await.is_ok_and(|reply| reply == last) {
        assert!(on_cancel == OnCancel::Poison);
    }
    let stats = req.stats();
    assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total());
    rep.close().await;
}

#[test]
fn request_and_reply() {
    rt::run(requests(OnCancel::Resume, true, rounds() / 4));
    rt::run(requests(OnCancel::Resume, false, rounds() / 200));
}

#[test]
fn request_and_reply_poisoned() {
    rt::run(requests(OnCancel::Poison, true, rounds() / 4));
    rt::run(requests(OnCancel::Poison, false, rounds() / 200));
}

/// A PUB that drops nothing, so that its sends wait, and one SUB.
async fn publishing(on_cancel: OnCancel) {
    let nodrop = options(on_cancel).with_xpub_nodrop(true);
    let publisher = PubSocket::bind_with_options(ANY, nodrop).await.unwrap();
    let endpoint = publisher.local_endpoint().unwrap();
    let sub = SubSocket::connect_with_options(endpoint, options(on_cancel)).await.unwrap();
    sub.subscribe("").unwrap();
    publisher.wait_for_subscribers("", 1).await.unwrap();
    let mut way = OneWay::new(on_cancel);
    let mut round = 0;
    while round < rounds() || !way.dropped_enough(rounds()) {
        if round % KEPT == 0 {
            way.get_through(|message| publisher.send(message), || sub.try_recv()).await;
        }
        round += 1;
        let (polls, next) = (way.polls(), message(way.accepted));
        match way.random.u8(..10) {
            0..3 => {
                let sent = poll_times(publisher.send(next), polls, rt::yield_now).await;
                way.sent(sent.map(|result| result.map_err(Error::from)));
            }
            3 => {
                let enough = poll_times(publisher.wait_for_subscribers("x", 2), polls, rt::yield_now).await;
                assert!(enough.is_none(), "there is only one");
            }
            4 => {
                let waiting = publisher.wait_for_subscribers("x", 1);
                let there = poll_times(waiting, polls, rt::yield_now).await;
                assert!(there.is_none_or(|there| there.is_ok()));
                let flushed = poll_times(publisher.flush(), polls, rt::yield_now).await;
                way.flushed(flushed);
            }
            _ => {
                let received = poll_times(sub.recv_with_peer(), polls, rt::yield_now).await;
                let received: Vec<_> = received.into_iter().map(|received| received.unwrap().1).collect();
                way.took(&received);
            }
        }
    }
    // The SUB may have to come back, and subscribe again, before there is anybody to send to.
    let sending = async {
        publisher.wait_for_subscribers("", 1).await.unwrap();
        while publisher.send("the last").await.is_err() {
            publisher.wait_for_subscribers("", 1).await.unwrap();
        }
    };
    let receiving = async {
        loop {
            let message = sub.recv().await.unwrap();
            if message[0] == "the last" {
                return;
            }
            way.took(&[message]);
        }
    };
    futures_util::future::join(sending, receiving).await;
    way.check(rounds());
}

#[test]
fn publisher_and_subscriber() {
    for on_cancel in MODES {
        rt::run(publishing(on_cancel));
    }
}
