//! What becomes of messages while no peer is connected, and of calls that wait for too long.

use futures_util::{SinkExt, StreamExt};

use super::support::*;

async fn alone(policy: WhileDisconnected) -> Push {
    let options = without_heartbeats()
        .with_while_disconnected(policy)
        .with_send_hwm(5)
        .with_backoff(Backoff::new().with_initial(ms(10)).with_max(ms(10)));
    Push::connect_with_reconnect_and_options(SERVER, options).await.unwrap()
}

#[test]
fn messages_wait_up_to_marks_of_their_own() {
    Sim::new(1).block_on(async {
        let bytes = 7 * (5 + Frame::COST);
        let push = alone(WhileDisconnected::QueueUpTo { messages: 10, bytes, max_age: None }).await;
        let accepted = (0..20).take_while(|_| push.try_send([0; 5]).is_ok()).count();
        assert_eq!(accepted, 7);
        let refused = push.try_send([1; 5]).unwrap_err();
        assert!(matches!(refused.error(), Error::WouldBlock));
        let pull = Pull::bind(SERVER).await.unwrap();
        for _ in 0..7 {
            assert_eq!(pull.recv().await.unwrap()[0], [0; 5]);
        }
        assert_balanced(&push.stats());
    });
}

#[test]
fn messages_expire() {
    Sim::new(1).block_on(async {
        let max_age = Some(ms(500));
        let push = alone(WhileDisconnected::QueueUpTo { messages: 10, bytes: 1000, max_age }).await;
        let mut monitor = push.monitor();
        push.send("old").await.unwrap();
        sim::sleep(ms(300)).await;
        push.send("new").await.unwrap();
        sim::sleep(ms(300)).await;
        let dropped = event(&mut monitor, |event| match event {
            SocketEvent::MessagesDropped { cause, count, .. } => Some((*cause, *count)),
            _ => None,
        });
        assert_eq!(dropped.await, (DropCause::Expired, 1));
        assert_eq!((push.buffered_messages(), push.stats().dropped(DropCause::Expired)), (1, 1));
        let pull = Pull::bind(SERVER).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "new");
        assert_balanced(&push.stats());
    });
}

#[test]
fn sending_can_fail_or_wait_instead() {
    Sim::new(1).block_on(async {
        let push = alone(WhileDisconnected::Fail).await;
        let refused = push.send("x").await.unwrap_err();
        assert!(matches!(refused.error(), Error::NotConnected));
        assert_eq!(refused.into_message(), Message::from("x"));

        let waiting = alone(WhileDisconnected::Wait).await;
        assert!(matches!(waiting.try_send("x").unwrap_err().error(), Error::WouldBlock));
        let send = sim::spawn({
            let waiting = waiting.clone();
            async move { waiting.send("y").await.unwrap() }
        });
        sim::sleep(ms(50)).await;
        assert!(!send.is_finished());
        assert_eq!(waiting.buffered_messages(), 0);
        drop(push);
        let pull = Pull::bind(SERVER).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "y");
    });
}

#[test]
fn calls_that_wait_too_long_fail_and_lose_nothing() {
    Sim::new(1).block_on(async {
        let options = without_heartbeats()
            .with_send_hwm(1)
            .with_recv_timeout(Some(ms(70)))
            .with_send_timeout(Some(ms(50)));
        let dealer = Dealer::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
        let begin = sim::now();
        dealer.send("queued").await.unwrap();
        let refused = dealer.send("refused").await.unwrap_err();
        assert!(matches!(refused.error(), Error::Timeout(TimeoutKind::Send)));
        assert_eq!(refused.into_message(), Message::from("refused"));
        assert_eq!(sim::now() - begin, ms(50));
        assert!(matches!(dealer.recv().await.unwrap_err(), Error::Timeout(TimeoutKind::Recv)));
        assert_eq!(sim::now() - begin, ms(120));
        let router = Router::bind(SERVER).await.unwrap();
        let (identity, message) = router.recv_from().await.unwrap();
        assert_eq!(message[0], "queued");
        router.send_to(identity, "reply").await.unwrap();
        assert_eq!(dealer.recv().await.unwrap()[0], "reply");
    });
}

/// Streams and sinks outlive the calls that they stand for: each message has its own limit, and the end of
/// one is not the end of all.
#[test]
fn each_item_of_a_stream_and_a_sink_has_a_limit_of_its_own() {
    Sim::new(1).block_on(async {
        let limited = without_heartbeats().with_recv_timeout(Some(ms(70))).with_send_timeout(Some(ms(50)));
        let mut pull = Pull::bind_with_options(SERVER, limited.clone()).await.unwrap();
        let push = Push::connect(SERVER).await.unwrap();
        for _ in 0..3 {
            let late = async {
                sim::sleep(ms(60)).await;
                push.send("in time").await.unwrap();
            };
            let (item, ()) = futures_util::future::join(pull.next(), late).await;
            assert_eq!(item.unwrap().unwrap()[0], "in time");
        }
        for _ in 0..2 {
            let begin = sim::now();
            let item = pull.next().await.unwrap();
            assert!(matches!(item, Err(Error::Timeout(TimeoutKind::Recv))));
            assert_eq!(sim::now() - begin, ms(70));
        }
        push.send("still there").await.unwrap();
        assert_eq!(pull.next().await.unwrap().unwrap()[0], "still there");

        let mut alone = Push::new(limited).unwrap();
        for _ in 0..2 {
            let begin = sim::now();
            let refused = SinkExt::send(&mut alone, "x".into()).await.unwrap_err();
            assert!(matches!(refused.error(), Error::Timeout(TimeoutKind::Send)));
            assert_eq!(refused.into_message(), Some(Message::from("x")));
            assert_eq!(sim::now() - begin, ms(50));
        }
    });
}
