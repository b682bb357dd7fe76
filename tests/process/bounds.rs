//! What a peer can make a socket hold, on every runtime: one attack for each row of the guide's page.

use std::io::{ErrorKind as IoErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use super::rt::{self, *};
use super::until::until;
use crate::{live, take_peak};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What a connection costs besides what is accounted for: its state, and what it reads into.
const PER_PEER: usize = 128 * KIB;

/// The same with a queue, which may keep room for more than is in it.
const PER_QUEUE: usize = 3 * MIB / 2;

/// What an attack takes itself while it writes.
const PER_FLOOD: usize = 256 * KIB;

/// Each row of the page, and what attacks it.
const ROWS: [(&str, fn()); 24] = [
    ("accepted connections", || rt::run(accepted_connections())),
    ("accepted connections from one address", || rt::run(connections_from_one_address())),
    ("unfinished handshakes", || rt::run(unfinished_handshakes())),
    ("peers that an authenticator is asked about", || rt::run(peers_asked_about())),
    ("how long a handshake takes, the authenticator's answer included", || rt::run(slow_handshakes())),
    ("messages received and not taken", || rt::run(messages_received())),
    ("replies that the callers of a client have not taken", || rt::run(untaken_replies())),
    ("bytes read and not decoded", || rt::run(bytes_read())),
    ("memory of large payloads that the application has let go of", || rt::run(large_payloads())),
    ("a message in the making", || rt::run(a_message_in_the_making())),
    ("how long that makes no progress", || rt::run(slow_messages())),
    ("all messages in the making together", || rt::run(all_messages_in_the_making())),
    ("decoded messages of connections that have ended", || rt::run(decoded_leftovers())),
    ("undecoded bytes of connections that have ended", || rt::run(undecoded_leftovers())),
    (
        "what `router_notify`, `disconnect_message` and `hiccup_message` tell of connections that have ended",
        || rt::run(notices()),
    ),
    ("answers to PINGs", || rt::run(pings())),
    ("streams of connections that peers have ended, until they have confirmed our end", || {
        rt::run(ended_streams());
    }),
    ("subscriptions that a filter refuses", || rt::run(refused_subscriptions())),
    ("subscriptions at a PUB or XPUB", || rt::run(subscriptions())),
    ("changes of our subscriptions that a publisher has not read", || rt::run(changes())),
    ("ends of the subscriptions of connections that have ended, at an XPUB", || rt::run(ends())),
    ("what a monitor has not been read of", || rt::run(events())),
    ("messages queued for a peer", || rt::run(messages_queued())),
    ("messages of all peers of any number of sockets, queued to be sent", || rt::run(messages_of_all())),
];

pub(crate) fn all(page: &[&str]) {
    assert_eq!(ROWS.map(|(name, _)| name)[..], *page, "every row of the page, in its order");
    for (name, attack) in ROWS {
        println!("{name}");
        attack();
    }
}

/// What was in use before an attack.
struct Before(usize);

impl Before {
    fn now() -> Self {
        take_peak();
        Self(live())
    }

    /// Asserts that no more was ever taken than twice what is accounted and the constant for each peer, which is
    /// less than what the peers `tried`.
    #[track_caller]
    fn check_peak(&self, tried: usize, accounted: usize, peers: usize, each: usize) {
        self.check(take_peak(), tried, accounted, peers, each);
    }

    /// The same for what is taken now.
    #[track_caller]
    fn check_live(&self, tried: usize, accounted: usize, peers: usize, each: usize) {
        self.check(live(), tried, accounted, peers, each);
    }

    #[track_caller]
    fn check(&self, in_use: usize, tried: usize, accounted: usize, peers: usize, each: usize) {
        let (taken, most) = (in_use.saturating_sub(self.0), 2 * accounted + peers * each);
        assert!(taken <= most, "{taken} bytes over a bound of {most}");
        assert!(tried > most, "an attack of {tried} bytes says nothing about a bound of {most}");
    }
}

fn options() -> SocketOptions {
    SocketOptions::default()
}

async fn pull(options: SocketOptions) -> (PullSocket, Endpoint) {
    let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
    let endpoint = pull.local_endpoint().unwrap();
    (pull, endpoint)
}

/// Connects and writes, without regard to whether the other side hangs up.
fn attack(endpoint: &Endpoint, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
    let _ = stream.write_all(bytes);
    stream
}

/// The same from many connections, on a thread.
async fn attack_from_many(endpoint: &Endpoint, count: usize, bytes: Vec<u8>) -> Vec<TcpStream> {
    let endpoint = endpoint.clone();
    rt::blocking(move || (0..count).map(|_| attack(&endpoint, &bytes)).collect()).await
}

/// Writes `count` times on a thread of its own, for as long as the other side takes it: where that stops, until
/// the socket is gone with its runtime.
fn flood(
    endpoint: &Endpoint,
    opening: Vec<u8>,
    count: usize,
    make: fn(usize) -> Vec<u8>,
) -> JoinHandle<TcpStream> {
    let endpoint = endpoint.clone();
    std::thread::spawn(move || {
        let mut stream = attack(&endpoint, &opening);
        let mut some = Vec::new();
        for n in 0..count {
            some.extend(make(n));
            if some.len() >= 32 * KIB || n == count - 1 {
                if stream.write_all(&some).is_err() {
                    break;
                }
                some.clear();
            }
        }
        stream
    })
}

/// How many of these were hung up on.
fn ended(streams: &mut [TcpStream]) -> usize {
    let has_ended = |stream: &mut TcpStream| {
        stream.set_nonblocking(true).unwrap();
        loop {
            match stream.read(&mut [0; 256]) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() != IoErrorKind::WouldBlock,
            }
        }
    };
    streams.iter_mut().map(has_ended).filter(|ended| *ended).count()
}

