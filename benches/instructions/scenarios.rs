//! What is counted: plain `send().await` and `recv().await` for every message, on the simulated network.

use std::time::Duration;

use monocoque::prelude::*;
use monocoque::runtime::sim::{self, Direction, Plan, Sim, SimConfig, SimStream, TaskOrder};
use monocoque::socket;

use crate::peer;

#[cfg(feature = "curve")]
#[path = "sealed.rs"]
mod sealed;

type Dealer = socket::DealerSocket<SimStream>;
type Pub = socket::PubSocket<SimStream>;
type Pull = socket::PullSocket<SimStream>;
type Push = socket::PushSocket<SimStream>;
type Router = socket::RouterSocket<SimStream>;

const SERVER: &str = "tcp://server:5555";

pub struct Scenario {
    pub name: &'static str,
    /// Messages of the shorter run.
    pub messages: u64,
    pub run: fn(count: u64),
}

pub fn all() -> Vec<Scenario> {
    let scenario = |name, messages, run| Scenario { name, messages, run };
    let all = vec![
        scenario("send 16 B", 4_000, |count| send(count, &[&[0x5A; 16]], NoOpPermits)),
        scenario("send 64 B", 4_000, |count| send(count, &[&[0x5A; 64]], NoOpPermits)),
        scenario("send_many 64 B", 6_400, |count| send_many(count, 64)),
        scenario("recv_many 64 B", 6_400, |count| recv_many(count, 64)),
        scenario("send 1 KiB", 2_000, |count| send(count, &[&[0x5A; 1024]], NoOpPermits)),
        scenario("send 64 KiB", 100, |count| send(count, &[&[0x5A; 64 * 1024]], NoOpPermits)),
        scenario("send with permits", 4_000, |count| {
            send(count, &[&[0x5A; 64]], SemaphorePermits::new(1 << 20));
        }),
        scenario("encode 3 frames", 2_000, |count| send(count, &[&[0x5A; 64][..]; 3], NoOpPermits)),
        scenario("recv 16 B", 4_000, |count| recv(count, 16, 1)),
        scenario("recv 64 B", 4_000, |count| recv(count, 64, 1)),
        scenario("recv 1 KiB", 2_000, |count| recv(count, 1024, 1)),
        scenario("recv 64 KiB", 100, |count| recv(count, 64 * 1024, 1)),
        scenario("decode 3 frames", 2_000, |count| recv(count, 64, 3)),
        scenario("fan-out to 8", 1_000, |count| fan_out(count, 8)),
        scenario("dealer-router-dealer", 1_000, round_trips),
        scenario("inproc", 2_000, inproc),
    ];
    #[cfg(feature = "curve")]
    let all = all.into_iter().chain(sealed::all()).collect();
    all
}

/// A network without delays, with the buffers of a usual TCP connection.
fn simulate<F: Future<Output = ()>>(scenario: F) {
    let links = Plan::new()
        .with_latency(Duration::ZERO..=Duration::ZERO)
        .with_capacity(Direction::ToServer, 256 * 1024)
        .with_capacity(Direction::ToClient, 256 * 1024);
    let config = SimConfig::new().with_links(links).with_order(TaskOrder::Fifo);
    Sim::with_config(1, config).block_on(scenario);
}

fn send<P: BytePermits>(count: u64, frames: &[&[u8]], permits: P) {
    simulate(async {
        let mut listener = sim::raw_listen(SERVER).await.unwrap();
        let peer = sim::spawn(async move {
            let stream = listener.accept().await.unwrap();
            peer::swallow(stream, "PULL", b"").await;
        });
        let push = Push::connect(SERVER).await.unwrap().with_permits(permits);
        for _ in 0..count {
            match frames {
                [frame] => push.send(*frame).await.unwrap(),
                frames => push.send(frames.iter().copied().collect::<Message>()).await.unwrap(),
            }
        }
        assert_eq!(push.close().await, 0);
        peer.await.unwrap();
    });
}

