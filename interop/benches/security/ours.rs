//! Our sockets: a plain `send().await` and `recv().await` for every message.

use std::sync::mpsc::Sender;

use monocoque::security::{CurveKeypair, accept_any_client};

use super::rt::{self, *};
use crate::wire::{self, Clock, WARM_UP};

/// The options of a server and of its client.
fn sealed() -> [SocketOptions; 2] {
    let [server, client] = [(); 2].map(|()| CurveKeypair::generate().unwrap());
    let joined = SocketOptions::default().with_curve_client(server.public_key(), client);
    [SocketOptions::default().with_curve_server(server, accept_any_client()), joined]
}

pub fn push_pull_sealed(size: usize, count: u64) -> f64 {
    push_pull_with(size, count, sealed())
}

#[allow(dead_code, reason = "measured on one runtime")]
pub fn push_pull(size: usize, count: u64) -> f64 {
    push_pull_with(size, count, [SocketOptions::default(), SocketOptions::default()])
}

const ANY: &str = "tcp://127.0.0.1:0";

fn push_pull_with(size: usize, count: u64, [bound, joined]: [SocketOptions; 2]) -> f64 {
    push_pull!(rt, size, count, PullSocket::bind_with_options(ANY, bound), async move |endpoint| {
        PushSocket::connect_with_options(endpoint, joined).await
    })
}

/// Connections one after the other, each with one message.
pub fn handshakes(size: usize, count: u64) -> f64 {
    let [bound, joined] = sealed();
    let server = move |announce: Sender<Endpoint>| {
        rt::run(async move {
            let pull = PullSocket::bind_with_options(ANY, bound).await.unwrap();
            announce.send(pull.local_endpoint().unwrap()).unwrap();
            let mut clock = Clock::default();
            for number in 0..WARM_UP + count {
                clock.tick(number);
                wire::check(&pull.recv().await.unwrap()[0], size, number);
            }
            clock.seconds()
        })
    };
    let client = move |endpoint: Endpoint| {
        rt::run(async move {
            let mut buffer = vec![0; size];
            for number in 0..WARM_UP + count {
                wire::fill(&mut buffer, number);
                let push = PushSocket::connect_with_options(&endpoint, joined.clone()).await.unwrap();
                push.send(&buffer[..]).await.unwrap();
                push.flush().await.unwrap();
            }
        });
    };
    wire::on_two_cores(server, client)
}
