//! Clients and servers with libzmq's sockets at the other end.

use futures_util::future::join_all;

use super::libzmq::{bound, connected, join, theirs};
use super::rt::{self, *};

/// A REP repeats the number and the empty frame, which are its envelope.
#[test]
fn clients_of_their_rep() {
    rt::run(async {
        let (rep, endpoint) = bound(zmq::REP);
        let client = Client::connect(&endpoint).await.unwrap();
        let thread = theirs(move || {
            for _ in 0..100 {
                let request = rep.recv_multipart(0).unwrap();
                rep.send_multipart([b"re", &request[0][..]], 0).unwrap();
            }
        });
        let replies = join_all((0..100_u8).map(|n| client.request([n]))).await;
        for (n, reply) in replies.into_iter().enumerate() {
            assert_eq!(reply.unwrap(), [Frame::from("re"), Frame::from([n as u8])].into());
        }
        join(thread).await;
    });
}

/// A ROUTER that answers the last first, some twice and some never.
#[test]
fn clients_of_their_router() {
    rt::run(async {
        let (router, endpoint) = bound(zmq::ROUTER);
        let client = Client::connect(&endpoint).await.unwrap();
        let thread = theirs(move || {
            let mut requests: Vec<_> = (0..100).map(|_| router.recv_multipart(0).unwrap()).collect();
            requests.reverse();
            for request in requests {
                let n = request[3][0];
                assert_eq!((request.len(), request[1].len(), request[2].len()), (4, 8, 0));
                for _ in 0..[0, 1, 2][usize::from(n % 3)] {
                    router.send_multipart(&request, 0).unwrap();
                }
            }
            // Until the client has gone.
            let last = router.recv_multipart(0).unwrap();
            router.send_multipart(&last, 0).unwrap();
        });
        let asked: Vec<_> = (0..100_u8).map(|n| client.try_request([n]).unwrap()).collect();
        for (n, asked) in asked.into_iter().enumerate() {
            match n % 3 {
                0 => drop(asked),
                _ => assert_eq!(asked.reply().await.unwrap(), [n as u8].into()),
            }
        }
        assert_eq!(client.request("the last").await.unwrap(), "the last".into());
        let stats = client.socket().stats();
        assert_eq!((client.outstanding(), stats.delivered), (0, 67));
        assert_eq!(stats.recv_dropped_by(DropCause::Unexpected), 33, "those that came twice");
        join(thread).await;
    });
}

#[test]
fn their_req_and_dealer_are_served() {
    rt::run(async {
        let server = Server::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = server.socket().local_endpoint().unwrap();
        let req_endpoint = endpoint.clone();
        let req = theirs(move || {
            let req = zmq::Context::new().socket(zmq::REQ).unwrap();
            req.connect(&req_endpoint.to_string()).unwrap();
            for n in 0..50_u8 {
                req.send_multipart([&[n][..], b"", b"more"], 0).unwrap();
                assert_eq!(req.recv_multipart(0).unwrap(), [vec![n], vec![], b"more".to_vec()]);
            }
        });
        let dealer = theirs(move || {
            let dealer = connected(zmq::DEALER, &endpoint);
            for n in 0..50_u8 {
                dealer.send_multipart([&[n][..], b"", &[n]], 0).unwrap();
            }
            let mut numbers: Vec<u8> = (0..50)
                .map(|_| {
                    let reply = dealer.recv_multipart(0).unwrap();
                    assert!(reply.len() == 3 && reply[0] == reply[2] && reply[1].is_empty(), "{reply:?}");
                    reply[0][0]
                })
                .collect();
            assert!(!numbers.is_sorted(), "out of order");
            numbers.sort_unstable();
            assert!(numbers.into_iter().eq(0..50));
        });
        // In pairs of those that come from one peer, the later first; a REQ has one at a time.
        let mut held: Vec<monocoque::rpc::Request<_, _>> = Vec::new();
        for _ in 0..100 {
            let request = server.next().await.unwrap();
            let of_req = request.message.len() == 3;
            if of_req {
                request.reply.send(request.message).await.unwrap();
                continue;
            }
            held.push(request);
            if held.len() == 2 {
                for request in held.drain(..).rev() {
                    request.reply.send(request.message).await.unwrap();
                }
            }
        }
        assert_eq!((held.len(), server.outstanding()), (0, 0));
        join(req).await;
        join(dealer).await;
    });
}