fn recv(count: u64, size: usize, frames: usize) {
    simulate(async {
        let pull = Pull::bind(SERVER).await.unwrap();
        let message = peer::encoded(size, frames);
        sim::spawn(async move {
            let stream = sim::raw_connect(SERVER).await.unwrap();
            peer::pour(stream, "PUSH", &message, count).await;
        });
        for _ in 0..count {
            assert_eq!(pull.recv().await.unwrap()[frames - 1].len(), size);
        }
    });
}

/// Batches of 64, as long as messages are there.
const BATCH: u64 = 64;

fn send_many(count: u64, size: usize) {
    simulate(async move {
        let mut listener = sim::raw_listen(SERVER).await.unwrap();
        let peer = sim::spawn(async move {
            let stream = listener.accept().await.unwrap();
            peer::swallow(stream, "PULL", b"").await;
        });
        let push = Push::connect(SERVER).await.unwrap();
        let message = [0x5A; 128];
        for _ in 0..count / BATCH {
            push.send_many((0..BATCH).map(|_| &message[..size])).await.unwrap();
        }
        assert_eq!(push.close().await, 0);
        peer.await.unwrap();
    });
}

fn recv_many(count: u64, size: usize) {
    simulate(async move {
        let pull = Pull::bind(SERVER).await.unwrap();
        let message = peer::encoded(size, 1);
        sim::spawn(async move {
            let stream = sim::raw_connect(SERVER).await.unwrap();
            peer::pour(stream, "PUSH", &message, count).await;
        });
        let mut messages = Vec::new();
        let mut left = count;
        while left > 0 {
            left -= pull.recv_many(&mut messages, BATCH as usize).await.unwrap() as u64;
            assert!(messages.drain(..).all(|message| message[0].len() == size));
        }
    });
}

/// PUB to subscribers of which everyone gets everything.
fn fan_out(count: u64, subscribers: usize) {
    simulate(async move {
        let options = SocketOptions::default().with_xpub_nodrop(true);
        let publisher = Pub::bind_with_options(SERVER, options).await.unwrap();
        let peers: Vec<_> = (0..subscribers)
            .map(|_| {
                sim::spawn(async {
                    let stream = sim::raw_connect(SERVER).await.unwrap();
                    peer::swallow(stream, "SUB", b"\x04\x0a\x09SUBSCRIBE").await;
                })
            })
            .collect();
        publisher.wait_for_subscribers("", subscribers).await.unwrap();
        for _ in 0..count {
            publisher.send(&[0x5A; 64][..]).await.unwrap();
        }
        assert_eq!(publisher.close().await, 0);
        for peer in peers {
            peer.await.unwrap();
        }
    });
}

fn round_trips(count: u64) {
    simulate(async move {
        let router = Router::bind(SERVER).await.unwrap();
        let dealer = Dealer::connect(SERVER).await.unwrap();
        let echo = sim::spawn(async move {
            for _ in 0..count {
                router.send(router.recv().await.unwrap()).await.unwrap();
            }
            assert_eq!(router.close().await, 0);
        });
        for _ in 0..count {
            dealer.send(&[0x5A; 64][..]).await.unwrap();
            assert_eq!(dealer.recv().await.unwrap()[0].len(), 64);
        }
        echo.await.unwrap();
    });
}

/// Bursts from PUSH to PULL within the process.
fn inproc(count: u64) {
    const BURST: u64 = 100;
    simulate(async move {
        let pull = Pull::bind("inproc://instructions").await.unwrap();
        let push = Push::connect("inproc://instructions").await.unwrap();
        for _ in 0..count / BURST {
            for _ in 0..BURST {
                push.send(&[0x5A; 64][..]).await.unwrap();
            }
            for _ in 0..BURST {
                assert_eq!(pull.recv().await.unwrap()[0].len(), 64);
            }
        }
    });
}
