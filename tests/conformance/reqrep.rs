//! libzmq's test_reqrep_*, test_invalid_rep and test_req_*: requests and replies.

use super::common::*;
use super::rt::{self, *};
use futures_util::future::{Either, join, select};

/// A request there and its reply back, in several frames.
async fn bounce(req: &ReqSocket, rep: &RepSocket) {
    for message in [Message::from(["ABC", "", "DEF"]), Message::from(""), Message::from(vec![7; 100_000])] {
        let (sent, received) = join(req.send(message.clone()), rep.recv()).await;
        sent.unwrap();
        assert_eq!(received.unwrap(), message);
        let (sent, received) = join(rep.send(message.clone()), req.recv()).await;
        sent.unwrap();
        assert_eq!(received.unwrap(), message);
    }
}

#[test]
fn reqrep_tcp() {
    rt::run(async {
        for address in ["tcp://127.0.0.1:0", "tcp://[::1]:0", "tcp://*:0"] {
            let rep = RepSocket::bind(address).await.unwrap();
            let port = rep.local_endpoint().unwrap().port().unwrap();
            let hosts: &[&str] = match address {
                "tcp://127.0.0.1:0" => &["127.0.0.1", "localhost"],
                "tcp://[::1]:0" => &["[::1]"],
                _ => &["127.0.0.1", "[::1]", "localhost"],
            };
            for host in hosts {
                let req = ReqSocket::connect(format!("tcp://{host}:{port}")).await.unwrap();
                bounce(&req, &rep).await;
            }
        }
        // One socket that connects to several, two of them the same.
        let (one, two) = (RepSocket::bind(ANY).await.unwrap(), RepSocket::bind(ANY).await.unwrap());
        let req = ReqSocket::new(SocketOptions::default()).unwrap();
        for rep in [&one, &two, &one] {
            req.connect_to(rep.local_endpoint().unwrap()).unwrap();
        }
        req.wait_for_peers(2).await.unwrap();
        for _ in 0..4 {
            assert_eq!(req.peers().len(), 2);
            req.send("ABC").await.unwrap();
            let (rep, request) = match select(one.recv(), two.recv()).await {
                Either::Left((request, _)) => (&one, request),
                Either::Right((request, _)) => (&two, request),
            };
            rep.send(request.unwrap()).await.unwrap();
            assert_eq!(req.recv().await.unwrap(), Message::from("ABC"));
        }
    });
}

#[cfg(unix)]
#[test]
fn reqrep_ipc() {
    rt::run(async {
        let rep = RepSocket::bind("ipc://*").await.unwrap();
        let req = ReqSocket::connect(rep.local_endpoint().unwrap()).await.unwrap();
        bounce(&req, &rep).await;
        // Not taken, and gone with its socket.
        req.send("leaked").await.unwrap();
        rep.close().await;
    });
}

#[test]
fn reqrep_inproc() {
    rt::run(async {
        let endpoint = inproc();
        let rep = RepSocket::bind(&endpoint).await.unwrap();
        let req = ReqSocket::connect(&endpoint).await.unwrap();
        bounce(&req, &rep).await;
    });
}

/// A device of our own: what comes from one side goes out at the other.
async fn forward(frontend: RouterSocket, backend: DealerSocket) {
    loop {
        match select(frontend.recv(), backend.recv()).await {
            Either::Left((Ok(request), _)) => backend.send(request).await.unwrap(),
            Either::Right((Ok(reply), _)) => frontend.send(reply).await.unwrap(),
            _ => return,
        }
    }
}

#[test]
fn reqrep_device() {
    rt::run(async {
        let frontend = RouterSocket::bind(ANY).await.unwrap();
        let backend = DealerSocket::bind(ANY).await.unwrap();
        let rep = RepSocket::connect(backend.local_endpoint().unwrap()).await.unwrap();
        let req = ReqSocket::connect(frontend.local_endpoint().unwrap()).await.unwrap();
        rt::spawn(forward(frontend.clone(), backend.clone()));
        for _ in 0..10 {
            bounce(&req, &rep).await;
        }
        frontend.close().await;
        backend.close().await;
    });
}

#[test]
fn invalid_rep() {
    rt::run(async {
        for endpoint in endpoints() {
            let router = RouterSocket::bind(&endpoint).await.unwrap();
            let req = ReqSocket::connect(router.local_endpoint().unwrap()).await.unwrap();
            req.send("r").await.unwrap();
            let (from, request) = router.recv_from().await.unwrap();
            assert_eq!(request, Message::from(["", "r"]));
            // Neither an empty frame in front, nor anything behind it.
            for invalid in [&["b"][..], &["b", ""], &["b", "b"], &[""]] {
                router.send_to(from.clone(), Message::from_iter(invalid.iter().copied())).await.unwrap();
            }
            router.send_to(from, ["", "good", ""]).await.unwrap();
            assert_eq!(req.recv().await.unwrap(), Message::from(["good", ""]));
            assert_eq!(req.stats().recv_dropped, 4);
        }
    });
}

