//! Messages to and from libzmq, which binds or connects on a thread of its own.

use std::thread::{self, JoinHandle};

use super::rt::{self, *};

/// Sizes around every boundary: inline payloads, short and long frames, references, slabs, and large.
const SIZES: [usize; 16] =
    [0, 1, 63, 64, 65, 254, 255, 256, 4095, 4096, 8192, 8193, 32_767, 32_768, 65_536, 1 << 20];

fn patterned(size: usize, seed: usize) -> Vec<u8> {
    (0..size).map(|i| (i * 31 + seed * 7 + i / 251) as u8).collect()
}

/// All that is sent in each direction: every size, then many frames, then one huge frame.
fn script() -> Vec<Vec<Vec<u8>>> {
    let mut messages: Vec<Vec<Vec<u8>>> = SIZES.iter().map(|size| vec![patterned(*size, 0)]).collect();
    for frames in [2, 3, 10, 100] {
        messages.push((0..frames).map(|n| patterned(n * 13 % 300, n)).collect());
        messages.push((0..frames).map(|_| Vec::new()).collect());
    }
    messages.push(vec![patterned(64 << 20, 5)]);
    messages
}

fn to_message(frames: &[Vec<u8>]) -> Message {
    frames.iter().cloned().collect()
}

/// A libzmq socket that is bound, with its endpoint.
pub fn bound(kind: zmq::SocketType) -> (zmq::Socket, String) {
    let socket = zmq::Context::new().socket(kind).unwrap();
    socket.set_identity(b"theirs").unwrap();
    socket.set_linger(2_000).unwrap();
    socket.bind("tcp://127.0.0.1:*").unwrap();
    let endpoint = socket.get_last_endpoint().unwrap().unwrap();
    (socket, endpoint)
}

pub fn connected(kind: zmq::SocketType, endpoint: &Endpoint) -> zmq::Socket {
    let socket = zmq::Context::new().socket(kind).unwrap();
    socket.set_identity(b"theirs").unwrap();
    socket.set_linger(2_000).unwrap();
    socket.connect(&endpoint.to_string()).unwrap();
    socket
}

/// Runs libzmq's side; joined at the end, so that its assertions count.
pub fn theirs(work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    thread::spawn(work)
}

/// Waits for a thread without blocking the runtime that its peer runs on.
pub async fn join(thread: JoinHandle<()>) {
    while !thread.is_finished() {
        rt::timeout(std::time::Duration::from_millis(1), std::future::pending::<()>()).await;
    }
    thread.join().unwrap();
}

fn receive_script(socket: &zmq::Socket, envelope: usize) {
    for expected in script() {
        let mut got = socket.recv_multipart(0).unwrap();
        got.drain(..envelope);
        assert!(got == expected, "{} frames of {}", expected.len(), expected[0].len());
    }
}

fn send_script(socket: &zmq::Socket, envelope: &[&[u8]]) {
    for message in script() {
        let frames: Vec<&[u8]> = envelope.iter().copied().chain(message.iter().map(Vec::as_slice)).collect();
        socket.send_multipart(frames, 0).unwrap();
    }
}

#[test]
fn push_to_their_pull() {
    rt::run(async {
        for ours_binds in [true, false] {
            let (push, thread) = if ours_binds {
                let push = PushSocket::bind("tcp://127.0.0.1:0").await.unwrap();
                let endpoint = push.local_endpoint().unwrap();
                (push, theirs(move || receive_script(&connected(zmq::PULL, &endpoint), 0)))
            } else {
                let (pull, endpoint) = bound(zmq::PULL);
                (PushSocket::connect(&endpoint).await.unwrap(), theirs(move || receive_script(&pull, 0)))
            };
            for message in script() {
                push.send(to_message(&message)).await.unwrap();
            }
            push.flush().await.unwrap();
            join(thread).await;
        }
    });
}

#[test]
fn pull_from_their_push() {
    rt::run(async {
        for ours_binds in [true, false] {
            let (pull, thread) = if ours_binds {
                let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
                let endpoint = pull.local_endpoint().unwrap();
                (pull, theirs(move || send_script(&connected(zmq::PUSH, &endpoint), &[])))
            } else {
                let (push, endpoint) = bound(zmq::PUSH);
                (PullSocket::connect(&endpoint).await.unwrap(), theirs(move || send_script(&push, &[])))
            };
            for expected in script() {
                assert!(pull.recv().await.unwrap() == to_message(&expected));
            }
            join(thread).await;
        }
    });
}

/// Everything there and back again.
fn echo(socket: &zmq::Socket) {
    for _ in script() {
        let message = socket.recv_multipart(0).unwrap();
        socket.send_multipart(message, 0).unwrap();
    }
}

#[test]
fn dealer_and_their_router() {
    rt::run(async {
        for ours_binds in [true, false] {
            let options = SocketOptions::default().with_identity("ours");
            let (dealer, thread) = if ours_binds {
                let dealer = DealerSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
                let endpoint = dealer.local_endpoint().unwrap();
                (dealer, theirs(move || echo(&connected(zmq::ROUTER, &endpoint))))
            } else {
                let (router, endpoint) = bound(zmq::ROUTER);
                let dealer = DealerSocket::connect_with_options(&endpoint, options).await.unwrap();
                (dealer, theirs(move || echo(&router)))
            };
            for message in script() {
                let message = to_message(&message);
                dealer.send(message.clone()).await.unwrap();
                assert!(dealer.recv().await.unwrap() == message);
            }
            join(thread).await;
        }
    });
}

