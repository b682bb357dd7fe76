//! libzmq with libsodium. It admits every client that knows the server's key, as it has nobody to ask.

use std::sync::mpsc::Sender;

use crate::wire::{self, Clock, WARM_UP};

/// A server that is bound, with what its clients need.
fn bound(context: &zmq::Context) -> (zmq::Socket, (String, [u8; 32])) {
    let keys = zmq::CurveKeyPair::new().unwrap();
    let pull = context.socket(zmq::PULL).unwrap();
    pull.set_curve_server(true).unwrap();
    pull.set_curve_secretkey(&keys.secret_key).unwrap();
    pull.bind("tcp://127.0.0.1:*").unwrap();
    let endpoint = pull.get_last_endpoint().unwrap().unwrap();
    (pull, (endpoint, keys.public_key))
}

fn connect(
    context: &zmq::Context,
    keys: &zmq::CurveKeyPair,
    (endpoint, server): &(String, [u8; 32]),
) -> zmq::Socket {
    let push = context.socket(zmq::PUSH).unwrap();
    push.set_curve_serverkey(server).unwrap();
    push.set_curve_publickey(&keys.public_key).unwrap();
    push.set_curve_secretkey(&keys.secret_key).unwrap();
    push.connect(endpoint).unwrap();
    push
}

pub fn push_pull(size: usize, count: u64) -> f64 {
    let server = move |announce: Sender<(String, [u8; 32])>| {
        let (pull, to) = bound(&zmq::Context::new());
        announce.send(to).unwrap();
        let mut clock = Clock::default();
        let mut message = zmq::Message::new();
        for number in 0..WARM_UP + count {
            clock.tick(number);
            pull.recv(&mut message, 0).unwrap();
            wire::check(&message, size, number);
        }
        clock.seconds()
    };
    let client = move |to: (String, [u8; 32])| {
        let push = connect(&zmq::Context::new(), &zmq::CurveKeyPair::new().unwrap(), &to);
        let mut buffer = vec![0; size];
        for number in 0..WARM_UP + count {
            wire::fill(&mut buffer, number);
            push.send(&buffer[..], 0).unwrap();
        }
    };
    wire::on_two_cores(server, client)
}

/// Connections one after the other, each with one message.
pub fn handshakes(size: usize, count: u64) -> f64 {
    let server = move |announce: Sender<(String, [u8; 32])>| {
        let (pull, to) = bound(&zmq::Context::new());
        announce.send(to).unwrap();
        let mut clock = Clock::default();
        for number in 0..WARM_UP + count {
            clock.tick(number);
            wire::check(&pull.recv_bytes(0).unwrap(), size, number);
        }
        clock.seconds()
    };
    let client = move |to: (String, [u8; 32])| {
        let (context, keys) = (zmq::Context::new(), zmq::CurveKeyPair::new().unwrap());
        let mut buffer = vec![0; size];
        for number in 0..WARM_UP + count {
            wire::fill(&mut buffer, number);
            let push = connect(&context, &keys, &to);
            let monitor = watch(&context, &push, number);
            push.send(&buffer[..], 0).unwrap();
            // The next begins when this one is through.
            while event(&monitor) != HANDSHAKE_SUCCEEDED {}
        }
    };
    wire::on_two_cores(server, client)
}

/// `ZMQ_EVENT_HANDSHAKE_SUCCEEDED`.
const HANDSHAKE_SUCCEEDED: u16 = 0x1000;

fn watch(context: &zmq::Context, socket: &zmq::Socket, number: u64) -> zmq::Socket {
    let endpoint = format!("inproc://monitor-{number}");
    socket.monitor(&endpoint, i32::from(HANDSHAKE_SUCCEEDED)).unwrap();
    let monitor = context.socket(zmq::PAIR).unwrap();
    monitor.connect(&endpoint).unwrap();
    monitor
}

fn event(monitor: &zmq::Socket) -> u16 {
    let frames = monitor.recv_multipart(0).unwrap();
    u16::from_ne_bytes([frames[0][0], frames[0][1]])
}
