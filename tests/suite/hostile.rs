//! Peers that break the protocol: each ends its own connection, and no other.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::rt::{self, *};
use crate::support::opening;

/// How long random bytes are thrown at a socket; longer by an environment variable.
fn budget() -> Duration {
    let seconds = std::env::var("MONOCOQUE_FUZZ_SECONDS").ok().and_then(|n| n.parse().ok());
    seconds.map_or(Duration::from_secs(2), Duration::from_secs)
}

fn dial(endpoint: &Endpoint) -> TcpStream {
    TcpStream::connect(("127.0.0.1", endpoint.port().unwrap())).unwrap()
}

/// A bound PULL with one good peer, and what becomes of a connection that sends `bytes`.
struct Target {
    pull: PullSocket,
    good: PushSocket,
    endpoint: Endpoint,
}

impl Target {
    async fn new() -> Self {
        let options = SocketOptions::default().with_max_message_size(1 << 20).with_max_frames(100);
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let good = PushSocket::connect(&endpoint).await.unwrap();
        pull.wait_for_peers(1).await.unwrap();
        Self { pull, good, endpoint }
    }

    /// The good peer still gets through.
    async fn check_good(&self) {
        self.good.send("good").await.unwrap();
        loop {
            // Hostile peers may send well-formed messages too.
            if self.pull.recv().await.unwrap()[0] == "good" {
                return;
            }
        }
    }

    /// Sends bytes on a connection of their own; returns why that connection ended.
    async fn end_of(&self, bytes: &[u8]) -> Error {
        let mut monitor = self.pull.monitor();
        let mut stream = dial(&self.endpoint);
        // The other end may hang up before it has everything.
        let _ = stream.write_all(bytes);
        loop {
            match monitor.next().await.unwrap() {
                SocketEvent::HandshakeFailed { cause, .. } => return cause,
                SocketEvent::Disconnected { reason, .. } => return reason.into(),
                _ => {}
            }
        }
    }
}

fn after_handshake(frames: &[u8]) -> Vec<u8> {
    [&opening("PUSH", b"")[..], frames].concat()
}

/// CVE-2019-6250, libzmq#1488, zmq.rs#286, rzmq PR#8: lengths that overflow, commands that are cut.
#[test]
fn every_violation_ends_its_connection_with_a_protocol_error() {
    rt::run(async {
        let target = Target::new().await;
        let mut zmtp1 = vec![1, 0];
        zmtp1.extend_from_slice(b"\x05hello");
        let mut zmtp2 = vec![0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 1, 8];
        zmtp2.extend_from_slice(&[0, 0]);
        let huge = |len: u64| after_handshake(&[&[2][..], &len.to_be_bytes()].concat());
        let mut endless = opening("PUSH", b"");
        endless.extend(std::iter::repeat_n([1, 1, b'x'], 200).flatten());
        let mut plain = opening("PUSH", b"");
        plain[12..17].copy_from_slice(b"PLAIN");
        let twice = after_handshake(&opening("PUSH", b"")[64..]);
        let early = [&opening("PUSH", b"")[..64], b"\x00\x01x"].concat();
        for (what, bytes) in [
            ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
            ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
            ("telnet", b"\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x18\xff\xfd\x01".to_vec()),
            ("ZMTP 1", zmtp1),
            ("ZMTP 2", zmtp2),
            ("another mechanism", plain),
            ("a wrong socket type", opening("SUB", b"")),
            ("2^63 - 1", huge(u64::MAX >> 1)),
            ("2^64 - 1", huge(u64::MAX)),
            ("just over the limit", huge((1 << 20) + 1)),
            ("endless frames", endless),
            ("READY twice", twice),
            ("a message before READY", early),
        ] {
            let cause = target.end_of(&bytes).await;
            assert!(matches!(cause, Error::Protocol(_)), "{what}: {cause}");
            target.check_good().await;
        }
        assert_eq!(target.pull.peers().len(), 1);
    });
}

#[test]
fn malformed_commands_after_the_handshake_are_skipped() {
    rt::run(async {
        let target = Target::new().await;
        let mut stream = dial(&target.endpoint);
        let mut bytes = opening("PUSH", b"");
        for len in 0..32_u8 {
            // Commands of every small length, named like PING as far as that goes.
            let body: Vec<u8> = b"\x04PING".iter().copied().chain(0..).take(len.into()).collect();
            bytes.extend_from_slice(&[4, len]);
            bytes.extend_from_slice(&body);
        }
        bytes.extend_from_slice(b"\x04\x08\x07UNKNOWN");
        bytes.extend_from_slice(b"\x00\x05alive");
        stream.write_all(&bytes).unwrap();
        assert_eq!(target.pull.recv().await.unwrap()[0], "alive");
        target.check_good().await;
    });
}

/// libzmq#3061 answered with an empty one; #3060 closed a REQ on its first PING.
#[test]
fn ping_is_answered_with_its_context() {
    rt::run(async {
        let target = Target::new().await;
        let mut stream = dial(&target.endpoint);
        stream.write_all(&opening("PUSH", b"")).unwrap();
        // One after the other: of several that come at once only the last need be answered.
        for len in 0..=16_u8 {
            let context: Vec<u8> = (0..len).collect();
            let ping = [&[4, 7 + len], &b"\x04PING\x00\x00"[..], &context, b"\x00\x01x"].concat();
            stream.write_all(&ping).unwrap();
            // Its turn to act is while it receives.
            assert_eq!(target.pull.recv().await.unwrap()[0], "x");
            let greeting_and_ready = if len == 0 { opening("PULL", b"").len() - 13 } else { 0 };
            let expected = [&[4, 5 + len], &b"\x04PONG"[..], &context].concat();
            let mut answer = vec![0; greeting_and_ready + expected.len()];
            // The companion may be needed to write it, and may be bound to this very thread.
            (stream, answer) = rt::blocking(move || {
                stream.read_exact(&mut answer).unwrap();
                (stream, answer)
            })
            .await;
            assert_eq!(answer[greeting_and_ready..], expected);
        }
    });
}

#[test]
fn a_greeting_in_single_bytes() {
    rt::run(async {
        let target = Target::new().await;
        let mut stream = dial(&target.endpoint);
        stream.set_nodelay(true).unwrap();
        for byte in after_handshake(b"\x00\x05bytes") {
            stream.write_all(&[byte]).unwrap();
            rt::yield_now().await;
        }
        assert_eq!(target.pull.recv().await.unwrap()[0], "bytes");
    });
}

/// libzmq#769, #868: telnet, port scanners and other noise aborted the process.
#[test]
fn random_bytes_hurt_nobody() {
    rt::run(async {
        let target = Target::new().await;
        let mut random = fastrand::Rng::with_seed(99);
        let end = Instant::now() + budget();
        let mut rounds = 0;
        while Instant::now() < end || rounds < 20 {
            rounds += 1;
            // Pure noise, or a good session with some bytes changed.
            let mut bytes = after_handshake(&b"\x01\x03abc\x00\x02de".repeat(20));
            if random.bool() {
                random.fill(&mut bytes);
            } else {
                for _ in 0..random.usize(1..4) {
                    let index = random.usize(..bytes.len());
                    bytes[index] = random.u8(..);
                }
            }
            let mut stream = dial(&target.endpoint);
            let _ = stream.write_all(&bytes[..random.usize(..=bytes.len())]);
            drop(stream);
            target.check_good().await;
        }
        assert!(target.good.stats().reconnects == 0);
    });
}
