//! The measurements, on one runtime.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Instant;

use super::rt::{self, *};
use crate::stalled::opening;
use crate::wire;

/// Bytes of a message, unless it is about its size.
const SIZE: usize = 64;
/// Messages in one write of a peer.
const BATCH: usize = 10;
const MESSAGES: usize = 400_000;
/// The bytes that large messages have together.
const BYTES: usize = 1 << 30;

/// Raw connections that have shaken hands as a `socket_type`.
fn raw(endpoint: &Endpoint, count: usize, socket_type: &str) -> Vec<TcpStream> {
    let opening = opening(socket_type, b"");
    (0..count)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
            stream.set_nodelay(true).unwrap();
            stream.write_all(&opening).unwrap();
            stream
        })
        .collect()
}

/// Nanoseconds for one message that a PULL receives, when all its peers take turns to send a few.
pub fn message_by_peers(peers: usize) -> f64 {
    message(peers, peers, SIZE)
}

/// The same when only ten of them send.
pub fn message_by_connections(peers: usize) -> f64 {
    message(peers, 10, SIZE)
}

/// Nanoseconds for one message of so many bytes that a PULL receives from its only peer.
pub fn message_by_size(size: usize) -> f64 {
    message(1, 1, size)
}

fn message(peers: usize, senders: usize, size: usize) -> f64 {
    let rounds = MESSAGES.min(BYTES / size).div_ceil(senders * BATCH);
    let total = rounds * senders * BATCH;
    let (complete, all_there) = mpsc::channel();
    let server = move |announce: Sender<Endpoint>| {
        rt::run(async move {
            let options = SocketOptions::default().with_max_handshakes(usize::MAX).with_backlog(4096);
            let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
            announce.send(pull.local_endpoint().unwrap()).unwrap();
            // What accepting costs is not what a message costs.
            pull.wait_for_peers(peers).await.unwrap();
            complete.send(()).unwrap();
            let first = pull.recv().await.unwrap();
            assert_eq!(first[0].len(), size);
            let start = Instant::now();
            for _ in 1..total {
                assert_eq!(pull.recv().await.unwrap()[0].len(), size);
            }
            start.elapsed().as_nanos() as f64 / (total - 1) as f64
        })
    };
    let client = move |endpoint: Endpoint| {
        let mut streams = raw(&endpoint, peers, "PUSH");
        all_there.recv().unwrap();
        let batch = frame(size).repeat(BATCH);
        for _ in 0..rounds {
            for stream in streams.iter_mut().take(senders) {
                stream.write_all(&batch).unwrap();
            }
        }
        streams
    };
    let (announce, address) = mpsc::channel();
    let server = thread::spawn(move || {
        wire::pin(1);
        server(announce)
    });
    wire::pin(0);
    let streams = client(address.recv().unwrap());
    let figure = server.join().unwrap();
    drop(streams);
    figure
}

/// A message of one frame, as it is on the wire.
fn frame(size: usize) -> Vec<u8> {
    let mut frame = match u8::try_from(size) {
        Ok(size) => vec![0, size],
        Err(_) => [&[2], &(size as u64).to_be_bytes()[..]].concat(),
    };
    frame.resize(frame.len() + size, 0x5A);
    frame
}

/// Resident bytes for one idle connection of a PULL that has so many.
pub fn memory_by_connections(connections: usize) -> f64 {
    rt::run(async move {
        let options = SocketOptions::default().with_max_handshakes(usize::MAX).with_backlog(4096);
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let mut streams = Vec::with_capacity(connections);
        let before = resident();
        while streams.len() < connections {
            let some = (connections - streams.len()).min(500);
            streams.extend(raw(&endpoint, some, "PUSH"));
            pull.wait_for_peers(streams.len()).await.unwrap();
        }
        (resident() - before) as f64 / connections as f64
    })
}

/// Bytes of memory that this process occupies.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Nanoseconds for one copy of a message that a PUB sends to so many subscribers, none of which loses any.
pub fn copy_by_subscribers(subscribers: usize) -> f64 {
    let messages = (MESSAGES / subscribers).max(1_000);
    publish(subscribers, vec![Vec::new()], messages, |_| vec![0x5A; SIZE]) / subscribers as f64
}

/// Nanoseconds for one message of a PUB whose only subscriber has so many subscriptions.
pub fn message_by_subscriptions(subscriptions: usize) -> f64 {
    let topic = |n: usize| format!("{:016x}", (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)).into_bytes();
    let topics = (0..subscriptions).map(topic).collect();
    publish(1, topics, MESSAGES, move |n| {
        let mut message = if n % 10 == 0 { topic(n / 10 % subscriptions) } else { topic(n + (1 << 40)) };
        message.resize(SIZE, 0x5A);
        message
    })
}

/// Nanoseconds for each of `messages` messages, with subscribers on the other core.
fn publish(
    subscribers: usize,
    topics: Vec<Vec<u8>>,
    messages: usize,
    make: impl Fn(usize) -> Vec<u8> + Send + 'static,
) -> f64 {
    let (announce, address) = mpsc::channel::<Endpoint>();
    let publisher = thread::spawn(move || {
        wire::pin(1);
        rt::run(async move {
            let options = SocketOptions::default().with_xpub_nodrop(true);
            let publisher = PubSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
            announce.send(publisher.local_endpoint().unwrap()).unwrap();
            publisher.wait_for_subscribers("ready", subscribers).await.unwrap();
            let messages: Vec<Message> = (0..messages).map(|n| make(n).into()).collect();
            let start = Instant::now();
            let count = messages.len();
            for message in messages {
                publisher.send(message).await.unwrap();
            }
            publisher.flush().await.unwrap();
            let figure = start.elapsed().as_nanos() as f64 / count as f64;
            publisher.send("ready").await.unwrap();
            publisher.close().await;
            figure
        })
    });
    wire::pin(0);
    let endpoint = address.recv().unwrap();
    rt::run(async move {
        let mut subs = Vec::new();
        for _ in 0..subscribers {
            let sub = SubSocket::connect(&endpoint).await.unwrap();
            topics.iter().for_each(|topic| sub.subscribe(topic).unwrap());
            sub.subscribe("ready").unwrap();
            subs.push(sub);
        }
        let reading = subs.iter().map(|sub| async move { while sub.recv().await.unwrap()[0] != "ready" {} });
        futures_util::future::join_all(reading).await;
    });
    publisher.join().unwrap()
}
