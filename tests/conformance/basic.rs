//! libzmq's test_spec_*: what the RFCs ask of the socket types.

use std::collections::HashSet;
use std::time::Duration;

use super::common::*;
use super::rt::{self, *};
use futures_util::future::join;

const PEERS: usize = 5;

/// Requests go to all peers in turn.
async fn req_goes_round(endpoint: &str) {
    let req = ReqSocket::bind(endpoint).await.unwrap();
    let mut reps = Vec::new();
    for n in 0..PEERS {
        reps.push(RepSocket::connect(req.local_endpoint().unwrap()).await.unwrap());
        req.wait_for_peers(n + 1).await.unwrap();
    }
    for _ in 0..2 {
        for rep in &reps {
            req.send("ABC").await.unwrap();
            assert_eq!(rep.recv().await.unwrap(), Message::from("ABC"));
            rep.send("DEF").await.unwrap();
            assert_eq!(req.recv().await.unwrap(), Message::from("DEF"));
        }
    }
}

/// On the wire a request is an empty frame and the body.
async fn req_adds_the_delimiter(endpoint: &str) {
    let req = ReqSocket::bind(endpoint).await.unwrap();
    let router = RouterSocket::connect(req.local_endpoint().unwrap()).await.unwrap();
    req.send(["ABC", "DEF"]).await.unwrap();
    let (from, request) = router.recv_from().await.unwrap();
    assert_eq!(request, Message::from(["", "ABC", "DEF"]));
    router.send_to(from, ["", "GHI"]).await.unwrap();
    assert_eq!(req.recv().await.unwrap(), Message::from("GHI"));
}

/// Only the peer that was asked is listened to.
async fn req_ignores_the_others(endpoint: &str) {
    let req = ReqSocket::bind_with_options(endpoint, named("A")).await.unwrap();
    let mut routers = Vec::new();
    for n in 0..3 {
        routers.push(RouterSocket::connect(req.local_endpoint().unwrap()).await.unwrap());
        req.wait_for_peers(n + 1).await.unwrap();
    }
    for asked in 0..3 {
        req.send("ABC").await.unwrap();
        assert_eq!(routers[asked].recv().await.unwrap(), Message::from(["A", "", "ABC"]));
        for (_, router) in routers.iter().enumerate().filter(|(n, _)| *n != asked) {
            router.send(["A", "", "WRONG"]).await.unwrap();
        }
        // Within the process it is there at once; else it has to be, not to be on its way when its sender is
        // asked.
        if !endpoint.starts_with("inproc") {
            until(|| req.stats().recv_dropped == 2 * (asked as u64 + 1)).await;
        }
        routers[asked].send(["A", "", "GOOD"]).await.unwrap();
        assert_eq!(req.recv().await.unwrap(), Message::from("GOOD"));
    }
}

#[test]
fn spec_req() {
    rt::run(async {
        for endpoint in endpoints() {
            req_goes_round(&endpoint).await;
        }
        for endpoint in endpoints() {
            req_adds_the_delimiter(&endpoint).await;
        }
        for endpoint in endpoints() {
            req_ignores_the_others(&endpoint).await;
        }
        let req = ReqSocket::bind(ANY).await.unwrap();
        assert!(matches!(refused(req.try_send("")), Error::WouldBlock));
    });
}

/// Requests of all peers are served in turn.
async fn rep_queues_fairly(endpoint: &str) {
    let rep = RepSocket::bind(endpoint).await.unwrap();
    let local = rep.local_endpoint().unwrap();
    let mut reqs = Vec::new();
    for n in 0..PEERS as u8 {
        reqs.push(ReqSocket::connect(&local).await.unwrap());
        reqs[usize::from(n)].send([n]).await.unwrap();
    }
    for _ in 0..20 {
        let mut served = [false; PEERS];
        for _ in 0..PEERS {
            let request = rep.recv().await.unwrap();
            rep.send(request.clone()).await.unwrap();
            let n = request[0][0];
            assert!(!std::mem::replace(&mut served[usize::from(n)], true), "{n} comes twice in a round");
            let req = &reqs[usize::from(n)];
            assert_eq!(req.recv().await.unwrap(), request);
        }
        for (n, req) in reqs.iter().enumerate() {
            req.send([n as u8]).await.unwrap();
        }
    }
}

