//! zmq.rs (the crate `zeromq`) as the other end: an implementation of its own, that shares nothing with libzmq or with
//! this crate.

use std::future::Future;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use ::zeromq::{
    DealerSocket as TheirDealer, PubSocket as TheirPub, PullSocket as TheirPull, PushSocket as TheirPush,
    RepSocket as TheirRep, ReqSocket as TheirReq, RouterSocket as TheirRouter, Socket, SocketRecv,
    SocketSend, SubSocket as TheirSub, ZmqError, ZmqMessage,
};
use futures_util::future::join;
use monocoque::Bytes;

use super::matrix::{Kind, Ours, options};
use super::rt::{self, *};
use super::slow::{impatient, rest};

const MESSAGES: usize = 200;

fn frames(n: usize) -> Vec<Bytes> {
    [n.to_string().into_bytes(), Vec::new(), vec![n as u8; n * 367 % 60_000]].map(Bytes::from).to_vec()
}

/// Where a socket of theirs goes.
enum At {
    /// It binds, and says where.
    Bound(Sender<String>),
    Connected(String),
}

/// What their side does, on a thread and a runtime of its own.
fn theirs(work: impl Future<Output = ()>) {
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work);
}

async fn open<S: Socket>(at: At) -> S {
    let mut socket = S::new();
    match at {
        At::Bound(tell) => tell.send(socket.bind("tcp://127.0.0.1:0").await.unwrap().to_string()).unwrap(),
        At::Connected(endpoint) => socket.connect(&endpoint).await.unwrap(),
    }
    socket
}

/// They refuse what they have no peer for yet.
async fn their_send(socket: &mut impl SocketSend, front: &[Bytes], n: usize) {
    let all: Vec<Bytes> = front.iter().cloned().chain(frames(n)).collect();
    let mut message = ZmqMessage::try_from(all).unwrap();
    while let Err(error) = socket.send(message).await {
        let ZmqError::ReturnToSender { message: refused, .. } = error else { panic!("{error}") };
        message = refused;
        ::tokio::task::yield_now().await;
    }
}

async fn their_recv(socket: &mut impl SocketRecv, front: &[Bytes], n: usize) {
    let received = socket.recv().await.unwrap().into_vec();
    assert!(received[..front.len()] == *front && received[front.len()..] == frames(n), "{n}");
}

async fn their_recv_all(socket: &mut impl SocketRecv) {
    for n in 0..MESSAGES {
        their_recv(socket, &[], n).await;
    }
}

async fn their_send_all(socket: &mut impl SocketSend) {
    for n in 0..MESSAGES {
        their_send(socket, &[], n).await;
    }
}

async fn our_send_all(ours: &Ours) {
    for n in 0..MESSAGES {
        ours.send(message(&[], n)).await;
    }
}

/// Asks one thing after the other; `front` is the envelope.
fn asks<S: Socket + SocketRecv + SocketSend>(at: At, front: &'static [&'static [u8]]) {
    theirs(async {
        let mut socket = open::<S>(at).await;
        let front: Vec<Bytes> = front.iter().map(|frame| Bytes::from_static(frame)).collect();
        for n in 0..MESSAGES {
            their_send(&mut socket, &front, n).await;
            their_recv(&mut socket, &front, n).await;
        }
    });
}

fn echoes<S: Socket + SocketRecv + SocketSend>(at: At) {
    theirs(async {
        let mut socket = open::<S>(at).await;
        for _ in 0..MESSAGES {
            let message = socket.recv().await.unwrap();
            socket.send(message).await.unwrap();
        }
    });
}

/// Both sides, of which one binds.
async fn meet(
    kind: Kind,
    ours_bind: bool,
    theirs: impl FnOnce(At) + Send + 'static,
    ours: impl AsyncFnOnce(&Ours),
) {
    meet_with((kind, options()), ours_bind, theirs, ours).await;
}

async fn meet_with(
    (kind, options): (Kind, SocketOptions),
    ours_bind: bool,
    theirs: impl FnOnce(At) + Send + 'static,
    ours: impl AsyncFnOnce(&Ours),
) {
    if ours_bind {
        let socket = Ours::bind(kind, "tcp://127.0.0.1:0", options).await;
        socket.prepare().await;
        let at = At::Connected(socket.endpoint());
        join(rt::blocking(move || theirs(at)), ours(&socket)).await;
        return socket.close().await;
    }
    let (tell, told) = mpsc::channel::<String>();
    let connecting = async {
        let endpoint = rt::blocking(move || told.recv().unwrap()).await;
        let socket = Ours::connect(kind, &endpoint, options).await;
        socket.prepare().await;
        ours(&socket).await;
        socket.close().await;
    };
    join(rt::blocking(move || theirs(At::Bound(tell))), connecting).await;
}

fn message(front: &[&'static [u8]], n: usize) -> Message {
    front.iter().map(|frame| Bytes::from_static(frame)).chain(frames(n)).collect()
}

async fn we_ask(kind: Kind, front: &'static [&'static [u8]], theirs: fn(At)) {
    for ours_bind in [true, false] {
        meet(kind, ours_bind, theirs, async |ours| {
            ours.wait_for_peer().await;
            for n in 0..MESSAGES {
                ours.send(message(front, n)).await;
                assert_eq!(ours.recv().await, message(front, n));
            }
        })
        .await;
    }
}

