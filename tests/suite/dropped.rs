//! Every call of a socket, dropped at every await point, a hundred thousand times: nothing is lost, torn
//! or doubled, and the next call works.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_util::{Sink, Stream};
use monocoque::runtime::AsyncStream;
use monocoque::socket::{Receives, Sends, SendsToAny, Socket};

use super::rt::{self, *};
use crate::dropping::{LARGE, poll_times, rounds};

const TCP: &str = "tcp://127.0.0.1:0";

/// Another endpoint of the ROUTER, now and then.
const SECOND: &str = "tcp://127.0.0.2:0";

/// Rounds between two messages each way that are sent by calls which are not dropped.
const KEPT: usize = 64;

/// The number of the last message, each way.
const END: u32 = u32::MAX;

/// What a dropped call did, as far as the caller can know.
enum Outcome {
    Done,
    /// Dropped before it was ready.
    Dropped,
    Refused(Error),
}

impl From<Option<Result<(), SendError>>> for Outcome {
    fn from(result: Option<Result<(), SendError>>) -> Self {
        match result {
            None => Self::Dropped,
            Some(Ok(())) => Self::Done,
            Some(Err(refused)) => Self::Refused(refused.into()),
        }
    }
}

/// One direction: what was accepted at one end and received at the other.
#[derive(Default)]
struct Way {
    accepted: u32,
    received: Vec<u32>,
    /// A message that the sink was given and may or may not have passed on.
    in_sink: bool,
    /// How often the end was sent, and whether it has arrived.
    ends: u32,
    ended: bool,
}

impl Way {
    /// The next message: its number, and now and then a large second frame.
    fn next(&self) -> Message {
        let mut message = Message::from(self.accepted.to_be_bytes());
        if self.accepted % 16 == 7 {
            message.push_back(vec![self.accepted as u8; LARGE]);
        }
        message
    }

    fn leave_sink(&mut self, accepted: bool) {
        self.in_sink = false;
        self.accepted += u32::from(accepted);
    }

    fn take(&mut self, message: &Message) {
        let number = u32::from_be_bytes(message[0][..].try_into().unwrap());
        if number == END {
            self.ended = true;
            return;
        }
        let whole = match message.len() {
            1 => number % 16 != 7,
            2 => message[1] == vec![number as u8; LARGE],
            _ => false,
        };
        assert!(whole, "message {number} is torn");
        assert!(number < self.accepted + u32::from(self.in_sink), "message {number} was never accepted");
        self.received.push(number);
    }
}

struct Run {
    random: fastrand::Rng,
    on_cancel: OnCancel,
    up: Way,
    down: Way,
    dropped: usize,
    poisoned: usize,
}

impl Run {
    fn polls(&mut self) -> usize {
        self.random.usize(..4)
    }

    fn way(&mut self, down: bool) -> &mut Way {
        if down { &mut self.down } else { &mut self.up }
    }

    /// However seldom the machine has a call wait: enough were dropped, and some of them in a message.
    fn dropped_enough(&self) -> bool {
        self.dropped > rounds() / 10 && (self.on_cancel == OnCancel::Resume || self.poisoned > 0)
    }

    fn settle(&mut self, down: bool, outcome: Outcome) {
        match outcome {
            Outcome::Done => self.way(down).accepted += 1,
            Outcome::Dropped => self.dropped += 1,
            Outcome::Refused(error) => self.refused(&error),
        }
    }

    /// Only `Poison` has calls fail: once after each, and while the connection is on its way back.
    fn refused(&mut self, error: &Error) {
        assert!(self.on_cancel == OnCancel::Poison, "{error}");
        match error {
            Error::Poisoned => self.poisoned += 1,
            Error::Unroutable | Error::NotConnected | Error::ConnectFailed(_) => {}
            other => panic!("{other}"),
        }
    }
}

/// Sends `message` in one of the ways that every sending socket has.
async fn send<T: Sends, S: AsyncStream>(
    socket: &Socket<T, S>,
    message: Message,
    way: u8,
    polls: usize,
) -> Outcome {
    match way % 4 {
        0 => poll_times(socket.feed(message), polls, rt::yield_now).await.into(),
        1 => poll_times(socket.send_with_reconnect(message), polls, rt::yield_now).await.into(),
        _ => poll_times(socket.send(message), polls, rt::yield_now).await.into(),
    }
}