/// The envelope, up to the first empty frame, comes back as it was.
async fn rep_keeps_the_envelope(endpoint: &str) {
    let rep = RepSocket::bind(endpoint).await.unwrap();
    let dealer = DealerSocket::connect(rep.local_endpoint().unwrap()).await.unwrap();
    dealer.send(["X", "Y", "", "A"]).await.unwrap();
    assert_eq!(rep.recv().await.unwrap(), Message::from("A"));
    rep.send("B").await.unwrap();
    assert_eq!(dealer.recv().await.unwrap(), Message::from(["X", "Y", "", "B"]));
}

#[test]
fn spec_rep() {
    rt::run(async {
        for endpoint in endpoints() {
            rep_queues_fairly(&endpoint).await;
        }
        for endpoint in endpoints() {
            rep_keeps_the_envelope(&endpoint).await;
        }
    });
}

async fn dealer_goes_round_and_queues_fairly(endpoint: &str) {
    let dealer = DealerSocket::bind(endpoint).await.unwrap();
    let mut reps = Vec::new();
    for n in 0..PEERS {
        reps.push(RepSocket::connect(dealer.local_endpoint().unwrap()).await.unwrap());
        dealer.wait_for_peers(n + 1).await.unwrap();
    }
    for _ in 0..PEERS {
        dealer.send(["", "ABC"]).await.unwrap();
    }
    // A REP answers one request at a time: each has got exactly one.
    for rep in &reps {
        assert_eq!(rep.recv().await.unwrap(), Message::from("ABC"));
        rep.send("DEF").await.unwrap();
    }
    for _ in 0..PEERS {
        assert_eq!(dealer.recv().await.unwrap(), Message::from(["", "DEF"]));
    }
}

/// What waits for a peer that goes away survives, unlike in libzmq: see trap 22.
async fn dealer_keeps_what_is_unsent(endpoint: &str) {
    let options = SocketOptions::default().with_flush_policy(FlushPolicy::Manual);
    let dealer = DealerSocket::bind_with_options(endpoint, options).await.unwrap();
    let local = dealer.local_endpoint().unwrap();
    let first = DealerSocket::connect(&local).await.unwrap();
    dealer.wait_for_peers(1).await.unwrap();
    let inproc = endpoint.starts_with("inproc");
    for n in 0..3_u8 {
        dealer.send_buffered([n]).unwrap();
    }
    first.close().await;
    until(|| dealer.peers().is_empty()).await;
    let second = DealerSocket::connect(&local).await.unwrap();
    dealer.flush().await.unwrap();
    for n in 0..3_u8 {
        assert_eq!(second.recv().await.unwrap()[0], [n], "inproc: {inproc}");
    }
}

#[test]
fn spec_dealer() {
    rt::run(async {
        for endpoint in endpoints() {
            dealer_goes_round_and_queues_fairly(&endpoint).await;
        }
        for endpoint in endpoints() {
            dealer_keeps_what_is_unsent(&endpoint).await;
        }
        let dealer = DealerSocket::bind(ANY).await.unwrap();
        assert!(matches!(refused(dealer.try_send("")), Error::WouldBlock));
    });
}

/// What has arrived is received from all peers in turn.
async fn router_queues_fairly(endpoint: &str) {
    let router = RouterSocket::bind(endpoint).await.unwrap();
    let local = router.local_endpoint().unwrap();
    let mut dealers = Vec::new();
    for n in 0..PEERS {
        let identity = ["a", "b", "c", "d", "e"][n];
        dealers.push(DealerSocket::connect_with_options(&local, named(identity)).await.unwrap());
        for message in 0..20_u8 {
            dealers[n].send([message]).await.unwrap();
        }
    }
    router.wait_for_peers(PEERS).await.unwrap();
    if !endpoint.starts_with("inproc") {
        until(|| router.stats().recv_queued == 20 * PEERS as u64).await;
    }
    let mut from = Vec::new();
    for _ in 0..20 * PEERS {
        from.push(router.recv_from().await.unwrap().0);
    }
    // A source may join the round a little later than the others, and be the last one left.
    for round in from[20..80].windows(PEERS) {
        assert_eq!(HashSet::<&Frame>::from_iter(round).len(), PEERS, "{endpoint}: {round:?}");
    }
}

