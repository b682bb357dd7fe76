//! TLS on the simulated network: each call dropped at every await, and connections that are cut at any byte.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use monocoque::prelude::*;
use monocoque::runtime::sim::{self, Cut, Direction, Plan, Sim, SimConfig, SimRuntime};
use monocoque::runtime::tls::Tls;
use monocoque::runtime::tls::rustls::ClientConnection;
use monocoque::runtime::tls::rustls::pki_types::ServerName;
use monocoque::runtime::{Layered, LayeredStream};
use monocoque::socket;

use crate::certificates::AUTHORITY;
use crate::configured::Configured;

type Stream = LayeredStream<SimRuntime, Configured>;

/// What the suites need of a runtime.
mod rt {
    use super::{Configured, Duration, Future, Plan, Sim, SimConfig, Stream, sim};
    pub use monocoque::prelude::*;
    use monocoque::runtime::Layer;
    use monocoque::socket;

    pub type DealerSocket<P = NoOpPermits> = socket::DealerSocket<Stream, P>;
    pub type RouterSocket<P = NoOpPermits> = socket::RouterSocket<Stream, P>;

    /// Records are split anywhere, and polls come unasked.
    pub fn run<F: Future<Output = ()>>(test: F) {
        assert!(Configured::current().is_some());
        let links = Plan::new()
            .with_latency(Duration::ZERO..=Duration::from_micros(50))
            .with_read_chunk(1..=5_000)
            .with_write_chunk(1..=5_000)
            .with_capacity(sim::Direction::ToServer, 4_000)
            .with_capacity(sim::Direction::ToClient, 4_000);
        let config = SimConfig::new().with_links(links).with_spurious_pending(true).with_spurious_wakes(true);
        Sim::with_config(1, config).block_on(test);
    }

    pub async fn yield_now() {
        sim::sleep(Duration::from_micros(10)).await;
    }
}

#[path = "../../../tests/suite/dropped.rs"]
mod dropped;

const SERVER: &str = "tcp://server:5555";
const MESSAGES: u32 = 5;

fn quick() -> SocketOptions {
    let ms = Duration::from_millis;
    SocketOptions::default()
        .with_backoff(Backoff::new().with_initial(ms(10)).with_max(ms(40)))
        .with_handshake_timeout(ms(200))
        .with_heartbeat_interval(Some(ms(100)))
        .with_heartbeat_timeout(ms(100))
}

/// One that has no session to resume, so that every handshake is a whole one.
fn fresh_client() -> Layered<SimRuntime, Configured> {
    let tls = Tls::client(AUTHORITY.client(Some(AUTHORITY.issue(&["client"]))));
    let name = ServerName::try_from("localhost").unwrap();
    Layered::on_current(Configured(tls.with_server_name(name))).unwrap()
}

/// What has come, whole, in order and new.
fn take_all(pull: &socket::PullSocket<Stream>, received: &mut Vec<u32>) {
    while let Ok(message) = pull.try_recv() {
        let number = u32::from_be_bytes(message[0][..].try_into().unwrap());
        assert_eq!(message[1], vec![number as u8; 300]);
        assert!(received.last().is_none_or(|last| *last < number), "{number} after {received:?}");
        received.push(number);
    }
}

