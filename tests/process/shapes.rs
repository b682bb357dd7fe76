//! What a message costs covers what it takes, in every shape and wherever it waits.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{Shutdown, TcpStream};

use super::rt::{self, *};
use super::until::until;
use crate::live;

const MIB: usize = 1024 * 1024;

/// Beside twice of what is accounted: what a queue may keep room for, a read, and a connection's own.
const PER_PEER: usize = 3 * MIB / 2;

pub(crate) fn all() {
    rt::run(many_empty_frames_fill_the_mark());
    rt::run(small_messages_fill_the_budget());
    for shape in shapes() {
        rt::run(queued_for_sending(&shape));
        rt::run(waiting_for_a_peer(&shape));
        rt::run(passed_in_process(&shape));
        rt::run(published(&shape));
        rt::run(received_ahead(&shape));
    }
}

/// Messages of one kind, as the application makes them.
struct Shape {
    name: &'static str,
    make: fn(usize) -> Message,
}

fn shapes() -> Vec<Shape> {
    let shape = |name, make| Shape { name, make };
    vec![
        shape("empty", |_| Frame::new().into()),
        shape("a byte", |_| "x".into()),
        shape("a byte or two", |n| vec![1; 1 + n % 2].into()),
        shape("inline", |_| [1; 64].into()),
        shape("just not inline", |_| [1; 65].into()),
        shape("1 KiB", |_| [1; 1024].into()),
        shape("many sizes", |n| vec![1; n % 300].into()),
        shape("referenced", |_| vec![1; 20_000].into()),
        shape("more room than payload", |_| {
            let mut payload = Vec::with_capacity(100_000);
            payload.resize(100, 1);
            payload.into()
        }),
        shape("two empty frames", |_| ("", "").into()),
        shape("an address in front", |_| {
            let mut message = Message::from("body");
            message.push_front("a");
            message
        }),
        shape("what is left of many", |_| {
            let mut message = Message::from(vec![""; 30]);
            (0..29).for_each(|_| drop(message.pop_front()));
            message
        }),
        shape("five frames", |_| vec!["1", "2", "3", "4", "5"].into()),
        shape("5,000 empty frames", |_| VecDeque::from(vec![Frame::new(); 5000]).into()),
    ]
}

/// So much of each that what a peer may take anyway does not matter.
const ENOUGH: usize = 8 * MIB;

fn wide() -> SocketOptions {
    SocketOptions::default().with_unlimited_send_hwm().with_unlimited_recv_hwm()
}

fn manual() -> SocketOptions {
    wide().with_flush_policy(FlushPolicy::Manual)
}

/// Asserts that what is taken since there were `before` bytes is covered.
fn check(what: &str, shape: &Shape, before: usize, accounted: usize, peers: usize) {
    let (taken, name) = (live().saturating_sub(before), shape.name);
    let most = 2 * accounted + peers * PER_PEER;
    assert!(taken <= most, "{what}, {name}: {taken} bytes for {accounted} accounted");
}

fn fill(shape: &Shape, mut send: impl FnMut(Message)) {
    let mut cost = 0;
    for n in 0.. {
        let message = (shape.make)(n);
        cost += message.cost();
        send(message);
        if cost > ENOUGH {
            break;
        }
    }
}

async fn queued_for_sending(shape: &Shape) {
    let stalled = rt::stalled_peer();
    for permits in [false, true] {
        let before = live();
        let budget = SemaphorePermits::new(64 * MIB);
        let dealer = DealerSocket::connect_with_options(stalled.endpoint(), manual()).await.unwrap();
        let charged = dealer.clone().with_permits(budget.clone());
        fill(shape, |message| match permits {
            true => charged.try_send(message).unwrap(),
            false => dealer.try_send(message).unwrap(),
        });
        let accounted = dealer.buffered_bytes();
        assert!(accounted >= ENOUGH);
        assert_eq!(budget.in_use(), if permits { accounted } else { 0 }, "{}", shape.name);
        check("queued", shape, before, accounted, 1);
    }
}

async fn waiting_for_a_peer(shape: &Shape) {
    let before = live();
    let push = PushSocket::connect_with_reconnect_and_options(nobody(), wide()).await.unwrap();
    fill(shape, |message| push.try_send(message).unwrap());
    assert!(push.buffered_bytes() >= ENOUGH);
    check("pending", shape, before, push.buffered_bytes(), 1);
}

/// An endpoint where nobody listens.
fn nobody() -> Endpoint {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().into()
}

async fn passed_in_process(shape: &Shape) {
    let before = live();
    let pull = PullSocket::bind_with_options("inproc://shapes", wide()).await.unwrap();
    let push = PushSocket::connect_with_options("inproc://shapes", wide()).await.unwrap();
    fill(shape, |message| push.try_send(message).unwrap());
    let mut left = push.buffered_messages();
    check("passed", shape, before, push.buffered_bytes(), 1);
    // Down to a few, step by step: what is taken follows.
    while left > 10 {
        for _ in 0..left / 3 {
            pull.recv().await.unwrap();
        }
        left = push.buffered_messages();
        check("half passed", shape, before, push.buffered_bytes(), 1);
    }
}