/// The header of a long frame.
fn header(flags: u8, len: usize) -> Vec<u8> {
    [&[2 | flags][..], &(len as u64).to_be_bytes()].concat()
}

fn message(len: usize) -> Vec<u8> {
    [header(0, len), vec![1; len]].concat()
}

fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let len = 1 + name.len() + data.len();
    [&[4, len as u8, name.len() as u8], name.as_bytes(), data].concat()
}

/// The handshake of a PUSH, and more.
fn push(more: &[u8]) -> Vec<u8> {
    [&rt::opening("PUSH", b""), more].concat()
}

/// Turns of the companion, enough for all that it would do if nothing stopped it.
async fn turns() {
    for _ in 0..100 {
        rt::timeout(Duration::from_millis(1), std::future::pending::<()>()).await;
    }
}

async fn accepted_connections() {
    connections(options().with_max_connections(MOST_CONNECTIONS)).await;
}

async fn connections_from_one_address() {
    connections(options().with_max_connections_per_address(MOST_CONNECTIONS)).await;
}

const MOST_CONNECTIONS: usize = 10;

/// Few are let in, all from one address.
async fn connections(options: SocketOptions) {
    const MOST: usize = MOST_CONNECTIONS;
    const TRIED: usize = 400;
    let (pull, endpoint) = pull(options).await;
    let bytes = push(&[header(0, 60 * KIB), vec![1; 50 * KIB]].concat());
    let before = Before::now();
    let mut crowd = attack_from_many(&endpoint, TRIED, bytes).await;
    until(|| ended(&mut crowd) == TRIED - MOST, || pull.peers().len().to_string()).await;
    // Those that were let in may still be shaking hands.
    until(|| pull.peers().len() == MOST, || pull.peers().len().to_string()).await;
    before.check_live(TRIED * 50 * KIB, 0, MOST, PER_PEER);
}

/// A handshake that stops before its end.
fn unfinished() -> Vec<u8> {
    let mut bytes = rt::opening("PUSH", b"")[..64].to_vec();
    bytes.extend(header(4, 8000));
    bytes.resize(bytes.len() + 7900, 1);
    bytes
}

