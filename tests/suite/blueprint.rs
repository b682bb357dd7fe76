//! The usage examples of the resilience blueprint, in bounded form.

use std::time::Duration;

use super::rt::{self, *};

async fn router() -> (RouterSocket, Endpoint) {
    let router = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
    let endpoint = router.local_endpoint().unwrap();
    (router, endpoint)
}

/// Option 1 of the dual API pattern: the user owns the stream, and failures are the user's.
#[test]
fn explicit_stream_control() {
    rt::run(async {
        let (router, endpoint) = router().await;
        let stream = rt::tcp(&endpoint).await;
        let dealer = DealerSocket::from_tcp(stream).await.unwrap();
        dealer.send("msg").await.unwrap();
        assert_eq!(router.recv().await.unwrap()[1], "msg");

        router.close().await;
        assert!(matches!(dealer.recv().await, Err(Error::NotConnected)), "no reconnection");
        let refused = dealer.send("msg").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotConnected);
        assert_eq!(refused.into_message()[0], "msg");
    });
}

/// Option 2, and "automatic reconnection": the loop of the blueprint, until it has sent three.
#[test]
fn automatic_reconnection() {
    async fn send_three(dealer: &DealerSocket) -> Result<u32, std::io::Error> {
        let mut failures = 0;
        let mut sent = 0;
        while sent < 3 {
            match dealer.send_with_reconnect(vec![Bytes::from("REQUEST")]).await {
                Ok(()) => sent += 1,
                Err(e) if e.kind() == ErrorKind::NotConnected => failures += 1,
                Err(e) => return Err(e.into()),
            }
            if failures == 2 {
                break;
            }
        }
        Ok(failures)
    }
    rt::run(async {
        let (router, endpoint) = router().await;
        let options = SocketOptions::default()
            .with_backoff(Backoff::new().with_initial(Duration::from_millis(5)))
            .with_identity("client");
        let connecting = DealerSocket::connect_with_reconnect_and_options(&endpoint, options);
        let dealer = connecting.await.unwrap();
        assert_eq!(send_three(&dealer).await.unwrap(), 0);
        for _ in 0..3 {
            assert_eq!(router.recv().await.unwrap()[1], "REQUEST");
        }

        // Nobody is there: each call reports the outcome of an attempt.
        router.close().await;
        let mut monitor = dealer.monitor();
        while dealer.is_connected() {
            monitor.next().await;
        }
        assert_eq!(send_three(&dealer).await.unwrap(), 2);

        // Back again: the same socket goes on.
        let router = RouterSocket::bind(&endpoint).await.unwrap();
        dealer.wait_for_peers(1).await.unwrap();
        assert_eq!(send_three(&dealer).await.unwrap(), 0);
        for _ in 0..3 {
            assert_eq!(router.recv().await.unwrap()[1], "REQUEST");
        }
        router.send_to("client", "reply").await.unwrap();
        assert_eq!(dealer.recv_with_reconnect().await.unwrap()[0], "reply");
    });
}

/// "HWM enforcement": a mark of 100 is hit after exactly 100 buffered messages.
#[test]
fn hwm_enforcement() {
    async fn thousand(dealer: &DealerSocket) -> Result<u32, std::io::Error> {
        let mut marks = 0;
        for i in 0..1000_u32 {
            match dealer.send_buffered(i.to_be_bytes()) {
                Ok(()) => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    assert_eq!(dealer.buffered_messages(), 100);
                    marks += 1;
                    dealer.flush().await?;
                    dealer.send_buffered(e.into_message())?;
                }
                Err(e) => return Err(e.into()),
            }
        }
        dealer.flush().await?;
        Ok(marks)
    }
    rt::run(async {
        let (router, endpoint) = router().await;
        let options = SocketOptions::default().with_send_hwm(100).with_flush_policy(FlushPolicy::Manual);
        let stream = rt::tcp(&endpoint).await;
        let dealer = DealerSocket::from_tcp_with_options(stream, options).await.unwrap();
        assert_eq!(thousand(&dealer).await.unwrap(), 9);
        for i in 0..1000_u32 {
            assert_eq!(router.recv().await.unwrap()[1], i.to_be_bytes());
        }
    });
}

/// "Cancellation-safe operations": a flush that timed out in the middle of a message has poisoned the
/// connection, and a new socket takes over.
#[test]
fn cancellation_safe_operations() {
    rt::run(async {
        let (router, endpoint) = router().await;
        // A peer that never reads: the message gets stuck half-way.
        let silent = rt::stalled_peer();
        let options = SocketOptions::default()
            .with_on_cancel(OnCancel::Poison)
            .with_flush_policy(FlushPolicy::Manual)
            .with_reconnect(false);
        let mut dealer = DealerSocket::connect_with_options(silent.endpoint(), options).await.unwrap();
        dealer.send_buffered(vec![7; 64 << 20]).unwrap();

        let result = rt::timeout(Duration::from_millis(200), dealer.flush()).await;
        assert!(result.is_none(), "the flush cannot end");
        assert!(dealer.is_poisoned());
        match dealer.flush().await {
            Err(e) if e.kind() == ErrorKind::BrokenPipe => {
                dealer = DealerSocket::connect_with_reconnect(&endpoint).await.unwrap();
            }
            other => panic!("expected a poisoned socket, got {other:?}"),
        }
        dealer.send("after").await.unwrap();
        assert_eq!(router.recv().await.unwrap()[1], "after");
    });
}

/// The byte budget is swapped in through the generic parameter.
#[test]
fn permits_swapped_by_generics() {
    async fn send_all<P: BytePermits>(dealer: &DealerSocket<P>) -> Result<()> {
        for n in 0..100_u32 {
            dealer.send(vec![n as u8; 1000]).await?;
        }
        dealer.flush().await
    }
    rt::run(async {
        let (router, endpoint) = router().await;
        let plain = DealerSocket::connect(&endpoint).await.unwrap();
        let budget = SemaphorePermits::new(10_000);
        let bounded: DealerSocket<SemaphorePermits> = plain.clone().with_permits(budget.clone());
        send_all(&plain).await.unwrap();
        send_all(&bounded).await.unwrap();
        for n in 0..200 {
            assert_eq!(router.recv().await.unwrap()[1], vec![(n % 100) as u8; 1000]);
        }
        assert_eq!(budget.available(), 10_000, "all bytes came back");
    });
}

/// "HWM enforcement demo": without anybody to read, five messages fit below a mark of five.
#[test]
fn hwm_demo_at_five_messages() {
    rt::run(async {
        let (_router, endpoint) = router().await;
        let options = SocketOptions::default().with_send_hwm(5).with_flush_policy(FlushPolicy::Manual);
        let dealer = DealerSocket::connect_with_options(&endpoint, options).await.unwrap();
        let accepted = (0..100).take_while(|_| dealer.send_buffered("x").is_ok()).count();
        assert_eq!(accepted, 5);
        assert!(matches!(dealer.try_send("x").unwrap_err().error(), Error::WouldBlock));
    });
}
