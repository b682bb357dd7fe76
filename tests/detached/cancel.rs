//! Everything dropped at every await point; a message that was accepted stays, though its `send` is gone.

use futures_util::future::join;
use monocoque::prelude::*;
use monocoque::runtime::FuturesIo;
use monocoque::socket;

use crate::dropping::{poll_times, rounds};
use crate::pipe::{self, End};

type Dealer = socket::DealerSocket<FuturesIo<End>>;

/// One end: how much it has accepted, and what it has received.
struct Side {
    socket: Dealer,
    received: u64,
    dropped: usize,
}

/// Nobody else is there who would need a turn.
async fn turn() {}

impl Side {
    fn new(socket: Dealer) -> Self {
        Self { socket, received: 0, dropped: 0 }
    }

    /// The number of the next message is that of those accepted before: a dropped `send` may have gone
    /// either way, and the statistics know which.
    fn next(&self, random: &mut fastrand::Rng) -> Message {
        self.after(0, random)
    }

    /// The one that follows so many others.
    fn after(&self, others: u64, random: &mut fastrand::Rng) -> Message {
        let mut message = Message::from((self.socket.stats().accepted + others).to_be_bytes());
        message.push_back(vec![7; if random.u8(..8) == 0 { 2_000 } else { 5 }]);
        message
    }

    fn take(&mut self, message: &Message) {
        assert_eq!(message[0], self.received.to_be_bytes(), "in order, nothing lost or doubled");
        assert!(message.len() == 2 && message[1].iter().all(|byte| *byte == 7), "whole");
        self.received += 1;
    }

    async fn step(&mut self, random: &mut fastrand::Rng) {
        let polls = random.usize(..4);
        let before = self.dropped;
        match random.u8(..10) {
            0 | 1 => {
                let message = self.next(random);
                match poll_times(self.socket.send(message), polls, turn).await {
                    Some(sent) => sent.unwrap(),
                    None => self.dropped += 1,
                }
            }
            2 if random.bool() => {
                let messages = [0, 1].map(|others| self.after(others, random));
                let mut sending = self.socket.send_many(messages);
                let result = poll_times(&mut sending, polls, turn).await;
                self.dropped += usize::from(result.is_none());
                let accepted = sending.accepted();
                assert!(result.is_none_or(|sent| sent.unwrap() == 2 && accepted == 2));
                assert_eq!(accepted + sending.into_unsent().count(), 2);
            }
            2 => {
                let message = self.next(random);
                match poll_times(self.socket.feed(message), polls, turn).await {
                    Some(fed) => fed.unwrap(),
                    None => self.dropped += 1,
                }
            }
            3 => match poll_times(self.socket.reserve_frames(2_008, 2), polls, turn).await {
                Some(permit) if random.bool() => permit.unwrap().send(self.next(random)).unwrap(),
                _ => self.dropped += 1,
            },
            4 => match poll_times(self.socket.flush(), polls, turn).await {
                Some(flushed) => flushed.unwrap(),
                None => self.dropped += 1,
            },
            5 => {
                let mut many = Vec::new();
                self.dropped +=
                    usize::from(poll_times(self.socket.recv_many(&mut many, 3), polls, turn).await.is_none());
                many.iter().for_each(|message| self.take(message));
            }
            6 => drop(poll_times(self.socket.wait_for_peers(2), polls, turn).await),
            _ => match poll_times(self.socket.recv(), polls, turn).await {
                Some(message) => self.take(&message.unwrap()),
                None => self.dropped += 1,
            },
        }
        assert!(self.dropped - before <= 1);
    }
}

#[test]
fn every_call_dropped() {
    pipe::run(async {
        let options = SocketOptions::default().with_send_hwm(3).with_recv_hwm(3);
        let (ours, theirs) = pipe::pair(777);
        let opening = |stream| Dealer::from_stream_with_options(stream, options.clone());
        let (one, other) = join(opening(ours), opening(theirs)).await;
        let mut sides = [Side::new(one.unwrap()), Side::new(other.unwrap())];
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..rounds() {
            let side = random.usize(..2);
            sides[side].step(&mut random).await;
        }
        // Each flushes while the other receives all that there is.
        for sender in [0, 1] {
            let socket = sides[sender].socket.clone();
            let accepted = socket.stats().accepted;
            assert!(accepted > rounds() as u64 / 50, "{accepted}");
            let receiver = &mut sides[1 - sender];
            let receiving = async {
                while receiver.received < accepted {
                    let message = receiver.socket.recv().await.unwrap();
                    receiver.take(&message);
                }
            };
            join(async { socket.flush().await.unwrap() }, receiving).await;
            assert!(receiver.dropped > rounds() / 20, "{}", receiver.dropped);
        }
    });
}

/// The handshake dropped at every poll closes the stream, and the other end is told.
#[test]
fn every_opening_dropped() {
    for capacity in [1, 10, 1000] {
        for polls in 0..100 {
            pipe::run(async {
                let (ours, theirs) = pipe::pair(capacity);
                let (ours, theirs) = join(
                    poll_times(Dealer::from_stream(ours), polls, yield_now),
                    Dealer::from_stream(theirs),
                )
                .await;
                match (ours, theirs) {
                    (Some(ours), Ok(theirs)) => {
                        let (sent, received) =
                            join(theirs.send("x"), async { ours.unwrap().recv().await.unwrap() }).await;
                        sent.unwrap();
                        assert_eq!(received[0], "x");
                    }
                    (None, Ok(theirs)) => assert!(theirs.recv().await.is_err()),
                    (_, Err(error)) => assert!(!matches!(error, Error::WouldBlock), "{error}"),
                }
            });
        }
    }
}

/// Lets the other half of a `join` run.
async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// `Poison` without anybody to reconnect: the half-written message is abandoned, and the connection with
/// it.
#[test]
fn a_dropped_flush_poisons() {
    pipe::run(async {
        let options = SocketOptions::default().with_on_cancel(OnCancel::Poison);
        let (ours, theirs) = pipe::pair(100);
        let opening = Dealer::from_stream_with_options(ours, options);
        let (one, other) = join(opening, Dealer::from_stream(theirs)).await;
        let (one, other) = (one.unwrap(), other.unwrap());
        one.send_buffered(vec![1; 1000]).unwrap();
        one.send_buffered("not begun").unwrap();
        assert!(poll_times(one.flush(), 1, turn).await.is_none());
        assert!(one.is_poisoned() && !one.is_connected());
        assert!(matches!(one.flush().await, Err(Error::Poisoned)));
        assert!(matches!(one.flush().await, Err(Error::NotConnected)));
        assert!(matches!(other.recv().await, Err(Error::NotConnected)), "nothing of it was seen");
        let stats = one.stats();
        assert_eq!(stats.dropped(DropCause::Cancelled), 1);
        assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total());
    });
}
