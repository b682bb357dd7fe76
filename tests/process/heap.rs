//! What holds on every runtime.

use std::io::Write;
use std::net::TcpStream;

use super::cycles::{self, until};
use super::rt::{self, *};
use crate::{live, take_peak};

const KIB: usize = 1024;
const MIB: usize = 1024 * 1024;

pub(crate) fn all() {
    rt::run(cycles_leave_nothing());
    rt::run(reconnections_leave_nothing());
    rt::run(a_drained_burst_leaves_nothing());
    rt::run(an_idle_connection_is_small());
    rt::run(a_shared_budget_bounds_the_heap());
}

/// A thousand connections come and go. What remains for a while are their deadlines, of a few bytes each.
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

/// The same two sockets lose and restore their connection a thousand times.
async fn reconnections_leave_nothing() {
    let (pull, push) = cycles::pipeline().await;
    cycles::reconnect(20, &pull, &push).await;
    let before = live();
    cycles::reconnect(1000, &pull, &push).await;
    until(|| live() <= before + 128 * KIB, || format!("{} bytes more", live().wrapping_sub(before) as isize))
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

/// Four sockets share a budget, their peers read nothing, and messages have any size.
async fn a_shared_budget_bounds_the_heap() {
    const BUDGET: usize = 32 * MIB;
    const LARGEST: usize = 16 * MIB;
    const PEERS: usize = 4;
    let budget = SemaphorePermits::new(BUDGET);
    let stalled = rt::stalled_peer();
    let mut sockets = Vec::new();
    for _ in 0..PEERS {
        let dealer = DealerSocket::connect(stalled.endpoint()).await.unwrap();
        sockets.push(dealer.with_permits(budget.clone()));
    }
    let before = live();
    take_peak();
    let mut random = fastrand::Rng::with_seed(1);
    let mut refused = 0;
    for n in 0..2_000 {
        let size = 1 << random.u32(0..=24);
        let size = random.usize(1..=size);
        match sockets[n % PEERS].try_send(vec![1; size]) {
            Ok(()) => {}
            Err(_) => refused += 1,
        }
        if n % 10 == 0 {
            rt::yield_now().await;
        }
    }
    let most = BUDGET + LARGEST + PEERS * 256 * KIB;
    let peak = take_peak() - before;
    assert!(refused > 100 && peak > BUDGET / 2, "the test did something: {refused} refused, {peak} bytes");
    assert!(peak <= most, "{peak} bytes over a bound of {most}");
    assert!(budget.available() < BUDGET / 2);
}
