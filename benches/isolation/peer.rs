//! A peer that means well.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use monocoque::Endpoint;

use crate::stalled::handshake;

/// The identity of good peers of a ROUTER.
pub const IDENTITY: &[u8] = b"good";

/// Bytes of a request and of its answer.
const SIZE: usize = 64;

/// How long a figure is measured.
pub const TIME: Duration = Duration::from_millis(400);

/// A peer that is not answered for so long is shut out: its rate is 0.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Sends requests and checks the answers: a DEALER whose messages come back, or a SUB that is sent something on
/// each topic that it subscribes to.
pub struct GoodPeer {
    stream: BufReader<TcpStream>,
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
        Self { stream: BufReader::new(stream), subscribes, shut_out: false }
    }

    /// With so many requests under way at a time.
    pub fn answers_in_a_second(&mut self, under_way: usize) -> f64 {
        let requests: Vec<u8> = (0..under_way).flat_map(|n| self.request(n)).collect();
        let (start, mut count) = (Instant::now(), 0);
        while start.elapsed() < TIME {
            self.shut_out |= self.stream.get_mut().write_all(&requests).is_err();
            for n in 0..under_way {
                let answer = if self.shut_out { None } else { self.answer().ok() };
                let Some(answer) = answer else {
                    self.shut_out = true;
                    return 0.0;
                };
                assert_eq!(answer, body(n), "whole and in order");
            }
            count += under_way;
        }
        count as f64 / start.elapsed().as_secs_f64()
    }

    /// The next message; PINGs in front of it are answered.
    fn answer(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let mut header = [0; 2];
            self.stream.read_exact(&mut header)?;
            let mut body = vec![0; header[1].into()];
            self.stream.read_exact(&mut body)?;
            match body.strip_prefix(b"\x04PING") {
                Some([_, _, context @ ..]) if header[0] == 4 => {
                    let pong = [&[4, 5 + context.len() as u8], &b"\x04PONG"[..], context].concat();
                    self.stream.get_mut().write_all(&pong)?;
                }
                _ => return Ok(body),
            }
        }
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

/// What a request with this number says.
pub fn body(n: usize) -> [u8; SIZE] {
    let mut body = [0x5A; SIZE];
    body[..8].copy_from_slice(&n.to_le_bytes());
    body
}
