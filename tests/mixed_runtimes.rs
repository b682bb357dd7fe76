//! Both runtimes in one process: a socket of one talks to a socket of the other.
#![cfg(all(feature = "tokio", feature = "compio"))]

use monocoque::{compio, tokio};

const ROUNDS: u32 = 1_000;

/// A frame for each round: small ones, and now and then a large one.
fn payload(round: u32) -> Vec<u8> {
    vec![round as u8; if round % 100 == 0 { 1_000_000 } else { round as usize }]
}

#[test]
fn tokio_and_compio_talk_to_each_other() {
    let (send, endpoints) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        ::compio::runtime::Runtime::new().unwrap().block_on(async {
            let router = compio::RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
            send.send(router.local_endpoint().unwrap()).unwrap();
            for _ in 0..ROUNDS {
                let (identity, message) = router.recv_from().await.unwrap();
                router.send_to(identity, message).await.unwrap();
            }
            assert_eq!(router.close().await, 0);
        });
    });
    let runtime =
        ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let dealer = tokio::DealerSocket::connect(endpoints.recv().unwrap()).await.unwrap();
        for round in 0..ROUNDS {
            dealer.send(payload(round)).await.unwrap();
            assert!(dealer.recv().await.unwrap()[0] == payload(round)[..], "round {round}");
        }
        dealer.close().await;
    });
    server.join().unwrap();
}

/// Sockets of both on one thread: compio's runtime inside of tokio's context.
#[test]
fn each_socket_finds_its_own_runtime() {
    let tokio_runtime =
        ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _inside = tokio_runtime.enter();
    ::compio::runtime::Runtime::new().unwrap().block_on(async {
        let pull = compio::PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let push = tokio::PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
        for round in 0..ROUNDS {
            push.send(round.to_be_bytes()).await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0], round.to_be_bytes());
        }
    });
}
