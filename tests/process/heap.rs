//! What holds on every runtime.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use super::cycles;
use super::rt::{self, *};
use super::until::until;
use crate::dropping::poll_times;
use crate::{live, take_peak};

const KIB: usize = 1024;
const MIB: usize = 1024 * 1024;

pub(crate) fn all() {
    rt::run(cycles_leave_nothing());
    rt::run(reconnections_leave_nothing());
    rt::run(a_drained_burst_leaves_nothing());
    rt::run(an_idle_connection_is_small());
    rt::run(memory_for_large_payloads_is_given_back());
    rt::run(resets_leave_nothing());
    rt::run(time_limits_leave_nothing());
    rt::run(a_shared_budget_bounds_the_heap());
    rt::run(a_shared_budget_holds_while_it_flows());
    rt::run(a_shared_budget_bounds_what_is_copied());
    rt::run(a_publisher_keeps_nothing_of_what_it_is_sent());
}

/// A thousand connections come and go. What remains is the runtime's.
async fn cycles_leave_nothing() {
    let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let endpoint = pull.local_endpoint().unwrap();
    let cycles = async |count| {
        for _ in 0..count {
            let push = PushSocket::connect(&endpoint).await.unwrap();
            push.send(vec![1; 1000]).await.unwrap();
            pull.recv().await.unwrap();
        }
    };
    cycles(20).await;
    until(|| pull.peers().is_empty(), || format!("{} peers", pull.peers().len())).await;
    let before = live();
    cycles(1000).await;
    until(|| live() <= before + 128 * KIB, || format!("{} bytes more", live().wrapping_sub(before) as isize))
        .await;
}

/// What is kept to be used again while large payloads come, and what comes back later, is let go of when none do.
async fn memory_for_large_payloads_is_given_back() {
    let (pull, push) = cycles::pipeline().await;
    push.send("first").await.unwrap();
    pull.recv().await.unwrap();
    let before = live();
    let mut held = Vec::new();
    for n in 0..8 {
        push.send(vec![n; MIB]).await.unwrap();
        let payload = pull.recv().await.unwrap().into_single().unwrap();
        assert_eq!(payload, vec![n; MIB]);
        held.extend((n == 0).then_some(payload));
    }
    let small = |held: usize| live() <= before + held + 256 * KIB;
    let told = || format!("{} bytes more", live().wrapping_sub(before) as isize);
    until(|| small(MIB), told).await;
    drop(held);
    until(|| small(0), told).await;
}

/// The same two sockets lose and restore their connection a thousand times.
async fn reconnections_leave_nothing() {
    let (pull, push) = cycles::pipeline().await;
    cycles::reconnect(20, &pull, &push).await;
    let before = live();
    cycles::reconnect(1000, &pull, &push).await;
    until(|| live() <= before + 128 * KIB, || format!("{} bytes more", live().wrapping_sub(before) as isize))
        .await;
}

/// A thousand resets of one connection.
async fn resets_leave_nothing() {
    let (listener, push) = cycles::to_listener().await;
    cycles::reset(20, &listener, &push).await;
    let before = live();
    cycles::reset(1000, &listener, &push).await;
    until(|| live() <= before + 128 * KIB, || format!("{} bytes more", live().wrapping_sub(before) as isize))
        .await;
}

/// A limit that is far away is gone with its call, however many calls there were: of `recv`, which waits each
/// time, and of `send`, which waits at the mark.
async fn time_limits_leave_nothing() {
    let options = || {
        let hour = Some(Duration::from_secs(3600));
        SocketOptions::default().with_recv_timeout(hour).with_send_timeout(hour).with_send_hwm(1)
    };
    let a = PairSocket::bind_with_options("tcp://127.0.0.1:0", options()).await.unwrap();
    let b = PairSocket::connect_with_options(a.local_endpoint().unwrap(), options()).await.unwrap();
    rt::spawn(async move {
        while let Ok(message) = a.recv().await {
            a.send(message).await.unwrap();
        }
    });
    let echoes = async |count| {
        for _ in 0..count {
            b.send("x").await.unwrap();
            b.recv().await.unwrap();
        }
    };
    echoes(100).await;
    let before = live();
    echoes(20_000).await;
    until(|| live() <= before + 64 * KIB, || format!("{} bytes more", live().wrapping_sub(before) as isize))
        .await;
    // Three at once: at a mark of one, calls of `send` wait.
    let flood = async |count: usize| {
        for _ in 0..count {
            let sent = futures_util::future::join3(b.send("x"), b.send("y"), b.send("z")).await;
            sent.0.and(sent.1).and(sent.2).unwrap();
            for _ in 0..3 {
                b.recv().await.unwrap();
            }
        }
    };
    flood(2000).await;
    until(|| live() <= before + 64 * KIB, || format!("{} bytes more", live().wrapping_sub(before) as isize))
        .await;
}