async fn they_ask(kind: Kind, theirs: fn(At)) {
    for ours_bind in [true, false] {
        meet(kind, ours_bind, theirs, async |ours| {
            for _ in 0..MESSAGES {
                let asked = ours.recv().await;
                ours.send(asked).await;
            }
        })
        .await;
    }
}

#[test]
fn requests_of_ours() {
    rt::run(async {
        we_ask(Kind::Req, &[], echoes::<TheirRep>).await;
        we_ask(Kind::Req, &[], echoes::<TheirRouter>).await;
        we_ask(Kind::Dealer, &[b""], echoes::<TheirRep>).await;
        we_ask(Kind::Dealer, &[], echoes::<TheirRouter>).await;
        we_ask(Kind::Dealer, &[], echoes::<TheirDealer>).await;
    });
}

#[test]
fn requests_of_theirs() {
    rt::run(async {
        they_ask(Kind::Rep, |at| asks::<TheirReq>(at, &[])).await;
        they_ask(Kind::Router, |at| asks::<TheirReq>(at, &[])).await;
        they_ask(Kind::Rep, |at| asks::<TheirDealer>(at, &[b""])).await;
        they_ask(Kind::Router, |at| asks::<TheirDealer>(at, &[])).await;
        they_ask(Kind::Dealer, |at| asks::<TheirDealer>(at, &[])).await;
    });
}

#[test]
fn pipelines() {
    rt::run(async {
        for ours_bind in [true, false] {
            let receives = |at| {
                theirs(async {
                    let mut socket = open::<TheirPull>(at).await;
                    their_recv_all(&mut socket).await;
                });
            };
            meet(Kind::Push, ours_bind, receives, our_send_all).await;
            let (over, wait) = mpsc::channel::<()>();
            let sends = move |at| {
                theirs(async {
                    let mut socket = open::<TheirPush>(at).await;
                    their_send_all(&mut socket).await;
                    let _ = wait.recv();
                });
            };
            meet(Kind::Pull, ours_bind, sends, async |ours| {
                for n in 0..MESSAGES {
                    assert_eq!(ours.recv().await, message(&[], n));
                }
                drop(over);
            })
            .await;
        }
    });
}

#[test]
fn topics() {
    rt::run(async {
        for ours_bind in [true, false] {
            let subscribes = |at| {
                theirs(async {
                    let mut socket = open::<TheirSub>(at).await;
                    socket.subscribe("").await.unwrap();
                    their_recv_all(&mut socket).await;
                });
            };
            meet(Kind::Pub, ours_bind, subscribes, async |ours| {
                ours.wait_for_receiver().await;
                our_send_all(ours).await;
            })
            .await;
            // It does not say when somebody has subscribed: it begins once we have heard it.
            let (tell, heard) = mpsc::channel::<()>();
            let (over, wait) = mpsc::channel::<()>();
            let publishes = move |at| {
                theirs(async {
                    let mut socket = open::<TheirPub>(at).await;
                    while heard.recv_timeout(Duration::from_millis(1)) == Err(RecvTimeoutError::Timeout) {
                        socket.send("are you there?".into()).await.unwrap();
                        ::tokio::task::yield_now().await;
                    }
                    their_send_all(&mut socket).await;
                    while wait.recv_timeout(Duration::from_millis(1)) == Err(RecvTimeoutError::Timeout) {
                        ::tokio::task::yield_now().await;
                    }
                });
            };
            meet(Kind::Sub, ours_bind, publishes, async |ours| {
                for n in 0..MESSAGES {
                    let mut received = ours.recv().await;
                    while received[0] == "are you there?" {
                        let _ = tell.send(());
                        received = ours.recv().await;
                    }
                    assert_eq!(received, message(&[], n));
                }
                drop(over);
            })
            .await;
        }
    });
}

/// An application that does not receive for longer than every timer of ours, while more comes than kernels keep.
#[test]
fn one_that_rests() {
    const COUNT: usize = 400;
    let body = |n: usize| Bytes::from([&n.to_be_bytes()[..], &[n as u8; 40_000]].concat());
    rt::run(async move {
        for ours_bind in [true, false] {
            let receives = move |at| {
                theirs(async {
                    let mut socket = open::<TheirPull>(at).await;
                    let first = socket.recv().await.unwrap();
                    assert_eq!(first.into_vec(), [body(0)]);
                    std::thread::sleep(rest());
                    for n in 1..COUNT {
                        assert!(socket.recv().await.unwrap().into_vec() == [body(n)], "{n}");
                    }
                });
            };
            meet_with((Kind::Push, impatient()), ours_bind, receives, async |ours| {
                for n in 0..COUNT {
                    ours.send(body(n).into()).await;
                }
                let stats = ours.stats();
                assert_eq!((stats.connects, stats.in_doubt), (1, 0));
            })
            .await;
        }
    });
}
