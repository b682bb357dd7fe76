//! Many messages at once: all of them, in order, and nothing lost of what is not accepted.

use futures_util::future::join;
use futures_util::{FutureExt, StreamExt};

use super::rt::{self, *};

fn numbered(n: u32) -> Message {
    // Small, copied, of several frames and referenced.
    match n % 50 {
        7 => Message::from((n.to_be_bytes(), vec![n as u8; 300])),
        17 => Message::from((n.to_be_bytes(), vec![n as u8; 40_000])),
        _ => Message::from(n.to_be_bytes()),
    }
}

fn number(message: &Message) -> u32 {
    let number = u32::from_be_bytes(message[0][..].try_into().unwrap());
    assert_eq!(*message, numbered(number));
    number
}

async fn push_pull(options: SocketOptions) -> (PushSocket, PullSocket) {
    let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options).await.unwrap();
    push.wait_for_peers(1).await.unwrap();
    (push, pull)
}

async fn receive(pull: &PullSocket, count: usize) -> Vec<Message> {
    let mut messages = Vec::new();
    while messages.len() < count {
        let left = count - messages.len();
        let more = pull.recv_many(&mut messages, left).await.unwrap();
        assert!((1..=left).contains(&more));
    }
    messages
}

/// Kills leaving a message out, taking one twice, and a lane that is open past a mark, a write or a lock.
#[test]
fn all_arrive_in_order_beside_those_of_other_calls() {
    const MESSAGES: u32 = 20_000;
    rt::run(async {
        let (push, pull) = push_pull(SocketOptions::default().with_send_hwm(70)).await;
        let sending = async {
            let mut next = 0;
            while next < MESSAGES {
                let batch = next..MESSAGES.min(next + 1 + next % 300);
                let count = batch.len();
                assert_eq!(push.send_many(batch.clone().map(numbered)).await.unwrap(), count);
                assert!(push.buffered_messages() <= 70);
                next = batch.end;
                if next < MESSAGES && next % 3 == 0 {
                    push.send(numbered(next)).await.unwrap();
                    next += 1;
                }
            }
            assert_eq!(push.stats().accepted, u64::from(MESSAGES));
            push.flush().await.unwrap();
        };
        let receiving = async {
            for expected in 0..MESSAGES / 2 {
                assert_eq!(number(&pull.recv().await.unwrap()), expected);
            }
            let rest = receive(&pull, (MESSAGES / 2) as usize).await;
            assert!(rest.iter().map(number).eq(MESSAGES / 2..MESSAGES));
        };
        join(sending, receiving).await;
        assert_eq!(push.send_many(Vec::<Message>::new()).await.unwrap(), 0);
    });
}

#[test]
fn what_is_refused_comes_back_with_all_behind_it() {
    rt::run(async {
        let (push, pull) = push_pull(SocketOptions::default().with_max_message_size(1000)).await;
        let sizes = [10, 1000, 1001, 20, 30];
        let refused = push.send_many(sizes.map(|size| vec![7_u8; size])).await.unwrap_err();
        assert!(matches!(refused.error(), Error::MessageTooLarge { size: 1001, max: 1000 }));
        let back = refused.into_message();
        assert_eq!(back.size_hint(), (3, Some(3)));
        assert!(back.map(|message| message.size()).eq([1001, 20, 30]));
        assert!(receive(&pull, 2).await.iter().map(Message::size).eq([10, 1000]));
        push.clone().close().await;
        let refused = push.send_many((0..200).map(numbered)).await.unwrap_err();
        assert!(matches!(refused.error(), Error::Closed));
        assert!(refused.into_message().map(|message| number(&message)).eq(0..200));
    });
}

/// A REQ has one request at a time: the second is refused, and comes back.
#[test]
fn a_req_sends_one() {
    rt::run(async {
        let rep = RepSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let req = ReqSocket::connect(rep.local_endpoint().unwrap()).await.unwrap();
        let refused = req.send_many(["one", "two", "three"]).await.unwrap_err();
        assert!(matches!(refused.error(), Error::InvalidState), "{refused}");
        assert!(refused.into_message().eq(["two", "three"].map(Message::from)));
        assert_eq!(rep.recv().await.unwrap()[0], "one");
    });
}

/// Dropped wherever it may be: what it says was accepted arrives, and the rest is in hand.
#[test]
fn nothing_is_lost_of_one_that_is_given_up() {
    rt::run(async {
        let options = SocketOptions::default().with_send_hwm(5).with_send_buffer(4096);
        let (push, pull) = push_pull(options).await;
        let mut left: Vec<Message> = (0..2_000).map(numbered).collect();
        let (mut received, mut given_up) = (Vec::new(), 0);
        while received.len() < 2_000 {
            let before = left.len();
            let mut sending = push.send_many(left);
            let done = (&mut sending).now_or_never();
            let accepted = sending.accepted();
            left = match done {
                Some(all) => {
                    assert_eq!(all.unwrap(), before);
                    Vec::new()
                }
                None => sending.into_unsent().collect(),
            };
            assert_eq!(left.len(), before - accepted, "accepted or in hand");
            given_up += usize::from(!left.is_empty());
            while let Ok(message) = pull.try_recv() {
                received.push(number(&message));
            }
            rt::yield_now().await;
        }
        assert!(received.into_iter().eq(0..2_000) && given_up > 10);
    });
}

