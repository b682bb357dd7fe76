//! What sealing costs of the heap: nothing for each frame.
//!
//! A binary and a test of its own, because it counts what the whole process allocates.
#![cfg(all(feature = "sim", feature = "curve"))]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "support/counting.rs"]
#[allow(dead_code, reason = "each test binary uses a part")]
mod counting;

#[path = "support/stalled.rs"]
#[allow(dead_code, reason = "a part is used")]
mod stalled;

use std::time::Duration;

use bytes::Bytes;
use counting::{allocations, live};
use monocoque::prelude::*;
use monocoque::runtime::sim::{self, Sim, SimStream};
use monocoque::security::{CurveKeypair, CurveSecretKey, accept_any_client};
use monocoque::socket::{PullSocket, PushSocket};
use stalled::greeting;

const SERVER: &str = "tcp://server:5555";
const MESSAGES: usize = 200;

/// How often the heap was asked for while so many messages went over a connection that has warmed up.
fn allocations_of([server, client]: [SocketOptions; 2], size: usize) -> usize {
    Sim::new(1).block_on(async move {
        let pull = PullSocket::<SimStream>::bind_with_options(SERVER, server).await.unwrap();
        let push = PushSocket::<SimStream>::connect_with_options(SERVER, client).await.unwrap();
        let payload = Bytes::from(vec![7; size]);
        let mut before = 0;
        for n in 0..2 * MESSAGES {
            if n == MESSAGES {
                before = allocations();
            }
            push.send(payload.clone()).await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0].len(), size);
        }
        allocations() - before
    })
}

#[test]
fn sealed_connections_and_the_heap() {
    sealing_allocates_nothing_for_each_frame();
    malformed_handshakes_leave_nothing();
}

fn sealing_allocates_nothing_for_each_frame() {
    let quiet = || SocketOptions::default().with_heartbeat_interval(None);
    let [server, client] = [1, 2].map(|seed| CurveKeypair::from(CurveSecretKey::from_bytes([seed; 32])));
    let sealed = [
        quiet().with_curve_server(server.clone(), accept_any_client()),
        quiet().with_curve_client(server.public_key(), client),
    ];
    for size in [0, 64, 1_000, 16_000] {
        let (plain, sealed) =
            (allocations_of([quiet(), quiet()], size), allocations_of(sealed.clone(), size));
        println!("{MESSAGES} messages of {size} bytes: {plain} allocations in the clear, {sealed} sealed");
        assert!(sealed <= plain + MESSAGES / 10, "{size} bytes: {sealed} allocations instead of {plain}");
    }
}

/// libzmq#3566, #2681: each malformed command cost some bytes for ever. The simulated network keeps something of each
/// connection, whatever is on it.
fn malformed_handshakes_leave_nothing() {
    let server = CurveKeypair::from(CurveSecretKey::from_bytes([1; 32]));
    let sealed = SocketOptions::default().with_curve_server(server, accept_any_client());
    let (plain, sealed) = (left_by("NULL", SocketOptions::default()), left_by("CURVE", sealed));
    println!("left of 750 handshakes: {plain} bytes in the clear, {sealed} sealed");
    assert!(sealed <= plain + 16 * 1024, "{sealed} bytes instead of {plain}");
}

/// Bytes that 750 malformed handshakes leave, after 250 that leave what is there only once.
fn left_by(mechanism: &str, options: SocketOptions) -> usize {
    let greeting = greeting(mechanism);
    Sim::new(1).block_on(async move {
        let pull = PullSocket::<SimStream>::bind_with_options(SERVER, options).await.unwrap();
        let mut before = 0;
        for round in 0..4 {
            for len in 0..250 {
                let mut stream = sim::raw_connect(SERVER).await.unwrap();
                let name = [&b"\x05HELLO"[..], b"\x08INITIATE", b"\x05READY", b"\xffHELLO"][len % 4];
                let command = [name, &vec![0xA5; len]].concat();
                let frame = [&[6][..], &(command.len() as u64).to_be_bytes(), &command].concat();
                stream.write_all(&[&greeting[..], &frame].concat()).await.unwrap();
                while stream.read_some(&mut [0; 512]).await.is_ok_and(|read| read > 0) {}
            }
            sim::sleep(Duration::from_secs(1)).await;
            assert_eq!(pull.stats().handshakes_failed, 250 * (round + 1));
            if round == 0 {
                before = live();
            }
        }
        live().saturating_sub(before)
    })
}
