//! The four types over pipes.

use futures_util::future::{join, join3};
use futures_util::{SinkExt, StreamExt};
use monocoque::prelude::*;
use monocoque::runtime::FuturesIo;
use monocoque::socket;

use crate::pipe::{self, End};

type Push = socket::PushSocket<FuturesIo<End>>;
type Pull = socket::PullSocket<FuturesIo<End>>;
type Dealer = socket::DealerSocket<FuturesIo<End>>;
type Router = socket::RouterSocket<FuturesIo<End>>;

async fn pipeline(capacity: usize) -> (Push, Pull) {
    let (ours, theirs) = pipe::pair(capacity);
    let (push, pull) = join(Push::from_stream(ours), Pull::from_stream(theirs)).await;
    (push.unwrap(), pull.unwrap())
}

#[test]
fn messages_of_any_size_through_pipes_of_any_size() {
    for capacity in [1, 2, 7, 64, 1000, 1_000_000] {
        pipe::run(async {
            let (push, pull) = pipeline(capacity).await;
            for size in [0, 1, 62, 63, 255, 256, 5_000, 100_000] {
                let message: Message = (0..3).map(|n| vec![n as u8; size]).collect();
                let (sent, received) = join(push.send(message.clone()), pull.recv()).await;
                sent.unwrap();
                assert!(received.unwrap() == message, "{size} bytes through {capacity}");
            }
        });
    }
}

#[test]
fn requests_and_replies() {
    pipe::run(async {
        let (ours, theirs) = pipe::pair(1000);
        let options = SocketOptions::default().with_identity("dealer");
        let opening = Dealer::from_stream_with_options(ours, options);
        let (dealer, router) = join(opening, Router::from_stream(theirs)).await;
        let (dealer, router) = (dealer.unwrap(), router.unwrap());
        for n in 0..100_u8 {
            dealer.send([n]).await.unwrap();
            let (identity, message) = router.recv_from().await.unwrap();
            assert_eq!((&identity[..], &message[0][..]), (&b"dealer"[..], &[n][..]));
            router.send_to(identity, message).await.unwrap();
            assert_eq!(dealer.recv().await.unwrap()[0], [n]);
        }
    });
}

/// Two ends that both only send do not block each other: whoever waits reads ahead.
#[test]
fn two_senders_make_room_for_each_other() {
    pipe::run(async {
        let (ours, theirs) = pipe::pair(100);
        let (one, other) = join(Dealer::from_stream(ours), Dealer::from_stream(theirs)).await;
        let (one, other) = (one.unwrap(), other.unwrap());
        let send = async |socket: &Dealer| {
            for n in 0..50_u8 {
                socket.send(vec![n; 500]).await.unwrap();
            }
        };
        join(send(&one), send(&other)).await;
        for socket in [&one, &other] {
            for n in 0..50_u8 {
                assert_eq!(socket.recv().await.unwrap()[0], vec![n; 500]);
            }
        }
    });
}

/// One task sends, one receives and one flushes, on handles of one socket.
#[test]
fn handles_in_several_futures() {
    pipe::run(async {
        let (ours, theirs) = pipe::pair(64);
        let (one, other) = join(Dealer::from_stream(ours), Dealer::from_stream(theirs)).await;
        let (one, other) = (one.unwrap(), other.unwrap());
        let send = async {
            for n in 0..200_u8 {
                one.send([n; 100]).await.unwrap();
            }
        };
        let echo = async {
            for _ in 0..200 {
                let message = other.recv().await.unwrap();
                other.send(message).await.unwrap();
            }
        };
        let receive = async {
            for n in 0..200_u8 {
                assert_eq!(one.recv().await.unwrap()[0], [n; 100]);
                one.flush().await.unwrap();
            }
        };
        join3(send, echo, receive).await;
    });
}

#[test]
fn as_stream_and_sink() {
    pipe::run(async {
        let (mut push, pull) = pipeline(50).await;
        let sending = async {
            for n in 0..100_u32 {
                push.send(Message::from(n.to_be_bytes())).await.unwrap();
            }
            SinkExt::close(&mut push).await.unwrap();
            drop(push);
        };
        let receiving = async {
            let received: Vec<_> = pull.collect().await;
            let (last, messages) = received.split_last().unwrap();
            assert!(matches!(last, Err(Error::NotConnected)), "{last:?}");
            for (n, message) in messages.iter().enumerate() {
                assert_eq!(message.as_ref().unwrap()[0], (n as u32).to_be_bytes());
            }
            assert_eq!(messages.len(), 100);
        };
        join(sending, receiving).await;
    });
}

#[test]
fn close_waits_until_all_is_written() {
    pipe::run(async {
        let (push, pull) = pipeline(10).await;
        for n in 0..20_u8 {
            push.send_buffered([n; 20]).unwrap();
        }
        let receiving = async {
            for n in 0..20_u8 {
                assert_eq!(pull.recv().await.unwrap()[0], [n; 20]);
            }
            assert!(matches!(pull.recv().await, Err(Error::NotConnected)));
        };
        let (unsent, ()) = join(push.close(), receiving).await;
        assert_eq!(unsent, 0);
        assert!(matches!(push.send("x").await.unwrap_err().error(), Error::Closed));
    });
}

/// A lost stream is the end of such a socket, after the last message that had come.
#[test]
fn a_lost_stream_ends_every_call() {
    pipe::run(async {
        let (push, pull) = pipeline(10_000).await;
        push.send("last").await.unwrap();
        drop(push);
        assert_eq!(pull.recv().await.unwrap()[0], "last");
        assert!(matches!(pull.recv().await, Err(Error::NotConnected)));
        assert!(matches!(pull.wait_for_peers(1).await, Err(Error::NotConnected)));
        assert!(matches!(pull.try_reconnect().await, Err(Error::NotConnected)));

        let (push, pull) = pipeline(100).await;
        push.send_buffered(vec![0; 1000]).unwrap();
        drop(pull);
        assert!(matches!(push.flush().await, Err(Error::NotConnected)));
        let refused = push.send("x").await.unwrap_err();
        assert!(matches!(refused.error(), Error::NotConnected));
        assert_eq!(refused.into_message()[0], "x");
        let stats = push.stats();
        assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total(), "{stats:?}");
    });
}

/// What is not ZMTP, and a peer of the wrong type, fail the opening with the cause.
#[test]
fn a_failed_handshake_says_why() {
    pipe::run(async {
        let (ours, theirs) = pipe::pair(1000);
        let (push, other) = join(Push::from_stream(ours), Push::from_stream(theirs)).await;
        for refused in [push, other] {
            let error = refused.unwrap_err();
            assert!(matches!(error, Error::Protocol(_)), "{error:?}");
        }
        let (ours, theirs) = pipe::pair(1000);
        let mut theirs = theirs.into_inner();
        let opening = async {
            use futures_util::AsyncWriteExt;
            theirs.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        };
        let (push, ()) = join(Push::from_stream(ours), opening).await;
        let error = push.unwrap_err();
        assert!(matches!(error, Error::Protocol(_)), "{error:?}");
        let (ours, theirs) = pipe::pair(1000);
        drop(theirs);
        assert!(Push::from_stream(ours).await.is_err());
    });
}
