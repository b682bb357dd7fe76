//! Traps 1 to 6: REQ, REP and their envelopes.

use std::time::Duration;

use super::common::*;
use super::rt::{self, *};

/// A REQ, the ROUTER that it asks, and the name that this knows it by.
async fn asked(options: SocketOptions) -> (ReqSocket, RouterSocket, Frame) {
    let router = RouterSocket::bind(ANY).await.unwrap();
    let req = ReqSocket::connect_with_options(router.local_endpoint().unwrap(), options).await.unwrap();
    req.send("first").await.unwrap();
    let (from, _) = router.recv_from().await.unwrap();
    (req, router, from)
}

/// libzmq's REQ would wait for ever, or take the reply of any other peer for its own.
#[test]
fn trap_01_a_lost_peer_ends_the_request_and_nobody_else_can_answer_it() {
    rt::run(async {
        let (req, router, _) = asked(named("req")).await;
        let other = RouterSocket::bind(ANY).await.unwrap();
        req.connect_to(other.local_endpoint().unwrap()).unwrap();
        req.wait_for_peers(2).await.unwrap();
        assert!(matches!(refused(req.try_send("too soon")), Error::InvalidState));
        other.wait_for_peers(1).await.unwrap();
        other.send(["req", "", "not yours"]).await.unwrap();
        until(|| req.stats().recv_dropped == 1).await;
        router.close().await;
        assert!(matches!(req.recv().await, Err(Error::PeerLost)));
        assert!(matches!(req.recv().await, Err(Error::InvalidState)), "reported once");
        req.send("second").await.unwrap();
        assert_eq!(other.recv().await.unwrap(), Message::from(["req", "", "second"]));
        other.send(["req", "", "yours"]).await.unwrap();
        assert_eq!(req.recv().await.unwrap(), Message::from("yours"));
    });
}

/// Two replies to one request, in one piece: the second is not taken for the reply to the next.
#[test]
fn trap_02_what_has_arrived_before_a_request_is_not_its_reply() {
    rt::run(async {
        for endpoint in endpoints() {
            // Or a companion on another thread writes what comes first by itself.
            let options = SocketOptions::default().with_flush_policy(FlushPolicy::Manual);
            let router = RouterSocket::bind_with_options(&endpoint, options).await.unwrap();
            let req = ReqSocket::connect(router.local_endpoint().unwrap()).await.unwrap();
            req.send("first").await.unwrap();
            let (from, _) = router.recv_from().await.unwrap();
            for reply in ["one", "two", "three"] {
                router.send_buffered([from.clone(), "".into(), reply.into()]).unwrap();
            }
            router.flush().await.unwrap();
            // One read brings all three.
            assert_eq!(req.recv().await.unwrap(), Message::from("one"));
            req.send("second").await.unwrap();
            assert_eq!(router.recv_from().await.unwrap().1, Message::from(["", "second"]));
            router.send_to(from, ["", "right"]).await.unwrap();
            router.flush().await.unwrap();
            assert_eq!(req.recv().await.unwrap(), Message::from("right"));
        }
    });
}

/// Without a number the late reply could be taken for the new one: its connection ends.
#[test]
fn trap_02_a_relaxed_request_ends_the_connection_that_a_late_reply_could_come_from() {
    rt::run(async {
        let (req, router, from) = asked(quick().with_req_relaxed(true)).await;
        let mut monitor = req.monitor();
        req.send("second").await.unwrap();
        assert!(matches!(disconnection(&mut monitor).await, DisconnectReason::RequestAbandoned));
        let (again, request) = router.recv_from().await.unwrap();
        assert_eq!(request, Message::from(["", "second"]));
        assert_ne!(again, from);
        let _ = router.send_to(from, ["", "late"]).await;
        router.send_to(again, ["", "right"]).await.unwrap();
        assert_eq!(req.recv().await.unwrap(), Message::from("right"));
    });
}

#[test]
fn trap_03_the_number_stands_before_the_delimiter_and_must_come_back() {
    rt::run(async {
        let options = SocketOptions::default().with_req_correlate(true).with_req_relaxed(true);
        let (req, router, from) = asked(options).await;
        req.send("second").await.unwrap();
        let (_, second) = router.recv_from().await.unwrap();
        let number = u32::from_be_bytes(second[0][..].try_into().unwrap());
        assert_eq!((second.len(), second[1].len()), (3, 0));
        let reply = |number: u32, text: &str| {
            Message::from([Frame::from(number.to_be_bytes()), "".into(), text.into(), "more".into()])
        };
        router.send_to(from.clone(), reply(number.wrapping_sub(1), "late")).await.unwrap();
        router.send_to(from.clone(), reply(number, "right")).await.unwrap();
        assert_eq!(req.recv().await.unwrap(), Message::from(["right", "more"]));
        assert_eq!(req.peers().len(), 1, "the connection is still the first");
        assert_eq!(req.stats().connects, 1);
        // A REP sends it back of its own accord.
        let rep = RepSocket::bind(ANY).await.unwrap();
        let options = SocketOptions::default().with_req_correlate(true);
        let req = ReqSocket::connect_with_options(rep.local_endpoint().unwrap(), options).await.unwrap();
        req.send("question").await.unwrap();
        assert_eq!(rep.recv().await.unwrap(), Message::from("question"));
        rep.send("answer").await.unwrap();
        assert_eq!(req.recv().await.unwrap(), Message::from("answer"));
    });
}