async fn reserve<T: SendsToAny, S: AsyncStream>(
    socket: &Socket<T, S>,
    message: Message,
    use_it: bool,
    polls: usize,
) -> Outcome {
    match poll_times(socket.reserve_frames(message.size(), message.len()), polls, rt::yield_now).await {
        None => Outcome::Dropped,
        Some(Err(error)) => Outcome::Refused(error),
        Some(Ok(permit)) if use_it => Some(permit.send(message)).into(),
        Some(Ok(unused)) => {
            drop(unused);
            Outcome::Dropped
        }
    }
}

/// One step of a handle as a `Sink`: readiness for the next message, or a flush.
async fn sink<T: Sends, S: AsyncStream>(
    mut socket: Pin<&mut Socket<T, S>>,
    way: &mut Way,
    random: &mut fastrand::Rng,
    wrap: impl Fn(Message) -> Message,
) -> Option<Error> {
    let polls = random.usize(..4);
    let ready = poll_times(poll_fn(|cx| socket.as_mut().poll_ready(cx)), polls, rt::yield_now).await;
    match ready {
        None => return None,
        Some(Err(refused)) => {
            if refused.into_message().is_some() {
                way.in_sink = false;
            }
            return Some(Error::Poisoned);
        }
        Some(Ok(())) => {
            way.accepted += u32::from(std::mem::take(&mut way.in_sink));
        }
    }
    if random.bool() {
        socket.as_mut().start_send(wrap(way.next())).unwrap();
        way.in_sink = true;
    }
    let polls = random.usize(..3);
    let flushing = poll_fn(|cx| Sink::poll_flush(socket.as_mut(), cx));
    match poll_times(flushing, polls, rt::yield_now).await {
        None => None,
        Some(Ok(())) => {
            way.accepted += u32::from(std::mem::take(&mut way.in_sink));
            None
        }
        Some(Err(refused)) => {
            // Without a message it was the flush that failed, and the message is in the socket.
            let accepted = refused.into_message().is_none() && way.in_sink;
            way.accepted += u32::from(accepted);
            way.in_sink = false;
            Some(Error::Poisoned)
        }
    }
}

/// Receives in one of the ways that every receiving socket has; `stream` is a handle used as a `Stream`.
async fn receive<T: Receives, S: AsyncStream>(
    socket: &Socket<T, S>,
    mut stream: Pin<&mut Socket<T, S>>,
    way: u8,
    polls: usize,
) -> Vec<Message> {
    let mut many = Vec::new();
    let one = match way % 5 {
        0 => poll_times(socket.recv(), polls, rt::yield_now).await,
        1 => {
            let result = poll_times(socket.recv_many(&mut many, 3), polls, rt::yield_now).await;
            assert_eq!(result.map_or(0, Result::unwrap), many.len());
            None
        }
        2 => {
            let next = poll_fn(|cx| stream.as_mut().poll_next(cx));
            poll_times(next, polls, rt::yield_now).await.map(|item| item.expect("the socket is open"))
        }
        3 => socket.try_recv().ok().map(Ok),
        _ => {
            let received = poll_times(socket.recv_with_reconnect(), polls, rt::yield_now).await;
            received.filter(|result| !matches!(result, Err(Error::ConnectFailed(_))))
        }
    };
    many.extend(one.map(Result::unwrap));
    many
}

pub(super) fn options(on_cancel: OnCancel) -> SocketOptions {
    SocketOptions::default()
        .with_send_hwm(4)
        .with_recv_hwm(4)
        .with_send_buffer(4096)
        .with_recv_buffer(4096)
        .with_on_cancel(on_cancel)
        // Poisoned again and again, most connections are of no use: that must not slow the test down.
        .with_backoff(Backoff::new().with_max(std::time::Duration::from_millis(1)))
}

/// Both sockets, and the handles that are used in other ways.
struct Ends {
    dealer: DealerSocket,
    router: RouterSocket,
    sinks: (DealerSocket, RouterSocket),
    streams: (DealerSocket, RouterSocket),
    monitors: [Monitor; 2],
}

