//! The same with CURVE: sealing alone, what is sealed being thrown away behind the handshake, and both ends.

use monocoque::prelude::*;
use monocoque::runtime::sim::{self, RawStream};
use monocoque::security::{CurveKeypair, CurveSecretKey, accept_any_client};

use super::{Pull, Push, SERVER, Scenario, simulate};

/// Somebody in between.
const BETWEEN: &str = "tcp://between:5555";

pub fn all() -> [Scenario; 6] {
    let scenario = |name, messages, run| Scenario { name, messages, run };
    [
        scenario("seal 64 B", 2_000, |count| seal(count, 64)),
        scenario("seal 1 KiB", 1_000, |count| seal(count, 1024)),
        scenario("seal 64 KiB", 40, |count| seal(count, 64 * 1024)),
        scenario("seal and open 64 B", 2_000, |count| seal_and_open(count, 64)),
        scenario("seal and open 1 KiB", 1_000, |count| seal_and_open(count, 1024)),
        scenario("seal and open 64 KiB", 40, |count| seal_and_open(count, 64 * 1024)),
    ]
}

/// A server, and the options of its client.
async fn server() -> (Pull, SocketOptions) {
    let [server, client] = [1, 2].map(|seed| CurveKeypair::from(CurveSecretKey::from_bytes([seed; 32])));
    let joined = SocketOptions::default().with_curve_client(server.public_key(), client);
    let options = SocketOptions::default().with_curve_server(server, accept_any_client());
    (Pull::bind_with_options(SERVER, options).await.unwrap(), joined)
}

fn seal(count: u64, size: usize) {
    simulate(async move {
        let (_pull, joined) = server().await;
        let mut listener = sim::raw_listen(BETWEEN).await.unwrap();
        let between = sim::spawn(async move {
            let mut client = listener.accept().await.unwrap();
            let mut server = sim::raw_connect(SERVER).await.unwrap();
            pass_handshake(&mut client, &mut server).await;
            let mut buffer = vec![0; 256 * 1024];
            while client.read_some(&mut buffer).await.unwrap() > 0 {}
        });
        let push = Push::connect_with_options(BETWEEN, joined).await.unwrap();
        let payload = vec![0x5A; size];
        for _ in 0..count {
            push.send(&payload[..]).await.unwrap();
        }
        assert_eq!(push.close().await, 0);
        between.await.unwrap();
    });
}

/// Greetings, HELLO, WELCOME, INITIATE and READY.
async fn pass_handshake(client: &mut RawStream, server: &mut RawStream) {
    let (mut one, mut other) = ([0; 64], [0; 64]);
    client.read_exact(&mut one).await.unwrap();
    server.read_exact(&mut other).await.unwrap();
    server.write_all(&one).await.unwrap();
    client.write_all(&other).await.unwrap();
    for _ in 0..2 {
        pass_command(client, server).await;
        pass_command(server, client).await;
    }
}

async fn pass_command(from: &mut RawStream, to: &mut RawStream) {
    let mut frame = vec![0];
    from.read_exact(&mut frame).await.unwrap();
    let is_long = frame[0] & 2 != 0;
    frame.resize(if is_long { 9 } else { 2 }, 0);
    from.read_exact(&mut frame[1..]).await.unwrap();
    let len = frame[1..].iter().fold(0, |len, &byte| len << 8 | usize::from(byte));
    let header = frame.len();
    frame.resize(header + len, 0);
    from.read_exact(&mut frame[header..]).await.unwrap();
    to.write_all(&frame).await.unwrap();
}

fn seal_and_open(count: u64, size: usize) {
    simulate(async move {
        let (pull, joined) = server().await;
        let push = Push::connect_with_options(SERVER, joined).await.unwrap();
        let sending = sim::spawn(async move {
            let payload = vec![0x5A; size];
            for _ in 0..count {
                push.send(&payload[..]).await.unwrap();
            }
            assert_eq!(push.close().await, 0);
        });
        for _ in 0..count {
            assert_eq!(pull.recv().await.unwrap()[0].len(), size);
        }
        sending.await.unwrap();
    });
}
