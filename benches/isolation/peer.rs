//! A peer that means well.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use monocoque::Endpoint;

use crate::stalled::handshake;

/// The identity of good peers of a ROUTER.
pub const IDENTITY: &[u8] = b"good";

/// Bytes of a request and of its answer.
const SIZE: usize = 64;

/// How long a figure is measured.
const TIME: Duration = Duration::from_millis(400);

/// A peer that is not answered for so long is shut out: its rate is 0.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends requests and checks the answers: a DEALER whose messages come back, or a SUB that is sent something on
/// each topic that it subscribes to.
pub struct GoodPeer {
    stream: TcpStream,
    subscribes: bool,
    shut_out: bool,
}

impl GoodPeer {
    pub fn new(endpoint: &Endpoint, subscribes: bool) -> Self {
        let mut stream =
            TcpStream::connect(("127.0.0.1", endpoint.port().expect("tcp"))).expect("it listens");
        stream.set_nodelay(true).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a connection");
        let (socket_type, identity) = if subscribes { ("SUB", &b""[..]) } else { ("DEALER", IDENTITY) };
        handshake(&mut stream, socket_type, identity).expect("it is let in");
        Self { stream, subscribes, shut_out: false }
    }

    /// With so many requests under way at a time.
    pub fn answers_in_a_second(&mut self, under_way: usize) -> f64 {
        let requests: Vec<u8> = (0..under_way).flat_map(|n| self.request(n)).collect();
        let mut answers = vec![0; under_way * (2 + SIZE)];
        let (start, mut count) = (Instant::now(), 0);
        while start.elapsed() < TIME {
            self.shut_out |= self.stream.write_all(&requests).is_err();
            self.shut_out |= self.shut_out || self.stream.read_exact(&mut answers).is_err();
            if self.shut_out {
                return 0.0;
            }
            for (n, answer) in answers.chunks(2 + SIZE).enumerate() {
                assert_eq!(answer[2..], body(n), "whole and in order");
            }
            count += under_way;
        }
        count as f64 / start.elapsed().as_secs_f64()
    }

    fn request(&self, n: usize) -> Vec<u8> {
        let frame = |kind: &[u8]| [&[0, (kind.len() + SIZE) as u8], kind, &body(n)].concat();
        if self.subscribes {
            // Unsubscribed first, from what was left the time before: only what is new is told.
            [frame(&[0]), frame(&[1])].concat()
        } else {
            frame(&[])
        }
    }
}

fn body(n: usize) -> [u8; SIZE] {
    let mut body = [0x5A; SIZE];
    body[..8].copy_from_slice(&n.to_le_bytes());
    body
}
