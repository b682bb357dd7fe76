//! The four socket types among themselves.

use super::rt::{self, *};

async fn pair() -> (PushSocket, PullSocket) {
    let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let push = PushSocket::connect(pull.local_endpoint().unwrap()).await.unwrap();
    (push, pull)
}

#[test]
fn push_pull_in_order() {
    rt::run(async {
        let (push, pull) = pair().await;
        for n in 0..10_000_u32 {
            push.send(n.to_be_bytes()).await.unwrap();
            if n % 7 == 0 {
                for m in (n.saturating_sub(6))..=n {
                    assert_eq!(pull.recv().await.unwrap()[0], m.to_be_bytes());
                }
            }
        }
    });
}

#[test]
fn any_size_in_any_number_of_frames() {
    rt::run(async {
        let (push, pull) = pair().await;
        for size in
            [0, 1, 69, 70, 71, 254, 255, 256, 4095, 4096, 8192, 8193, 32_768, 65_536, 1 << 20, 5_000_000]
        {
            for frames in [1, 2, 10] {
                let message: Message = (0..frames).map(|n| vec![n as u8; size]).collect();
                let (sent, received) =
                    futures_util::future::join(push.send(message.clone()), pull.recv()).await;
                sent.unwrap();
                assert!(received.unwrap() == message, "{frames} frames of {size}");
            }
        }
    });
}

#[test]
fn dealer_router_round_trips() {
    rt::run(async {
        let router = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = router.local_endpoint().unwrap();
        let options = SocketOptions::default().with_identity("a");
        let a = DealerSocket::connect_with_options(&endpoint, options).await.unwrap();
        let b = DealerSocket::connect(&endpoint).await.unwrap();
        for dealer in [&a, &b] {
            for n in 0..100_u8 {
                dealer.send([n]).await.unwrap();
                let (identity, message) = router.recv_from().await.unwrap();
                assert_eq!(message[0], [n]);
                assert!(identity == "a" || identity[0] == 0);
                router.send_to(identity, message).await.unwrap();
                assert_eq!(dealer.recv().await.unwrap()[0], [n]);
            }
        }
        let refused = router.try_send(["nobody", "x"]).unwrap_err();
        assert!(matches!(refused.error(), Error::Unroutable));
        assert_eq!(refused.into_message().len(), 2);
    });
}

#[test]
fn reconnects_and_delivers_what_was_queued() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let push = PushSocket::connect_with_reconnect(&endpoint).await.unwrap();
        push.send("one").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "one");
        pull.close().await;
        let mut monitor = push.monitor();
        while push.is_connected() {
            monitor.next().await;
        }
        push.send("two").await.unwrap();
        let pull = PullSocket::bind(&endpoint).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "two");
    });
}

#[test]
fn close_reports_what_could_not_be_sent() {
    rt::run(async {
        let options = SocketOptions::default().with_linger(std::time::Duration::from_millis(1));
        let endpoint = "tcp://127.0.0.1:1";
        let push = PushSocket::connect_with_reconnect_and_options(endpoint, options).await.unwrap();
        for _ in 0..3 {
            push.send("x").await.unwrap();
        }
        assert_eq!(push.close().await, 3);
        assert!(matches!(push.send("y").await.unwrap_err().error(), Error::Closed));
    });
}

#[test]
fn limits_on_time_may_be_of_any_length() {
    rt::run(async {
        let longest = std::time::Duration::MAX;
        let options = SocketOptions::default()
            .with_connect_timeout(longest)
            .with_handshake_timeout(longest)
            .with_frame_timeout(Some(longest))
            .with_heartbeat_interval(Some(longest))
            .with_heartbeat_timeout(longest)
            .with_linger(longest)
            .with_reconnect_interval(longest)
            .with_reconnect_interval_max(longest);
        let pull = PullSocket::bind_with_options("tcp://127.0.0.1:0", options.clone()).await.unwrap();
        let endpoint = pull.local_endpoint().unwrap();
        let push = PushSocket::connect_with_options(&endpoint, options).await.unwrap();
        push.send("x").await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
        pull.close().await;
        while push.is_connected() {
            rt::yield_now().await;
        }
        assert_eq!(push.close().await, 0);
    });
}
