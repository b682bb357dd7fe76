//! libzmq with its defaults: the same marks as ours, one I/O thread for each side.

use crate::wire::{self, Clock, WARM_UP};

fn bound(context: &zmq::Context, kind: zmq::SocketType) -> (zmq::Socket, String) {
    let socket = context.socket(kind).unwrap();
    socket.bind("tcp://127.0.0.1:*").unwrap();
    let endpoint = socket.get_last_endpoint().unwrap().unwrap();
    (socket, endpoint)
}

pub fn push_pull(size: usize, count: u64) -> f64 {
    let server = move |announce: std::sync::mpsc::Sender<String>| {
        let (pull, endpoint) = bound(&zmq::Context::new(), zmq::PULL);
        announce.send(endpoint).unwrap();
        let mut clock = Clock::default();
        let mut message = zmq::Message::new();
        for number in 0..WARM_UP + count {
            clock.tick(number);
            pull.recv(&mut message, 0).unwrap();
            wire::check(&message, size, number);
        }
        clock.seconds()
    };
    let client = move |endpoint: String| {
        let push = zmq::Context::new().socket(zmq::PUSH).unwrap();
        push.connect(&endpoint).unwrap();
        let mut buffer = vec![0; size];
        for number in 0..WARM_UP + count {
            wire::fill(&mut buffer, number);
            push.send(&buffer[..], 0).unwrap();
        }
    };
    wire::on_two_cores(server, client)
}

pub fn round_trips(size: usize, count: u64) -> f64 {
    let server = move |announce: std::sync::mpsc::Sender<String>| {
        let (router, endpoint) = bound(&zmq::Context::new(), zmq::ROUTER);
        announce.send(endpoint).unwrap();
        let mut clock = Clock::default();
        for number in 0..WARM_UP + count {
            clock.tick(number);
            let message = router.recv_multipart(0).unwrap();
            wire::check(&message[1], size, number);
            router.send_multipart(message, 0).unwrap();
        }
        clock.seconds()
    };
    let client = move |endpoint: String| {
        let dealer = zmq::Context::new().socket(zmq::DEALER).unwrap();
        dealer.connect(&endpoint).unwrap();
        let mut buffer = vec![0; size];
        let mut reply = zmq::Message::new();
        for number in 0..WARM_UP + count {
            wire::fill(&mut buffer, number);
            dealer.send(&buffer[..], 0).unwrap();
            dealer.recv(&mut reply, 0).unwrap();
            wire::check(&reply, size, number);
        }
    };
    wire::on_one_core(server, client)
}