/// Messages over a connection with this plan and those that replace it; how many bytes went each way.
fn session(plan: Plan) -> [u64; 2] {
    let links = Plan::new().with_give_up(Duration::from_millis(200));
    let sim = Sim::with_config(1, SimConfig::new().with_links(links));
    sim.network().on_next_connect(plan);
    let mut traffic = None;
    sim.block_on(async {
        let pull = socket::PullSocket::<Stream>::bind_with_options(SERVER, quick()).await.unwrap();
        let push = socket::PushSocket::<Stream>::new_on(&fresh_client(), quick()).unwrap();
        push.connect_to(SERVER).unwrap();
        let mut received = Vec::new();
        for number in 0..=MESSAGES {
            if number == MESSAGES {
                // Idle, with heartbeats; and as long again for what happens then to be noticed.
                sim::sleep(Duration::from_millis(400)).await;
                traffic = sim.network().links().first().cloned();
                sim::sleep(Duration::from_millis(600)).await;
            }
            push.send((number.to_be_bytes(), vec![number as u8; 300])).await.unwrap();
            sim::sleep(Duration::from_millis(1)).await;
            take_all(&pull, &mut received);
        }
        push.flush().await.unwrap();
        sim::sleep(Duration::from_millis(10)).await;
        take_all(&pull, &mut received);
        assert_eq!(received.last(), Some(&MESSAGES), "traffic goes on");
        let (sender, receiver) = (push.stats(), pull.stats());
        assert_eq!((sender.queued, sender.dropped_total()), (0, 0));
        assert!(receiver.delivered >= sender.sent - sender.in_doubt, "{sender:?}\n{receiver:?}");
    });
    [Direction::ToServer, Direction::ToClient]
        .map(|direction| traffic.as_ref().map_or(0, |link| link.direction(direction).delivered))
}

/// The lengths of certificates and signatures differ by a few bytes from run to run; so all bytes come to be cut at.
#[test]
fn a_cut_or_a_stall_at_any_byte_loses_nothing() {
    const STEP: usize = 41;
    let whole = session(Plan::new());
    assert!(whole.iter().all(|bytes| *bytes > 500), "{whole:?}");
    for (direction, bytes) in [Direction::ToServer, Direction::ToClient].into_iter().zip(whole) {
        for at in (fastrand::u64(..STEP as u64)..bytes).step_by(STEP) {
            for cut in [Some(Cut::Fin), Some(Cut::Reset), Some(Cut::Silence), None] {
                let plan = match cut {
                    Some(cut) => Plan::new().cut_after(direction, at, cut),
                    None => Plan::new().stall_after(direction, at),
                };
                let survived = std::panic::catch_unwind(|| session(plan));
                assert!(survived.is_ok(), "{cut:?} after {at} of {bytes} bytes {direction:?}");
            }
        }
    }
}

/// What the server computes for a handshake takes as long as hundreds of messages.
#[test]
fn handshakes_that_come_at_once_leave_turns_to_others() {
    const HELLOS: usize = 256;
    let links = Plan::new().with_latency(Duration::ZERO..=Duration::ZERO);
    Sim::with_config(1, SimConfig::new().with_links(links)).block_on(async {
        let router = rt::RouterSocket::bind_with_options(SERVER, SocketOptions::default()).await.unwrap();
        let dealer = rt::DealerSocket::connect_with_options(SERVER, SocketOptions::default()).await.unwrap();
        let config = AUTHORITY.client(None);
        let answered = Rc::new(Cell::new(0));
        let mut crowd = Vec::new();
        for _ in 0..HELLOS {
            let name = ServerName::try_from("localhost").unwrap();
            let mut hello = Vec::new();
            ClientConnection::new(config.clone(), name).unwrap().write_tls(&mut hello).unwrap();
            crowd.push((sim::raw_connect(SERVER).await.unwrap(), hello));
        }
        for (mut stream, hello) in crowd {
            let answered = Rc::clone(&answered);
            sim::spawn(async move {
                stream.write_all(&hello).await.unwrap();
                stream.read_exact(&mut [0; 500]).await.unwrap();
                answered.set(answered.get() + 1);
            });
        }
        let mut round_trips = 0;
        while answered.get() < HELLOS {
            dealer.send("x").await.unwrap();
            let (identity, message) = router.recv_from().await.unwrap();
            router.send_to(identity, message).await.unwrap();
            assert_eq!(dealer.recv().await.unwrap()[0], "x");
            round_trips += 1;
        }
        println!("{round_trips} round trips while {HELLOS} were answered");
        assert!(round_trips >= HELLOS / 8, "{round_trips} round trips");
    });
}

#[test]
fn one_byte_at_a_time_is_as_good_as_any() {
    session(Plan::new().with_read_chunk(1..=1).with_write_chunk(1..=1));
}
