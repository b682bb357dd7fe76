//! Random and damaged sessions against every socket type, from either side of the connection: nothing
//! panics, nothing grows, and a good peer never notices.
//!
//! Seeds are fixed, a failure names its own. `MONOCOQUE_FUZZ_SECONDS` runs more of them.

use std::time::{Duration, Instant};

use fastrand::Rng;
use monocoque::runtime::AsyncStream;
use monocoque::socket::{Kind, Socket};

use super::support::*;

const SEEDS: u64 = 120;
const HOSTILE: &str = "tcp://hostile:1";
const TYPES: [&str; 11] =
    ["PUSH", "PULL", "DEALER", "ROUTER", "REQ", "REP", "PUB", "SUB", "XPUB", "XSUB", "PAIR"];

/// Runs `case` for the usual seeds, or for as long as the environment asks.
fn for_seeds(case: impl Fn(&mut Rng)) {
    let seconds = std::env::var("MONOCOQUE_FUZZ_SECONDS").ok().map(|text| text.parse().unwrap());
    let start = Instant::now();
    for seed in 0.. {
        if seconds.map_or(seed >= SEEDS, |limit| start.elapsed() >= Duration::from_secs(limit)) {
            return;
        }
        let case = std::panic::AssertUnwindSafe(|| case(&mut Rng::with_seed(seed)));
        if let Err(panic) = std::panic::catch_unwind(case) {
            eprintln!("failed with seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

fn frame_of(rng: &mut Rng) -> Vec<u8> {
    let mut body: Vec<u8> = (0..rng.usize(..40)).map(|_| rng.u8(..)).collect();
    if rng.u8(..4) == 0 {
        let name = *rng.choice(&["PING", "PONG", "SUBSCRIBE", "CANCEL", "ERROR", "READY", "HELLO"]).unwrap();
        body = [&[name.len() as u8], name.as_bytes(), &body].concat();
    }
    match rng.u8(..8) {
        // Lengths that promise much, or that nobody can mean.
        0 => [&[rng.u8(..8)][..], &rng.u64(..).to_be_bytes(), &body].concat(),
        1 => [&[2][..], &rng.u64(..100_000).to_be_bytes(), &body].concat(),
        2 => [&[rng.u8(..), body.len() as u8][..], &body].concat(),
        _ => [&[rng.u8(..2) + 4 * rng.u8(..2), body.len() as u8][..], &body].concat(),
    }
}

/// A session that is good up to some point, with some bytes changed, or none.
fn session(rng: &mut Rng) -> Vec<u8> {
    let identity: Vec<u8> = (0..rng.usize(..20)).map(|_| rng.u8(..)).collect();
    let mut bytes = crate::stalled::opening(rng.choice(TYPES).unwrap(), &identity);
    if rng.u8(..8) == 0 {
        bytes.fill_with(|| rng.u8(..));
    }
    for _ in 0..rng.usize(..12) {
        bytes.extend(frame_of(rng));
    }
    for _ in 0..rng.usize(..3) {
        let at = rng.usize(..bytes.len());
        match rng.u8(..4) {
            0 => bytes[at] = rng.u8(..),
            1 => bytes[at] ^= 1 << rng.u8(..8),
            2 => bytes.insert(at, rng.u8(..)),
            _ => drop(bytes.remove(at)),
        }
    }
    bytes.truncate(rng.usize(..=bytes.len()) + rng.usize(..200));
    bytes
}

/// Says all of it, in pieces, hears what it is told, and goes in one way or another.
async fn play(mut stream: RawStream, rng: &mut Rng) {
    let bytes = session(rng);
    let mut rest = &bytes[..];
    let mut heard = [0; 4096];
    while !rest.is_empty() {
        let (piece, later) = rest.split_at(rng.usize(1..=rest.len()));
        // The other end may hang up at any time.
        if stream.write_all(piece).await.is_err() {
            return;
        }
        rest = later;
        let _ = sim::timeout(ms(rng.u64(..3)), stream.read_some(&mut heard)).await;
    }
    sim::sleep(ms(rng.u64(..50))).await;
}

fn options() -> SocketOptions {
    quick().with_max_message_size(10_000).with_max_frames(20).with_recv_hwm_bytes(100_000)
}

/// Accepts hostile connections, and dials a hostile listener.
async fn open<T: Kind>() -> Socket<T, SimStream>
where
    SimStream: AsyncStream,
{
    let socket = Socket::<T, SimStream>::bind_with_options(SERVER, options()).await.unwrap();
    socket.connect_to(HOSTILE).unwrap();
    socket
}

async fn molest(rng: &mut Rng) {
    let mut listener = sim::raw_listen(HOSTILE).await.unwrap();
    for _ in 0..4 {
        play(sim::raw_connect(SERVER).await.unwrap(), rng).await;
        if let Ok(dialled) = sim::timeout(ms(100), listener.accept()).await {
            play(dialled.unwrap(), rng).await;
        }
    }
}

/// After a while only the good peer is left, and the accounts are in order.
async fn settled<T: Kind>(sim: &Sim, socket: &Socket<T, SimStream>, tasks: usize) {
    sim::sleep(secs(5)).await;
    assert_balanced(&socket.stats());
    assert_eq!((socket.peers().len(), sim.network().links().len()), (1, 1), "{:?}", socket.stats());
    assert_eq!(sim.tasks(), tasks);
}

#[test]
fn a_pull_under_fire() {
    for_seeds(|rng| {
        let sim = Sim::new(rng.u64(..));
        sim.block_on(async {
            let pull: Pull = open().await;
            let good = Push::connect_with_options(SERVER, quick()).await.unwrap();
            let tasks = sim.tasks();
            molest(rng).await;
            good.send("good").await.unwrap();
            while pull.recv().await.unwrap()[0] != "good" {}
            settled(&sim, &pull, tasks).await;
            assert_eq!(good.stats().reconnects, 0);
        });
    });
}

#[test]
fn a_push_under_fire() {
    for_seeds(|rng| {
        let sim = Sim::new(rng.u64(..));
        sim.block_on(async {
            let push: Push = open().await;
            let good = Pull::connect_with_options(SERVER, quick()).await.unwrap();
            let tasks = sim.tasks();
            molest(rng).await;
            sim::sleep(secs(5)).await;
            push.send("good").await.unwrap();
            assert_eq!(good.recv().await.unwrap()[0], "good");
            settled(&sim, &push, tasks).await;
            assert_eq!(good.stats().reconnects, 0);
        });
    });
}

#[test]
fn a_dealer_under_fire() {
    for_seeds(|rng| {
        let sim = Sim::new(rng.u64(..));
        sim.block_on(async {
            let dealer: Dealer = open().await;
            let good = Dealer::connect_with_options(SERVER, quick()).await.unwrap();
            let tasks = sim.tasks();
            molest(rng).await;
            good.send("good").await.unwrap();
            while dealer.recv().await.unwrap()[0] != "good" {}
            sim::sleep(secs(5)).await;
            dealer.send("back").await.unwrap();
            assert_eq!(good.recv().await.unwrap()[0], "back");
            settled(&sim, &dealer, tasks).await;
            assert_eq!(good.stats().reconnects, 0);
        });
    });
}

#[test]
fn a_router_under_fire() {
    for_seeds(|rng| {
        let sim = Sim::new(rng.u64(..));
        sim.block_on(async {
            let router: Router = open().await;
            let options = quick().with_identity("the good one");
            let good = Dealer::connect_with_options(SERVER, options).await.unwrap();
            let tasks = sim.tasks();
            molest(rng).await;
            good.send("good").await.unwrap();
            while router.recv_from().await.unwrap().1[0] != "good" {}
            router.send_to("the good one", "back").await.unwrap();
            assert_eq!(good.recv().await.unwrap()[0], "back");
            settled(&sim, &router, tasks).await;
            assert_eq!(good.stats().reconnects, 0);
        });
    });
}

/// Nothing is decoded again and again of a peer that breaks the rules when its connection is to end for another
/// reason already: here our READY cannot be written any more.
#[test]
fn a_violation_on_a_connection_that_has_failed_is_the_end_of_it() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let options = quick().with_xpub_welcome_message("welcome").with_flush_policy(FlushPolicy::Eager);
        let publisher = Pub::bind_with_options(SERVER, options).await.unwrap();
        let pull = Pull::bind_with_options("tcp://pull:1", quick()).await.unwrap();
        for (endpoint, socket_type) in [(SERVER, "SUB"), ("tcp://pull:1", "PUSH")] {
            let mut peer = sim::raw_connect(endpoint).await.unwrap();
            let bytes = [&crate::stalled::opening(socket_type, b"")[..], &[6], &[0xFF; 8]].concat();
            sim.network().cut_after(peer.link(), Direction::ToServer, bytes.len() as u64, Cut::Reset);
            peer.write_all(&bytes).await.unwrap();
        }
        sim::sleep(secs(1)).await;
        assert!(publisher.peers().is_empty() && pull.peers().is_empty());
        assert_eq!(publisher.stats().connects + pull.stats().connects, 2, "it was there before it failed");
    });
}