impl Ends {
    /// With the options of the side that binds, and of the one that connects.
    async fn open(endpoint: &str, [server, client]: [SocketOptions; 2]) -> Self {
        // Each connection of the simulated network has an address of its own.
        let server = server.with_router_mandatory(true).with_router_handover(true);
        let router = RouterSocket::bind_with_options(endpoint, server).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let client = client.with_identity("dealer");
        let dealer = DealerSocket::connect_with_options(endpoint, client).await.unwrap();
        router.wait_for_peers(1).await.unwrap();
        let sinks = (dealer.clone(), router.clone());
        let streams = (dealer.clone(), router.clone());
        let monitors = [dealer.monitor(), router.monitor()];
        Self { dealer, router, sinks, streams, monitors }
    }

    async fn send_up(&mut self, run: &mut Run, way: u8) {
        let polls = run.polls();
        let outcome = match way % 6 {
            _ if run.up.in_sink => return self.sink_up(run).await,
            0 => return self.sink_up(run).await,
            1 => reserve(&self.dealer, run.up.next(), way & 1 == 0, polls).await,
            2 => return self.send_many_up(run).await,
            3 => {
                let (sender, _receiver) = self.dealer.clone().split();
                poll_times(sender.send(run.up.next()), polls, rt::yield_now).await.into()
            }
            _ => send(&self.dealer, run.up.next(), way / 6, polls).await,
        };
        run.settle(false, outcome);
    }

    /// Up to three at once: those that it says were accepted are, and no other.
    async fn send_many_up(&mut self, run: &mut Run) {
        let (polls, mut up) = (run.polls(), Way { accepted: run.up.accepted, ..Way::default() });
        let messages = std::array::from_fn::<_, 3, _>(|_| {
            let next = up.next();
            up.accepted += 1;
            next
        });
        let mut sending = self.dealer.send_many(messages);
        let result = poll_times(&mut sending, polls, rt::yield_now).await;
        run.up.accepted += sending.accepted() as u32;
        match result {
            Some(Ok(count)) => assert_eq!(count, 3),
            Some(Err(refused)) => {
                let (error, left) = refused.into_parts();
                assert_eq!(sending.accepted() + left.count(), 3);
                run.refused(&error);
            }
            None => {
                let accepted = sending.accepted();
                assert_eq!(accepted + sending.into_unsent().count(), 3);
                run.dropped += 1;
            }
        }
    }

    async fn sink_up(&mut self, run: &mut Run) {
        let socket = Pin::new(&mut self.sinks.0);
        if let Some(error) = sink(socket, &mut run.up, &mut run.random, |message| message).await {
            run.refused(&error);
        }
    }

    async fn send_down(&mut self, run: &mut Run, way: u8) {
        let polls = run.polls();
        let outcome = match way % 3 {
            _ if run.down.in_sink => return self.sink_down(run).await,
            0 => return self.sink_down(run).await,
            1 => {
                let sending = self.router.send_to("dealer", run.down.next());
                poll_times(sending, polls, rt::yield_now).await.into()
            }
            _ => send(&self.router, addressed(run.down.next()), way / 3, polls).await,
        };
        run.settle(true, outcome);
    }

    async fn sink_down(&mut self, run: &mut Run) {
        let socket = Pin::new(&mut self.sinks.1);
        if let Some(error) = sink(socket, &mut run.down, &mut run.random, addressed).await {
            run.refused(&error);
        }
    }

    async fn flush(&self, run: &mut Run, way: u8) {
        let polls = run.polls();
        let flushed = match way % 3 {
            0 => poll_times(self.dealer.flush(), polls, rt::yield_now).await,
            1 => {
                let (sender, _receiver) = self.dealer.clone().split();
                poll_times(sender.flush(), polls, rt::yield_now).await
            }
            _ => poll_times(self.router.flush(), polls, rt::yield_now).await,
        };
        match flushed {
            Some(Err(error)) => run.refused(&error),
            Some(Ok(())) => {}
            None => run.dropped += 1,
        }
    }

    async fn receive_down(&mut self, run: &mut Run, way: u8) {
        let (polls, stream) = (run.polls(), Pin::new(&mut self.streams.0));
        let messages = receive(&self.dealer, stream, way, polls).await;
        run.dropped += usize::from(messages.is_empty());
        messages.iter().for_each(|message| run.down.take(message));
    }

