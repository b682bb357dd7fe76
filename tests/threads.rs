//! Sockets shared by tasks on several threads: every wake finds its task, and nothing is lost on the way.
#![cfg(feature = "tokio")]

#[macro_use(test)]
extern crate monocoque_test_limit;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use monocoque::tokio::prelude::*;

#[path = "support/vacant.rs"]
mod vacant;
use vacant::vacant;

const THREADS: usize = 4;
const SENDERS: u32 = 8;
const EACH: u32 = 3_000;

fn run<F: Future<Output = ()> + Send + 'static>(test: F) {
    let runtime = ::tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let runtime = runtime.unwrap();
    runtime.block_on(async {
        // Spawned, so that it moves between threads like the rest.
        let task = ::tokio::spawn(test);
        task.await.unwrap();
    });
}

fn message(sender: u32, number: u32) -> Message {
    let mut message = Message::from(sender.to_be_bytes());
    message.push_back(number.to_be_bytes());
    if number % 100 == 0 {
        message.push_back(vec![number as u8; 50_000]);
    }
    message
}

fn parse(message: &Message) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(message[at][..].try_into().unwrap());
    let (sender, number) = (number(0), number(1));
    assert!(*message == self::message(sender, number), "whole");
    (sender, number)
}

/// What all receivers got, by sender.
#[derive(Default)]
struct Received(HashMap<u32, Vec<u32>>);

impl Received {
    fn check(mut self) {
        assert_eq!(self.0.len(), SENDERS as usize);
        for (sender, numbers) in &mut self.0 {
            numbers.sort_unstable();
            assert!(numbers.iter().copied().eq(0..EACH), "{sender}: lost or doubled");
        }
    }
}

/// Sends on a clone, dropping sends that take too long and trying again.
async fn send_all(push: PushSocket, sender: u32) {
    let mut random = fastrand::Rng::with_seed(sender.into());
    for number in 0..EACH {
        loop {
            let limit = Duration::from_micros(random.u64(0..3_000));
            match ::tokio::time::timeout(limit, push.send(message(sender, number))).await {
                Ok(sent) => break sent.unwrap(),
                Err(_) => ::tokio::task::yield_now().await,
            }
        }
    }
}

/// Receives on a clone until all have it all together, dropping calls now and then.
async fn receive_all(pull: PullSocket, seed: u64, left: Arc<AtomicU32>) -> Vec<(u32, u32)> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut got = Vec::new();
    while left.load(Ordering::Acquire) > 0 {
        let limit = Duration::from_micros(random.u64(0..20_000));
        if let Ok(message) = ::tokio::time::timeout(limit, pull.recv()).await {
            got.push(parse(&message.unwrap()));
            left.fetch_sub(1, Ordering::AcqRel);
        }
    }
    got
}

/// Many senders on clones of one socket, many receivers on clones of another.
async fn many_to_many(options: SocketOptions) {
    let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options.clone()).await.unwrap();
    let push = PushSocket::connect_with_options(pull.local_endpoint().unwrap(), options).await.unwrap();
    let left = Arc::new(AtomicU32::new(SENDERS * EACH));
    let receivers: Vec<_> = (0..THREADS as u64)
        .map(|seed| ::tokio::spawn(receive_all(pull.clone(), seed, Arc::clone(&left))))
        .collect();
    let senders: Vec<_> = (0..SENDERS).map(|n| ::tokio::spawn(send_all(push.clone(), n))).collect();
    for sender in senders {
        sender.await.unwrap();
    }
    push.flush().await.unwrap();
    let mut received = Received::default();
    for receiver in receivers {
        let got = receiver.await.unwrap();
        let mut last = HashMap::new();
        for (sender, number) in got {
            assert!(last.insert(sender, number) < Some(number), "one receiver sees each sender in order");
            received.0.entry(sender).or_default().push(number);
        }
    }
    received.check();
    let (sent, got) = (push.stats(), pull.stats());
    assert_eq!((sent.accepted, sent.sent), (u64::from(SENDERS * EACH), u64::from(SENDERS * EACH)));
    assert_eq!(got.delivered, sent.sent);
    assert_eq!((push.close().await, pull.close().await), (0, 0));
}

#[test]
fn many_senders_and_receivers() {
    run(many_to_many(SocketOptions::default()));
}

/// Marks and buffers so small that everybody waits all the time.
#[test]
fn many_senders_and_receivers_at_their_marks() {
    run(many_to_many(
        SocketOptions::default()
            .with_send_hwm(2)
            .with_recv_hwm(2)
            .with_send_buffer(4096)
            .with_recv_buffer(4096),
    ));
}