async fn unfinished_handshakes() {
    const MOST: usize = 10;
    const TRIED: usize = 400;
    let (_pull, endpoint) = pull(options().with_max_handshakes(MOST)).await;
    let before = Before::now();
    let mut crowd = attack_from_many(&endpoint, TRIED, unfinished()).await;
    until(|| ended(&mut crowd) >= TRIED - MOST, || "too many".into()).await;
    before.check_live(TRIED * 7900, MOST * 8 * KIB, MOST, PER_PEER);
}

/// All have said who they are, and half of what they may before they are answered.
async fn peers_asked_about() {
    const MOST: usize = 10;
    const TRIED: usize = 400;
    let silent =
        options().with_max_handshakes(MOST).with_authenticator(async |_| std::future::pending().await);
    let (pull, endpoint) = pull(silent).await;
    let before = Before::now();
    let bytes = push(&[header(0, 60 * KIB), vec![1; 7000]].concat());
    let mut crowd = attack_from_many(&endpoint, TRIED, bytes).await;
    until(|| ended(&mut crowd) == TRIED - MOST, || pull.stats().handshakes_failed.to_string()).await;
    before.check_live(TRIED * 7000, MOST * 16 * KIB, MOST, PER_PEER);
    // Who says more than that is not waited for.
    let bytes = push(&[header(0, 60 * KIB), vec![1; 50 * KIB]].concat());
    let mut crowd = attack_from_many(&endpoint, TRIED, bytes).await;
    until(|| ended(&mut crowd) == TRIED, || pull.stats().handshakes_failed.to_string()).await;
    before.check_live(TRIED * 50 * KIB, MOST * 16 * KIB, MOST, PER_PEER);
}

async fn slow_handshakes() {
    const TRIED: usize = 100;
    let (pull, endpoint) = pull(options().with_handshake_timeout(Duration::from_millis(300))).await;
    let before = Before::now();
    let _crowd = attack_from_many(&endpoint, TRIED, unfinished()).await;
    let failed = || pull.stats().handshakes_failed;
    until(|| failed() == TRIED as u64, || failed().to_string()).await;
    before.check_live(TRIED * 7900, 0, 1, PER_PEER);
}

async fn messages_received() {
    let (pull, endpoint) = pull(options().with_recv_hwm(50).with_recv_hwm_bytes(MIB)).await;
    let before = Before::now();
    let large = flood(&endpoint, push(&[]), 1000, |_| message(100_000));
    let small = flood(&endpoint, push(&[]), 10_000_000, |_| vec![0, 1, 1]);
    until(|| pull.stats().recv_queued >= 60, || format!("{:?}", pull.stats())).await;
    turns().await;
    assert!(pull.stats().recv_queued < 70);
    before.check_peak(100_000_000, 2 * MIB + 100_000, 2, PER_PEER + PER_QUEUE + PER_FLOOD);
    drop((large, small));
}

async fn bytes_read() {
    const PEERS: usize = 20;
    let (pull, endpoint) = pull(options().with_recv_hwm(1)).await;
    let before = Before::now();
    let floods: Vec<_> =
        (0..PEERS).map(|_| flood(&endpoint, push(&[]), 10_000_000, |_| vec![0, 0])).collect();
    until(|| pull.stats().recv_queued >= PEERS as u64, || format!("{:?}", pull.stats())).await;
    turns().await;
    let decoded = PEERS * 16 * KIB * Frame::COST;
    before.check_peak(decoded, PEERS * (32 * KIB + Frame::COST), PEERS, PER_PEER + PER_FLOOD);
    drop(floods);
}

/// A MiB without its last byte, in pieces.
fn all_but_the_last(n: usize) -> Vec<u8> {
    vec![1; 32 * KIB - n / 31]
}