async fn a_drained_burst_leaves_nothing() {
    let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let options = SocketOptions::default().with_unlimited_send_hwm();
    let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options).await.unwrap();
    push.send("x").await.unwrap();
    pull.recv().await.unwrap();
    let before = live();
    take_peak();
    let mut queued = 0;
    while push.send_buffered(vec![1; 200]).is_ok() && queued < 100_000 {
        queued += 1;
    }
    assert!(take_peak() - before > 10 * MIB, "the test does something");
    for _ in 0..queued {
        pull.recv().await.unwrap();
    }
    while pull.try_recv().is_ok() {}
    until(|| live() <= before + 256 * KIB, || format!("{} bytes more", live().wrapping_sub(before) as isize))
        .await;
}

async fn an_idle_connection_is_small() {
    const CONNECTIONS: usize = 500;
    let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let endpoint = pull.local_endpoint().unwrap();
    let before = live();
    let mut clients: Vec<TcpStream> = Vec::with_capacity(CONNECTIONS);
    for n in 0..CONNECTIONS {
        let mut client = TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap();
        client.write_all(&rt::opening("PUSH", b"")).unwrap();
        clients.push(client);
        pull.wait_for_peers(n + 1).await.unwrap();
    }
    let each = (live() - before) / CONNECTIONS;
    assert!(each <= 4 * KIB, "{each} bytes of heap for an idle connection");
}

const BUDGET: usize = 32 * MIB;
const LARGEST: usize = 16 * MIB;
const PEERS: usize = 4;
/// The budget, the message in the making, and a constant for each peer.
const MOST: usize = BUDGET + LARGEST + PEERS * 4 * MIB;

/// Four sockets that share a budget, connected to peers whose reading is up to the test.
///
/// The kernel takes little at a time, so that messages queue up here.
async fn sharing(budget: &SemaphorePermits, peer: &rt::StalledPeer) -> Vec<DealerSocket<SemaphorePermits>> {
    let options = SocketOptions::default().with_unlimited_send_hwm().with_send_buffer(256 * KIB);
    let mut sockets = Vec::new();
    for _ in 0..PEERS {
        let connecting = DealerSocket::connect_with_options(peer.endpoint(), options.clone());
        let dealer = connecting.await.unwrap();
        sockets.push(dealer.with_permits(budget.clone()));
    }
    sockets
}

/// 1 byte to 16 MiB, each power of two as often.
fn any_size(random: &mut fastrand::Rng) -> usize {
    let size = 1 << random.u32(0..=24);
    random.usize(1..=size)
}

/// The peers read nothing: what does not fit is refused.
async fn a_shared_budget_bounds_the_heap() {
    let budget = SemaphorePermits::new(BUDGET);
    let stalled = rt::stalled_peer();
    let sockets = sharing(&budget, &stalled).await;
    let before = live();
    take_peak();
    let mut random = fastrand::Rng::with_seed(1);
    let mut refused = 0;
    for n in 0..2_000 {
        let size = any_size(&mut random);
        refused += usize::from(sockets[n % PEERS].try_send(vec![1; size]).is_err());
        if n % 10 == 0 {
            rt::yield_now().await;
        }
    }
    let peak = take_peak() - before;
    assert!(refused > 100 && peak > BUDGET / 2, "the test did something: {refused} refused, {peak} bytes");
    assert!(peak <= MOST, "{peak} bytes over a bound of {MOST}");
    assert!(budget.available() < BUDGET / 2);
}

