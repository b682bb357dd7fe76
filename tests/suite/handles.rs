//! Sockets as streams and sinks, in halves, and shared by clones.

use futures_util::future::join;
use futures_util::{FutureExt, SinkExt, StreamExt};

use super::rt::{self, *};

async fn pair() -> (DealerSocket, DealerSocket) {
    let bound = DealerSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let connected = DealerSocket::connect(bound.local_endpoint().unwrap()).await.unwrap();
    (connected, bound)
}

#[test]
fn a_sink_feeds_a_stream() {
    rt::run(async {
        let (mut sink, mut stream) = pair().await;
        let numbers = (0..5_000_u32).map(|n| Ok(Message::from(n.to_be_bytes())));
        let mut numbers = futures_util::stream::iter(numbers);
        let sending = async { sink.send_all(&mut numbers).await.unwrap() };
        let receiving = async {
            for n in 0..5_000_u32 {
                assert_eq!(stream.next().await.unwrap().unwrap()[0], n.to_be_bytes());
            }
        };
        join(sending, receiving).await;
        assert_eq!(sink.stats().sent, 5_000, "send_all flushes");
        // Closing the sink only flushes: other handles go on.
        SinkExt::close(&mut sink).await.unwrap();
        sink.clone().send("more").await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap()[0], "more");
    });
}

#[test]
fn a_stream_ends_with_the_socket() {
    rt::run(async {
        let (_connected, stream) = pair().await;
        let closing = stream.clone();
        let (rest, unsent) = join(stream.collect::<Vec<_>>(), closing.close()).await;
        assert!(rest.is_empty() && unsent == 0);
    });
}

/// A sink gives back what it cannot send, and says whether it was the message or a flush.
#[test]
fn a_sink_gives_messages_back() {
    rt::run(async {
        let (mut sink, _other) = pair().await;
        SinkExt::feed(&mut sink, Message::from("kept")).await.unwrap();
        let refused = std::pin::Pin::new(&mut sink);
        let refused = futures_util::Sink::start_send(refused, Message::from("too soon")).unwrap_err();
        assert!(matches!(refused.error(), Error::WouldBlock));
        assert_eq!(refused.into_message().unwrap()[0], "too soon");
        sink.clone().close().await;
        let refused = SinkExt::flush(&mut sink).await.unwrap_err();
        assert!(matches!(refused.error(), Error::Closed));
        assert_eq!(refused.into_message().unwrap()[0], "kept");
        assert!(SinkExt::flush(&mut sink).await.unwrap_err().into_message().is_none());
    });
}

#[test]
fn halves_work_apart() {
    rt::run(async {
        let (ours, theirs) = pair().await;
        let (sender, receiver) = ours.split();
        let echo = async {
            for _ in 0..1_000 {
                theirs.send(theirs.recv().await.unwrap()).await.unwrap();
            }
        };
        let send = async {
            for n in 0..1_000_u32 {
                sender.send(n.to_be_bytes()).await.unwrap();
            }
            sender.flush().await.unwrap();
        };
        let receive = async {
            for n in 0..1_000_u32 {
                assert_eq!(receiver.recv().await.unwrap()[0], n.to_be_bytes());
            }
        };
        futures_util::future::join3(echo, send, receive).await;
        assert!(matches!(receiver.try_recv(), Err(Error::WouldBlock)));
        sender.try_send("x").unwrap();
        assert_eq!(theirs.recv().await.unwrap()[0], "x");
        // The socket lives as long as either half.
        drop(sender);
        theirs.send("y").await.unwrap();
        assert_eq!(receiver.recv().await.unwrap()[0], "y");
    });
}

#[test]
fn halves_are_a_sink_and_a_stream() {
    rt::run(async {
        let (ours, theirs) = pair().await;
        let (mut sink, _) = ours.split();
        let (_, mut stream) = theirs.split();
        for n in 0..100_u8 {
            SinkExt::send(&mut sink, Message::from([n])).await.unwrap();
            assert_eq!(stream.next().await.unwrap().unwrap()[0], [n]);
        }
        SinkExt::close(&mut sink).await.unwrap();
    });
}