async fn large_payloads() {
    const MESSAGES: u8 = 32;
    let (pull, endpoint) = pull(options()).await;
    let before = Before::now();
    let push = PushSocket::connect(&endpoint).await.unwrap();
    for n in 0..MESSAGES {
        push.send(vec![n; MIB]).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0].len(), MIB);
    }
    turns().await;
    before.check_live(usize::from(MESSAGES) * MIB, MIB, 2, PER_QUEUE);
}

async fn a_message_in_the_making() {
    const PEERS: usize = 4;
    let (pull, endpoint) = pull(options().with_max_message_size(MIB).with_max_frames(1000)).await;
    let before = Before::now();
    let large = flood(&endpoint, push(&header(0, MIB)), 32, all_but_the_last);
    let parts: Vec<_> = (0..PEERS).map(|_| flood(&endpoint, push(&[]), 999, |_| vec![1, 0])).collect();
    let too_long = flood(&endpoint, push(&header(0, MIB + 1)), 640, |_| vec![1; 32 * KIB]);
    let too_many = flood(&endpoint, push(&[]), 1_000_000, |_| vec![1, 0]);
    until(
        || pull.stats().disconnects() == 2 && live() > before.0 + MIB / 2,
        || format!("{:?}", pull.stats()),
    )
    .await;
    turns().await;
    let accounted = MIB + (PEERS + 1) * 1000 * Frame::COST;
    before.check_peak(20 * MIB, accounted, PEERS + 3, PER_PEER + PER_FLOOD);
    drop((parts, large, too_long, too_many));
}

async fn all_messages_in_the_making() {
    const PEERS: usize = 12;
    const LARGEST: usize = 4 * MIB;
    let (pull, endpoint) = pull(options().with_incomplete_bytes(MIB).with_max_message_size(LARGEST)).await;
    let before = Before::now();
    let begin = |_| flood(&endpoint, push(&header(0, LARGEST)), 128, |n| vec![1; 32 * KIB - n / 127]);
    let floods: Vec<_> = (0..PEERS).map(begin).collect();
    until(|| live() > before.0 + LARGEST / 2, || format!("{} bytes", live())).await;
    let good = PushSocket::connect(&endpoint).await.unwrap();
    for _ in 0..100 {
        good.send("what is small passes by").await.unwrap();
        pull.recv().await.unwrap();
    }
    before.check_peak(PEERS * LARGEST, MIB + LARGEST, PEERS + 1, PER_PEER + PER_FLOOD);
    drop(floods);
}

async fn slow_messages() {
    const PEERS: usize = 8;
    let (pull, endpoint) = pull(options().with_frame_timeout(Some(Duration::from_millis(300)))).await;
    let before = Before::now();
    let begin = |_| flood(&endpoint, push(&header(0, MIB)), 32, all_but_the_last);
    let floods: Vec<_> = (0..PEERS).map(begin).collect();
    until(|| pull.stats().disconnects() == PEERS as u64, || format!("{:?}", pull.stats())).await;
    before.check_live(PEERS * MIB, 0, PEERS, PER_PEER);
    floods.into_iter().for_each(|flood| drop(flood.join().unwrap()));
}

/// Whether messages wait for about 256 KiB.
fn is_full(pull: &PullSocket) -> bool {
    pull.stats().recv_queued * 1000 >= 230_000
}