/// The peers read, and sends that have to wait are dropped now and then: many times the budget goes through
/// it.
async fn a_shared_budget_holds_while_it_flows() {
    let budget = SemaphorePermits::new(BUDGET);
    let peer = rt::stalled_peer();
    let sockets = sharing(&budget, &peer).await;
    let before = live();
    take_peak();
    let readers = [0; PEERS].map(|_| {
        let mut stream = peer.stream();
        std::thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()))
    });
    let mut random = fastrand::Rng::with_seed(2);
    let (mut sent, mut dropped) = (0, 0);
    for n in 0.. {
        let size = any_size(&mut random);
        let send = sockets[n % PEERS].send(vec![1; size]);
        match poll_times(send, random.usize(1..5), rt::yield_now).await {
            Some(result) => {
                result.unwrap();
                sent += size;
            }
            None => dropped += 1,
        }
        if sent > 4 * BUDGET && dropped > 50 {
            break;
        }
    }
    let peak = take_peak() - before;
    assert!(peak <= MOST, "{peak} bytes over a bound of {MOST}");
    for socket in &sockets {
        socket.flush().await.unwrap();
    }
    assert_eq!(budget.available(), BUDGET, "all of it came back");
    drop(sockets);
    for reader in readers {
        reader.join().unwrap().unwrap();
    }
}

/// Small messages are copied into one buffer for each connection, which may take twice what is in it and a
/// little more. The budget goes from one socket to the next, and the first keeps nothing of it.
async fn a_shared_budget_bounds_what_is_copied() {
    const LEFT: usize = 8 * MIB;
    let budget = SemaphorePermits::new(BUDGET);
    let peer = rt::stalled_peer();
    let sockets = sharing(&budget, &peer).await;
    let mut streams = Vec::new();
    let before = live();
    take_peak();
    for socket in &sockets {
        let mut stream = peer.stream();
        // Otherwise the kernel's share grows while somebody reads, up to all that is left here.
        socket2::SockRef::from(&stream).set_recv_buffer_size(256 * KIB).unwrap();
        let mut queued = 0;
        while socket.try_send(vec![1; 10_000]).is_ok() {
            queued += 10_000;
        }
        assert!(queued > LEFT, "{queued} bytes of {BUDGET}");
        // All but the last of it is read: more than the kernel takes by itself, so that the queue is never
        // empty.
        let mut left = queued - LEFT;
        let reader = std::thread::spawn(move || {
            let mut some = vec![0; 64 * KIB];
            while left > 0 {
                left = left.saturating_sub(stream.read(&mut some).unwrap());
            }
            stream
        });
        until(|| socket.buffered_bytes() < LEFT, || format!("{} queued", socket.buffered_bytes())).await;
        assert!(socket.buffered_bytes() > 0);
        streams.push(reader.join().unwrap());
    }
    let (peak, most) = (take_peak() - before, 3 * BUDGET + PEERS * 2 * MIB);
    assert!(peak <= most, "{peak} bytes over a bound of {most}");
}

/// Connects as an XSUB on a thread of its own, and sends messages that are no subscriptions.
fn flood(endpoint: &Endpoint, messages: usize, size: usize) -> JoinHandle<()> {
    let (port, opening) = (endpoint.port().unwrap(), rt::opening("XSUB", b""));
    std::thread::spawn(move || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(&opening).unwrap();
        let mut frame = vec![2];
        frame.extend((size as u64).to_be_bytes());
        frame.resize(9 + size, b'x');
        for _ in 0..messages {
            stream.write_all(&frame).unwrap();
        }
        stream.shutdown(Shutdown::Write).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    })
}

/// CVE-2021-20237: messages to a PUB were never freed. Two peers flood it, one of them with large frames.
async fn a_publisher_keeps_nothing_of_what_it_is_sent() {
    let publisher = PubSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let endpoint = publisher.local_endpoint().unwrap();
    let over = async |floods: Vec<JoinHandle<()>>| {
        let left = || floods.iter().filter(|flood| !flood.is_finished()).count();
        until(|| left() == 0 && publisher.peers().is_empty(), || left().to_string()).await;
    };
    over(vec![flood(&endpoint, 100, 1000)]).await;
    let before = live();
    take_peak();
    over(vec![flood(&endpoint, 20_000, 1000), flood(&endpoint, 50, MIB)]).await;
    let peak = take_peak() - before;
    let stats = publisher.stats();
    assert_eq!((stats.received, stats.recv_dropped, stats.recv_queued), (20_150, 20_150, 0));
    assert!(peak <= 6 * MIB, "{peak} bytes of what is thrown away");
    until(|| live() <= before + 128 * KIB, || format!("{} bytes", live() - before)).await;
}