/// What a ROUTER has queued for a peer goes with it, and is counted.
async fn router_drops_the_queue_of_a_lost_peer(endpoint: &str) {
    let options = SocketOptions::default().with_flush_policy(FlushPolicy::Manual);
    let router = RouterSocket::bind_with_options(endpoint, options).await.unwrap();
    let local = router.local_endpoint().unwrap();
    let dealer = DealerSocket::connect_with_options(&local, named("B")).await.unwrap();
    router.wait_for_peers(1).await.unwrap();
    for _ in 0..2 {
        router.send_buffered(["B", "ABC"]).unwrap();
    }
    dealer.close().await;
    until(|| router.peers().is_empty()).await;
    let stats = router.stats();
    assert_eq!((stats.dropped(DropCause::PeerLost), stats.queued), (2, 0));
    assert!(matches!(refused(router.try_send(["B", "ABC"])), Error::Unroutable));
    let again = DealerSocket::connect_with_options(&local, named("B")).await.unwrap();
    router.wait_for_peers(1).await.unwrap();
    router.send_buffered(["B", "DEF"]).unwrap();
    router.flush().await.unwrap();
    assert_eq!(again.recv().await.unwrap(), Message::from("DEF"));
}

#[test]
fn spec_router() {
    rt::run(async {
        for endpoint in endpoints() {
            router_queues_fairly(&endpoint).await;
        }
        for endpoint in endpoints().into_iter().filter(|endpoint| !endpoint.starts_with("inproc")) {
            router_drops_the_queue_of_a_lost_peer(&endpoint).await;
        }
    });
}

async fn push_goes_round(endpoint: &str) {
    let push = PushSocket::bind(endpoint).await.unwrap();
    let mut pulls = Vec::new();
    for n in 0..PEERS {
        pulls.push(PullSocket::connect(push.local_endpoint().unwrap()).await.unwrap());
        push.wait_for_peers(n + 1).await.unwrap();
    }
    for round in 0..10_u8 {
        for _ in 0..PEERS {
            push.send([round]).await.unwrap();
        }
    }
    for pull in &pulls {
        for round in 0..10_u8 {
            assert_eq!(pull.recv().await.unwrap()[0], [round]);
        }
        assert!(matches!(pull.try_recv(), Err(Error::WouldBlock)));
    }
}

/// Frames of different messages never mix, whoever sends.
async fn pull_gets_whole_messages(endpoint: &str) {
    let pull = PullSocket::bind(endpoint).await.unwrap();
    let mut pushes = Vec::new();
    for _ in 0..PEERS {
        pushes.push(PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap());
    }
    for round in 0..20_u8 {
        for (n, push) in pushes.iter().enumerate() {
            push.send(Message::from_iter((0..10_u8).map(|frame| [n as u8, round, frame]))).await.unwrap();
        }
    }
    let mut rounds = [0_u8; PEERS];
    for _ in 0..20 * PEERS {
        let message = pull.recv().await.unwrap();
        let n = message[0][0];
        let round = &mut rounds[usize::from(n)];
        assert!(message.frames().zip(0..10_u8).all(|(frame, index)| *frame == [n, *round, index]));
        assert_eq!(message.len(), 10);
        *round += 1;
    }
}

/// See trap 22 for what becomes of it, and trap 17 for what the receiver sees.
async fn push_keeps_what_is_unsent(endpoint: &str) {
    let options = SocketOptions::default().with_flush_policy(FlushPolicy::Manual);
    let push = PushSocket::bind_with_options(endpoint, options).await.unwrap();
    let first = PullSocket::connect(push.local_endpoint().unwrap()).await.unwrap();
    push.wait_for_peers(1).await.unwrap();
    push.send_buffered("ABC").unwrap();
    first.close().await;
    until(|| push.peers().is_empty()).await;
    assert_eq!(push.buffered_messages(), 1);
    let second = PullSocket::connect(push.local_endpoint().unwrap()).await.unwrap();
    let (flushed, received) = join(push.flush(), second.recv()).await;
    flushed.unwrap();
    assert_eq!(received.unwrap(), Message::from("ABC"));
}

#[test]
fn spec_pushpull() {
    rt::run(async {
        for endpoint in endpoints() {
            push_goes_round(&endpoint).await;
        }
        for endpoint in endpoints() {
            pull_gets_whole_messages(&endpoint).await;
        }
        for endpoint in endpoints() {
            push_keeps_what_is_unsent(&endpoint).await;
        }
        let push = PushSocket::bind(ANY).await.unwrap();
        assert!(matches!(refused(push.try_send("")), Error::WouldBlock));
        let waits = rt::timeout(Duration::from_millis(10), push.send("")).await;
        assert!(waits.is_none(), "nobody to send to");
    });
}