#[test]
fn a_monitor_is_a_stream() {
    rt::run(async {
        let (ours, theirs) = pair().await;
        theirs.wait_for_peers(1).await.unwrap();
        let monitor = theirs.monitor();
        drop(ours);
        let closing = theirs.clone();
        let ending = async {
            while theirs.is_connected() {
                rt::yield_now().await;
            }
            closing.close().await
        };
        let (events, unsent) = join(StreamExt::collect::<Vec<_>>(monitor), ending).await;
        assert_eq!(unsent, 0);
        assert!(
            matches!(
                events[..],
                [
                    SocketEvent::Disconnected { .. },
                    SocketEvent::Unbound { .. },
                    SocketEvent::Closed { unsent: 0, .. }
                ]
            ),
            "{events:?}"
        );
    });
}

#[test]
fn clones_share_the_messages() {
    rt::run(async {
        let (ours, theirs) = pair().await;
        for n in 0..10_u8 {
            ours.send([n]).await.unwrap();
        }
        let (one, other) = (theirs.clone(), theirs);
        for n in 0..10_u8 {
            let receiver = if n % 2 == 0 { &one } else { &other };
            assert_eq!(receiver.recv().await.unwrap()[0], [n]);
        }
        assert!(one.recv().now_or_never().is_none());
    });
}

#[test]
fn recv_many_takes_what_is_there() {
    rt::run(async {
        let (ours, theirs) = pair().await;
        for n in 0..10_u8 {
            ours.send([n]).await.unwrap();
        }
        ours.flush().await.unwrap();
        let mut all = Vec::new();
        while all.len() < 10 {
            let before = all.len();
            let count = theirs.recv_many(&mut all, 4).await.unwrap();
            assert!((1..=4).contains(&count) && all.len() == before + count);
        }
        assert!(all.iter().enumerate().all(|(n, message)| message[0] == [n as u8]));
        assert_eq!(theirs.recv_many(&mut all, 0).await.unwrap(), 0, "at once");
    });
}

/// What code looks like that does not care whether it has a socket or a half, and of which type.
#[test]
fn sockets_and_halves_by_their_traits() {
    use monocoque::socket::{SocketRecv, SocketSend};

    async fn send_all(to: &impl SocketSend) {
        to.feed("fed").await.unwrap();
        to.send_buffered("buffered").unwrap();
        to.try_send("tried").unwrap();
        to.send("sent").await.unwrap();
        to.flush().await.unwrap();
    }

    async fn receive_all(from: &impl SocketRecv) {
        for expected in ["fed", "buffered", "tried", "sent"] {
            assert_eq!(from.recv().await.unwrap()[0], expected);
        }
        assert!(matches!(from.try_recv(), Err(Error::WouldBlock)));
    }

    rt::run(async {
        let (connected, bound) = pair().await;
        join(send_all(&connected), receive_all(&bound)).await;
        let (sender, receiver): (DealerSender, DealerReceiver) = connected.split();
        join(send_all(&sender), receive_all(&bound)).await;
        join(send_all(&bound), receive_all(&receiver)).await;
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        join(send_all(&push), receive_all(&pull)).await;
    });
}

/// Each type that does both has names for its halves, of any budget.
#[test]
fn halves_have_short_names() {
    fn named<T>(_: Option<T>) {}
    named::<(RouterSender, RouterReceiver)>(None);
    named::<(ReqSender, ReqReceiver)>(None);
    named::<(RepSender, RepReceiver)>(None);
    named::<(XPubSender, XPubReceiver)>(None);
    named::<(XSubSender, XSubReceiver)>(None);
    named::<(PairSender<SemaphorePermits>, PairReceiver<SemaphorePermits>)>(None);
}