/// In libzmq the session may close the connection before the socket skips anything; here it stays.
#[test]
fn trap_04_malformed_replies_are_skipped_and_their_connection_stays() {
    rt::run(async {
        let (req, router, from) = asked(SocketOptions::default()).await;
        for malformed in [vec!["no delimiter", "x"], vec!["single"], vec![""], vec!["x", "", "y"]] {
            router.send_to(from.clone(), Message::from_iter(malformed)).await.unwrap();
        }
        router.send_to(from, ["", "", "body that begins with nothing"]).await.unwrap();
        assert_eq!(req.recv().await.unwrap(), Message::from(["", "body that begins with nothing"]));
        let stats = req.stats();
        assert_eq!((stats.connects, stats.recv_dropped), (1, 4));
    });
}

#[test]
fn trap_05_rep_needs_a_delimiter_and_a_body() {
    rt::run(async {
        let rep = RepSocket::bind(ANY).await.unwrap();
        let dealer = DealerSocket::connect(rep.local_endpoint().unwrap()).await.unwrap();
        assert!(matches!(refused(rep.try_send("before any request")), Error::InvalidState));
        for malformed in [vec!["no delimiter"], vec!["a", "b"], vec![""], vec!["a", "b", ""]] {
            dealer.send(Message::from_iter(malformed)).await.unwrap();
        }
        dealer.send(["", "good"]).await.unwrap();
        assert_eq!(rep.recv().await.unwrap(), Message::from("good"));
        assert_eq!(rep.stats().recv_dropped, 4);
        assert!(matches!(rep.try_recv(), Err(Error::InvalidState)), "the reply is due");
    });
}

/// And the next request is served.
#[test]
fn trap_05_a_reply_to_a_vanished_peer_is_dropped_and_counted() {
    rt::run(async {
        let rep = RepSocket::bind(ANY).await.unwrap();
        let local = rep.local_endpoint().unwrap();
        for vanished in 1..=3 {
            let req = ReqSocket::connect(&local).await.unwrap();
            req.send("and gone").await.unwrap();
            rep.recv().await.unwrap();
            drop(req);
            until(|| rep.peers().is_empty()).await;
            rep.send("to nobody").await.unwrap();
            assert_eq!(rep.stats().dropped(DropCause::PeerLost), vanished);
        }
        let req = ReqSocket::connect(&local).await.unwrap();
        req.send("still there").await.unwrap();
        rep.recv().await.unwrap();
        rep.send("reply").await.unwrap();
        assert_eq!(req.recv().await.unwrap(), Message::from("reply"));
    });
}

#[test]
fn trap_06_only_the_first_empty_frame_is_the_delimiter() {
    rt::run(async {
        let rep = RepSocket::bind(ANY).await.unwrap();
        let dealer = DealerSocket::connect(rep.local_endpoint().unwrap()).await.unwrap();
        dealer.send(["hop", "hop", "", "", "body", "", "end"]).await.unwrap();
        assert_eq!(rep.recv().await.unwrap(), Message::from(["", "body", "", "end"]));
        rep.send(["", "reply", ""]).await.unwrap();
        assert_eq!(dealer.recv().await.unwrap(), Message::from(["hop", "hop", "", "", "reply", ""]));

        // DEALER and ROUTER know of no delimiter.
        let router = RouterSocket::bind(ANY).await.unwrap();
        let local = router.local_endpoint().unwrap();
        let dealer = DealerSocket::connect_with_options(&local, named("dealer")).await.unwrap();
        for body in [vec![""], vec!["", ""], vec!["", "x", ""], vec!["x"]] {
            let body = Message::from_iter(body);
            dealer.send(body.clone()).await.unwrap();
            let (from, received) = router.recv_from().await.unwrap();
            assert_eq!(received, body);
            router.send_to(from, body.clone()).await.unwrap();
            assert_eq!(dealer.recv().await.unwrap(), body);
        }
        let waits = rt::timeout(Duration::from_millis(5), dealer.recv()).await;
        assert!(waits.is_none(), "nothing is left over");
    });
}
