//! Known answers: what libzmq said to itself under CURVE, byte for byte as we say it, in either role.
//!
//! `interop/tests/record.rs` has recorded it, with the secrets of both sides, those of the connection included.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::mechanisms::greeted;
use super::*;
use crate::security::{CurveKeypair, CurveSecretKey, NoEntropy};
use SocketType::*;

thread_local! {
    /// What the two sides draw, in this order.
    static DRAWN: RefCell<VecDeque<Vec<u8>>> = const { RefCell::new(VecDeque::new()) };
}

fn entropy(bytes: &mut [u8]) -> Result<(), NoEntropy> {
    let drawn = DRAWN.with_borrow_mut(VecDeque::pop_front).ok_or(NoEntropy)?;
    bytes.copy_from_slice(&drawn);
    Ok(())
}

/// One of what was recorded.
#[derive(Clone, Debug, Default)]
struct Session {
    name: String,
    /// The secrets: permanent keys and those of the connection, first the client's.
    keys: Vec<[u8; 32]>,
    vouch_nonce: Vec<u8>,
    /// Frames with their headers, and whether the client says them.
    frames: Vec<(bool, Vec<u8>)>,
}

fn recorded() -> Vec<Session> {
    let mut sessions = vec![];
    for line in include_str!("curve_answers.txt").lines().filter(|line| !line.starts_with('#')) {
        let (key, value) = line.split_once(' ').unwrap();
        if key == "session" {
            sessions.push(Session { name: value.to_owned(), ..Session::default() });
            continue;
        }
        let session = sessions.last_mut().unwrap();
        let digit = |at: usize| u8::from_str_radix(&value[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..value.len()).step_by(2).map(digit).collect();
        match key {
            ">" | "<" => session.frames.push((key == ">", bytes)),
            "vouch-nonce" => session.vouch_nonce = bytes,
            _ => session.keys.push(bytes.try_into().unwrap()),
        }
    }
    sessions
}

impl Session {
    fn keypair(&self, of: usize) -> CurveKeypair {
        CurveSecretKey::from_bytes(self.keys[of]).into()
    }

    /// Our two sides, with what theirs had.
    fn sides(&self, types: [SocketType; 2]) -> [Side; 2] {
        // What they drew besides travels in the clear, but for the nonce of the vouch.
        let (welcome, initiate) = (&self.frames[1].1, &self.frames[2].1);
        let (cookie, nonce) = (&initiate[18..][..96], &welcome[10..][..16]);
        let drawn = [&self.keys[2], &self.keys[3], cookie, nonce, &self.vouch_nonce];
        DRAWN.set(drawn.into_iter().map(<[u8]>::to_vec).collect());
        let server_key = self.keypair(1).public_key();
        let client = Security::CurveClient { server_key, keypair: self.keypair(0), entropy };
        let server = Security::CurveServer { keys: self.keypair(1).into(), entropy };
        let [client_type, server_type] = types;
        let identity = Bytes::from("client");
        let client = Arc::new(Config { security: client, identity, ..Config::new(client_type) });
        let server = Arc::new(Config { security: server, ..Config::new(server_type) });
        // The client says HELLO as soon as it is greeted.
        let (mut client, hello) = greeted(&client);
        client.out.put(&hello);
        [client, greeted(&server).0]
    }

    /// Has each side take what the other of theirs said, and say the same; what came of it, client's first.
    fn replay(&self, types: [SocketType; 2]) -> Result<[Vec<Event>; 2], String> {
        let mut sides = self.sides(types);
        let mut all = [vec![], vec![]];
        // Frames of a message that is not complete yet.
        let mut pending = [vec![], vec![]];
        for (at, (by_client, frame)) in self.frames.iter().enumerate() {
            let (from, to) = if *by_client { (0, 1) } else { (1, 0) };
            let events = sides[to].receive(frame).map_err(|error| format!("frame {at}: {error}"))?;
            pending[from].extend_from_slice(frame);
            for event in &events {
                say(&mut sides[from], event);
            }
            let said = sides[from].out.take_bytes();
            if said.is_empty() {
                continue;
            }
            if said != pending[from] {
                return Err(format!("frame {at}: we say something else"));
            }
            pending[from].clear();
            all[to].extend(events);
        }
        if pending.iter().any(|frames| !frames.is_empty()) {
            return Err("a message has no end".to_owned());
        }
        Ok(all)
    }

    /// As [`replay`](Self::replay), where all is well.
    fn expect(&self, types: [SocketType; 2]) -> [Vec<Event>; 2] {
        let mut events = self.replay(types).unwrap();
        for (events, peer) in events.iter_mut().zip([types[1], types[0]]) {
            let Event::Handshaken(info) = events.remove(0) else { panic!("{events:?}") };
            assert_eq!(info.socket_type, peer);
        }
        events
    }
}

/// What has led to this event on the other side.
fn say(side: &mut Side, event: &Event) {
    match event {
        Event::Message(message) => side.connection.encode_message(message, &mut side.out),
        Event::Subscribe { topic } => side.connection.encode_subscribe(topic, &mut side.out),
        Event::Cancel { topic } => side.connection.encode_cancel(topic, &mut side.out),
        Event::Ping { ttl, context } => {
            side.connection.encode_ping(ttl.unwrap_or_default(), context, &mut side.out);
        }
        // Said without being asked to.
        _ => {}
    }
}

/// The types of the sockets of each session.
const TYPES: [[SocketType; 2]; 3] = [[Dealer, Router], [Sub, XPub], [Push, Pull]];

#[test]
fn we_say_what_libzmq_says() {
    let sessions = recorded();
    let names: Vec<_> = sessions.iter().map(|session| &session.name[..]).collect();
    assert_eq!(names, ["messages", "subscriptions", "heartbeats"]);
    let events: Vec<_> = sessions.iter().zip(TYPES).map(|(session, types)| session.expect(types)).collect();
    let parts = |sizes: &[usize]| {
        let frames = sizes.iter().map(|&size| (0..size).map(|at| at as u8).collect::<Vec<_>>());
        Event::Message(frames.collect())
    };
    let messages: Vec<_> = [&[0][..], &[1], &[3, 0, 300], &[70]].map(parts).into();
    assert_eq!(events[0], [messages.clone(), messages]);
    let topic = Frame::from("topic");
    assert_eq!(
        events[1],
        [
            vec![Event::Message(Message::from("topic of the day"))],
            vec![Event::Subscribe { topic: topic.clone() }, Event::Cancel { topic }]
        ]
    );
    assert_eq!(events[2], [vec![Event::Pong { context: Frame::new() }], vec![ping(None, b"")]]);
}

/// Nothing in the record may be otherwise without being noticed.
#[test]
fn every_byte_of_it_counts() {
    for (session, types) in recorded().into_iter().zip(TYPES) {
        for frame in 0..session.frames.len() {
            for at in 0..session.frames[frame].1.len() {
                let mut changed = session.clone();
                changed.frames[frame].1[at] ^= 1 << (at % 8);
                assert!(changed.replay(types).is_err(), "{}: byte {at} of frame {frame}", session.name);
            }
        }
    }
}