    async fn receive_up(&mut self, run: &mut Run, way: u8) {
        let (polls, stream) = (run.polls(), Pin::new(&mut self.streams.1));
        let mut messages = Vec::new();
        if way % 6 == 5 {
            let received = poll_times(self.router.recv_from(), polls, rt::yield_now).await;
            messages.extend(received.map(Result::unwrap));
        } else {
            for mut message in receive(&self.router, stream, way, polls).await {
                messages.push((message.pop_front().unwrap(), message));
            }
        }
        run.dropped += usize::from(messages.is_empty());
        for (identity, message) in messages {
            assert_eq!(identity, "dealer");
            run.up.take(&message);
        }
    }

    /// The calls that wait for something other than messages.
    async fn watch(&mut self, run: &mut Run, way: u8) {
        let polls = run.polls();
        match way % 6 {
            0 => drop(poll_times(self.dealer.wait_for_peers(1), polls, rt::yield_now).await),
            1 => drop(poll_times(self.router.wait_for_peers(2), polls, rt::yield_now).await),
            2 => {
                if let Some(Err(error)) = poll_times(self.dealer.try_reconnect(), polls, rt::yield_now).await
                {
                    run.refused(&error);
                }
            }
            3 => {
                // Dropped, it may or may not listen: either way it can be undone.
                drop(poll_times(self.router.bind_to(SECOND), polls, rt::yield_now).await);
                while self.router.unbind(SECOND).is_ok() {}
            }
            which => {
                let monitor = &mut self.monitors[usize::from(which - 4)];
                drop(poll_times(monitor.next(), polls, rt::yield_now).await);
            }
        }
    }
}

/// Calls that are not dropped.
impl Ends {
    /// One message each way, however seldom others get through.
    async fn get_through(&mut self, run: &mut Run) {
        self.empty_sinks(run).await;
        let (dealer, router) = (&self.dealer, &self.router);
        for down in [false, true] {
            let before = run.way(down).accepted;
            while run.way(down).accepted == before {
                let next = run.way(down).next();
                let sent = if down {
                    meanwhile(router.send_to("dealer", next), run, dealer, router).await
                } else {
                    meanwhile(dealer.send(next), run, dealer, router).await
                };
                run.settle(down, Some(sent).into());
                meanwhile(rt::yield_now(), run, dealer, router).await;
            }
        }
    }

    /// Until nothing is in the sinks that may or may not have been passed on.
    async fn empty_sinks(&mut self, run: &mut Run) {
        let (dealer, router) = (&self.dealer, &self.router);
        if run.up.in_sink {
            let ready = poll_fn(|cx| Pin::new(&mut self.sinks.0).poll_ready(cx));
            let result = meanwhile(ready, run, dealer, router).await;
            run.up.leave_sink(result.is_ok());
        }
        if run.down.in_sink {
            let ready = poll_fn(|cx| Pin::new(&mut self.sinks.1).poll_ready(cx));
            let result = meanwhile(ready, run, dealer, router).await;
            run.down.leave_sink(result.is_ok());
        }
    }
}

fn addressed(mut message: Message) -> Message {
    message.push_front("dealer");
    message
}

async fn every_call_dropped(endpoint: &str, on_cancel: OnCancel) {
    every_call_dropped_between(endpoint, on_cancel, [0; 2].map(|_| options(on_cancel))).await;
}

pub(super) async fn every_call_dropped_between(
    endpoint: &str,
    on_cancel: OnCancel,
    options: [SocketOptions; 2],
) {
    let mut ends = Ends::open(endpoint, options).await;
    let mut run = Run {
        random: fastrand::Rng::with_seed(11),
        on_cancel,
        up: Way::default(),
        down: Way::default(),
        dropped: 0,
        poisoned: 0,
    };
    let mut round = 0;
    while round < rounds() || !run.dropped_enough() {
        if round % KEPT == 0 {
            ends.get_through(&mut run).await;
        }
        round += 1;
        if !ends.dealer.is_connected() && run.random.u8(..16) == 0 {
            ends.dealer.wait_for_peers(1).await.unwrap();
        }
        let way = run.random.u8(..);
        match run.random.u8(..16) {
            0..5 => ends.send_up(&mut run, way).await,
            5..8 => ends.send_down(&mut run, way).await,
            8 => ends.flush(&mut run, way).await,
            9..12 => ends.receive_down(&mut run, way).await,
            12..15 => ends.receive_up(&mut run, way).await,
            _ => ends.watch(&mut run, way).await,
        }
    }
    finish(run, ends).await;
}