/// An iterator that is borrowed keeps what was not taken from it.
#[test]
fn a_borrowed_iterator_keeps_the_rest() {
    rt::run(async {
        let options = SocketOptions::default().with_send_hwm(10).with_flush_policy(FlushPolicy::Manual);
        let (push, _pull) = push_pull(options).await;
        let mut messages = (0..1_000).map(numbered);
        let mut sending = push.send_many(&mut messages);
        assert!((&mut sending).now_or_never().is_none());
        assert_eq!(sending.accepted(), 10);
        let in_hand = sending.into_unsent().next().map(|message| number(&message));
        assert_eq!(in_hand, Some(10));
        let next = number(&messages.next().unwrap());
        assert!((11..=10 + 64).contains(&next), "at most a chunk ahead: {next}");
    });
}

/// One that begins again after its end, as an iterator may, is not asked for more: not by the future, nor by what comes
/// back.
#[test]
fn an_iterator_that_has_ended_is_not_asked_again() {
    rt::run(async {
        let options = SocketOptions::default().with_send_hwm(10).with_flush_policy(FlushPolicy::Manual);
        let (push, _pull) = push_pull(options).await;
        for count in [15, 10 + 64, 10 + 64 + 5] {
            let mut next = 0;
            let twice = std::iter::from_fn(|| {
                next += 1;
                (next % (count + 1) != 0).then(|| numbered(next - 1))
            });
            let mut sending = push.send_many(twice);
            assert!((&mut sending).now_or_never().is_none());
            let accepted = sending.accepted();
            let mut unsent = sending.into_unsent();
            assert_eq!(unsent.by_ref().count(), count as usize - accepted, "of {count}");
            assert!(unsent.next().is_none() && unsent.size_hint() == (0, Some(0)), "it stays at its end");
            push.flush().await.unwrap();
        }
    });
}

#[test]
fn each_is_paid_with_permits_of_its_own() {
    const BUDGET: usize = 8 * 1024;
    rt::run(async {
        let (push, pull) = push_pull(SocketOptions::default()).await;
        let budget = SemaphorePermits::new(BUDGET);
        let push = push.with_permits(budget.clone());
        let sending = async {
            // Many fit, few fit, and one is more than all.
            for size in [10_usize, 1_000, 9_000] {
                let messages = (0..200).map(|_| vec![7_u8; size]);
                assert_eq!(push.send_many(messages).await.unwrap(), 200);
                assert!(budget.in_use() <= BUDGET);
            }
            push.flush().await.unwrap();
            assert_eq!(budget.in_use(), 0, "all came back");
        };
        let (_, received) = join(sending, receive(&pull, 600)).await;
        assert_eq!(received.iter().map(Message::size).sum::<usize>(), 200 * (10 + 1_000 + 9_000));
    });
}

/// On an idle socket they leave at once, whatever the task does next, and together.
#[test]
fn a_batch_of_an_idle_socket_is_written_at_once() {
    rt::run(async {
        let (push, _pull) = push_pull(SocketOptions::default()).await;
        let sent = push.send_many(["a", "b", "c"]).now_or_never();
        assert_eq!(sent.unwrap().unwrap(), 3);
        assert_eq!(push.stats().sent, 3, "without a turn of the companion");
    });
}

/// The other ways: several peers, one process, subscribers, and halves by their traits.
#[test]
fn of_every_kind() {
    use monocoque::socket::{SocketRecv, SocketSend};

    async fn through(to: &impl SocketSend, from: &impl SocketRecv) {
        let mut all = Vec::new();
        assert_eq!(to.send_many((0..150).map(numbered)).await.unwrap(), 150);
        to.flush().await.unwrap();
        while all.len() < 150 {
            from.recv_many(&mut all, 64).await.unwrap();
        }
        assert!(all.iter().map(number).eq(0..150));
    }

    rt::run(async {
        let bound = DealerSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let connected = DealerSocket::connect(bound.local_endpoint().unwrap()).await.unwrap();
        through(&connected, &bound).await;
        let ((sender, receiver), (_, other)) = (connected.split(), bound.clone().split());
        through(&sender, &other).await;
        through(&bound, &receiver).await;

        let pull = PullSocket::bind(concat!("inproc://", module_path!())).await.unwrap();
        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        through(&push, &pull).await;

        let publisher = PubSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let subscriber = SubSocket::connect(publisher.local_endpoint().unwrap()).await.unwrap();
        subscriber.subscribe("").unwrap();
        publisher.wait_for_subscribers("", 1).await.unwrap();
        through(&publisher, &subscriber).await;

        let others =
            [PullSocket::bind("tcp://127.0.0.1:0").await, PullSocket::bind("tcp://127.0.0.1:0").await];
        let others = others.map(Result::unwrap);
        let push = PushSocket::connect(others[0].local_endpoint().unwrap()).await.unwrap();
        push.connect_to(others[1].local_endpoint().unwrap()).unwrap();
        push.wait_for_peers(2).await.unwrap();
        push.send_many((0..100).map(numbered)).await.unwrap();
        let [mut one, mut other] = others.map(|pull| pull.take(50));
        for _ in 0..50 {
            one.next().await.unwrap().unwrap();
            other.next().await.unwrap().unwrap();
        }
    });
}
