//! Byte permits on every way into a socket: taken with the message, and given back when it has left.

use std::time::Duration;

use futures_util::SinkExt;

use super::rt::{self, *};

const SIZE: usize = 100;
const COST: usize = SIZE + Frame::COST;

/// Nothing leaves but with `flush`.
fn manual() -> SocketOptions {
    SocketOptions::default().with_flush_policy(FlushPolicy::Manual)
}

fn body() -> Message {
    Message::from(vec![7; SIZE])
}

/// Opens a socket of one type with a budget, connected to a socket of another.
macro_rules! pair {
    ($ours:ident, $theirs:ident) => {{
        let theirs = $theirs::bind("tcp://127.0.0.1:0").await.unwrap();
        let ours = $ours::connect_with_options(theirs.local_endpoint().unwrap(), manual()).await.unwrap();
        theirs.wait_for_peers(1).await.unwrap();
        let budget = SemaphorePermits::new(10_000);
        (ours.with_permits(budget.clone()), theirs, budget)
    }};
}

/// What `$queue` queues holds its bytes until it is flushed.
macro_rules! holds {
    ($socket:ident, $budget:ident, $queue:expr) => {{
        assert_eq!($budget.in_use(), 0);
        $queue.unwrap();
        assert_eq!($budget.in_use(), COST, "{}", stringify!($queue));
        $socket.flush().await.unwrap();
        assert_eq!($budget.in_use(), 0, "{}", stringify!($queue));
    }};
}

#[test]
fn every_call_that_sends_takes_its_bytes() {
    rt::run(async {
        let (push, pull, budget) = pair!(PushSocket, PullSocket);
        holds!(push, budget, push.send(body()).await);
        holds!(push, budget, push.try_send(body()));
        holds!(push, budget, push.send_buffered(body()));
        holds!(push, budget, push.feed(body()).await);
        // A sink hands a message over when it gets the next.
        let mut sink = push.clone();
        SinkExt::feed(&mut sink, body()).await.unwrap();
        SinkExt::feed(&mut sink, body()).await.unwrap();
        assert_eq!(budget.in_use(), COST);
        SinkExt::flush(&mut sink).await.unwrap();
        assert_eq!(budget.in_use(), 0);
        for _ in 0..6 {
            assert_eq!(pull.recv().await.unwrap(), body());
        }
    });
}

#[test]
fn a_reservation_takes_its_bytes_before_the_message() {
    rt::run(async {
        let (push, pull, budget) = pair!(PushSocket, PullSocket);
        drop(push.reserve(SIZE).await.unwrap());
        let reserved = push.reserve(SIZE).await.unwrap();
        assert_eq!(budget.in_use(), COST);
        reserved.send(body()).unwrap();
        assert_eq!(budget.in_use(), COST);
        push.flush().await.unwrap();
        assert_eq!(budget.in_use(), 0);
        assert_eq!(pull.recv().await.unwrap(), body());
    });
}

#[test]
fn every_type_that_sends_takes_the_bytes() {
    rt::run(async {
        let (dealer, router, budget) = pair!(DealerSocket, RouterSocket);
        holds!(dealer, budget, dealer.send(body()).await);
        assert_eq!(router.recv_from().await.unwrap().1, body());

        let (router, dealer, budget) = pair!(RouterSocket, DealerSocket);
        dealer.send("hello").await.unwrap();
        let (identity, _) = router.recv_from().await.unwrap();
        // The address counts, although it does not travel.
        let taken = COST + identity.len() + Frame::COST;
        router.send_to(identity, body()).await.unwrap();
        assert_eq!(budget.in_use(), taken);
        router.flush().await.unwrap();
        assert_eq!(budget.in_use(), 0);

        let (first, second, budget) = pair!(PairSocket, PairSocket);
        holds!(first, budget, first.send(body()).await);
        assert_eq!(second.recv().await.unwrap(), body());

        let (req, rep, budget) = pair!(ReqSocket, RepSocket);
        holds!(req, budget, req.send(body()).await);
        assert_eq!(rep.recv().await.unwrap(), body());

        let (rep, req, budget) = pair!(RepSocket, ReqSocket);
        req.send("question").await.unwrap();
        rep.recv().await.unwrap();
        holds!(rep, budget, rep.send(body()).await);

        let (publisher, sub, budget) = pair!(PubSocket, SubSocket);
        sub.subscribe("").unwrap();
        publisher.wait_for_subscribers("", 1).await.unwrap();
        holds!(publisher, budget, publisher.send(body()).await);
        assert_eq!(sub.recv().await.unwrap(), body());

        let (xsub, xpub, budget) = pair!(XSubSocket, XPubSocket);
        holds!(xsub, budget, xsub.send(body()).await);
        drop(xpub);
    });
}

/// A message that waits for a connection holds its bytes as well, and gives them back with the socket.
#[test]
fn what_waits_for_a_connection_holds_its_bytes() {
    rt::run(async {
        let budget = SemaphorePermits::new(10_000);
        let options = SocketOptions::default().with_linger(Duration::ZERO);
        let push =
            PushSocket::connect_with_reconnect_and_options("tcp://127.0.0.1:1", options).await.unwrap();
        let push = push.with_permits(budget.clone());
        push.send(body()).await.unwrap();
        assert_eq!(budget.in_use(), COST);
        push.close().await;
        assert_eq!(budget.in_use(), 0);
    });
}