/// A server that answers each request many times, while nobody polls them.
async fn untaken_replies() {
    const REQUESTS: usize = 10;
    const EACH: usize = 20;
    const LEN: usize = 256 * KIB;
    let waits = options().with_on_full(OnFull::Wait).with_send_hwm_bytes(LEN);
    let router = RouterSocket::bind_with_options("tcp://127.0.0.1:0", waits).await.unwrap();
    let few = ClientOptions::default().with_max_outstanding(REQUESTS);
    let client = Client::connect_with_options(router.local_endpoint().unwrap(), few).await.unwrap();
    let before = Before::now();
    let asked: Vec<_> = (0..REQUESTS).map(|_| client.try_request("x").unwrap()).collect();
    assert!(client.try_request("x").is_err());
    let mut requests = Vec::new();
    while requests.len() < REQUESTS {
        requests.push(router.recv().await.unwrap());
    }
    for _ in 0..EACH {
        for request in &requests {
            let reply = [request[0].clone(), request[1].clone(), Frame::new(), vec![1; LEN].into()];
            router.send(reply).await.unwrap();
        }
    }
    let stats = || client.socket().stats();
    until(|| stats().received == (REQUESTS * EACH) as u64, || format!("{:?}", stats())).await;
    before.check_peak(REQUESTS * EACH * LEN, (REQUESTS + 1) * LEN, 2, PER_QUEUE);
    for asked in asked {
        assert_eq!(asked.reply().await.unwrap()[0].len(), LEN);
    }
}

async fn decoded_leftovers() {
    const CONNECTIONS: usize = 150;
    const EACH: usize = 120;
    let (pull, endpoint) = pull(options().with_recv_hwm_bytes(256 * KIB)).await;
    let before = Before::now();
    let bytes = push(&message(1000).repeat(EACH));
    let mut streams = Vec::new();
    for n in 1..=CONNECTIONS {
        // One after the other: those that live have a mark each.
        let more = attack_from_many(&endpoint, 1, bytes.clone()).await;
        more.iter().for_each(|stream| stream.shutdown(Shutdown::Write).unwrap());
        streams.extend(more);
        let over = || pull.stats().connects == n as u64 && (pull.peers().is_empty() || is_full(&pull));
        until(over, || format!("{:?}", pull.stats())).await;
    }
    turns().await;
    // Those that come late are read once, with their handshake.
    before.check_peak(CONNECTIONS * EACH * 1000, 2 * 256 * KIB, CONNECTIONS, 72 * KIB);
    let mut received = 0;
    while rt::timeout(Duration::from_secs(5), pull.recv()).await.is_some_and(|message| message.is_ok()) {
        received += 1;
        if received == CONNECTIONS * EACH {
            break;
        }
    }
    assert_eq!(received, CONNECTIONS * EACH, "nothing is lost for that");
}

async fn undecoded_leftovers() {
    const CONNECTIONS: usize = 100;
    const LEFT: usize = 16 * KIB;
    let few = options().with_recv_hwm(10).with_leftover_bytes(68 * KIB);
    let dealer = DealerSocket::bind_with_options("tcp://127.0.0.1:0", few).await.unwrap();
    let bytes = [rt::opening("DEALER", b""), vec![0; LEFT]].concat();
    let before = Before::now();
    let endpoint = dealer.local_endpoint().unwrap();
    let streams = attack_from_many(&endpoint, CONNECTIONS, bytes).await;
    dealer.wait_for_peers(CONNECTIONS).await.unwrap();
    for stream in &streams {
        socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
    drop(streams);
    // Writing is how the ends are noticed: reading has stopped at the mark.
    let write = || {
        let _ = dealer.try_send("x");
        dealer.peers().is_empty()
    };
    until(write, || dealer.peers().len().to_string()).await;
    assert!(dealer.stats().recv_dropped_by(DropCause::Leftover) > 0);
    let decoded = CONNECTIONS * 10 * Frame::COST;
    before.check_live(CONNECTIONS * LEFT / 2 * Frame::COST, 68 * KIB + decoded, CONNECTIONS, PER_PEER);
}

async fn notices() {
    const CONNECTIONS: usize = 1500;
    const COST: usize = 2 * Frame::COST + 4;
    let options = options()
        .with_recv_hwm(10)
        .with_router_handover(monocoque::options::RouterHandover::Always)
        .with_router_notify(monocoque::options::RouterNotify::Both);
    let router = RouterSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
    let endpoint = router.local_endpoint().unwrap();
    let before = Before::now();
    for n in 1..=CONNECTIONS {
        // Each takes the identity of the one before it over.
        let streams = attack_from_many(&endpoint, 1, rt::opening("DEALER", b"same")).await;
        until(|| router.stats().connects == n as u64, || format!("{:?}", router.stats())).await;
        drop(streams);
    }
    until(|| router.stats().connections <= 2, || format!("{:?}", router.stats())).await;
    let stats = router.stats();
    assert!(stats.recv_queued <= 15 && stats.recv_dropped_by(DropCause::Leftover) > 0, "{stats}");
    before.check_live(CONNECTIONS * 2 * COST, 15 * COST, 2, PER_PEER);
}

async fn pings() {
    const PINGS: usize = 1_500_000;
    let (pull, endpoint) = pull(options()).await;
    let before = Before::now();
    let flood = flood(&endpoint, push(&[]), PINGS, |_| command("PING", b"\0\0sixteen bytes or"));
    until(|| flood.is_finished(), || format!("{:?}", pull.stats())).await;
    before.check_live(PINGS * 24, 0, 2, PER_PEER);
    drop(flood.join().unwrap());
}

/// How many descriptors the process has, where it can be told.
fn descriptors() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count())
}