#[test]
fn req_correlate() {
    rt::run(async {
        for endpoint in endpoints() {
            let router = RouterSocket::bind(&endpoint).await.unwrap();
            let options = SocketOptions::default().with_req_correlate(true);
            let req =
                ReqSocket::connect_with_options(router.local_endpoint().unwrap(), options).await.unwrap();
            req.send(["ABC", "DEF"]).await.unwrap();
            let (from, request) = router.recv_from().await.unwrap();
            let number = request[0].clone();
            assert_eq!(number.len(), 4);
            assert_eq!(request, Message::from([number.clone(), "".into(), "ABC".into(), "DEF".into()]));
            let other = Frame::from((u32::from_be_bytes(number[..].try_into().unwrap()) ^ 1).to_be_bytes());
            for wrong in [
                Message::from("DATA"),
                ["", "DATA"].into(),
                ["1234567890", "", "DATA"].into(),
                [other, "".into(), "DATA".into()].into(),
                [number.clone(), "DATA".into()].into(),
                [number.clone(), "".into()].into(),
            ] {
                router.send_to(from.clone(), wrong).await.unwrap();
            }
            router.send_to(from, [number, "".into(), "GHI".into()]).await.unwrap();
            assert_eq!(req.recv().await.unwrap(), Message::from("GHI"));
        }
    });
}

/// A relaxed REQ and five REPs that it knows in this order.
async fn relaxed(endpoint: &str) -> (ReqSocket, Vec<RepSocket>) {
    let options = SocketOptions::default().with_req_relaxed(true).with_req_correlate(true);
    let req = ReqSocket::bind_with_options(endpoint, options).await.unwrap();
    let mut reps = Vec::new();
    for n in 0..5 {
        reps.push(RepSocket::connect(req.local_endpoint().unwrap()).await.unwrap());
        req.wait_for_peers(n + 1).await.unwrap();
    }
    (req, reps)
}

/// Cases 1 to 3: a second request before the reply has come, one after it has, and nobody is cut off by
/// either.
async fn requests_overtake_replies(endpoint: &str) {
    let (req, reps) = relaxed(endpoint).await;
    req.send(["A", "B"]).await.unwrap();
    assert_eq!(reps[0].recv().await.unwrap(), Message::from(["A", "B"]));
    req.send(["C", "D"]).await.unwrap();
    assert_eq!(reps[1].recv().await.unwrap(), Message::from(["C", "D"]));
    reps[0].send("WRONG").await.unwrap();
    reps[1].send("OK").await.unwrap();
    assert_eq!(req.recv().await.unwrap(), Message::from("OK"));

    req.send("E").await.unwrap();
    assert_eq!(reps[2].recv().await.unwrap(), Message::from("E"));
    reps[2].send(["F", "G"]).await.unwrap();
    assert_eq!(req.recv().await.unwrap(), Message::from(["F", "G"]));

    req.send("H").await.unwrap();
    assert_eq!(reps[3].recv().await.unwrap(), Message::from("H"));
    reps[3].send("BAD").await.unwrap();
    if !endpoint.starts_with("inproc") {
        until(|| req.stats().recv_queued == 1).await;
    }
    req.send("I").await.unwrap();
    assert_eq!(reps[4].recv().await.unwrap(), Message::from("I"));
    reps[4].send("GOOD").await.unwrap();
    assert_eq!(req.recv().await.unwrap(), Message::from("GOOD"));

    req.send("J").await.unwrap();
    assert_eq!(reps[0].recv().await.unwrap(), Message::from("J"));
    assert_eq!(req.peers().len(), 5);
}

/// Case 4: requests pile up before anybody is there. The older one is never sent at all, unlike in libzmq.
async fn only_the_last_request_waits_for_a_peer(endpoint: &str) {
    let options = quick().with_req_relaxed(true).with_req_correlate(true);
    let req = ReqSocket::connect_with_reconnect_and_options(endpoint, options).await.unwrap();
    req.send("TO_BE_DISCARDED").await.unwrap();
    req.send("TO_BE_ANSWERED").await.unwrap();
    let router = RouterSocket::bind(endpoint).await.unwrap();
    let request = router.recv().await.unwrap();
    router.send(request).await.unwrap();
    assert_eq!(req.recv().await.unwrap(), Message::from("TO_BE_ANSWERED"));
    assert_eq!(req.stats().dropped(DropCause::Superseded), 1);
}

#[test]
fn req_relaxed() {
    rt::run(async {
        for endpoint in endpoints() {
            requests_overtake_replies(&endpoint).await;
        }
        let folder = Folder::new();
        for endpoint in fixed_endpoints(&folder) {
            only_the_last_request_waits_for_a_peer(&endpoint).await;
        }
    });
}