async fn published(shape: &Shape) {
    const SUBSCRIBERS: usize = 4;
    let before = live();
    let publisher = PubSocket::bind_with_options("tcp://127.0.0.1:0", manual()).await.unwrap();
    let port = publisher.local_endpoint().unwrap().port().unwrap();
    let subscribers = [0; SUBSCRIBERS].map(|_| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(&rt::opening("SUB", b"")).unwrap();
        stream.write_all(b"\x04\x0a\x09SUBSCRIBE").unwrap();
        stream
    });
    publisher.wait_for_subscribers("", SUBSCRIBERS).await.unwrap();
    fill(shape, |message| publisher.try_send(message).unwrap());
    let accounted = publisher.buffered_bytes();
    assert!(accounted >= SUBSCRIBERS * ENOUGH);
    check("published", shape, before, accounted, SUBSCRIBERS);
    drop(subscribers);
}

/// A message as it goes over the wire.
fn encoded(message: &Message, into: &mut Vec<u8>) {
    for (place, frame) in message.iter().enumerate() {
        let more = u8::from(place + 1 < message.len());
        match u8::try_from(frame.len()) {
            Ok(short) => into.extend_from_slice(&[more, short]),
            Err(_) => {
                into.push(2 | more);
                into.extend_from_slice(&(frame.len() as u64).to_be_bytes());
            }
        }
        into.extend_from_slice(frame);
    }
}

/// Connects as a PUSH that sends these bytes, on a thread of its own.
fn pour(endpoint: &Endpoint, bytes: Vec<u8>) -> (TcpStream, std::thread::JoinHandle<()>) {
    let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
    let closer = stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        stream.write_all(&rt::opening("PUSH", b"")).unwrap();
        // Ends early when the test has seen enough.
        let _ = stream.write_all(&bytes);
    });
    (closer, writer)
}

/// While its peer is there, and when it has gone.
async fn received_ahead(shape: &Shape) {
    let before = live();
    let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", wide()).await.unwrap();
    let (mut bytes, mut cost, mut messages) = (Vec::new(), 0, 0);
    fill(shape, |message| {
        encoded(&message, &mut bytes);
        cost += message.cost();
        messages += 1;
    });
    let (stream, writer) = pour(&pull.local_endpoint().unwrap(), bytes);
    until(|| pull.stats().recv_queued == messages, || format!("{:?}", pull.stats())).await;
    writer.join().unwrap();
    assert_eq!(pull.stats().peers[0].recv_queued_bytes, cost);
    check("received ahead", shape, before, cost, 1);
    drop(stream);
    until(|| pull.peers().is_empty(), || "the peer is still there".to_owned()).await;
    assert_eq!(pull.stats().recv_queued, messages);
    check("of a peer that is gone", shape, before, cost, 1);
}

/// Frames without payload: they fill the mark all the same. The same message would be as large in the making.
async fn many_empty_frames_fill_the_mark() {
    const FRAMES: usize = 65_536;
    let before = live();
    let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let mut message = Vec::new();
    encoded(&Message::from(vec![""; FRAMES]), &mut message);
    let bytes = message.repeat(1000);
    let sent = bytes.capacity() + message.capacity();
    let (stream, writer) = pour(&pull.local_endpoint().unwrap(), bytes);
    let queued = || pull.stats().peers.first().map_or(0, |peer| peer.recv_queued_bytes);
    until(|| queued() + FRAMES * Frame::COST > 64 * MIB, || format!("{} bytes", queued())).await;
    let shape = Shape { name: "65,536 empty frames", make: |_| Message::new() };
    // The one that reaches the mark, and the one behind it.
    for _ in 0..100 {
        check("received", &shape, before + sent, queued() + FRAMES * Frame::COST, 1);
        assert!(queued() <= 64 * MIB + FRAMES * Frame::COST, "{} bytes", queued());
        rt::yield_now().await;
    }
    stream.shutdown(Shutdown::Both).unwrap();
    writer.join().unwrap();
}

async fn small_messages_fill_the_budget() {
    const BUDGET: usize = 16 * MIB;
    let stalled = rt::stalled_peer();
    let before = live();
    let budget = SemaphorePermits::new(BUDGET);
    let dealer = DealerSocket::connect_with_options(stalled.endpoint(), manual()).await.unwrap();
    let dealer = dealer.with_permits(budget.clone());
    let mut sent = 0;
    while dealer.try_send("x").is_ok() {
        sent += 1;
    }
    assert_eq!(sent, BUDGET / (1 + Frame::COST));
    check("a byte", &shapes()[1], before, budget.in_use(), 1);
}