#[test]
fn many_senders_and_receivers_eagerly() {
    run(many_to_many(SocketOptions::default().with_flush_policy(FlushPolicy::Eager).with_send_hwm(100)));
}

/// Clients on all threads, each with a socket of its own, and servers that share one ROUTER.
#[test]
fn many_clients_and_one_router() {
    run(async {
        let router = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let servers: Vec<_> = (0..THREADS)
            .map(|_| {
                let router = router.clone();
                ::tokio::spawn(async move {
                    while let Ok((identity, message)) = router.recv_from().await {
                        router.send_to(identity, message).await.unwrap();
                    }
                })
            })
            .collect();
        let clients: Vec<_> = (0..SENDERS)
            .map(|client| {
                let endpoint = endpoint.clone();
                ::tokio::spawn(async move {
                    let dealer = DealerSocket::connect(endpoint).await.unwrap();
                    for number in 0..EACH {
                        dealer.send(message(client, number)).await.unwrap();
                        assert_eq!(parse(&dealer.recv().await.unwrap()), (client, number));
                    }
                    assert_eq!(dealer.close().await, 0);
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        assert_eq!(router.close().await, 0);
        for server in servers {
            server.await.unwrap();
        }
    });
}

/// Connections come and go while others are used.
#[test]
fn sockets_come_and_go_on_all_threads() {
    run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let comers: Vec<_> = (0..SENDERS)
            .map(|n| {
                let endpoint = endpoint.clone();
                ::tokio::spawn(async move {
                    for number in 0..100 {
                        let push = PushSocket::connect(&endpoint).await.unwrap();
                        push.send(message(n, number)).await.unwrap();
                        if number % 2 == 0 {
                            assert_eq!(push.close().await, 0);
                        }
                    }
                })
            })
            .collect();
        let mut count = HashMap::new();
        for _ in 0..SENDERS * 100 {
            let (sender, number) = parse(&pull.recv().await.unwrap());
            assert!(count.insert((sender, number), ()).is_none(), "once");
        }
        for comer in comers {
            comer.await.unwrap();
        }
        assert!(matches!(pull.try_recv(), Err(Error::WouldBlock)));
    });
}

/// One budget for sockets on all threads.
#[test]
fn a_budget_shared_by_all_threads() {
    run(async {
        let budget = SemaphorePermits::new(100_000);
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let senders: Vec<_> = (0..SENDERS)
            .map(|n| {
                let (endpoint, budget) = (endpoint.clone(), budget.clone());
                ::tokio::spawn(async move {
                    let push = PushSocket::connect(endpoint).await.unwrap().with_permits(budget);
                    for number in 0..EACH / 10 {
                        push.send(message(n, number * 10)).await.unwrap();
                    }
                    push.flush().await.unwrap();
                    push.close().await
                })
            })
            .collect();
        for _ in 0..SENDERS * (EACH / 10) {
            parse(&pull.recv().await.unwrap());
        }
        for sender in senders {
            assert_eq!(sender.await.unwrap(), 0);
        }
        assert_eq!(budget.available(), 100_000);
    });
}

/// What both sides of one connection say became of its messages: every one is somewhere.
fn settled(push: &PushSocket, pull: &PullSocket) -> (u64, u64) {
    let (out, into) = (push.stats(), pull.stats());
    assert_eq!(out.accepted, out.sent + out.queued + out.dropped_total());
    assert_eq!(into.received, into.delivered + into.recv_queued + into.recv_dropped);
    (out.sent, into.received)
}

/// The receiver closes while the connection, or what was sent on it, is on its way to its companion.
#[test]
fn what_was_sent_inside_of_the_process_is_somewhere() {
    run(async {
        let options = SocketOptions::default().with_linger(Duration::ZERO);
        for round in 0..400 {
            let name = format!("inproc://threads/somewhere/{round}");
            let pull = PullSocket::bind(&name).await.unwrap();
            let push = PushSocket::connect_with_options(&name, options.clone()).await.unwrap();
            push.send("x").await.unwrap();
            if round % 2 == 0 {
                pull.close().await;
                push.close().await;
            } else {
                push.close().await;
                pull.close().await;
            }
            let (sent, received) = settled(&push, &pull);
            assert_eq!(sent, received, "round {round}: {:?} {:?}", push.stats(), pull.stats());
        }
    });
}

/// The companion, which closes listeners, runs on other threads than those who let them go.
#[test]
fn an_address_can_be_bound_again_and_again() {
    run(async {
        let mut endpoints = vec![vacant()];
        if cfg!(target_os = "linux") {
            endpoints.push(format!(
                "ipc://@monocoque-threads-{}-{:x}",
                std::process::id(),
                fastrand::u64(..)
            ));
        }
        for endpoint in endpoints {
            for round in 0..200 {
                let context = format!("{endpoint}, round {round}");
                let closed = PullSocket::bind(&endpoint).await.expect(&context);
                let push = PushSocket::connect(&endpoint).await.expect(&context);
                drop(push);
                closed.close().await;
                let unbound = PullSocket::bind(&endpoint).await.expect(&context);
                unbound.unbind(&endpoint).unwrap();
                drop(PullSocket::bind(&endpoint).await.expect(&context));
            }
        }
    });
}

/// The same in its order that matters: the companion of the receiver does not run before it is closed.
#[test]
fn a_connection_that_a_closed_socket_never_took_gives_everything_back() {
    let runtime = || ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (here, there) = (runtime(), runtime());
    for sender_first in [false, true] {
        let name = format!("inproc://threads/never taken/{sender_first}");
        let pull = there.block_on(PullSocket::bind(&name)).unwrap();
        let push = here.block_on(async {
            let options = SocketOptions::default().with_linger(Duration::ZERO);
            let push = PushSocket::connect_with_options(&name, options).await.unwrap();
            push.send("x").await.unwrap();
            push
        });
        if sender_first {
            assert_eq!(here.block_on(push.close()), 0, "it is left to the receiver");
        }
        there.block_on(pull.close());
        if !sender_first {
            assert_eq!(here.block_on(push.close()), 1);
        }
        assert_eq!(settled(&push, &pull), if sender_first { (1, 1) } else { (0, 0) });
    }
}

/// A runtime that nobody runs closes nothing: whoever binds is told so, and does not wait for ever.
#[test]
fn a_runtime_that_stands_still_keeps_its_addresses() {
    let runtime = || ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stands_still = runtime();
    let endpoint = stands_still
        .block_on(async { PullSocket::bind("tcp://127.0.0.1:0").await.unwrap().local_endpoint().unwrap() });
    let runs = runtime();
    let bind = || runs.block_on(PullSocket::bind(&endpoint));
    assert_eq!(bind().unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(stands_still);
    bind().unwrap();
}

/// The figures of a moment and the events since, put together, are the figures at the end: nothing falls
/// between them and nothing is in both, whatever other threads do at that moment.
#[test]
fn a_snapshot_and_the_events_since_are_the_whole_truth() {
    run(async {
        let options = SocketOptions::default().with_router_mandatory(false).with_monitor_events(1 << 20);
        let router = RouterSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let mut tasks = Vec::new();
        for client in 0..4_u8 {
            let (endpoint, router) = (endpoint.clone(), router.clone());
            tasks.push(::tokio::spawn(async move {
                for _ in 0..50 {
                    let options = SocketOptions::default().with_identity(vec![b'a' + client]);
                    let dealer = DealerSocket::connect_with_options(&endpoint, options).await.unwrap();
                    router.send_to("nobody", "x").await.unwrap();
                    dealer.close().await;
                }
            }));
        }
        let mut snapshots = Vec::new();
        while !tasks.iter().all(::tokio::task::JoinHandle::is_finished) {
            snapshots.push(router.monitor_with_snapshot());
            ::tokio::task::yield_now().await;
            if snapshots.len() > 200 {
                snapshots.remove(0);
            }
        }
        for task in tasks {
            task.await.unwrap();
        }
        while router.is_connected() {
            ::tokio::task::yield_now().await;
        }
        let end = router.stats();
        assert_eq!((end.connects, end.dropped(DropCause::Unroutable)), (200, 200));
        for (at, mut monitor) in snapshots {
            let (mut connects, mut ended) = (at.connects, at.disconnects());
            let mut dropped = at.dropped(DropCause::Unroutable);
            let mut peers: Vec<PeerId> = at.peers.iter().map(|peer| peer.peer).collect();
            while let Some(event) = monitor.try_next() {
                match event {
                    SocketEvent::HandshakeSucceeded { peer, .. } => {
                        connects += 1;
                        peers.push(peer);
                    }
                    SocketEvent::Disconnected { peer, .. } => {
                        ended += 1;
                        let place = peers.iter().position(|other| *other == peer);
                        peers.remove(place.expect("in the snapshot or told since"));
                    }
                    SocketEvent::MessagesDropped { count, .. } => dropped += count,
                    _ => {}
                }
            }
            assert_eq!((connects, ended, dropped), (200, 200, 200));
            assert!(peers.is_empty(), "{peers:?}");
        }
    });
}