#[test]
fn router_and_their_dealer() {
    rt::run(async {
        for ours_binds in [true, false] {
            let (router, thread) = if ours_binds {
                let router = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
                let endpoint = router.local_endpoint().unwrap();
                (router, theirs(move || echo(&connected(zmq::DEALER, &endpoint))))
            } else {
                let (dealer, endpoint) = bound(zmq::DEALER);
                (RouterSocket::connect(&endpoint).await.unwrap(), theirs(move || echo(&dealer)))
            };
            router.wait_for_peers(1).await.unwrap();
            let peer = router.stats().peers.remove(0);
            assert_eq!(peer.identity, "theirs");
            let identity = Frame::from(peer.identity);
            for message in script() {
                let message = to_message(&message);
                router.send_to(identity.clone(), message.clone()).await.unwrap();
                let (from, echoed) = router.recv_from().await.unwrap();
                assert!(from == identity && echoed == message);
            }
            join(thread).await;
        }
    });
}

#[test]
fn their_req_and_rep() {
    rt::run(async {
        let router = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let thread = theirs(move || {
            let req = connected(zmq::REQ, &endpoint);
            for n in 0..100_u8 {
                req.send([n].as_slice(), 0).unwrap();
                assert_eq!(req.recv_bytes(0).unwrap(), [n, n]);
            }
        });
        for n in 0..100_u8 {
            let (identity, request) = router.recv_from().await.unwrap();
            assert_eq!((identity, request.len()), (Frame::from("theirs"), 2));
            assert!(request[0].is_empty() && request[1] == [n]);
            router
                .send(Message::from([Frame::from("theirs"), Frame::new(), Frame::from([n, n])]))
                .await
                .unwrap();
        }
        join(thread).await;

        let (rep, endpoint) = bound(zmq::REP);
        let thread = theirs(move || {
            let request = rep.recv_bytes(0).unwrap();
            rep.send(request, 0).unwrap();
        });
        let dealer = DealerSocket::connect(&endpoint).await.unwrap();
        dealer.send(Message::from([Frame::new(), Frame::from("ask")])).await.unwrap();
        let reply = dealer.recv().await.unwrap();
        assert!(reply[0].is_empty() && reply[1] == "ask");
        join(thread).await;
    });
}

#[test]
fn bursts_stay_in_order() {
    const COUNT: u32 = 20_000;
    rt::run(async {
        let (pull, endpoint) = bound(zmq::PULL);
        let thread = theirs(move || {
            for n in 0..COUNT {
                assert_eq!(pull.recv_bytes(0).unwrap(), n.to_be_bytes());
            }
        });
        let push = PushSocket::connect(&endpoint).await.unwrap();
        for n in 0..COUNT {
            push.send(n.to_be_bytes()).await.unwrap();
        }
        push.flush().await.unwrap();
        join(thread).await;

        let (push, endpoint) = bound(zmq::PUSH);
        let thread =
            theirs(move || (0..COUNT).for_each(|n| push.send(n.to_be_bytes().as_slice(), 0).unwrap()));
        let pull = PullSocket::connect(&endpoint).await.unwrap();
        for n in 0..COUNT {
            assert_eq!(pull.recv().await.unwrap()[0], n.to_be_bytes());
        }
        join(thread).await;
    });
}

#[test]
fn either_side_restarts() {
    rt::run(async {
        // Theirs: the same port, again and again.
        let (mut pull, endpoint) = bound(zmq::PULL);
        let push = PushSocket::connect(&endpoint).await.unwrap();
        for n in 0..3_u8 {
            push.send([n]).await.unwrap();
            let received = theirs(move || {
                assert_eq!(pull.recv_bytes(0).unwrap(), [n]);
                drop(pull);
            });
            join(received).await;
            let mut monitor = push.monitor();
            while push.is_connected() {
                monitor.next().await;
            }
            pull = zmq::Context::new().socket(zmq::PULL).unwrap();
            pull.bind(&endpoint).unwrap();
        }
        // Ours: libzmq reconnects by itself.
        let mut ours = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = ours.local_endpoint().unwrap();
        let their_push = connected(zmq::PUSH, &endpoint);
        for n in 0..3_u8 {
            their_push.send([n].as_slice(), 0).unwrap();
            assert_eq!(ours.recv().await.unwrap()[0], [n]);
            ours.close().await;
            ours = PullSocket::bind(&endpoint).await.unwrap();
            ours.wait_for_peers(1).await.unwrap();
        }
    });
}

/// libzmq's heartbeats are answered, and a quiet connection stays up over many of them.
#[test]
fn their_heartbeats() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let push = zmq::Context::new().socket(zmq::PUSH).unwrap();
        push.set_linger(2_000).unwrap();
        push.set_heartbeat_ivl(20).unwrap();
        push.set_heartbeat_timeout(1_000).unwrap();
        push.set_heartbeat_ttl(1_000).unwrap();
        push.connect(&pull.local_endpoint().unwrap().to_string()).unwrap();
        pull.wait_for_peers(1).await.unwrap();
        let mut monitor = pull.monitor();
        let quiet = rt::timeout(std::time::Duration::from_millis(2_200), monitor.next()).await;
        assert!(quiet.is_none(), "an event on a quiet connection: {quiet:?}");
        push.send("still there", 0).unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "still there");
    });
}

#[test]
fn a_wrong_socket_type_is_told_why() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let good = PushSocket::connect(&endpoint).await.unwrap();
        let mut monitor = pull.monitor();
        let _pub = connected(zmq::PUB, &endpoint);
        loop {
            if let Some(SocketEvent::HandshakeFailed { cause, .. }) = monitor.next().await {
                assert!(matches!(cause, Error::Protocol(_)), "{cause}");
                break;
            }
        }
        good.send("unaffected").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "unaffected");
    });
}
