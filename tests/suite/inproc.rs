//! Sockets of one process that pass messages without a wire.

use super::rt::{self, *};

/// A name of its own for each test and runtime: names are those of the whole process.
macro_rules! endpoint {
    ($name:literal) => {
        concat!("inproc://", module_path!(), "/", $name)
    };
}

#[test]
fn messages_of_any_size_arrive_in_order() {
    rt::run(async {
        let endpoint = endpoint!("order");
        let pull = PullSocket::bind(endpoint).await.unwrap();
        assert_eq!(pull.local_endpoint().unwrap().to_string(), endpoint);
        let push = PushSocket::connect(endpoint).await.unwrap();
        for n in 0..5_000_u32 {
            push.send(n.to_be_bytes()).await.unwrap();
            if n % 7 == 0 {
                for m in (n.saturating_sub(6))..=n {
                    assert_eq!(pull.recv().await.unwrap()[0], m.to_be_bytes());
                }
            }
        }
        while pull.try_recv().is_ok() {}
        for size in [0, 1, 62, 63, 4096, 5_000_000] {
            for frames in [1, 2, 10] {
                let message: Message = (0..frames).map(|n| vec![n as u8; size]).collect();
                push.send(message.clone()).await.unwrap();
                assert!(pull.recv().await.unwrap() == message, "{frames} frames of {size}");
            }
        }
        let (sent, received) = (push.stats(), pull.stats());
        assert_eq!((sent.accepted, sent.sent, sent.queued), (5_018, 5_018, 0));
        assert_eq!((received.received, received.delivered), (5_018, 5_018));
    });
}

#[test]
fn connect_before_bind() {
    rt::run(async {
        let endpoint = endpoint!("early");
        let push = PushSocket::connect_with_reconnect(endpoint).await.unwrap();
        push.send("early").await.unwrap();
        rt::yield_now().await;
        let pull = PullSocket::bind(endpoint).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "early");
    });
}