/// Peers that end their half, and have not read what was sent to them.
async fn ended_streams() {
    const KEPT: usize = 256;
    const ENDED: usize = 350;
    let dealer = DealerSocket::bind_with_options("tcp://127.0.0.1:0", options()).await.unwrap();
    let endpoint = dealer.local_endpoint().unwrap();
    let (before, open_before) = (Before::now(), descriptors());
    let streams = attack_from_many(&endpoint, ENDED, rt::opening("DEALER", b"")).await;
    dealer.wait_for_peers(ENDED).await.unwrap();
    for _ in 0..ENDED {
        dealer.send("unread").await.unwrap();
    }
    for stream in &streams {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    until(|| dealer.peers().is_empty(), || dealer.peers().len().to_string()).await;
    if let (Some(open_before), Some(open)) = (open_before, descriptors()) {
        assert!(open <= open_before + ENDED + KEPT, "{open} descriptors");
    }
    before.check_live(ENDED * 8 * KIB, 0, KEPT, 4 * KIB);
    drop(streams);
}

/// A SUB, or a peer that says so.
fn sub() -> Vec<u8> {
    rt::opening("SUB", b"")
}

async fn subscriptions() {
    const TOPICS: usize = 60_000;
    let few = options().with_max_subscriptions(1000).with_max_subscription_bytes(64 * KIB);
    let publisher = PubSocket::bind_with_options("tcp://127.0.0.1:0", few).await.unwrap();
    let endpoint = publisher.local_endpoint().unwrap();
    let before = Before::now();
    let flood = flood(&endpoint, sub(), TOPICS, |n| command("SUBSCRIBE", format!("{n:064}").as_bytes()));
    until(|| publisher.stats().disconnects() == 1, || format!("{:?}", publisher.stats())).await;
    before.check_peak(TOPICS * 64, 64 * KIB + 1000 * Frame::COST, 2, PER_PEER + PER_FLOOD);
    drop(flood.join().unwrap());
}

async fn refused_subscriptions() {
    const TOPICS: usize = 60_000;
    let options = options().with_subscription_filter(|_, _| false).with_monitor_events(10);
    let publisher = PubSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
    let _monitor = publisher.monitor();
    let endpoint = publisher.local_endpoint().unwrap();
    let before = Before::now();
    let flood = flood(&endpoint, sub(), TOPICS, |n| command("SUBSCRIBE", format!("{n:064}").as_bytes()));
    let refused = || publisher.stats().subscriptions_refused;
    until(|| refused() == TOPICS as u64, || refused().to_string()).await;
    before.check_peak(TOPICS * 64, 10 * 255, 2, PER_PEER + PER_FLOOD);
    drop(flood.join().unwrap());
}

async fn changes() {
    const PAIRS: usize = 100_000;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint: Endpoint = listener.local_addr().unwrap().into();
    let publisher = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        rt::handshake(&mut stream, "PUB", b"").unwrap();
        stream
    });
    let sub = SubSocket::connect(&endpoint).await.unwrap();
    let _stream = publisher.join().unwrap();
    let before = Before::now();
    for n in 0..PAIRS {
        let topic = format!("{n:01000}");
        sub.subscribe(&topic).unwrap();
        assert!(sub.unsubscribe(&topic).unwrap());
        if n % 1000 == 0 {
            rt::yield_now().await;
        }
    }
    before.check_peak(PAIRS * 2000, 64 * KIB, 1, PER_PEER + 128 * KIB);
}

