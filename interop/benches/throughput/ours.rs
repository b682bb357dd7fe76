//! Our sockets: a plain `send().await` and `recv().await` for every message.

use super::rt::{self, *};
use crate::wire::{self, Clock, WARM_UP};

pub fn push_pull(size: usize, count: u64) -> f64 {
    push_pull_with(size, count, SocketOptions::default(), NoOpPermits)
}

pub fn push_pull_eagerly(size: usize, count: u64) -> f64 {
    let options = SocketOptions::default().with_flush_policy(FlushPolicy::Eager);
    push_pull_with(size, count, options, NoOpPermits)
}

#[allow(dead_code, reason = "measured on one runtime")]
pub fn push_pull_with_permits(size: usize, count: u64) -> f64 {
    push_pull_with(size, count, SocketOptions::default(), SemaphorePermits::new(1 << 30))
}

fn push_pull_with<P: BytePermits + Send>(size: usize, count: u64, options: SocketOptions, permits: P) -> f64 {
    let server = move |announce: std::sync::mpsc::Sender<Endpoint>| {
        rt::run(async move {
            let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
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
            let push =
                PushSocket::connect_with_options(endpoint, options).await.unwrap().with_permits(permits);
            let mut buffer = vec![0; size];
            for number in 0..WARM_UP + count {
                wire::fill(&mut buffer, number);
                push.send(&buffer[..]).await.unwrap();
            }
            assert_eq!(push.close().await, 0);
        });
    };
    wire::on_two_cores(server, client)
}

/// DEALER to ROUTER and back.
pub fn round_trips(size: usize, count: u64) -> f64 {
    let server = move |announce: std::sync::mpsc::Sender<Endpoint>| {
        rt::run(async move {
            let router = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
            announce.send(router.local_endpoint().unwrap()).unwrap();
            let mut clock = Clock::default();
            for number in 0..WARM_UP + count {
                clock.tick(number);
                let message = router.recv().await.unwrap();
                wire::check(&message[1], size, number);
                router.send(message).await.unwrap();
            }
            let seconds = clock.seconds();
            router.close().await;
            seconds
        })
    };
    let client = move |endpoint: Endpoint| {
        rt::run(async move {
            let dealer = DealerSocket::connect(endpoint).await.unwrap();
            let mut buffer = vec![0; size];
            for number in 0..WARM_UP + count {
                wire::fill(&mut buffer, number);
                dealer.send(&buffer[..]).await.unwrap();
                wire::check(&dealer.recv().await.unwrap()[0], size, number);
            }
        });
    };
    wire::on_one_core(server, client)
}
