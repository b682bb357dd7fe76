//! Sockets that take no more in while what they send still leaves.

use futures_util::{StreamExt, poll};

use super::rt::{self, *};

const ANY: &str = "tcp://127.0.0.1:0";

async fn is_closed(router: &RouterSocket) {
    for _ in 0..2 {
        assert!(matches!(router.recv().await, Err(Error::Closed)));
        assert!(matches!(router.try_recv(), Err(Error::Closed)));
    }
}

/// What is fed is written in one piece, by `flush`, and so has arrived as soon as any of it has: not even a busy
/// machine lets the other side come in between.
fn in_one_piece() -> SocketOptions {
    SocketOptions::default().with_flush_policy(FlushPolicy::Manual)
}

/// Requests that have arrived are answered, those that come later are not taken, and all replies leave.
#[test]
fn replies_leave_while_no_request_comes_in() {
    const REQUESTS: u8 = 5;
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let dealer = DealerSocket::connect_with_options(&endpoint, in_one_piece()).await.unwrap();
        for n in 0..REQUESTS {
            dealer.feed([n]).await.unwrap();
        }
        dealer.flush().await.unwrap();
        let mut requests = vec![router.recv_from().await.unwrap()];
        router.drain().unwrap();
        router.drain().unwrap();
        dealer.send("late").await.unwrap();
        dealer.flush().await.unwrap();
        while requests.len() < usize::from(REQUESTS) {
            requests.push(router.recv_from().await.unwrap());
        }
        is_closed(&router).await;
        assert!(router.local_endpoint().is_none());
        assert!(DealerSocket::connect(&endpoint).await.is_err(), "nobody is let in");
        for (identity, request) in requests {
            router.send_to(identity, request).await.unwrap();
        }
        assert_eq!(router.close().await, 0);
        for n in 0..REQUESTS {
            assert_eq!(dealer.recv().await.unwrap()[0], [n]);
        }
        let stats = router.stats();
        // What came too late is counted if closing has come across it.
        assert_eq!((stats.received - stats.recv_dropped, stats.delivered, stats.sent), (5, 5, 5));
        assert!(matches!(router.drain(), Err(Error::Closed)));
    });
}

/// The loops of a server end by themselves: one that is waiting, and one over the `Stream`.
#[test]
fn loops_end() {
    rt::run(async {
        let router = RouterSocket::bind(ANY).await.unwrap();
        let dealer = DealerSocket::connect(router.local_endpoint().unwrap()).await.unwrap();
        dealer.send("request").await.unwrap();
        let mut stream = router.clone();
        assert_eq!(stream.next().await.unwrap().unwrap()[1], "request");
        let waiting = router.recv();
        let mut waiting = std::pin::pin!(waiting);
        assert!(poll!(waiting.as_mut()).is_pending());
        router.drain().unwrap();
        assert!(matches!(waiting.await, Err(Error::Closed)));
        assert!(stream.next().await.is_none());
        assert!(dealer.is_connected() && router.is_connected());
    });
}

/// What is read ahead, from several peers and beyond their marks, is all received.
#[test]
fn what_was_read_ahead_is_received() {
    const EACH: u8 = 20;
    rt::run(async {
        let options = SocketOptions::default().with_recv_hwm(3);
        let pull = PullSocket::bind_with_options(ANY, options).await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let mut pushes = Vec::new();
        for _ in 0..3 {
            let push = PushSocket::connect_with_options(&endpoint, in_one_piece()).await.unwrap();
            for n in 0..EACH {
                push.feed([n]).await.unwrap();
            }
            push.flush().await.unwrap();
            pushes.push(push);
        }
        // Each was read once, and then has its mark's worth queued, and the rest undecoded.
        while pull.stats().recv_queued < 9 {
            rt::yield_now().await;
        }
        pull.drain().unwrap();
        let mut received = 0;
        while let Ok(message) = pull.recv().await {
            assert!(message[0][0] < EACH);
            received += 1;
        }
        assert_eq!(received, 3 * u64::from(EACH));
        assert_eq!(pull.stats().recv_queued, 0);
    });
}

/// Within the process nothing that comes too late is lost: it goes back to who sent it, and on to the next.
#[test]
fn what_comes_too_late_inside_of_the_process_goes_elsewhere() {
    rt::run(async {
        let name = concat!("inproc://", module_path!(), "/late");
        let pull = PullSocket::bind(name).await.unwrap();
        let push = PushSocket::connect(name).await.unwrap();
        push.send("early").await.unwrap();
        pull.wait_for_peers(1).await.unwrap();
        pull.drain().unwrap();
        push.send("late").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "early");
        assert!(matches!(pull.recv().await, Err(Error::Closed)));
        assert_eq!(pull.close().await, 0);
        let next = PullSocket::bind(name).await.unwrap();
        assert_eq!(next.recv().await.unwrap()[0], "late");
        let (sent, received) = (push.stats(), pull.stats());
        assert_eq!((sent.accepted, sent.sent, received.received, received.recv_dropped), (2, 2, 1, 0));
    });
}

#[test]
fn the_request_in_hand_is_answered() {
    rt::run(async {
        let rep = RepSocket::bind(ANY).await.unwrap();
        let req = ReqSocket::connect(rep.local_endpoint().unwrap()).await.unwrap();
        req.send("question").await.unwrap();
        assert_eq!(rep.recv().await.unwrap()[0], "question");
        rep.drain().unwrap();
        rep.send("answer").await.unwrap();
        assert_eq!(req.recv().await.unwrap()[0], "answer");
        req.send("another").await.unwrap();
        assert!(matches!(rep.recv().await, Err(Error::Closed)));
        assert_eq!(rep.close().await, 0);
        assert!(matches!(req.recv().await, Err(Error::PeerLost)));
    });
}

/// Subscribers that are there are served on.
#[test]
fn a_publisher_goes_on_without_newcomers() {
    rt::run(async {
        let publisher = PubSocket::bind(ANY).await.unwrap();
        let endpoint = publisher.local_endpoint().unwrap();
        let sub = SubSocket::connect(&endpoint).await.unwrap();
        publisher.wait_for_peers(1).await.unwrap();
        publisher.drain().unwrap();
        sub.subscribe("news").unwrap();
        publisher.wait_for_subscribers("news", 1).await.unwrap();
        publisher.send("news of the day").await.unwrap();
        assert_eq!(sub.recv().await.unwrap()[0], "news of the day");
        assert!(SubSocket::connect(&endpoint).await.is_err());
    });
}

#[test]
fn no_endpoint_is_added() {
    rt::run(async {
        let other = RouterSocket::bind(ANY).await.unwrap();
        let router = RouterSocket::bind(ANY).await.unwrap();
        router.drain().unwrap();
        let there = other.local_endpoint().unwrap();
        assert!(matches!(router.bind_to(ANY).await, Err(Error::Closed)));
        assert!(matches!(router.connect_to(&there), Err(Error::Closed)));
        assert!(matches!(router.connect_to_as(&there, "name"), Err(Error::Closed)));
    });
}