async fn ends() {
    const TOPICS: usize = 20_000;
    let few = options().with_recv_hwm(10);
    let xpub = XPubSocket::bind_with_options("tcp://127.0.0.1:0", few).await.unwrap();
    let endpoint = xpub.local_endpoint().unwrap();
    let before = Before::now();
    let flood = flood(&endpoint, sub(), TOPICS, |n| command("SUBSCRIBE", &n.to_be_bytes()));
    for _ in 0..TOPICS {
        xpub.recv().await.unwrap();
    }
    drop(flood.join().unwrap());
    until(|| xpub.peers().is_empty(), || xpub.topic_count().to_string()).await;
    before.check_live(TOPICS * (8 + Frame::COST), TOPICS * 12, 2, PER_PEER);
    assert!(xpub.stats().recv_queued <= 1);
    for _ in 0..TOPICS {
        assert_eq!(xpub.recv().await.unwrap()[0].len(), 9);
    }
}

async fn events() {
    const CONNECTIONS: usize = 2000;
    let (pull, endpoint) = pull(options().with_monitor_events(10).with_monitor_drops(10)).await;
    let _monitor = pull.monitor();
    let before = Before::now();
    for _ in 0..CONNECTIONS / 100 {
        drop(attack_from_many(&endpoint, 100, push(&[])).await);
    }
    let over = || pull.stats().disconnects() + pull.stats().handshakes_failed;
    until(|| over() == CONNECTIONS as u64, || over().to_string()).await;
    before.check_live(CONNECTIONS * 4 * size_of::<SocketEvent>(), 30 * size_of::<SocketEvent>(), 2, PER_PEER);
}

async fn messages_queued() {
    const TRIED: usize = 10_000;
    let stalled = rt::stalled_peer();
    let marks = options().with_send_hwm(2000).with_send_hwm_bytes(MIB).with_flush_policy(FlushPolicy::Manual);
    let before = Before::now();
    let dealer = DealerSocket::connect_with_options(stalled.endpoint(), marks).await.unwrap();
    let refused = (0..TRIED).filter(|_| dealer.try_send(vec![1; 1000]).is_err()).count();
    assert!(refused > 0 && dealer.buffered_bytes() <= MIB);
    before.check_peak(TRIED * 1000, MIB, 1, PER_QUEUE);
}

async fn messages_of_all() {
    const SOCKETS: usize = 4;
    const TRIED: usize = 10_000;
    let stalled = rt::stalled_peer();
    let budget = SemaphorePermits::new(MIB);
    let manual = options().with_unlimited_send_hwm().with_flush_policy(FlushPolicy::Manual);
    let before = Before::now();
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        let dealer = DealerSocket::connect_with_options(stalled.endpoint(), manual.clone()).await.unwrap();
        sockets.push(dealer.with_permits(budget.clone()));
    }
    let send = |n: &usize| sockets[n % SOCKETS].try_send(vec![1; 1000]).is_err();
    let refused = (0..TRIED).filter(send).count();
    assert!(refused > 0 && budget.in_use() <= MIB);
    before.check_peak(TRIED * 1000, MIB, SOCKETS, PER_QUEUE);
}
