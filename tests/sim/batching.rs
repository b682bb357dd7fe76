//! When messages leave: at once if they are alone, in company if others follow.

use super::support::*;

/// A DEALER, and the ROUTER that it is connected to.
async fn client_and_server() -> (Dealer, Router) {
    let router = Router::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
    let dealer = Dealer::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
    dealer.wait_for_peers(1).await.unwrap();
    router.wait_for_peers(1).await.unwrap();
    (dealer, router)
}

/// Kills holding back what is alone, on the first time and once the socket expects it.
#[test]
fn requests_and_replies_leave_at_once() {
    Sim::new(1).block_on(async {
        let (dealer, router) = client_and_server().await;
        for _ in 0..10 {
            dealer.send("request").await.unwrap();
            assert_eq!(dealer.buffered_messages(), 0);
            let (identity, message) = router.recv_from().await.unwrap();
            router.send_to(identity, message).await.unwrap();
            assert_eq!(router.buffered_messages(), 0);
            dealer.recv().await.unwrap();
        }
    });
}

/// The same where the task never waits in `recv`.
#[test]
fn messages_far_apart_leave_at_once() {
    Sim::new(2).block_on(async {
        let (dealer, _router) = client_and_server().await;
        for _ in 0..10 {
            dealer.send("alone").await.unwrap();
            assert_eq!(dealer.buffered_messages(), 0);
            sim::sleep(secs(1)).await;
        }
    });
}

/// A socket that expects messages to be alone is wrong about the second of a burst, and only about that one.
#[test]
fn a_burst_after_lonely_messages_is_gathered() {
    Sim::new(3).block_on(async {
        let (dealer, _router) = client_and_server().await;
        for _ in 0..3 {
            dealer.send("alone").await.unwrap();
            sim::sleep(secs(1)).await;
        }
        let mut queued = Vec::new();
        for _ in 0..5 {
            dealer.send("in company").await.unwrap();
            queued.push(dealer.buffered_messages());
        }
        assert!(queued == [0, 1, 2, 3, 4] || queued == [0, 0, 1, 2, 3], "{queued:?}");
        sim::sleep(secs(1)).await;
        assert_eq!(dealer.buffered_messages(), 0, "the companion wrote them");
    });
}

/// The replies to messages that came together leave together, when the task waits.
#[test]
fn replies_to_a_batch_are_gathered() {
    Sim::new(4).block_on(async {
        let (dealer, router) = client_and_server().await;
        for _ in 0..3 {
            dealer.feed("request").await.unwrap();
        }
        dealer.flush().await.unwrap();
        sim::sleep(secs(1)).await;
        for gathered in [1, 2, 3] {
            let (identity, message) = router.recv_from().await.unwrap();
            router.send_to(identity, message).await.unwrap();
            assert_eq!(router.buffered_messages(), gathered);
        }
        for _ in 0..3 {
            dealer.recv().await.unwrap();
        }
        assert_eq!(router.buffered_messages(), 0);
    });
}

/// Kills feeding without end: what has come together is written before anybody flushes or yields.
#[test]
fn enough_that_was_fed_leaves_by_itself() {
    // 128 KiB of small payloads, and 256 KiB of large ones.
    for (size, enough) in [(1_000, 130), (20_000, 14)] {
        Sim::new(5).block_on(async {
            let (dealer, _router) = client_and_server().await;
            for fed in 1..=enough {
                assert_eq!(dealer.stats().sent, 0, "message {fed} of {size} bytes");
                dealer.feed(vec![0; size]).await.unwrap();
            }
            assert_ne!(dealer.stats().sent, 0);
        });
        Sim::new(5).block_on(async {
            let (dealer, _router) = client_and_server().await;
            for _ in 0..enough {
                dealer.send_buffered(vec![0; size]).unwrap();
            }
            assert_ne!(dealer.stats().sent, 0);
        });
    }
}
