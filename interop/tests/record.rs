//! Records what two sockets of libzmq say to each other under CURVE, with everything that they draw at random, for the
//! known answers of `src/protocol/tests/curve_answers.rs`.
//!
//! `MONOCOQUE_RECORD=1 cargo test -p monocoque-interop --test record` writes them anew; without it the test only looks
//! whether libzmq still says the same commands, of the same lengths.
//!
//! A binary of its own, because the random bytes of the whole process come from here.

#[macro_use(test)]
extern crate monocoque_test_limit;

#[path = "record/drawn.rs"]
mod drawn;
#[path = "record/tap.rs"]
mod tap;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::sync::mpsc::Receiver;

use tap::{Direction, Spoken};

const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/protocol/tests/curve_answers.txt");

/// Two sockets that are connected through a tap.
struct Session {
    name: &'static str,
    keys: [zmq::CurveKeyPair; 2],
    client: zmq::Socket,
    server: zmq::Socket,
    spoken: Receiver<Spoken>,
}

impl Session {
    fn new(name: &'static str, client: zmq::SocketType, server: zmq::SocketType) -> Self {
        let keys = [(); 2].map(|()| zmq::CurveKeyPair::new().expect("libzmq has CURVE"));
        // A context of its own for each, so that what they draw can be told apart by thread.
        let [client, server] = [client, server].map(|kind| zmq::Context::new().socket(kind).unwrap());
        for socket in [&client, &server] {
            socket.set_linger(0).unwrap();
            socket.set_rcvtimeo(20_000).unwrap();
        }
        drawn::forget();
        server.set_curve_server(true).unwrap();
        server.set_curve_secretkey(&keys[1].secret_key).unwrap();
        server.bind("tcp://127.0.0.1:*").unwrap();
        client.set_identity(b"client").unwrap();
        client.set_curve_serverkey(&keys[1].public_key).unwrap();
        client.set_curve_publickey(&keys[0].public_key).unwrap();
        client.set_curve_secretkey(&keys[0].secret_key).unwrap();
        let (endpoint, spoken) = tap::before(&server.get_last_endpoint().unwrap().unwrap());
        client.set_heartbeat_ivl(if name == "heartbeats" { 50 } else { 0 }).unwrap();
        client.connect(&endpoint).unwrap();
        Self { name, keys, client, server, spoken }
    }

    /// The frames of both until there is one of each length of `last`, which are the last of either.
    fn end(self, last: [(Direction, usize); 2], out: &mut String) {
        let mut missing = BTreeSet::from(last);
        let mut frames = String::new();
        while !missing.is_empty() {
            let spoken = self.spoken.recv().expect("the connection lasts");
            missing.remove(&(spoken.direction, spoken.frame.len()));
            writeln!(frames, "{} {}", spoken.direction.arrow(), hex(&spoken.frame)).unwrap();
        }
        let [client, server] = drawn::by_thread();
        writeln!(out, "session {}", self.name).unwrap();
        for (name, bytes) in [
            ("client", &self.keys[0].secret_key[..]),
            ("server", &self.keys[1].secret_key),
            ("client-transient", &client[0]),
            ("server-transient", &server[0]),
            ("vouch-nonce", &client[1]),
        ] {
            writeln!(out, "{name} {}", hex(bytes)).unwrap();
        }
        out.push_str(&frames);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parts(sizes: &[usize]) -> Vec<Vec<u8>> {
    sizes.iter().map(|&size| (0..size).map(|at| at as u8).collect()).collect()
}

/// Bytes of a frame that is sealed, its header included.
const fn sealed(len: usize) -> usize {
    let len = 33 + len;
    if len < 256 { 2 + len } else { 9 + len }
}

fn record() -> String {
    use Direction::{ToClient, ToServer};
    let mut out = String::from("# libzmq 4.3.5 with itself; written by interop/tests/record.rs.\n");
    let session = Session::new("messages", zmq::DEALER, zmq::ROUTER);
    for sizes in [&[0][..], &[1], &[3, 0, 300], &[70]] {
        session.client.send_multipart(parts(sizes), 0).unwrap();
        let message = session.server.recv_multipart(0).unwrap();
        assert_eq!(message[0], b"client");
        session.server.send_multipart(message, 0).unwrap();
        assert_eq!(session.client.recv_multipart(0).unwrap(), parts(sizes));
    }
    session.end([(ToServer, sealed(70)), (ToClient, sealed(70))], &mut out);

    let session = Session::new("subscriptions", zmq::SUB, zmq::XPUB);
    session.client.set_subscribe(b"topic").unwrap();
    assert_eq!(session.server.recv_bytes(0).unwrap(), b"\x01topic");
    session.server.send("topic of the day", 0).unwrap();
    assert_eq!(session.client.recv_bytes(0).unwrap(), b"topic of the day");
    session.client.set_unsubscribe(b"topic").unwrap();
    assert_eq!(session.server.recv_bytes(0).unwrap(), b"\0topic");
    session.end([(ToServer, sealed(7 + 5)), (ToClient, sealed(16))], &mut out);

    let session = Session::new("heartbeats", zmq::PUSH, zmq::PULL);
    // PING with its TTL, and PONG.
    session.end([(ToServer, sealed(7)), (ToClient, sealed(5))], &mut out);
    out
}

/// Which frames went where, but not in which order, or how often.
fn shape(record: &str) -> BTreeSet<(&str, usize)> {
    let frames = record.lines().filter_map(|line| line.split_once(' '));
    frames.filter(|(key, _)| ["<", ">"].contains(key)).map(|(key, frame)| (key, frame.len())).collect()
}

#[test]
fn libzmq_says_what_is_recorded() {
    drawn::install();
    let record = record();
    if std::env::var_os("MONOCOQUE_RECORD").is_some() {
        fs::write(RECORD, &record).unwrap();
    }
    assert_eq!(shape(&record), shape(&fs::read_to_string(RECORD).unwrap()));
}