/// Polls a call until it is ready, with everything received meanwhile.
async fn meanwhile<F: Future>(
    call: F,
    run: &mut Run,
    dealer: &DealerSocket,
    router: &RouterSocket,
) -> F::Output {
    let mut call = pin!(call);
    loop {
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await {
            return output;
        }
        take_all(run, dealer, router);
        rt::yield_now().await;
    }
}

fn take_all(run: &mut Run, dealer: &DealerSocket, router: &RouterSocket) {
    while let Ok(message) = dealer.try_recv() {
        run.down.take(&message);
    }
    while let Ok(mut message) = router.try_recv() {
        message.pop_front();
        run.up.take(&message);
    }
}

/// Sends the last message of one way until it arrives: where connections are lost, it may be as well.
async fn send_end(run: &mut Run, dealer: &DealerSocket, router: &RouterSocket, down: bool) {
    let connects = || if down { router.stats().connects } else { dealer.stats().connects };
    let ended = |run: &Run| if down { run.down.ended } else { run.up.ended };
    while !ended(run) {
        let before = connects();
        let result = if down {
            meanwhile(router.send_to("dealer", END.to_be_bytes()), run, dealer, router).await
        } else {
            meanwhile(dealer.send(END.to_be_bytes()), run, dealer, router).await
        };
        match result {
            Ok(()) => {
                run.way(down).ends += 1;
                while !ended(run) && connects() == before {
                    meanwhile(rt::yield_now(), run, dealer, router).await;
                }
            }
            Err(refused) => {
                run.refused(refused.error());
                meanwhile(rt::yield_now(), run, dealer, router).await;
            }
        }
    }
}

/// Nothing is dropped any more: what is under way arrives, and the accounts are looked at.
async fn finish(mut run: Run, mut ends: Ends) {
    ends.empty_sinks(&mut run).await;
    let Ends { dealer, router, sinks, .. } = ends;
    send_end(&mut run, &dealer, &router, false).await;
    send_end(&mut run, &dealer, &router, true).await;
    check(&run, &dealer.stats(), &router.stats());
    drop(sinks);
    assert_eq!((dealer.close().await, router.close().await), (0, 0));
}

fn check(run: &Run, dealer: &SocketStats, router: &SocketStats) {
    for (way, sender, receiver) in [(&run.up, dealer, router), (&run.down, router, dealer)] {
        let received: BTreeSet<u32> = way.received.iter().copied().collect();
        assert_eq!(received.len(), way.received.len(), "nothing comes twice");
        if run.on_cancel == OnCancel::Resume {
            assert!(way.received.iter().copied().eq(0..way.accepted), "all of it, in order");
            assert_eq!(way.ends, 1);
        }
        assert!(way.accepted as usize >= rounds() / KEPT);
        assert_eq!(sender.accepted, u64::from(way.accepted + way.ends));
        assert_eq!(sender.accepted, sender.sent + sender.queued + sender.dropped_total());
        assert_eq!(receiver.received, receiver.delivered + receiver.recv_queued + receiver.recv_dropped);
        assert!(receiver.delivered >= sender.sent - sender.in_doubt, "{sender:?}\n{receiver:?}");
    }
    assert_eq!(run.poisoned > 0, run.on_cancel == OnCancel::Poison);
    assert_eq!(dealer.reconnects > 0, run.on_cancel == OnCancel::Poison);
}

#[test]
fn every_call_dropped_and_resumed() {
    rt::run(every_call_dropped(TCP, OnCancel::Resume));
}

#[test]
fn every_call_dropped_inside_of_the_process() {
    let endpoint = concat!("inproc://", module_path!());
    rt::run(every_call_dropped(endpoint, OnCancel::Resume));
}

#[test]
fn every_call_dropped_and_poisoned() {
    rt::run(every_call_dropped(TCP, OnCancel::Poison));
}
